//! What was sent is found again: by the id that a detection names, by what it is about, for its tenant only,
//! and without credentials; however the platform is stopped in between.

use airside::client::connect_with_key;
use airside_auth::{ApiKey, KeyRecord, KeyRing, Scope};
use airside_types::Tenant;
use airside_wire::raw::{GatheredRecords, RawEntry, RawQuery, Shown};
use airside_wire::v1::raw_records_service_client::RawRecordsServiceClient;
use airside_wire::v1::{GetRawRecordsRequest, QueryRawRecordsRequest};
use http::StatusCode;
use serde_json::{Value, json};
use tonic::Code;

use crate::platform::TestPlatform;

pub(crate) fn event(audit_id: &str, minute: u32, change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": audit_id,
        "stage": "ResponseComplete", "verb": "create",
        "requestURI": "/api/v1/namespaces/shop/pods/web-1/exec?command=sh",
        "user": { "username": "ada", "groups": ["system:authenticated"] },
        "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.33.0",
        "objectRef": {
            "resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1",
            "subresource": "exec",
        },
        "responseStatus": { "code": 101 },
        "requestReceivedTimestamp": format!("2026-01-31T10:{minute:02}:00.000000Z"),
        "stageTimestamp": format!("2026-01-31T10:{minute:02}:01.000000Z"),
    });
    change(&mut event);
    event
}

pub(crate) async fn send(platform: &TestPlatform, cluster: &str, body: String) -> StatusCode {
    let (path, key) = (format!("/v1/audit/{cluster}"), platform.connection.api_key.clone());
    let mut client = platform.webhook().await;
    let sent = client.post(&path, Some(&key), None, body.into_bytes()).await;
    sent.expect("an answer").0
}

pub(crate) async fn query(platform: &TestPlatform, query: &RawQuery) -> Vec<RawEntry> {
    let mut client = RawRecordsServiceClient::new(platform.api().await);
    let answer = client.query_raw_records(QueryRawRecordsRequest::from(query)).await;
    let records = answer.expect("an answer").into_inner().records.into_iter();
    records.map(|record| record.try_into().expect("a record")).collect()
}

async fn get(platform: &TestPlatform, event: airside_types::Id) -> Vec<RawEntry> {
    let mut client = RawRecordsServiceClient::new(platform.api().await);
    let answer = client.get_raw_records(GetRawRecordsRequest::from(event)).await;
    let (mut parts, mut gathered) =
        (answer.expect("records").into_inner(), GatheredRecords::default());
    while let Some(part) = parts.message().await.expect("a part") {
        gathered.take(part).expect("a part of a record");
    }
    gathered.finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_leads_to_the_bytes_that_were_sent_also_after_a_restart() {
    let platform = TestPlatform::start_with(json!({})).await;
    // Written by nobody's library: what is kept is what was sent, to the blank.
    let exec = event("a-1", 1, |_| ()).to_string().replacen("\"ada\"", " \"ada\" ", 1);
    let large = event("a-2", 2, |event| {
        event["requestObject"] = json!({ "data": { "large": "x".repeat(3 << 20) } });
    });
    let large = large.to_string();
    let list = format!(r#"{{"kind":"EventList","items":[{exec},{large}]}}"#);
    assert_eq!(send(&platform, "prod", list.clone()).await, StatusCode::OK);
    // Sent again, as an API server does that got no answer.
    assert_eq!(send(&platform, "prod", list).await, StatusCode::OK);

    let mut platform = platform;
    for _restarted in [false, true] {
        let asked = RawQuery {
            actor: Some("ada".to_owned()),
            resource: Some("pods".to_owned()),
            address: Some("192.0.2.7".to_owned()),
            with_raw: true,
            ..RawQuery::default()
        };
        let found = query(&platform, &asked).await;
        let ids: Vec<_> = found.iter().map(|it| it.audit_id.as_str()).collect();
        assert_eq!(ids, ["a-2", "a-1"], "the latest first, and each once");
        assert_eq!(found[0].raw, Shown::LeftOut, "it is too large for a page");
        for (record, sent) in found.iter().zip([&large, &exec]) {
            let records = get(&platform, record.event).await;
            assert_eq!(records.len(), 1);
            assert_eq!(records[0].raw, Shown::AsItCame(sent.clone().into()));
            assert_eq!(records[0].raw_bytes, sent.len() as u64);
        }
        platform = platform.restart().await;
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_hidden_and_other_tenants_see_nothing() {
    let platform = TestPlatform::start_with(json!({})).await;
    let secret = event("s-1", 1, |event| {
        event["objectRef"] = json!({ "resource": "secrets", "namespace": "shop", "name": "db" });
        event["responseObject"] = json!({ "kind": "Secret", "data": { "pw": "aHVudGVyMg==" } });
    });
    let list = airside::delivery::event_list(&[secret]).to_string();
    assert_eq!(send(&platform, "prod", list).await, StatusCode::OK);
    let asked = RawQuery { name: Some("db".to_owned()), with_raw: true, ..RawQuery::default() };
    let found = query(&platform, &asked).await;
    let shown = String::from_utf8_lossy(found[0].raw.bytes()).into_owned();
    assert!(matches!(found[0].raw, Shown::Redacted(_)), "{shown}");
    assert!(shown.contains("\"pw\"") && !shown.contains("aHVudGVyMg"), "{shown}");

    let other = ApiKey::from_random([1; 5], [2; 32]);
    let keys = platform.node.data_dir.join("keys.toml");
    let mut ring =
        KeyRing::from_toml(&std::fs::read_to_string(&keys).expect("keys")).expect("keys");
    ring.add(KeyRecord::new(&other, Tenant::new("other").expect("a name"), Scope::ALL));
    let text = ring.to_toml();
    let restarted = platform.restart_after(move || std::fs::write(keys, text).expect("keys"));
    let platform = restarted.await;
    let api = connect_with_key(&platform.connection.api, other.expose(), None).await;
    let mut client = RawRecordsServiceClient::new(api.expect("the API"));
    let answer = client.query_raw_records(QueryRawRecordsRequest::from(&asked)).await;
    assert_eq!(answer.expect("an answer").into_inner().records, []);
    let answer = client.get_raw_records(GetRawRecordsRequest::from(found[0].event)).await;
    assert_eq!(answer.expect_err("nothing").code(), Code::NotFound);
    assert_eq!(query(&platform, &asked).await.len(), 1);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_keeps_nothing_says_so() {
    let platform = TestPlatform::start().await;
    let list = airside::delivery::event_list(&[event("a-1", 1, |_| ())]).to_string();
    assert_eq!(send(&platform, "prod", list).await, StatusCode::OK);
    let mut client = RawRecordsServiceClient::new(platform.api().await);
    let answer = client.query_raw_records(QueryRawRecordsRequest::default()).await;
    let refused = answer.expect_err("nothing is kept");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("audit-ingest.archive"), "{}", refused.message());
    platform.stop().await;
}
