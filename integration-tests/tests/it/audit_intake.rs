//! How audit events come in from a file that is written and rotated.

use std::fs;
use std::io::Write;
use std::path::Path;

use airside_ports::Clock;
use airside_service::SystemClock;
use airside_types::Incident;
use serde_json::json;

use crate::platform::TestPlatform;

/// Somebody makes another one administrator.
pub(crate) fn bound(by: &str, whom: &str) -> String {
    bound_at("2026-11-26T08:00:00.000000Z", by, whom)
}

fn bound_at(time: &str, by: &str, whom: &str) -> String {
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
        "requestReceivedTimestamp": time,
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

/// A platform that has followed a log to its first line.
async fn following(log: &Path) -> TestPlatform {
    let settings = json!({
        "node": { "store": "sled", "store_cache": "4MiB" },
        "audit-ingest": { "files": [{ "path": log }], "poll": "20ms" },
    });
    append(log, &bound("ada", "first"));
    let platform = TestPlatform::start_with(settings).await;
    let told = platform.incidents_when(|all| names(all, "first")).await;
    assert!(names(&told, "first"), "{told:?}");
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_log_is_followed_through_rotation_and_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let platform = following(&log).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_log_held_that_is_gone_is_a_gap_of_the_incident_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let platform = following(&log).await;
    // After the last line that was read, and before the file was begun in which it stands.
    let time = SystemClock.now().to_string();
    let platform = platform
        .restart_after(|| {
            append(&log, &bound("carl", "third"));
            fs::remove_file(&log).expect("removed");
            append(&log, &bound_at(&time, "dora", "fourth"));
        })
        .await;
    let gap = |all: &[Incident]| {
        let after = all.iter().filter(|incident| incident.title.contains("fourth"));
        after.flat_map(|incident| incident.gaps.first()).next().cloned()
    };
    let told = platform.incidents_when(|all| gap(all).is_some()).await;
    let gap = gap(&told).unwrap_or_else(|| panic!("{told:?}"));
    assert!(gap.origin.contains("audit.log") && gap.reason.contains("is gone"), "{gap:?}");
    platform.stop().await;
}
