//! The adapters of the log and the work-queue ports.
//!
//! Owns [`embedded`], which keeps streams and queues in a store within the process, and [`nats`], which keeps
//! them in NATS JetStream. Both pass the suites of `airside-ports`; services see the ports only. What is in an
//! entry is `airside-wire`'s business, and what becomes of it the services'.

pub mod embedded;

pub use embedded::{EmbeddedLog, EmbeddedLogOptions, EmbeddedQueue, EmbeddedQueueOptions};
