//! The live cluster, through a kubeconfig.

use std::path::PathBuf;
use std::sync::Arc;

use airside_cluster::{ClusterOptions, KubeCluster};
use airside_ports::ClusterFeed;
use airside_service::LiveCluster;
use airside_types::{Cluster, Tenant};
use anyhow::Context;

use crate::settings::LiveOptions;

/// A cluster to read. Nothing is connected before it is read.
///
/// Without a `kubeconfig` it is what `KUBECONFIG` names, `~/.kube/config`, or the service account of the pod; without
/// a `context` the current one; without `namespaces` the whole cluster.
pub fn live_cluster(
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    namespaces: Vec<String>,
) -> Arc<dyn ClusterFeed> {
    Arc::new(KubeCluster::new(ClusterOptions { kubeconfig, context, namespaces }))
}

/// The cluster that the settings name to be watched.
pub(crate) fn watched(options: &LiveOptions) -> anyhow::Result<Option<LiveCluster>> {
    if !options.watch {
        return Ok(None);
    }
    let LiveOptions { kubeconfig, context, namespaces, .. } = options.clone();
    Ok(Some(LiveCluster {
        tenant: Tenant::new(&options.tenant).context("`live.tenant` is not usable")?,
        cluster: Cluster::new(&options.cluster).context("`live.cluster` is not usable")?,
        feed: live_cluster(kubeconfig, context, namespaces),
    }))
}
