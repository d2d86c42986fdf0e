//! Streams as a client sees them: what comes back, what is refused and why, and that a place is given back.

use std::time::Duration;

use airside_config::{ByteSize, Interval};
use airside_types::FindingState;
use airside_wire::scan::stream::{GatheredAnswer, publication_parts, request_parts};
use airside_wire::v1::scan_service_client::ScanServiceClient;
use airside_wire::v1::scan_service_server::ScanServiceServer;
use airside_wire::v1::{ScanStreamRequest, scan_stream_request::Part};
use futures::SinkExt;
use futures::channel::mpsc;
use tonic::service::interceptor::InterceptedService;

use super::*;
use crate::options::Options;
use crate::testing::{ORDINARY, PRIVILEGED, TestScanner, in_state, publication, source};

/// A client of one tenant, without a network in between.
type Client = ScanServiceClient<InterceptedService<ScanServiceServer<ScanApi>, Identify>>;
type Identify = fn(Request<()>) -> Result<Request<()>, Status>;

fn client(scanner: &TestScanner, options: &Options, identify: Identify) -> Client {
    let api = scanner.api(options);
    ScanServiceClient::with_interceptor(ScanServiceServer::new(api), identify)
}

fn ours(mut request: Request<()>) -> Result<Request<()>, Status> {
    request.extensions_mut().insert(Caller::local(Tenant::default()));
    Ok(request)
}

fn theirs(mut request: Request<()>) -> Result<Request<()>, Status> {
    let tenant = Tenant::new("theirs").map_err(|error| Status::internal(error.to_string()))?;
    request.extensions_mut().insert(Caller::local(tenant));
    Ok(request)
}

fn request(files: &[(&str, &str)]) -> ScanRequest {
    let cluster = airside_types::Cluster::default();
    ScanRequest { files: source(files), cluster, publish: true, failing_severity: None }
}

async fn scan(client: &mut Client, parts: Vec<ScanStreamRequest>) -> Result<ScanAnswer, Status> {
    let mut answer = client.scan_stream(stream::iter(parts)).await?.into_inner();
    let mut gathered = GatheredAnswer::default();
    while let Some(part) = answer.message().await? {
        gathered.take(part)?;
    }
    Ok(gathered.finish()?)
}

fn said(status: &Status) -> (tonic::Code, &str) {
    (status.code(), status.message())
}

#[tokio::test]
async fn a_streamed_scan_says_what_a_scan_in_one_message_says() {
    let (scanner, options) = (TestScanner::in_memory().await, Options::default());
    let mut client = client(&scanner, &options, ours);
    let request = request(&[("a.yaml", PRIVILEGED), ("b.yaml", ORDINARY), ("c.yaml", "a: [")]);
    let streamed = scan(&mut client, request_parts(request.clone()).collect()).await.unwrap();
    let opened = streamed.report.findings.len() as u64;
    assert_eq!(streamed.published.unwrap().opened, opened);
    assert!(opened > 0 && !streamed.report.unreadable.is_empty());

    let unary = client.scan(v1::ScanRequest::from(&request)).await.unwrap().into_inner();
    let unary = ScanAnswer::try_from(unary).unwrap();
    assert_eq!(unary.report, streamed.report);
    assert_eq!(unary.published.unwrap().unchanged, opened);
    scanner.stop().await;
}

#[tokio::test]
async fn a_streamed_report_is_published_at_its_end_and_not_before() {
    let (scanner, options) = (TestScanner::in_memory().await, Options::default());
    let mut client = client(&scanner, &options, ours);
    let report = publication(&Tenant::default(), "default", &[("a.yaml", PRIVILEGED)]);
    let parts: Vec<_> = publication_parts(report.clone()).collect();

    // A caller that dies before it is through has published nothing.
    let (mut sender, open) = mpsc::channel(parts.len());
    for part in parts.clone() {
        sender.send(part).await.unwrap();
    }
    let mut broken = client.clone();
    let call = broken.publish_stream(open);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert_eq!(scanner.findings("default").await, []);

    let answer = client.publish_stream(stream::iter(parts)).await.unwrap().into_inner();
    assert_eq!(answer.outcome.unwrap().opened, report.report.findings.len() as u64);
    let findings = scanner.findings("default").await;
    assert_eq!(in_state(&findings, FindingState::Open), report.report.findings.len());
    scanner.stop().await;
}

#[tokio::test]
async fn too_much_and_disorder_are_refused_with_what_to_do() {
    let options = Options {
        max_stream: ByteSize::kib(2),
        max_files: 2,
        max_entries: 3,
        ..Options::default()
    };
    let scanner = TestScanner::with(&options).await;
    let mut client = client(&scanner, &options, ours);
    let (exhausted, invalid) = (tonic::Code::ResourceExhausted, tonic::Code::InvalidArgument);

    let large = "#".repeat(3000);
    let parts = request_parts(request(&[("large.yaml", &large)])).collect();
    let status = scan(&mut client, parts).await.unwrap_err();
    let expected =
        "more than 2048 bytes were sent: raise `scanner.max_stream` or send less at once";
    assert_eq!(said(&status), (exhausted, expected));

    let parts = request_parts(request(&[("a", ""), ("b", ""), ("c", "")])).collect();
    let status = scan(&mut client, parts).await.unwrap_err();
    assert_eq!(status.code(), exhausted);
    assert!(status.message().contains("`scanner.max_files`"), "{status}");

    let report = publication(&Tenant::default(), "default", &[("a.yaml", PRIVILEGED)]);
    let call = client.publish_stream(stream::iter(publication_parts(report)));
    let status = call.await.unwrap_err();
    assert_eq!(status.code(), exhausted);
    assert!(status.message().contains("`scanner.max_"), "{status}");

    let headless = request_parts(request(&[("a.yaml", PRIVILEGED)])).skip(1).collect();
    let status = scan(&mut client, headless).await.unwrap_err();
    let expected = "the stream has a file before the header: send the header first, then the rest";
    assert_eq!(said(&status), (invalid, expected));

    let header = v1::ScanHeader { cluster: "No Name".to_owned(), ..Default::default() };
    let parts = vec![ScanStreamRequest { part: Some(Part::Header(header)) }];
    let status = scan(&mut client, parts).await.unwrap_err();
    assert_eq!(status.code(), invalid);
    assert!(status.message().starts_with("header.cluster: "), "{status}");
    assert_eq!(scanner.findings("default").await, []);
    scanner.stop().await;
}

#[tokio::test]
async fn a_tenant_has_its_own_places_and_a_call_that_is_given_up_frees_one() {
    let options = Options {
        streams_per_tenant: 1,
        scan_wait: Interval::from_millis(20),
        ..Options::default()
    };
    let scanner = TestScanner::with(&options).await;
    let mut client = client(&scanner, &options, ours);
    let (sender, open) = mpsc::channel::<ScanStreamRequest>(1);
    let held = client.scan_stream(open).await.unwrap();

    let parts: Vec<_> = request_parts(request(&[("a.yaml", ORDINARY)])).collect();
    let status = scan(&mut client, parts.clone()).await.unwrap_err();
    let expected = "`scanner.streams_per_tenant` were under way for 20ms: try again later";
    assert_eq!(said(&status), (tonic::Code::ResourceExhausted, expected));

    drop((held, sender));
    scan(&mut client, parts).await.unwrap();
    scanner.stop().await;
}

#[tokio::test]
async fn what_others_hold_does_not_take_a_tenants_own_places() {
    let options = Options {
        streams_per_tenant: 1,
        scan_wait: Interval::from_millis(20),
        ..Options::default()
    };
    let scanner = TestScanner::with(&options).await;
    let api = scanner.api(&options);
    let connect = |identify: Identify| {
        ScanServiceClient::with_interceptor(ScanServiceServer::new(api.clone()), identify)
    };
    let (_sender, open) = mpsc::channel::<ScanStreamRequest>(1);
    let _held = connect(theirs).scan_stream(open).await.unwrap();
    let parts = request_parts(request(&[("a.yaml", ORDINARY)])).collect();
    scan(&mut connect(ours), parts).await.unwrap();
    scanner.stop().await;
}

#[tokio::test]
async fn a_stream_that_does_not_end_is_ended() {
    let options = Options { stream_timeout: Interval::from_millis(20), ..Options::default() };
    let scanner = TestScanner::with(&options).await;
    let mut client = client(&scanner, &options, ours);
    let (_sender, open) = mpsc::channel::<ScanStreamRequest>(1);
    let mut answer = client.scan_stream(open).await.unwrap().into_inner();
    let status = answer.message().await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    assert!(status.message().contains("`scanner.stream_timeout`"), "{status}");

    // A node that stops waits for nobody.
    let (_sender, open) = mpsc::channel::<ScanStreamRequest>(1);
    let options = Options::default();
    let mut client = self::client(&scanner, &options, ours);
    let mut answer = client.scan_stream(open).await.unwrap().into_inner();
    scanner.deps.draining.cancel();
    assert_eq!(answer.message().await.unwrap_err().code(), tonic::Code::Unavailable);
    scanner.stop().await;
}

#[tokio::test]
async fn callers_wait_for_their_turn_only_so_long() {
    let options =
        Options { concurrent_scans: 1, scan_wait: Interval::from_millis(20), ..Options::default() };
    let scanner = TestScanner::with(&options).await;
    let api = scanner.api(&options);
    let turn = api.checker.turn().await.unwrap();
    let mut client =
        ScanServiceClient::with_interceptor(ScanServiceServer::new(api.clone()), ours as Identify);
    let request = v1::ScanRequest::from(&request(&[("a.yaml", ORDINARY)]));
    let status = client.scan(request.clone()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert!(status.message().starts_with("`scanner.concurrent_scans` (1)"), "{status}");
    drop(turn);
    client.scan(request).await.unwrap();
    scanner.stop().await;
}
