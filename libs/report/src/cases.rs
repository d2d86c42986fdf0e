//! The cases of policies, rules and declarations, for programs: JSON, and JUnit with a suite for each file.

use std::collections::BTreeMap;

use airside_types::Place;
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::junit::Unwritable;

/// What cases are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// People's own policies.
    Policy,
    /// People's own rules.
    Rule,
    /// What people declare as authorised.
    Authorised,
}

impl Subject {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Rule => "rule",
            Self::Authorised => "authorised",
        }
    }

    const fn command(self) -> &'static str {
        match self {
            Self::Policy => "airside policy test",
            Self::Rule => "airside rules test",
            Self::Authorised => "airside authorised test",
        }
    }
}

/// A case and how it went.
#[derive(Debug, Clone, Copy)]
pub struct CaseResult<'a> {
    /// Where it is written.
    pub place: &'a Place,
    /// The name of the policy or rule.
    pub subject: &'a str,
    /// What it shows.
    pub name: &'a str,
    /// What was said, as expected; else what to know about it.
    pub ending: Result<&'a str, &'a str>,
}

/// The cases as one object.
pub fn json(about: Subject, results: &[CaseResult<'_>]) -> Value {
    let cases: Vec<_> = results
        .iter()
        .map(|it| {
            let (is_ok, said) = match it.ending {
                Ok(said) => (true, said),
                Err(problem) => (false, problem),
            };
            json!({
                (about.as_str()): it.subject, "name": it.name, "ok": is_ok, "said": said,
                "location": { "path": it.place.path, "line": it.place.line, "column": it.place.column },
            })
        })
        .collect();
    json!({ "cases": cases })
}

/// The cases as JUnit.
pub fn junit(about: Subject, results: &[CaseResult<'_>]) -> Result<String, Unwritable> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for result in results {
        let status = match result.ending {
            Ok(_) => TestCaseStatus::success(),
            Err(problem) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(problem);
                status
            }
        };
        let mut case = TestCase::new(result.name, status);
        case.set_classname(result.subject);
        let path = result.place.path.as_ref();
        suites.entry(path).or_insert_with(|| TestSuite::new(path)).add_test_case(case);
    }
    let mut whole = JUnit::new(about.command());
    whole.add_test_suites(suites.into_values());
    Ok(whole.to_string()?)
}
