//! The same incidents from scratch: slow, plain, and what the engine is tested against.
//!
//! Every question is answered by looking at every record (`linear`), every pair of signals is
//! compared. Only what a join is and how a story is told is shared with the engine.

mod linear;

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_types::{Cluster, Id, Incident, Record, Tenant, Timestamp};

use crate::joins::{Points, meet, points_of};
use crate::scope::{is_context, is_newer};
use crate::settings::Settings;
use crate::signal::Signal;
use crate::story::Case;
use linear::Everything;

/// The incidents of a set of records, by tenant, cluster and id. Takes time that grows with the square
/// of the number of signals.
pub fn incidents_of(records: &[Record], settings: &Settings) -> Vec<Incident> {
    let mut scopes: BTreeMap<(&Tenant, &Cluster), Vec<&Record>> = BTreeMap::new();
    for record in records {
        scopes.entry((&record.tenant, &record.cluster)).or_default().push(record);
    }
    let mut told = Vec::new();
    for ((tenant, cluster), records) in scopes {
        let everything = Everything::new(retained(&records, settings), &settings.guards);
        told.extend(incidents(tenant, cluster, &everything, settings));
    }
    told
}

/// The newest version of each record within the horizon.
fn retained(records: &[&Record], settings: &Settings) -> Vec<Arc<Record>> {
    let mut newest: BTreeMap<Id, &Record> = BTreeMap::new();
    for record in records {
        let held = newest.entry(record.id).or_insert(record);
        if is_newer(record, (held, held.ingest_time)) {
            *held = record;
        }
    }
    let now = records.iter().map(|record| record.ingest_time).max().unwrap_or_default();
    let retention = &settings.retention;
    let mut kept = Vec::new();
    for context in [false, true] {
        let (span, most) = if context {
            (retention.context, retention.max_context)
        } else {
            (retention.signals, retention.max_signals)
        };
        let of_kind = newest.values().filter(|record| is_context(record) == context);
        let mut fresh: Vec<&&Record> =
            of_kind.filter(|record| record.ingest_time >= now.minus(span)).collect();
        fresh.sort_by_key(|record| std::cmp::Reverse((record.ingest_time, record.id)));
        kept.extend(fresh.into_iter().take(most).map(|record| Arc::new((*record).clone())));
    }
    kept
}

/// A signal and where it can meet others.
struct Node {
    signal: Arc<Signal>,
    points: Points,
}

impl Node {
    fn moment(&self) -> (Timestamp, Id) {
        (self.signal.time(), self.signal.id())
    }
}

fn incidents(
    tenant: &Tenant,
    cluster: &Cluster,
    everything: &Everything<'_>,
    settings: &Settings,
) -> Vec<Incident> {
    let node = |signal: &Arc<Signal>| Node {
        signal: Arc::clone(signal),
        points: points_of(signal, everything, settings),
    };
    let mut nodes: Vec<Node> = everything.signals().map(node).collect();
    nodes.sort_by_key(Node::moment);
    let (loud, quiet): (Vec<Node>, Vec<Node>) =
        nodes.into_iter().partition(|node| node.signal.is_loud());
    let mut told = Vec::new();
    for component in components(&loud, settings) {
        for slice in component.chunks(settings.caps.signals.max(1)) {
            let signals = slice.iter().map(|node| Arc::clone(&node.signal)).collect();
            let guests = guests(slice, &loud, &quiet, settings);
            let case = Case::new((tenant, cluster), signals, guests, everything, settings);
            told.extend(case.tell());
        }
    }
    told.sort_by_key(|incident| incident.id);
    told
}

/// Groups of signals that are joined, directly or through others, each in the order of time.
fn components<'a>(loud: &'a [Node], settings: &Settings) -> Vec<Vec<&'a Node>> {
    let mut groups = Vec::new();
    let mut left: Vec<&Node> = loud.iter().collect();
    while let Some(first) = left.pop() {
        let mut group = vec![first];
        let mut frontier = vec![first];
        while let Some(here) = frontier.pop() {
            let (met, rest) = left.into_iter().partition(|other| joined(here, other, settings));
            left = rest;
            let met: Vec<&Node> = met;
            group.extend(&met);
            frontier.extend(met);
        }
        group.sort_by_key(|node| node.moment());
        groups.push(group);
    }
    groups
}

/// Whether any point of one meets any point of the other.
fn joined(a: &Node, b: &Node, settings: &Settings) -> bool {
    let (a_time, b_time) = (a.signal.time(), b.signal.time());
    a.points.joins.iter().any(|left| {
        let skew = settings.spans.clock_skew;
        b.points.joins.iter().any(|right| meet((left, a_time), (right, b_time), skew))
    })
}

/// The quiet signals that illustrate a slice: for each thing that a loud signal has in common with
/// quiet ones, those to which no other loud signal is nearer, so many before and after.
fn guests(slice: &[&Node], loud: &[Node], quiet: &[Node], settings: &Settings) -> Vec<Arc<Signal>> {
    let most = settings.caps.illustrations;
    let mut found: BTreeMap<(Timestamp, Id), Arc<Signal>> = BTreeMap::new();
    for host in slice {
        for attachment in &host.points.attachments {
            let has = |node: &&Node| {
                node.points.attachments.iter().any(|it| it.common == attachment.common)
            };
            let near =
                |node: &&Node| node.signal.time().distance(host.signal.time()) <= attachment.reach;
            let around = quiet.iter().filter(has).filter(near);
            let (before, after): (Vec<&Node>, Vec<&Node>) =
                around.partition(|guest| guest.moment() < host.moment());
            for guest in before.into_iter().rev().take(most).chain(after.into_iter().take(most)) {
                let distance = |node: &&Node| {
                    (node.signal.time().distance(guest.signal.time()), node.signal.id())
                };
                let nearest = loud.iter().filter(has).min_by_key(distance);
                if nearest.is_some_and(|nearest| nearest.signal.id() == host.signal.id()) {
                    found.insert(guest.moment(), Arc::clone(&guest.signal));
                }
            }
        }
    }
    found.into_values().collect()
}
