//! The logs and queues against the suites of their ports, and what is each adapter's alone.

mod crash;
mod embedded;
mod nats;
