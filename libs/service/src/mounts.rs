//! Where services mount their routes, and how a node's two listeners are put together.
//!
//! The API listener carries gRPC and HTTP for people and machines; callers authenticate. The webhook
//! listener carries what clusters send, over TLS; each route there decides how its callers prove
//! themselves, since API servers and sensors cannot all do it alike.

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tonic::body::Body as GrpcBody;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;
use tower_http::catch_panic::CatchPanicLayer;

use crate::caller::authenticate;
use crate::deps::Deps;
use crate::health::Health;
use crate::http_error::HttpError;
use crate::listener::trace_requests;

/// The routes of a node's services.
#[derive(Debug, Default)]
pub struct Mounts {
    grpc: Routes,
    grpc_names: Vec<&'static str>,
    api: Router,
    webhook: Router,
}

impl Mounts {
    /// Mounts a gRPC service: on the API listener for authenticated callers, and for the node's own
    /// services without a network.
    pub fn grpc<S>(&mut self, deps: &Deps, service: S)
    where
        S: Service<http::Request<GrpcBody>, Error = std::convert::Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.grpc_names.push(S::NAME);
        deps.peers.register_local(S::NAME, Routes::new(service.clone()));
        self.grpc = std::mem::take(&mut self.grpc).add_service(service);
    }

    /// Mounts HTTP routes on the API listener; callers are authenticated before they reach them.
    pub fn api(&mut self, routes: Router) {
        self.api = std::mem::take(&mut self.api).merge(routes);
    }

    /// Mounts HTTP routes on the webhook listener.
    pub fn webhook(&mut self, routes: Router) {
        self.webhook = std::mem::take(&mut self.webhook).merge(routes);
    }

    /// Whether some service needs the webhook listener.
    pub fn has_webhooks(&self) -> bool {
        self.webhook.has_routes()
    }

    /// The gRPC services that are mounted, for reflection and health.
    pub fn grpc_names(&self) -> &[&'static str] {
        &self.grpc_names
    }

    /// Everything that the API listener serves. `open_grpc` are services that answer everybody
    /// (health and reflection).
    pub fn api_router(&self, deps: &Deps, open_grpc: Routes) -> Router {
        let grpc = self.grpc.clone().prepare().into_axum_router().reset_fallback();
        let authenticated = Router::new()
            .merge(self.api.clone())
            .merge(grpc)
            .layer(axum::middleware::from_fn_with_state(deps.clone(), authenticate));
        let open = open_grpc.prepare().into_axum_router().reset_fallback();
        finish(authenticated.merge(open).merge(probes(deps)))
    }

    /// Everything that the webhook listener serves.
    pub fn webhook_router(&self) -> Router {
        finish(self.webhook.clone().route("/livez", get(Health::live)))
    }
}

/// Liveness, readiness and metrics: for probes and scrapers, without credentials.
fn probes(deps: &Deps) -> Router {
    let (health, metrics) = (deps.health.clone(), deps.metrics.clone());
    Router::new()
        .route("/livez", get(Health::live))
        .route("/readyz", get(async move || health.ready_response()))
        .route(
            "/metrics",
            get(async move || {
                (
                    [(header::CONTENT_TYPE, airside_telemetry::METRICS_CONTENT_TYPE)],
                    metrics.encode(),
                )
            }),
        )
}

fn finish(router: Router) -> Router {
    router
        .fallback(unknown_route)
        .layer(axum::middleware::from_fn(trace_requests))
        .layer(CatchPanicLayer::new())
}

/// Answers unknown paths in the caller's own protocol: gRPC clients cannot read a JSON body.
async fn unknown_route(request: Request) -> Response {
    let is_grpc = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    let path = request.uri().path();
    if is_grpc {
        let status = tonic::Status::unimplemented(format!("no such method: {path}"));
        return status.into_http::<axum::body::Body>();
    }
    HttpError::new(StatusCode::NOT_FOUND, format!("no such path: {path}")).into_response()
}
