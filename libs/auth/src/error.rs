//! Why a call is refused, and why a key file is. No message shows a secret.

use airside_types::{Cluster, Timestamp};

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
    #[error("{subject} lacks the scope `{scope}`: use a key that has it{}", or_add(key.as_ref()))]
    MissingScope {
        /// Who is calling.
        subject: String,
        /// The key by which they call; none where they call otherwise.
        key: Option<KeyId>,
        /// What the call needs.
        scope: Scope,
    },
    /// A key stands in a URL, and is good for more than sending.
    #[error(
        "{subject} stands in a URL and may do more than send: make a key with the scope `ingest` alone for it"
    )]
    KeyInUrl {
        /// Whose key it is.
        subject: String,
    },
    /// A certificate of a trusted authority that no entry of the table holds for.
    #[error(
        "the client certificate ({names}) is valid and belongs to nobody here: name it in `webhook.clients`"
    )]
    UnknownCertificate {
        /// By what it could be known.
        names: String,
    },
    /// A certificate that belongs to more than one tenant or cluster.
    #[error(
        "the client certificate belongs to different tenants or clusters by its {names}: leave one of \
         them in `webhook.clients`"
    )]
    AmbiguousCertificate {
        /// By what it belongs to each.
        names: String,
    },
    /// The connection is older than its certificate was valid for.
    #[error("the client certificate expired at {at}: connect with a new one")]
    CertificateExpired {
        /// From when on it is refused.
        at: Timestamp,
    },
    /// A call with two credentials that belong to different tenants.
    #[error(
        "the client certificate and the API key belong to different tenants: send one of them, or both of \
         one tenant"
    )]
    OtherTenant,
    /// The caller speaks for one cluster, and sent something about another one.
    #[error(
        "{subject} speaks for the cluster `{own}`, and not for `{asked}`: end the URL with `{own}`"
    )]
    OtherCluster {
        /// Who is calling.
        subject: String,
        /// The cluster for which it speaks.
        own: Cluster,
        /// The one about which it sent something.
        asked: Cluster,
    },
}

/// How a key gets a scope: keys of before the scope existed lack it, and which ones may have it is for people to say.
fn or_add(key: Option<&KeyId>) -> String {
    key.map_or_else(String::new, |id| {
        format!(
            ", or add it to the `scopes` of the key `{id}` in the keys file (`auth.keys_file`; by default keys.toml \
             in the node's data folder) and start the nodes again"
        )
    })
}

impl AuthError {
    /// Whether the caller is known and just may not do this (HTTP 403, gRPC `PERMISSION_DENIED`). All other
    /// errors mean that the caller is not known (HTTP 401, gRPC `UNAUTHENTICATED`).
    pub const fn is_forbidden(&self) -> bool {
        match self {
            Self::MissingScope { .. }
            | Self::KeyInUrl { .. }
            | Self::UnknownCertificate { .. }
            | Self::AmbiguousCertificate { .. }
            | Self::OtherTenant
            | Self::OtherCluster { .. } => true,
            Self::MissingCredentials
            | Self::MalformedHeader { .. }
            | Self::MalformedKey { .. }
            | Self::MalformedToken { .. }
            | Self::UnknownKey { .. }
            | Self::Expired { .. }
            | Self::CertificateExpired { .. } => false,
        }
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
