//! What the areas over a network send to: a whole node, and a floor that does next to nothing behind the
//! same listener and the same TLS. Both run in a child process, so that their CPU time is theirs alone.
//!
//! A server tells its addresses in one line of JSON on standard output and ends when standard input does,
//! so that it never outlives the program that started it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use airside::{SERVICES, services_named};
use airside_node::{api_key_path, assemble, load_settings, runtime};
use airside_service::listener::{Listener, ListenerLimits};
use airside_service::tls::{Identity, server_names};
use airside_service::{CancellationToken, ServiceEntry};
use anyhow::Context;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::area::Run;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// As much as the services take.
const MAX_BODY: usize = 64 << 20;

/// What a server says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Announcement {
    /// Where it takes HTTPS.
    pub(crate) webhook: SocketAddr,
    /// Where it takes gRPC, without TLS; the floor takes none.
    pub(crate) api: Option<SocketAddr>,
    /// The certificate to trust.
    pub(crate) ca_pem: String,
    /// The API key; the floor asks for none.
    pub(crate) api_key: String,
}

/// Runs all services in one node, as `airside up` does, on free ports.
pub(crate) fn serve_node(run: &Run) -> anyhow::Result<()> {
    serve(
        &SERVICES,
        json!({
            "node": { "data_dir": folder(run)? },
            "api": { "listen": "127.0.0.1:0" },
            "webhook": { "listen": "127.0.0.1:0" },
        }),
    )
}

/// Runs audit-ingest alone, as `airside run audit-ingest` does, on free ports and over NATS servers.
pub(crate) fn serve_ingest(run: &Run) -> anyhow::Result<()> {
    let url = run.nats.as_ref().context("--nats is missing: this server is started by an area")?;
    // The servers reserve it for each stream: a disk that is nearly full has room for a short run.
    let max_bytes = format!("{}MiB", run.amount(64, 1024));
    serve(
        &services_named(&["audit-ingest".to_owned()])?,
        json!({
            "node": { "data_dir": folder(run)?, "bus": "nats" },
            "nats": { "url": url, "max_bytes": max_bytes },
            "api": { "listen": "127.0.0.1:0" },
            "webhook": { "listen": "127.0.0.1:0" },
            "audit-ingest": { "owner": run.owner },
        }),
    )
}

fn serve(services: &[ServiceEntry], overrides: Value) -> anyhow::Result<()> {
    // Neither a settings file nor the environment changes what is measured.
    let settings = load_settings(&SERVICES, None, Vec::new(), overrides)?;
    let telemetry =
        airside_telemetry::init(&settings.section("telemetry")?, env!("CARGO_PKG_VERSION"))?;
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let node = assemble(services, &settings).await?;
        node.health.all_ready().await;
        announce(&Announcement {
            webhook: node.webhook.context("the node has no webhook listener")?,
            api: Some(node.api),
            ca_pem: node.ca_pem.clone(),
            api_key: std::fs::read_to_string(api_key_path(&node.data_dir))?.trim().to_owned(),
        })?;
        end_of_input().await?;
        node.stop().await
    });
    // On a thread of its own: flushing spans needs the runtime's other threads.
    runtime.block_on(async { tokio::task::spawn_blocking(move || telemetry.shutdown()).await })?;
    served
}

/// Answers the requests of all areas without any of their work but reading the JSON.
pub(crate) fn serve_floor(run: &Run) -> anyhow::Result<()> {
    let identity = Identity::own(&folder(run)?, &server_names(LOOPBACK, &[]))?;
    runtime()?.block_on(async {
        let listen = SocketAddr::new(LOOPBACK, 0);
        let tls = Some(identity.server()?);
        let listener = Listener::bind(listen, tls, ListenerLimits::default()).await?;
        announce(&Announcement {
            webhook: listener.address(),
            api: None,
            ca_pem: identity.ca_pem,
            api_key: "none".to_owned(),
        })?;
        let stop = CancellationToken::new();
        let serving = tokio::spawn(listener.serve(floor(), stop.clone()));
        end_of_input().await?;
        stop.cancel();
        Ok(serving.await?)
    })
}

fn floor() -> Router {
    Router::new()
        .route("/v1/admission/{cluster}", post(allow))
        .route("/v1/audit/{cluster}", post(read_json))
        .route("/v1/runtime/{source}/{cluster}", post(read_json))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// The least that an admission webhook can do.
async fn allow(Json(review): Json<Value>) -> Json<Value> {
    let uid = review.pointer("/request/uid").cloned().unwrap_or_default();
    Json(json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": { "uid": uid, "allowed": true },
    }))
}

/// The least that an intake can do: nothing is kept.
async fn read_json(body: Bytes) -> StatusCode {
    match serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn folder(run: &Run) -> anyhow::Result<PathBuf> {
    run.folder.clone().context("--folder is missing: this server is started by the other areas")
}

fn announce(announcement: &Announcement) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(announcement)?)?;
    Ok(out.flush()?)
}

/// Waits until standard input ends.
async fn end_of_input() -> anyhow::Result<()> {
    let reading = || std::io::stdin().lock().bytes().count();
    tokio::task::spawn_blocking(reading).await?;
    Ok(())
}
