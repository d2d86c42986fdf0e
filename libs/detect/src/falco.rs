//! Falco's alerts, exactly as its HTTP, file and standard outputs write them (0.40 and newer).
//!
//! Owns the form of an alert and which detection it is. Falco decides what is an alert; the table in
//! [`rules`](self::rules()) says what each of its rules means. Rules of people's own are mapped by
//! priority and tags.

use std::collections::BTreeMap;

use airside_types::{
    Confidence, Detection, Id, NamedValue, Phase, Record, Severity, Source, Tactic, Technique,
    Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

use crate::command;
use crate::intake::Intake;
use crate::rule::Rule;
use crate::runtime::Unreadable;

mod drops;
mod links;
mod rules;

/// What Falco's own rules are mapped to.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    rules::RULES.iter()
}

/// One alert. Every field may be missing: people template and filter them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Alert {
    hostname: Option<String>,
    rule: String,
    priority: Option<String>,
    output: Option<String>,
    time: Option<String>,
    source: Option<String>,
    tags: Option<Vec<String>>,
    output_fields: Option<BTreeMap<String, Value>>,
}

/// Names under which Falco reports about itself.
const INTERNAL: &str = "Falco internal:";

/// Reads one alert.
pub(crate) fn read(record: &[u8], intake: &Intake<'_>) -> Result<Vec<Record>, Unreadable> {
    let malformed = |reason: String| Unreadable::Malformed { source_name: "falco", reason };
    let alert: Alert =
        serde_json::from_slice(record).map_err(|error| malformed(error.to_string()))?;
    if alert.rule.is_empty() {
        return Err(malformed("it has no `rule`".to_owned()));
    }
    if alert.rule.starts_with(INTERNAL) {
        return Ok(drops::gap(&alert).map(|gap| intake.gap(gap)).into_iter().collect());
    }
    Ok(alert.records(intake))
}

impl Alert {
    /// A field of the alert as text; empty if it is missing, `null` or Falco's `<NA>`.
    fn field(&self, name: &str) -> &str {
        let value = self.output_fields.as_ref().and_then(|fields| fields.get(name)?.as_str());
        value.filter(|text| !matches!(*text, "<NA>" | "null" | "N/A")).unwrap_or_default()
    }

    /// A field of the alert as a number, which old versions write as text.
    fn number(&self, name: &str) -> Option<i64> {
        match self.output_fields.as_ref()?.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// When the event happened: RFC 3339 in `time`, else nanoseconds in `evt.time`.
    fn time(&self) -> Option<Timestamp> {
        let said = self.time.as_deref().and_then(|text| Timestamp::parse_rfc3339(text).ok());
        said.or_else(|| self.number("evt.time").map(Timestamp::from_nanos))
    }

    /// The alert's identity: two alerts of one rule at one nanosecond on one node differ in their fields.
    fn event_id(&self, intake: &Intake<'_>) -> Id {
        let id = intake
            .event_id(Source::Falco)
            .optional(self.hostname.as_deref())
            .text(&self.rule)
            .optional(self.time.as_deref());
        // A map of the standard library keeps its keys sorted, so the text is the same for the same fields.
        let fields = self.output_fields.iter().flatten();
        fields.fold(id, |id, (name, value)| id.text(name).text(&value.to_string())).finish()
    }

    fn records(&self, intake: &Intake<'_>) -> Vec<Record> {
        let (event, time) = (self.event_id(intake), self.time());
        let mut records =
            vec![intake.detection(Source::Falco, event, time, self.detection(intake))];
        for fact in links::facts(self, time) {
            records.push(intake.fact(Source::Falco, fact));
        }
        records
    }

    fn detection(&self, intake: &Intake<'_>) -> Detection {
        let meaning = Meaning::of(self);
        Detection {
            rule: meaning.rule,
            rule_version: 1,
            title: self.rule.clone(),
            message: self.message(),
            severity: meaning.severity,
            confidence: meaning.confidence,
            tactic: meaning.tactic,
            techniques: meaning.techniques,
            phase: Phase::Runtime,
            links: links::of(self).into(),
            values: self.values().into(),
            native_id: format!("{} {}", self.time.as_deref().unwrap_or_default(), self.rule),
            origin: intake.place(),
            event: None,
            repeats: None,
        }
    }

    /// One sentence: which rule, what ran, where.
    fn message(&self) -> String {
        let mut text = self.rule.clone();
        let line = self.field("proc.cmdline");
        if !line.is_empty() {
            text.push_str(&format!(": `{}`", command::shown(line, 160)));
        }
        let place = links::place(self);
        if !place.is_empty() {
            text.push_str(&format!(" in {place}"));
        }
        text.push('.');
        text
    }

    fn values(&self) -> Vec<NamedValue> {
        const KEPT: [&str; 11] = [
            "proc.cmdline",
            "proc.exepath",
            "proc.pname",
            "proc.pcmdline",
            "user.name",
            "user.uid",
            "fd.name",
            "evt.type",
            "evt.res",
            "container.image.repository",
            "container.image.tag",
        ];
        let present = KEPT.into_iter().filter_map(|name| {
            let value = match self.field(name) {
                "" => self.number(name)?.to_string(),
                text => command::shown(text, 400),
            };
            Some(NamedValue { name: name.to_owned(), value })
        });
        present.collect()
    }
}

/// What an alert means in Airside's words.
struct Meaning {
    rule: String,
    severity: Severity,
    confidence: Confidence,
    tactic: Tactic,
    techniques: Vec<Technique>,
}

impl Meaning {
    fn of(alert: &Alert) -> Self {
        match rules().find(|rule| rule.title == alert.rule) {
            Some(rule) => Self {
                rule: rule.id.to_owned(),
                severity: rule.severity,
                confidence: rule.confidence,
                tactic: rule.tactic,
                techniques: rule.techniques.to_vec(),
            },
            None => Self::of_own_rule(alert),
        }
    }

    /// A rule that people wrote themselves: its priority and tags are all there is.
    fn of_own_rule(alert: &Alert) -> Self {
        let tags = || alert.tags.iter().flatten();
        let techniques: Vec<_> = tags().filter_map(|tag| Technique::find(tag)).collect();
        let tagged = tags()
            .find_map(|tag| tag.strip_prefix("mitre_")?.replace('_', "-").parse::<Tactic>().ok());
        let of_technique = || techniques.first()?.tactics().first().copied();
        let severity = match alert.priority.as_deref().unwrap_or_default() {
            "Emergency" | "Alert" => Severity::Critical,
            "Critical" => Severity::High,
            "Error" | "Warning" => Severity::Medium,
            "Notice" => Severity::Low,
            _ => Severity::Info,
        };
        Self {
            rule: format!("FALCO-{}", slug(&alert.rule)),
            severity,
            confidence: Confidence::per_mille(500),
            tactic: tagged.or_else(of_technique).unwrap_or(Tactic::Execution),
            techniques,
        }
    }
}

/// The longest part of a rule's name that becomes part of an id, in bytes.
const MAX_SLUG: usize = 80;

/// A name in lower case, with a dash for whatever is neither letter nor digit.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()).take(MAX_SLUG) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
