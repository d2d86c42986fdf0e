//! The adapters of the store port.
//!
//! Owns [`MemoryStore`], for tests and for nodes that keep nothing, and [`SledStore`], which is durable.
//! What is kept in a store, and under which keys, is the business of the services and of `airside-bus`.

pub mod memory;
pub mod sled;

pub use memory::MemoryStore;
pub use sled::{OnDamage, OpenError, SledOptions, SledStore};
