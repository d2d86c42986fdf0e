//! The logs and queues against the suites of their ports, and what is each adapter's alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests fail by panicking; the exception for tests does not reach their common parts"
)]

mod crash;
mod embedded;
mod nats;
