//! What is known of a detection rule before it fires: its id, text, mapping and examples.
//!
//! The form only: rules stand beside their code, in the engines that have them.

use crate::attack::{Tactic, Technique};
use crate::detection::Confidence;
use crate::record::Source;
use crate::severity::Severity;

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

/// Documentation and test at once. Both are events as the source writes them, cut to what matters.
#[derive(Debug, Clone, Copy)]
pub struct Examples {
    /// The rule fires on this event.
    pub fires: &'static str,
    /// The rule does not fire on this one, although it is much alike.
    pub quiet: &'static str,
}
