//! The settings of a node: everything that is not one service's.

mod clients;
mod terms;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use airside_config::{ByteSize, Interval, Section};
use airside_ports::Partitioner;
use airside_types::{Cluster, Tenant};
use serde::{Deserialize, Serialize};

pub use self::clients::ClientOptions;
pub use self::terms::{TenantTermOptions, TermOptions};

/// The settings that all services of a node share.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeOptions {
    /// Where everything durable lies: store, keys, certificates. Default: `airside-data`.
    pub data_dir: PathBuf,
    /// The number of partitions of the deployment, fixed for its life. Default: 64.
    pub partitions: u16,
    /// `embedded` (this process alone) or `nats` (many processes over NATS JetStream).
    pub bus: BusKind,
    /// `sled` (on disk) or `memory` (gone at the end of the process).
    pub store: StoreKind,
    /// How much memory the store may use as a cache. Default: 16MiB.
    pub store_cache: ByteSize,
    /// The bound of each stream of the embedded log. In full activity and incidents the oldest give way; another full
    /// stream refuses input. Default: 4GiB.
    pub stream_max_bytes: ByteSize,
    /// How long the embedded log keeps activity, incidents and dead letters, where they have room. Default: 7d.
    pub stream_max_age: Interval,
    /// How long a stop may take before what is open is cut off. Default: 10s.
    pub drain_timeout: Interval,
}

/// Which log and queue a node uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BusKind {
    /// Log and queue within this process, over its store.
    Embedded,
    /// Log and queue on NATS JetStream.
    Nats,
}

/// Which store a node uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// sled, in the data folder.
    Sled,
    /// Memory only.
    Memory,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("airside-data"),
            partitions: Partitioner::DEFAULT_COUNT,
            bus: BusKind::Embedded,
            store: StoreKind::Sled,
            store_cache: ByteSize::mib(16),
            stream_max_bytes: ByteSize::mib(4 << 10),
            stream_max_age: Interval::from_days(7),
            drain_timeout: Interval::from_secs(10),
        }
    }
}

/// The listener for people, machines and other nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiOptions {
    /// The address; port 0 takes a free one. Default: 127.0.0.1:7600.
    pub listen: SocketAddr,
    /// Whether to serve TLS with the node's certificate. Default: no; say yes beyond loopback.
    pub tls: bool,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7600)), tls: false }
    }
}

/// The TLS listener for what clusters send: audit events, admission reviews, alerts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookOptions {
    /// The address; port 0 takes a free one. Default: 127.0.0.1:7643.
    pub listen: SocketAddr,
    /// The name or address under which clusters reach this listener, `HOST` or `HOST:PORT`. Default: the
    /// listening address.
    pub advertise: Option<String>,
    /// A PEM bundle of authorities that vouch for clients' certificates. Default: none; clients send API keys.
    pub client_ca: Option<PathBuf>,
    /// Whether a connection without such a certificate is refused, that of a probe or sensor too. Default: no;
    /// certificates and API keys go side by side.
    pub require_client_certificate: bool,
    /// Whose clients' certificates are. Default: nobody's.
    pub clients: Vec<ClientOptions>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7643)),
            advertise: None,
            client_ca: None,
            require_client_certificate: false,
            clients: Vec::new(),
        }
    }
}

/// Certificates. Without files the node uses an authority of its own, made at the first start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsOptions {
    /// The folder of the own authority; nodes that share it trust each other. Default: `DATA_DIR/tls`.
    pub folder: Option<PathBuf>,
    /// A PEM certificate chain instead.
    pub certificate: Option<PathBuf>,
    /// Its PEM private key.
    pub key: Option<PathBuf>,
}

/// Who may call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthOptions {
    /// The file of API keys (their hashes). Default: `DATA_DIR/keys.toml`, made at the first start with one
    /// key for the tenant `default`, which is written to `DATA_DIR/api-key`.
    pub keys_file: Option<PathBuf>,
}

/// Where other services are, when they run in other processes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeerOptions {
    /// The API address of the node that runs `correlation`, such as `https://10.0.0.5:7600`.
    pub correlation: Option<String>,
    /// The API address of the node that runs `scanner`.
    pub scanner: Option<String>,
    /// The API address of the node that runs `audit-ingest` and owns its partitions.
    #[serde(rename = "audit-ingest")]
    pub audit_ingest: Option<String>,
}

impl PeerOptions {
    /// The addresses by gRPC service name.
    pub fn addresses(&self) -> BTreeMap<String, String> {
        use airside_wire::v1::catalogue_service_server::SERVICE_NAME as CATALOGUE;
        use airside_wire::v1::findings_service_server::SERVICE_NAME as FINDINGS;
        use airside_wire::v1::incidents_service_server::SERVICE_NAME as INCIDENTS;
        use airside_wire::v1::raw_records_service_server::SERVICE_NAME as RAW_RECORDS;
        use airside_wire::v1::rules_service_server::SERVICE_NAME as RULES;
        use airside_wire::v1::scan_service_server::SERVICE_NAME as SCAN;
        use airside_wire::v1::suppressions_service_server::SERVICE_NAME as SUPPRESSIONS;
        use airside_wire::v1::used_grants_service_server::SERVICE_NAME as USED_GRANTS;
        let mut addresses = BTreeMap::new();
        for (address, services) in [
            (&self.correlation, &[INCIDENTS][..]),
            (&self.scanner, &[SCAN, FINDINGS, CATALOGUE][..]),
            (&self.audit_ingest, &[SUPPRESSIONS, USED_GRANTS, RAW_RECORDS, RULES][..]),
        ] {
            for service in services {
                addresses.extend(address.clone().map(|address| ((*service).to_owned(), address)));
            }
        }
        addresses
    }
}

/// The bus over NATS JetStream.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NatsOptions {
    /// The servers, comma-separated. Default: `nats://127.0.0.1:4222`.
    pub url: String,
    /// A credentials file (JWT and seed).
    pub credentials: Option<PathBuf>,
    /// PEM certificates of the authority that signed the servers' certificates.
    pub ca: Option<PathBuf>,
    /// The beginning of all subjects and stream names, so that deployments can share servers.
    pub prefix: String,
    /// How many servers keep each stream. Default: 1; use 3 in production.
    pub replicas: u8,
    /// The bound of each stream, which the servers reserve. In full activity and incidents the oldest give way; another
    /// full stream refuses input. Default: 1GiB.
    pub max_bytes: ByteSize,
    /// How long activity, incidents and dead letters are kept, where they have room. Default: 7d.
    pub max_age: Interval,
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".to_owned(),
            credentials: None,
            ca: None,
            prefix: "airside".to_owned(),
            replicas: 1,
            max_bytes: ByteSize::mib(1 << 10),
            max_age: Interval::from_days(7),
        }
    }
}

/// A live cluster whose objects the scanner watches.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveOptions {
    /// Whether to watch it. One scanner of a deployment is enough. Default: no.
    pub watch: bool,
    /// The name under which its findings are kept. Default: `default`.
    pub cluster: String,
    /// Whose it is. Default: `default`.
    pub tenant: String,
    /// The kubeconfig. Default: what `KUBECONFIG` names, `~/.kube/config`, or the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig. Default: its current one.
    pub context: Option<String>,
    /// The namespaces to watch; what lies in none is then not read. Default: the whole cluster.
    pub namespaces: Vec<String>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            watch: false,
            cluster: Cluster::default().as_str().to_owned(),
            tenant: Tenant::default().as_str().to_owned(),
            kubeconfig: None,
            context: None,
            namespaces: Vec::new(),
        }
    }
}

/// The sections of a node's settings, without those of its services.
pub fn sections() -> Vec<Section> {
    vec![
        Section::of::<NodeOptions>("node"),
        Section::of::<ApiOptions>("api"),
        Section::of::<WebhookOptions>("webhook"),
        Section::of::<TlsOptions>("tls"),
        Section::of::<AuthOptions>("auth"),
        Section::of::<PeerOptions>("peers"),
        Section::of::<NatsOptions>("nats"),
        Section::of::<LiveOptions>("live"),
        Section::of::<TermOptions>("terms"),
        Section::of::<airside_telemetry::Options>("telemetry"),
    ]
}
