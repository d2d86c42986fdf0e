//! The command line's way to a running platform: a gRPC channel with the API key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use airside_wire::scan::stream::{GatheredAnswer, publication_parts, request_parts};
use airside_wire::scan::{Publication, PublishOutcome, ScanAnswer, ScanRequest};
use airside_wire::v1::scan_service_client::ScanServiceClient;
use anyhow::Context;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::cli::ServerArguments;
use crate::command::incidents::said;

/// A channel that presents an API key with every call.
pub type ApiChannel = InterceptedService<Channel, PresentKey>;

/// Adds the API key to a call.
#[derive(Debug, Clone)]
pub struct PresentKey(MetadataValue<Ascii>);

impl Interceptor for PresentKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Connects to the platform that the arguments name.
pub async fn connect(server: &ServerArguments) -> anyhow::Result<ApiChannel> {
    let path = server.api_key_file.clone().unwrap_or_else(|| PathBuf::from("airside-data/api-key"));
    let key = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "the API key cannot be read from `{}`: `airside up` writes it to DATA_DIR/api-key; \
             name the file with --api-key-file",
            path.display()
        )
    })?;
    connect_with_key(&server.server, key.trim(), server.ca_file.as_deref()).await
}

/// Connects to an API with a key, trusting the given certificate for https.
pub async fn connect_with_key(
    url: &str,
    key: &str,
    ca_file: Option<&Path>,
) -> anyhow::Result<ApiChannel> {
    let mut endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("`{url}` is no address: write http://HOST:PORT"))?
        .connect_timeout(Duration::from_secs(5))
        .user_agent(concat!("airside/", env!("CARGO_PKG_VERSION")))?;
    if url.starts_with("https://") {
        let mut tls = ClientTlsConfig::new();
        if let Some(path) = ca_file {
            let pem = std::fs::read(path)
                .with_context(|| format!("the certificate `{}` cannot be read", path.display()))?;
            tls = tls.ca_certificate(Certificate::from_pem(pem));
        }
        endpoint = endpoint.tls_config(tls)?;
    }
    let channel = endpoint.connect().await.with_context(|| {
        format!(
            "no platform answers at {url}: start one with `airside up`, or name it with --server"
        )
    })?;
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {key}").parse().context("the API key has characters that no key has")?;
    value.set_sensitive(true);
    Ok(InterceptedService::new(channel, PresentKey(value)))
}

/// Has a platform scan files, in parts: they may be larger than a message, and so may the answer.
pub async fn scan(channel: ApiChannel, request: ScanRequest) -> anyhow::Result<ScanAnswer> {
    let parts = futures::stream::iter(request_parts(request));
    let answer = ScanServiceClient::new(channel).scan_stream(parts).await.map_err(said)?;
    let (mut answer, mut gathered) = (answer.into_inner(), GatheredAnswer::default());
    while let Some(part) = answer.message().await.map_err(said)? {
        gathered.take(part)?;
    }
    Ok(gathered.finish()?)
}

/// Publishes a report, in parts: a report may be larger than a message.
pub async fn publish(
    channel: ApiChannel,
    publication: Publication,
) -> anyhow::Result<PublishOutcome> {
    let parts = futures::stream::iter(publication_parts(publication));
    let answer = ScanServiceClient::new(channel).publish_stream(parts).await.map_err(said)?;
    let outcome = answer.into_inner().outcome.context("the platform gave no outcome")?;
    Ok(outcome.try_into()?)
}
