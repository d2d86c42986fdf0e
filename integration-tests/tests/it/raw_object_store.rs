//! Raw events in an object store: whichever intake of a deployment took one in and sealed it, each of them finds it.

use airside_testkit::ObjectStoreServer;
use airside_wire::raw::{RawQuery, Shown};
use http::StatusCode;
use serde_json::{Value, json};

use crate::platform::{PATIENCE, TestPlatform};
use crate::raw_records::{event, query, send};

fn keeping_in(server: &ObjectStoreServer, instance: &str) -> Value {
    json!({ "audit-ingest": { "archive": { "seal_after": "1s", "object_store": {
        "url": "s3://raw/airside",
        "endpoint": server.endpoint(),
        "access_key_id": ObjectStoreServer::ACCESS_KEY_ID,
        "secret_access_key": ObjectStoreServer::SECRET_ACCESS_KEY,
        "instance": instance,
    } } } })
}

/// Waits until a cluster's events lie in the bucket.
async fn stored(server: &ObjectStoreServer, cluster: &str) {
    let folder = server.files().join("airside/default").join(cluster);
    let there = async {
        while !folder.try_exists().expect("a folder") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, there).await.expect("the events are brought to the store");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_intake_finds_what_all_of_them_have_sealed() {
    let server = ObjectStoreServer::start().expect("an object store");
    let first = TestPlatform::start_with(keeping_in(&server, "intake-1")).await;
    let exec = event("a-1", 1, |_| ()).to_string();
    assert_eq!(send(&first, "prod", exec.clone()).await, StatusCode::OK);
    stored(&server, "prod").await;

    let second = TestPlatform::start_with(keeping_in(&server, "intake-2")).await;
    let asked = RawQuery { actor: Some("ada".to_owned()), with_raw: true, ..RawQuery::default() };
    let found = query(&second, &asked).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].raw, Shown::AsItCame(exec.into()));
    first.stop().await;

    // What is sealed while the store is away is brought when it is back, also after a restart.
    server.set_away(true);
    let list = event("b-1", 2, |_| ()).to_string();
    assert_eq!(send(&second, "stage", list).await, StatusCode::OK);
    let second = second.restart_after(|| server.set_away(false)).await;
    stored(&server, "stage").await;
    let found = query(&second, &asked).await;
    let ids: Vec<_> = found.iter().map(|record| record.audit_id.as_str()).collect();
    assert_eq!(ids, ["b-1", "a-1"]);
    second.stop().await;
}
