//! Who we are to an object store: a key that was given to us, or where a cloud gives us temporary ones.
//!
//! Owns what is asked for them, and that what proves us goes nowhere in the clear but to this machine and to the
//! addresses that clouds reserve for this. Which of them holds is for settings to say.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use airside_types::redact::REDACTED;
use http::Uri;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::address::is_loopback;
use crate::error::ArchiveError;

/// Who we are to an object store. `Display` says it without showing a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A key.
    Key(AccessKey),
    /// A token that lies in a file, exchanged for the temporary keys of a role (in EKS: IAM roles for service
    /// accounts). It is read anew whenever keys are about to expire.
    WebIdentity(WebIdentity),
    /// An agent on the node, which gives temporary keys for a token that lies in a file (EKS Pod Identity).
    PodIdentity {
        /// Where the agent answers.
        url: String,
        /// The file with the token, read anew whenever keys are about to expire.
        token_file: PathBuf,
    },
    /// The role of the machine that we run on, told by its metadata service (version 2).
    InstanceMetadata {
        /// Where that answers. None for the address that Amazon's machines have it at.
        endpoint: Option<String>,
    },
}

/// A key that was given to us. `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The id of the key.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: String,
    /// What comes with temporary credentials.
    pub session_token: Option<String>,
}

/// A token that is exchanged for the keys of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The file with the token.
    pub token_file: PathBuf,
    /// The role, such as `arn:aws:iam::123456789012:role/raw-events`.
    pub role_arn: String,
    /// Under which name the role is taken on. None for `airside`.
    pub session_name: Option<String>,
    /// Where tokens are exchanged (STS), over TLS. None for Amazon's own of the region.
    pub endpoint: Option<String>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessKey").field(&self.access_key_id).field(&REDACTED).finish()
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "the key `{}`", key.access_key_id),
            Self::WebIdentity(WebIdentity { token_file, role_arn, .. }) => {
                let file = token_file.display();
                write!(f, "the role `{role_arn}`, for the token in `{file}`")
            }
            Self::PodIdentity { url, token_file } => {
                write!(f, "what `{url}` gives for the token in `{}`", token_file.display())
            }
            Self::InstanceMetadata { endpoint: Some(endpoint) } => {
                write!(f, "the machine's role, told by `{endpoint}`")
            }
            Self::InstanceMetadata { endpoint: None } => {
                f.write_str("the machine's role, told by its metadata service")
            }
        }
    }
}

/// The addresses at which clouds answer their own machines, in the clear: metadata and agents for credentials.
const RESERVED: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"];

impl Credentials {
    /// Lets a client be who we are.
    pub(super) fn apply(&self, builder: AmazonS3Builder) -> Result<AmazonS3Builder, ArchiveError> {
        use AmazonS3ConfigKey as Key;
        let text = |path: &PathBuf| {
            let text = path.to_str().map(str::to_owned);
            text.ok_or_else(|| ArchiveError::setting(format!("`{}` is no text", path.display())))
        };
        match self {
            Self::Key(key) => {
                let builder = builder
                    .with_access_key_id(&key.access_key_id)
                    .with_secret_access_key(&key.secret_access_key);
                Ok(key.session_token.iter().fold(builder, AmazonS3Builder::with_token))
            }
            Self::WebIdentity(identity) => {
                if let Some(endpoint) = &identity.endpoint {
                    let is_https =
                        endpoint.parse().is_ok_and(|it: Uri| it.scheme_str() == Some("https"));
                    if !is_https {
                        return Err(ArchiveError::setting(format!(
                            "tokens are exchanged over TLS alone, and `{endpoint}` is not: write \
                             https://HOST"
                        )));
                    }
                }
                let session = identity.session_name.as_deref().unwrap_or("airside");
                let builder = builder
                    .with_config(Key::WebIdentityTokenFile, text(&identity.token_file)?)
                    .with_config(Key::RoleArn, &identity.role_arn)
                    .with_config(Key::RoleSessionName, session);
                let endpoints = identity.endpoint.iter();
                Ok(endpoints.fold(builder, |builder, it| builder.with_config(Key::StsEndpoint, it)))
            }
            Self::PodIdentity { url, token_file } => {
                near_or_over_tls(url)?;
                Ok(builder
                    .with_config(Key::ContainerCredentialsFullUri, url)
                    .with_config(Key::ContainerAuthorizationTokenFile, text(token_file)?))
            }
            Self::InstanceMetadata { endpoint } => {
                endpoint.iter().try_for_each(|endpoint| near_or_over_tls(endpoint))?;
                let endpoints = endpoint.iter().map(|it| it.trim_end_matches('/'));
                Ok(endpoints.fold(builder, AmazonS3Builder::with_metadata_endpoint))
            }
        }
    }
}

fn near_or_over_tls(url: &str) -> Result<(), ArchiveError> {
    let wrong = || {
        ArchiveError::setting(format!(
            "`{url}` would give us keys in the clear: write https, or an address of this machine or \
             one that clouds reserve for this, such as http://169.254.170.23/v1/credentials"
        ))
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_reserved = address.is_ok_and(|it| RESERVED.iter().any(|known| known.parse() == Ok(it)));
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => Ok(()),
        Some("http") if is_loopback(host) || is_reserved => Ok(()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(credentials: &Credentials) -> Result<String, String> {
        let builder = credentials.apply(AmazonS3Builder::new());
        builder.map(|_| credentials.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_proves_us_goes_over_tls_or_stays_near() {
        let pod =
            |url: &str| Credentials::PodIdentity { url: url.to_owned(), token_file: "/t".into() };
        let metadata = |url: &str| Credentials::InstanceMetadata { endpoint: Some(url.to_owned()) };
        for near in [
            "https://agent.example/v1",
            "http://127.0.0.1:9/v1",
            "http://[::1]:9",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
        ] {
            assert!(applied(&pod(near)).is_ok() && applied(&metadata(near)).is_ok(), "{near}");
        }
        for far in
            ["http://agent.example", "http://169.254.1.1", "http://10.0.0.1", "agent", "https://"]
        {
            for credentials in [pod(far), metadata(far)] {
                let error = applied(&credentials).unwrap_err();
                assert!(error.contains("write https"), "{far}: {error}");
            }
        }
        let identity = |endpoint: Option<&str>| {
            Credentials::WebIdentity(WebIdentity {
                token_file: "/t".into(),
                role_arn: "arn:aws:iam::1:role/r".to_owned(),
                session_name: None,
                endpoint: endpoint.map(str::to_owned),
            })
        };
        assert!(applied(&identity(None)).is_ok());
        assert!(applied(&identity(Some("https://sts.example"))).is_ok());
        assert!(applied(&identity(Some("http://127.0.0.1"))).unwrap_err().contains("https://HOST"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let key = AccessKey {
            access_key_id: "id".to_owned(),
            secret_access_key: "hunter2".to_owned(),
            session_token: Some("hunter3".to_owned()),
        };
        let credentials = Credentials::Key(key);
        let built = credentials.apply(AmazonS3Builder::new().with_bucket_name("raw"));
        let shown =
            format!("{credentials:?} {credentials} {:?}", built.map(|it| it.build().is_ok()));
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
