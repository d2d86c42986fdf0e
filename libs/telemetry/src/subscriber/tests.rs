//! Options that cannot work are refused before anything global is touched; spans reach a collector.

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::{Request, Response, Status};
use tracing::{Level, info_span, subscriber::with_default};
use tracing_subscriber::registry;

use super::*;

fn refusal(options: &Options) -> String {
    init(options, "0.0.0").expect_err("these options cannot work").to_string()
}

#[test]
fn wrong_options_are_named() {
    let filter = Options { log: "airside=loud".to_owned(), ..Options::default() };
    let messages = [
        refusal(&filter),
        refusal(&with_endpoint("https://collector:4317")),
        refusal(&with_endpoint("collector:4317")),
        // No async runtime here.
        refusal(&with_endpoint("http://127.0.0.1:4317")),
    ];
    insta::assert_snapshot!(messages.join("\n"), @"
    `log` is `airside=loud`, which is no filter: write levels by target, such as `warn,airside=info`
    `otlp_endpoint` is `https://collector:4317`: give the address of a collector's gRPC port without TLS, such as `http://127.0.0.1:4317`
    `otlp_endpoint` is `collector:4317`: give the address of a collector's gRPC port without TLS, such as `http://127.0.0.1:4317`
    spans can be exported from within an async runtime only: call `init` on one
    ");
}

fn with_endpoint(endpoint: &str) -> Options {
    Options { otlp_endpoint: Some(endpoint.to_owned()), ..Options::default() }
}

#[tokio::test]
async fn an_address_that_cannot_be_one_is_refused() {
    let error = init(&with_endpoint("http://not an address"), "0.0.0").unwrap_err();
    assert!(matches!(error, TelemetryError::Exporter { .. }), "{error}");
}

#[test]
fn own_spans_are_traced_from_info_and_others_never() {
    let provider = tracer_provider(&Options::default(), "0.0.0").unwrap();
    with_default(registry().with(spans(&provider)), || {
        assert!(!info_span!("scanner.scan").is_disabled());
        assert!(tracing::span!(Level::DEBUG, "scanner.scan").is_disabled());
        assert!(info_span!(target: "h2::client", "connection").is_disabled());
    });
}

#[test]
fn shutting_down_without_an_exporter_returns_at_once() {
    let provider = tracer_provider(&Options::default(), "0.0.0").unwrap();
    Handle { provider }.shutdown();
}

/// A collector that passes on the names of the services and spans that it is sent.
struct Collector(tokio::sync::mpsc::UnboundedSender<(String, Vec<String>)>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for sent in request.into_inner().resource_spans {
            let attributes = sent.resource.unwrap_or_default().attributes;
            let service = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let service = format!("{:?}", service.and_then(|attribute| attribute.value));
            let spans = sent.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.send((service, spans.map(|span| span.name).collect())).unwrap();
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_sends_the_last_spans_to_the_collector() {
    let (collected, mut received) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(Collector(collected)))
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    tokio::spawn(server);

    let options = Options { service_name: "scanner-7".to_owned(), ..with_endpoint(&endpoint) };
    let provider = tracer_provider(&options, "0.0.0").unwrap();
    with_default(registry().with(spans(&provider)), || {
        info_span!("scanner.scan").in_scope(|| tracing::warn!("a file was skipped"));
    });
    tokio::task::spawn_blocking(|| Handle { provider }.shutdown()).await.unwrap();

    let (service, spans) = received.recv().await.unwrap();
    assert!(service.contains("scanner-7"), "{service}");
    assert_eq!(spans, ["scanner.scan"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_ends_although_the_collector_is_gone() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let provider = tracer_provider(&with_endpoint(&endpoint), "0.0.0").unwrap();
    with_default(registry().with(spans(&provider)), || info_span!("scanner.scan").in_scope(|| ()));
    let ended = tokio::task::spawn_blocking(|| Handle { provider }.shutdown());
    tokio::time::timeout(SHUTDOWN_TIMEOUT * 4, ended).await.unwrap().unwrap();
}
