//! Generators for incidents.

use airside_types::{Evidence, Incident, Phase, RootCause, ScoreTerm, Source, Stage, Tactic};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    Scale, cluster, field_path, gap, id, link, list, object, place, present, repeats, severity,
    techniques, tenant, text, time,
};
use crate::incident::{IncidentEvent, Merge, Revision};

fn stage() -> impl Strategy<Value = Stage> + Clone {
    (select(&Tactic::ALL[..]), techniques(), time(), time())
        .prop_map(|(tactic, techniques, first, last)| Stage { tactic, techniques, first, last })
}

fn evidence(scale: Scale) -> impl Strategy<Value = Evidence> + Clone {
    (
        (id(), select(&Source::ALL[..]), select(&Phase::ALL[..]), time()),
        (text(scale), text(scale), severity(), text(scale), option::of(place(scale))),
        (option::of(id()), option::of(repeats())),
    )
        .prop_map(
            |(
                (record, source, phase, time),
                (rule, summary, severity, native_id, origin),
                (event, repeats),
            )| Evidence {
                record,
                source,
                phase,
                time,
                rule,
                summary,
                severity,
                native_id,
                origin,
                event,
                repeats,
            },
        )
}

fn root_cause(scale: Scale) -> impl Strategy<Value = RootCause> + Clone {
    (
        (text(scale), severity(), object(scale), field_path(scale)),
        (place(scale), text(scale), text(scale), list(scale, text(scale))),
    )
        .prop_map(|((check, severity, object, field), (place, message, fix, lineage))| {
            RootCause { check, severity, object, field, place, message, fix, lineage }
        })
}

fn incident(scale: Scale) -> impl Strategy<Value = Incident> + Clone {
    let term =
        (text(scale), any::<i64>()).prop_map(|(reason, points)| ScoreTerm { reason, points });
    (
        (id(), list(scale, id()), tenant(), list(scale, cluster()), id()),
        (severity(), any::<i64>(), list(scale, term.boxed()), text(scale), time(), time()),
        (list(scale, stage()), list(scale, link(scale)), list(scale, evidence(scale))),
        (list(scale, root_cause(scale)), list(scale, text(scale)), list(scale, gap(scale))),
    )
        .prop_map(
            |(
                (id, aliases, tenant, clusters, content_hash),
                (severity, score, terms, title, first_seen, last_seen),
                (stages, entities, evidence),
                (root_causes, advice, gaps),
            )| Incident {
                id,
                aliases,
                tenant,
                clusters,
                content_hash,
                severity,
                score,
                terms,
                title,
                first_seen,
                last_seen,
                stages,
                entities,
                evidence,
                root_causes,
                advice,
                gaps,
            },
        )
}

pub(in crate::tests) fn revision(scale: Scale) -> impl Strategy<Value = Revision> + Clone {
    (incident(scale), any::<u64>(), present(Scale::Ordinary)).prop_map(
        |(incident, revision, trace_parent)| Revision { incident, revision, trace_parent },
    )
}

pub(in crate::tests) fn merge() -> impl Strategy<Value = Merge> + Clone {
    (tenant(), id(), id()).prop_map(|(tenant, old, into)| Merge { tenant, old, into })
}

pub(in crate::tests) fn incident_event(
    scale: Scale,
) -> impl Strategy<Value = IncidentEvent> + Clone {
    prop_oneof![
        3 => revision(scale).prop_map(|revision| IncidentEvent::Revision(Box::new(revision))),
        1 => merge().prop_map(IncidentEvent::Merged),
    ]
}
