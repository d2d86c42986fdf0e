//! Taking streams in: how many at a time, how long each may take, and that a stopping node takes none.
//!
//! What a stream has to look like is `gather`'s. What was gathered of a stream that breaks off is freed with
//! the call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
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
    of_tenants: Arc<Mutex<BTreeMap<Tenant, usize>>>,
    per_tenant: usize,
    longest: Duration,
    draining: CancellationToken,
}

/// A place among the streams that are under way; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    tenant: Tenant,
    _permit: OwnedSemaphorePermit,
}

impl Streams {
    pub(crate) fn new(options: &Options, draining: CancellationToken) -> Self {
        let places = options.streams.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            of_tenants: Arc::default(),
            per_tenant: options.streams_per_tenant.max(1),
            longest: options.stream_timeout.as_duration(),
            draining,
        }
    }

    /// A place for one more stream of a tenant.
    pub(crate) fn enter(&self, tenant: &Tenant) -> Result<Place, ApiError> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            full("`scanner.streams` are under way already: try again later".to_owned())
        })?;
        let mut tenants = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let own = tenants.entry(tenant.clone()).or_default();
        if *own >= self.per_tenant {
            return Err(full(format!(
                "`scanner.streams_per_tenant` ({}) are under way already: try again later",
                self.per_tenant
            )));
        }
        *own += 1;
        drop(tenants);
        Ok(Place { streams: self.clone(), tenant: tenant.clone(), _permit: permit })
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

impl Drop for Place {
    fn drop(&mut self) {
        let mut tenants = self.streams.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = tenants.get_mut(&self.tenant) {
            *own -= 1;
            if *own == 0 {
                tenants.remove(&self.tenant);
            }
        }
    }
}

fn full(message: String) -> ApiError {
    ApiError::new(ErrorCode::ResourceExhausted, message)
}
