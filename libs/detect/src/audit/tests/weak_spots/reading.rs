//! Weak spots in reading: limits, what is cut, and what the clouds' envelopes say.

use std::collections::BTreeSet;

use airside_k8s::{Value, json};
use airside_types::{Cluster, Tenant};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::{intake_of, read, records};
use super::{event, rule_of};

/// What is read of an input, each event with the rules that fire on it; none for what is no event.
fn told(input: &str) -> Vec<Option<BTreeSet<String>>> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let mut all = Vec::new();
    read::input(input.as_bytes(), &mut |item| {
        let rules = item.event.ok().map(|event| {
            let records = records(event, &intake_of(&tenant, &cluster)).into_iter();
            records.filter_map(rule_of).collect()
        });
        all.push(rules);
    });
    all
}

fn has(rules: &Option<BTreeSet<String>>, id: &str) -> bool {
    rules.as_ref().is_some_and(|rules| rules.contains(id))
}

fn privileged_pod(padding: usize) -> Value {
    event(&json!({
        "verb": "create", "objectRef": { "resource": "pods", "namespace": "shop", "name": "p" },
        "requestObject": {
            "spec": { "containers": [{ "name": "a", "securityContext": { "privileged": true } }] },
            "metadata": { "annotations": { "padding": "x".repeat(padding) } },
        },
    }))
}

#[test]
fn an_event_of_any_length_is_told_and_ends_no_line_behind_it() {
    // Limits of others: 64 KiB for a line of a file, 256 KiB for an event.
    for padding in [0, 70 << 10, 300 << 10, 3 << 20] {
        let lines = format!("{}\n{}\n", privileged_pod(padding), privileged_pod(0));
        let all = told(&lines);
        assert_eq!(all.len(), 2, "{padding}");
        assert!(all.iter().all(|rules| has(rules, "AUD-R37")), "{padding}: {all:?}");
        assert!(!all.iter().any(|rules| has(rules, "AUD-R86")), "nothing of it is missing");
    }
}

#[test]
fn an_event_that_is_cut_is_judged_by_what_is_left_and_told_as_cut() {
    let pod = |before: usize, behind: usize| {
        let (before, behind) = ("x".repeat(before), "y".repeat(behind));
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","verb":"create","user":{{"username":"dana"}},"objectRef":{{"resource":"pods","namespace":"shop","name":"p"}},"responseStatus":{{"code":201}},"requestObject":{{"metadata":{{"annotations":{{"a":"{before}"}}}},"spec":{{"containers":[{{"name":"a","securityContext":{{"privileged":true}},"args":["{behind}"]}}]}}}}}}"#
        )
    };
    let in_envelope = |message: &str| {
        json!({
            "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/aws/eks/shop/cluster",
            "logStream": "kube-apiserver-audit-1", "subscriptionFilters": [],
            "logEvents": [{ "id": "1", "timestamp": 1, "message": message }],
        })
        .to_string()
    };
    const LIMIT: usize = 256 << 10;
    let cut = |text: &str| format!("{}[Truncated...]", text.get(..LIMIT).unwrap());
    let (padded, hidden, whole) = (pod(0, 300 << 10), pod(300 << 10, 0), pod(0, 0));
    for (text, is_told, is_cut) in [
        (cut(&padded), true, true),
        (in_envelope(&cut(&padded)), true, true),
        // The padding stands before the deed: what remains is that something is missing.
        (cut(&hidden), false, true),
        (in_envelope(&cut(&hidden)), false, true),
        (in_envelope(&hidden), true, false),
        (whole.clone(), true, false),
        (in_envelope(&whole), true, false),
    ] {
        let all = told(&text);
        assert_eq!(has(&all[0], "AUD-R37"), is_told, "{all:?}");
        assert_eq!(has(&all[0], "AUD-R86"), is_cut, "{all:?}");
    }
}

/// A log entry of GKE about a list of all secrets.
fn of_gke(status: &Value, granted: bool) -> String {
    json!({
        "insertId": "i-1", "timestamp": "2026-11-22T10:00:00Z", "receiveTimestamp": "2026-11-22T11:00:00Z",
        "resource": { "labels": { "decision": "allow", "cluster_name": "c" } },
        "labels": { "authorization.k8s.io/decision": if granted { "allow" } else { "forbid" } },
        "operation": { "id": "a-1", "first": true, "last": true, "producer": "k8s.io" },
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io",
            "methodName": "io.k8s.core.v1.secrets.list", "resourceName": "core/v1/secrets",
            "authenticationInfo": { "principalEmail": "dana@example.net" },
            "authorizationInfo": [{ "granted": granted, "permission": "io.k8s.core.v1.secrets.list" }],
            "requestMetadata": { "callerIp": "198.51.100.9" },
            "status": status,
        },
    })
    .to_string()
}

#[test]
fn what_gke_says_was_denied_stays_denied_and_what_it_does_not_say_is_marked() {
    let denied = json!({ "code": 7, "message": "PERMISSION_DENIED" });
    for (entry, is_refused, is_done) in [
        (of_gke(&denied, false), true, false),
        (of_gke(&json!({}), false), true, false),
        // Authorization let it pass, and something behind it did not.
        (of_gke(&denied, true), false, false),
        (of_gke(&json!({}), true), false, true),
    ] {
        let all = told(&entry);
        assert_eq!(has(&all[0], "AUD-R15"), is_refused, "refused: {entry}");
        assert_eq!(has(&all[0], "AUD-R12"), is_done, "done: {entry}");
    }
    let mut seen = None;
    read::input(of_gke(&json!({}), true).as_bytes(), &mut |item| {
        let event = item.event.unwrap();
        let inferred: Vec<&str> = event.inferred.iter().map(|field| field.as_str()).collect();
        seen = Some((event.request_received.to_string(), inferred.join(" ")));
    });
    let (time, inferred) = seen.unwrap();
    assert_eq!(time, "2026-11-22T10:00:00Z", "when it was asked for, and not when the log came in");
    for field in ["auditID", "stage", "user.groups", "requestURI", "responseStatus.code"] {
        assert!(inferred.contains(field), "{field} is not what the log says: {inferred}");
    }
}

#[test]
fn an_event_of_aks_is_one_as_text_and_as_an_object() {
    let hub = |log: &Value| {
        let properties = json!({ "log": log, "stream": "stdout", "pod": "p" });
        let record = json!({ "time": "t", "resourceId": "r", "category": "kube-audit-admin", "operationName": "o", "properties": properties });
        json!({ "records": [record] }).to_string()
    };
    let pod = privileged_pod(0);
    for log in [json!(pod.to_string()), pod] {
        let all = told(&hub(&log));
        assert!(has(&all[0], "AUD-R37"), "{all:?}");
    }
    assert_eq!(told(&hub(&json!("I1122 klog text"))), [None], "other logs are no events");
}

#[test]
fn the_command_of_an_exec_is_read_out_of_what_eks_delivers() {
    let exec = event(&json!({
        "stage": "ResponseStarted", "verb": "get", "userAgent": "kubectl/v1.33.1",
        "requestURI": "/api/v1/namespaces/shop/pods/web/exec?command=cat&command=%2Fetc%2Fshadow&container=app",
        "objectRef": { "resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web" },
        "responseStatus": { "code": 101 },
    }));
    let batch = json!({
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/aws/eks/shop/cluster",
        "logStream": "kube-apiserver-audit-1", "subscriptionFilters": ["f"],
        "logEvents": [{ "id": "1", "timestamp": 1, "message": exec.to_string() }],
    });
    let packed = json!({ "awslogs": { "data": STANDARD.encode(batch.to_string()) } });
    for input in [batch, packed] {
        let all = told(&input.to_string());
        assert!(has(&all[0], "AUD-R24") && has(&all[0], "AUD-R26"), "{all:?}");
    }
}
