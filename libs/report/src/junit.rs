//! JUnit, which CI servers show as tests: a suite for each file, a test for each object.

use std::collections::BTreeMap;

use airside_checks::CheckedObject;
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use crate::{Entry, Report};

/// The report cannot be written as XML.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written as JUnit XML")]
pub struct Unwritable(#[from] quick_junit::SerializeError);

/// The whole report. A test fails with findings that fail the scan; lesser ones are its output.
pub fn report(report: &Report<'_>) -> Result<String, Unwritable> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    let entries: Vec<Entry<'_>> = report.entries().collect();
    let mut next = entries.iter().peekable();
    for object in report.objects {
        let mut own = Vec::new();
        while let Some(entry) = next.next_if(|entry| std::ptr::eq(entry.object, object)) {
            own.push(entry);
        }
        let suite = suite_of(&mut suites, &object.place.path);
        suite.add_test_case(case(object, &own, report));
    }
    for it in report.broken() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(it.reason);
        suite_of(&mut suites, &it.place.path)
            .add_test_case(TestCase::new(format!("readable at {}", it.place), status));
    }
    for problem in report.problems {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(problem.as_str());
        suite_of(&mut suites, "airside scan").add_test_case(TestCase::new("readable", status));
    }
    if let Some(remark) = &report.remark {
        let mut case = TestCase::new("profile", TestCaseStatus::success());
        case.set_system_out(remark);
        suite_of(&mut suites, "airside scan").add_test_case(case);
    }
    let mut whole = JUnit::new("airside scan");
    whole.add_test_suites(suites.into_values());
    Ok(whole.to_string()?)
}

fn suite_of<'s, 'a>(
    suites: &'s mut BTreeMap<&'a str, TestSuite>,
    path: &'a str,
) -> &'s mut TestSuite {
    suites.entry(path).or_insert_with(|| TestSuite::new(path))
}

fn case(object: &CheckedObject, entries: &[&Entry<'_>], report: &Report<'_>) -> TestCase {
    let (failing, lesser): (Vec<&&Entry<'_>>, Vec<&&Entry<'_>>) =
        entries.iter().partition(|it| !it.is_known && it.finding.severity >= report.fail_on);
    let status = if failing.is_empty() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_message(format!("{} findings of {} or worse", failing.len(), report.fail_on))
            .set_description(lines(&failing));
        status
    };
    let mut case = TestCase::new(object.object.to_string(), status);
    case.set_classname(object.api_version.clone());
    if !lesser.is_empty() {
        case.set_system_out(lines(&lesser));
    }
    case
}

fn lines(entries: &[&&Entry<'_>]) -> String {
    let line = |entry: &&&Entry<'_>| {
        let finding = entry.finding;
        format!(
            "{} {}: {} ({})\n",
            finding.source_place(),
            finding.severity,
            finding.message,
            finding.check
        )
    };
    entries.iter().map(line).collect()
}
