//! The check behind the failures of people's own policies (ValidatingAdmissionPolicy), which
//! `airside-policy` evaluates.

use airside_types::Severity;

use crate::check::{Category, Check, Judge};

/// Each failure has the severity of its policy, and after a `/` the policy's name and the number of the
/// validation.
pub(crate) static POLICY: Check = Check {
    id: "policy",
    title: "A policy of your own does not accept it",
    why: "A ValidatingAdmissionPolicy that was given with --policies would refuse the object, or warn of it, when it is applied to a cluster that has the policy.",
    fix: "Change what the message names so that the expression of the policy holds; `airside policy test` runs cases beside policies.",
    severity: Severity::High,
    category: Category::Conformance,
    techniques: &[],
    controls: &[],
    equivalents: &[],
    judge: Judge::Reported,
    fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 50}
",
    passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 5}
",
};
