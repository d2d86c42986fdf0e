//! The connection to an object store, and to whoever gives credentials for it: HTTP/1.1 over TLS, by the
//! certificates that the machine trusts or by an authority of one's own.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::TokioExecutor;
use object_store::client::{
    ClientConfigKey, ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind,
    HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::error::ArchiveError;

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(5);
/// How many connections are kept that nobody uses.
const IDLE: usize = 32;

/// Makes clients.
#[derive(Debug)]
pub(super) struct Connector {
    /// None for the authorities that the machine trusts.
    roots: Option<Arc<RootCertStore>>,
}

/// Whom we wanted to ask shows a certificate that we do not trust.
#[derive(Debug, thiserror::Error)]
#[error(
    "the certificate of `{host}` is not to be trusted: {problem}; name the file with the authority that signed it \
     as `ca`"
)]
pub(super) struct Untrusted {
    host: String,
    problem: rustls::CertificateError,
}

impl Connector {
    /// Trusts the authorities in a file alone, or those that the machine trusts.
    pub(super) fn trusting(ca: Option<&Path>) -> Result<Self, ArchiveError> {
        let Some(path) = ca else { return Ok(Self { roots: None }) };
        let failed = |problem: String| {
            let path = path.display();
            ArchiveError::setting(format!("`ca`: `{path}` has no authority in PEM: {problem}"))
        };
        let mut roots = RootCertStore::empty();
        let all = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
        for certificate in all {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(failed("there is no certificate in it".to_owned()));
        }
        Ok(Self { roots: Some(Arc::new(roots)) })
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let may_be_plain = options.get_config_value(&ClientConfigKey::AllowHttp);
        let failed = |problem: String| object_store::Error::Generic {
            store: "HTTPS",
            source: problem.into(),
        };
        let builder = HttpsConnectorBuilder::new();
        let builder = match &self.roots {
            None => builder.with_native_roots().map_err(|error| {
                failed(format!(
                    "there are no certificates to trust: {error}; install ca-certificates"
                ))
            })?,
            Some(roots) => {
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|error| failed(error.to_string()))?;
                let config = config.with_root_certificates(Arc::clone(roots));
                builder.with_tls_config(config.with_no_client_auth())
            }
        };
        let builder = match may_be_plain.as_deref() {
            Some("true") => builder.https_or_http(),
            _ => builder.https_only(),
        };
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECTING));
        let connector = builder.enable_http1().wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_max_idle_per_host(IDLE);
        Ok(HttpClient::new(Service { client: client.build(connector) }))
    }
}

#[derive(Debug)]
struct Service {
    client: Client<HttpsConnector<Tcp>, HttpRequestBody>,
}

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = self.client.request(request).await.map_err(|error| {
            if let Some(problem) = certificate_problem(&error) {
                // Trying again would change nothing.
                return HttpError::new(HttpErrorKind::Unknown, Untrusted { host, problem });
            }
            // Every request of ours may be made twice.
            let kind = match error.is_connect() {
                true => HttpErrorKind::Connect,
                false => HttpErrorKind::Request,
            };
            HttpError::new(kind, error)
        })?;
        let broken_off = |error| HttpError::new(HttpErrorKind::Interrupted, error);
        Ok(answer.map(|body| HttpResponseBody::new(body.map_err(broken_off))))
    }
}

/// What is wrong with the other one's certificate, where that is why a request failed.
fn certificate_problem(error: &(dyn Error + 'static)) -> Option<rustls::CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(problem)) = error.downcast_ref() {
            return Some(problem.clone());
        }
        // What an IO error was made of is no source of it.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
