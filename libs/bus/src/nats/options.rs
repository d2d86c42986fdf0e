//! How to reach a NATS server, and why it may not work.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of a connection.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// The servers, such as `nats://nats-0:4222`; the rest of a cluster is learnt from any of them.
    pub servers: Vec<String>,
    /// What this client is called in the server's lists.
    pub name: String,
    /// Who this client is.
    pub auth: NatsAuth,
    /// How the connection is encrypted.
    pub tls: NatsTls,
    /// The first token of subjects and the start of stream names: 1 to 32 lower-case letters, digits and `-`;
    /// default `airside`.
    pub prefix: String,
    /// How long connecting, and what is done at the start, is tried again before it fails; default 30 s.
    pub start_within: Duration,
    /// How long one request waits for its answer; default 5 s.
    pub request_timeout: Duration,
}

impl NatsOptions {
    /// The defaults, for these servers.
    pub fn new(servers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            name: "airside".to_owned(),
            auth: NatsAuth::None,
            tls: NatsTls::default(),
            prefix: "airside".to_owned(),
            start_within: Duration::from_secs(30),
            request_timeout: Duration::from_secs(5),
        }
    }

    /// Whether a prefix can be part of subjects and stream names.
    pub(super) fn has_valid_prefix(&self) -> bool {
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=32).contains(&self.prefix.len()) && self.prefix.bytes().all(valid)
    }
}

/// Who a client is.
#[derive(Clone, Default)]
pub enum NatsAuth {
    /// Nobody: the server asks for nothing, or for a client certificate.
    #[default]
    None,
    /// The holder of a credentials file: a JWT and its key.
    CredentialsFile(PathBuf),
    /// A user with a password.
    UserPassword {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// The holder of a token.
    Token(String),
}

impl fmt::Debug for NatsAuth {
    /// Shows which kind it is, and no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::CredentialsFile(path) => f.debug_tuple("CredentialsFile").field(path).finish(),
            Self::UserPassword { user, .. } => {
                f.debug_struct("UserPassword").field("user", user).finish_non_exhaustive()
            }
            Self::Token(_) => f.debug_struct("Token").finish_non_exhaustive(),
        }
    }
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Default)]
pub struct NatsTls {
    /// Whether an unencrypted connection is refused; default false. `tls://` in a server's address does it too.
    pub required: bool,
    /// The certificate of the authority that signed the server's, as PEM; the system's when none.
    pub authority: Option<PathBuf>,
    /// This client's certificate and key, as PEM, where the server asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Where the server keeps messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// On disk.
    #[default]
    File,
    /// In memory: gone with the server.
    Memory,
}

/// Why the connection, or a stream or queue on it, could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// The prefix cannot be part of a subject.
    #[error("`{prefix}` is no prefix: use 1 to 32 lower-case letters, digits and `-`")]
    Prefix {
        /// The prefix.
        prefix: String,
    },
    /// The credentials file cannot be read.
    #[error("the NATS credentials file {path} cannot be read")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// No server took the connection.
    #[error("no connection to NATS at {servers}")]
    Connect {
        /// The servers that were tried.
        servers: String,
        /// What the last attempt said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// JetStream did not do what was asked.
    #[error("JetStream did not {action} `{stream}`")]
    JetStream {
        /// What was tried.
        action: &'static str,
        /// The stream's name in JetStream.
        stream: String,
        /// What the server said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The servers have less storage than a stream may take, beside those that they have promised it to already.
    #[error(
        "JetStream has no room for the stream `{stream}` of up to {bytes} bytes: give the NATS servers more storage (a \
         larger disk, `max_file_store`), or let each stream take less (`nats.max_bytes`)"
    )]
    NoRoom {
        /// The stream's name in JetStream.
        stream: String,
        /// How much it may take.
        bytes: i64,
    },
    /// A stream of this name is there, made for something else.
    #[error(
        "the JetStream stream `{stream}` has other {what} than this deployment needs: use another prefix, \
         or remove the stream if nothing needs it"
    )]
    Mismatch {
        /// The stream's name in JetStream.
        stream: String,
        /// What differs and cannot be changed.
        what: &'static str,
    },
}
