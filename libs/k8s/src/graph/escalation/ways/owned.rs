//! The words of a way with names of their own, so that they outlive the objects that they come from.

use super::super::clouds::{Cloud, CloudIdentity};
use super::super::{Reach, Standing};
use crate::rbac::Bearer;

/// A standing that owns its names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owned {
    Bearer(Who),
    AccountsOf(Where),
    PodsOf(Where),
    LogsOf(Where),
    Nodes,
    ControlPlane,
    Administrator,
    Cloud(Cloud, Box<str>),
}

/// A service account: namespace and name.
pub(super) type Account = (Option<Box<str>>, Box<str>);

/// A bearer that owns its name, in the order of [`Bearer`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A user.
    User(Box<str>),
    /// Everybody of a group.
    Group(Box<str>),
    /// A service account: namespace and name.
    Account(Option<Box<str>>, Box<str>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Where {
    Cluster,
    Namespace(Option<Box<str>>),
}

pub(super) fn key_of(namespace: Option<&str>, name: &str) -> Account {
    (namespace.map(Box::from), Box::from(name))
}

impl Who {
    /// A bearer, with names of its own.
    pub fn of(bearer: Bearer<'_>) -> Self {
        match bearer {
            Bearer::User(name) => Self::User(name.into()),
            Bearer::Group(name) => Self::Group(name.into()),
            Bearer::ServiceAccount(namespace, name) => {
                Self::Account(namespace.map(Box::from), name.into())
            }
        }
    }

    /// The bearer, its names borrowed.
    pub fn seen(&self) -> Bearer<'_> {
        match self {
            Self::User(name) => Bearer::User(name),
            Self::Group(name) => Bearer::Group(name),
            Self::Account(namespace, name) => Bearer::ServiceAccount(namespace.as_deref(), name),
        }
    }
}

impl Where {
    pub(super) fn of(reach: Reach<'_>) -> Self {
        match reach {
            Reach::Cluster => Self::Cluster,
            Reach::Namespace(namespace) => Self::Namespace(namespace.map(Box::from)),
        }
    }

    pub(super) fn seen(&self) -> Reach<'_> {
        match self {
            Self::Cluster => Reach::Cluster,
            Self::Namespace(namespace) => Reach::Namespace(namespace.as_deref()),
        }
    }
}

impl Owned {
    pub(super) fn of(standing: &Standing<'_>) -> Self {
        match standing {
            Standing::Bearer(bearer) => Self::Bearer(Who::of(*bearer)),
            Standing::AccountsOf(reach) => Self::AccountsOf(Where::of(*reach)),
            Standing::PodsOf(reach) => Self::PodsOf(Where::of(*reach)),
            Standing::LogsOf(reach) => Self::LogsOf(Where::of(*reach)),
            Standing::Nodes => Self::Nodes,
            Standing::ControlPlane => Self::ControlPlane,
            Standing::Administrator => Self::Administrator,
            Standing::Cloud(identity) => Self::Cloud(identity.cloud, identity.name.into()),
        }
    }

    pub(super) fn seen(&self) -> Standing<'_> {
        match self {
            Self::Bearer(who) => Standing::Bearer(who.seen()),
            Self::AccountsOf(place) => Standing::AccountsOf(place.seen()),
            Self::PodsOf(place) => Standing::PodsOf(place.seen()),
            Self::LogsOf(place) => Standing::LogsOf(place.seen()),
            Self::Nodes => Standing::Nodes,
            Self::ControlPlane => Standing::ControlPlane,
            Self::Administrator => Standing::Administrator,
            Self::Cloud(cloud, name) => Standing::Cloud(CloudIdentity { cloud: *cloud, name }),
        }
    }
}
