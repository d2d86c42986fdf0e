//! Weak spots that are known of other tools' audit intake, on a running platform: an answer before the batch is kept,
//! a limit on the rate, requests that a client makes look like others, and servers that send everything twice.
//!
//! What a single event shows stands in `libs/detect/src/audit/tests/weak_spots.rs`.

use airside::client::ApiChannel;
use airside_types::Incident;
use airside_wire::v1::suppressions_service_client::SuppressionsServiceClient;
use airside_wire::v1::{ListSuppressionsRequest, Suppression};
use http::StatusCode;
use serde_json::{Value, json};

use crate::audit_intake::{bound, names};
use crate::bad_input::metrics;
use crate::platform::TestPlatform;

fn event(text: &str) -> Value {
    serde_json::from_str(text).expect("an event")
}

async fn post(platform: &TestPlatform, body: String) -> StatusCode {
    let mut client = platform.webhook().await;
    let key = Some(platform.connection.api_key.as_str());
    let (status, _) =
        client.post("/v1/audit/default", key, None, body.into_bytes()).await.expect("an answer");
    status
}

async fn send(platform: &TestPlatform, events: &[Value]) {
    let list = airside::delivery::event_list(events).to_string();
    assert_eq!(post(platform, list).await, StatusCode::OK);
}

/// What was not told, for a reason.
async fn not_told(api: ApiChannel, reason: &str) -> Vec<Suppression> {
    let request = ListSuppressionsRequest::default();
    let answer = SuppressionsServiceClient::new(api).list_suppressions(request).await;
    let mut all = answer.expect("the ledger").into_inner().suppressions;
    all.retain(|line| line.reason == reason);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_kept_and_what_is_not_kept_is_not_answered_with_success() {
    let settings = json!({ "node": { "store": "sled", "store_cache": "4MiB" } });
    let platform = TestPlatform::start_with(settings).await;
    // A poison beside it costs itself, and half a list is the sender's to send again.
    send(&platform, &[json!({ "no": "event" }), event(&bound("ada", "first"))]).await;
    let half = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"auditID":"#;
    assert_eq!(post(&platform, half.to_owned()).await, StatusCode::BAD_REQUEST);
    // Nobody has waited for what became of it.
    let platform = platform.restart().await;
    let told = platform.incidents_when(|all| names(all, "first")).await;
    assert!(names(&told, "first"), "{told:?}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_ordinary_requests_hides_nothing_and_is_nobody_s_incident() {
    const BATCHES: usize = 20;
    const EVENTS: usize = 400;
    let platform = TestPlatform::start().await;
    let ordinary = |number: usize| {
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
            "auditID": format!("ordinary-{number}"), "stage": "ResponseComplete", "verb": "update",
            "requestURI": "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1",
            "user": { "username": "system:node:n1", "groups": ["system:nodes"] },
            "sourceIPs": ["10.0.0.5"], "userAgent": "kubelet/v1.36.2",
            "objectRef": {
                "resource": "leases", "apiGroup": "coordination.k8s.io",
                "namespace": "kube-node-lease", "name": "n1",
            },
            "responseStatus": { "code": 200 },
            "requestReceivedTimestamp": "2026-11-26T08:00:00.000000Z",
        })
    };
    for batch in 0..BATCHES {
        let mut events: Vec<Value> = (0..EVENTS).map(|n| ordinary(batch * EVENTS + n)).collect();
        if batch == BATCHES - 1 {
            events.push(event(&bound("ada", "amid")));
        }
        send(&platform, &events).await;
    }
    let told = platform.incidents_when(|all| names(all, "amid")).await;
    assert!(names(&told, "amid") && told.len() == 1, "{told:?}");
    let taken = format!("airside_audit_ingest_events_total {}", BATCHES * EVENTS + 1);
    let metrics = metrics(&platform).await;
    assert!(metrics.lines().any(|line| line == taken), "{taken}: {metrics}");
    let leases = not_told(platform.api().await, "lease").await;
    let counted: u64 = leases.iter().map(|line| line.count).sum();
    assert_eq!(counted, (BATCHES * EVENTS) as u64, "none of them is left out in silence");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_twice_is_told_once_and_a_chosen_audit_id_joins_nothing() {
    let platform = TestPlatform::start().await;
    let chosen = |by: &str, whom: &str| {
        let mut event = event(&bound(by, whom));
        event["auditID"] = json!("chosen");
        event
    };
    // A second server of the API, or the log beside the webhook, sends the same again.
    let first = [chosen("ada", "first")];
    send(&platform, &first).await;
    send(&platform, &first).await;
    // Another request with the audit id that was used before.
    send(&platform, &[chosen("bob", "second")]).await;
    let bindings = |all: &[Incident]| {
        let evidence = all.iter().flat_map(|incident| &incident.evidence);
        let mut whom: Vec<&str> = evidence
            .filter(|it| it.rule == "AUD-R59")
            .map(|it| if it.summary.contains("to first") { "first" } else { "second" })
            .collect();
        whom.sort_unstable();
        whom == ["first", "second"]
    };
    let told = platform.incidents_when(bindings).await;
    assert!(bindings(&told), "each once: {told:?}");
    let again = not_told(platform.api().await, "seen-before").await;
    assert_eq!(again.iter().map(|line| line.count).collect::<Vec<_>>(), [1], "{again:?}");
    platform.stop().await;
}
