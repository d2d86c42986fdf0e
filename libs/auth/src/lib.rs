//! Who may do what: principals, their scopes, and the API keys that prove who is calling.
//!
//! Owns the form of an API key, the key file, the reading of `Authorization` headers and the decision that a
//! call is allowed. It knows no transport, clock or source of randomness: callers pass in the header, the
//! moment and the random bytes. Peers and clusters' certificates are authenticated by mutual TLS, which is
//! `airside-service`'s; here they are only principals, and whose a certificate is. Beside that, the keys that sign statements and those that are trusted
//! ([`signature`]).

mod authorization;
mod client;
mod error;
mod key;
mod key_ring;
mod principal;
pub mod signature;
mod url_token;

pub use authorization::{MAX_AUTHORIZATION_BYTES, presented_key};
pub use client::{
    Authority, ClientIdentity, ClientTable, DuplicateClientError, Fingerprint, Holder,
    ParseFingerprintError,
};
pub use error::{AuthError, KeyRingError};
pub use key::{ApiKey, KeyHash, KeyId};
pub use key_ring::{KeyRecord, KeyRing};
pub use principal::{Principal, PrincipalKind, Scope};
pub use url_token::{UrlToken, without_token};
