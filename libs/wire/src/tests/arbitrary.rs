//! Generators for every noun of the vocabulary.
//!
//! [`Scale::Ordinary`] stays within the bounds of the wire, so that everything must survive a round trip;
//! [`Scale::Hostile`] now and then makes a text or a list far too long.

use airside_types::{
    Authorisation, BoardingPass, Cluster, Confidence, DeadLetter, Decision, Detection, Entity,
    Fact, FieldDigest, FieldPath, Finding, FindingState, Gap, Id, Link, LinkRole, NamedValue,
    ObjectRef, Operation, PassVerdict, Payload, Phase, Place, Record, Relation, Repeats, Severity,
    Source, Step, Tactic, Technique, Tenant, Timestamp, Verdict, Violation,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::finding::FindingEntry;

mod incident;
mod origin;
mod scan;
mod sighting;

pub(super) use incident::{incident_event, merge, revision};
pub(super) use scan::{answer, job, publication, scan_job, scan_request};
pub(super) use sighting::sighting_batch;

/// How large things get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Ordinary,
    Hostile,
}

fn text(scale: Scale) -> BoxedStrategy<String> {
    let short = "[ -~äß…\u{1F680}]{0,12}".boxed();
    match scale {
        Scale::Ordinary => short,
        Scale::Hostile => {
            let long = (select(vec!["a", "ß", "…", "\u{1F680}"]), 1_000..20_000_usize);
            prop_oneof![9 => short, 1 => long.prop_map(|(letter, times)| letter.repeat(times))]
                .boxed()
        }
    }
}

fn present(scale: Scale) -> BoxedStrategy<Option<String>> {
    option::of(text(scale)).prop_map(|name| name.filter(|name| !name.is_empty())).boxed()
}

fn list<T>(scale: Scale, entry: impl Strategy<Value = T> + Clone + 'static) -> BoxedStrategy<Vec<T>>
where
    T: std::fmt::Debug + Clone + 'static,
{
    let short = vec(entry.clone(), 0..3).boxed();
    match scale {
        Scale::Ordinary => short,
        Scale::Hostile => {
            let long = entry.prop_map(|entry| vec![entry; 600]);
            prop_oneof![29 => short, 1 => long].boxed()
        }
    }
}

fn id() -> impl Strategy<Value = Id> + Clone {
    any::<[u8; 16]>().prop_map(Id::from_bytes)
}

fn time() -> impl Strategy<Value = Timestamp> + Clone {
    any::<i64>().prop_map(Timestamp::from_nanos)
}

pub(super) fn tenant() -> impl Strategy<Value = Tenant> + Clone {
    "[a-z0-9]{1,12}".prop_map(|name| Tenant::new(&name).unwrap())
}

pub(super) fn cluster() -> impl Strategy<Value = Cluster> + Clone {
    "[a-z0-9]{1,12}".prop_map(|name| Cluster::new(&name).unwrap())
}

pub(super) fn severity() -> impl Strategy<Value = Severity> + Clone {
    select(&Severity::ALL[..])
}

fn techniques() -> impl Strategy<Value = Vec<Technique>> + Clone {
    vec(select(Technique::all().collect::<Vec<_>>()), 0..40).prop_map(|mut techniques| {
        techniques.truncate(32);
        techniques
    })
}

fn place(scale: Scale) -> impl Strategy<Value = Place> + Clone {
    (text(scale), any::<u32>(), any::<u32>()).prop_map(|(path, line, column)| Place {
        path: path.into(),
        line,
        column,
    })
}

fn field_path(scale: Scale) -> impl Strategy<Value = FieldPath> + Clone {
    let step = prop_oneof![
        text(scale).prop_map(|key| Step::Key(key.into())),
        any::<usize>().prop_map(Step::Index)
    ];
    list(scale, step).prop_map(FieldPath::from_iter)
}

fn object(scale: Scale) -> impl Strategy<Value = ObjectRef> + Clone {
    (text(scale), text(scale), present(scale), text(scale), present(scale)).prop_map(
        |(group, kind, namespace, name, uid)| ObjectRef { group, kind, namespace, name, uid },
    )
}

fn entity(scale: Scale) -> impl Strategy<Value = Entity> + Clone {
    let named = || text(scale);
    prop_oneof![
        object(scale).prop_map(Entity::Object),
        named().prop_map(|name| Entity::User { name }),
        named().prop_map(|id| Entity::Credential { id }),
        named().prop_map(|ip| Entity::Address { ip }),
        (named(), present(scale)).prop_map(|(id, name)| Entity::container(&id, name.as_deref())),
        (named(), present(scale))
            .prop_map(|(reference, digest)| Entity::Image { reference, digest }),
        named().prop_map(|sha256| Entity::FileHash { sha256 }),
        named().prop_map(|name| Entity::Domain { name }),
    ]
    .boxed()
}

fn link(scale: Scale) -> impl Strategy<Value = Link> + Clone {
    (select(&LinkRole::ALL[..]), entity(scale)).prop_map(|(role, entity)| Link::new(role, entity))
}

pub(super) fn finding(scale: Scale) -> impl Strategy<Value = Finding> + Clone {
    (
        (text(scale), severity(), select(&FindingState::ALL[..]), object(scale), present(scale)),
        (field_path(scale), text(scale), text(scale), place(scale), techniques()),
        (option::of(origin::source_line(scale)), present(scale)),
    )
        .prop_map(
            |(
                (check, severity, state, object, owner),
                (field, message, fix, place, techniques),
                (origin, named_field),
            )| {
                Finding {
                    check: check.into(),
                    severity,
                    state,
                    object: object.into(),
                    field,
                    message,
                    fix: fix.into(),
                    place,
                    techniques,
                    origin,
                    owner,
                    named_field: named_field.map(String::into_boxed_str),
                }
            },
        )
}

pub(super) fn pass(scale: Scale) -> impl Strategy<Value = BoardingPass> + Clone {
    let digest =
        (field_path(scale), any::<u64>()).prop_map(|(field, digest)| FieldDigest { field, digest });
    (
        (object(scale), id(), place(scale), option::of(text(scale))),
        (select(&PassVerdict::ALL[..]), list(scale, id()), list(scale, digest)),
        (option::of(origin::origin(scale)), option::of(origin::rules(scale))),
        (list(scale, origin::accepted(scale)), option::of(origin::attestation(scale))),
    )
        .prop_map(|(what, judged, (origin, rules), (accepted, attestation))| {
            let (object, digest, place, template) = what;
            let (verdict, findings, fields) = judged;
            BoardingPass {
                object,
                digest,
                place,
                template,
                verdict,
                findings,
                fields,
                origin,
                rules,
                accepted,
                attestation,
            }
        })
}

fn decision(scale: Scale) -> impl Strategy<Value = Decision> + Clone {
    let violation = (text(scale), severity(), field_path(scale), text(scale)).prop_map(
        |(check, severity, field, message)| Violation { check, severity, field, message },
    );
    let authorisation = prop_oneof![
        Just(Authorisation::Unknown),
        (id(), place(scale)).prop_map(|(pass, place)| Authorisation::Authorised { pass, place }),
        (id(), place(scale), list(scale, field_path(scale)))
            .prop_map(|(pass, place, fields)| Authorisation::Drifted { pass, place, fields }),
        (id(), place(scale), text(scale))
            .prop_map(|(pass, place, reason)| Authorisation::Untrusted { pass, place, reason }),
    ]
    .boxed();
    (
        (text(scale), select(&Verdict::ALL[..]), select(&Operation::ALL[..]), object(scale)),
        (text(scale), any::<bool>(), list(scale, link(scale)), list(scale, violation.boxed())),
        (authorisation, option::of(place(scale))),
    )
        .prop_map(
            |(
                (request_uid, verdict, operation, object),
                (subresource, dry_run, links, violations),
                (authorisation, origin),
            )| Decision {
                request_uid,
                verdict,
                operation,
                object,
                subresource,
                dry_run,
                links,
                violations,
                authorisation,
                origin,
            },
        )
}

fn detection(scale: Scale) -> impl Strategy<Value = Detection> + Clone {
    let value =
        (text(scale), text(scale)).prop_map(|(name, value)| NamedValue { name, value }).boxed();
    (
        (text(scale), any::<u32>(), text(scale), text(scale), severity()),
        (0..=1000_u16, select(&Tactic::ALL[..]), techniques(), select(&Phase::ALL[..])),
        (list(scale, link(scale)), list(scale, value), text(scale), option::of(place(scale))),
        (option::of(id()), option::of(repeats())),
    )
        .prop_map(
            |(
                (rule, rule_version, title, message, severity),
                (confidence, tactic, techniques, phase),
                (links, values, native_id, origin),
                (event, repeats),
            )| Detection {
                rule,
                rule_version,
                title,
                message,
                severity,
                confidence: Confidence::per_mille(confidence),
                tactic,
                techniques,
                phase,
                links: links.into(),
                values: values.into(),
                native_id,
                origin,
                event,
                repeats,
            },
        )
}

pub(super) fn repeats() -> impl Strategy<Value = Repeats> + Clone {
    (2..u64::MAX, time(), any::<u64>()).prop_map(|(count, last, carried_out)| Repeats {
        count,
        last,
        carried_out: carried_out % count,
    })
}

fn fact(scale: Scale) -> impl Strategy<Value = Fact> + Clone {
    let relation = select(&Relation::ALL[..]);
    (entity(scale), relation, entity(scale), time(), option::of(time())).prop_map(
        |(subject, relation, object, from, until)| Fact { subject, relation, object, from, until },
    )
}

fn gap(scale: Scale) -> impl Strategy<Value = Gap> + Clone {
    let source = select(&Source::ALL[..]);
    (source, text(scale), time(), time(), option::of(any::<u64>()), text(scale)).prop_map(
        |(source, origin, from, until, lost, reason)| Gap {
            source,
            origin,
            from,
            until,
            lost,
            reason,
        },
    )
}

pub(super) fn payload(scale: Scale) -> impl Strategy<Value = Payload> + Clone {
    prop_oneof![
        finding(scale).prop_map(Payload::Finding),
        pass(scale).prop_map(Payload::BoardingPass),
        decision(scale).prop_map(Payload::Decision),
        detection(scale).prop_map(Payload::Detection),
        fact(scale).prop_map(Payload::Fact),
        gap(scale).prop_map(Payload::Gap),
    ]
    .boxed()
}

pub(super) fn record(scale: Scale) -> impl Strategy<Value = Record> + Clone {
    let source = select(&Source::ALL[..]);
    (tenant(), cluster(), id(), source, time(), time(), payload(scale)).prop_map(
        |(tenant, cluster, id, source, event_time, ingest_time, payload)| Record {
            tenant,
            cluster,
            id,
            source,
            event_time,
            ingest_time,
            payload,
        },
    )
}

pub(super) fn finding_entry() -> impl Strategy<Value = FindingEntry> + Clone {
    let times = (time(), time(), time(), option::of(time()), option::of(time()));
    let judged = (option::of(origin::knowledge()), any::<bool>());
    (id(), cluster(), finding(Scale::Ordinary), times, any::<u32>(), judged).prop_map(
        |(id, cluster, finding, times, reappeared, (judged_by, outdated))| {
            let (first_seen, state_since, last_seen, reappeared_at, closed_at) = times;
            FindingEntry {
                id,
                cluster,
                finding,
                first_seen,
                state_since,
                last_seen,
                reappeared,
                reappeared_at,
                closed_at,
                judged_by,
                outdated,
            }
        },
    )
}

pub(super) fn dead_letter(scale: Scale) -> impl Strategy<Value = DeadLetter> + Clone {
    (
        (option::of(tenant()), option::of(cluster()), text(scale), text(scale)),
        (time(), id(), any::<u64>(), text(scale)),
    )
        .prop_map(|((tenant, cluster, origin, reason), (time, digest, bytes, excerpt))| {
            DeadLetter { tenant, cluster, origin, reason, time, digest, bytes, excerpt }
        })
}
