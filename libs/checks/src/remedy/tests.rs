//! The table against the catalogue.

use std::collections::BTreeSet;

use super::*;
use crate::catalogue;

#[test]
fn every_row_names_a_check_and_no_check_has_two() {
    let known: BTreeSet<&str> = catalogue::all().map(|check| check.id).collect();
    let with_reason = REASONS.iter().flat_map(|(_, checks)| checks.iter().copied());
    let mut seen = BTreeSet::new();
    for id in checks().chain(with_reason) {
        assert!(known.contains(id), "{id} is no check");
        assert!(seen.insert(id), "{id} stands twice");
    }
}

#[test]
fn what_has_no_remedy_says_what_is_needed() {
    let object = Value::Null;
    let answer = |check| remedy(check, &object, &FieldPath::root()).unwrap_err();
    assert_eq!(answer("cpu-limit-missing"), "needs a number from you: what the container uses");
    assert_eq!(
        answer("cluster-admin-binding"),
        "needs a decision: there is more than one right change"
    );
}
