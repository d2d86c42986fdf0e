//! Policies as Kubernetes has them: reading, matching, parameters, variables, conditions, failures, messages.

mod cases;
mod objects;
mod reading;
mod semantics;

use airside_k8s::yaml::{Limits, parse};
use airside_k8s::{Document, Object};

use crate::evaluate::Verdict;
use crate::policy::PolicySet;
use crate::request::{Request, Surroundings};

fn documents(text: &str) -> Vec<Document> {
    let parsed = parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    parsed.documents
}

fn set(text: &str) -> PolicySet {
    PolicySet::read(&[("policy.yaml", &documents(text))])
}

/// A policy for everything, with this `spec` beside its rules, and a binding.
fn policy(spec: &str) -> String {
    policy_for("{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}", spec)
}

fn policy_for(rule: &str, spec: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: p}}
spec:
  matchConstraints: {{resourceRules: [{rule}]}}
{spec}
---
{}",
        binding("validationActions: [Deny]")
    )
}

fn binding(spec: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: b}}
spec: {{policyName: p, {spec}}}
"
    )
}

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web}]}
";

/// What policies say of the creation of an object, a line for each verdict.
fn said_with(set: &PolicySet, object: &str, around: &Surroundings<'_>) -> String {
    assert_eq!(set.problems, []);
    let documents = documents(object);
    let object = Object::new(&documents[0].value).unwrap();
    let outcomes = set.evaluate(&Request::creation(&object, &[]), around);
    let lines = outcomes.iter().map(|outcome| match &outcome.verdict {
        Verdict::Skipped { reason } => format!("skipped: {reason}"),
        Verdict::Passed => "passed".to_owned(),
        Verdict::Failed { validation, message } => format!("{validation} failed: {message}"),
        Verdict::Error { error, .. } => format!("error: {error}"),
        Verdict::NotEvaluated { reason } => format!("not evaluated: {reason}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn said(policies: &str, object: &str) -> String {
    let set = set(policies);
    let parameters: Vec<_> = set.parameters.iter().filter_map(|it| Object::new(it).ok()).collect();
    said_with(&set, object, &Surroundings::of(&parameters))
}
