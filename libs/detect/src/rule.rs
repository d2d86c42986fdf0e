//! What is known of a rule before it fires: its id, text, mapping and examples.
//!
//! A rule's metadata stands beside its code (or, for alerts of other tools, in that tool's table);
//! this module owns only the form. [`crate::rules`] lists them all.

use airside_types::{Confidence, Severity, Source, Tactic, Technique};

/// A detection rule, as people and other tools refer to it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The id, such as `AUD-R24`. `R01` to `R92` are rows of the catalogue of audit detections; higher
    /// numbers are Airside's own. A suffix marks a part of a row.
    pub id: &'static str,
    /// Raised whenever the rule fires on other events than before.
    pub version: u32,
    /// What happened, as a short title.
    pub title: &'static str,
    /// Why it matters, in one or two sentences.
    pub why: &'static str,
    /// What an investigator looks at next, as one or two sentences.
    pub next: &'static str,
    /// How bad it is usually; a single event may be milder or worse.
    pub severity: Severity,
    /// How sure the rule is usually.
    pub confidence: Confidence,
    /// The attacker's goal that it serves.
    pub tactic: Tactic,
    /// ATT&CK techniques, the most specific first.
    pub techniques: &'static [Technique],
    /// Rules of other tools that mean the same, as `peer:its own id`.
    pub equivalents: &'static [&'static str],
    /// What it reads.
    pub source: Source,
    /// An event that fires it and one that does not; none where another tool decides.
    pub examples: Option<Examples>,
}

/// What a detection takes over from its rule, built in or people's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInfo {
    /// The id: `AUD-R24`; of an own rule one that no built-in rule can have.
    pub id: String,
    /// Raised whenever the rule fires on other events than before.
    pub version: u32,
    /// What happened, as a short title.
    pub title: String,
    /// How bad it is usually.
    pub severity: Severity,
    /// How sure the rule is usually.
    pub confidence: Confidence,
    /// The attacker's goal that it serves.
    pub tactic: Tactic,
    /// ATT&CK techniques, the most specific first.
    pub techniques: Vec<Technique>,
}

impl From<&Rule> for RuleInfo {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id.to_owned(),
            version: rule.version,
            title: rule.title.to_owned(),
            severity: rule.severity,
            confidence: rule.confidence,
            tactic: rule.tactic,
            techniques: rule.techniques.to_vec(),
        }
    }
}

/// Documentation and test at once. Both are events as the source writes them, cut to what matters.
#[derive(Debug, Clone, Copy)]
pub struct Examples {
    /// The rule fires on this event.
    pub fires: &'static str,
    /// The rule does not fire on this one, although it is much alike.
    pub quiet: &'static str,
}

/// Certain by the event's own words.
pub(crate) const SURE: Confidence = Confidence::per_mille(950);
/// True to the letter, though administrators do the same now and then.
pub(crate) const LIKELY: Confidence = Confidence::per_mille(800);
/// A pattern that has innocent explanations.
pub(crate) const PLAUSIBLE: Confidence = Confidence::per_mille(600);
/// An observation that means something only together with others.
pub(crate) const WEAK: Confidence = Confidence::per_mille(400);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_is_whole() {
        let mut ids = BTreeSet::new();
        for rule in crate::rules() {
            assert!(ids.insert(rule.id), "{} stands twice", rule.id);
            assert!(rule.version > 0 && !rule.title.is_empty(), "{}", rule.id);
            assert!(rule.why.ends_with('.'), "{} explains itself in sentences", rule.id);
            let prefix = rule.source.as_str().to_ascii_uppercase();
            assert!(rule.id.starts_with(prefix.get(..3).unwrap()), "{} is of {prefix}", rule.id);
            let serves =
                |technique: &airside_types::Technique| technique.tactics().contains(&rule.tactic);
            assert!(rule.techniques.iter().any(serves), "{}: none serves {}", rule.id, rule.tactic);
            let peers: BTreeSet<_> = rule.equivalents.iter().collect();
            assert_eq!(peers.len(), rule.equivalents.len(), "{} names a peer twice", rule.id);
            for peer in rule.equivalents {
                let (tool, id) = peer.split_once(':').unwrap();
                let known = [
                    "crowdsec",
                    "elastic",
                    "falco",
                    "guardduty",
                    "panther",
                    "sigma",
                    "splunk",
                    "stratus",
                ];
                assert!(known.contains(&tool) && !id.is_empty(), "{peer}");
            }
        }
    }
}
