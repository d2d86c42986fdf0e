//! How bad something is.

use std::fmt;
use std::str::FromStr;

/// Five levels, from the quiet `info` to `critical`. Incidents count from `medium`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    /// Worth recording, never worth an alert by itself.
    #[default]
    Info,
    /// A weakness or an event that matters in context.
    Low,
    /// Somebody should look at it soon.
    Medium,
    /// Somebody should look at it now.
    High,
    /// An attack succeeded or is about to.
    Critical,
}

impl Severity {
    /// All levels, the lowest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in lower case, as in every output and setting.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no severity: use info, low, medium, high or critical")]
pub struct ParseSeverityError {
    text: String,
}

impl FromStr for Severity {
    type Err = ParseSeverityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| ParseSeverityError { text: text.chars().take(40).collect() })
    }
}
