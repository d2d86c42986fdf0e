//! How an HTTP request is refused: a status by the book and the API's JSON body, which says what to do.

use airside_wire::{ApiError, ErrorCode};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A refusal. The body is that of every error of the API: `{"code", "message"}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// The status.
    pub status: StatusCode,
    /// What happened, where, and what to do.
    pub message: String,
    /// After how many seconds to try again, where trying again helps.
    pub retry_after: Option<u32>,
}

impl HttpError {
    /// A refusal with a status and a message.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 429: too much at a time; the caller keeps what it sent.
    pub fn overloaded(error: impl std::fmt::Display) -> Self {
        let message = format!("not all of it was taken: {error}; send it again");
        Self { retry_after: Some(2), ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// 503: try again later; the caller keeps what it sent.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message) }
    }
}

impl From<airside_auth::AuthError> for HttpError {
    fn from(error: airside_auth::AuthError) -> Self {
        let status =
            if error.is_forbidden() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        Self::new(status, error.to_string())
    }
}

impl From<airside_ports::LogError> for HttpError {
    fn from(error: airside_ports::LogError) -> Self {
        match error {
            airside_ports::LogError::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
            }
            _ => Self::unavailable(format!("not all of it was taken: {error}; send it again")),
        }
    }
}

impl From<crate::publisher::PublishError> for HttpError {
    fn from(error: crate::publisher::PublishError) -> Self {
        match error {
            crate::publisher::PublishError::Log(error) => error.into(),
            crate::publisher::PublishError::Encode(error) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
            }
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let body = ApiError::new(code_of(self.status), self.message).to_json();
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, json, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The API's error code for a status; what HTTP distinguishes further is the caller's mistake, or ours.
fn code_of(status: StatusCode) -> ErrorCode {
    let otherwise =
        if status.is_client_error() { ErrorCode::InvalidArgument } else { ErrorCode::Internal };
    ErrorCode::ALL.into_iter().find(|code| code.http() == status).unwrap_or(otherwise)
}
