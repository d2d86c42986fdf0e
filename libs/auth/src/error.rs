//! Why a call is refused, and why a key file is. No message shows a secret.

use airside_types::Timestamp;

use crate::key::KeyId;
use crate::principal::Scope;

/// A call is refused. [`AuthError::is_forbidden`] tells the two kinds apart that HTTP and gRPC know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The call carries no credentials.
    #[error("no credentials: send an API key in the header `Authorization: Bearer airside_…`")]
    MissingCredentials,
    /// The `Authorization` header is neither `Bearer KEY` nor `Basic base64(user:KEY)`.
    #[error(
        "the `Authorization` header {problem}: send `Bearer KEY`, or `Basic` with the key as password"
    )]
    MalformedHeader {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What was presented has not the form of an API key.
    #[error(
        "this is no API key: it {problem}; a key is `airside_`, 8 characters, `_` and 43 more, \
         as printed when it was made"
    )]
    MalformedKey {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The last part of a webhook's URL has not the form of a key's token.
    #[error(
        "the end of this URL is no token of an API key: it {problem}; copy the URL as `airside up` \
         prints it"
    )]
    MalformedToken {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The key has the right form, but its id or its secret is not known here.
    #[error(
        "API key `{id}` is not known: it was removed, or belongs to another deployment; \
         ask who runs Airside for a new one"
    )]
    UnknownKey {
        /// The public part of the key.
        id: KeyId,
    },
    /// The key was valid until a moment that has passed.
    #[error("API key `{id}` expired at {at}: replace it by a new one")]
    Expired {
        /// The public part of the key.
        id: KeyId,
        /// From when on it is refused.
        at: Timestamp,
    },
    /// The caller is known, but may not do this.
    #[error("{subject} lacks the scope `{scope}`: use a key that has it")]
    MissingScope {
        /// Who is calling.
        subject: String,
        /// What the call needs.
        scope: Scope,
    },
}

impl AuthError {
    /// Whether the caller is known and just may not do this (HTTP 403, gRPC `PERMISSION_DENIED`). All other
    /// errors mean that the caller is not known (HTTP 401, gRPC `UNAUTHENTICATED`).
    pub const fn is_forbidden(&self) -> bool {
        matches!(self, Self::MissingScope { .. })
    }
}

/// A key file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// The text is no TOML, or has keys or types that a key file does not have.
    #[error("key file, line {line}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the reader says.
        problem: String,
    },
    /// A field of a key has a value that it cannot have.
    #[error("key file, key number {number}: `{field}` {problem}")]
    Field {
        /// The position of the key in the file, counted from 1.
        number: usize,
        /// The field's name.
        field: &'static str,
        /// What is wrong, and what is expected.
        problem: String,
    },
    /// Two keys have the same id, so that one could hide the other.
    #[error("key file, key number {number}: id `{id}` is there already; remove one of the two")]
    DuplicateId {
        /// The position of the second in the file, counted from 1.
        number: usize,
        /// The id.
        id: KeyId,
    },
}
