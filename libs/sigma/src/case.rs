//! Cases beside rules: events, and whether a rule is expected to fire on them.
//!
//! A document names a rule and lists cases:
//!
//! ```yaml
//! rule: Shell in production
//! cases:
//! - name: somebody goes in
//!   event: {verb: create, user: {username: alice}, objectRef: {resource: pods, subresource: exec, namespace: shop}}
//!   expect: fires
//! ```
//!
//! A correlation rule is given `events`, each with its `stageTimestamp`. Events may be cut to what matters.

mod read;

use std::collections::BTreeSet;
use std::time::Duration;

use airside_detect::audit::Event;
use airside_detect::{Clock, ClusterProfile, Intake};
use airside_types::{Cluster, Payload, Place, Record, Tenant};

use crate::correlation::{Correlating, Limits};
use crate::set::RuleSet;

pub use read::{CaseProblem, read};

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// The rule, by its id, name or title.
    pub rule: String,
    /// What is expected.
    pub expected: Expected,
    /// How often it fires.
    pub times: Option<usize>,
    /// What the message or a value has to contain.
    pub message: Option<String>,
    /// The events as JSON.
    events: Vec<String>,
}

/// What a rule is expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It fires, once or more.
    Fires,
    /// It does not.
    Quiet,
}

impl Expected {
    /// What a case can expect.
    pub const ALL: [Self; 2] = [Self::Fires, Self::Quiet];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fires => "fires",
            Self::Quiet => "quiet",
        }
    }
}

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As expected, with the messages.
    AsExpected(Vec<String>),
    /// Otherwise: what to know about it.
    Otherwise(String),
}

impl Case {
    /// Asks the rule.
    pub fn run(&self, rules: &RuleSet) -> Ending {
        let Some(rule) = rules.find(&self.rule) else {
            return Ending::Otherwise(format!("there is no rule `{}` that can be read", self.rule));
        };
        match self.fired(rules, &rule.id) {
            Ok(fired) => self.judge(&fired),
            Err(problem) => Ending::Otherwise(problem),
        }
    }

    fn fired(&self, rules: &RuleSet, id: &str) -> Result<Vec<Record>, String> {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let intake = Intake {
            tenant: &tenant,
            cluster: &cluster,
            clock: Clock::Recorded,
            profile: ClusterProfile::unknown(),
            origin: None,
        };
        // The events are all there: each waits until the last is read.
        let limits = Limits { lateness: Duration::MAX, ..Limits::default() };
        let mut state = Correlating::new(limits);
        let mut fired = Vec::new();
        for (number, text) in self.events.iter().enumerate() {
            let mut event = Event::parse(text)
                .map_err(|error| format!("its event is no audit event: {error}"))?;
            // Events that are cut to what matters are still different events.
            if event.audit_id.is_empty() {
                event.audit_id = format!("event-{number}").into();
            }
            if !event.is_event() {
                let parts = "`verb` or `user.username`, and `objectRef` or `requestURI`";
                return Err(format!("its event is no audit event: that has {parts}"));
            }
            fired.extend(state.observe(rules, &event, &intake));
            // A rule that only serves others fires here all the same.
            fired.extend(rules.alone(id, &event, &intake));
        }
        fired.extend(state.finish(rules));
        let of_rule = |it: &Record| matches!(&it.payload, Payload::Detection(it) if it.rule == id);
        let mut seen = BTreeSet::new();
        fired.retain(|record| of_rule(record) && seen.insert(record.id));
        Ok(fired)
    }

    fn judge(&self, fired: &[Record]) -> Ending {
        let expected = self.expected.as_str();
        let messages: Vec<String> = fired.iter().map(told).collect();
        let is_so = match self.expected {
            Expected::Fires => !fired.is_empty(),
            Expected::Quiet => fired.is_empty(),
        };
        if !is_so {
            let said = if fired.is_empty() { "quiet".to_owned() } else { messages.join("; ") };
            return Ending::Otherwise(format!("expected {expected}, got {said}"));
        }
        if let Some(times) = self.times.filter(|times| *times != fired.len()) {
            return Ending::Otherwise(format!("it fires {} times, not {times}", fired.len()));
        }
        match &self.message {
            Some(wanted) if !messages.iter().any(|message| message.contains(wanted)) => {
                let said = messages.join("; ");
                Ending::Otherwise(format!(
                    "{expected} as expected, but `{wanted}` is not in: {said}"
                ))
            }
            _ => Ending::AsExpected(messages),
        }
    }
}

/// What a detection says, with the values that made the rule fire.
fn told(record: &Record) -> String {
    let Payload::Detection(detection) = &record.payload else { return String::new() };
    let values: Vec<_> =
        detection.values.iter().map(|it| format!("{}: {}", it.name, it.value)).collect();
    format!("{} ({})", detection.message.trim_end_matches('.'), values.join(", "))
}
