//! Listeners: binding, TLS handshakes, serving HTTP/1 and HTTP/2 (gRPC) on one port, and draining.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use airside_auth::without_token;
use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::Instrument;

use crate::clients::{ClientCertificate, ClientCertificates};

/// A caller whose certificate this deployment's own authority signed: another node.
#[derive(Debug, Clone)]
pub struct PeerCertificate {
    /// What to call it in logs.
    pub name: String,
}

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub struct RemoteAddress(pub SocketAddr);

/// The bounds of a listener.
#[derive(Debug, Clone, Copy)]
pub struct ListenerLimits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a TLS handshake and the first request's headers may take.
    pub handshake: Duration,
    /// How long open requests may go on after the listener was told to drain.
    pub drain: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}

/// A bound port that does not accept yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    clients: Option<Arc<ClientCertificates>>,
    limits: ListenerLimits,
}

impl Listener {
    /// Binds an address; port 0 takes a free one, which [`Self::address`] tells.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        limits: ListenerLimits,
    ) -> anyhow::Result<Self> {
        let socket = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}: is the port in use?"))?;
        let address = socket.local_addr().context("the listener has no address")?;
        Ok(Self { socket, address, tls, clients: None, limits })
    }

    /// The same listener, which knows clients by their certificates. None of them is a peer.
    #[must_use]
    pub fn knowing(mut self, clients: Arc<ClientCertificates>) -> Self {
        self.clients = Some(clients);
        self
    }

    /// The address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the token is cancelled, then lets open requests finish within the drain limit.
    pub async fn serve(self, router: Router, shutdown: CancellationToken) {
        let cut_off = CancellationToken::new();
        let permits = Arc::new(Semaphore::new(self.limits.connections));
        let acceptor = self.tls.map(TlsAcceptor::from);
        let connections = tokio_util::task::TaskTracker::new();
        loop {
            let permit = tokio::select! {
                () = shutdown.cancelled() => break,
                permit = Arc::clone(&permits).acquire_owned() => permit,
            };
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, remote) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(error = %error, "connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let connection = Connection {
                router: router.clone(),
                remote,
                clients: self.clients.clone(),
                handshake: self.limits.handshake,
                shutdown: shutdown.clone(),
                cut_off: cut_off.clone(),
            };
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                connection.serve(stream, acceptor).await;
                drop(permit);
            });
        }
        drop(self.socket);
        connections.close();
        if tokio::time::timeout(self.limits.drain, connections.wait()).await.is_err() {
            tracing::warn!(address = %self.address, "open requests are cut off after the drain limit");
            cut_off.cancel();
            connections.wait().await;
        }
    }
}

struct Connection {
    router: Router,
    remote: SocketAddr,
    clients: Option<Arc<ClientCertificates>>,
    handshake: Duration,
    shutdown: CancellationToken,
    cut_off: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        // Small answers should not wait for more bytes; a socket without the option still works.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "TCP_NODELAY cannot be set");
        }
        let Some(acceptor) = acceptor else {
            return self.serve_http(stream, Presented::Nothing).await;
        };
        match tokio::time::timeout(self.handshake, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let presented = self.presented(&stream);
                self.serve_http(stream, presented).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(remote = %self.remote, error = %error, "TLS handshake failed");
            }
            Err(_) => tracing::debug!(remote = %self.remote, "TLS handshake took too long"),
        }
    }

    /// What the certificate of a connection proves here, if it has one.
    fn presented(&self, stream: &tokio_rustls::server::TlsStream<TcpStream>) -> Presented {
        let (_, session) = stream.get_ref();
        let Some(chain) = session.peer_certificates() else { return Presented::Nothing };
        match &self.clients {
            Some(clients) => clients.presented(chain).map_or(Presented::Nothing, Presented::Client),
            None => Presented::Peer(PeerCertificate { name: "node".to_owned() }),
        }
    }

    async fn serve_http<S>(self, stream: S, presented: Presented)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let remote = self.remote;
        let service = self.router.map_request(move |request: http::Request<_>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(RemoteAddress(remote));
            match &presented {
                Presented::Peer(peer) => drop(request.extensions_mut().insert(peer.clone())),
                Presented::Client(client) => drop(request.extensions_mut().insert(client.clone())),
                Presented::Nothing => {}
            }
            request
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.handshake);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .max_concurrent_streams(Some(256));
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let mut draining = false;
        let served = loop {
            tokio::select! {
                served = connection.as_mut() => break served,
                () = self.shutdown.cancelled(), if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.cut_off.cancelled() => return,
            }
        };
        if let Err(error) = served {
            tracing::debug!(remote = %remote, error = %error, "connection ended");
        }
    }
}

/// What a connection has shown of itself.
#[derive(Clone)]
enum Presented {
    Nothing,
    Peer(PeerCertificate),
    Client(ClientCertificate),
}

/// Middleware: one span a request, which continues the trace that the caller sent.
pub async fn trace_requests(request: Request, next: Next) -> Response {
    let method = request.method().as_str();
    let path = without_token(request.uri().path());
    let span = tracing::info_span!("http.request", method, path);
    let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    airside_telemetry::trace::continue_from(&span, parent);
    next.run(request).instrument(span).await
}
