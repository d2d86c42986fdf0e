//! The settings of audit-ingest.

use std::path::PathBuf;

use airside_config::{ByteSize, Interval};
use airside_types::{Cluster, Tenant};
use serde::{Deserialize, Serialize};

use crate::raw::ArchiveOptions;

/// The settings of the section `audit-ingest`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The largest batch, decompressed, and the longest line of a file. Default: 64MiB.
    pub max_body: ByteSize,
    /// The bytes of all bodies that are in memory at a time, decompressed; beyond, senders are asked to come
    /// again. At least twice the largest. Default: 256MiB.
    pub max_in_flight: ByteSize,
    /// Audit logs of API servers on this machine, to follow while they are written and rotated. Default: none.
    pub files: Vec<FileOptions>,
    /// How often it is looked whether a file has grown. Default: 1s.
    pub poll: Interval,
    /// Whether this process folds what all intakes of the deployment take in. Exactly one of them does. Default: true.
    pub owner: bool,
    /// How often an entry of the log is tried before it is set aside. Default: 3.
    pub attempts: u32,
    /// Raw events, kept to be found.
    pub archive: ArchiveOptions,
}

/// An audit log to follow: JSON lines, as the API server's `--audit-log-path` writes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOptions {
    /// The file that is written to. What is rotated away is read to its end.
    pub path: PathBuf,
    /// The cluster that it is of. Default: default.
    #[serde(default = "default_cluster")]
    pub cluster: String,
    /// Whose cluster it is. Default: default.
    #[serde(default = "default_tenant")]
    pub tenant: String,
}

fn default_cluster() -> String {
    Cluster::default().as_str().to_owned()
}

fn default_tenant() -> String {
    Tenant::default().as_str().to_owned()
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_body: ByteSize::mib(64),
            max_in_flight: ByteSize::mib(256),
            files: Vec::new(),
            poll: Interval::from_secs(1),
            owner: true,
            attempts: 3,
            archive: ArchiveOptions::default(),
        }
    }
}
