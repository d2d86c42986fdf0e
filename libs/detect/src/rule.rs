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

/// Certain by the event's own words.
pub(crate) const SURE: Confidence = Confidence::per_mille(950);
/// True to the letter, though administrators do the same now and then.
pub(crate) const LIKELY: Confidence = Confidence::per_mille(800);
/// A pattern that has innocent explanations.
pub(crate) const PLAUSIBLE: Confidence = Confidence::per_mille(600);
/// An observation that means something only together with others.
pub(crate) const WEAK: Confidence = Confidence::per_mille(400);
