//! Who calls: authentication on the API listener, and the tenant that every handler works for.

use airside_auth::{AuthError, Principal, Scope, presented_key};
use airside_types::Tenant;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tonic::Status;

use crate::deps::Deps;
use crate::http_error::HttpError;
use crate::listener::PeerCertificate;

/// The header by which a peer (a node of the same deployment, known by its certificate) names the tenant
/// whose request it carries out.
pub const TENANT_HEADER: &str = "airside-tenant";

/// The authenticated caller of a request: proof that somebody checked.
#[derive(Debug, Clone)]
pub struct Caller(Principal);

impl Caller {
    /// A caller within the process: another service of this node, for a tenant.
    pub fn local(tenant: Tenant) -> Self {
        Self(Principal::local(tenant))
    }

    /// The tenant for whom the request is carried out.
    pub const fn tenant(&self) -> &Tenant {
        &self.0.tenant
    }

    /// The principal.
    pub const fn principal(&self) -> &Principal {
        &self.0
    }

    /// The caller of a gRPC request, if it has the scope.
    pub fn of<T>(request: &tonic::Request<T>, scope: Scope) -> Result<Self, Status> {
        let caller = request
            .extensions()
            .get::<Self>()
            .ok_or_else(|| Status::unauthenticated(AuthError::MissingCredentials.to_string()))?;
        caller.0.require(scope).map_err(|error| Status::permission_denied(error.to_string()))?;
        Ok(caller.clone())
    }
}

/// The principal behind an `Authorization` header.
pub fn principal_of(deps: &Deps, headers: &HeaderMap) -> Result<Principal, AuthError> {
    let value = headers.get(header::AUTHORIZATION).ok_or(AuthError::MissingCredentials)?;
    let key = presented_key(value.to_str().map_err(|_| malformed("is no text"))?)?;
    deps.keys.authenticate(&key, deps.clock.now())
}

const fn malformed(problem: &'static str) -> AuthError {
    AuthError::MalformedHeader { problem }
}

/// Middleware of the API listener: no handler behind it runs without a [`Caller`].
pub async fn authenticate(State(deps): State<Deps>, mut request: Request, next: Next) -> Response {
    match caller_of(&deps, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => refuse(&request, error),
    }
}

fn caller_of(deps: &Deps, request: &Request) -> Result<Caller, AuthError> {
    let peer = request.extensions().get::<PeerCertificate>();
    if let (Some(peer), Some(tenant)) = (peer, request.headers().get(TENANT_HEADER)) {
        let name = tenant.to_str().map_err(|_| malformed("comes with a tenant that is no text"))?;
        let tenant =
            Tenant::new(name).map_err(|_| malformed("comes with a tenant of no valid name"))?;
        return Ok(Caller(Principal::peer(&peer.name, tenant)));
    }
    principal_of(deps, request.headers()).map(Caller)
}

fn refuse(request: &Request, error: AuthError) -> Response {
    let is_grpc = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if is_grpc {
        return Status::unauthenticated(error.to_string()).into_http::<axum::body::Body>();
    }
    HttpError::from(error).into_response()
}
