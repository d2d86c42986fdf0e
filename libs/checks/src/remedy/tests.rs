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
        "Bind a role with the permissions that are used; keep cluster-admin for people in an emergency."
    );
}

fn answer(check: &str, object: &Value, field: &str) -> Answer {
    remedy(check, object, &FieldPath::parse(field).unwrap())
}

#[test]
fn a_text_that_holds_a_pod_is_not_replaced() {
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true}\n";
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "spec": {
            "podSpecPatch": "hostPID: true",
            "templates": [{ "resource": { "action": "create", "manifest": manifest } }],
        },
    });
    for field in ["spec.podSpecPatch", "spec.templates[0].resource.manifest"] {
        let refused = answer("host-pid", &object, field);
        assert_eq!(refused, Err("needs a change within the text, which is written by hand"));
    }
}

#[test]
fn what_a_manifest_asks_for_is_taken_away_only_when_people_ask() {
    for check in catalogue::all().filter(|check| checks().any(|id| id == check.id)) {
        let parsed = airside_k8s::yaml::parse(check.fails, &airside_k8s::Limits::default());
        let documents = parsed.documents.iter().map(|document| &document.value);
        for object in documents {
            let safe = answers(check.id, object).into_iter().filter(|it| it.risk == Risk::Safe);
            for edit in safe.flat_map(|remedy| remedy.edits) {
                let Edit::Set(path, _) = &edit else { continue };
                let before = at(object, path);
                let is_broken = check.id == "destination-rule-conflicts-with-strict";
                assert!(before.is_none() || is_broken, "{}: {edit} over {before:?}", check.id);
            }
        }
    }
}

/// The remedies of a check for what it finds in an object.
fn answers(check: &str, object: &Value) -> Vec<Remedy> {
    let objects = [Object::new(object).unwrap()];
    let failures = crate::evaluate::evaluate(&objects, airside_k8s::Completeness::WholeInput);
    let own = failures.failures.iter().filter(|failure| failure.check.id == check);
    own.filter_map(|failure| remedy(check, object, &failure.field).ok()).collect()
}

#[test]
fn privileges_go_unasked_only_where_nothing_speaks_for_them() {
    let pod = |container: &Value| {
        let spec = json!({ "containers": [container] });
        json!({ "apiVersion": "v1", "kind": "Pod", "spec": spec })
    };
    let field = "spec.containers[0].securityContext.allowPrivilegeEscalation";
    for (container, risk) in [
        (json!({ "name": "a" }), Risk::Safe),
        (json!({ "name": "a", "command": ["sh", "-c", "exec /srv/web"] }), Risk::Safe),
        (json!({ "name": "a", "command": ["sh", "-c", "exec sudo /srv/web"] }), Risk::MayBreak),
        (json!({ "name": "a", "args": ["/bin/su", "web"] }), Risk::MayBreak),
        (
            json!({ "name": "a", "securityContext": { "allowPrivilegeEscalation": true } }),
            Risk::MayBreak,
        ),
    ] {
        let given = answer("privilege-escalation", &pod(&container), field).unwrap();
        assert_eq!(given.risk, risk, "{container}");
    }
    let privileged = json!({ "name": "a", "securityContext": { "privileged": true } });
    let field = "spec.containers[0].securityContext.privileged";
    let given = answer("privileged-container", &pod(&privileged), field).unwrap();
    assert_eq!(given.risk, Risk::MayBreak);
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
