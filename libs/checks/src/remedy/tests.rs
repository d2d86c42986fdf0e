//! The table against the catalogue.

use airside_k8s::json;
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

fn answer(check: &str, object: &Value, field: &str) -> Answer {
    remedy(check, object, &FieldPath::parse(field).unwrap())
}

#[test]
fn privilege_is_taken_unasked_only_from_what_does_not_work_on_its_node() {
    let pod = |kind: &str, extra: &Value| {
        let mut spec = json!({
            "containers": [{ "name": "a", "securityContext": { "privileged": true } }]
        });
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let template = json!({ "spec": spec });
        json!({ "apiVersion": "apps/v1", "kind": kind, "spec": { "template": template } })
    };
    let none = json!({});
    for (kind, extra, risk) in [
        ("Deployment", &none, Risk::Safe),
        ("DaemonSet", &none, Risk::MayBreak),
        ("Deployment", &json!({ "hostPID": true }), Risk::MayBreak),
        ("Deployment", &json!({ "volumes": [{ "hostPath": {} }] }), Risk::MayBreak),
    ] {
        let field = "spec.template.spec.containers[0].securityContext.privileged";
        let given = answer("privileged-container", &pod(kind, extra), field).unwrap();
        assert_eq!(given.risk, risk, "{kind} {extra}");
    }
}

#[test]
fn nothing_is_changed_to_what_kubernetes_refuses_or_does_not_have() {
    let container = |security: Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "spec": { "containers": [{ "name": "a", "securityContext": security }] }
        })
    };
    let field = "spec.containers[0].securityContext.allowPrivilegeEscalation";
    for security in
        [json!({ "privileged": true }), json!({ "capabilities": { "add": ["cap_sys_admin"] } })]
    {
        assert!(answer("privilege-escalation", &container(security), field).is_err());
    }
    let task = json!({ "apiVersion": "tekton.dev/v1", "kind": "Task" });
    assert!(answer("service-account-token-automount", &task, "spec.automount").is_err());
    let rule = |verbs: &[&str], resources: &[&str]| json!({ "rules": [{ "verbs": verbs, "resources": resources }] });
    let verb = |object: &Value| answer("verb-without-effect", object, "rules[0].verbs[1]");
    assert!(verb(&rule(&["get", "bind"], &["configmaps"])).is_ok());
    assert!(verb(&rule(&["get", "bind"], &["configmaps", "roles"])).is_err());
    assert!(verb(&rule(&["bind"], &["configmaps"])).is_err());
    let named = rule(&["get", "patch"], &["configmaps"]);
    assert!(answer("verb-without-effect", &named, "rules[0].resources[0]").is_err());
}
