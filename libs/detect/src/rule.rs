//! The rules' confidences, and what holds for every rule. What a rule is made of is
//! [`airside_types::rule`]'s; a rule's metadata stands beside its code (or, for alerts of other tools, in
//! that tool's table), and [`crate::rules`] lists them all.

pub use airside_types::rule::{Examples, Rule};
use airside_types::{Confidence, Severity, Tactic, Technique};

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

    use airside_types::Source;

    #[test]
    fn every_rule_is_whole() {
        let mut ids = BTreeSet::new();
        for rule in crate::rules() {
            assert!(ids.insert(rule.id), "{} stands twice", rule.id);
            assert!(rule.version > 0 && !rule.title.is_empty(), "{}", rule.id);
            assert!(rule.why.ends_with('.'), "{} explains itself in sentences", rule.id);
            let is_told = rule.next.ends_with(['.', '?']);
            assert!(is_told || rule.source != Source::Audit, "{}: what to look at next", rule.id);
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
