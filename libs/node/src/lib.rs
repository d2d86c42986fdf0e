//! Assembles a node of Airside.
//!
//! Owns the shared settings, the choice of adapters, the order in which services start and stop, and the
//! two listeners. [`assemble`] is the one function behind `airside up`, `airside run`, `airside demo`, each
//! service's own binary and the tests: which process a service is in is decided only by the settings.
//! Also the allocator of all these programs, which are linked with this crate.

mod adapters;
mod assemble;
mod keys;
mod main_one;
pub mod settings;

pub use adapters::cluster::live_cluster;
pub use assemble::{Node, assemble, check};
pub use keys::api_key_path;
pub use main_one::{environment, load_settings, main_one, run_until_signal, runtime};

/// Much of what a record costs is allocating its short texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
