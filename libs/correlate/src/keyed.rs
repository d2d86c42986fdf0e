//! An entity with its identities worked out once.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use airside_types::{Entity, EntityKey, ObjectRef};

/// An entity and its keys. Working a key out means hashing, and joins and stories ask for it often.
#[derive(Debug)]
pub(crate) struct Keyed {
    entity: Entity,
    key: EntityKey,
    name_key: EntityKey,
    bare_name_key: EntityKey,
}

impl Keyed {
    pub(crate) fn new(entity: Entity) -> Arc<Self> {
        let name_key = entity.name_key();
        let has_uid = entity.as_object().is_some_and(|object| object.uid.is_some());
        let key = if has_uid { entity.key() } else { name_key };
        let bare_name_key = match &entity {
            Entity::Object(object) if object.namespace.is_some() => {
                let bare = ObjectRef::named(&object.group, &object.kind, None, &object.name);
                Entity::Object(bare).name_key()
            }
            _ => name_key,
        };
        Arc::new(Self { entity, key, name_key, bare_name_key })
    }

    /// The identity: by uid or digest where there is one, by name otherwise.
    pub(crate) const fn key(&self) -> EntityKey {
        self.key
    }

    /// The identity by name alone.
    pub(crate) const fn name_key(&self) -> EntityKey {
        self.name_key
    }

    /// The identity by name without the namespace, which a manifest may leave to whoever applies it.
    pub(crate) const fn bare_name_key(&self) -> EntityKey {
        self.bare_name_key
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

// Two are the same if their entities are: the keys follow from them.

impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        self.entity == other.entity
    }
}

impl Eq for Keyed {}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.entity.cmp(&other.entity)
    }
}
