//! Fixing: from the texts of files to better texts, with an account of what was done and what was not.
//!
//! Pure. Remedies (`remedy.rs`) are applied one after the other, each on what the ones before it left, and
//! the result is judged again as a whole. A change that does not make its check pass, or that brings a new
//! finding as bad as the one it removes, is taken back. Owns the order, the re-check and the account; how
//! a text is edited is `airside-k8s`'.

mod draft;
mod plan;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use airside_k8s::Limits;
use airside_k8s::yaml::edit::{Edit, Refusal};
use airside_types::Finding;

use self::draft::{Draft, Step};
use self::plan::{Attempt, Plan};
use self::settle::{Settled, settle};
use crate::check_in::Terms;
use crate::remedy::Risk;

/// A file to judge.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file as it was given, with `/` between folders.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Whether the text may be changed. What a chart rendered is judged, and fixed in the chart.
    pub is_ours: bool,
}

/// What may be changed, and by which terms it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The highest risk of a change that is made.
    pub risk: Risk,
    /// The terms of the check-in.
    pub terms: &'a Terms<'a>,
    /// The bounds of reading.
    pub limits: &'a Limits,
}

/// A file that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedFile {
    /// The file as it was given.
    pub path: String,
    /// Its new text.
    pub text: String,
}

/// A finding that no longer stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixed {
    /// The finding, with its place in the old text.
    pub finding: Finding,
    /// What was changed for it, with paths from the object; nothing where the change for another finding
    /// was enough.
    pub edits: Vec<Edit>,
}

/// A finding that still stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfixed {
    /// The finding, with its place in the old text.
    pub finding: Finding,
    /// Why.
    pub reason: Reason,
}

/// Why a finding was not fixed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// No change is right for everybody: what is needed.
    NotMechanical(&'static str),
    /// The program may need what these edits take away; they were not asked for.
    MayBreak(Vec<Edit>),
    /// The text cannot be changed there.
    Refused(Refusal),
    /// The file is not ours to change.
    NotOurs,
    /// The change would not have made the check pass.
    NoEffect(Vec<Edit>),
    /// The change would have made these checks fail; without any, too much would have gone wrong to tell.
    Introduces(Vec<String>),
}

impl Reason {
    /// Why, without the single edits.
    pub fn why(&self) -> String {
        match self {
            Self::NotMechanical(need) => (*need).to_owned(),
            Self::MayBreak(_) => {
                "may break the program, so it is done with --may-break only".to_owned()
            }
            Self::Refused(refusal) => refusal.to_string(),
            Self::NotOurs => "the text is made by another program: change it there".to_owned(),
            Self::NoEffect(_) => "the check would still fail after the change".to_owned(),
            Self::Introduces(checks) if checks.is_empty() => {
                "no set of changes was found that makes no other check fail".to_owned()
            }
            Self::Introduces(checks) => {
                format!("the change would make other checks fail: {}", checks.join(", "))
            }
        }
    }

    /// The edits that were not made, where the reason is about them.
    pub fn edits(&self) -> &[Edit] {
        match self {
            Self::MayBreak(edits) | Self::NoEffect(edits) => edits,
            _ => &[],
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why())?;
        for (index, edit) in self.edits().iter().enumerate() {
            write!(f, "{} {edit}", if index == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

/// What fixing did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The files that changed, in the order of the input.
    pub files: Vec<FixedFile>,
    /// The findings that no longer stand.
    pub fixed: Vec<Fixed>,
    /// The findings that still stand, with the reason.
    pub unfixed: Vec<Unfixed>,
    /// Findings that stand now and did not before, with their places in the new texts. Each is less severe
    /// than the change that brought it.
    pub introduced: Vec<Finding>,
}

/// Fixes what can be fixed. Accepted findings are left as they are. What is fixed without risk is fixed as well
/// where risks are taken.
pub fn fix(sources: &[Source<'_>], order: &Order<'_>) -> Outcome {
    let plan = Plan::new(sources, order);
    let without_risk = Order { risk: Risk::Safe, ..*order };
    let mut settled = settle(sources, &without_risk, &plan, None);
    if order.risk > Risk::Safe {
        settled = settle(sources, order, &plan, Some(settled));
    }
    account(sources, plan, settled)
}

fn account(sources: &[Source<'_>], plan: Plan, settled: Settled) -> Outcome {
    let Settled { draft, mut given_up } = settled;
    let Draft { texts, mut steps, introduced, remaining } = draft;
    let files = sources.iter().zip(texts).filter(|(source, text)| source.text != text);
    let files = files.map(|(source, text)| FixedFile { path: source.path.to_owned(), text });
    let mut outcome = Outcome { files: files.collect(), introduced, ..Outcome::default() };
    let attempts = plan.attempts.into_iter().enumerate();
    let mut reasons = plan.reasons;
    let mut tried: BTreeMap<usize, Step> = BTreeMap::new();
    for (index, Attempt { finding, .. }) in attempts {
        if let Some(reason) = given_up.remove(&index) {
            reasons.insert(finding, reason);
        } else if let Some(step) = steps.remove(&index) {
            tried.insert(finding, step);
        }
    }
    for (index, located) in plan.findings.into_iter().enumerate() {
        let finding = located.finding;
        if !remaining.contains(&located.key) {
            let edits = match tried.remove(&index) {
                Some(Step::Made(edits)) => edits,
                _ => Vec::new(),
            };
            outcome.fixed.push(Fixed { finding, edits });
            continue;
        }
        let reason = match tried.remove(&index) {
            Some(Step::Made(edits)) => Reason::NoEffect(edits),
            Some(Step::NotMade(reason)) => reason,
            None => reasons
                .remove(&index)
                .unwrap_or(Reason::NotMechanical("needs a decision of its owner")),
        };
        outcome.unfixed.push(Unfixed { finding, reason });
    }
    outcome
}
