//! More clusters than fit into memory, and more than a tenant may have: the state of each goes on where it was, and
//! what is too much is set aside with the reason.

use std::collections::BTreeMap;

use airside_wire::v1::ListSuppressionsRequest;
use airside_wire::v1::suppressions_service_client::SuppressionsServiceClient;
use http::StatusCode;
use serde_json::json;

use crate::audit_intake::bound;
use crate::bad_input::metrics;
use crate::platform::{PATIENCE, TestPlatform};

/// How many events of each cluster were folded, and how many had come before.
type Counted = BTreeMap<String, (u64, u64)>;

async fn counted(platform: &TestPlatform) -> Counted {
    let mut client = SuppressionsServiceClient::new(platform.api().await);
    let asked = client.list_suppressions(ListSuppressionsRequest::default()).await;
    let answer = asked.expect("an answer").into_inner();
    let before = |cluster: &str| {
        let lines = answer.suppressions.iter();
        let of = lines.filter(|it| it.cluster == cluster && it.reason == "seen-before");
        of.map(|it| it.count).sum()
    };
    let clusters = answer.clusters.iter();
    clusters.map(|it| (it.cluster.clone(), (it.folded, before(&it.cluster)))).collect()
}

/// Waits until the counts are these.
async fn counts(platform: &TestPlatform, expected: &[(&str, (u64, u64))]) {
    let expected: Counted =
        expected.iter().map(|(name, counts)| ((*name).to_owned(), *counts)).collect();
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = counted(platform).await;
        if found == expected {
            return;
        }
        assert!(tokio::time::Instant::now() < until, "{found:?} instead of {expected:?}");
        tokio::task::yield_now().await;
    }
}

async fn send(platform: &TestPlatform, cluster: &str, whom: &str) {
    let list = format!(r#"{{"kind":"EventList","items":[{}]}}"#, bound("ada", whom));
    let (path, key) = (format!("/v1/audit/{cluster}"), platform.connection.api_key.clone());
    let mut client = platform.webhook().await;
    let (status, said) =
        client.post(&path, Some(&key), None, list.into_bytes()).await.expect("an answer");
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_state_was_put_away_goes_on_where_it_was() {
    let platform = TestPlatform::start_with(json!({
        "node": { "store": "sled", "store_cache": "4MiB" },
        "audit-ingest": { "clusters_in_memory": 1, "max_clusters": 2 },
    }))
    .await;
    for _ in 0..3 {
        send(&platform, "one", "eve").await;
        send(&platform, "two", "mallory").await;
    }
    counts(&platform, &[("one", (1, 2)), ("two", (1, 2))]).await;
    let platform = platform.restart().await;
    counts(&platform, &[("one", (1, 2)), ("two", (1, 2))]).await;
    send(&platform, "one", "eve").await;
    send(&platform, "two", "another").await;
    counts(&platform, &[("one", (1, 3)), ("two", (2, 2))]).await;
    // One more than the tenant may have: nothing is folded, and it is told why.
    send(&platform, "three", "eve").await;
    send(&platform, "one", "eve").await;
    counts(&platform, &[("one", (1, 4)), ("two", (2, 2))]).await;
    let page = metrics(&platform).await;
    let set_aside = "airside_dead_letters_total{service=\"audit-ingest\"} 1";
    assert!(page.lines().any(|line| line == set_aside), "{page}");
    platform.stop().await;
}
