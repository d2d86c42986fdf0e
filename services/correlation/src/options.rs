//! The settings of correlation.

use airside_config::Interval;
use serde::{Deserialize, Serialize};

/// The settings of the section `correlation`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// How often an entry of the log is tried before it is set aside. Default: 3.
    pub attempts: u32,
    /// How long detections, decisions and gaps are kept, measured by the newest record. Default: 7d.
    pub retention: Interval,
}

impl Default for Options {
    fn default() -> Self {
        Self { attempts: 3, retention: Interval::from_days(7) }
    }
}
