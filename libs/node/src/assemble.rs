//! Building and running a node: adapters, services in order, listeners; and stopping it in reverse.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use airside_auth::KeyRing;
use airside_config::Settings;
use airside_ports::{Clock, Partitioner};
use airside_service::listener::{Listener, ListenerLimits};
use airside_service::peers::PeerLimits;
use airside_service::service::BuiltService;
use airside_service::tls::{Identity, create_private_folder, server_names, write_private};
use airside_service::{
    CancellationToken, Deps, Health, Mounts, Peers, ServiceContext, ServiceEntry, SystemClock,
};
use airside_telemetry::Metrics;
use airside_types::TermFilesOfTenants;
use anyhow::Context;
use tokio::task::JoinSet;
use tonic::service::Routes;

use crate::adapters::Adapters;
use crate::adapters::cluster::watched;
use crate::keys::open_keys;
use crate::settings::{
    ApiOptions, AuthOptions, NatsOptions, NodeOptions, PeerOptions, StoreKind, TermOptions,
    TlsOptions, WebhookOptions,
};

/// A running node.
#[derive(Debug)]
pub struct Node {
    /// Where people, machines and other nodes reach it.
    pub api: SocketAddr,
    /// Whether the API is served over TLS.
    pub api_tls: bool,
    /// Where clusters send what they have; none when no service of the node takes anything.
    pub webhook: Option<SocketAddr>,
    /// The certificate that clusters and clients have to trust, as PEM.
    pub ca_pem: String,
    /// The folder of everything durable.
    pub data_dir: PathBuf,
    /// Whether its services are ready.
    pub health: Health,
    listeners: JoinSet<()>,
    services: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop_listening: CancellationToken,
    stop_services: CancellationToken,
    adapters: Adapters,
    drain: Duration,
}

/// Whether a node could be assembled, as far as that shows without starting one: what settings say, and what stands in the
/// files of terms, clients and feeds that they name.
pub fn check(services: &[ServiceEntry], settings: &Settings) -> anyhow::Result<()> {
    settings.section::<WebhookOptions>("webhook")?.client_certificates()?;
    watched(&settings.section("live")?)?;
    let terms = settings.section::<TermOptions>("terms")?.files()?;
    for entry in services {
        entry.check(settings.section(entry.name)?, &terms)?;
    }
    Ok(())
}

/// Builds a node from the list of its services and the settings, and starts it.
pub async fn assemble(services: &[ServiceEntry], settings: &Settings) -> anyhow::Result<Node> {
    let options: NodeOptions = settings.section("node")?;
    let api: ApiOptions = settings.section("api")?;
    let webhook: WebhookOptions = settings.section("webhook")?;
    let auth: AuthOptions = settings.section("auth")?;
    let nats: NatsOptions = settings.section("nats")?;
    create_private_folder(&options.data_dir)?;
    let security = Security::open(settings, &options, &webhook)?;
    let keys = Arc::new(open_keys(&options.data_dir, auth.keys_file.as_ref())?);
    let metrics = Metrics::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let adapters = Adapters::open(&options, &nats, Arc::clone(&clock)).await?;
    let mut deps = deps(&options, &adapters, clock, keys, security.peers, metrics);
    deps.live = watched(&settings.section("live")?)?;
    deps.terms = settings.section::<TermOptions>("terms")?.files()?;

    let mut mounts = Mounts::default();
    let mut built = Vec::new();
    for entry in services {
        let section: serde_json::Value = settings.section(entry.name)?;
        built.push(entry.build(section, deps.clone(), &mut mounts).await?);
    }
    let limits =
        ListenerLimits { drain: options.drain_timeout.as_duration(), ..Default::default() };
    let api_tls = if api.tls { Some(security.identity.server()?) } else { None };
    let api_listener = Listener::bind(api.listen, api_tls, limits).await?;
    let webhook_listener = if mounts.has_webhooks() {
        Some(webhook_listener(&webhook, &security.identity, limits).await?)
    } else {
        None
    };

    let mut node = Node {
        api: api_listener.address(),
        api_tls: api.tls,
        webhook: webhook_listener.as_ref().map(Listener::address),
        ca_pem: security.identity.ca_pem,
        data_dir: options.data_dir.clone(),
        health: deps.health.clone(),
        listeners: JoinSet::new(),
        services: JoinSet::new(),
        stop_listening: deps.draining.clone(),
        stop_services: CancellationToken::new(),
        adapters,
        drain: options.drain_timeout.as_duration(),
    };
    let router = mounts.api_router(&deps, open_grpc(&mounts).await?);
    node.listeners.spawn(api_listener.serve(router, node.stop_listening.clone()));
    if let Some(listener) = webhook_listener {
        let router = mounts.webhook_router();
        node.listeners.spawn(listener.serve(router, node.stop_listening.clone()));
    }
    node.tell_addresses()?;
    node.start(built, &deps);
    node.adapters.start_housekeeping(&options, Arc::clone(&deps.clock));
    Ok(node)
}

/// The listener of what clusters send, which knows them by their certificates where the settings say so.
async fn webhook_listener(
    options: &WebhookOptions,
    identity: &Identity,
    limits: ListenerLimits,
) -> anyhow::Result<Listener> {
    let Some(clients) = options.client_certificates()? else {
        return Listener::bind(options.listen, Some(identity.server()?), limits).await;
    };
    let tls = identity.server_for(&clients)?;
    let listener = Listener::bind(options.listen, Some(tls), limits).await?;
    Ok(listener.knowing(Arc::new(clients)))
}

/// The node's certificates and its channels to other nodes.
struct Security {
    identity: Identity,
    peers: Peers,
}

impl Security {
    fn open(
        settings: &Settings,
        options: &NodeOptions,
        webhook: &WebhookOptions,
    ) -> anyhow::Result<Self> {
        let tls: TlsOptions = settings.section("tls")?;
        let peers: PeerOptions = settings.section("peers")?;
        let folder = tls.folder.clone().unwrap_or_else(|| options.data_dir.join("tls"));
        let (identity, client) = match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => (Identity::from_files(certificate, key)?, None),
            (None, None) => {
                let advertised: Vec<String> =
                    webhook.advertise.iter().map(|address| host_of(address).to_owned()).collect();
                let names = server_names(webhook.listen.ip(), &advertised);
                let identity = Identity::own(&folder, &names)?;
                let client = identity.peer_client(&folder)?;
                (identity, Some(client))
            }
            _ => anyhow::bail!("`tls.certificate` and `tls.key` go together: give both or none"),
        };
        let peers = Peers::new(&peers.addresses(), client.as_ref(), PeerLimits::default())?;
        Ok(Self { identity, peers })
    }
}

/// The host of `HOST` or `HOST:PORT`, with brackets around an IPv6 address taken off.
fn host_of(address: &str) -> &str {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match address.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') => host,
        _ => address,
    }
}

fn deps(
    options: &NodeOptions,
    adapters: &Adapters,
    clock: Arc<dyn Clock>,
    keys: Arc<KeyRing>,
    peers: Peers,
    metrics: Metrics,
) -> Deps {
    Deps {
        log: Arc::clone(&adapters.log),
        queue: Arc::clone(&adapters.queue),
        live: None,
        terms: TermFilesOfTenants::default(),
        store: Arc::clone(&adapters.store),
        data_dir: (options.store != StoreKind::Memory).then(|| options.data_dir.clone()),
        clock,
        partitioner: Partitioner::new(options.partitions),
        keys,
        peers,
        metrics,
        health: Health::default(),
        draining: CancellationToken::new(),
    }
}

/// Health and reflection answer everybody.
async fn open_grpc(mounts: &Mounts) -> anyhow::Result<Routes> {
    let (reporter, health) = tonic_health::server::health_reporter();
    for name in mounts.grpc_names() {
        reporter.set_service_status(*name, tonic_health::ServingStatus::Serving).await;
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(airside_wire::FILE_DESCRIPTOR_SET)
        .build_v1()
        .context("the descriptors of the API cannot be served")?;
    Ok(Routes::new(health).add_service(reflection))
}

impl Node {
    fn start(&mut self, services: Vec<BuiltService>, deps: &Deps) {
        for service in services {
            let context = ServiceContext {
                shutdown: self.stop_services.clone(),
                ready: deps.health.register(service.name),
            };
            let name = service.name;
            self.services.spawn(async move { (name, service.run(context).await) });
        }
    }

    /// Writes where the node listens to `DATA_DIR/addresses.json`, for scripts that let it choose its ports.
    fn tell_addresses(&self) -> anyhow::Result<()> {
        let addresses = serde_json::json!({
            "api": self.api_url(),
            "webhook": self.webhook.map(|address| format!("https://{address}")),
        });
        let path = self.data_dir.join("addresses.json");
        Ok(write_private(&path, &format!("{addresses}\n"))?)
    }

    /// The address of the API as a URL.
    pub fn api_url(&self) -> String {
        format!("{}://{}", if self.api_tls { "https" } else { "http" }, self.api)
    }

    /// Waits until a service ends, which none does unless it failed or was stopped, or a store fails: the node would refuse
    /// everything from then on.
    pub async fn failed(&mut self) -> anyhow::Error {
        let ended = tokio::select! {
            ended = self.services.join_next() => ended,
            error = self.adapters.failed() => return error,
        };
        match ended {
            Some(Ok((name, Err(error)))) => error.context(format!("service `{name}` failed")),
            Some(Ok((name, Ok(())))) => anyhow::anyhow!("service `{name}` ended by itself"),
            Some(Err(error)) => anyhow::Error::new(error).context("a service panicked"),
            None => std::future::pending().await,
        }
    }

    /// Stops the node: first nothing new is taken, then what was taken is finished, then the adapters are
    /// closed. Everything is bounded by the drain time-out.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let grace = self.drain.saturating_add(Duration::from_secs(2));
        self.stop_listening.cancel();
        while self.listeners.join_next().await.is_some() {}
        self.stop_services.cancel();
        let mut failure = None;
        let drained = tokio::time::timeout(grace, async {
            while let Some(ended) = self.services.join_next().await {
                match ended {
                    Ok((_, Ok(()))) => {}
                    Ok((name, Err(error))) => {
                        failure = Some(error.context(format!("service `{name}` failed")));
                    }
                    Err(error) => failure = Some(anyhow::Error::new(error)),
                }
            }
        });
        if drained.await.is_err() {
            tracing::warn!("services were cut off after the drain time-out");
            self.services.shutdown().await;
        }
        self.adapters.close().await;
        failure.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_what_a_certificate_names() {
        for (address, host) in [
            ("airside.example", "airside.example"),
            ("airside.example:7643", "airside.example"),
            ("10.0.0.5:7643", "10.0.0.5"),
            ("[fd00::1]:7643", "fd00::1"),
            ("fd00::1", "fd00::1"),
        ] {
            assert_eq!(host_of(address), host);
        }
    }
}
