//! Files in a bucket of an object store that speaks S3's protocol.
//!
//! Owns which requests there are, how long each may take, and what their failures mean. How parts of files are
//! fetched is `bucket/parts.rs`', and what was read is remembered by `bucket/cache.rs`. Where the bucket is and
//! who we are there is `bucket/address.rs`' and `bucket/credentials.rs`', the connection `bucket/http.rs`'. Calls block a thread that is no runtime's own; the runtime is the caller's.

use std::error::Error as _;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStoreExt};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::{Announced, ObjectStorage, Ranges};
use crate::error::ArchiveError;
use crate::instance::Instance;

mod address;
mod cache;
mod credentials;
mod http;
mod parts;

pub use address::ObjectStore;
use cache::Cache;
pub use credentials::{AccessKey, Credentials, WebIdentity};
use http::Untrusted;
use parts::Part;

/// How long reading a part may take, tries again included: a person waits for it.
const READING: Duration = Duration::from_secs(15);
/// How long a listing may take: each thousand files are one request, and a start waits for it.
const LISTING: Duration = Duration::from_mins(1);
/// How long a file may take on its way to the bucket.
const WRITING: Duration = Duration::from_mins(5);
/// The most files that are taken in from a listing: some hundred bytes of memory each.
const MAX_LISTED: usize = 1_000_000;
/// A bucket, or what lies in it below a prefix.
#[derive(Debug)]
pub(crate) struct Bucket {
    inner: Arc<Inner>,
    instance: Instance,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn object_store::ObjectStore>,
    prefix: Key,
    runtime: Handle,
    cache: Cache,
    /// How many parts of files may be on their way at a time.
    requests: Semaphore,
    at_a_time: usize,
    is_closed: watch::Sender<bool>,
}

impl Bucket {
    /// The bucket that settings name. Nothing is asked of it yet. The runtime has to turn while calls wait.
    pub(crate) fn new(settings: &ObjectStore, runtime: Handle) -> Result<Self, ArchiveError> {
        let (store, prefix) = address::connect(settings)?;
        let cache = Cache::new(usize::try_from(settings.cache_bytes).unwrap_or(usize::MAX));
        let (is_closed, _) = watch::channel(false);
        let at_a_time = settings.max_requests.clamp(1, Semaphore::MAX_PERMITS);
        let requests = Semaphore::new(at_a_time);
        let store = Arc::new(store);
        let inner = Inner { store, prefix, runtime, cache, requests, at_a_time, is_closed };
        Ok(Self { inner: Arc::new(inner), instance: settings.instance.clone() })
    }

    pub(crate) const fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Puts a file there; it is durable when this returns.
    pub(crate) fn put(&self, path: &str, bytes: Bytes) -> io::Result<()> {
        let key = self.inner.key(path)?;
        self.inner.wait(WRITING, self.inner.store.put(&key, bytes.into())).map(drop)
    }
}

impl ObjectStorage for Bucket {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let inner = &self.inner;
        let found = inner.wait(LISTING, async {
            let mut found = Vec::new();
            let mut listing = inner.store.list(Some(&inner.prefix));
            while let Some(object) = listing.next().await.transpose()? {
                if found.len() == MAX_LISTED {
                    return Ok(None);
                }
                let path = object.location.prefix_match(&inner.prefix);
                let path = path.map(|parts| parts.map(|it| it.as_ref().to_owned()));
                if let Some(path) = path.map(|parts| parts.collect::<Vec<_>>().join("/")) {
                    found.push((path, object.size));
                }
            }
            Ok(Some(found))
        })?;
        found.ok_or_else(|| {
            let many = format!(
                "more than {MAX_LISTED} files lie there: keep them for less long, in fewer and \
                 larger segments, or below several prefixes"
            );
            io::Error::new(io::ErrorKind::QuotaExceeded, many)
        })
    }

    fn take(&self, written: &Path, path: &str) -> io::Result<()> {
        self.put(path, fs::read(written)?.into())?;
        fs::remove_file(written)
    }

    fn open(&self, path: &str, length: u64) -> io::Result<Arc<dyn Ranges>> {
        let path: Arc<str> = path.into();
        if !self.inner.cache.has_end(&path, length) {
            self.inner.wait(READING, self.inner.fetch_end(&path, length))?;
        }
        Ok(Arc::new(Part { inner: Arc::clone(&self.inner), path, length }))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let key = self.inner.key(path)?;
        self.inner.cache.forget(path);
        match self.inner.wait(READING, self.inner.store.delete(&key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn announce_files(&self, files: &[(&str, u64)]) {
        self.inner.fetch_ends_ahead(files);
    }

    fn announce_parts(&self, parts: &[Announced<'_>]) -> usize {
        self.inner.fetch_ahead(parts)
    }

    fn opening_rows(&self) -> u64 {
        100_000
    }

    fn close(&self) {
        self.inner.is_closed.send_replace(true);
    }
}

impl Inner {
    fn key(&self, path: &str) -> io::Result<Key> {
        let whole = format!("{}/{path}", self.prefix);
        Key::parse(whole).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    /// Waits for an answer, until the time is over or the archive is closed.
    fn wait<T>(
        &self,
        longest: Duration,
        answer: impl Future<Output = object_store::Result<T>>,
    ) -> io::Result<T> {
        let mut closed = self.is_closed.subscribe();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = closed.wait_for(|is_closed| *is_closed) => {
                    Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the archive is closed"))
                }
                answer = tokio::time::timeout(longest, answer) => match answer {
                    Ok(answer) => answer.map_err(told),
                    Err(_) => {
                        let late = format!("the object store has not answered for {longest:?}");
                        Err(io::Error::new(io::ErrorKind::TimedOut, late))
                    }
                },
            }
        })
    }
}

/// What a failure means: something is not there, we may not do that, or the store cannot be used now.
fn told(error: Error) -> io::Error {
    let kind = match &error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            io::ErrorKind::PermissionDenied
        }
        _ if is_untrusted(&error) => io::ErrorKind::PermissionDenied,
        // Failures of listings have no kind of their own.
        _ => match error.source().map(ToString::to_string) {
            Some(text) if text.contains("NoSuchBucket") => io::ErrorKind::NotFound,
            Some(text) if text.contains("403 Forbidden") || text.contains("401 Unauthorized") => {
                io::ErrorKind::PermissionDenied
            }
            _ => io::ErrorKind::HostUnreachable,
        },
    };
    io::Error::new(kind, error)
}

/// Whether we broke off because of the other one's certificate.
fn is_untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<Untrusted>() {
            return true;
        }
        next = error.source();
    }
    false
}
