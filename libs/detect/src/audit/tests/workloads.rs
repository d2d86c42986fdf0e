//! How much a rule on workloads weighs, and what changes where the object before is known.

use airside_k8s::{Value, json};
use airside_types::Severity;

use super::super::change::Change;
use super::super::event::Event;
use super::super::pod_spec;
use super::super::request::Request;
use super::detections;
use crate::ClusterProfile;

fn event(resource: &str, verb: &str, who: &str, body: &Value) -> String {
    let group = if resource == "pods" { "" } else { "apps" };
    json!({
        "verb": verb,
        "user": { "username": who, "groups": ["system:serviceaccounts:kube-system", "system:serviceaccounts"] },
        "objectRef": { "resource": resource, "apiGroup": group, "namespace": "shop", "name": "x" },
        "requestObject": body, "responseStatus": { "code": 200 },
    })
    .to_string()
}

fn mounting(path: &str) -> Value {
    let mount = json!({ "name": "v", "mountPath": "/v" });
    let container = json!({ "name": "a", "image": "a", "volumeMounts": [mount] });
    let volume = json!({ "name": "v", "hostPath": { "path": path } });
    json!({ "spec": { "containers": [container], "volumes": [volume] } })
}

fn severity(rule: &str, text: &str) -> Option<Severity> {
    detections(text).into_iter().find(|it| it.rule == rule).map(|it| it.severity)
}

#[test]
fn what_is_everyday_or_made_by_a_controller_weighs_less() {
    const CONTROLLER: &str = "system:serviceaccount:kube-system:replicaset-controller";
    let privileged =
        json!({ "containers": [{ "name": "a", "securityContext": { "privileged": true } }] });
    let pod = json!({ "spec": privileged });
    let template = json!({ "spec": { "template": { "spec": privileged } } });
    for (rule, resource, verb, who, body, expected) in [
        ("AUD-R37", "pods", "create", "dana", &pod, Severity::High),
        ("AUD-R37", "pods", "create", CONTROLLER, &pod, Severity::Low),
        ("AUD-R38", "replicasets", "update", CONTROLLER, &template, Severity::Info),
        ("AUD-R38", "replicasets", "update", "dana", &template, Severity::High),
        ("AUD-R42", "pods", "create", "dana", &mounting("/etc"), Severity::High),
        ("AUD-R42", "pods", "create", "dana", &mounting("/etc/localtime"), Severity::Low),
        ("AUD-R42-path", "pods", "create", "dana", &mounting("/data"), Severity::Info),
        ("AUD-R42-path", "pods", "create", "dana", &mounting("/var/log"), Severity::Low),
        ("AUD-R42-path", "pods", "create", CONTROLLER, &mounting("/var/log"), Severity::Info),
    ] {
        let text = event(resource, verb, who, body);
        assert_eq!(severity(rule, &text), Some(expected), "{text}");
    }
}

/// The checks that fail by a change of an object that is known.
fn failing(verb: &str, body: &Value, before: &Value, after: Option<&Value>) -> Vec<&'static str> {
    let mut event =
        serde_json::from_str::<Value>(&event("deployments", verb, "dana", body)).unwrap();
    if let Some(after) = after {
        event["responseObject"] = after.clone();
    }
    let text = event.to_string();
    let event = Event::parse(&text).unwrap();
    let change = Change::of(&event, None).from(before.clone());
    let request = Request::knowing(&event, ClusterProfile::unknown(), change);
    pod_spec::failures(&request).iter().map(|it| it.check.id).collect()
}

#[test]
fn of_an_object_that_is_known_only_what_is_new_counts() {
    let template = |spec: Value| json!({ "spec": { "template": { "spec": spec } } });
    let with = |security: Value| {
        template(
            json!({ "containers": [{ "name": "a", "image": format!("a@sha256:{}", "0".repeat(64)), "securityContext": security }] }),
        )
    };
    let privileged = with(json!({ "privileged": true }));
    let plain = with(json!({}));
    assert_eq!(failing("update", &privileged, &plain, None), ["privileged-container"]);
    let mut scaled = privileged.clone();
    scaled["spec"]["replicas"] = json!(3);
    assert!(failing("update", &scaled, &privileged, None).is_empty());
    // A profile of the pod comes into force where the container's own is taken away.
    let open = json!({ "seccompProfile": { "type": "Unconfined" } });
    let mut before = with(json!({ "seccompProfile": { "type": "RuntimeDefault" } }));
    before["spec"]["template"]["spec"]["securityContext"] = open.clone();
    let mut after = plain;
    after["spec"]["template"]["spec"]["securityContext"] = open;
    let patch =
        json!([{ "op": "remove", "path": "/spec/template/spec/containers/0/securityContext" }]);
    assert_eq!(failing("patch", &patch, &before, Some(&after)), ["seccomp-unconfined"]);
}

#[test]
fn a_container_that_was_not_there_before_is_told_however_it_is_written() {
    let fires = |verb: &str, body: &Value, before: &Value| {
        let text = event("deployments", verb, "dana", body);
        let event = Event::parse(&text).unwrap();
        let change = Change::of(&event, None).from(before.clone());
        let request = Request::knowing(&event, ClusterProfile::unknown(), change);
        super::super::firings(&request, |_| true).iter().any(|(rule, _)| rule.id == "AUD-R53")
    };
    let of = |names: &[&str]| {
        let containers: Vec<_> = names
            .iter()
            .map(|name| json!({ "name": name, "image": name, "command": ["x"] }))
            .collect();
        json!({ "spec": { "template": { "spec": { "containers": containers } } } })
    };
    for verb in ["update", "patch"] {
        assert!(fires(verb, &of(&["web", "log"]), &of(&["web"])), "{verb}");
        assert!(!fires(verb, &of(&["web"]), &of(&["web", "log"])), "{verb}");
    }
}
