//! What is known beside the signals, and the questions that joins and stories ask about it.
//!
//! Owns the questions and the walks that are built from them. Two implementations answer: `index`
//! fast and changing with each record, `oracle` by looking at every record.

use std::sync::Arc;

use airside_types::{Entity, EntityKey, Gap, Id, Record, Relation, Timestamp};

use crate::keyed::Keyed;

/// How many owners stand above a pod at most: three in practice, the rest guards against a ring.
const MAX_OWNERS: usize = 8;

/// Questions about one tenant's cluster. Answers depend on the set of records only.
pub(crate) trait Knowledge {
    /// The object that bore a name at about this time, where records told its uid.
    fn bearer_of(&self, name: EntityKey, near: Timestamp) -> Option<Arc<Keyed>>;

    /// What the subject is owned by, runs on, runs as, …: each thing once, in the order of the keys.
    fn related(&self, subject: EntityKey, relation: Relation) -> Vec<Arc<Keyed>>;

    /// The pod or node that had an address at about this time.
    fn holder_of(&self, address: EntityKey, near: Timestamp) -> Option<Arc<Keyed>>;

    /// Whether an actor acted upon so many objects that touching one says nothing.
    fn acts_on_many(&self, actor: ActorKey) -> bool;

    /// Whether so many identities come from an address that it says nothing.
    fn is_shared_address(&self, address: EntityKey) -> bool;

    /// The addresses from which a user acted between two moments.
    fn places_of(&self, user: EntityKey, from: Timestamp, until: Timestamp) -> Vec<Arc<Keyed>>;

    /// The decision that let an object be what it was at this time: the latest before, else the
    /// first after. Refusals and dry runs change nothing and are no answer.
    fn decision_on(&self, object: EntityKey, at: Timestamp) -> Option<Arc<Record>>;

    /// A decision by its id, whatever was decided.
    fn decision(&self, id: Id) -> Option<Arc<Record>>;

    /// A boarding pass by its id.
    fn boarding_pass(&self, id: Id) -> Option<Arc<Record>>;

    /// The boarding passes of an object by name, in the order of their ids.
    fn boarding_passes_of(&self, name: EntityKey) -> Vec<Arc<Record>>;

    /// The open findings in an object by name, in the order of their ids.
    fn findings_in(&self, name: EntityKey) -> Vec<Arc<Record>>;

    /// The blind spots that overlap an interval, in order.
    fn gaps_between(&self, from: Timestamp, until: Timestamp) -> Vec<Gap>;
}

/// The identity under which an actor is counted and joined: a credential where the source tells one,
/// else a name together with the address that it was used from. A name alone is none: the owner of a
/// stolen account works under it at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ActorKey {
    Credential(EntityKey),
    Session(EntityKey, EntityKey),
}

/// The entity with its uid, where records tell which object bore the name at that time.
pub(crate) fn resolved(known: &dyn Knowledge, entity: &Arc<Keyed>, near: Timestamp) -> Arc<Keyed> {
    match entity.entity() {
        Entity::Object(object) if object.uid.is_none() && !object.name.is_empty() => {
            known.bearer_of(entity.name_key(), near).unwrap_or_else(|| Arc::clone(entity))
        }
        _ => Arc::clone(entity),
    }
}

/// The object itself and what it is owned by, nearest first.
pub(crate) fn with_owners(known: &dyn Knowledge, entity: &Arc<Keyed>) -> Vec<Arc<Keyed>> {
    let mut chain = vec![Arc::clone(entity)];
    while chain.len() <= MAX_OWNERS
        && let Some(last) = chain.last()
        && let Some(owner) = known.related(last.key(), Relation::OwnedBy).into_iter().next()
        && chain.iter().all(|seen| seen.key() != owner.key())
    {
        chain.push(owner);
    }
    chain
}

/// The records about an object under the names that its manifest may give it: with its namespace, and
/// without.
pub(crate) fn under_manifest_names(
    object: &Keyed,
    records_of: impl Fn(EntityKey) -> Vec<Arc<Record>>,
) -> Vec<Arc<Record>> {
    let mut records = records_of(object.name_key());
    if object.bare_name_key() != object.name_key() {
        records.extend(records_of(object.bare_name_key()));
    }
    records
}
