//! Something that is rare, with what is usual and how rare it is.

use airside_types::{Rule, Severity};

use crate::memory::Novelty;

/// What a model finds worth telling about an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// The model's id, such as `AUD-B01`; its text is among [`crate::rules`].
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was done, after the actor's name: `got secrets in shop for the first time`.
    pub seen: String,
    /// What is usual: `in 212 hours it did 9 different things, none of them this`.
    pub usual: String,
    /// How many of a million occasions would be like it, at most.
    pub per_million: u32,
}

impl Anomaly {
    /// An anomaly of a model at its usual severity.
    pub(crate) fn of(rule: &'static Rule, seen: String, usual: String, per_million: u32) -> Self {
        let per_million = per_million.clamp(1, 1_000_000);
        Self { rule: rule.id, severity: rule.severity, seen, usual, per_million }
    }

    /// At another severity.
    pub(crate) fn at(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

impl Novelty {
    /// Whether something new is rarer than so many of a million, by enough occasions to say so.
    pub(crate) const fn is_rarer_than(&self, per_million: u32) -> bool {
        self.per_million <= per_million
    }
}

/// How many of a million, as the highest of so many windows.
pub(crate) fn highest_of(windows: u32) -> u32 {
    1_000_000 / windows.saturating_add(1)
}

/// So many of something, in words.
pub(crate) fn counted(number: u32, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}
