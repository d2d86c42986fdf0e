//! Passing a gRPC call on to the service that owns the answer, for the caller's tenant.
//!
//! Calls pass through as bytes, streams included: a method added to a service needs no change here.

use airside_auth::Scope;
use airside_service::{Caller, Deps};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tonic::Status;
use tower::ServiceExt;

#[derive(Debug, Clone)]
struct PassOn {
    service: &'static str,
    scope: Scope,
    deps: Deps,
}

/// The routes of all methods of a service.
pub(crate) fn routes(service: &'static str, scope: Scope, deps: &Deps) -> Router {
    let state = PassOn { service, scope, deps: deps.clone() };
    Router::new().route(&format!("/{service}/{{method}}"), post(call)).with_state(state)
}

async fn call(State(to): State<PassOn>, request: Request) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return Status::unauthenticated("the caller is not known").into_http::<Body>();
    };
    if let Err(error) = caller.principal().require(to.scope) {
        return Status::permission_denied(error.to_string()).into_http::<Body>();
    }
    let channel = to.deps.peers.channel(to.service, caller.tenant());
    let (mut parts, body) = request.into_parts();
    // The key is the caller's proof to this gateway; what it passes on is a tenant.
    parts.headers.remove(axum::http::header::AUTHORIZATION);
    let request = axum::http::Request::from_parts(parts, tonic::body::Body::new(body));
    match channel.oneshot(request).await {
        Ok(response) => response.map(Body::new).into_response(),
        Err(error) => {
            let status =
                Status::unavailable(format!("`{}` cannot be reached: {error}", to.service));
            status.into_http::<Body>()
        }
    }
}
