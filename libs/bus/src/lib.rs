//! The adapters of the log and the work-queue ports.
//!
//! Owns [`embedded`], which keeps streams and queues in a store within the process, and [`nats`], which keeps
//! them in NATS JetStream. Both pass the suites of `airside-ports`; services see the ports only. What is in an
//! entry is `airside-wire`'s business, and what becomes of it the services'.

pub mod embedded;
pub mod nats;

pub use embedded::{EmbeddedLog, EmbeddedLogOptions, EmbeddedQueue, EmbeddedQueueOptions};
pub use nats::{NatsConnection, NatsLog, NatsQueue};

use std::time::Duration;

use tokio::time::Instant;

/// When a wait that starts now ends. A wait beyond the clock's range ends in a year.
fn deadline(wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    let now = Instant::now();
    now.checked_add(wait).unwrap_or_else(|| now + YEAR)
}
