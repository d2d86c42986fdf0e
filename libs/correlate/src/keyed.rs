//! An entity with its identities worked out once.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use airside_types::{Entity, EntityKey};

/// An entity and its keys. Working a key out means hashing, and joins and stories ask for it often.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Keyed {
    entity: Entity,
    key: EntityKey,
    name_key: EntityKey,
}

impl Keyed {
    pub(crate) fn new(entity: Entity) -> Arc<Self> {
        let name_key = entity.name_key();
        let has_uid = entity.as_object().is_some_and(|object| object.uid.is_some());
        let key = if has_uid { entity.key() } else { name_key };
        Arc::new(Self { entity, key, name_key })
    }

    /// The identity: by uid or digest where there is one, by name otherwise.
    pub(crate) const fn key(&self) -> EntityKey {
        self.key
    }

    /// The identity by name alone.
    pub(crate) const fn name_key(&self) -> EntityKey {
        self.name_key
    }

    pub(crate) const fn entity(&self) -> &Entity {
        &self.entity
    }
}

impl Deref for Keyed {
    type Target = Entity;

    fn deref(&self) -> &Entity {
        &self.entity
    }
}

impl fmt::Display for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entity.fmt(f)
    }
}
