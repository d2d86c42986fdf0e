//! The way to a cluster: a kubeconfig, or the service account of the pod that this runs in.

use std::path::PathBuf;
use std::time::Duration;

use airside_ports::ClusterError;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

/// Which cluster, and how much of it.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// The kubeconfig. Without one: what `KUBECONFIG` names, `~/.kube/config`, or the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; none for its current one.
    pub context: Option<String>,
    /// The namespaces to read; none for the whole cluster. With some, what lies in no namespace is not read.
    pub namespaces: Vec<String>,
}

/// A client, and where it leads to.
pub(crate) struct Connection {
    pub(crate) client: kube::Client,
    pub(crate) server: String,
}

/// Reads the configuration. Nothing is sent yet. An answer may pause for `read_timeout`; for watches there is
/// none, since they know how long nothing may happen.
pub(crate) async fn connect(
    options: &ClusterOptions,
    read_timeout: Option<Duration>,
) -> Result<Connection, ClusterError> {
    let mut config = config(options).await?;
    config.read_timeout = read_timeout;
    // It goes on for minutes where an aggregated API is down; lists and watches have their own.
    config.default_retry = false;
    let server = config.cluster_url.to_string();
    if config.accept_invalid_certs {
        tracing::warn!(server, "the kubeconfig says not to verify the API server's certificate");
    }
    let client = kube::Client::try_from(config)
        .map_err(|error| unknown(&format!("{error}; correct its certificates and proxy")))?;
    Ok(Connection { client, server })
}

async fn config(options: &ClusterOptions) -> Result<Config, ClusterError> {
    let choice = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let file = match &options.kubeconfig {
        Some(path) => Some(Kubeconfig::read_from(path).map_err(|error| unknown(&error))?),
        None if options.context.is_some() => {
            Some(Kubeconfig::read().map_err(|error| unknown(&error))?)
        }
        None => None,
    };
    match file {
        Some(file) => {
            Config::from_custom_kubeconfig(file, &choice).await.map_err(|error| unknown(&error))
        }
        None => Config::infer().await.map_err(|error| {
            unknown(&format!("{error}; name a kubeconfig, or run in a pod with a service account"))
        }),
    }
}

fn unknown(reason: &dyn std::fmt::Display) -> ClusterError {
    ClusterError::Unknown { reason: reason.to_string() }
}
