//! A small HTTPS client for JSON: one connection, one request after the other, as a sensor has it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The largest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// A connection over TLS, made again when the other side has closed it.
#[derive(Debug)]
pub struct HttpsClient {
    address: SocketAddr,
    config: Arc<rustls::ClientConfig>,
    sender: SendRequest<Full<Bytes>>,
}

impl HttpsClient {
    /// Connects to an address, trusting only this certificate.
    pub async fn connect(address: SocketAddr, ca_pem: &str) -> anyhow::Result<Self> {
        Self::connect_as(address, ca_pem, None).await
    }

    /// The same, presenting a certificate chain with its key, both PEM.
    pub async fn connect_as(
        address: SocketAddr,
        ca_pem: &str,
        identity: Option<(&str, &str)>,
    ) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.context("the certificate to trust is no PEM")?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match identity {
            Some((chain, key)) => {
                let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
                let chain = chain.collect::<Result<_, _>>().context("the certificate is no PEM")?;
                config.with_client_auth_cert(chain, key.context("the key is no PEM")?)?
            }
            None => config.with_no_client_auth(),
        };
        let config = Arc::new(config);
        let sender = open(address, &config).await?;
        Ok(Self { address, config, sender })
    }

    /// Gets a path, such as a probe, and returns status and body.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        self.request(Method::GET, path, HeaderMap::new(), Vec::new()).await
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
        self.request(Method::POST, path, headers, body).await
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
        self.request(Method::POST, path, headers, body).await
    }

    /// Sends any request with JSON and returns status and body.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        headers.insert(header::HOST, self.address.to_string().parse()?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut request =
            Request::builder().method(method).uri(path).body(Full::new(Bytes::from(body)))?;
        *request.headers_mut() = headers;
        if self.sender.is_closed() || self.sender.ready().await.is_err() {
            self.sender = open(self.address, &self.config).await?;
        }
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("the answer ended early: {error}"))?;
        Ok((status, body.to_bytes()))
    }
}

async fn open(
    address: SocketAddr,
    config: &Arc<rustls::ClientConfig>,
) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("nothing answers at {address}"))?;
    // Without it the last part of a body waits for the acknowledgement of the one before, 40 ms at times.
    stream.set_nodelay(true)?;
    let name = ServerName::IpAddress(address.ip().into());
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; what went wrong shows in the request that was under way.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
