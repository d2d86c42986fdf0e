//! The settings of the scanner.

use airside_config::{ByteSize, Interval};
use airside_types::Severity;
use serde::{Deserialize, Serialize};

/// The settings of the section `scanner`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The largest request: all manifests or findings of one scan. Default: 32MiB.
    pub max_request: ByteSize,
    /// How often a handed-in scan is begun before it is given up. Default: 3.
    pub job_attempts: u32,
    /// A boarding pass says `failed` when a finding is at least this severe. Default: high.
    pub failing_severity: String,
    /// How long after a change of a watched cluster it is checked, so that a burst is checked once.
    /// Default: 200ms.
    pub settle: Interval,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_request: ByteSize::mib(32),
            job_attempts: 3,
            failing_severity: Severity::High.as_str().to_owned(),
            settle: Interval::from_millis(200),
        }
    }
}
