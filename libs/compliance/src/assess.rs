//! The verdict on each control, from what a check-in says.
//!
//! A control passes only where at least one of its checks met something to look at, none failed and none
//! is undecided. What manifests show in part only can fail and never passes: the rest is for a person.
//! A failure that somebody accepted is no failure, but it is counted and told.

use std::collections::BTreeMap;

use airside_checks::{Accepted, Check, CheckIn, NotEvaluated};
use airside_types::Finding;

use crate::framework::{Control, Framework};

/// What a check-in says of a framework.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment<'a> {
    /// The framework.
    pub framework: &'a Framework,
    /// Its controls, in their order.
    pub controls: Vec<ControlResult<'a>>,
}

/// What a check-in says of a control.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlResult<'a> {
    /// The control.
    pub control: &'a Control,
    /// The verdict.
    pub status: Status<'a>,
    /// The checks of the control that met something to look at.
    pub applied: Vec<&'static Check>,
    /// What fails and is not accepted.
    pub failures: Vec<&'a Finding>,
    /// What fails and is accepted.
    pub accepted: Vec<&'a Accepted>,
}

/// The verdict on a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status<'a> {
    /// All that could be looked at is as it should be.
    Pass,
    /// Something is not.
    Fail,
    /// The input does not tell, for this reason.
    NotEvaluated(String),
    /// No manifest can tell, or not all of it, for this reason. What could be looked at is as it should be.
    Manual(&'a str),
}

impl Status<'_> {
    /// The name, as in outputs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotEvaluated(_) => "not-evaluated",
            Self::Manual(_) => "manual",
        }
    }

    /// The reason, where there is no verdict.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Pass | Self::Fail => None,
            Self::NotEvaluated(reason) => Some(reason),
            Self::Manual(reason) => Some(reason),
        }
    }
}

/// How many controls have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Controls that pass.
    pub pass: usize,
    /// Controls that fail.
    pub fail: usize,
    /// Controls of which the input does not tell.
    pub not_evaluated: usize,
    /// Controls of which no manifest can tell, or not all.
    pub manual: usize,
}

impl<'a> Assessment<'a> {
    /// How many controls have which verdict.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for result in &self.controls {
            *match result.status {
                Status::Pass => &mut counts.pass,
                Status::Fail => &mut counts.fail,
                Status::NotEvaluated(_) => &mut counts.not_evaluated,
                Status::Manual(_) => &mut counts.manual,
            } += 1;
        }
        counts
    }

    /// Whether a control fails.
    pub fn fails(&self) -> bool {
        self.controls.iter().any(|it| it.status == Status::Fail)
    }
}

impl ControlResult<'_> {
    /// Whether nothing fails, but only a part of the control was looked at.
    pub fn is_judged_in_part(&self) -> bool {
        match self.status {
            Status::Pass => self.applied.len() < self.control.checks.len(),
            Status::Manual(_) => !self.applied.is_empty(),
            Status::Fail | Status::NotEvaluated(_) => false,
        }
    }

    /// What a failure leaves open, since manifests show a part of the control only.
    pub fn open_part(&self) -> Option<&str> {
        self.control.manual.as_deref().filter(|_| self.status == Status::Fail)
    }
}

/// What a check-in says of a framework.
pub fn assess<'a>(framework: &'a Framework, checked: &'a CheckIn) -> Assessment<'a> {
    let evidence = Evidence::of(checked);
    let controls = framework.controls.iter().map(|control| evidence.judge(control)).collect();
    Assessment { framework, controls }
}

/// A check-in, by check.
struct Evidence<'a> {
    checked: &'a CheckIn,
    failures: BTreeMap<&'a str, Vec<&'a Finding>>,
    accepted: BTreeMap<&'a str, Vec<&'a Accepted>>,
    undecided: BTreeMap<&'a str, &'a NotEvaluated>,
}

impl<'a> Evidence<'a> {
    fn of(checked: &'a CheckIn) -> Self {
        let mut failures: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for finding in &checked.findings {
            failures.entry(check_of(finding)).or_default().push(finding);
        }
        let mut accepted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for it in &checked.accepted {
            accepted.entry(check_of(&it.finding)).or_default().push(it);
        }
        let undecided = checked.not_evaluated.iter().map(|it| (it.check.id, it)).collect();
        Self { checked, failures, accepted, undecided }
    }

    fn judge(&self, control: &'a Control) -> ControlResult<'a> {
        let checks = &control.checks;
        let applied: Vec<_> =
            checks.iter().copied().filter(|it| self.checked.applied.contains(it.id)).collect();
        let failures = of_checks(&self.failures, checks);
        let accepted = of_checks(&self.accepted, checks);
        let undecided = checks.iter().find_map(|check| self.undecided.get(check.id));
        let status = if !failures.is_empty() {
            Status::Fail
        } else if let Some(why) = &control.manual {
            Status::Manual(why)
        } else if let Some(it) = undecided {
            Status::NotEvaluated(format!("{}: {}", it.check.id, it.reason))
        } else if applied.is_empty() {
            Status::NotEvaluated(NOTHING_MET.to_owned())
        } else {
            Status::Pass
        };
        ControlResult { control, status, applied, failures, accepted }
    }
}

/// Why a control has no verdict whose checks had nothing to look at.
const NOTHING_MET: &str = "the input has no object of a kind that its checks look at";

/// The check of a finding; what reports tell adds more behind a slash.
fn check_of(finding: &Finding) -> &str {
    finding.check.split('/').next().unwrap_or(&finding.check)
}

fn of_checks<'a, T>(by_check: &BTreeMap<&str, Vec<&'a T>>, checks: &[&Check]) -> Vec<&'a T> {
    checks.iter().filter_map(|check| by_check.get(check.id)).flatten().copied().collect()
}
