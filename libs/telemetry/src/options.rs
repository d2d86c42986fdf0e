//! What operators can choose about logs and traces.

use serde::{Deserialize, Serialize};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object for each line, for log collectors.
    Json,
}

/// The section `telemetry` of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which log lines are written: levels by target. Default `warn,airside=info`: everything of Airside's
    /// own from `info`, of its dependencies from `warn`.
    pub log: String,
    /// How log lines look: `text` (default) or `json`.
    pub log_format: LogFormat,
    /// Where spans are sent: the address of an OpenTelemetry collector's gRPC port without TLS, such as
    /// `http://127.0.0.1:4317`. Default: nowhere; trace ids exist all the same.
    pub otlp_endpoint: Option<String>,
    /// The name under which a collector shows this process. Default `airside`.
    pub service_name: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log: "warn,airside=info,kube_client=error,kube_runtime=error".to_owned(),
            log_format: LogFormat::default(),
            otlp_endpoint: None,
            service_name: "airside".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_json_and_refuse_what_they_do_not_know() {
        let json = serde_json::to_string(&Options::default()).unwrap();
        assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), Options::default());
        assert_eq!(serde_json::from_str::<Options>("{}").unwrap(), Options::default());
        for wrong in [r#"{"loglevel": "info"}"#, r#"{"log_format": "xml"}"#] {
            assert!(serde_json::from_str::<Options>(wrong).is_err(), "{wrong}");
        }
    }
}
