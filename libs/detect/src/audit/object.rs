//! The parts of response bodies that links and facts are made of. Everything else in a body is skipped
//! without being kept.

use std::borrow::Cow;

use serde::Deserialize;

use crate::json::{Cursor, RawJson};

/// An object's metadata.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ObjectMeta<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) namespace: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) uid: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) creation_timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) deletion_timestamp: Option<Cow<'a, str>>,
    pub(super) deletion_grace_period_seconds: Option<i64>,
    #[serde(borrow)]
    pub(super) owner_references: Vec<OwnerReference<'a>>,
}

/// An owner of an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OwnerReference<'a> {
    #[serde(borrow)]
    pub(super) api_version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) uid: Cow<'a, str>,
    pub(super) controller: bool,
}

impl<'a> ObjectMeta<'a> {
    /// The metadata of an object in a body, if it is one. Nothing else of the body is read.
    pub(super) fn of(body: RawJson<'a>) -> Option<Self> {
        let mut cursor = Cursor::new(body.get());
        if !body.is_whole() || !cursor.object() {
            return None;
        }
        while let Some(key) = cursor.key() {
            if key == "metadata" {
                return serde_json::from_str(cursor.raw()?.get()).ok();
            }
            cursor.skip();
        }
        None
    }
}

/// A pod, as far as facts go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod<'a> {
    #[serde(borrow)]
    pub(super) metadata: ObjectMeta<'a>,
    #[serde(borrow)]
    pub(super) spec: PodFields<'a>,
    #[serde(borrow)]
    pub(super) status: PodStatus<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodFields<'a> {
    #[serde(borrow)]
    pub(super) service_account_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) node_name: Cow<'a, str>,
    pub(super) host_network: bool,
    #[serde(borrow)]
    pub(super) containers: Vec<ContainerFields<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerFields<'a> {
    #[serde(borrow)]
    pub(super) image: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodStatus<'a> {
    #[serde(borrow, rename = "podIP")]
    pub(super) pod_ip: Cow<'a, str>,
    #[serde(borrow, rename = "podIPs")]
    pub(super) pod_ips: Vec<PodIp<'a>>,
    #[serde(borrow)]
    pub(super) start_time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) container_statuses: Vec<ContainerStatus<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodIp<'a> {
    #[serde(borrow)]
    pub(super) ip: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) image: Cow<'a, str>,
    #[serde(borrow, rename = "imageID")]
    pub(super) image_id: Cow<'a, str>,
    #[serde(borrow, rename = "containerID")]
    pub(super) container_id: Cow<'a, str>,
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Binding<'a> {
    #[serde(borrow)]
    pub(super) metadata: ObjectMeta<'a>,
    #[serde(borrow)]
    pub(super) role_ref: RoleRef<'a>,
    #[serde(borrow)]
    pub(super) subjects: Vec<Subject<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RoleRef<'a> {
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
}

/// Whom a binding gives its role.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subject<'a> {
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) namespace: Cow<'a, str>,
}

/// Any other object with metadata; `Status` answers of deletions name theirs in `details`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    pub(super) metadata: ObjectMeta<'a>,
    #[serde(borrow)]
    pub(super) details: Option<Details<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details<'a> {
    #[serde(borrow)]
    pub(super) uid: Cow<'a, str>,
}
