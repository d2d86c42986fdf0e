//! Boarding passes: the proof that a configuration went through the check-in.
//!
//! A pass leads a live object back to the manifest line that it came from, and tells an authorised
//! configuration from a drifted one. It holds digests of the scanned values, never the values.

use crate::detection::UnknownName;
use crate::entity::ObjectRef;
use crate::field_path::FieldPath;
use crate::id::Id;
use crate::place::Place;
use crate::tenancy::{Cluster, Tenant};

/// Whether the object passed its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PassVerdict {
    /// No check failed but those that are mere advice (severity info).
    Clean,
    /// Checks failed below the failing severity.
    Flagged,
    /// A check of the failing severity failed.
    Failed,
}

impl PassVerdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::Clean, Self::Flagged, Self::Failed];

    /// The verdict's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Flagged => "flagged",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for PassVerdict {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| UnknownName::new("verdict of a boarding pass", text))
    }
}

/// The digest of one scanned value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldDigest {
    /// The field.
    pub field: FieldPath,
    /// The first 64 bits of the BLAKE3 hash of its normalised value.
    pub digest: u64,
}

/// The proof that an object, as scanned, went through the check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardingPass {
    /// The object, by name.
    pub object: ObjectRef,
    /// The digest of its whole normalised content.
    pub digest: Id,
    /// Where it came from.
    pub place: Place,
    /// The template that rendered it, from Helm's `# Source:` comment, where there is one.
    pub template: Option<String>,
    /// Whether it passed.
    pub verdict: PassVerdict,
    /// The fingerprints of its open findings.
    pub findings: Vec<Id>,
    /// The digest of each scanned leaf value, in the order of the fields.
    pub fields: Vec<FieldDigest>,
}

impl BoardingPass {
    /// The pass's id: the same content of the same object from the same file has the same pass.
    pub fn id(&self, tenant: &Tenant, cluster: &Cluster) -> Id {
        Id::builder("boarding-pass")
            .text(tenant.as_str())
            .text(cluster.as_str())
            .id(crate::entity::Entity::Object(self.object.without_uid()).key().id())
            .text(&self.place.path)
            .id(self.digest)
            .finish()
    }
}
