//! Entities: typed things with a stable identity, which records are about.
//!
//! Identity is a uid or digest wherever one exists. An object that was only named (an audit event of a
//! `list`, a sensor without uids) keeps its name as a weaker identity, marked as such.

use std::fmt;

use crate::id::{Id, IdBuilder};

/// A Kubernetes object: any kind, with its uid where the source told it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectRef {
    /// API group; empty for the core group.
    pub group: String,
    /// Kubernetes' own kind name, such as `Pod` or `ClusterRole`.
    pub kind: String,
    /// The namespace; none for cluster-scoped objects, and where a manifest gives none.
    pub namespace: Option<String>,
    /// The object's name; empty where the source told none (a `generateName` before creation).
    pub name: String,
    /// The uid that the API server gave it.
    pub uid: Option<String>,
}

impl ObjectRef {
    /// An object by its name.
    pub fn named(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.filter(|text| !text.is_empty()).map(str::to_owned),
            name: name.to_owned(),
            uid: None,
        }
    }

    /// The same object with its uid; an empty uid counts as unknown.
    #[must_use]
    pub fn with_uid(mut self, uid: Option<&str>) -> Self {
        self.uid = uid.filter(|text| !text.is_empty()).map(str::to_owned);
        self
    }

    /// The same name without the uid: what a manifest or an API request names.
    #[must_use]
    pub fn without_uid(&self) -> Self {
        Self { uid: None, ..self.clone() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = shown_name(&self.name);
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{name}", self.kind),
            None => write!(f, "{} {name}", self.kind),
        }
    }
}

/// A name as people are shown it. An object may have none yet: the API server makes one from `generateName`.
pub const fn shown_name(name: &str) -> &str {
    if name.is_empty() { "(unnamed)" } else { name }
}

/// What a record can be about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// A Kubernetes object: pod, workload, node, namespace, service account, secret, role …
    Object(ObjectRef),
    /// A user as the API server authenticated it; service accounts are objects.
    User {
        /// The username.
        name: String,
    },
    /// A credential by the id that the API server logs, such as `JTI=…` or `X509SHA256=…`.
    Credential {
        /// The credential id.
        id: String,
    },
    /// A network address.
    Address {
        /// The IP address as text, in its canonical form.
        ip: String,
    },
    /// A running container.
    Container {
        /// The runtime's container id; sensors cut it to 12 characters, so only those are kept.
        id: String,
        /// The container's name in its pod, where known.
        name: Option<String>,
    },
    /// A container image.
    Image {
        /// The reference, such as `registry.example/app:1`.
        reference: String,
        /// The digest, such as `sha256:…`, where known.
        digest: Option<String>,
    },
    /// A file's content.
    FileHash {
        /// Lower-case hexadecimal SHA-256.
        sha256: String,
    },
    /// A DNS name.
    Domain {
        /// The name without a trailing dot, in lower case.
        name: String,
    },
}

/// The identity of an entity within a tenant and cluster: what edges join on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityKey(Id);

impl EntityKey {
    /// The key's id.
    pub const fn id(self) -> Id {
        self.0
    }
}

impl fmt::Debug for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Entity {
    /// A service account by namespace and name.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::Object(ObjectRef::named("", "ServiceAccount", Some(namespace), name))
    }

    /// A pod.
    pub fn pod(namespace: &str, name: &str, uid: Option<&str>) -> Self {
        Self::Object(ObjectRef::named("", "Pod", Some(namespace), name).with_uid(uid))
    }

    /// A container; its id is cut to the 12 characters that every sensor reports.
    pub fn container(id: &str, name: Option<&str>) -> Self {
        let short = id.rsplit("://").next().unwrap_or(id).chars().take(12).collect();
        Self::Container { id: short, name: name.map(str::to_owned) }
    }

    /// The object, where the entity is one.
    pub const fn as_object(&self) -> Option<&ObjectRef> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The kind as people see it: Kubernetes' own name for objects.
    pub fn kind(&self) -> &str {
        match self {
            Self::Object(object) => &object.kind,
            Self::User { .. } => "User",
            Self::Credential { .. } => "Credential",
            Self::Address { .. } => "Address",
            Self::Container { .. } => "Container",
            Self::Image { .. } => "Image",
            Self::FileHash { .. } => "FileHash",
            Self::Domain { .. } => "Domain",
        }
    }

    /// The name as people see it.
    pub fn name(&self) -> &str {
        match self {
            Self::Object(object) => &object.name,
            Self::User { name } | Self::Domain { name } => name,
            Self::Credential { id } => id,
            Self::Address { ip } => ip,
            Self::Container { id, name } => name.as_deref().unwrap_or(id),
            Self::Image { reference, .. } => reference,
            Self::FileHash { sha256 } => sha256,
        }
    }

    /// Whether the identity is more than a name: a uid, a digest, an id.
    pub const fn is_exact(&self) -> bool {
        match self {
            Self::Object(object) => object.uid.is_some(),
            Self::Image { digest, .. } => digest.is_some(),
            _ => true,
        }
    }

    /// The identity: by uid or digest where there is one, by name otherwise.
    pub fn key(&self) -> EntityKey {
        EntityKey(self.identify(IdBuilder::empty()).finish())
    }

    /// Adds the identity to that of something that is about the entity.
    #[must_use]
    pub fn identify(&self, id: IdBuilder) -> IdBuilder {
        match self {
            Self::Object(ObjectRef { uid: Some(uid), .. }) => id.text("entity/uid").text(uid),
            _ => self.identify_by_name(id),
        }
    }

    /// The identity by name alone, also where a uid is known: the same for two objects that bore one
    /// name one after the other.
    pub fn name_key(&self) -> EntityKey {
        EntityKey(self.identify_by_name(IdBuilder::empty()).finish())
    }

    fn identify_by_name(&self, id: IdBuilder) -> IdBuilder {
        match self {
            Self::Object(object) => id
                .text("entity/object")
                .text(&object.group)
                .text(&object.kind)
                .optional(object.namespace.as_deref())
                .text(&object.name),
            Self::User { name } => id.text("entity/user").text(name),
            Self::Credential { id: credential } => id.text("entity/credential").text(credential),
            Self::Address { ip } => id.text("entity/address").text(ip),
            Self::Container { id: container, .. } => id.text("entity/container").text(container),
            Self::Image { digest: Some(digest), .. } => id.text("entity/image").text(digest),
            Self::Image { reference, .. } => id.text("entity/image-reference").text(reference),
            Self::FileHash { sha256 } => id.text("entity/file").text(sha256),
            Self::Domain { name } => id.text("entity/domain").text(name),
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => write!(f, "{object}"),
            _ => write!(f, "{} {}", self.kind(), self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_outweighs_the_name() {
        let first = Entity::pod("shop", "web-1", Some("u1"));
        let renamed = Entity::pod("shop", "web-2", Some("u1"));
        let successor = Entity::pod("shop", "web-1", Some("u2"));
        assert_eq!(first.key(), renamed.key());
        assert_ne!(first.key(), successor.key());
        assert_eq!(first.name_key(), successor.name_key());
        assert!(first.is_exact());
        assert!(!Entity::pod("shop", "web-1", None).is_exact());
    }

    #[test]
    fn container_ids_of_all_sensors_are_one() {
        let long = Entity::container("containerd://77683b0104091234567890", Some("web"));
        let short = Entity::container("77683b010409", None);
        assert_eq!(long.key(), short.key());
    }
}
