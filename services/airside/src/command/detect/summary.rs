//! What was found, summed up for people: by rule, by actor, by technique. Memory is bounded by how many of each
//! there are, not by how often they come.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use airside_detect::audit::declared::AUTHORISED_BY;
use airside_detect::audit::{self, COUNTED_IN};
use airside_types::{Detection, LinkRole, Place, Severity, Timestamp};

use crate::show::{self, FAINT, RESET, STRONG};

/// How many actors are told apart; the detections of others are counted together.
const MOST_ACTORS: usize = 50_000;
/// How many actors are shown.
const SHOWN_ACTORS: usize = 20;
/// How many actors of one rule are told apart, and how many of them are shown.
const MOST_OF_RULE: usize = 1_000;
const SHOWN_OF_RULE: usize = 3;
/// All actors beyond those who are told apart.
const OTHERS: &str = "others";

/// The detections so far.
#[derive(Debug, Default)]
pub(super) struct Summary {
    rules: BTreeMap<(Reverse<Severity>, String), OfRule>,
    actors: BTreeMap<String, OfActor>,
    /// By tactic, in the order of an attack, and the technique's id and name.
    techniques: BTreeMap<(airside_types::Tactic, &'static str), OfTechnique>,
    /// How many detections each rule of a declaration authorises.
    authorised: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct OfRule {
    title: String,
    example: String,
    origin: Option<Place>,
    count: u64,
    /// Who did it, each how often: up to [`MOST_OF_RULE`] of them, and others together.
    by: BTreeMap<String, u64>,
    /// How many more controllers did, to carry it out.
    carried_out: u64,
    span: Span,
}

#[derive(Debug)]
struct OfActor {
    /// By severity, the lowest first.
    counts: [u64; Severity::ALL.len()],
    span: Span,
    techniques: BTreeSet<&'static str>,
}

#[derive(Debug)]
struct OfTechnique {
    name: &'static str,
    count: u64,
    worst: Severity,
}

/// When something was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

impl Span {
    pub(super) const fn at(time: Timestamp) -> Self {
        Self { first: time, last: time }
    }

    pub(super) fn take(&mut self, time: Timestamp) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }
}

impl Span {
    /// The end, without the day if that is the day of the beginning.
    pub(super) fn end(&self) -> String {
        let (first, last) = (seconds(self.first), seconds(self.last));
        match (first.split_once('T'), last.split_once('T')) {
            (Some((day, _)), Some((same, time))) if day == same => time.to_owned(),
            _ => last,
        }
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first = seconds(self.first);
        if first == seconds(self.last) {
            f.write_str(&first)
        } else {
            write!(f, "{first} to {}", self.end())
        }
    }
}

/// A time to the second.
pub(super) fn seconds(time: Timestamp) -> String {
    // What an event without a time has.
    if time == Timestamp::EPOCH {
        return "time unknown".to_owned();
    }
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

impl Summary {
    /// Takes a detection in.
    pub(super) fn take(&mut self, detection: &Detection, time: Timestamp) {
        if detection.values.iter().any(|value| value.name == COUNTED_IN) {
            self.take_carried_out(detection, time);
            return;
        }
        let of_rule = (Reverse(detection.severity), detection.rule.clone());
        let of_rule = self.rules.entry(of_rule).or_insert_with(|| OfRule {
            title: detection.title.clone(),
            example: detection.message.clone(),
            origin: detection.origin.clone(),
            count: 0,
            by: BTreeMap::new(),
            carried_out: 0,
            span: Span::at(time),
        });
        of_rule.count += 1;
        of_rule.span.take(time);
        let techniques = detection.techniques.iter();
        let mut actor = actor(detection);
        let is_known = of_rule.by.len() < MOST_OF_RULE || of_rule.by.contains_key(&actor);
        let by = if is_known { actor.clone() } else { OTHERS.to_owned() };
        *of_rule.by.entry(by).or_default() += 1;
        if self.actors.len() >= MOST_ACTORS && !self.actors.contains_key(&actor) {
            OTHERS.clone_into(&mut actor);
        }
        let of_actor = self.actors.entry(actor).or_insert_with(|| OfActor {
            counts: [0; Severity::ALL.len()],
            span: Span::at(time),
            techniques: BTreeSet::new(),
        });
        for (count, severity) in of_actor.counts.iter_mut().zip(Severity::ALL) {
            *count += u64::from(severity == detection.severity);
        }
        of_actor.span.take(time);
        if detection.severity > Severity::Info {
            of_actor.techniques.extend(techniques.clone().map(|it| it.id()));
        }
        for technique in techniques.filter(|_| detection.severity > Severity::Info) {
            let key = (detection.tactic, technique.id());
            let of_technique = self.techniques.entry(key).or_insert_with(|| OfTechnique {
                name: technique.name(),
                count: 0,
                worst: Severity::Info,
            });
            of_technique.count += 1;
            of_technique.worst = of_technique.worst.max(detection.severity);
        }
        let by = detection.values.iter().find(|value| value.name == AUTHORISED_BY);
        if let Some(by) = by {
            *self.authorised.entry(by.value.clone()).or_default() += 1;
        }
    }

    /// Counts what a controller made beside what was told of who asked for it, by the same rule: the line that
    /// weighs as much at least.
    fn take_carried_out(&mut self, detection: &Detection, time: Timestamp) {
        let is_its = |severity: Severity, rule: &str| {
            audit::said_by(rule) == audit::said_by(&detection.rule)
                && severity >= detection.severity
        };
        let mut lines = self.rules.iter_mut();
        if let Some((_, line)) =
            lines.find(|((Reverse(severity), rule), _)| is_its(*severity, rule))
        {
            line.carried_out += 1;
            line.span.take(time);
        }
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = self.rules_text();
        out.push_str(&self.actors_text());
        out.push_str(&self.techniques_text());
        if !self.authorised.is_empty() {
            out.push_str(&format!("\n{STRONG}Authorised{RESET}\n"));
            for (rule, count) in &self.authorised {
                out.push_str(&format!("  {count:>7} ×  {}\n", show::clean(rule)));
            }
        }
        out
    }

    /// Two lines for each rule that fired, the most severe first: how often, from when to when, one example.
    fn rules_text(&self) -> String {
        let mut out = String::new();
        for ((Reverse(severity), rule), it) in &self.rules {
            let style = show::severity(*severity);
            let origin = it.origin.as_ref().map(ToString::to_string).unwrap_or_default();
            out.push_str(&format!(
                "{style}{severity:<8}{RESET}  {:>5} ×  {STRONG}{}{RESET}  {} {FAINT}({rule}){RESET}\n",
                it.count,
                show::clean(&it.title),
                show::clean(&origin),
            ));
            out.push_str(&format!("          {}\n", show::clean(&it.example)));
            if it.carried_out > 0 {
                let plural = if it.carried_out == 1 { "time" } else { "times" };
                out.push_str(&format!(
                    "          {FAINT}controllers carried it out {} {plural}{RESET}\n",
                    it.carried_out
                ));
            }
            if let Some(by) = it.by_text() {
                out.push_str(&format!("          {FAINT}by {}{RESET}\n", show::clean(&by)));
            }
            if it.count + it.carried_out > 1 {
                out.push_str(&format!("          {FAINT}{}{RESET}\n", it.span));
            }
        }
        out
    }

    fn actors_text(&self) -> String {
        let mut actors: Vec<_> = self.actors.iter().collect();
        actors.retain(|(_, it)| it.worst() > Severity::Info);
        // The worst first: by how many of the highest severity, then of the next.
        actors.sort_by_key(|(_, it)| Reverse(it.counts.iter().rev().copied().collect::<Vec<_>>()));
        if actors.is_empty() {
            return String::new();
        }
        let mut out = format!("\n{STRONG}By actor{RESET}\n");
        for (actor, it) in actors.iter().take(SHOWN_ACTORS) {
            let techniques: Vec<_> = it.techniques.iter().copied().collect();
            out.push_str(&format!(
                "  {STRONG}{}{RESET}  {}  {FAINT}{}{RESET}  {}\n",
                show::clean(actor),
                it.counts_text(),
                it.span,
                techniques.join(" "),
            ));
        }
        let quiet = self.actors.len() - actors.len();
        let more = actors.len().saturating_sub(SHOWN_ACTORS);
        for (count, what) in [(more, "more"), (quiet, "with info only")] {
            if count > 0 {
                out.push_str(&format!("  {FAINT}{count} {what}{RESET}\n"));
            }
        }
        out
    }

    fn techniques_text(&self) -> String {
        let mut out = String::new();
        let mut before = None;
        for ((tactic, id), it) in &self.techniques {
            if out.is_empty() {
                out.push_str(&format!("\n{STRONG}By technique{RESET}\n"));
            }
            let tactic = if before.replace(tactic) == Some(tactic) { "" } else { tactic.as_str() };
            let (style, worst) = (show::severity(it.worst), it.worst);
            out.push_str(&format!(
                "  {tactic:<21} {:>7} ×  {id:<10} {}  {FAINT}up to{RESET} {style}{worst}{RESET}\n",
                it.count, it.name
            ));
        }
        out
    }
}

impl OfRule {
    /// Who did it, where it was more than one: the example is of one of them.
    fn by_text(&self) -> Option<String> {
        let mut by: Vec<_> = self.by.iter().collect();
        by.sort_by_key(|(actor, count)| (*actor == OTHERS, Reverse(**count)));
        let shown =
            by.iter().take(SHOWN_OF_RULE).map(|(actor, count)| format!("{actor} ({count})"));
        let mut shown: Vec<_> = shown.collect();
        let more = by.len().saturating_sub(SHOWN_OF_RULE);
        if more > 0 {
            shown.push(format!("{more} more"));
        }
        (by.len() > 1).then(|| shown.join(", "))
    }
}

impl OfActor {
    fn worst(&self) -> Severity {
        let fired = self.counts.iter().zip(Severity::ALL).rfind(|(count, _)| **count > 0);
        fired.map_or(Severity::Info, |(_, severity)| severity)
    }

    fn counts_text(&self) -> String {
        let counts = self.counts.iter().zip(Severity::ALL).rev().filter(|(count, _)| **count > 0);
        let told: Vec<_> = counts
            .map(|(count, severity)| {
                format!("{count} {}{severity}{RESET}", show::severity(severity))
            })
            .collect();
        told.join(", ")
    }
}

/// Who did it; of what a controller carries out, who asked for it.
fn actor(detection: &Detection) -> String {
    let cause = detection.linked(LinkRole::Cause).next();
    let actor = cause.or_else(|| detection.linked(LinkRole::Actor).next());
    actor.map_or_else(|| "nobody known".to_owned(), ToString::to_string)
}
