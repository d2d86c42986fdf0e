//! The parts of response bodies that links and facts are made of, read where they stand. Everything else in a body is
//! stepped over.
//!
//! What is missing, `null` or of another type is empty. A body that is cut or no JSON shows nothing.

use std::borrow::Cow;

use crate::json::{Cursor, RawJson};

/// An object's metadata.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ObjectMeta<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) namespace: Cow<'a, str>,
    pub(super) uid: Cow<'a, str>,
    pub(super) creation_timestamp: Cow<'a, str>,
    pub(super) deletion_timestamp: Cow<'a, str>,
    pub(super) deletion_grace_period_seconds: Option<i64>,
    pub(super) owner_references: Vec<OwnerReference<'a>>,
}

/// An owner of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OwnerReference<'a> {
    pub(super) api_version: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) uid: Cow<'a, str>,
    pub(super) controller: bool,
}

/// A pod, as far as facts go.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pod<'a> {
    pub(super) metadata: ObjectMeta<'a>,
    pub(super) service_account_name: Cow<'a, str>,
    pub(super) node_name: Cow<'a, str>,
    pub(super) host_network: bool,
    /// The images of its main containers.
    pub(super) images: Vec<Cow<'a, str>>,
    /// Its addresses, of which the first may come twice.
    pub(super) ips: Vec<Cow<'a, str>>,
    pub(super) start_time: Cow<'a, str>,
    pub(super) container_statuses: Vec<ContainerStatus<'a>>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct ContainerStatus<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) image: Cow<'a, str>,
    pub(super) image_id: Cow<'a, str>,
    pub(super) container_id: Cow<'a, str>,
}

/// A node, as far as facts go.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Node<'a> {
    pub(super) metadata: ObjectMeta<'a>,
    pub(super) addresses: Vec<Cow<'a, str>>,
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Binding<'a> {
    pub(super) metadata: ObjectMeta<'a>,
    pub(super) role_kind: Cow<'a, str>,
    pub(super) role_name: Cow<'a, str>,
    pub(super) subjects: Vec<Subject<'a>>,
}

/// Whom a binding gives its role.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Subject<'a> {
    pub(super) kind: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) namespace: Cow<'a, str>,
}

/// The answer to a deletion: the object, or a `Status` that names it in `details`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Deleted<'a> {
    pub(super) metadata: ObjectMeta<'a>,
    /// The uid of `details`.
    pub(super) uid: Option<Cow<'a, str>>,
}

impl<'a> ObjectMeta<'a> {
    /// The metadata of an object in a body, if it is one. Nothing behind it is looked at.
    pub(super) fn of(body: RawJson<'a>) -> Option<Self> {
        let mut cursor = Cursor::new(body.get());
        if !body.is_whole() || !cursor.object() {
            return None;
        }
        while let Some(key) = cursor.key() {
            if key == "metadata" && cursor.peek() == Some(b'{') {
                let meta = Self::read(&mut cursor);
                return cursor.broken().is_none().then_some(meta);
            }
            cursor.skip();
        }
        None
    }

    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut meta = Self::default();
        fields(cursor, |key, cursor| match key {
            "name" => meta.name = cursor.text(),
            "namespace" => meta.namespace = cursor.text(),
            "uid" => meta.uid = cursor.text(),
            "creationTimestamp" => meta.creation_timestamp = cursor.text(),
            "deletionTimestamp" => meta.deletion_timestamp = cursor.text(),
            "deletionGracePeriodSeconds" => {
                meta.deletion_grace_period_seconds = cursor.text().parse().ok();
            }
            "ownerReferences" => meta.owner_references = elements(cursor, OwnerReference::read),
            _ => cursor.skip(),
        });
        meta
    }
}

impl<'a> OwnerReference<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut owner = Self::default();
        fields(cursor, |key, cursor| match key {
            "apiVersion" => owner.api_version = cursor.text(),
            "kind" => owner.kind = cursor.text(),
            "name" => owner.name = cursor.text(),
            "uid" => owner.uid = cursor.text(),
            "controller" => owner.controller = cursor.text() == "true",
            _ => cursor.skip(),
        });
        owner
    }
}

impl<'a> Pod<'a> {
    /// The pod of a body.
    pub(super) fn of(body: RawJson<'a>) -> Option<Self> {
        let mut pod = Self::default();
        whole(body, |key, cursor| match key {
            "metadata" => pod.metadata = ObjectMeta::read(cursor),
            "spec" => fields(cursor, |key, cursor| match key {
                "serviceAccountName" => pod.service_account_name = cursor.text(),
                "nodeName" => pod.node_name = cursor.text(),
                "hostNetwork" => pod.host_network = cursor.text() == "true",
                "containers" => pod.images = elements(cursor, |cursor| text_of(cursor, "image")),
                _ => cursor.skip(),
            }),
            "status" => fields(cursor, |key, cursor| match key {
                "podIP" => pod.ips.insert(0, cursor.text()),
                "podIPs" => pod.ips.extend(elements(cursor, |cursor| text_of(cursor, "ip"))),
                "startTime" => pod.start_time = cursor.text(),
                "containerStatuses" => {
                    pod.container_statuses = elements(cursor, ContainerStatus::read);
                }
                _ => cursor.skip(),
            }),
            _ => cursor.skip(),
        })?;
        Some(pod)
    }
}

impl<'a> ContainerStatus<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut status = Self::default();
        fields(cursor, |key, cursor| match key {
            "name" => status.name = cursor.text(),
            "image" => status.image = cursor.text(),
            "imageID" => status.image_id = cursor.text(),
            "containerID" => status.container_id = cursor.text(),
            _ => cursor.skip(),
        });
        status
    }
}

impl<'a> Node<'a> {
    /// The node of a body.
    pub(super) fn of(body: RawJson<'a>) -> Option<Self> {
        let mut node = Self::default();
        whole(body, |key, cursor| match key {
            "metadata" => node.metadata = ObjectMeta::read(cursor),
            "status" => fields(cursor, |key, cursor| match key {
                "addresses" => {
                    node.addresses = elements(cursor, |cursor| text_of(cursor, "address"));
                }
                _ => cursor.skip(),
            }),
            _ => cursor.skip(),
        })?;
        Some(node)
    }
}

impl<'a> Binding<'a> {
    /// The binding of a body.
    pub(super) fn of(body: RawJson<'a>) -> Option<Self> {
        let mut binding = Self::default();
        whole(body, |key, cursor| match key {
            "metadata" => binding.metadata = ObjectMeta::read(cursor),
            "roleRef" => fields(cursor, |key, cursor| match key {
                "kind" => binding.role_kind = cursor.text(),
                "name" => binding.role_name = cursor.text(),
                _ => cursor.skip(),
            }),
            "subjects" => binding.subjects = elements(cursor, Subject::read),
            _ => cursor.skip(),
        })?;
        Some(binding)
    }
}

impl<'a> Subject<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut subject = Self::default();
        fields(cursor, |key, cursor| match key {
            "kind" => subject.kind = cursor.text(),
            "name" => subject.name = cursor.text(),
            "namespace" => subject.namespace = cursor.text(),
            _ => cursor.skip(),
        });
        subject
    }
}

impl<'a> Deleted<'a> {
    /// What a body says of a deletion.
    pub(super) fn of(body: RawJson<'a>) -> Option<Self> {
        let mut deleted = Self::default();
        whole(body, |key, cursor| match key {
            "metadata" => deleted.metadata = ObjectMeta::read(cursor),
            "details" => deleted.uid = Some(text_of(cursor, "uid")),
            _ => cursor.skip(),
        })?;
        Some(deleted)
    }
}

/// Takes the fields of the object that is a body; none where there is no such object.
fn whole<'a>(body: RawJson<'a>, take: impl FnMut(&str, &mut Cursor<'a>)) -> Option<()> {
    let mut cursor = Cursor::new(body.get());
    if !body.is_whole() || cursor.peek() != Some(b'{') {
        return None;
    }
    fields(&mut cursor, take);
    cursor.broken().is_none().then_some(())
}

/// Takes the fields of the object at the cursor; another value is stepped over.
fn fields<'a>(cursor: &mut Cursor<'a>, mut take: impl FnMut(&str, &mut Cursor<'a>)) {
    if cursor.object() {
        while let Some(key) = cursor.key() {
            take(&key, cursor);
        }
    }
}

/// The text of one field of the object at the cursor.
fn text_of<'a>(cursor: &mut Cursor<'a>, name: &str) -> Cow<'a, str> {
    let mut text = Cow::default();
    fields(cursor, |key, cursor| {
        if key == name {
            text = cursor.text();
        } else {
            cursor.skip();
        }
    });
    text
}

/// The elements of the list at the cursor; none of another value.
fn elements<'a, T>(cursor: &mut Cursor<'a>, read: impl Fn(&mut Cursor<'a>) -> T) -> Vec<T> {
    let mut elements = Vec::new();
    if cursor.list() {
        while cursor.element() {
            elements.push(read(cursor));
        }
    }
    elements
}

#[cfg(test)]
mod tests;
