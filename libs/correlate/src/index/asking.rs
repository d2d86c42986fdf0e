//! Remembers what was asked, so that who asked can be told when an answer changes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use airside_types::{EntityKey, Gap, Id, Record, Relation, Timestamp};

use super::{Index, Topic};
use crate::keyed::Keyed;
use crate::knowledge::{ActorKey, Knowledge};
use crate::table::Table;

/// The index, noting the topics of the questions that it answers.
pub(crate) struct Asking<'a> {
    index: &'a Index,
    topics: RefCell<Vec<Topic>>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(index: &'a Index) -> Self {
        Self { index, topics: RefCell::default() }
    }

    /// The topics that were asked about, sorted, each once.
    pub(crate) fn into_topics(self) -> Vec<Topic> {
        let mut topics = self.topics.into_inner();
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    fn note(&self, topic: Topic) {
        self.topics.borrow_mut().push(topic);
    }
}

impl Knowledge for Asking<'_> {
    fn bearer_of(&self, name: EntityKey, near: Timestamp) -> Option<Arc<Keyed>> {
        self.note(Topic::Bearer(name));
        self.index.bearer_of(name, near)
    }

    fn related(&self, subject: EntityKey, relation: Relation) -> Vec<Arc<Keyed>> {
        self.note(Topic::Related(subject, relation));
        self.index.related(subject, relation)
    }

    fn holder_of(&self, address: EntityKey, near: Timestamp) -> Option<Arc<Keyed>> {
        self.note(Topic::Holder(address));
        self.index.holder_of(address, near)
    }

    fn acts_on_many(&self, actor: ActorKey) -> bool {
        self.note(Topic::ActsOnMany(actor));
        self.index.acts_on_many(actor)
    }

    fn is_shared_address(&self, address: EntityKey) -> bool {
        self.note(Topic::SharedAddress(address));
        self.index.is_shared_address(address)
    }

    fn places_of(&self, user: EntityKey, from: Timestamp, until: Timestamp) -> Vec<Arc<Keyed>> {
        self.note(Topic::Places(user));
        self.index.places_of(user, from, until)
    }

    fn decision_on(&self, object: EntityKey, at: Timestamp) -> Option<Arc<Record>> {
        self.note(Topic::DecisionOn(object));
        self.index.decision_on(object, at)
    }

    fn decision(&self, id: Id) -> Option<Arc<Record>> {
        self.note(Topic::Decision(id));
        self.index.decision(id)
    }

    fn boarding_pass(&self, id: Id) -> Option<Arc<Record>> {
        self.note(Topic::Pass(id));
        self.index.boarding_pass(id)
    }

    fn boarding_passes_of(&self, name: EntityKey) -> Vec<Arc<Record>> {
        self.note(Topic::Manifest(name));
        self.index.boarding_passes_of(name)
    }

    fn findings_in(&self, name: EntityKey) -> Vec<Arc<Record>> {
        self.note(Topic::Manifest(name));
        self.index.findings_in(name)
    }

    /// Gaps have no topic: a scope looks at all its stories when one comes or goes.
    fn gaps_between(&self, from: Timestamp, until: Timestamp) -> Vec<Gap> {
        self.index.gaps_between(from, until)
    }
}

/// Who asked about what.
#[derive(Debug, Default)]
pub(crate) struct Askers {
    by_topic: Table<Topic, BTreeSet<Id>>,
    by_asker: Table<Id, Vec<Topic>>,
}

impl Askers {
    /// Notes what somebody asked about (sorted, each once), in place of what they asked about before.
    pub(crate) fn note(&mut self, asker: Id, topics: Vec<Topic>) {
        let before = self.by_asker.insert(asker, topics).unwrap_or_default();
        let topics = self.by_asker.get(&asker).map(Vec::as_slice).unwrap_or_default();
        if topics == before {
            return;
        }
        for topic in topics.iter().filter(|topic| before.binary_search(topic).is_err()) {
            self.by_topic.entry(*topic).or_default().insert(asker);
        }
        for topic in before.iter().filter(|topic| topics.binary_search(topic).is_err()) {
            leave(&mut self.by_topic, topic, asker);
        }
    }

    /// Forgets somebody.
    pub(crate) fn forget(&mut self, asker: Id) {
        for topic in self.by_asker.remove(&asker).unwrap_or_default() {
            leave(&mut self.by_topic, &topic, asker);
        }
    }

    /// Those who asked about any of the topics.
    pub(crate) fn of(&self, topics: &BTreeSet<Topic>) -> BTreeSet<Id> {
        let askers = topics.iter().filter_map(|topic| self.by_topic.get(topic));
        askers.flatten().copied().collect()
    }
}

fn leave(by_topic: &mut Table<Topic, BTreeSet<Id>>, topic: &Topic, asker: Id) {
    if let Some(askers) = by_topic.get_mut(topic) {
        askers.remove(&asker);
        if askers.is_empty() {
            by_topic.remove(topic);
        }
    }
}
