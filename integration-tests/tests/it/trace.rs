//! One trace: from the HTTP request that brought an audit event in to the revision of the incident.

use std::sync::Once;

use airside::delivery::{Source, deliveries};
use airside_ports::Clock;
use airside_service::SystemClock;
use airside_wire::incident::{WatchQuery, WatchUpdate};
use airside_wire::v1::WatchIncidentsRequest;
use airside_wire::v1::incidents_service_client::IncidentsServiceClient;

use crate::platform::{TestPlatform, next_update, recording};

/// The subscriber is the one thing that a process has once; `main` sets it up in the same way.
fn with_traces() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let options = airside_telemetry::Options { log: "off".to_owned(), ..Default::default() };
        // The handle flushes exporters, of which there are none.
        std::mem::forget(airside_telemetry::init(&options, "test").expect("telemetry"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_revision_carries_the_trace_of_the_request_that_caused_it() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    with_traces();
    let platform = TestPlatform::start().await;
    let query = WatchIncidentsRequest::from(&WatchQuery::default());
    let mut client = IncidentsServiceClient::new(platform.api().await);
    let mut watch = client.watch_incidents(query).await.expect("a watch").into_inner();

    let recording = recording("attack-ledger");
    let mut webhook = platform.webhook().await;
    for delivery in deliveries(&recording, SystemClock.now()).expect("deliveries") {
        if delivery.source != Source::Audit {
            continue;
        }
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let key = Some(platform.connection.api_key.as_str());
        let body = delivery.body.to_string().into_bytes();
        let (status, _) =
            webhook.post("/v1/audit/default", key, Some(&parent), body).await.expect("an answer");
        assert!(status.is_success());
    }
    let item = next_update(&mut watch).await;
    let WatchUpdate::Revision(revision) = item.update else { panic!("no revision: {item:?}") };
    let parent = revision.trace_parent.expect("the revision has a trace");
    assert_eq!(airside_telemetry::trace::trace_id(&parent), Some(TRACE));
    // It is a span of its own within the trace, not the caller's.
    assert!(!parent.contains("00f067aa0ba902b7"), "{parent}");
    drop(watch);
    platform.stop().await;
}
