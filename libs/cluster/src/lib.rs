//! The cluster port over the Kubernetes API.
//!
//! Owns the way to a cluster (`connect`: a kubeconfig, or the service account of the pod), which
//! kinds are read (`kinds`), and reading them: paged lists, then watches that go on where they broke off and
//! list anew where they cannot (`objects`, `watch`); and what the API server counts of itself (`metrics`). The values of Secrets are not asked for. What the objects
//! mean is `airside-k8s`'.

mod connect;
mod kinds;
mod metrics;
mod objects;
mod watch;

use std::fmt;
use std::time::Duration;

use airside_ports::{ClusterError, ClusterFeed, ClusterSnapshot, ClusterWatch, ObjectKind, Sample};
use async_trait::async_trait;

pub use connect::ClusterOptions;

/// How long a page of a list may make one wait.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A cluster that is reached as a kubeconfig says. Nothing is connected before it is read.
pub struct KubeCluster {
    options: ClusterOptions,
}

impl fmt::Debug for KubeCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubeCluster").field("options", &self.options).finish()
    }
}

impl KubeCluster {
    /// The cluster of these options.
    pub const fn new(options: ClusterOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl ClusterFeed for KubeCluster {
    async fn snapshot(&self, versions: &[ObjectKind]) -> Result<ClusterSnapshot, ClusterError> {
        let connection = connect::connect(&self.options, Some(READ_TIMEOUT)).await?;
        let sources = kinds::sources(&connection, versions, &self.options.namespaces).await?;
        Ok(objects::snapshot(&connection.client, sources).await)
    }

    async fn watch(&self) -> Result<Box<dyn ClusterWatch>, ClusterError> {
        let connection = connect::connect(&self.options, None).await?;
        let sources = kinds::sources(&connection, &[], &self.options.namespaces).await?;
        Ok(Box::new(watch::KubeWatch::start(&connection.client, sources)))
    }

    async fn metrics(&self, names: &[&str]) -> Result<Vec<Sample>, ClusterError> {
        let connection = connect::connect(&self.options, Some(READ_TIMEOUT)).await?;
        metrics::samples(&connection, names).await
    }
}
