//! What the clouds' services push: Firehose's deliveries and Pub/Sub's messages are answered in their forms once they are
//! durable; what they hold that is no event is set aside, and what comes is not sent again for it.

use std::io::Write;

use airside_auth::{ApiKey, KeyRecord, KeyRing, Scope};
use airside_types::Tenant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::audit_intake::{bound, names};
use crate::bad_input::metrics;
use crate::platform::TestPlatform;

/// A platform whose keys are `all`, which may do everything, and `ingest`, which may only send.
struct Scene {
    platform: TestPlatform,
    ingest: ApiKey,
    all: ApiKey,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn start(more: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (ingest, all) =
            (ApiKey::from_random([1; 5], [1; 32]), ApiKey::from_random([2; 5], [2; 32]));
        let mut ring = KeyRing::default();
        ring.add(KeyRecord::new(&ingest, Tenant::default(), [Scope::Ingest]));
        ring.add(KeyRecord::new(&all, Tenant::default(), Scope::ALL));
        let keys = folder.path().join("keys.toml");
        std::fs::write(&keys, ring.to_toml()).expect("written");
        let mut platform = TestPlatform::start_with(json!({
            "node": { "store": "memory" },
            "auth": { "keys_file": keys },
            "audit-ingest": more,
        }))
        .await;
        all.expose().clone_into(&mut platform.connection.api_key);
        Self { platform, ingest, all, _folder: folder }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> (StatusCode, Value) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().expect("a name");
            map.insert(name, value.parse().expect("a value"));
        }
        let mut client = self.platform.webhook().await;
        let body = body.to_string().into_bytes();
        let (status, said) =
            client.request(Method::POST, path, map, body).await.expect("an answer");
        (status, serde_json::from_slice(&said).unwrap_or_default())
    }

    /// How many dead letters there are.
    async fn set_aside(&self) -> String {
        let page = metrics(&self.platform).await;
        let count = page.lines().find_map(|line| line.strip_prefix(SET_ASIDE));
        count.unwrap_or_default().trim().to_owned()
    }
}

/// CloudWatch's subscription data with these messages, packed as Firehose has it.
fn cloud_watch(messages: &[String]) -> String {
    let events: Vec<_> =
        messages.iter().map(|text| json!({ "id": "1", "timestamp": 1, "message": text })).collect();
    let data = json!({
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/aws/eks/shop/cluster",
        "logStream": "kube-apiserver-audit-1", "subscriptionFilters": ["f"], "logEvents": events,
    });
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data.to_string().as_bytes()).expect("packed");
    STANDARD.encode(encoder.finish().expect("packed"))
}

fn delivery(records: &[String]) -> Value {
    let records: Vec<_> = records.iter().map(|data| json!({ "data": data })).collect();
    json!({ "requestId": "r-1", "timestamp": 1_763_805_600_000_u64, "records": records })
}

fn message(data: &str) -> Value {
    json!({
        "message": {
            "data": STANDARD.encode(data), "messageId": "m-1", "attributes": {},
            "publishTime": "2026-11-26T08:00:00Z",
        },
        "subscription": "projects/p/subscriptions/s",
    })
}

/// What Google logs of one who makes another administrator.
fn of_google(whom: &str) -> String {
    json!({
        "insertId": "i-1", "timestamp": "2026-11-26T08:00:00.000001Z",
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io",
            "methodName": "io.k8s.authorization.rbac.v1.clusterrolebindings.create",
            "resourceName": format!("rbac.authorization.k8s.io/v1/clusterrolebindings/{whom}"),
            "authenticationInfo": { "principalEmail": "ada@example.net" },
            "requestMetadata": { "callerIp": "203.0.113.9" },
            "request": {
                "roleRef": { "kind": "ClusterRole", "name": "cluster-admin" },
                "subjects": [{ "kind": "User", "name": whom }],
            },
        },
    })
    .to_string()
}

const FIREHOSE: &str = "/v1/audit/default/firehose";
const KEY: &str = "x-amz-firehose-access-key";
const REQUEST: (&str, &str) = ("x-amz-firehose-request-id", "r-1");
const SET_ASIDE: &str = "airside_dead_letters_total{service=\"audit-ingest\"}";

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_of_firehose_is_answered_in_its_form() {
    let scene = Scene::start(json!({})).await;
    let key = (KEY, scene.ingest.expose());
    let records = [
        cloud_watch(&[bound("ada", "eve"), "no event".to_owned()]),
        cloud_watch(&[bound("bob", "mallory")]),
        "%% no base64".to_owned(),
    ];
    let (status, said) = scene.post(FIREHOSE, &[REQUEST, key], delivery(&records)).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(said["requestId"], "r-1");
    assert!(said["timestamp"].as_i64() > Some(1_700_000_000_000), "milliseconds: {said}");
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(2), "{said}");
    let both = |all: &[airside_types::Incident]| names(all, "eve") && names(all, "mallory");
    let told = scene.platform.incidents_when(both).await;
    assert!(both(&told), "{told:?}");
    assert_eq!(scene.set_aside().await, "2");

    let wrong = (KEY, "airside_aaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for (headers, body, status, says) in [
        (vec![REQUEST], delivery(&[]), 401, "no credentials"),
        (vec![REQUEST, wrong], delivery(&[]), 401, "not known"),
        (vec![REQUEST, (KEY, "x\ty")], delivery(&[]), 401, "airside_"),
        (vec![key], delivery(&[]), 400, "x-amz-firehose-request-id"),
    ] {
        let (answer, said) = scene.post(FIREHOSE, &headers, body).await;
        assert_eq!(answer.as_u16(), status, "{said}");
        let message = said["errorMessage"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{said}");
        assert!(said["timestamp"].is_i64() && said["requestId"].is_string(), "{said}");
    }
    scene.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_too_large_is_refused_in_firehoses_form() {
    let scene = Scene::start(json!({ "max_body": "1KiB" })).await;
    let key = (KEY, scene.ingest.expose());
    let large = delivery(&["A".repeat(8 << 10)]);
    let (status, said) = scene.post(FIREHOSE, &[REQUEST, key], large).await;
    // Firehose puts what is too large into its bucket at once.
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{said}");
    let message = said["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("audit-ingest.max_body"), "{said}");
    scene.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_pub_sub_is_acknowledged_once_it_is_kept_or_set_aside() {
    let scene = Scene::start(json!({})).await;
    let with_key = |key: &ApiKey| format!("/v1/audit/default/pubsub?key={}", key.expose());
    let path = with_key(&scene.ingest);
    let bearer = format!("Bearer {}", scene.all.expose());
    let of_google_itself = [("authorization", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln")];
    let (status, said) = scene.post(&path, &of_google_itself, message(&of_google("eve"))).await;
    assert_eq!(status, StatusCode::OK, "the key of the URL counts: {said}");
    let told = scene.platform.incidents_when(|all| names(all, "eve")).await;
    assert!(names(&told, "eve"), "{told:?}");
    let half = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"auditID":"#;
    for poison in ["no event", "{}", half] {
        let (status, said) = scene.post(&path, &[], message(poison)).await;
        assert_eq!(status, StatusCode::OK, "{poison}: {said}");
    }
    assert_eq!(scene.set_aside().await, "3");
    let path_of_all = with_key(&scene.all);
    for (path, headers, status, says) in [
        ("/v1/audit/default/pubsub", vec![("authorization", bearer.as_str())], 200, ""),
        ("/v1/audit/default/pubsub", vec![], 401, "no credentials"),
        ("/v1/audit/default/pubsub", of_google_itself.to_vec(), 401, "no API key"),
        ("/v1/audit/default/pubsub?key=%0A", vec![], 401, "holds no key"),
        (path_of_all.as_str(), vec![], 403, "the scope `ingest` alone"),
    ] {
        let (answer, said) = scene.post(path, &headers, message(&of_google("carl"))).await;
        assert_eq!(answer.as_u16(), status, "{said}");
        assert!(said["message"].as_str().unwrap_or_default().contains(says), "{said}");
    }
    scene.platform.stop().await;
}
