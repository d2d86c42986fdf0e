//! The log and the work queue in NATS JetStream, for deployments of several processes.
//!
//! The only module that names async-nats. Streams are made with a bound. Most refuse what does not fit (`discard: new`),
//! so that a full stream is felt by its publishers and nothing acknowledged gives way; in those that
//! [make room](airside_ports::Stream::makes_room) the oldest gives way (`discard: old`).
//! Readers keep their own offsets; the server keeps no state for them. Why each of these:
//! the notes in [`log`] and [`queue`].
//!
//! Subjects are `<prefix>.<stream>.<partition>` and `<prefix>.queue.<queue>.<job id>`; streams of JetStream
//! are `<prefix>-<stream>` and `<prefix>-queue-<queue>`. A prefix makes a deployment of its own on a shared
//! server.

mod connection;
pub mod log;
mod message;
mod options;
pub mod queue;
mod reader;
mod stream;

pub use self::connection::NatsConnection;
pub use self::log::{NatsLog, NatsLogOptions};
pub use self::options::{NatsAuth, NatsError, NatsOptions, NatsTls, Storage};
pub use self::queue::{NatsQueue, NatsQueueOptions};
