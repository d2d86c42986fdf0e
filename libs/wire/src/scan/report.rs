//! What a scan saw, on the wire.
//!
//! Reports are never cut: a report with fewer findings would close findings that are still open.

use airside_types::{BoardingPass, Finding, Place};

use crate::invalid::InvalidField;
use crate::limits::MAX_REPORT_ENTRIES;
use crate::{bounded, field, v1};

/// A check that could not be judged for some object of the input, and says nothing about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotEvaluated {
    /// The check's id.
    pub check: String,
    /// What was missing.
    pub reason: String,
}

impl From<&NotEvaluated> for v1::NotEvaluated {
    fn from(unjudged: &NotEvaluated) -> Self {
        Self { check: bounded::identity(&unjudged.check), reason: bounded::text(&unjudged.reason) }
    }
}

impl TryFrom<v1::NotEvaluated> for NotEvaluated {
    type Error = InvalidField;

    fn try_from(unjudged: v1::NotEvaluated) -> Result<Self, Self::Error> {
        Ok(Self {
            check: field::identity("check", unjudged.check)?,
            reason: field::text("reason", unjudged.reason)?,
        })
    }
}

/// An input, or a part of it, that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where reading stopped.
    pub place: Place,
    /// Why.
    pub reason: String,
}

impl From<&Unreadable> for v1::Unreadable {
    fn from(unreadable: &Unreadable) -> Self {
        Self { place: Some((&unreadable.place).into()), reason: bounded::text(&unreadable.reason) }
    }
}

impl TryFrom<v1::Unreadable> for Unreadable {
    type Error = InvalidField;

    fn try_from(unreadable: v1::Unreadable) -> Result<Self, Self::Error> {
        Ok(Self {
            place: field::required("place", unreadable.place)?,
            reason: field::text("reason", unreadable.reason)?,
        })
    }
}

/// What a scan saw. Each list has at most [`MAX_REPORT_ENTRIES`] entries in one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanReport {
    /// The checks that failed.
    pub findings: Vec<Finding>,
    /// A boarding pass for each object.
    pub passes: Vec<BoardingPass>,
    /// Checks that could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Inputs, or parts of them, that could not be read.
    pub unreadable: Vec<Unreadable>,
}

impl ScanReport {
    /// Adds the entries of another part of the same report.
    pub fn append(&mut self, part: Self) {
        self.findings.extend(part.findings);
        self.passes.extend(part.passes);
        self.not_evaluated.extend(part.not_evaluated);
        self.unreadable.extend(part.unreadable);
    }

    /// How many entries all its lists have.
    pub const fn entries(&self) -> usize {
        self.findings.len() + self.passes.len() + self.not_evaluated.len() + self.unreadable.len()
    }
}

impl From<&ScanReport> for v1::ScanReport {
    fn from(report: &ScanReport) -> Self {
        Self {
            findings: report.findings.iter().map(Into::into).collect(),
            passes: report.passes.iter().map(Into::into).collect(),
            not_evaluated: report.not_evaluated.iter().map(Into::into).collect(),
            unreadable: report.unreadable.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::ScanReport> for ScanReport {
    type Error = InvalidField;

    fn try_from(report: v1::ScanReport) -> Result<Self, Self::Error> {
        Ok(Self {
            findings: field::list("findings", report.findings, MAX_REPORT_ENTRIES)?,
            passes: field::list("passes", report.passes, MAX_REPORT_ENTRIES)?,
            not_evaluated: field::list("not_evaluated", report.not_evaluated, MAX_REPORT_ENTRIES)?,
            unreadable: field::list("unreadable", report.unreadable, MAX_REPORT_ENTRIES)?,
        })
    }
}
