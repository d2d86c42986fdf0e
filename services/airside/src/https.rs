//! A small HTTPS client for JSON: one connection, one request after the other, as a sensor has it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The largest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// A connection over TLS.
#[derive(Debug)]
pub struct HttpsClient {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl HttpsClient {
    /// Connects to an address, trusting only this certificate.
    pub async fn connect(address: SocketAddr, ca_pem: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.context("the certificate to trust is no PEM")?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("nothing answers at {address}"))?;
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; what went wrong shows in the request that was under way.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, host: address.to_string() })
    }

    /// Posts JSON and returns status and body.
    pub async fn post(
        &mut self,
        path: &str,
        key: Option<&str>,
        trace_parent: Option<&str>,
        body: Vec<u8>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse()?);
        }
        if let Some(trace_parent) = trace_parent {
            headers.insert("traceparent", trace_parent.parse()?);
        }
        self.send(path, headers, body).await
    }

    /// Posts a compressed body, as sensors may.
    pub async fn post_encoded(
        &mut self,
        path: &str,
        key: &str,
        encoding: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse()?);
        headers.insert(header::CONTENT_ENCODING, encoding.parse()?);
        self.send(path, headers, body).await
    }

    async fn send(
        &mut self,
        path: &str,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        headers.insert(header::HOST, self.host.parse()?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut request = Request::post(path).body(Full::new(Bytes::from(body)))?;
        *request.headers_mut() = headers;
        self.sender.ready().await.context("the connection was closed")?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("the answer ended early: {error}"))?;
        Ok((status, body.to_bytes()))
    }
}
