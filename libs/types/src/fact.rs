//! Facts: what is known about entities over an interval.

use std::fmt;
use std::str::FromStr;

use crate::entity::Entity;
use crate::id::Id;
use crate::tenancy::{Cluster, Tenant};
use crate::time::Timestamp;

/// How the subject of a fact relates to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The subject exists under this name and uid (subject and object are the same entity).
    Exists,
    /// The subject is owned by the object: pod by ReplicaSet, ReplicaSet by Deployment.
    OwnedBy,
    /// The pod runs on the node.
    RunsOn,
    /// The pod or workload runs as the service account.
    RunsAs,
    /// The pod or node has the address.
    HasAddress,
    /// The container belongs to the pod.
    PartOf,
    /// The pod or container runs the image.
    RunsImage,
    /// The credential was issued for the service account or pod.
    IssuedFor,
    /// The credential was issued to the user or service account that asked for it.
    IssuedTo,
    /// The actor's right was granted by the role or binding.
    GrantedBy,
    /// The object was made by the user or service account, not by a controller for another object.
    CreatedBy,
    /// The object was changed by the user or service account: told once a day for each.
    ChangedBy,
    /// The object was deleted by the user or service account.
    DeletedBy,
    /// The binding allowed a request of the user or service account: told once a day for each.
    UsedBy,
}

impl Relation {
    /// All relations.
    pub const ALL: [Self; 14] = [
        Self::Exists,
        Self::OwnedBy,
        Self::RunsOn,
        Self::RunsAs,
        Self::HasAddress,
        Self::PartOf,
        Self::RunsImage,
        Self::IssuedFor,
        Self::IssuedTo,
        Self::GrantedBy,
        Self::CreatedBy,
        Self::ChangedBy,
        Self::DeletedBy,
        Self::UsedBy,
    ];

    /// The relation's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::OwnedBy => "owned-by",
            Self::RunsOn => "runs-on",
            Self::RunsAs => "runs-as",
            Self::HasAddress => "has-address",
            Self::PartOf => "part-of",
            Self::RunsImage => "runs-image",
            Self::IssuedFor => "issued-for",
            Self::IssuedTo => "issued-to",
            Self::GrantedBy => "granted-by",
            Self::CreatedBy => "created-by",
            Self::ChangedBy => "changed-by",
            Self::DeletedBy => "deleted-by",
            Self::UsedBy => "used-by",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no relation between entities")]
pub struct UnknownRelation(pub String);

impl FromStr for Relation {
    type Err = UnknownRelation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|relation| relation.as_str() == text)
            .ok_or_else(|| UnknownRelation(text.chars().take(40).collect()))
    }
}

/// Subject, relation and object, valid from a moment on and perhaps until another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact {
    /// What the fact is about.
    pub subject: Entity,
    /// How subject and object relate.
    pub relation: Relation,
    /// The other entity.
    pub object: Entity,
    /// The first moment at which it was seen to hold.
    pub from: Timestamp,
    /// The moment from which it no longer held, where known.
    pub until: Option<Timestamp>,
}

impl Fact {
    /// The fact's id: the same fact seen again, at whatever time, is the same fact only if it starts at
    /// the same moment.
    pub fn id(&self, tenant: &Tenant, cluster: &Cluster) -> Id {
        let id = Id::builder("fact").text(tenant.as_str()).text(cluster.as_str());
        let id = self.subject.identify(id).text(self.relation.as_str());
        self.object
            .identify(id)
            .number(self.from.as_nanos())
            .number(self.until.map_or(i64::MAX, Timestamp::as_nanos))
            .finish()
    }
}
