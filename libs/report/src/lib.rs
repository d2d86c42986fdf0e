//! Reports of a scan in the forms that programs and people elsewhere read: JSON, SARIF, JUnit, Markdown,
//! HTML; boarding passes as Sigstore bundles; and what became of the cases of policies.
//!
//! Owns the forms, which are contracts. What is found is `airside-checks`'; the terminal is the command
//! line's. Nothing here decides anything: a report tells all that it was given.

pub mod bundle;
pub mod cases;
mod each;
pub mod html;
pub mod json;
pub mod junit;
pub mod lesson;
pub mod markdown;
pub mod sarif;
mod sources;
mod summary;

use std::collections::{BTreeMap, BTreeSet};

use airside_checks::owner::is_owned_by;
use airside_checks::{Accepted, CheckedObject, Ineffective, Selection};
use airside_types::{BoardingPass, Finding, Id, Place, Severity};
use airside_vulnerability::join::Facts;

pub use sources::{Sources, WorkTree};
pub use summary::{Group, Summary};

/// What a scan has to tell.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The version of the program.
    pub version: &'a str,
    /// How many files were read.
    pub files: usize,
    /// What fails and is not accepted.
    pub findings: &'a [Finding],
    /// The fingerprints of the findings, in the same order.
    pub ids: &'a [Id],
    /// The fingerprints of an earlier scan, where this one is compared with it.
    pub baseline: Option<&'a BTreeSet<Id>>,
    /// Every object that was judged, each with the range of its findings.
    pub objects: &'a [CheckedObject],
    /// The boarding passes.
    pub passes: &'a [BoardingPass],
    /// What fails and is accepted.
    pub accepted: &'a [Accepted],
    /// Exceptions without an effect.
    pub ineffective: &'a [Ineffective],
    /// What could not be decided.
    pub not_evaluated: Vec<NotEvaluated<'a>>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable<'a>>,
    /// Inputs that could not be read at all, each in a sentence.
    pub problems: &'a [String],
    /// Inputs that were left out on purpose, each in a sentence.
    pub left_out: &'a [String],
    /// The files behind paths.
    pub sources: Sources,
    /// From which severity on a finding fails the scan.
    pub fail_on: Severity,
    /// Whose findings are told; those of all where nobody is named.
    pub owner: Option<&'a str>,
    /// Which checks counted.
    pub selection: &'a Selection,
    /// What of it is not as everywhere, in a sentence.
    pub remark: Option<String>,
    /// What reports know of the vulnerabilities of images.
    pub facts: Facts<'a>,
}

/// A check that could not be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotEvaluated<'a> {
    /// The check.
    pub check: &'a str,
    /// What was missing to decide it.
    pub reason: &'a str,
}

/// Something that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable<'a> {
    /// Where.
    pub place: &'a Place,
    /// Why.
    pub reason: &'a str,
}

/// A finding with what a report says beside it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// Its fingerprint.
    pub id: Id,
    /// The object.
    pub object: &'a CheckedObject,
    /// Whether the baseline has it.
    pub is_known: bool,
}

impl Unreadable<'_> {
    /// Whether it was read well and is just no Kubernetes object, such as a values file or a test of a chart:
    /// nothing that a scan fails for.
    pub fn is_foreign(&self) -> bool {
        // Reasons come from platforms as well, as texts.
        self.reason.contains("no Kubernetes object")
    }

    /// Whether it is a test of a chart.
    pub fn is_helm_test(&self) -> bool {
        self.reason.starts_with("a test of a chart")
    }
}

impl<'a> Report<'a> {
    /// What should have been read and could not be.
    pub fn broken(&self) -> impl Iterator<Item = &Unreadable<'a>> {
        self.unreadable.iter().filter(|it| !it.is_foreign())
    }

    /// Whether something that should have been read could not be: what passes may fail all the same.
    pub fn is_incomplete(&self) -> bool {
        !self.problems.is_empty() || self.broken().next().is_some()
    }

    /// The findings, by object.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + '_ {
        self.objects.iter().flat_map(move |object| {
            let range = object.findings.clone();
            let findings = self.findings.get(range.clone()).unwrap_or_default();
            let ids = self.ids.get(range).unwrap_or_default();
            let told = findings.iter().zip(ids).filter(|(finding, _)| self.tells(finding));
            told.map(move |(finding, id)| Entry {
                finding,
                id: *id,
                object,
                is_known: self.baseline.is_some_and(|baseline| baseline.contains(id)),
            })
        })
    }

    fn tells(&self, finding: &Finding) -> bool {
        let owner = finding.owner.as_deref();
        self.owner.is_none_or(|wanted| owner.is_some_and(|owner| is_owned_by(owner, wanted)))
    }

    /// How many findings that the baseline has not each owner has, by name; none where nobody is named.
    pub fn owners(&self) -> BTreeMap<Option<&'a str>, usize> {
        let mut owners: BTreeMap<_, usize> = BTreeMap::new();
        for entry in self.entries().filter(|entry| !entry.is_known) {
            *owners.entry(entry.finding.owner.as_deref()).or_default() += 1;
        }
        owners
    }

    /// Whether a finding that the baseline has not reaches the failing severity.
    pub fn fails(&self) -> bool {
        self.entries().any(|it| !it.is_known && it.finding.severity >= self.fail_on)
    }
}
