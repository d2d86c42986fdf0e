//! How audit events come in from a file that is written and rotated.

use std::fs;
use std::io::Write;
use std::path::Path;

use airside_types::Incident;
use serde_json::json;

use crate::platform::TestPlatform;

/// Somebody makes another one administrator.
pub(crate) fn bound(by: &str, whom: &str) -> String {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": format!("{by}-{whom}"), "stage": "ResponseComplete", "verb": "create",
        "requestURI": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "user": { "username": by }, "sourceIPs": ["203.0.113.9"], "userAgent": "curl/8",
        "objectRef": {
            "resource": "clusterrolebindings", "apiGroup": "rbac.authorization.k8s.io", "name": whom,
        },
        "responseStatus": { "code": 201 },
        "requestObject": {
            "roleRef": { "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "kind": "User", "name": whom }],
        },
        "requestReceivedTimestamp": "2026-11-26T08:00:00.000000Z",
    })
    .to_string()
        + "\n"
}

fn append(path: &Path, text: &str) {
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    file.expect("the log").write_all(text.as_bytes()).expect("written");
}

pub(crate) fn names(incidents: &[Incident], whom: &str) -> bool {
    incidents.iter().any(|incident| incident.title.contains(whom))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_log_is_followed_through_rotation_and_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let settings = json!({
        "node": { "store": "sled", "store_cache": "4MiB" },
        "audit-ingest": { "files": [{ "path": log }], "poll": "20ms" },
    });
    append(&log, &bound("ada", "first"));
    let platform = TestPlatform::start_with(settings).await;
    let told = platform.incidents_when(|all| names(all, "first")).await;
    assert!(names(&told, "first"), "{told:?}");
    fs::rename(&log, folder.path().join("audit-1.log")).expect("rotated");
    append(&log, &bound("bob", "second"));
    let told = platform.incidents_when(|all| names(all, "second")).await;
    assert!(names(&told, "second"), "{told:?}");
    // What comes while nobody follows, in a file that is rotated away before anybody does again.
    let platform = platform
        .restart_after(|| {
            append(&log, &bound("carl", "third"));
            fs::rename(&log, folder.path().join("audit-2.log")).expect("rotated");
            append(&log, &bound("dora", "fourth"));
        })
        .await;
    let both = |all: &[Incident]| names(all, "third") && names(all, "fourth");
    let told = platform.incidents_when(both).await;
    let of_first = told.iter().filter(|incident| incident.title.contains("first")).count();
    assert_eq!((both(&told), of_first), (true, 1), "{told:?}");
    platform.stop().await;
}
