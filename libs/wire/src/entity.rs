//! Entities and their links on the wire.

use airside_types::{Entity, Link, ObjectRef};

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::v1::entity::Kind;
use crate::{bounded, field, v1};

impl From<&ObjectRef> for v1::ObjectRef {
    fn from(object: &ObjectRef) -> Self {
        Self {
            group: bounded::identity(&object.group),
            kind: bounded::identity(&object.kind),
            namespace: bounded::optional_identity(object.namespace.as_deref()),
            name: bounded::identity(&object.name),
            uid: bounded::optional_identity(object.uid.as_deref()),
        }
    }
}

impl TryFrom<v1::ObjectRef> for ObjectRef {
    type Error = InvalidField;

    fn try_from(object: v1::ObjectRef) -> Result<Self, Self::Error> {
        Ok(Self {
            group: field::identity("group", object.group)?,
            kind: field::identity("kind", object.kind)?,
            namespace: field::optional_identity("namespace", object.namespace)?,
            name: field::identity("name", object.name)?,
            uid: field::optional_identity("uid", object.uid)?,
        })
    }
}

impl From<&Entity> for v1::Entity {
    fn from(entity: &Entity) -> Self {
        let identity = bounded::identity;
        let kind = match entity {
            Entity::Object(object) => Kind::Object(object.into()),
            Entity::User { name } => Kind::User(v1::User { name: identity(name) }),
            Entity::Credential { id } => Kind::Credential(v1::Credential { id: identity(id) }),
            Entity::Address { ip } => Kind::Address(v1::Address { ip: identity(ip) }),
            Entity::Container { id, name } => Kind::Container(v1::Container {
                id: identity(id),
                name: bounded::optional_identity(name.as_deref()),
            }),
            Entity::Image { reference, digest } => Kind::Image(v1::Image {
                reference: identity(reference),
                digest: bounded::optional_identity(digest.as_deref()),
            }),
            Entity::FileHash { sha256 } => {
                Kind::FileHash(v1::FileHash { sha256: identity(sha256) })
            }
            Entity::Domain { name } => Kind::Domain(v1::Domain { name: identity(name) }),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<v1::Entity> for Entity {
    type Error = InvalidField;

    fn try_from(entity: v1::Entity) -> Result<Self, Self::Error> {
        match entity.kind.ok_or_else(|| InvalidField::new("kind", Problem::Missing))? {
            Kind::Object(object) => ObjectRef::try_from(object)
                .map(Self::Object)
                .map_err(|error| error.within("object")),
            Kind::User(user) => Ok(Self::User { name: field::identity("user.name", user.name)? }),
            Kind::Credential(credential) => {
                Ok(Self::Credential { id: field::identity("credential.id", credential.id)? })
            }
            Kind::Address(address) => {
                Ok(Self::Address { ip: field::identity("address.ip", address.ip)? })
            }
            Kind::Container(container) => Ok(Self::container(
                &field::identity("container.id", container.id)?,
                field::optional_identity("container.name", container.name)?.as_deref(),
            )),
            Kind::Image(image) => Ok(Self::Image {
                reference: field::identity("image.reference", image.reference)?,
                digest: field::optional_identity("image.digest", image.digest)?,
            }),
            Kind::FileHash(file) => {
                Ok(Self::FileHash { sha256: field::identity("file_hash.sha256", file.sha256)? })
            }
            Kind::Domain(domain) => {
                Ok(Self::Domain { name: field::identity("domain.name", domain.name)? })
            }
        }
    }
}

impl From<&Link> for v1::Link {
    fn from(link: &Link) -> Self {
        Self { role: link.role.to_wire(), entity: Some((&link.entity).into()) }
    }
}

impl TryFrom<v1::Link> for Link {
    type Error = InvalidField;

    fn try_from(link: v1::Link) -> Result<Self, Self::Error> {
        Ok(Self::new(field::listed("role", link.role)?, field::required("entity", link.entity)?))
    }
}
