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
    /// The bytes of all bodies that are in memory at a time, decompressed, with what is made of them; beyond, senders are
    /// asked to come again. A tenant may have three quarters of it with several bodies; one alone is always taken. At least twice
    /// the largest. Default: 256MiB.
    pub max_in_flight: ByteSize,
    /// The memory, about, for what is known of requests and bodies that came more than once, so that they need not be read and
    /// worked out again: controllers ask for the same all day, and make many pods of one body. Default: 20MiB.
    pub known_requests: ByteSize,
    /// Audit logs of API servers on this machine, to follow while they are written and rotated. Default: none.
    pub files: Vec<FileOptions>,
    /// How often it is looked whether a file has grown. Default: 1s.
    pub poll: Interval,
    /// What is known of clusters beside their events. Default: nothing.
    pub clusters: Vec<ClusterOptions>,
    /// The most clusters of a tenant. What another one sends is set aside as dead letters. Default: 10000.
    pub max_clusters: usize,
    /// The most clusters whose state is in memory at a time; others wait in the store. Default: 1000.
    pub clusters_in_memory: usize,
    /// Whether this process folds what all intakes of the deployment take in. Exactly one of them does. Default: true.
    pub owner: bool,
    /// How often an entry of the log is tried before it is set aside. Default: 3.
    pub attempts: u32,
    /// Raw events, kept to be found.
    pub archive: ArchiveOptions,
}

/// A cluster as its operators describe it: what no event can say of itself. Networks are in CIDR notation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterOptions {
    /// Its name, as in the webhook's path.
    pub name: String,
    /// Whose it is. Default: default.
    #[serde(default = "default_tenant")]
    pub tenant: String,
    /// Who runs its control plane. Default: unknown; identities of a provider are then believed half.
    #[serde(default)]
    pub provider: ProviderOption,
    /// How many trusted proxies stand before the API server, each of which adds an entry to the end of `sourceIPs`.
    /// Default: as many as the provider has.
    #[serde(default)]
    pub trusted_proxies: Option<usize>,
    /// Networks of trusted proxies, wherever they stand at the end of `sourceIPs`.
    #[serde(default)]
    pub proxies: Vec<String>,
    /// Networks of its nodes.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// Networks of its pods.
    #[serde(default)]
    pub pods: Vec<String>,
    /// Public networks from which its people and programs come: NAT gateways, offices, VPNs.
    #[serde(default)]
    pub egress: Vec<String>,
    /// Further namespaces that belong to the cluster itself.
    #[serde(default)]
    pub system_namespaces: Vec<String>,
    /// Further namespaces whose Secrets open more than themselves.
    #[serde(default)]
    pub sensitive_namespaces: Vec<String>,
    /// Lists of addresses that somebody warns of.
    #[serde(default)]
    pub feeds: Vec<FeedOptions>,
}

/// Who runs a control plane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderOption {
    /// Nobody said.
    #[default]
    Unknown,
    /// The cluster's own operators.
    OwnOperators,
    /// Amazon.
    Eks,
    /// Google.
    Gke,
    /// Microsoft.
    Aks,
}

/// A list of addresses, such as the exit nodes of Tor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedOptions {
    /// What people call it.
    pub name: String,
    /// A file with a network or address on each line; `#` begins a remark. Read at the start.
    pub file: PathBuf,
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
            known_requests: ByteSize::mib(20),
            files: Vec::new(),
            poll: Interval::from_secs(1),
            clusters: Vec::new(),
            max_clusters: 10_000,
            clusters_in_memory: 1_000,
            owner: true,
            attempts: 3,
            archive: ArchiveOptions::default(),
        }
    }
}
