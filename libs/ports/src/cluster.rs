//! The cluster port: the objects of a live cluster, as a list and as a stream of changes.
//!
//! An adapter never hands out the value of a Secret. It lists a kind before it tells of the kind's changes,
//! and lists anew whenever changes may have been missed: a reader that applies what it is told in order has
//! what the API server has.

use std::error::Error;
use std::fmt::{self, Debug};

use airside_k8s::Value;
use async_trait::async_trait;

/// A kind of objects, in the version in which the API server is asked for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group.as_str() {
            "" => write!(f, "{} ({})", self.kind, self.version),
            group => write!(f, "{} ({group}/{})", self.kind, self.version),
        }
    }
}

/// What one list covers: a kind, in all namespaces or in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListScope {
    /// The kind.
    pub kind: ObjectKind,
    /// The namespace; none for all, and for kinds that have none.
    pub namespace: Option<String>,
}

impl fmt::Display for ListScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} in {namespace}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

/// A part of a cluster that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unlisted {
    /// What was asked for.
    pub scope: ListScope,
    /// What the API server said.
    pub reason: String,
    /// Whether it understood and said no, as it does where a role does not allow it.
    pub is_refused: bool,
}

/// The objects of a cluster at one time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClusterSnapshot {
    /// The objects, each with `apiVersion` and `kind`, in the order of kinds, namespaces and names.
    pub objects: Vec<Value>,
    /// What was listed as a whole.
    pub listed: Vec<ListScope>,
    /// What could not be listed.
    pub unlisted: Vec<Unlisted>,
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub enum ClusterChange {
    /// All objects of a scope as they are now: what else was known of it is gone.
    Listed {
        /// What was listed.
        scope: ListScope,
        /// Its objects, each with `apiVersion` and `kind`.
        objects: Vec<Value>,
    },
    /// An object is new, or is different from before.
    Changed(Value),
    /// An object is gone; this is what it was.
    Removed(Value),
    /// A scope cannot be read, or no longer be followed. What is known of it stays; the adapter goes on trying.
    Unlisted(Unlisted),
    /// Every scope was listed, or found not to be readable. Told once.
    Complete,
}

/// Why a cluster cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no usable way to it.
    #[error("the cluster is not known: {reason}")]
    Unknown {
        /// What is wrong with the kubeconfig, and what to do.
        reason: String,
    },
    /// The API server cannot be reached, or does not say what it serves; trying again may help.
    #[error("the API server at {server} did not say what it serves")]
    Unreachable {
        /// Its address.
        server: String,
        /// What the adapter said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The API server does not tell its metrics: it cannot be reached, or a role does not allow it.
    #[error(
        "the API server at {server} does not tell its metrics: {reason}; allow `get` of the \
         nonResourceURL `/metrics`"
    )]
    NoMetrics {
        /// Its address.
        server: String,
        /// What was said.
        reason: String,
    },
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels as the API server writes them, such as `{plugin="webhook"}`; empty without any.
    pub labels: String,
    /// The value.
    pub value: f64,
}

/// A live cluster.
#[async_trait]
pub trait ClusterFeed: Debug + Send + Sync + 'static {
    /// Lists all objects once: those of the kinds in `versions` in that version where it is served, the others in
    /// the version that the API server prefers.
    async fn snapshot(&self, versions: &[ObjectKind]) -> Result<ClusterSnapshot, ClusterError>;

    /// Lists all objects in the versions that the API server prefers, and tells of changes from then on. Dropping
    /// the watch ends it.
    async fn watch(&self) -> Result<Box<dyn ClusterWatch>, ClusterError>;

    /// What the API server counts of itself under some names. Which one of several API servers answers is chance; its
    /// `process_start_time_seconds` tells them apart.
    async fn metrics(&self, names: &[&str]) -> Result<Vec<Sample>, ClusterError>;
}

/// Follows a cluster.
#[async_trait]
pub trait ClusterWatch: Send {
    /// The next change. Waits for it; none when the watch has ended and another one has to be opened. Dropping
    /// the future loses nothing.
    async fn next(&mut self) -> Option<ClusterChange>;
}
