//! The rules' confidences, and what holds for every rule. What a rule is made of is
//! [`airside_types::rule`]'s; a rule's metadata stands beside its code (or, for alerts of other tools, in
//! that tool's table), and [`crate::rules`] lists them all.

use airside_types::Confidence;
pub use airside_types::rule::{Examples, Rule};

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
