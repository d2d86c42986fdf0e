//! The log and the work queue within the process, durable as the store below them is.
//!
//! They take part in no service's commits: a service keeps its state, offset and outbox in keyspaces of its
//! own, in the same store or in another, and publishes the outbox afterwards. A store that an embedded log or
//! queue lives in must not be opened with a setting that starts empty when the data is damaged: what was
//! acknowledged would be gone, and where the services' offsets go with it, nothing would notice.

mod encoding;
pub mod log;
pub mod queue;

pub use self::log::{EmbeddedLog, EmbeddedLogOptions, TrimBefore, Trimmed};
pub use self::queue::{EmbeddedQueue, EmbeddedQueueOptions};

use std::fmt;
use std::sync::Arc;

/// The error that several callers get for one commit that served them all.
#[derive(Debug, Clone)]
struct SharedError(Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SharedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
