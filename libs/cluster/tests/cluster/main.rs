//! The adapter against an API server of the test's making, on loopback: what it asks, and what it makes of the
//! answers. A real API server answers in the control-plane suite.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its harness too"
)]

mod api_server;
mod metrics;
mod snapshot;
mod watch;
