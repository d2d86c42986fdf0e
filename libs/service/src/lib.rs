//! The service kit: everything that six services do alike.
//!
//! Owns the life cycle (start in order, readiness, drain), listeners with and without TLS, authentication
//! of callers, bounded bodies, channels to peers, publishing to the log, and the loop of a log's owner.
//! It names no adapter: services get their log, queue and store as ports, in [`Deps`].

pub mod body;
pub mod budget;
pub mod caller;
pub mod clients;
pub mod clock;
pub mod dead_letter;
pub mod deps;
pub mod follow;
pub mod health;
pub mod http_error;
pub mod intake;
pub mod listener;
pub mod mounts;
pub mod outbound;
pub mod outbox;
pub mod owner;
pub mod peers;
pub mod publisher;
pub mod retry;
pub mod service;
pub mod shares;
pub mod tls;

pub use caller::{Caller, Credentials};
pub use clock::SystemClock;
pub use dead_letter::DeadLetters;
pub use deps::{Deps, LiveCluster};
pub use health::Health;
pub use http_error::HttpError;
pub use mounts::Mounts;
pub use owner::{ApplyError, Effects, LogOwner, Lost, OwnerSettings, ReadUpTo};
pub use peers::{PeerChannel, Peers};
pub use publisher::Publisher;
pub use service::{Service, ServiceContext, ServiceEntry};

// What a service's definition needs to name.
pub use airside_config::Section;
pub use tokio_util::sync::CancellationToken;
