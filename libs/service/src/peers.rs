//! Channels to other services: in this process without a network, or on another node over gRPC.
//!
//! One tower stack for both: bounded concurrency, a deadline until the answer begins, retries of calls
//! that found nobody, and the trace of the caller. A call is always carried out for a tenant. What is sent
//! as a stream passes through as it comes (`body`).

mod body;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use airside_types::Tenant;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tower::{BoxError, Service, ServiceExt};

use self::body::Sending;
use crate::caller::{Caller, TENANT_HEADER};
use crate::retry::Backoff;

/// How calls to peers are made.
#[derive(Debug, Clone, Copy)]
pub struct PeerLimits {
    /// Until the answer begins.
    pub deadline: Duration,
    /// Until the answer begins to a request that is passed through as it comes; sending it counts.
    pub stream_deadline: Duration,
    /// How often a call is tried that found nobody.
    pub attempts: u32,
    /// Calls under way at a time, over all peers.
    pub concurrency: usize,
    /// The largest request in bytes that is gathered, so that it can be sent again; what is larger is passed
    /// through as it comes, once.
    pub gathered_bytes: usize,
    /// How long a request is gathered; what takes longer is passed through as well.
    pub gathering: Duration,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            stream_deadline: Duration::from_secs(900),
            attempts: 5,
            concurrency: 256,
            gathered_bytes: 4 << 20,
            gathering: Duration::from_secs(1),
        }
    }
}

/// The other services, by the full name of their gRPC service. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Peers {
    local: Arc<Mutex<BTreeMap<&'static str, Routes>>>,
    remote: Arc<BTreeMap<String, Channel>>,
    limits: PeerLimits,
    permits: Arc<Semaphore>,
}

/// The address of a peer cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "the address `{address}` of peer `{service}` is not usable: write http://HOST:PORT or https://HOST:PORT"
)]
pub struct PeerAddressError {
    service: String,
    address: String,
    #[source]
    source: tonic::transport::Error,
}

impl Peers {
    /// Peers at these addresses, keyed by gRPC service name; services of this process register themselves.
    pub fn new(
        addresses: &BTreeMap<String, String>,
        tls: Option<&ClientTlsConfig>,
        limits: PeerLimits,
    ) -> Result<Self, PeerAddressError> {
        let mut remote = BTreeMap::new();
        for (service, address) in addresses {
            let error = |source| PeerAddressError {
                service: service.clone(),
                address: address.clone(),
                source,
            };
            let mut endpoint = Endpoint::from_shared(address.clone())
                .map_err(error)?
                .connect_timeout(limits.deadline)
                .http2_keep_alive_interval(Duration::from_secs(20));
            if let (Some(tls), true) = (tls, address.starts_with("https://")) {
                endpoint = endpoint.tls_config(tls.clone()).map_err(error)?;
            }
            remote.insert(service.clone(), endpoint.connect_lazy());
        }
        let permits = Arc::new(Semaphore::new(limits.concurrency));
        Ok(Self { local: Arc::default(), remote: Arc::new(remote), limits, permits })
    }

    /// Makes a service of this process reachable for the others.
    pub fn register_local(&self, service: &'static str, routes: Routes) {
        self.local.lock().unwrap_or_else(PoisonError::into_inner).insert(service, routes.prepare());
    }

    /// Whether a service runs in this process.
    pub fn is_local(&self, service: &str) -> bool {
        self.local.lock().unwrap_or_else(PoisonError::into_inner).contains_key(service)
    }

    /// Whether a service runs in this process, or has an address.
    pub fn offer(&self, service: &str) -> bool {
        self.is_local(service) || self.remote.contains_key(service)
    }

    /// A channel to a service, for calls that are carried out for a tenant.
    pub fn channel(&self, service: &'static str, tenant: &Tenant) -> PeerChannel {
        PeerChannel { peers: self.clone(), service, tenant: tenant.clone() }
    }

    fn target(&self, service: &str) -> Option<Target> {
        let local = self.local.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned();
        local.map(Target::Local).or_else(|| self.remote.get(service).cloned().map(Target::Remote))
    }
}

enum Target {
    Local(Routes),
    Remote(Channel),
}

/// A channel to one service for one tenant; a generated client is made with it.
#[derive(Clone)]
pub struct PeerChannel {
    peers: Peers,
    service: &'static str,
    tenant: Tenant,
}

impl fmt::Debug for PeerChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerChannel")
            .field("service", &self.service)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.clone();
        let trace_parent = airside_telemetry::trace::parent_of_current();
        Box::pin(async move { channel.send(request, trace_parent).await })
    }
}

impl PeerChannel {
    async fn send(
        self,
        request: Request<Body>,
        trace_parent: Option<String>,
    ) -> Result<Response<Body>, BoxError> {
        let limits = self.peers.limits;
        let _permit = self.peers.permits.acquire().await?;
        let (mut parts, body) = request.into_parts();
        let mut sending = Sending::begin(body, limits.gathered_bytes, limits.gathering).await?;
        let (deadline, attempts) = match sending {
            Sending::Whole(_) => (limits.deadline, limits.attempts),
            Sending::Begun(_) => (limits.stream_deadline, 1),
        };
        if let Some(value) = trace_parent.and_then(|text| HeaderValue::try_from(text).ok()) {
            parts.headers.insert("traceparent", value);
        }
        parts.headers.insert(TENANT_HEADER, HeaderValue::try_from(self.tenant.as_str())?);
        parts.extensions.insert(Caller::local(self.tenant.clone()));
        let mut backoff = Backoff::new(Duration::from_millis(25), Duration::from_millis(400));
        let calls = async {
            let mut attempt = 1;
            loop {
                let answer = self.attempt(&parts, sending.body()).await;
                if attempt >= attempts || !found_nobody(&answer) {
                    return answer;
                }
                attempt += 1;
                tokio::time::sleep(backoff.wait()).await;
            }
        };
        match tokio::time::timeout(deadline, calls).await {
            Ok(answer) => answer,
            Err(_) => Ok(tonic::Status::deadline_exceeded(format!(
                "`{}` did not answer within {deadline:?}",
                self.service
            ))
            .into_http()),
        }
    }

    async fn attempt(
        &self,
        parts: &http::request::Parts,
        body: Body,
    ) -> Result<Response<Body>, BoxError> {
        let request = Request::from_parts(parts.clone(), body);
        match self.peers.target(self.service) {
            Some(Target::Local(routes)) => Ok(routes.oneshot(request).await?),
            Some(Target::Remote(channel)) => Ok(channel.oneshot(request).await?),
            None => Ok(tonic::Status::unavailable(format!(
                "no node offers `{}`: run it here or set its address under `peers`",
                self.service
            ))
            .into_http()),
        }
    }
}

/// Whether the call reached nobody, so that sending it again repeats nothing.
fn found_nobody(answer: &Result<Response<Body>, BoxError>) -> bool {
    const UNAVAILABLE: &[u8] = b"14";
    match answer {
        Err(_) => true,
        Ok(response) => {
            let is_grpc = response.headers().contains_key(header::CONTENT_TYPE);
            let status = response.headers().get("grpc-status");
            is_grpc && status.is_some_and(|code| code.as_bytes() == UNAVAILABLE)
        }
    }
}
