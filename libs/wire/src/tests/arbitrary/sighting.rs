//! Generators for batches of sightings.

use airside_types::sighting::SeenRequest;
use airside_types::{CorrelationCandidate, Quiet, QuietKind, Sighting, SightingBatch};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Scale, cluster, id, place, record, tenant, text, time};

/// A sighting without its texts, and its texts: by them every field is another.
type Seen = (Sighting, Vec<String>);

fn seen(scale: Scale) -> impl Strategy<Value = Seen> + Clone {
    let fields = (id(), time(), any::<u32>(), option::of(place(scale)), any::<bool>());
    let told = (vec(record(scale), 0..2), vec(candidate(scale), 0..2));
    (fields, any::<u16>(), told, vec(text(scale), 30..36)).prop_map(
        |((event, time, bytes, origin, dry_run), code, (records, candidates), texts)| {
            let request = SeenRequest { code, dry_run, ..SeenRequest::default() };
            (Sighting { event, time, bytes, origin, request, records, candidates }, texts)
        },
    )
}

fn candidate(scale: Scale) -> impl Strategy<Value = CorrelationCandidate> + Clone {
    (id(), id(), option::of(id()), vec(any::<u32>(), 0..3), time(), record(scale)).prop_map(
        |(rule, group, value, places, time, record)| {
            let record = Box::new(record);
            CorrelationCandidate { rule, group, value, places, time, record }
        },
    )
}

fn quiet() -> impl Strategy<Value = Quiet> + Clone {
    (select(&QuietKind::ALL[..]), time(), time(), vec(id(), 0..4))
        .prop_map(|(kind, first, last, events)| Quiet { kind, first, last, events })
}

pub(in crate::tests) fn sighting_batch(
    scale: Scale,
) -> impl Strategy<Value = SightingBatch> + Clone {
    (tenant(), cluster(), time(), vec(seen(scale), 0..4), vec(quiet(), 0..3)).prop_map(
        |(tenant, cluster, ingest_time, all, quiet)| {
            let mut batch = SightingBatch::new(tenant, cluster, ingest_time);
            for (mut sighting, texts) in all {
                let mut places = texts.iter().map(|text| batch.texts.add(text));
                let mut next = || places.next().unwrap_or_default();
                let it = &mut sighting.request;
                for field in [
                    &mut it.audit_id,
                    &mut it.stage,
                    &mut it.verb,
                    &mut it.path,
                    &mut it.username,
                    &mut it.user_uid,
                    &mut it.credential,
                    &mut it.pod_name,
                    &mut it.pod_uid,
                    &mut it.node_name,
                    &mut it.node_uid,
                    &mut it.impersonated,
                    &mut it.user_agent,
                    &mut it.group,
                    &mut it.resource,
                    &mut it.subresource,
                    &mut it.namespace,
                    &mut it.name,
                    &mut it.uid,
                    &mut it.status,
                    &mut it.decision,
                    &mut it.reason,
                    &mut it.issued_credential,
                    &mut it.address,
                    &mut it.authorised,
                    &mut it.runs_as,
                ] {
                    *field = next();
                }
                it.groups = vec![next(), next()];
                it.images = vec![next()];
                it.secrets = vec![next()];
                it.parameters = vec![next(), next()];
                it.decision_ids = places.collect();
                batch.push(sighting);
            }
            quiet.into_iter().for_each(|quiet| batch.push_quiet(quiet));
            let reasons: Vec<String> = batch.texts.iter().take(3).map(str::to_owned).collect();
            reasons.iter().for_each(|reason| batch.allow_quiet(reason));
            batch
        },
    )
}
