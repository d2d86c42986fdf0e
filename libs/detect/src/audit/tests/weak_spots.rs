//! Weak spots that are known of other tools' audit detection, each by itself: what is missed there is told here, and
//! is not told where the reason for it is missing.
//!
//! What is read of files and envelopes is `reading`'s. What needs a running platform stands in `integration-tests/tests/it/weak_spots.rs`, what own rules cannot be is
//! `airside-sigma`'s. What hides a deed is `evasions.rs`'.

use std::collections::BTreeSet;

use airside_k8s::{Value, json};
use airside_types::{Cluster, LinkRole, Payload, Record, Severity, Tenant};

use super::{detections, fired, intake_of, records};
use crate::counting::{Counting, Limits};

mod reading;

/// The rule of a detection; none for facts.
fn rule_of(record: Record) -> Option<String> {
    match record.payload {
        Payload::Detection(detection) => Some(detection.rule),
        _ => None,
    }
}

/// An event of a person, with more of it.
fn event(more: &Value) -> Value {
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "stage": "ResponseComplete",
        "user": { "username": "dana", "groups": ["system:authenticated"] },
        "responseStatus": { "code": 200 },
    });
    let fields = event.as_object_mut().unwrap();
    for (key, value) in more.as_object().unwrap().iter() {
        fields.insert(key, value.clone());
    }
    event
}

fn by(user: &str, groups: &[&str], more: &Value) -> String {
    let mut event = event(more);
    let user = json!({ "username": user, "groups": groups });
    event.as_object_mut().unwrap().insert("user", user);
    event.to_string()
}

#[test]
fn a_token_for_a_service_account_is_no_new_service_account() {
    let create = |resource: &Value| {
        let mut object =
            json!({ "resource": "serviceaccounts", "namespace": "kube-system", "name": "s" });
        for (key, value) in resource.as_object().unwrap().iter() {
            object.as_object_mut().unwrap().insert(key, value.clone());
        }
        fired(&event(&json!({ "verb": "create", "objectRef": object })).to_string())
    };
    let (account, token) = (create(&json!({})), create(&json!({ "subresource": "token" })));
    for new in ["AUD-R70", "AUD-R97-service-account"] {
        assert!(account.contains(new) && !token.contains(new), "{new}");
    }
    assert!(token.contains("AUD-R21") && !account.contains("AUD-R21"), "{token:?}");
}

#[test]
fn a_command_is_one_over_a_websocket_too() {
    let exec = |verb: &str, subresource: &str| {
        let uri = format!(
            "/api/v1/namespaces/shop/pods/web/{subresource}?command=cat&command=/etc/shadow"
        );
        let object = json!({ "resource": "pods", "subresource": subresource, "namespace": "shop", "name": "web" });
        fired(&event(&json!({ "verb": verb, "requestURI": uri, "objectRef": object })).to_string())
    };
    for verb in ["create", "get"] {
        let rules = exec(verb, "exec");
        assert!(rules.contains("AUD-R24") && rules.contains("AUD-R26"), "{verb}: {rules:?}");
    }
    let log = exec("get", "log");
    assert!(!log.contains("AUD-R24") && !log.contains("AUD-R26"), "{log:?}");
}

/// A read of a secret, with the addresses that a client claims before its own.
fn read_of(secret: usize, claimed: &[String], own: &str) -> String {
    let chain: Vec<Value> =
        claimed.iter().map(String::as_str).chain([own]).map(|ip| json!(ip)).collect();
    event(&json!({
        "verb": "get", "auditID": format!("a-{secret}"), "sourceIPs": chain, "userAgent": "kubectl/v1.33.1",
        "objectRef": { "resource": "secrets", "namespace": "shop", "name": format!("s{secret}") },
        "requestReceivedTimestamp": format!("2026-11-22T10:00:{secret:02}Z"),
    }))
    .to_string()
}

#[test]
fn an_address_that_a_client_claims_hides_it_not_and_accuses_nobody() {
    let victim = |n: usize| vec![format!("192.0.2.{n}")];
    let of = |text: &str| {
        let found = detections(text);
        let addresses: BTreeSet<String> = found
            .iter()
            .flat_map(|it| it.linked(LinkRole::Means))
            .filter(|entity| entity.kind() == "Address")
            .map(|entity| entity.name().to_owned())
            .collect();
        addresses
    };
    assert_eq!(
        of(&read_of(1, &victim(7), "198.51.100.9")),
        BTreeSet::from(["198.51.100.9".into()])
    );
    // Somebody who claims another address each time is counted as one.
    let counted = |claimed: &dyn Fn(usize) -> Vec<String>, own: &dyn Fn(usize) -> String| {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let mut counting = Counting::new(Limits::default());
        let mut fired = 0;
        for n in 0..5 {
            let text = read_of(n, &claimed(n), &own(n));
            let event = super::Event::parse(&text).unwrap();
            for record in records(&event, &intake_of(&tenant, &cluster)) {
                fired += counting.observe(&record).len();
            }
        }
        fired
    };
    let one = |_| "198.51.100.9".to_owned();
    assert_eq!(counted(&victim, &one), 5, "one client, five claims");
    let five = |n| format!("198.51.100.{n}");
    assert_eq!(counted(&|_| vec!["192.0.2.7".to_owned()], &five), 0, "five clients, one claim");
    let local = fired(&read_of(1, &["127.0.0.1".to_owned()], "198.51.100.9"));
    assert!(local.contains("AUD-R88"), "nobody comes from there: {local:?}");
}

#[test]
fn an_audit_id_that_a_client_chooses_joins_nothing() {
    let id = |audit_id: &str, verb: &str, user: &str, at: &str| {
        let text = json!({
            "auditID": audit_id, "stage": "ResponseComplete", "verb": verb, "user": { "username": user },
            "objectRef": { "resource": "secrets" }, "requestReceivedTimestamp": at,
            "stageTimestamp": at, "responseStatus": { "code": 200 },
        });
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let event_text = text.to_string();
        let event = super::Event::parse(&event_text).unwrap();
        let records = records(&event, &intake_of(&tenant, &cluster));
        records.first().map(|record| record.id).unwrap()
    };
    let first = id("chosen", "list", "dana", "2026-11-22T10:00:00Z");
    assert_eq!(first, id("chosen", "list", "dana", "2026-11-22T10:00:00Z"), "sent again");
    for other in [
        id("chosen", "list", "dana", "2026-11-22T10:00:01Z"),
        id("chosen", "list", "erin", "2026-11-22T10:00:00Z"),
        id("chosen", "watch", "dana", "2026-11-22T10:00:00Z"),
    ] {
        assert_ne!(first, other, "another request");
    }
}

#[test]
fn no_word_in_the_query_makes_a_command_a_figure() {
    let proxied = |path: &str, query: &str| {
        let uri = format!("/api/v1/nodes/n1/proxy{path}{query}");
        let object = json!({ "resource": "nodes", "subresource": "proxy", "name": "n1" });
        fired(&event(&json!({ "verb": "get", "requestURI": uri, "objectRef": object })).to_string())
    };
    for query in ["", "?x=metrics", "?metrics=1", "?/metrics"] {
        assert!(proxied("/exec/shop/web/app", query).contains("AUD-R36"), "{query}");
    }
    let figures = proxied("/metrics/cadvisor", "?x=exec");
    assert!(!figures.contains("AUD-R35") && !figures.contains("AUD-R36"), "{figures:?}");
}

#[test]
fn the_level_of_the_policy_hides_no_command() {
    for level in ["Metadata", "Request", "RequestResponse"] {
        let text = event(&json!({
            "level": level, "verb": "create", "requestURI": "/api/v1/namespaces/shop/pods/web/exec?command=id",
            "objectRef": { "resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web" },
        }));
        assert!(fired(&text.to_string()).contains("AUD-R24"), "{level}");
    }
}

#[test]
fn a_pod_is_judged_by_its_fields_and_not_by_what_a_tool_noted() {
    const NOTE: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let pod = |privileged: bool, noted: Option<bool>| {
        let spec = |privileged| json!({ "hostNetwork": privileged, "containers": [{ "name": "a", "securityContext": { "privileged": privileged } }] });
        let mut metadata = json!({});
        if let Some(noted) = noted {
            let note = json!({ "spec": spec(noted) }).to_string();
            let mut notes = json!({});
            notes.as_object_mut().unwrap().insert(NOTE, json!(note));
            metadata.as_object_mut().unwrap().insert("annotations", notes);
        }
        let mut body = json!({ "spec": spec(privileged) });
        body.as_object_mut().unwrap().insert("metadata", metadata);
        let mut event = event(&json!({
            "verb": "create", "objectRef": { "resource": "pods", "namespace": "shop", "name": "p" },
        }));
        event.as_object_mut().unwrap().insert("requestObject", body);
        fired(&event.to_string())
    };
    for rule in ["AUD-R37", "AUD-R41"] {
        assert!(pod(true, None).contains(rule), "made without a note: {rule}");
        assert!(pod(true, Some(false)).contains(rule), "the note says otherwise: {rule}");
        assert!(!pod(false, Some(true)).contains(rule), "the note alone: {rule}");
    }
}

#[test]
fn no_name_is_trusted_to_give_rights_away() {
    let binding = json!({
        "verb": "create", "userAgent": "web/1", "requestURI": "/x",
        "objectRef": { "resource": "clusterrolebindings", "apiGroup": "rbac.authorization.k8s.io", "name": "b" },
        "requestObject": {
            "roleRef": { "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "kind": "User", "name": "mallory" }],
        },
    });
    let told = |user: &str, groups: &[&str]| {
        let found = detections(&by(user, groups, &binding));
        found.iter().any(|it| {
            matches!(it.rule.as_str(), "AUD-R59" | "AUD-R98") && it.severity >= Severity::High
        })
    };
    let account = "system:serviceaccounts:kube-system";
    for (user, group) in [
        ("gke-deployer", "system:authenticated"),
        ("azure-deployer", "system:authenticated"),
        ("eks:deployer", "system:authenticated"),
        ("system:serviceaccount:kube-system:web", account),
        ("system:serviceaccount:kube-system:job-controller", account),
        ("system:kube-scheduler", "system:authenticated"),
        ("deploy@p1.iam.gserviceaccount.com", "system:authenticated"),
    ] {
        // With the groups that the API server gives, and in a log that has none.
        for groups in [&[group][..], &[]] {
            // Nobody said that EKS runs the cluster, so that its name may be anybody's and weighs less.
            assert!(told(user, groups) || user.starts_with("eks:"), "{user} {groups:?}");
        }
    }
    // What the machinery is known to do is quiet, with its groups.
    let own = json!({
        "verb": "delete", "objectRef": { "resource": "secrets", "namespace": "shop", "name": "s" },
    });
    let quiet = by("system:serviceaccount:kube-system:generic-garbage-collector", &[account], &own);
    assert_eq!(fired(&quiet), BTreeSet::new());
}

#[test]
fn who_writes_a_template_stands_behind_its_pods() {
    let spec = json!({ "hostPID": true, "containers": [{ "name": "a", "securityContext": { "privileged": true } }] });
    let template = json!({ "spec": { "template": { "spec": spec } } });
    let cron = json!({ "spec": { "jobTemplate": { "spec": { "template": { "spec": spec } } } } });
    for (resource, group, body) in [
        ("deployments", "apps", &template),
        ("daemonsets", "apps", &template),
        ("statefulsets", "apps", &template),
        ("jobs", "batch", &template),
        ("cronjobs", "batch", &cron),
    ] {
        let mut text = event(&json!({ "verb": "create" }));
        let fields = text.as_object_mut().unwrap();
        let object =
            json!({ "resource": resource, "apiGroup": group, "namespace": "shop", "name": "x" });
        fields.insert("objectRef", object);
        fields.insert("requestObject", body.clone());
        let found = detections(&text.to_string());
        for rule in ["AUD-R38", "AUD-R39"] {
            let told = found
                .iter()
                .find(|it| it.rule == rule)
                .unwrap_or_else(|| panic!("{resource}: {rule}"));
            let who: Vec<String> = told.linked(LinkRole::Actor).map(ToString::to_string).collect();
            assert_eq!(who, ["User dana"], "{resource}");
        }
    }
    // What the controller makes of it is told again, in the controller's name, and weighs less.
    let mut made = json!({
        "verb": "create", "objectRef": { "resource": "pods", "namespace": "shop", "name": "x-1" },
    });
    let owner = json!([{ "kind": "ReplicaSet", "name": "x", "controller": true }]);
    let mut pod = json!({ "spec": spec });
    pod.as_object_mut().unwrap().insert("metadata", json!({ "ownerReferences": owner }));
    made.as_object_mut().unwrap().insert("requestObject", pod);
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    let found = detections(&by(controller, &["system:serviceaccounts:kube-system"], &made));
    let loud = |rule: &str| found.iter().any(|it| it.rule == rule && it.severity > Severity::Low);
    assert!(!loud("AUD-R37") && !loud("AUD-R39"), "{found:?}");
}

#[test]
fn an_ordinary_day_tells_nothing() {
    let by_anybody = |user: &str, agent: &str, more: &Value| {
        let mut event = event(more);
        let fields = event.as_object_mut().unwrap();
        fields.insert("user", json!({ "username": user }));
        fields.insert("userAgent", json!(agent));
        fields.insert("sourceIPs", json!(["10.0.0.5"]));
        event.to_string()
    };
    let lease = json!({ "verb": "update", "objectRef": { "resource": "leases", "apiGroup": "coordination.k8s.io", "namespace": "kube-node-lease", "name": "n1" } });
    let status = json!({ "verb": "patch", "objectRef": { "resource": "nodes", "subresource": "status", "name": "n1" } });
    let watch = json!({ "verb": "watch", "objectRef": { "resource": "pods" } });
    let path = |path: &str| json!({ "verb": "get", "requestURI": path });
    let noise = |found: &crate::audit::Event<'_>| {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        records(found, &intake_of(&tenant, &cluster)).into_iter().filter_map(rule_of).count()
    };
    for text in [
        by_anybody("system:anonymous", "kube-probe/1.36", &path("/readyz")),
        by_anybody("system:anonymous", "kube-probe/1.36", &path("/livez?exclude=etcd")),
        by_anybody("dana", "kubectl/v1.33.1", &path("/apis/apps/v1?timeout=32s")),
        by_anybody("system:node:n1", "kubelet/v1.36.2", &lease),
        by_anybody("system:node:n1", "kubelet/v1.36.2", &status),
        by_anybody("system:serviceaccount:shop:web", "web/1", &watch),
        by_anybody("system:kube-scheduler", "kube-scheduler/v1.36.2", &watch),
    ] {
        let event = super::Event::parse(&text).unwrap();
        assert_eq!(noise(&event), 0, "{text}");
    }
    // The same path without a credential, where it is not open to everybody.
    let open = by_anybody("system:anonymous", "curl/8", &path("/apis/apps/v1"));
    assert!(fired(&open).contains("AUD-R01"));
}
