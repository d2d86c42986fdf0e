//! Who calls: authentication on the API listener, what callers of the webhook listener show of themselves, and the
//! tenant that every handler works for.

use std::convert::Infallible;

use airside_auth::{AuthError, Principal, Scope, presented_key};
use airside_types::Tenant;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tonic::Status;

use crate::clients::ClientCertificate;
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

/// What a request shows of who sends it: an `Authorization` header, the certificate of its connection, or both.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    authorization: Option<HeaderValue>,
    certificate: Option<ClientCertificate>,
    /// Whether the key stands in the URL, which more people see than a header.
    is_in_url: bool,
}

impl Credentials {
    /// The principal behind the credentials. Who shows both is allowed only what each of them allows.
    pub fn principal(&self, deps: &Deps) -> Result<Principal, AuthError> {
        let now = deps.clock.now();
        let by_certificate = self.certificate.as_ref().map(|it| it.principal(now));
        let Some(value) = &self.authorization else {
            return by_certificate.unwrap_or(Err(AuthError::MissingCredentials));
        };
        let by_key = principal_of_header(deps, value)?;
        if self.is_in_url && by_key.scopes().any(|scope| scope != Scope::Ingest) {
            return Err(AuthError::KeyInUrl { subject: by_key.subject() });
        }
        match by_certificate {
            Some(Ok(client)) => client.and(by_key),
            // A certificate that belongs to nobody opened the connection, and no more.
            Some(Err(AuthError::UnknownCertificate { .. })) | None => Ok(by_key),
            Some(Err(error)) => Err(error),
        }
    }

    /// The same credentials with a key that the sender puts in a place of its own instead of the header.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        // A key that is no text of a header is none, and is refused as such.
        let header = HeaderValue::from_str(&format!("Bearer {key}"));
        self.authorization = Some(header.unwrap_or(HeaderValue::from_static("Bearer")));
        self
    }

    /// The same credentials with a key that stands in the URL: it must be good for nothing but sending.
    #[must_use]
    pub fn with_key_of_url(self, key: &str) -> Self {
        Self { is_in_url: true, ..self.with_key(key) }
    }
}

impl<S: Sync> FromRequestParts<S> for Credentials {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self {
            authorization: parts.headers.get(header::AUTHORIZATION).cloned(),
            certificate: parts.extensions.get().cloned(),
            is_in_url: false,
        })
    }
}

/// The principal behind an `Authorization` header.
fn principal_of(deps: &Deps, headers: &HeaderMap) -> Result<Principal, AuthError> {
    let value = headers.get(header::AUTHORIZATION).ok_or(AuthError::MissingCredentials)?;
    principal_of_header(deps, value)
}

fn principal_of_header(deps: &Deps, value: &HeaderValue) -> Result<Principal, AuthError> {
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
