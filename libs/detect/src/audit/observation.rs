//! What an event shows to behaviour: who asked for what, from where, with what, and how it ended.
//!
//! What is usual, and what is rare, is `airside-baseline`'s; here its anomalies become detections.

use airside_baseline::observation::{
    Actor as Who, BoundPod, Class, Client as Program, Outcome as Ended, Request as Asked,
};
use airside_baseline::{Anomaly, Observation};
use airside_types::{
    NamedValue, Payload, Record, Rule, Sighting, SightingBatch, Source, Timestamp,
};

use super::actor::Actor;
use super::client::UserAgent;
use super::event::Event;
use super::request::{Outcome, Request};
use super::rules::Firing;
use crate::counting::repository;
use crate::intake::Intake;
use crate::rule::RuleInfo;

/// The images that the pods of a request name, without tags and digests.
pub fn images<'b>(sighting: &Sighting, batch: &'b SightingBatch) -> Vec<&'b str> {
    let images = sighting.request.images.iter();
    images.map(|image| repository(batch.texts.get(*image))).collect()
}

/// What an answered request shows, whose event is that [of a sighting](super::event_of) and whose [`images`] are these.
pub fn observation<'o, 'e: 'o>(
    sighting: &Sighting,
    request: &Request<'e>,
    images: &'o [&'o str],
) -> Observation<'o> {
    let event = request.event();
    let (user, target) = (&event.user, event.object_ref.as_ref());
    let of_target = |field: fn(&'e super::event::ObjectReference<'e>) -> &'e str| {
        target.map(field).unwrap_or_default()
    };
    let agent = UserAgent::parse(&event.user_agent);
    let text = |text: &'e str| Some(text).filter(|text| !text.is_empty());
    Observation {
        event: sighting.event,
        time: sighting.time,
        actor: Who { name: &user.username, class: class_of(request.actor()) },
        credential: text(&user.extra.credential_id),
        pod: text(&user.extra.pod_uid).map(|uid| BoundPod { uid, node: &user.extra.node_name }),
        client: Program {
            tool: agent.tool,
            version: agent.version,
            is_by_hand: request.client().is_by_hand(),
        },
        address: request.source_address(),
        request: Asked {
            verb: &event.verb,
            group: of_target(|it| &it.api_group),
            resource: of_target(|it| &it.resource),
            subresource: of_target(|it| &it.subresource),
            namespace: of_target(|it| &it.namespace),
            name: of_target(|it| &it.name),
        },
        outcome: match request.outcome() {
            Outcome::Done => Ended::Done,
            Outcome::Unauthenticated => Ended::Unauthenticated,
            Outcome::Forbidden => Ended::Refused,
            Outcome::Failed | Outcome::DryRun => Ended::Failed,
        },
        bytes: sighting.bytes,
        issued: text(&event.annotations.issued_credential_id),
        grant: binding(&event.annotations.reason),
        images,
    }
}

/// The binding that a reason names, such as `ClusterRoleBinding "admins"`.
fn binding(reason: &str) -> Option<&str> {
    let rest = reason.strip_prefix("RBAC: allowed by ")?;
    rest.split_once(" of ").map(|(binding, _)| binding)
}

const fn class_of(actor: Actor<'_>) -> Class {
    match actor {
        Actor::Unauthenticated | Actor::Anonymous => Class::Anonymous,
        Actor::Component(_) => Class::Component,
        Actor::Node(_) => Class::Node,
        Actor::ServiceAccount { .. } => Class::Account,
        Actor::User(_) => Class::Person,
    }
}

/// The record of an anomaly that a sighting has, of which this is the request.
pub fn anomaly(
    anomaly: &Anomaly,
    sighting: &Sighting,
    request: &Request<'_>,
    intake: &Intake<'_>,
) -> Option<Record> {
    let rule = airside_baseline::rules().find(|rule| rule.id == anomaly.rule)?;
    let deed = format!("{}: {}", anomaly.seen, anomaly.usual);
    let firing = Firing::new(deed)
        .at(anomaly.severity)
        .with("per-million", &anomaly.per_million.to_string());
    Some(of_sighting(rule, firing, sighting, request, intake))
}

/// The record of what a rule over several events says at a sighting, of which this is the request.
pub(crate) fn of_sighting(
    rule: &Rule,
    firing: Firing,
    sighting: &Sighting,
    request: &Request<'_>,
    intake: &Intake<'_>,
) -> Record {
    let mut detection = super::detection(rule.into(), firing, request, intake);
    detection.origin.clone_from(&sighting.origin);
    intake.detection(Source::Audit, sighting.event, Some(sighting.time), detection)
}

/// The record of an audit log that has told nothing since a time: it is about no event.
pub fn silence(anomaly: &Anomaly, since: Timestamp, intake: &Intake<'_>) -> Option<Record> {
    let rule = RuleInfo::from(airside_baseline::rules().find(|rule| rule.id == anomaly.rule)?);
    let (cluster, seen, usual) = (intake.cluster.as_str(), &anomaly.seen, &anomaly.usual);
    let nothing = Event::default();
    let request = Request::new(&nothing, intake.profile);
    let mut detection = super::detection(rule, Firing::new(String::new()), &request, intake);
    detection.message = format!("The API server of cluster {cluster} {seen}: {usual}.");
    let values =
        [("silent-since", since.to_string()), ("per-million", anomaly.per_million.to_string())];
    let named = values.map(|(name, value)| NamedValue { name: name.into(), value });
    detection.values = named.into_iter().collect();
    let silence = intake.event_id(Source::Audit).text("silence").number(since.as_nanos()).finish();
    let mut record = intake.detection(Source::Audit, silence, None, detection);
    if let Payload::Detection(detection) = &mut record.payload {
        // There is no raw record of what did not come.
        detection.event = None;
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use airside_baseline::{ClusterBehaviour, Limits};
    use airside_types::{Cluster, Payload, SightingBatch, Tenant, Timestamp};

    use super::super::own;
    use super::super::sighting::{Telling, event_of, sight};
    use super::*;
    use crate::authorised::Authorised;
    use crate::intake::Clock;
    use crate::profile::ClusterProfile;

    fn event(minute: usize, verb: &str, resource: &str) -> String {
        let (hour, minute) = (minute / 60, minute % 60);
        let (day, hour) = (hour / 24 + 1, hour % 24);
        format!(
            r#"{{"stage":"ResponseComplete","verb":"{verb}","requestURI":"/x","user":{{"username":"system:serviceaccount:shop:web","groups":["system:serviceaccounts","system:serviceaccounts:shop","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI=1"]}}}},"userAgent":"web/1.2","sourceIPs":["10.0.0.7"],"objectRef":{{"resource":"{resource}","namespace":"shop","name":"x"}},"responseStatus":{{"code":200}},"annotations":{{"authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"web/shop\" of Role \"web\" to ServiceAccount \"web/shop\""}},"requestReceivedTimestamp":"2026-01-{day:02}T{hour:02}:{minute:02}:00Z"}}"#
        )
    }

    #[test]
    fn what_is_rare_for_an_actor_becomes_a_detection_of_its_own() {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
        let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
        let mut behaviour = ClusterBehaviour::new(Limits::default());
        let mut told = Vec::new();
        let mut batch = SightingBatch::new(tenant.clone(), cluster.clone(), Timestamp::EPOCH);
        let usual = (0..300).map(|hour| event(60 * hour, "get", "configmaps"));
        for text in usual.chain([event(60 * 300, "create", "secrets")]) {
            let event = Event::parse(&text).unwrap();
            let judging = (Telling::All, &Authorised::default());
            sight(
                (&Request::new(&event, profile), text.len()),
                &intake,
                judging,
                own::Found::default(),
                &mut batch,
            );
        }
        for sighting in &batch.sightings {
            let event = event_of(&batch, sighting);
            let request = Request::new(&event, profile);
            let anomalies = behaviour.observe(&observation(sighting, &request, &[]));
            told.extend(anomalies.iter().filter_map(|it| anomaly(it, sighting, &request, &intake)));
        }
        let messages: Vec<_> = told
            .iter()
            .filter_map(|record| match &record.payload {
                Payload::Detection(found) => Some(format!("{} {}", found.rule, found.message)),
                _ => None,
            })
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @"AUD-B01 ServiceAccount shop/web did `create secrets in shop` for the first time: on 300 occasions it has not done it, nor has any other of its kind, from 10.0.0.7 with web/1.2.");
    }

    #[test]
    fn a_binding_is_told_as_the_reason_names_it() {
        let reason = r#"RBAC: allowed by RoleBinding "web/shop" of Role "web" to Group "x""#;
        assert_eq!(binding(reason), Some(r#"RoleBinding "web/shop""#));
        assert_eq!(binding("webhook says yes"), None);
    }
}
