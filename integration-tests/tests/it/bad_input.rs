//! What is sent wrongly gets an answer by the book that says what to do; nothing panics, nothing that was
//! answered with success is lost, and what is refused is counted.

use std::collections::BTreeMap;
use std::io::Write;

use airside::https::HttpsClient;
use http::StatusCode;
use serde_json::{Value, json};

use crate::platform::TestPlatform;

struct Case {
    name: &'static str,
    path: &'static str,
    key: Key,
    body: Vec<u8>,
    status: StatusCode,
    says: &'static str,
}

#[derive(Clone, Copy)]
enum Key {
    Right,
    Wrong,
    None,
}

fn case(
    name: &'static str,
    path: &'static str,
    key: Key,
    body: impl Into<Vec<u8>>,
    status: StatusCode,
    says: &'static str,
) -> Case {
    Case { name, path, key, body: body.into(), status, says }
}

fn review(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "r-1", "operation": "CREATE", "userInfo": { "username": "ada" },
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "namespace": "default", "name": "p",
            "object": { "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "spec": {} },
        },
    });
    change(&mut review);
    review.to_string().into_bytes()
}

fn cases() -> Vec<Case> {
    const AUDIT: &str = "/v1/audit/default";
    const FALCO: &str = "/v1/runtime/falco/default";
    const ADMISSION: &str = "/v1/admission/default";
    const CUT: &str = "/v1/admission/default/abcdefgh-AAAA";
    const FORGED: &str =
        "/v1/admission/default/abcdefgh-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let without_uid = review(|review| {
        review["request"].as_object_mut().expect("a request").remove("uid");
    });
    let half_list = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"auditID":"#;
    let (ok, bad, gone) = (StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND);
    let unauthorized = StatusCode::UNAUTHORIZED;
    vec![
        case("a right review", ADMISSION, Key::Right, review(|_| ()), ok, "r-1"),
        case("no key", AUDIT, Key::None, "{}", unauthorized, "Authorization"),
        case("an unknown key", AUDIT, Key::Wrong, "{}", unauthorized, "key"),
        case("an invalid cluster", "/v1/audit/Not_A_Name", Key::Right, "{}", gone, "cluster"),
        case("an unknown path", "/v1/elsewhere", Key::Right, "{}", gone, "/v1/elsewhere"),
        case("an unknown sensor", "/v1/runtime/radar/default", Key::Right, "{}", gone, "falco"),
        case("a review without key", ADMISSION, Key::None, review(|_| ()), unauthorized, "key"),
        case("a URL that is cut", CUT, Key::None, review(|_| ()), unauthorized, "copy the URL"),
        case("a token of no key", FORGED, Key::None, review(|_| ()), unauthorized, "not known"),
        case("no JSON at all", AUDIT, Key::Right, "event!", bad, "EventList"),
        case("half an EventList", AUDIT, Key::Right, half_list, bad, "breaks off"),
        case("a review without uid", ADMISSION, Key::Right, without_uid, bad, "request.uid"),
        case("no review", ADMISSION, Key::Right, "[]", bad, ""),
        case("an alert that is none", FALCO, Key::Right, "nonsense", bad, "JSON"),
        case(
            "an oversized alert",
            FALCO,
            Key::Right,
            vec![b' '; (8 << 20) + 1],
            StatusCode::PAYLOAD_TOO_LARGE,
            "runtime-collector.max_body",
        ),
    ]
}

/// The service that takes what is sent to a path; none takes what has no route.
fn service_at(path: &str) -> &'static str {
    match path.split('/').nth(2) {
        Some("audit") => "audit-ingest",
        Some("admission") => "admission",
        Some("runtime") if !path.contains("radar") => "runtime-collector",
        _ => "",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_by_the_book_and_say_what_to_do() {
    let platform = TestPlatform::start().await;
    let mut refused = BTreeMap::<&str, u64>::new();
    for case in cases() {
        let mut client = platform.webhook().await;
        let key = match case.key {
            Key::Right => Some(platform.connection.api_key.clone()),
            Key::Wrong => Some(format!("airside_{}_{}", "a".repeat(8), "b".repeat(43))),
            Key::None => None,
        };
        let (status, answer) = client
            .post(case.path, key.as_deref(), None, case.body)
            .await
            .unwrap_or_else(|error| panic!("{}: {error:#}", case.name));
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(status, case.status, "{}: {text}", case.name);
        assert!(text.contains(case.says), "{}: `{}` is not in {text}", case.name, case.says);
        if !status.is_success() {
            let error: Value = serde_json::from_slice(&answer).expect("a JSON error");
            assert!(error["code"].is_string() && error["message"].is_string(), "{}", case.name);
            *refused.entry(service_at(case.path)).or_default() += 1;
        }
    }
    let metrics = metrics(&platform).await;
    for (service, times) in refused.into_iter().filter(|(service, _)| !service.is_empty()) {
        let line =
            format!("airside_intake_refused_requests_total{{service=\"{service}\"}} {times}");
        assert!(metrics.lines().any(|metric| metric == line), "{line}: {metrics}");
    }
    platform.stop().await;
}

/// A poison event is set aside and the batch is still answered with 200: the API server would send it again
/// for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_is_set_aside_and_its_batch_is_taken() {
    let platform = TestPlatform::start().await;
    let mut client = platform.webhook().await;
    let list = airside::delivery::event_list(&[json!({ "no": "event" }), json!("text"), exec()]);
    let (status, answer) = post(&platform, &mut client, list.to_string().into_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let metrics = metrics(&platform).await;
    let counted = |line: &str| metrics.lines().any(|metric| metric.starts_with(line));
    assert!(counted("airside_dead_letters_total{service=\"audit-ingest\"} 2"), "{metrics}");
    assert!(counted("airside_audit_ingest_events_total 3"), "{metrics}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_gzip_body_is_refused_and_a_whole_one_is_taken() {
    let platform = TestPlatform::start().await;
    let list = airside::delivery::event_list(&[exec()]).to_string().into_bytes();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&list).expect("compressed");
    let whole = encoder.finish().expect("compressed");
    let cut = whole[..whole.len() - 10].to_vec();
    for (body, expected) in [(cut, StatusCode::BAD_REQUEST), (whole, StatusCode::OK)] {
        let mut client = platform.webhook().await;
        let (status, answer) = client
            .post_encoded("/v1/audit/default", &platform.connection.api_key, "gzip", body)
            .await
            .expect("an answer");
        assert_eq!(status, expected, "{}", String::from_utf8_lossy(&answer));
    }
    platform.stop().await;
}

fn exec() -> Value {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1",
        "stage": "ResponseComplete", "verb": "create",
        "requestURI": "/api/v1/namespaces/shop/pods/web-1/exec?command=sh",
        "user": { "username": "ada", "groups": ["system:authenticated"] },
        "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.33.0",
        "objectRef": {
            "resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1",
            "subresource": "exec",
        },
        "responseStatus": { "code": 101 },
        "requestReceivedTimestamp": "2026-11-22T10:00:00.000000Z",
        "stageTimestamp": "2026-11-22T10:00:00.100000Z",
    })
}

async fn post(
    platform: &TestPlatform,
    client: &mut HttpsClient,
    body: Vec<u8>,
) -> (StatusCode, String) {
    let key = Some(platform.connection.api_key.as_str());
    let (status, answer) =
        client.post("/v1/audit/default", key, None, body).await.expect("an answer");
    (status, String::from_utf8_lossy(&answer).into_owned())
}

/// The node's metrics, as a scraper reads them.
pub(crate) async fn metrics(platform: &TestPlatform) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(platform.node.api).await.expect("the API port");
    let request = "GET /metrics HTTP/1.1\r\nHost: airside\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    text
}
