//! The cases of policies, for programs: JSON, and JUnit with a suite for each file.

use std::collections::BTreeMap;

use airside_types::Place;
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::junit::Unwritable;

/// A case and how it went.
#[derive(Debug, Clone, Copy)]
pub struct CaseResult<'a> {
    /// Where it is written.
    pub place: &'a Place,
    /// The policy's name.
    pub policy: &'a str,
    /// What it shows.
    pub name: &'a str,
    /// What was said, as expected; else what to know about it.
    pub ending: Result<&'a str, &'a str>,
}

/// The cases as one object.
pub fn json(results: &[CaseResult<'_>]) -> Value {
    let cases: Vec<_> = results
        .iter()
        .map(|it| {
            let (is_ok, said) = match it.ending {
                Ok(said) => (true, said),
                Err(problem) => (false, problem),
            };
            json!({
                "policy": it.policy, "name": it.name, "ok": is_ok, "said": said,
                "location": { "path": it.place.path, "line": it.place.line, "column": it.place.column },
            })
        })
        .collect();
    json!({ "cases": cases })
}

/// The cases as JUnit.
pub fn junit(results: &[CaseResult<'_>]) -> Result<String, Unwritable> {
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
        case.set_classname(result.policy);
        let path = result.place.path.as_ref();
        suites.entry(path).or_insert_with(|| TestSuite::new(path)).add_test_case(case);
    }
    let mut whole = JUnit::new("airside policy test");
    whole.add_test_suites(suites.into_values());
    Ok(whole.to_string()?)
}
