//! What tests of several crates, and measurements, start: real servers of other projects, on loopback, with storage of their own.
//!
//! Owns where their binaries are found and how they are started, stopped and killed. What is asked of them is
//! the business of the tests.

mod credentials;
mod http_server;
mod nats;
mod object_store;

pub use credentials::CredentialsServer;
pub use http_server::Authority;
pub use nats::{
    NATS_SERVER_PACKAGE, NATS_SERVER_VERSION, NatsCluster, NatsServer, NatsServerError,
    nats_server_binary, nats_server_folder,
};
pub use object_store::{ObjectStoreServer, ObjectStoreServerError, Requests};
