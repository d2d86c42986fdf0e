//! The ports of Airside: what services need from the outside, as small traits.
//!
//! Owns the traits of the log, the work queue, the store, the live cluster and the clock, with their error kinds and limits,
//! and (feature `testsuite`) the conformance suites that every adapter has to pass. Adapters live in crates
//! of their own (`airside-bus`, `airside-store`, `airside-cluster`); nothing here names one.

pub mod clock;
pub mod cluster;
pub mod log;
pub mod partition;
pub mod queue;
pub mod store;

#[cfg(feature = "testsuite")]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the suites are tests: they fail by panicking"
)]
pub mod testsuite;

pub use clock::Clock;
pub use cluster::{
    ClusterChange, ClusterError, ClusterFeed, ClusterSnapshot, ClusterWatch, ListScope, ObjectKind,
    Sample, Unlisted,
};
pub use log::{
    Entry, Headers, Log, LogBatch, LogError, LogReader, LostRange, Offset, ReadLimit, StoredEntry,
    Stream, StreamRoom,
};
pub use partition::{Partition, PartitionSet, Partitioner};
pub use queue::{Delivery, Job, Queue, QueueError, QueueName};
pub use store::{Batch, KeyRange, Keyspace, Order, Store, StoreError};
