//! What callers are told when something goes wrong: nine codes, over gRPC and HTTP alike.

use std::fmt;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use tonic::{Code, Status};

use crate::invalid::InvalidField;
use crate::message::DecodeError;

/// What kind of failure it is. Nine kinds, each of which a caller handles in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is wrong: change it.
    InvalidArgument,
    /// No valid credential: log in.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// There is no such thing, or not for this caller.
    NotFound,
    /// Not in the present state of things: look again, then decide.
    FailedPrecondition,
    /// A limit is reached: slow down.
    ResourceExhausted,
    /// It took too long: it may have been done.
    DeadlineExceeded,
    /// The service cannot answer at the moment: try again.
    Unavailable,
    /// A fault of the service.
    Internal,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: [Self; 9] = [
        Self::InvalidArgument,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::FailedPrecondition,
        Self::ResourceExhausted,
        Self::DeadlineExceeded,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code's name, as in JSON error bodies and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::FailedPrecondition => "failed_precondition",
            Self::ResourceExhausted => "resource_exhausted",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The gRPC status code.
    pub const fn grpc(self) -> Code {
        match self {
            Self::InvalidArgument => Code::InvalidArgument,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::NotFound => Code::NotFound,
            Self::FailedPrecondition => Code::FailedPrecondition,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Unavailable => Code::Unavailable,
            Self::Internal => Code::Internal,
        }
    }

    /// The HTTP status.
    pub const fn http(self) -> StatusCode {
        match self {
            Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::FailedPrecondition => StatusCode::CONFLICT,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code that a gRPC status stands for. Codes that Airside does not send come from what lies
    /// between caller and service; they map to the nearest of the nine.
    pub const fn from_grpc(code: Code) -> Self {
        match code {
            Code::InvalidArgument | Code::OutOfRange => Self::InvalidArgument,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::PermissionDenied,
            Code::NotFound | Code::Unimplemented => Self::NotFound,
            Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => {
                Self::FailedPrecondition
            }
            Code::ResourceExhausted => Self::ResourceExhausted,
            Code::DeadlineExceeded => Self::DeadlineExceeded,
            Code::Unavailable | Code::Cancelled => Self::Unavailable,
            Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => Self::Internal,
        }
    }

    /// Whether the same request may succeed later.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::ResourceExhausted | Self::DeadlineExceeded | Self::Unavailable)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An error as a caller sees it. Its JSON form is `{"code":"not_found","message":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// What kind of failure it is.
    pub code: ErrorCode,
    /// What happened, to which input, and what to do. Never holds a credential or an inner detail.
    pub message: String,
}

impl ApiError {
    /// An error with a message for people.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The body of an HTTP answer with this error.
    pub fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        Self::new(error.code.grpc(), error.message)
    }
}

impl From<Status> for ApiError {
    fn from(status: Status) -> Self {
        Self::new(ErrorCode::from_grpc(status.code()), status.message())
    }
}

impl From<InvalidField> for ApiError {
    fn from(error: InvalidField) -> Self {
        Self::new(ErrorCode::InvalidArgument, error.to_string())
    }
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorCode::InvalidArgument, error.to_string())
    }
}

impl From<InvalidField> for Status {
    fn from(error: InvalidField) -> Self {
        ApiError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_keeps_its_meaning_over_grpc_and_http() {
        for code in ErrorCode::ALL {
            let error = ApiError::new(code, "why");
            assert_eq!(ApiError::from(Status::from(error.clone())), error);
            assert_eq!(serde_json::from_str::<ApiError>(&error.to_json()).unwrap(), error);
        }
        let statuses: BTreeSet<u16> =
            ErrorCode::ALL.into_iter().map(|code| code.http().as_u16()).collect();
        assert_eq!(statuses.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn the_json_body_is_what_scripts_read() {
        let error = ApiError::new(ErrorCode::NotFound, "no incident `12`");
        assert_eq!(error.to_json(), r#"{"code":"not_found","message":"no incident `12`"}"#);
    }
}
