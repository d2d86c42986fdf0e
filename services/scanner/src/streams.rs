//! Taking streams in: how many at a time, how long each may take, and that a stopping node takes none.
//!
//! What a stream has to look like is `gather`'s. What was gathered of a stream that breaks off is freed with
//! the call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use airside_service::CancellationToken;
use airside_types::Tenant;
use airside_wire::scan::stream::Part;
use airside_wire::{ApiError, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Status, Streaming};

use crate::gather::Gather;
use crate::options::Options;

/// The streams that are under way. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    /// The places of the tenants that use or wait for one.
    of_tenants: Arc<Mutex<BTreeMap<Tenant, Weak<Semaphore>>>>,
    per_tenant: usize,
    longest_wait: Duration,
    longest: Duration,
    draining: CancellationToken,
}

/// A place among the streams that are under way; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    _of_tenant: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Streams {
    pub(crate) fn new(options: &Options, draining: CancellationToken) -> Self {
        let places = options.streams.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            of_tenants: Arc::default(),
            per_tenant: options.streams_per_tenant.clamp(1, Semaphore::MAX_PERMITS),
            longest_wait: options.scan_wait.as_duration(),
            longest: options.stream_timeout.as_duration(),
            draining,
        }
    }

    /// A place for one more stream of a tenant, waiting for it as long as a caller may be left waiting.
    pub(crate) async fn enter(&self, tenant: &Tenant) -> Result<Place, ApiError> {
        let of_tenant = self.wait(self.places_of(tenant), "scanner.streams_per_tenant").await?;
        let of_all = self.wait(Arc::clone(&self.places), "scanner.streams").await?;
        Ok(Place { _of_tenant: of_tenant, _of_all: of_all })
    }

    async fn wait(
        &self,
        places: Arc<Semaphore>,
        setting: &str,
    ) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = tokio::time::timeout(self.longest_wait, places.acquire_owned()).await;
        permit.ok().and_then(Result::ok).ok_or_else(|| {
            ApiError::new(
                ErrorCode::ResourceExhausted,
                format!("`{setting}` were under way for {:?}: try again later", self.longest_wait),
            )
        })
    }

    fn places_of(&self, tenant: &Tenant) -> Arc<Semaphore> {
        let mut tenants = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, places| places.strong_count() > 0);
        if let Some(places) = tenants.get(tenant).and_then(Weak::upgrade) {
            return places;
        }
        let places = Arc::new(Semaphore::new(self.per_tenant));
        tenants.insert(tenant.clone(), Arc::downgrade(&places));
        places
    }

    /// Gathers everything that a caller sends.
    pub(crate) async fn gather<G: Gather>(
        &self,
        mut messages: Streaming<<G::Part as Part>::Message>,
        mut gathered: G,
    ) -> Result<G::Whole, Status> {
        let all = async {
            while let Some(message) = messages.message().await? {
                let bytes = G::Part::wire_bytes(&message);
                gathered.take(message.try_into()?, bytes)?;
            }
            Ok(gathered.finish()?)
        };
        tokio::select! {
            gathered = all => gathered,
            () = self.draining.cancelled() => {
                Err(Status::unavailable("the scanner is stopping: try again"))
            }
            () = tokio::time::sleep(self.longest) => Err(Status::deadline_exceeded(format!(
                "the stream did not end within {:?}: raise `scanner.stream_timeout` or send less",
                self.longest
            ))),
        }
    }
}
