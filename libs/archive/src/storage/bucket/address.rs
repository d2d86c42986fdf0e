//! Where a bucket is: settings become a client, or an error that says which is wrong.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{BackoffConfig, RetryConfig};

use super::credentials::Credentials;
use super::http::Connector;
use crate::error::ArchiveError;
use crate::instance::Instance;

/// An object store in which finished files are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStore {
    /// The bucket and what stands before all names in it: `s3://BUCKET/PREFIX`.
    pub url: String,
    /// Where the store answers, such as `https://minio.example:9000`. None for Amazon's own.
    pub endpoint: Option<String>,
    /// The region that requests are signed for. None for `us-east-1`, which most other makers take.
    pub region: Option<String>,
    /// Who we are there.
    pub credentials: Credentials,
    /// Whom to trust as an authority for the certificates of the store and of whoever gives credentials, a file
    /// in PEM. None for those that the machine trusts.
    pub ca: Option<PathBuf>,
    /// Whether the bucket is named in the path and not in the host's name. None: only at an endpoint.
    pub path_style: Option<bool>,
    /// Whether an endpoint beyond this machine may be asked without TLS.
    pub allow_http: bool,
    /// Whose files ours are, among those of others in the same bucket and prefix.
    pub instance: Instance,
    /// How many bytes of files may wait on the disk for the store. Beyond, segments wait as well.
    pub max_waiting_bytes: u64,
    /// The bytes of what was read that are kept in memory.
    pub cache_bytes: u64,
    /// How many parts of files are fetched at a time.
    pub max_requests: usize,
}

impl ObjectStore {
    /// A bucket with the defaults: Amazon's own, the machine's role, 2 GiB waiting, 256 MiB kept, 16 requests
    /// at a time.
    pub fn new(url: &str, instance: Instance) -> Self {
        Self {
            url: url.to_owned(),
            endpoint: None,
            region: None,
            credentials: Credentials::InstanceMetadata { endpoint: None },
            ca: None,
            path_style: None,
            allow_http: false,
            instance,
            max_waiting_bytes: 2 << 30,
            cache_bytes: 256 << 20,
            max_requests: 16,
        }
    }
}

/// How often a request is tried within the time that it has.
const RETRIES: usize = 2;
/// How long is waited between these tries at most.
const PAUSE: Duration = Duration::from_secs(1);

/// The client of a bucket, and the prefix in it.
pub(super) fn connect(settings: &ObjectStore) -> Result<(AmazonS3, Key), ArchiveError> {
    let (bucket, prefix) = bucket_and_prefix(&settings.url)?;
    let retry = RetryConfig {
        backoff: BackoffConfig { max_backoff: PAUSE, ..BackoffConfig::default() },
        max_retries: RETRIES,
        ..RetryConfig::default()
    };
    let path_style = settings.path_style.unwrap_or_else(|| settings.endpoint.is_some());
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
        .with_virtual_hosted_style_request(!path_style)
        // Not every maker knows the request that removes many.
        .with_disable_bulk_delete(true)
        .with_retry(retry)
        .with_http_connector(Connector::trusting(settings.ca.as_deref())?);
    if let Some(text) = &settings.endpoint {
        let endpoint = Endpoint::parse(text, settings.allow_http)?;
        builder = builder.with_allow_http(endpoint.is_plain);
        builder = builder.with_endpoint(match path_style {
            true => format!("{}://{}", endpoint.scheme(), endpoint.authority),
            false => format!("{}://{bucket}.{}", endpoint.scheme(), endpoint.authority),
        });
    }
    builder = settings.credentials.apply(builder)?;
    let client = builder.build().map_err(|error| ArchiveError::setting(error.to_string()))?;
    Ok((client, prefix))
}

fn bucket_and_prefix(url: &str) -> Result<(&str, Key), ArchiveError> {
    let wrong = || ArchiveError::setting(format!("`{url}` is no `s3://BUCKET/PREFIX`"));
    let rest = url.strip_prefix("s3://").ok_or_else(wrong)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(fits) || prefix.contains(['?', '#']) {
        return Err(wrong());
    }
    Ok((bucket, Key::parse(prefix).map_err(|_| wrong())?))
}

/// Where a store answers.
struct Endpoint {
    is_plain: bool,
    authority: String,
}

impl Endpoint {
    fn parse(text: &str, allow_http: bool) -> Result<Self, ArchiveError> {
        let wrong = || {
            // The text may hold a password.
            let example = "`https://minio.example:9000`, without path, user and password";
            ArchiveError::setting(format!("the endpoint is none: write it as {example}"))
        };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else {
            return Err(wrong());
        };
        let is_plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(wrong()),
        };
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") {
            return Err(wrong());
        }
        if is_plain && !allow_http && !is_loopback(host) {
            return Err(ArchiveError::setting(format!(
                "the endpoint `{text}` would send raw events in the clear: write https, or say \
                 `allow_http = true`"
            )));
        }
        Ok(Self { is_plain, authority: authority.as_str().to_owned() })
    }

    const fn scheme(&self) -> &'static str {
        if self.is_plain { "http" } else { "https" }
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, endpoint: Option<&str>) -> ObjectStore {
        ObjectStore {
            endpoint: endpoint.map(str::to_owned),
            ..ObjectStore::new(url, "intake-1".parse().unwrap())
        }
    }

    #[test]
    fn an_address_is_taken_or_refused_with_what_to_write() {
        for (url, bucket, prefix) in
            [("s3://raw", "raw", ""), ("s3://raw/", "raw", ""), ("s3://r.a-w/a/b/", "r.a-w", "a/b")]
        {
            let (found, below) = bucket_and_prefix(url).unwrap();
            assert_eq!((found, below.as_ref()), (bucket, prefix), "{url}");
        }
        for url in [
            "",
            "raw",
            "gs://raw",
            "s3://",
            "s3:///a",
            "s3://u:p@raw",
            "s3://raw/a?b",
            "s3://raw/a//b",
        ] {
            let error = bucket_and_prefix(url).unwrap_err().to_string();
            assert!(error.contains("s3://BUCKET/PREFIX"), "{error}");
        }
        for endpoint in
            ["minio:9000", "ftp://minio", "https://a/b", "https://ada:pw@minio", "https://"]
        {
            let error = connect(&settings("s3://raw", Some(endpoint))).unwrap_err().to_string();
            assert!(
                error.contains("https://minio.example:9000") && !error.contains("pw"),
                "{error}"
            );
        }
    }

    #[test]
    fn nothing_is_sent_in_the_clear_beyond_this_machine_unless_a_setting_says_so() {
        for near in ["http://127.0.0.1:9", "http://[::1]:9", "http://localhost:9/"] {
            assert!(connect(&settings("s3://raw", Some(near))).is_ok(), "{near}");
        }
        for far in ["http://127.0.0.1.example:9", "http://minio:9000", "http://10.0.0.7"] {
            let mut settings = settings("s3://raw", Some(far));
            let error = connect(&settings).unwrap_err().to_string();
            assert!(error.contains("allow_http"), "{error}");
            settings.allow_http = true;
            assert!(connect(&settings).is_ok(), "{far}");
        }
    }
}
