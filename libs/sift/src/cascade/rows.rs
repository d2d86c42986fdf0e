//! What is kept of objects, of what somebody does in one go, and of places: rows, bounded, those written last.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use airside_detect::audit::{Cause, Deed};
use airside_types::{Entity, Id, ObjectRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::kin::Name;
use crate::Change;

/// A request that others carry out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Root {
    event: [u8; 16],
    action: [u8; 16],
    nanos: i64,
    pub(super) user: String,
    verb: String,
    group: String,
    kind: String,
    namespace: String,
    name: String,
    uid: String,
    authorised: String,
}

impl Root {
    pub(super) fn new(deed: &Deed<'_>, action: Id) -> Self {
        Self {
            event: *deed.event.as_bytes(),
            action: *action.as_bytes(),
            nanos: deed.time.as_nanos(),
            user: deed.user.to_owned(),
            verb: deed.verb.to_owned(),
            group: deed.group.to_owned(),
            kind: deed.kind.to_owned(),
            namespace: deed.namespace.to_owned(),
            name: deed.name.to_owned(),
            uid: deed.uid.to_owned(),
            authorised: deed.authorised.to_owned(),
        }
    }

    /// Whether that somebody changed the object again on the same day is nothing new.
    pub(super) fn says_the_same(&self, deed: &Deed<'_>) -> bool {
        const DAY: i64 = 24 * 3_600 * 1_000_000_000;
        let is_change = |verb: &str| matches!(verb, "update" | "patch");
        self.user == deed.user
            && is_change(&self.verb)
            && is_change(deed.verb)
            && self.nanos.div_euclid(DAY) == deed.time.as_nanos().div_euclid(DAY)
    }

    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos)
    }

    pub(super) fn action(&self) -> Id {
        Id::from_bytes(self.action)
    }

    pub(super) fn cause(&self) -> Cause {
        let object = ObjectRef::named(&self.group, &self.kind, Some(&self.namespace), &self.name);
        Cause {
            event: Id::from_bytes(self.event),
            user: self.user.clone(),
            verb: self.verb.clone(),
            object: Entity::Object(object.with_uid(Some(&self.uid))),
            authorised: self.authorised.clone(),
        }
    }
}

/// The controller's object to which an object belongs; without a name, nobody's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    group: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
}

impl Owner {
    pub(super) fn of(object: &ObjectRef) -> Self {
        Self {
            group: object.group.clone(),
            kind: object.kind.clone(),
            name: object.name.clone(),
            uid: object.uid.clone().unwrap_or_default(),
        }
    }

    /// The owner of an object in a namespace, which is in the same.
    pub(super) fn name<'n>(&self, namespace: &'n str) -> Name<'n> {
        Name {
            group: self.group.clone().into(),
            kind: self.kind.clone().into(),
            namespace: namespace.into(),
            name: self.name.clone().into(),
        }
    }
}

/// What is known of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) uid: String,
    pub(super) owner: Option<Owner>,
    /// Who wrote it last.
    pub(super) authored: Option<Root>,
    /// Who last made controllers act on it otherwise.
    pub(super) moved: Option<Root>,
}

/// What somebody does in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) action: [u8; 16],
    /// Whether it wrote into a namespace of its own yet.
    pub(super) is_at_home: bool,
}

/// What was made in a namespace under a name that nothing tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) root: Root,
    /// When somebody else did so before, in nanoseconds.
    pub(super) contested: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Row {
    Object(Box<Object>),
    Session(Session),
    Place(Box<Place>),
}

/// The form of the bytes. Raised whenever what is kept changes.
const FORM: u8 = 1;

/// Rows by key, and when each was written.
#[derive(Debug)]
pub(super) struct Rows {
    most: usize,
    rows: BTreeMap<Id, (Timestamp, Row)>,
    /// By the second: who writes much writes often within one.
    by_age: BTreeSet<(i64, Id)>,
    changed: BTreeSet<Id>,
}

/// The second of a moment, since the Unix epoch.
const fn second(time: Timestamp) -> i64 {
    time.as_nanos().div_euclid(1_000_000_000)
}

impl Rows {
    pub(super) fn new(most: usize) -> Self {
        Self { most, rows: BTreeMap::new(), by_age: BTreeSet::new(), changed: BTreeSet::new() }
    }

    pub(super) fn get(&self, key: Id) -> Option<(Timestamp, &Row)> {
        self.rows.get(&key).map(|(time, row)| (*time, row))
    }

    pub(super) fn object(&self, name: &Name<'_>) -> Option<&Object> {
        match self.get(name.key()) {
            Some((_, Row::Object(object))) => Some(object),
            _ => None,
        }
    }

    /// A row, to write at a time; made if it is not there.
    pub(super) fn entry(
        &mut self,
        key: Id,
        time: Timestamp,
        make: impl FnOnce() -> Row,
    ) -> &mut Row {
        self.make_room(key);
        self.changed.insert(key);
        match self.rows.entry(key) {
            Entry::Vacant(free) => {
                self.by_age.insert((second(time), key));
                &mut free.insert((time, make())).1
            }
            Entry::Occupied(row) => {
                let (written, row) = row.into_mut();
                let before = second(*written);
                *written = time.max(*written);
                if second(time) > before {
                    self.by_age.remove(&(before, key));
                    self.by_age.insert((second(time), key));
                }
                row
            }
        }
    }

    /// Forgets those that were written long before others, where there would be too many.
    fn make_room(&mut self, key: Id) {
        while self.rows.len() >= self.most
            && !self.rows.contains_key(&key)
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.rows.remove(&oldest);
            self.changed.insert(oldest);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Forgets a part of those that were written long before others.
    pub(super) fn give_up(&mut self) {
        for _ in 0..self.rows.len().div_ceil(16) {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            self.rows.remove(&oldest);
            self.changed.insert(oldest);
        }
    }

    /// The rows that have changed since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let bytes = |key: Id| {
            let (time, row) = self.rows.get(&key)?;
            // Rows are made of texts and numbers, which can always be written.
            postcard::to_allocvec(&(FORM, time.as_nanos(), row)).ok()
        };
        changed.map(|key| Change::Cascade(key, bytes(key))).collect()
    }

    /// Takes a row back; returns when it was written.
    pub(super) fn restore(&mut self, key: Id, bytes: &[u8]) -> Result<Timestamp, String> {
        let form = bytes.first().copied();
        if form != Some(FORM) {
            return Err("it is of another version".to_owned());
        }
        let (_, nanos, row): (u8, i64, Row) =
            postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
        let time = Timestamp::from_nanos(nanos);
        self.by_age.insert((second(time), key));
        self.rows.insert(key, (time, row));
        Ok(time)
    }
}
