//! Logs, traces and metrics.
//!
//! Owns the one global thing that a process has, its tracing subscriber ([`init`], called by `main`), the
//! W3C trace context that travels in message headers ([`trace`]), and the registry of metrics that each
//! node has for itself ([`Metrics`]). OpenTelemetry and the Prometheus client appear in no other crate. Which
//! metrics there are is each service's business, and so is serving them.

mod error;
pub mod metrics;
mod options;
mod subscriber;
pub mod trace;

pub use error::TelemetryError;
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};
pub use options::{LogFormat, Options};
pub use subscriber::{Handle, init};
