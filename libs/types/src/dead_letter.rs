//! Dead letters: input that could not be understood or applied, kept with the reason.

use crate::id::Id;
use crate::redact::redact;
use crate::tenancy::{Cluster, Tenant};
use crate::time::Timestamp;

/// The longest excerpt of an input, in characters.
pub const MAX_EXCERPT_CHARS: usize = 1024;

/// An input that was set aside. It is counted, kept and shown; never silently dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whose input it was; none where that could not be told.
    pub tenant: Option<Tenant>,
    /// The cluster that it was about; none where that could not be told.
    pub cluster: Option<Cluster>,
    /// The service or stream that set it aside.
    pub origin: String,
    /// Why.
    pub reason: String,
    /// When it was set aside.
    pub time: Timestamp,
    /// The digest of the whole input.
    pub digest: Id,
    /// The size of the whole input in bytes.
    pub bytes: u64,
    /// The beginning of the input as text, with what looks like a credential hidden.
    pub excerpt: String,
}

impl DeadLetter {
    /// Sets an input aside.
    pub fn new(origin: &str, reason: &str, input: &[u8], time: Timestamp) -> Self {
        let text: String = String::from_utf8_lossy(input).chars().take(MAX_EXCERPT_CHARS).collect();
        Self {
            tenant: None,
            cluster: None,
            origin: origin.to_owned(),
            reason: reason.chars().take(MAX_EXCERPT_CHARS).collect(),
            time,
            digest: Id::builder("dead-letter").bytes(input).finish(),
            bytes: input.len() as u64,
            excerpt: redact(&text),
        }
    }

    /// The same letter with the tenant and cluster whose input it was.
    #[must_use]
    pub fn of(self, tenant: &Tenant, cluster: &Cluster) -> Self {
        Self { tenant: Some(tenant.clone()), cluster: Some(cluster.clone()), ..self }
    }
}
