//! Sightings: what is known of each answered request to an API server, without its bodies.
//!
//! What takes events in judges them one by one and publishes sightings with what each event tells by itself; the
//! owner of the log's partition folds them into what several say together. Texts that many sightings share stand
//! once in their batch. Of a body nothing travels but which images and Secrets pods name and as whom they run, and which
//! parameters admission policies have; of a query nothing at all: what rules say of them is in the records.

use crate::id::Id;
use crate::place::Place;
use crate::record::{Payload, Record};
use crate::tenancy::{Cluster, Tenant};
use crate::texts::{TextRef, Texts};
use crate::time::Timestamp;

/// Sightings of one cluster, in the order in which its events came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingBatch {
    /// Whose they are.
    pub tenant: Tenant,
    /// The cluster that they are about.
    pub cluster: Cluster,
    /// When Airside took the events in.
    pub ingest_time: Timestamp,
    /// The texts.
    pub texts: Texts,
    /// The sightings.
    pub sightings: Vec<Sighting>,
    /// The events that are only counted.
    pub quiet: Vec<Quiet>,
    /// Why these were allowed, as the authorizer says it, each reason once: the grants that they needed.
    pub quiet_reasons: Vec<TextRef>,
    weight: usize,
}

impl SightingBatch {
    /// A batch without sightings.
    pub fn new(tenant: Tenant, cluster: Cluster, ingest_time: Timestamp) -> Self {
        Self {
            tenant,
            cluster,
            ingest_time,
            texts: Texts::default(),
            sightings: Vec::new(),
            quiet: Vec::new(),
            quiet_reasons: Vec::new(),
            weight: 0,
        }
    }

    /// Adds a sighting, whose texts are of this batch.
    pub fn push(&mut self, sighting: Sighting) {
        // What else a sighting has takes about 120 bytes on the wire.
        let candidates = sighting.candidates.iter().map(|it| &*it.record);
        let records = sighting.records.iter().chain(candidates);
        self.weight += 120 + records.map(weight_of).sum::<usize>();
        self.sightings.push(sighting);
    }

    /// Counts an event of which nothing is to be said.
    pub fn count(&mut self, kind: QuietKind, event: Id, time: Timestamp) {
        self.weight += 16;
        match self.quiet.iter_mut().find(|known| known.kind == kind) {
            Some(known) => {
                known.first = known.first.min(time);
                known.last = known.last.max(time);
                known.events.push(event);
            }
            None => self.quiet.push(Quiet { kind, first: time, last: time, events: vec![event] }),
        }
    }

    /// Forgets its events and keeps its texts for further events of the cluster, as long as these have at most so many
    /// bytes.
    pub fn clear(&mut self, most_text_bytes: usize) {
        self.sightings.clear();
        self.quiet.clear();
        self.quiet_reasons.clear();
        self.weight = 0;
        if self.texts.bytes() > most_text_bytes {
            self.texts = Texts::default();
        }
    }

    /// Notes why a quiet event was allowed.
    pub fn allow_quiet(&mut self, reason: &str) {
        let reason = self.texts.add(reason);
        self.push_quiet_reason(reason);
    }

    /// Adds why a quiet event was allowed, by a text of this batch.
    pub fn push_quiet_reason(&mut self, reason: TextRef) {
        if reason != TextRef::default() && !self.quiet_reasons.contains(&reason) {
            self.weight += 4;
            self.quiet_reasons.push(reason);
        }
    }

    /// Adds quiet events of one kind.
    pub fn push_quiet(&mut self, quiet: Quiet) {
        self.weight += 16 * quiet.events.len();
        self.quiet.push(quiet);
    }

    /// How many events it has.
    pub fn events(&self) -> usize {
        let quiet: usize = self.quiet.iter().map(|quiet| quiet.events.len()).sum();
        self.sightings.len() + quiet
    }

    /// About how many bytes it takes on the wire.
    pub fn weight(&self) -> usize {
        self.weight + self.texts.bytes()
    }
}

/// About how many bytes a record takes on the wire. What a client chose to write into a detection counts as it is: a batch
/// that the log does not take would be lost with all its events.
fn weight_of(record: &Record) -> usize {
    const WITHOUT_TEXTS: usize = 400;
    let texts = match &record.payload {
        Payload::Detection(detection) => {
            let values = detection.values.iter().map(|it| it.name.len() + it.value.len());
            detection.message.len() + values.sum::<usize>()
        }
        _ => 0,
    };
    WITHOUT_TEXTS + texts
}

/// The most groups, decisions, images and Secrets (each) that are kept of one request; those beyond it are left out.
pub const MAX_TEXTS_OF_REQUEST: usize = 64;

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The event, by the identity that a client cannot choose.
    pub event: Id,
    /// When the request was received, as far as the source's clock is believed.
    pub time: Timestamp,
    /// How many bytes the event has.
    pub bytes: u32,
    /// The file and line that it was read from, where it came from a file.
    pub origin: Option<Place>,
    /// Who asked for what, and how it ended.
    pub request: SeenRequest,
    /// What the event tells by itself: detections and facts.
    pub records: Vec<Record>,
    /// What correlation rules of people's own count of it.
    pub candidates: Vec<CorrelationCandidate>,
}

/// An event that a correlation rule of people's own counts, judged where its bodies are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationCandidate {
    /// What the rule means: another key once it means something else.
    pub rule: Id,
    /// The group that the rule counts it in.
    pub group: Id,
    /// The value that is counted; none where events are, or where this one lacks it.
    pub value: Option<Id>,
    /// The rules that found the event, by their places in the correlation rule.
    pub places: Vec<u32>,
    /// When the event reached its stage, as far as the source's clock is believed.
    pub time: Timestamp,
    /// What is told if the rule fires on this event.
    pub record: Box<Record>,
}

/// The words of a request, as the API server's event has them. Those that it does not have are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenRequest {
    /// The request's id. A client can choose it.
    pub audit_id: TextRef,
    /// The stage, such as `ResponseComplete`.
    pub stage: TextRef,
    /// The verb of RBAC.
    pub verb: TextRef,
    /// The path, without the query.
    pub path: TextRef,
    /// Who authenticated.
    pub username: TextRef,
    /// Their uid.
    pub user_uid: TextRef,
    /// Their groups.
    pub groups: Vec<TextRef>,
    /// The credential's id.
    pub credential: TextRef,
    /// The pod that the token is bound to.
    pub pod_name: TextRef,
    /// Its uid.
    pub pod_uid: TextRef,
    /// The node that the token was issued on.
    pub node_name: TextRef,
    /// Its uid.
    pub node_uid: TextRef,
    /// Whom the user acts as.
    pub impersonated: TextRef,
    /// The client's address, as far as it is certain.
    pub address: TextRef,
    /// What the client calls itself.
    pub user_agent: TextRef,
    /// The API group.
    pub group: TextRef,
    /// The plural.
    pub resource: TextRef,
    /// Such as `exec`.
    pub subresource: TextRef,
    /// The namespace.
    pub namespace: TextRef,
    /// The object's name, from the answer where only that has it.
    pub name: TextRef,
    /// The object's uid, likewise.
    pub uid: TextRef,
    /// The HTTP code; 0 where the event has none.
    pub code: u16,
    /// `Failure` or empty.
    pub status: TextRef,
    /// What the authorizer decided.
    pub decision: TextRef,
    /// Why.
    pub reason: TextRef,
    /// The credential that the request had issued.
    pub issued_credential: TextRef,
    /// What admission webhooks call their decisions.
    pub decision_ids: Vec<TextRef>,
    /// It was only tried out.
    pub dry_run: bool,
    /// The rule by which people declared it as authorised.
    pub authorised: TextRef,
    /// The images of the pods that the request writes, as far as its body was kept.
    pub images: Vec<TextRef>,
    /// The Secrets that those pods use.
    pub secrets: Vec<TextRef>,
    /// The service account that they run as.
    pub runs_as: TextRef,
    /// What the request says of parameters: of an admission policy the group and kind of its parameters, of a binding its
    /// policy, and the namespace and name of its parameters. Empty where it says nothing of them.
    pub parameters: Vec<TextRef>,
}

/// Events that are counted and of which nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// What they are.
    pub kind: QuietKind,
    /// The first one.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// All of them, so that one that comes twice is counted once.
    pub events: Vec<Id>,
}

/// The kinds of events of which nothing but their number is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuietKind {
    /// The request was received and not answered yet: its answer is an event of its own.
    Unanswered,
    /// Clients ask which kinds of objects there are.
    Discovery,
    /// Somebody asks whether the API server is well.
    Health,
    /// Components tell that they are alive.
    Lease,
}

impl QuietKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Unanswered, Self::Discovery, Self::Health, Self::Lease];

    /// The kind's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Discovery => "discovery",
            Self::Health => "health",
            Self::Lease => "lease",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_used_again_with_its_texts_until_these_are_many() {
        let at = Timestamp::from_nanos(9);
        let mut batch = SightingBatch::new(Tenant::default(), Cluster::default(), at);
        let get = batch.texts.add("get");
        batch.count(QuietKind::Lease, Id::builder("test").finish(), at);
        batch.clear(3);
        assert_eq!((batch.events(), batch.weight(), batch.texts.get(get)), (0, 3, "get"));
        batch.clear(2);
        assert!(batch.texts.is_empty());
    }

    #[test]
    fn quiet_events_are_kept_by_kind() {
        let at = Timestamp::from_nanos;
        let mut batch = SightingBatch::new(Tenant::default(), Cluster::default(), at(9));
        for (kind, time) in
            [(QuietKind::Lease, 5), (QuietKind::Discovery, 4), (QuietKind::Lease, 3)]
        {
            batch.count(kind, Id::builder("test").number(time).finish(), at(time));
        }
        assert_eq!(batch.events(), 3);
        let told: Vec<_> = batch.quiet.iter().map(|it| (it.kind, it.first, it.last)).collect();
        assert_eq!(told, [(QuietKind::Lease, at(3), at(5)), (QuietKind::Discovery, at(4), at(4))]);
    }
}
