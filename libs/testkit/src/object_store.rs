//! An object store that speaks S3's protocol, with a bucket in a folder of its own: s3s, in a thread of this
//! process. It checks signatures, and can be made to refuse everything or to take its time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use s3s_fs::FileSystem;
use tempfile::TempDir;

use crate::http_server::{Authority, HttpServer};

/// A server with one bucket. It ends when it is dropped, and its files with it.
#[derive(Debug)]
pub struct ObjectStoreServer {
    server: HttpServer,
    folder: TempDir,
    told: Arc<Told>,
}

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the object store of the tests cannot be started: {0}")]
pub struct ObjectStoreServerError(String);

/// What was asked of a server so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Parts of files that were read.
    pub parts: u64,
    /// Files that were read as a whole.
    pub whole: u64,
    /// Everything else, such as listings.
    pub others: u64,
    /// The bytes of all answers.
    pub bytes: u64,
    /// How often something was asked for while nothing else was: so often whoever asks has waited.
    pub rounds: u64,
    /// How many were answered at the same time at most.
    pub most_at_a_time: u64,
}

#[derive(Debug, Default)]
struct Told {
    is_away: AtomicBool,
    is_full: AtomicBool,
    delay_micros: AtomicU64,
    requests: Mutex<Requests>,
    under_way: AtomicU64,
}

impl ObjectStoreServer {
    /// The bucket that is there.
    pub const BUCKET: &str = "raw";
    /// Who may use it.
    pub const ACCESS_KEY_ID: &str = "airside-test";
    /// The key of who may use it.
    pub const SECRET_ACCESS_KEY: &str = "airside-test-secret";

    /// Starts a server on a free port of loopback.
    ///
    /// # Errors
    ///
    /// The folder, the port or the thread cannot be had.
    pub fn start() -> Result<Self, ObjectStoreServerError> {
        Self::start_with(None)
    }

    /// Starts a server that proves itself by a certificate of an authority.
    ///
    /// # Errors
    ///
    /// The folder, the port, the certificate or the thread cannot be had.
    pub fn start_over_tls(authority: &Authority) -> Result<Self, ObjectStoreServerError> {
        Self::start_with(Some(authority))
    }

    fn start_with(authority: Option<&Authority>) -> Result<Self, ObjectStoreServerError> {
        let folder = tempfile::tempdir().map_err(ObjectStoreServerError::of)?;
        std::fs::create_dir(folder.path().join(Self::BUCKET))
            .map_err(ObjectStoreServerError::of)?;
        let files = FileSystem::new(folder.path())
            .map_err(|error| ObjectStoreServerError::of(format!("{error:?}")))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(Self::ACCESS_KEY_ID, Self::SECRET_ACCESS_KEY));
        let service = service.build();
        let told = Arc::new(Told::default());
        let counting = Arc::clone(&told);
        let server = HttpServer::start(authority, move |request: Request<Incoming>| {
            let (service, told) = (service.clone(), Arc::clone(&counting));
            async move { told.answer(request, &service).await }
        });
        Ok(Self { server: server.map_err(ObjectStoreServerError::of)?, folder, told })
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// The folder with the files of the bucket.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join(Self::BUCKET)
    }

    /// Whether every request is refused from now on, as by a store that cannot be used.
    pub fn set_away(&self, is_away: bool) {
        self.told.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Whether files are refused from now on, as by a store that has no room.
    pub fn set_full(&self, is_full: bool) {
        self.told.is_full.store(is_full, Ordering::SeqCst);
    }

    /// How long it waits before each answer from now on, as one that is far away.
    pub fn set_delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.told.delay_micros.store(micros, Ordering::SeqCst);
    }

    /// What was asked of it so far.
    pub fn requests(&self) -> Requests {
        *self.told.requests()
    }

    /// Forgets what was asked of it so far.
    pub fn count_anew(&self) {
        *self.told.requests() = Requests::default();
    }
}

impl ObjectStoreServerError {
    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl Told {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        service: &S3Service,
    ) -> Result<Response<Body>, HttpError> {
        let under_way = self.count(&request);
        let answer = self.answer_late(request, service).await;
        drop(under_way);
        let length = answer.as_ref().ok().and_then(|it| it.headers().get(header::CONTENT_LENGTH));
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        self.requests().bytes += length.unwrap_or(0);
        answer
    }

    async fn answer_late(
        &self,
        request: Request<Incoming>,
        service: &S3Service,
    ) -> Result<Response<Body>, HttpError> {
        let delay = Duration::from_micros(self.delay_micros.load(Ordering::SeqCst));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let is_refused = self.is_full.load(Ordering::SeqCst) && request.method() == Method::PUT;
        if is_refused || self.is_away.load(Ordering::SeqCst) {
            let mut refused = Response::new(Body::empty());
            *refused.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(refused);
        }
        service.call(request.map(Body::from)).await
    }

    fn count(&self, request: &Request<Incoming>) -> UnderWay<'_> {
        let mut requests = self.requests();
        let before = self.under_way.fetch_add(1, Ordering::SeqCst);
        requests.rounds += u64::from(before == 0);
        requests.most_at_a_time = requests.most_at_a_time.max(before + 1);
        let is_listing = request.uri().query().is_some_and(|query| query.contains("list-type"));
        match *request.method() {
            Method::GET if request.headers().contains_key(header::RANGE) => requests.parts += 1,
            Method::GET if !is_listing => requests.whole += 1,
            _ => requests.others += 1,
        }
        UnderWay(&self.under_way)
    }
}

/// A request that is being answered; also one whose client hangs up has ended.
struct UnderWay<'a>(&'a AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
