//! The objects that live, each in a slot, and their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::{Document, Located, Object};

/// What tells one object from all others. The order of objects is that of their identities.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// What tells objects of one name apart, and orders them: the path under which a live object stands, or
    /// the file that holds it and where in the file. Empty where neither is needed.
    pub source: Arc<str>,
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace as written.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl Identity {
    /// The identity of an object of a source.
    pub fn of(object: &Object<'_>, source: Arc<str>) -> Self {
        Self {
            source,
            group: object.group().to_owned(),
            kind: object.kind().to_owned(),
            namespace: object.namespace().map(str::to_owned),
            name: object.name().to_owned(),
        }
    }
}

/// An object as it is now, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Living {
    /// The document that holds it.
    pub document: Arc<Document>,
    /// Its index in the document's `items`; none where it is the document.
    pub item: Option<usize>,
    /// The path that its findings show.
    pub path: Arc<str>,
}

impl Living {
    /// The object, with places; none where the document holds none there.
    pub fn located(&self) -> Option<Located<'_>> {
        self.document.object(self.item)
    }
}

/// The objects, by slot and by identity.
#[derive(Debug, Default)]
pub(super) struct Objects {
    slots: Vec<Option<(Arc<Identity>, Living)>>,
    free: Vec<u32>,
    order: BTreeMap<Arc<Identity>, u32>,
}

impl Objects {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn slot_of(&self, identity: &Identity) -> Option<u32> {
        self.order.get(identity).copied()
    }

    /// The slots in the order of the objects.
    pub(super) fn in_order(&self) -> impl Iterator<Item = u32> {
        self.order.values().copied()
    }

    pub(super) fn get(&self, slot: u32) -> Option<(&Arc<Identity>, &Living)> {
        let (identity, living) = self.slots.get(slot as usize)?.as_ref()?;
        Some((identity, living))
    }

    pub(super) fn object(&self, slot: u32) -> Option<Object<'_>> {
        let (_, living) = self.get(slot)?;
        living.located().map(|located| located.object)
    }

    /// Puts an object in its slot, that of its predecessor if there is one.
    pub(super) fn put(&mut self, identity: Identity, living: Living) -> u32 {
        if let Some(slot) = self.slot_of(&identity)
            && let Some(Some((_, old))) = self.slots.get_mut(slot as usize)
        {
            *old = living;
            return slot;
        }
        let identity = Arc::new(identity);
        let entry = Some((Arc::clone(&identity), living));
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(unused) = self.slots.get_mut(slot as usize) {
                    *unused = entry;
                }
                slot
            }
            None => {
                self.slots.push(entry);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.order.insert(identity, slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Arc<Identity>> {
        let (identity, _) = self.slots.get_mut(slot as usize)?.take()?;
        self.order.remove(&identity);
        self.free.push(slot);
        Some(identity)
    }
}
