//! The conformance suites of the ports, run against every adapter.
//!
//! Each suite is a list of cases, one async function each, and a macro that makes tests of them for an
//! adapter: [`crate::log_conformance`], [`crate::queue_conformance`], [`crate::store_conformance`] and
//! [`crate::durable_store_conformance`]. An adapter gives a harness: how to start it empty, and how to start
//! it anew on the data it left. The macros take the test attribute, so that adapters that wait with tokio's
//! timers run with a paused clock and those that talk to a server do not.

pub mod log;
pub mod queue;
pub mod store;
mod taking;

pub use self::taking::{TakingLog, Turn};

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use airside_types::Timestamp;

use crate::Clock;

/// How long a test waits for what must come. It bounds a failing test, not a passing one.
pub const SOON: Duration = Duration::from_secs(20);

/// A clock that a test sets. It starts at the epoch and stands still.
#[derive(Debug, Default)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// Sets the time.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_nanos(), Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// Polls a future once: starts it, and shows whether it was ready.
pub async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Makes a test of each case of a suite. Used by the suites' own macros.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($suite:path, $harness:ty, #[$test:meta], [$($case:ident),+ $(,)?]) => {
        $(
            #[$test]
            async fn $case() {
                use $suite as suite;
                suite::$case::<$harness>().await;
            }
        )+
    };
}
