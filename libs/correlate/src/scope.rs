//! One cluster of one tenant: its records, and its incidents kept up to date.
//!
//! Owns the versions and the age of records, and what a new record makes look at again. Nothing is
//! joined across scopes.

mod held;
mod stories;

use std::collections::BTreeSet;
use std::sync::Arc;

use airside_types::{Cluster, Id, Incident, Payload, Record, Source, Tenant, Timestamp};

use crate::engine::Change;
use crate::graph::Graph;
use crate::index::{Askers, Asking, Index, Topic};
use crate::joins::points_of;
use crate::settings::Settings;
use crate::signal::Signal;
use crate::table::Table;
use held::Held;
pub(crate) use held::{is_context, is_newer, same_content};
use stories::Stories;

/// The records and incidents of one cluster of one tenant.
#[derive(Debug)]
pub(crate) struct Scope {
    tenant: Tenant,
    cluster: Cluster,
    settings: Arc<Settings>,
    records: Table<Id, Held>,
    /// Detections, decisions and gaps by age.
    signals_by_age: BTreeSet<(Timestamp, Id)>,
    /// Facts, findings and boarding passes by age.
    context_by_age: BTreeSet<(Timestamp, Id)>,
    newest: Option<Timestamp>,
    sources: BTreeSet<Source>,
    signals: Table<Id, Arc<Signal>>,
    index: Index,
    graph: Graph,
    /// Which signals' points rest on which answers.
    point_askers: Askers,
    stories: Stories,
    /// Intervals of gaps that came or went since the stories were told.
    gaps_changed: Vec<(Timestamp, Timestamp)>,
    expired: Vec<Id>,
}

impl Scope {
    pub(crate) fn new(tenant: Tenant, cluster: Cluster, settings: Arc<Settings>) -> Self {
        let spans = &settings.spans;
        let furthest =
            [spans.session_in_pod, spans.creation, spans.issue, spans.escape, spans.address]
                .into_iter()
                .max()
                .unwrap_or_default();
        Self {
            tenant,
            cluster,
            records: Table::default(),
            signals_by_age: BTreeSet::new(),
            context_by_age: BTreeSet::new(),
            newest: None,
            sources: BTreeSet::new(),
            signals: Table::default(),
            index: Index::new(settings.guards.clone()),
            graph: Graph::new(spans.clock_skew, furthest),
            point_askers: Askers::default(),
            stories: Stories::default(),
            gaps_changed: Vec::new(),
            expired: Vec::new(),
            settings,
        }
    }

    /// Takes a record in; an older version changes nothing, a repeated one only its age. Returns whether
    /// the record is now the one that is held.
    pub(crate) fn apply(&mut self, record: &Record) -> bool {
        self.newest = self.newest.max(Some(record.ingest_time));
        self.sources.insert(record.source);
        let Some(held) = self.records.get_mut(&record.id) else {
            return self.take_in(Arc::new(record.clone()));
        };
        if !is_newer(record, (&held.record, held.ingested)) {
            return false;
        }
        if same_content(&held.record, record) {
            let was = std::mem::replace(&mut held.ingested, record.ingest_time);
            let by_age = self.by_age(is_context(record));
            by_age.remove(&(was, record.id));
            return by_age.insert((record.ingest_time, record.id));
        }
        self.take_out(record.id);
        self.take_in(Arc::new(record.clone()))
    }

    /// The newest ingest time; none before the first record.
    pub(crate) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// Who has told of the cluster.
    pub(crate) const fn sources(&self) -> &BTreeSet<Source> {
        &self.sources
    }

    fn by_age(&mut self, context: bool) -> &mut BTreeSet<(Timestamp, Id)> {
        if context { &mut self.context_by_age } else { &mut self.signals_by_age }
    }

    fn take_in(&mut self, record: Arc<Record>) -> bool {
        let (id, ingested) = (record.id, record.ingest_time);
        let context = is_context(&record);
        if self.is_beyond_horizon(context, ingested) {
            self.expired.push(id);
            return false;
        }
        let signal = Signal::of(&record).map(Arc::new);
        let topics = self.index.add(&record, signal.as_deref());
        if let Payload::Gap(gap) = &record.payload {
            self.gaps_changed.push((gap.from, gap.until));
        }
        if let Some(signal) = signal {
            self.signals.insert(id, signal);
            self.place(id);
        }
        self.by_age(context).insert((ingested, id));
        self.records.insert(id, Held { record, ingested });
        self.look_again(&topics);
        self.bound(context);
        self.records.contains_key(&id)
    }

    fn take_out(&mut self, id: Id) {
        let Some(held) = self.records.remove(&id) else { return };
        self.by_age(is_context(&held.record)).remove(&(held.ingested, id));
        if let Payload::Gap(gap) = &held.record.payload {
            self.gaps_changed.push((gap.from, gap.until));
        }
        let signal = self.signals.remove(&id);
        let topics = self.index.remove(&held.record, signal.as_deref());
        self.point_askers.forget(id);
        self.graph.remove(id);
        self.look_again(&topics);
    }

    /// Puts a signal where its points are now.
    fn place(&mut self, id: Id) {
        let Some(signal) = self.signals.get(&id) else { return };
        let asking = Asking::new(&self.index);
        let points = points_of(signal, &asking, &self.settings);
        self.point_askers.note(id, asking.into_topics());
        if self.graph.stands(id, &points) {
            return;
        }
        self.graph.remove(id);
        if signal.is_loud() {
            self.graph.add_loud(id, signal.time(), points);
        } else {
            self.graph.add_quiet(id, signal.time(), points);
        }
    }

    /// Looks again at what rests on answers that may have changed.
    fn look_again(&mut self, topics: &BTreeSet<Topic>) {
        for id in self.point_askers.of(topics) {
            self.place(id);
        }
        for first in self.stories.resting_on(topics) {
            self.graph.disturb(first);
        }
    }

    fn is_beyond_horizon(&self, context: bool, age: Timestamp) -> bool {
        let retention = &self.settings.retention;
        let span = if context { retention.context } else { retention.signals };
        self.newest.is_some_and(|newest| age < newest.minus(span))
    }

    /// Drops the oldest while there are too many.
    fn bound(&mut self, context: bool) {
        let retention = &self.settings.retention;
        let most = if context { retention.max_context } else { retention.max_signals };
        while self.by_age(context).len() > most {
            self.drop_oldest(context);
        }
    }

    fn drop_oldest(&mut self, context: bool) {
        if let Some((_, id)) = self.by_age(context).first().copied() {
            self.take_out(id);
            self.expired.push(id);
        }
    }

    fn expire(&mut self) {
        for context in [false, true] {
            while let Some((age, _)) = self.by_age(context).first().copied()
                && self.is_beyond_horizon(context, age)
            {
                self.drop_oldest(context);
            }
        }
    }

    /// Tells the incidents anew that changed, and says what changed.
    pub(crate) fn settle(&mut self) -> Vec<Change> {
        self.expire();
        for first in self.stories.overlapping(&std::mem::take(&mut self.gaps_changed)) {
            self.graph.disturb(first);
        }
        let told = stories::Told {
            tenant: &self.tenant,
            cluster: &self.cluster,
            settings: &self.settings,
            signals: &self.signals,
            index: &self.index,
        };
        self.stories.settle(&mut self.graph, &told)
    }

    /// The ids of records that were dropped since the last call.
    pub(crate) fn take_expired(&mut self) -> Vec<Id> {
        self.expire();
        std::mem::take(&mut self.expired)
    }

    pub(crate) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.stories.incidents()
    }

    pub(crate) fn resolve(&self, id: Id) -> Option<&Incident> {
        self.stories.resolve(id)
    }
}
