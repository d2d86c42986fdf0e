//! Cascades: which requests of controllers carry out what somebody asked for, and what that was.
//!
//! An object leads to who wrote it: by the owner that its controller gave it (and the owner's uid, so that a
//! successor of the same name is somebody else's), else by the name that controllers make of their owner's. Nothing
//! but what Kubernetes' own controllers do is believed to follow from anything: whoever else claims an owner answers
//! for the request.
//!
//! Two questions are answered. The **cause** of what a controller made is the last request that wrote the object which
//! asks for it, however long ago: that is whom a detection names. The **action** to which a request belongs is what
//! somebody did in one go (a release, a command), with all that follows within half an hour: that is what groups.

mod action;
mod kin;
mod rows;

use std::time::Duration;

use airside_detect::audit::{self, Cause, Deed, Hand};
use airside_types::{Entity, Fact, Id, ObjectRef, Record, Relation, Timestamp};

use kin::Name;
use rows::{Object, Owner, Root, Row, Rows};

use crate::Change;

/// Since when what follows from a request is no longer part of the same action.
const FOLLOWS: Duration = Duration::from_mins(30);
/// By how much the clocks of two API servers may differ.
const SKEW: Duration = Duration::from_secs(2);
/// How many objects are looked at to find out what an object comes from.
const MOST_STEPS: usize = 24;

/// What an answer shows of whose an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// No answer shows the object: its name has to tell.
    Nothing,
    /// The object has no controller.
    Nobodys,
    /// Its controller's object: group, kind, name and uid.
    Owner(ObjectRef),
}

impl Shown {
    /// What the facts of an event tell of the object that it made.
    pub fn of(records: &[Record], deed: &Deed<'_>) -> Self {
        if deed.verb != "create" || !deed.subresource.is_empty() {
            return Self::Nothing;
        }
        let facts = records.iter().filter_map(|record| match &record.payload {
            airside_types::Payload::Fact(fact) => Some(fact),
            _ => None,
        });
        let is_about = |fact: &&Fact| {
            let object = fact.subject.as_object();
            object.is_some_and(|it| it.kind == deed.kind && it.name == deed.name)
        };
        facts.filter(is_about).fold(Self::Nothing, |shown, fact| {
            match (fact.relation, &fact.object) {
                (Relation::OwnedBy, Entity::Object(owner)) => Self::Owner(owner.clone()),
                (Relation::Exists, _) if shown == Self::Nothing => Self::Nobodys,
                _ => shown,
            }
        })
    }
}

/// Who wrote what, as far as controllers carry it out.
#[derive(Debug)]
pub struct Cascades {
    rows: Rows,
}

impl Cascades {
    /// Nothing seen yet; at most so many rows are kept, those that were written last.
    pub fn new(most: usize) -> Self {
        Self { rows: Rows::new(most) }
    }

    /// How many rows are kept.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Forgets a part of what was written long before the rest.
    pub(crate) fn give_up(&mut self) {
        self.rows.give_up();
    }

    /// Takes in what an answered request did. Tells who wrote an object where that is news.
    pub fn learn(&mut self, deed: &Deed<'_>, shown: &Shown) -> Option<Fact> {
        if !deed.is_done || !deed.writes() {
            return None;
        }
        let leads_on = kin::leads_on(deed.group, deed.kind);
        if deed.hand != Hand::Own {
            self.learn_followed(deed, shown);
            return None;
        }
        let is_told = leads_on || kin::gives_access(deed.group, deed.kind);
        let fact = is_told.then(|| self.written(deed)).flatten();
        if leads_on {
            self.learn_own(deed);
        } else if fact.is_some() {
            let root = Root::new(deed, deed.event);
            self.object(&Name::of(deed), deed, |it| it.authored = Some(root));
        }
        fact
    }

    /// Who wrote an object: told for everybody who does, and once a day for who does it again.
    fn written(&self, deed: &Deed<'_>) -> Option<Fact> {
        let is_object_itself = matches!(deed.subresource, "" | "scale" | "eviction");
        if !is_object_itself || deed.name.is_empty() {
            return None;
        }
        let relation = match deed.verb {
            _ if deed.deletes() => Relation::DeletedBy,
            "create" => Relation::CreatedBy,
            _ => Relation::ChangedBy,
        };
        let before = self.rows.object(&Name::of(deed)).and_then(|it| it.authored.as_ref());
        if relation == Relation::ChangedBy && before.is_some_and(|it| it.says_the_same(deed)) {
            return None;
        }
        let object = ObjectRef::named(deed.group, deed.kind, Some(deed.namespace), deed.name);
        Some(Fact {
            subject: Entity::Object(object.with_uid(Some(deed.uid))),
            relation,
            object: audit::identity(deed.user)?,
            from: deed.time,
            until: None,
        })
    }

    /// What controllers will carry out.
    fn learn_own(&mut self, deed: &Deed<'_>) {
        let action = self.begin(deed);
        let root = Root::new(deed, action);
        let object = Name::of(deed);
        match deed.subresource {
            "" | "ephemeralcontainers" if deed.name.is_empty() => self.place(deed, root.clone()),
            "" | "ephemeralcontainers" => {
                self.object(&object, deed, |it| it.authored = Some(root.clone()));
            }
            "scale" => self.object(&object, deed, |it| it.moved = Some(root.clone())),
            _ => {}
        }
        // Another pod is made in the place of one that is gone.
        let mut above = object;
        while deed.kind == "Pod" && deed.deletes() {
            let kept = self.rows.object(&above).and_then(|it| it.owner.clone());
            let owner = match kept {
                Some(owner) if owner.name.is_empty() => None,
                Some(owner) => Some(owner.name(deed.namespace)),
                None => kin::parents(&above).into_iter().next(),
            };
            let Some(owner) = owner else { return };
            self.object(&owner, deed, |it| it.moved = Some(root.clone()));
            above = owner;
        }
    }

    fn learn_followed(&mut self, deed: &Deed<'_>, shown: &Shown) {
        let object = Name::of(deed);
        // What they do by themselves: as many pods as the load asks for, and jobs by the clock.
        let scales = deed.subresource == "scale";
        let by_the_clock = deed.kind == "Job"
            && deed.verb == "create"
            && deed.subresource.is_empty()
            && !deed.name.is_empty();
        if scales || by_the_clock && deed.user.ends_with("cronjob-controller") {
            let root = Root::new(deed, deed.event);
            self.object(&object, deed, |it| it.moved = Some(root));
        }
        // An owner that the name tells as well need not be kept.
        let owner = match shown {
            Shown::Owner(owner) => Some(Owner::of(owner)),
            Shown::Nobodys => Some(Owner::default()),
            Shown::Nothing => None,
        };
        let Some(owner) = owner.filter(|_| !deed.name.is_empty()) else { return };
        let is_told = |it: &Name<'_>| it.kind == owner.kind && it.name == owner.name;
        if !kin::parents(&object).iter().any(is_told) {
            self.object(&object, deed, |it| it.owner = Some(owner));
        }
    }

    /// What asked for what a controller made, if it is known.
    pub fn cause(&self, deed: &Deed<'_>, shown: &Shown) -> Option<Cause> {
        if deed.hand != Hand::Maker || !deed.is_done || !deed.writes() {
            return None;
        }
        let newest = self.roots(deed, shown, |it| it.authored.iter().collect());
        newest.map(Root::cause)
    }

    /// The action to which a request belongs, by the event that began it.
    pub fn action(&self, deed: &Deed<'_>, shown: &Shown) -> Option<Id> {
        if deed.hand == Hand::Own {
            return self.own_action(deed);
        }
        let root = self.roots(deed, shown, |it| it.authored.iter().chain(&it.moved).collect());
        let near = |root: &&Root| root.time().plus(FOLLOWS) >= deed.time;
        let named = root.filter(near).map(Root::action);
        named.or_else(|| self.action_in(deed))
    }

    /// The newest of the roots of an object and of what it comes from.
    fn roots<'s>(
        &'s self,
        deed: &Deed<'_>,
        shown: &Shown,
        of: impl Fn(&'s Object) -> Vec<&'s Root>,
    ) -> Option<&'s Root> {
        let latest = deed.time.plus(SKEW);
        let mut newest: Option<&Root> = None;
        let mut take = |roots: Vec<&'s Root>| {
            for root in roots.into_iter().filter(|root| root.time() <= latest) {
                newest = newest.filter(|known| known.time() >= root.time()).or(Some(root));
            }
        };
        let mut open = vec![(Name::of(deed), String::new())];
        let clears = deed.user.ends_with(":namespace-controller")
            || deed.user == "system:kube-controller-manager";
        if clears && deed.deletes() {
            let namespace = Name::new("", "Namespace", "", deed.namespace);
            open.push((namespace, String::new()));
        }
        let mut at = 0;
        while let Some((name, uid)) = open.get(at).filter(|_| at < MOST_STEPS).cloned() {
            let object = self.rows.object(&name);
            if let Some(object) = object {
                // A successor of the same name is somebody else's.
                if !uid.is_empty() && !object.uid.is_empty() && uid != object.uid {
                    at += 1;
                    continue;
                }
                take(of(object));
            }
            let kept = object.and_then(|it| it.owner.clone());
            let owner = match shown {
                Shown::Owner(owner) if at == 0 => Some(Owner::of(owner)),
                Shown::Nobodys if at == 0 => Some(Owner::default()),
                _ => kept,
            };
            match owner {
                Some(owner) if owner.name.is_empty() => {}
                Some(owner) => {
                    let uid = owner.uid.clone();
                    open.push((owner.name(deed.namespace), uid));
                }
                None => open.extend(kin::parents(&name).into_iter().map(|it| (it, String::new()))),
            }
            at += 1;
        }
        newest
    }

    fn object(&mut self, name: &Name<'_>, deed: &Deed<'_>, change: impl FnOnce(&mut Object)) {
        let is_own = Name::of(deed) == *name;
        let row = self.rows.entry(name.key(), deed.time, || Row::Object(Box::default()));
        if let Row::Object(object) = row {
            if is_own && !deed.uid.is_empty() && object.uid != deed.uid {
                // Another object of the same name: what was known of the one before does not hold for it.
                **object = Object { uid: deed.uid.to_owned(), ..Object::default() };
            }
            change(object);
        }
    }

    /// The rows that have changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        self.rows.take_changes()
    }

    /// Takes a row back.
    pub(crate) fn restore(&mut self, key: Id, bytes: &[u8]) -> Result<Timestamp, String> {
        self.rows.restore(key, bytes)
    }
}

#[cfg(test)]
mod tests;
