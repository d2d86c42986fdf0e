//! Tells an incident: turns joined signals and what is known into what a person reads.
//!
//! Owns the assembly and the identity of an incident. Each part is one module below. Everything here
//! is a pure function of its input, so that equal sets of records are told in equal words.

mod advice;
mod causes;
mod deeds;
mod digest;
mod entities;
mod evidence;
mod lineage;
mod places;
mod score;
mod stages;
mod title;

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_types::{Cluster, Id, Incident, Phase, Tenant};

use crate::joins::acting_pod;
use crate::keyed::Keyed;
use crate::knowledge::Knowledge;
use crate::settings::Settings;
use crate::signal::Signal;

/// The signals of one incident and what is known.
pub(crate) struct Case<'a> {
    tenant: &'a Tenant,
    cluster: &'a Cluster,
    signals: Vec<Arc<Signal>>,
    guests: Vec<Arc<Signal>>,
    /// The pods that act, by signal.
    pods: BTreeMap<Id, Arc<Keyed>>,
    known: &'a dyn Knowledge,
    settings: &'a Settings,
}

/// The id that an anchor gives its incident. Every loud signal is an anchor, so the ids of an incident
/// are a function of its signals, whenever and in whatever order they came.
pub(crate) fn alias_of(anchor: Id) -> Id {
    Id::builder("incident").id(anchor).finish()
}

impl<'a> Case<'a> {
    /// The case of loud signals and the quiet ones that illustrate them, each in the order of time.
    pub(crate) fn new(
        (tenant, cluster): (&'a Tenant, &'a Cluster),
        signals: Vec<Arc<Signal>>,
        guests: Vec<Arc<Signal>>,
        known: &'a dyn Knowledge,
        settings: &'a Settings,
    ) -> Self {
        let acting = |signal: &Arc<Signal>| Some((signal.id(), acting_pod(signal, known)?));
        let pods = signals.iter().chain(&guests).filter_map(acting).collect();
        Self { tenant, cluster, signals, guests, pods, known, settings }
    }

    /// The pod that acts in a signal of this case.
    fn pod_of(&self, signal: &Signal) -> Option<&Arc<Keyed>> {
        self.pods.get(&signal.id())
    }

    /// Tells the incident. None without a signal.
    pub(crate) fn tell(&self) -> Option<Incident> {
        let (first, last) = (self.signals.first()?, self.signals.last()?);
        let mut aliases: Vec<Id> =
            self.signals.iter().map(|signal| alias_of(signal.id())).collect();
        aliases.sort_unstable();
        let mut terms = score::terms(self);
        let score = terms.iter().map(|term| term.points).sum();
        let (evidence, left_out) = evidence::evidence(self);
        terms.extend(left_out);
        let root_causes = causes::root_causes(self);
        let mut incident = Incident {
            id: alias_of(first.id()),
            aliases,
            tenant: self.tenant.clone(),
            clusters: vec![self.cluster.clone()],
            content_hash: Id::default(),
            severity: score::severity(self, score),
            score,
            terms,
            title: title::title(self),
            first_seen: first.time(),
            last_seen: last.time(),
            stages: stages::stages(self),
            entities: entities::entities(self),
            advice: advice::advice(self, &root_causes),
            evidence,
            root_causes,
            gaps: self.gaps(),
        };
        incident.content_hash = digest::content_hash(&incident);
        Some(incident)
    }

    fn gaps(&self) -> Vec<airside_types::Gap> {
        let (Some(first), Some(last)) = (self.signals.first(), self.signals.last()) else {
            return Vec::new();
        };
        let mut gaps = self.known.gaps_between(first.time(), last.time());
        gaps.truncate(self.settings.caps.gaps);
        gaps
    }

    /// The phases in which loud signals were seen, in the order of a deployment's journey.
    fn phases(&self) -> Vec<Phase> {
        let seen = |phase: &Phase| self.signals.iter().any(|signal| signal.phase == *phase);
        Phase::ALL.into_iter().filter(seen).collect()
    }
}
