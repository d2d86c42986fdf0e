//! Findings as people read them: counted by severity, grouped by check.

use std::collections::BTreeMap;

use airside_checks::{Check, catalogue};
use airside_types::Severity;

use crate::{Entry, Report};

/// How many findings of each severity, the worst first; those of the baseline apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Severities that occur, with the number of findings that are new.
    pub new: Vec<(Severity, usize)>,
    /// How many findings the baseline has.
    pub known: usize,
    /// How many are accepted.
    pub accepted: usize,
}

/// The findings of one check.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The check.
    pub check: &'static Check,
    /// The worst severity of its findings.
    pub severity: Severity,
    /// Its findings that are not in the baseline, the worst first, else in the order of the scan.
    pub entries: Vec<Entry<'a>>,
}

impl Report<'_> {
    /// The numbers.
    pub fn summary(&self) -> Summary {
        let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
        let mut known = 0;
        for entry in self.entries() {
            if entry.is_known {
                known += 1;
            } else {
                *counts.entry(entry.finding.severity).or_default() += 1;
            }
        }
        Summary { new: counts.into_iter().rev().collect(), known, accepted: self.accepted.len() }
    }
}

impl<'a> Report<'a> {
    /// What is new, by check: the worst first, then what is found most often.
    pub fn groups(&self) -> Vec<Group<'a>> {
        let mut groups: BTreeMap<&str, (&'static Check, Vec<Entry<'a>>)> = BTreeMap::new();
        for entry in self.entries().filter(|entry| !entry.is_known) {
            if let Some(check) = catalogue::find(&entry.finding.check) {
                groups.entry(check.id).or_insert_with(|| (check, Vec::new())).1.push(entry);
            }
        }
        let mut groups: Vec<_> = groups
            .into_values()
            .filter_map(|(check, mut entries)| {
                // What is worst is shown first; the order of the scan is kept among equals.
                // Of vulnerabilities, those that are exploited come before those that may be.
                entries.sort_by(|left, right| {
                    let rank = |entry: &Entry<'_>| {
                        let facts = self.facts.about(&entry.finding.check);
                        let is_exploited = facts.is_some_and(|it| it.known_exploited);
                        (entry.finding.severity, is_exploited)
                    };
                    let probability = |entry: &Entry<'_>| {
                        let facts = self.facts.about(&entry.finding.check);
                        facts.and_then(|it| it.epss).unwrap_or_default()
                    };
                    rank(right)
                        .cmp(&rank(left))
                        .then_with(|| probability(right).total_cmp(&probability(left)))
                });
                let severity = entries.first()?.finding.severity;
                Some(Group { check, severity, entries })
            })
            .collect();
        groups.sort_by_key(|group| {
            (std::cmp::Reverse(group.severity), std::cmp::Reverse(group.entries.len()))
        });
        groups
    }
}
