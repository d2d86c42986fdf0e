//! The settings of the scanner.

use airside_config::{ByteSize, Interval, Secret};
use airside_types::{Severity, Tenant};
use serde::{Deserialize, Serialize};

/// The settings of the section `scanner`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The largest message: all manifests or findings of one scan, or one part of a streamed one. Default:
    /// 32MiB.
    pub max_request: ByteSize,
    /// The most bytes of one streamed scan or report. Default: 256MiB.
    pub max_stream: ByteSize,
    /// The most files of one streamed scan. Default: 50,000.
    pub max_files: usize,
    /// The most bytes of one file. More than the default lets a file hold more documents and values as well,
    /// in proportion. Default: 64MiB.
    pub max_file_size: ByteSize,
    /// The most findings, boarding passes and other entries, together, of one streamed report. Default:
    /// 500,000.
    pub max_entries: usize,
    /// How long a caller may take to send a streamed scan or report. Default: 5m.
    pub stream_timeout: Interval,
    /// How many streamed scans and reports are taken in at a time. Default: 16.
    pub streams: usize,
    /// How many of them one tenant may have. Default: 4.
    pub streams_per_tenant: usize,
    /// How many scans are computed at a time; each keeps one processor busy. Default: 2.
    pub concurrent_scans: usize,
    /// How long a caller waits for a place or its turn before it is told to try again. Default: 30s.
    pub scan_wait: Interval,
    /// How often a handed-in scan is begun before it is given up. Default: 3.
    pub job_attempts: u32,
    /// How long a handed-in scan and its result are kept. Default: 7d.
    pub job_age: Interval,
    /// How many of them each tenant may have; those that ended first go first.
    /// Default: 100.
    pub jobs_per_tenant: usize,
    /// A boarding pass says `failed` when a finding is at least this severe, where neither the scan nor `terms.project`
    /// says it. Default: high.
    pub failing_severity: String,
    /// How long after a change of a watched cluster it is checked, so that a burst is checked once.
    /// Default: 200ms.
    pub settle: Interval,
    /// Who is told of findings that open, come back or get worse, and where. Default: nobody.
    pub routes: Vec<RouteOptions>,
    /// How long a notice is tried to be delivered before it is set aside. Default: 1d.
    pub notice_age: Interval,
}

/// Where the findings of an owner are told: one notice for each owner and scan, as JSON by HTTP POST.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteOptions {
    /// The address, `https://…` or `http://…`. It is kept secret: chat rooms have addresses that are passwords.
    pub url: Secret,
    /// Whose findings. Default: what no other route of the tenant takes, findings without an owner included.
    #[serde(default)]
    pub owner: Option<String>,
    /// The tenant. Default: default.
    #[serde(default = "default_tenant")]
    pub tenant: String,
    /// The least severity that is told. Default: medium.
    #[serde(default = "default_severity")]
    pub min_severity: String,
}

fn default_tenant() -> String {
    Tenant::default().as_str().to_owned()
}

fn default_severity() -> String {
    Severity::Medium.as_str().to_owned()
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_request: ByteSize::mib(32),
            max_stream: ByteSize::mib(256),
            max_files: 50_000,
            max_file_size: ByteSize::mib(64),
            max_entries: 500_000,
            stream_timeout: Interval::from_secs(300),
            streams: 16,
            streams_per_tenant: 4,
            concurrent_scans: 2,
            scan_wait: Interval::from_secs(30),
            job_attempts: 3,
            job_age: Interval::from_days(7),
            jobs_per_tenant: 100,
            failing_severity: Severity::High.as_str().to_owned(),
            settle: Interval::from_millis(200),
            routes: Vec::new(),
            notice_age: Interval::from_days(1),
        }
    }
}
