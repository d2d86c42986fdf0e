//! What a scan saw, on the wire.
//!
//! Reports are never cut: a report with fewer findings would close findings that are still open.

use airside_types::{BoardingPass, Finding, ObjectRef, Place, Severity, Timestamp};

use crate::closed_list::ClosedList;
use crate::invalid::InvalidField;
use crate::limits::{MAX_LEFT_OUT, MAX_REPORT_ENTRIES};
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

/// An object that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedObject {
    /// The object, by name.
    pub object: ObjectRef,
    /// Its API version as written.
    pub api_version: String,
    /// Where it starts.
    pub place: Place,
    /// How many of the findings, which stand in the order of the objects, are its own.
    pub findings: u32,
}

impl From<&JudgedObject> for v1::JudgedObject {
    fn from(judged: &JudgedObject) -> Self {
        Self {
            object: Some((&judged.object).into()),
            api_version: bounded::identity(&judged.api_version),
            place: Some((&judged.place).into()),
            findings: judged.findings,
        }
    }
}

impl TryFrom<v1::JudgedObject> for JudgedObject {
    type Error = InvalidField;

    fn try_from(judged: v1::JudgedObject) -> Result<Self, Self::Error> {
        Ok(Self {
            object: field::required("object", judged.object)?,
            api_version: field::identity("api_version", judged.api_version)?,
            place: field::required("place", judged.place)?,
            findings: judged.findings,
        })
    }
}

/// A failure that somebody has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedFailure {
    /// The failure.
    pub finding: Finding,
    /// Why it is accepted.
    pub reason: String,
    /// From when on it no longer is.
    pub until: Option<Timestamp>,
    /// Where the exception is written.
    pub place: Place,
}

impl From<&AcceptedFailure> for v1::AcceptedFailure {
    fn from(accepted: &AcceptedFailure) -> Self {
        Self {
            finding: Some((&accepted.finding).into()),
            reason: bounded::text(&accepted.reason),
            until_unix_nanos: accepted.until.map(Timestamp::as_nanos),
            place: Some((&accepted.place).into()),
        }
    }
}

impl TryFrom<v1::AcceptedFailure> for AcceptedFailure {
    type Error = InvalidField;

    fn try_from(accepted: v1::AcceptedFailure) -> Result<Self, Self::Error> {
        Ok(Self {
            finding: field::required("finding", accepted.finding)?,
            reason: field::text("reason", accepted.reason)?,
            until: accepted.until_unix_nanos.map(field::moment),
            place: field::required("place", accepted.place)?,
        })
    }
}

/// An exception that has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IneffectiveException {
    /// Where it is written.
    pub place: Place,
    /// Why it has none, and what to do.
    pub problem: String,
}

impl From<&IneffectiveException> for v1::IneffectiveException {
    fn from(ineffective: &IneffectiveException) -> Self {
        let (place, problem) = (Some((&ineffective.place).into()), &ineffective.problem);
        Self { place, problem: bounded::text(problem) }
    }
}

impl TryFrom<v1::IneffectiveException> for IneffectiveException {
    type Error = InvalidField;

    fn try_from(ineffective: v1::IneffectiveException) -> Result<Self, Self::Error> {
        Ok(Self {
            place: field::required("place", ineffective.place)?,
            problem: field::text("problem", ineffective.problem)?,
        })
    }
}

/// By which terms a scan was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanTerms {
    /// The profile.
    pub profile: String,
    /// The ids of the checks that did not count.
    pub left_out: Vec<String>,
    /// The checks whose findings have another severity than the catalogue's.
    pub severities: Vec<(String, Severity)>,
    /// From which severity on a finding fails its object.
    pub fail_on: Severity,
}

impl From<&ScanTerms> for v1::ScanTerms {
    fn from(terms: &ScanTerms) -> Self {
        let severity = |(check, severity): &(String, Severity)| v1::CheckSeverity {
            check: bounded::identity(check),
            severity: severity.to_wire(),
        };
        Self {
            profile: bounded::identity(&terms.profile),
            left_out: terms.left_out.iter().map(|check| bounded::identity(check)).collect(),
            severities: terms.severities.iter().map(severity).collect(),
            fail_on: terms.fail_on.to_wire(),
        }
    }
}

impl TryFrom<v1::ScanTerms> for ScanTerms {
    type Error = InvalidField;

    fn try_from(terms: v1::ScanTerms) -> Result<Self, Self::Error> {
        let severity = |it: v1::CheckSeverity| {
            let check = field::identity("check", it.check)?;
            Ok((check, field::listed("severity", it.severity)?))
        };
        Ok(Self {
            profile: field::identity("profile", terms.profile)?,
            left_out: field::each("left_out", terms.left_out, MAX_LEFT_OUT, |check| {
                field::identity("", check)
            })?,
            severities: field::each("severities", terms.severities, MAX_LEFT_OUT, severity)?,
            fail_on: field::listed("fail_on", terms.fail_on)?,
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
    /// Every object that was judged; only the answer to a scan tells them, as what follows.
    pub objects: Vec<JudgedObject>,
    /// Failures that somebody has accepted.
    pub accepted: Vec<AcceptedFailure>,
    /// Exceptions without an effect.
    pub ineffective: Vec<IneffectiveException>,
}

impl ScanReport {
    /// Adds the entries of another part of the same report.
    pub fn append(&mut self, part: Self) {
        self.findings.extend(part.findings);
        self.passes.extend(part.passes);
        self.not_evaluated.extend(part.not_evaluated);
        self.unreadable.extend(part.unreadable);
        self.objects.extend(part.objects);
        self.accepted.extend(part.accepted);
        self.ineffective.extend(part.ineffective);
    }

    /// How many entries all its lists have.
    pub const fn entries(&self) -> usize {
        let read = self.not_evaluated.len() + self.unreadable.len() + self.objects.len();
        let accepted = self.accepted.len() + self.ineffective.len();
        self.findings.len() + self.passes.len() + read + accepted
    }
}

impl From<&ScanReport> for v1::ScanReport {
    fn from(report: &ScanReport) -> Self {
        Self {
            findings: report.findings.iter().map(Into::into).collect(),
            passes: report.passes.iter().map(Into::into).collect(),
            not_evaluated: report.not_evaluated.iter().map(Into::into).collect(),
            unreadable: report.unreadable.iter().map(Into::into).collect(),
            objects: report.objects.iter().map(Into::into).collect(),
            accepted: report.accepted.iter().map(Into::into).collect(),
            ineffective: report.ineffective.iter().map(Into::into).collect(),
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
            objects: field::list("objects", report.objects, MAX_REPORT_ENTRIES)?,
            accepted: field::list("accepted", report.accepted, MAX_REPORT_ENTRIES)?,
            ineffective: field::list("ineffective", report.ineffective, MAX_REPORT_ENTRIES)?,
        })
    }
}
