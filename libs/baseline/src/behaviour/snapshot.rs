//! What is known, as bytes for a store, and back.
//!
//! An actor, a class, a credential and so on is one value each, so that a commit writes what has changed. The bytes are
//! of this form: what another one wrote is learnt anew. What is only added stands behind the rest, or in rows of its own, so
//! that what was kept before is taken back.

use std::net::IpAddr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ActorMemory, ClusterBehaviour};
use crate::memory::{Kept, Key, key};
use crate::observation::Class;

/// Under which key a part of what is known is kept: what it is about, and a digest of which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateKey {
    part: Part,
    which: u64,
}

/// What a part is about. The number is part of keys: it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Pace = 0,
    Actor = 1,
    Class = 2,
    Reader = 3,
    Credential = 4,
    Issue = 5,
    Pod = 6,
    Failures = 7,
    Size = 8,
    Spells = 9,
    Resource = 10,
    Image = 11,
}

impl Part {
    const ALL: [Self; 12] = [
        Self::Pace,
        Self::Actor,
        Self::Class,
        Self::Reader,
        Self::Credential,
        Self::Issue,
        Self::Pod,
        Self::Failures,
        Self::Size,
        Self::Spells,
        Self::Resource,
        Self::Image,
    ];
}

impl StateKey {
    /// Whether it is of how often a cluster is heard of: by it alone its silence is noticed.
    pub fn is_of_pace(self) -> bool {
        self.part == Part::Pace
    }

    /// The key's bytes, for a store.
    pub fn to_bytes(self) -> [u8; 9] {
        let mut bytes = [self.part as u8; 9];
        bytes[1..].copy_from_slice(&self.which.to_be_bytes());
        bytes
    }

    /// The key of these bytes; none where they are no key.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (part, which) = bytes.split_first()?;
        let part = Part::ALL.into_iter().find(|known| *known as u8 == *part)?;
        Some(Self { part, which: u64::from_be_bytes(which.try_into().ok()?) })
    }
}

/// The form of the bytes. Raised whenever what is remembered changes.
const FORM: u8 = 3;

/// Why bytes are not what was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was kept ({part:?}) is not of this version: {reason}; it is learnt anew")]
pub struct Unreadable {
    part: Part,
    reason: String,
}

/// A row's key, and the digest under which it is kept.
trait Row {
    fn which(&self) -> u64;
}

impl Row for Key {
    fn which(&self) -> u64 {
        *self
    }
}

impl Row for Box<str> {
    fn which(&self) -> u64 {
        key("row", &[self])
    }
}

impl Row for IpAddr {
    fn which(&self) -> u64 {
        key("row", &[&self.to_string()])
    }
}

impl Row for Class {
    fn which(&self) -> u64 {
        key("row", &[self.as_str()])
    }
}

/// What changed: bytes to keep, or none for what is to be forgotten.
pub type Changed = Vec<(StateKey, Option<Vec<u8>>)>;

impl ClusterBehaviour {
    /// What has changed since the last call.
    pub fn take_changed(&mut self) -> Changed {
        let mut all = Vec::new();
        all.extend(self.actors.take_changed().into_iter().map(|(key, actor)| {
            let bytes = actor.and_then(|actor| {
                let row = kept(&(key, actor))?;
                postcard::to_extend(&actor.spells, row).ok()
            });
            (StateKey { part: Part::Actor, which: key }, bytes)
        }));
        let shared = &mut self.shared;
        if std::mem::take(&mut shared.pace_changed) {
            all.push((StateKey { part: Part::Pace, which: 0 }, kept(&(0_u64, &shared.pace))));
        }
        let changed: Vec<Class> = shared
            .classes
            .iter_mut()
            .filter_map(|(class, memory)| memory.take_changed().then_some(*class))
            .collect();
        for class in changed {
            let key = StateKey { part: Part::Class, which: class.which() };
            all.push((key, shared.classes.get(&class).and_then(|it| kept(&(class, it)))));
        }
        rows(Part::Reader, &mut shared.readers, &mut all);
        rows(Part::Credential, &mut shared.credentials, &mut all);
        rows(Part::Issue, &mut shared.issued, &mut all);
        rows(Part::Pod, &mut shared.pods, &mut all);
        rows(Part::Failures, &mut shared.failures, &mut all);
        rows(Part::Size, &mut shared.sizes, &mut all);
        rows(Part::Spells, &mut shared.spells, &mut all);
        rows(Part::Resource, shared.resources.rows(), &mut all);
        rows(Part::Image, shared.images.rows(), &mut all);
        all
    }

    /// Takes back what was kept.
    pub fn restore(&mut self, key: StateKey, bytes: &[u8]) -> Result<(), Unreadable> {
        let error = |reason: String| Unreadable { part: key.part, reason };
        let Some((&FORM, bytes)) = bytes.split_first() else {
            return Err(error("it has another form".to_owned()));
        };
        let shared = &mut self.shared;
        match key.part {
            Part::Pace => read::<u64, _>(bytes).map(|(_, pace)| shared.pace = pace),
            Part::Class => read(bytes).map(|(class, memory)| {
                shared.classes.insert(class, memory);
            }),
            Part::Actor => actor(bytes).map(|(key, it)| self.actors.restore(key, it)),
            Part::Reader => read(bytes).map(|(key, it)| shared.readers.restore(key, it)),
            Part::Credential => read(bytes).map(|(key, it)| shared.credentials.restore(key, it)),
            Part::Issue => read(bytes).map(|(key, it)| shared.issued.restore(key, it)),
            Part::Pod => read(bytes).map(|(key, it)| shared.pods.restore(key, it)),
            Part::Failures => read(bytes).map(|(key, it)| shared.failures.restore(key, it)),
            Part::Size => read(bytes).map(|(key, it)| shared.sizes.restore(key, it)),
            Part::Spells => read(bytes).map(|(key, it)| shared.spells.restore(key, it)),
            Part::Resource => read(bytes).map(|(key, it)| shared.resources.restore(key, it)),
            Part::Image => read(bytes).map(|(key, it)| shared.images.restore(key, it)),
        }
        .map_err(error)
    }
}

/// The rows of a table that have changed.
fn rows<K: Row + Ord + Clone + Serialize, V: Serialize>(
    part: Part,
    table: &mut Kept<K, V>,
    all: &mut Changed,
) {
    let changed = table.take_changed().into_iter();
    all.extend(changed.map(|(key, row)| {
        let of = StateKey { part, which: key.which() };
        (of, row.and_then(|row| kept(&(key, row))))
    }));
}

/// An actor, and behind it how its times go: what was kept before that was known ends with the actor.
fn actor(bytes: &[u8]) -> Result<(Key, ActorMemory), String> {
    let ((key, mut actor), rest): ((Key, ActorMemory), _) =
        postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        actor.spells = postcard::from_bytes(rest).map_err(|error| error.to_string())?;
    }
    Ok((key, actor))
}

fn read<K: DeserializeOwned, V: DeserializeOwned>(bytes: &[u8]) -> Result<(K, V), String> {
    postcard::from_bytes(bytes).map_err(|error| error.to_string())
}

/// The bytes of a part. What cannot be written is forgotten.
fn kept(part: &impl Serialize) -> Option<Vec<u8>> {
    postcard::to_extend(part, vec![FORM]).ok()
}
