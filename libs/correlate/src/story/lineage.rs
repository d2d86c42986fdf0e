//! Trails from what an incident involves to the manifests behind it.
//!
//! Owns the steps: live entity, owners, decision, boarding pass, manifest. Where a link of the chain is
//! missing, the trail goes on by name and says so.

use std::collections::BTreeSet;

use airside_types::{
    Authorisation, BoardingPass, Entity, Finding, ObjectRef, Payload, Record, Relation,
};

use super::Case;
use crate::joins::acting_pod;
use crate::knowledge::{Knowledge, manifest_names, resolved, with_owners};

/// A manifest's object and how the incident leads there.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) object: ObjectRef,
    /// The file, where a decision or boarding pass tells it.
    path: Option<String>,
    /// One sentence a step.
    pub(super) steps: Vec<String>,
}

impl Trail {
    /// The open findings at the trail's end.
    pub(super) fn findings(&self, known: &dyn Knowledge) -> Vec<Finding> {
        let names = manifest_names(&self.object);
        let records = names.into_iter().flat_map(|name| known.findings_in(name));
        let findings = records.filter_map(|record| match &record.payload {
            Payload::Finding(finding) => Some(finding.clone()),
            _ => None,
        });
        let here = |finding: &Finding| {
            self.path.as_ref().is_none_or(|path| *path == finding.place.path)
        };
        findings.filter(here).collect()
    }
}

/// The trails of a case, each object once, in the order in which the signals lead there.
pub(super) fn trails(case: &Case<'_>) -> Vec<Trail> {
    let mut walk = Walk { case, seen: BTreeSet::new(), trails: Vec::new() };
    for signal in &case.signals {
        if let Some(pod) = acting_pod(signal, case.known) {
            walk.pod(&pod);
        }
        let parties = &signal.parties;
        for target in parties.targets.iter().filter(|target| target.kind() == "Pod") {
            walk.pod(&resolved(case.known, target, signal.time()));
        }
        let principal = parties.principal().map(named).unwrap_or_else(|| "Somebody".to_owned());
        if let Some(account) = &parties.service_account {
            walk.object(account, vec![format!("Requests were made as {account}")]);
        }
        for grant in &parties.grants {
            walk.object(grant, vec![format!("{principal} was allowed by {grant}")]);
        }
        for target in parties.targets.iter().filter(|target| target.kind() == "ConfigMap") {
            walk.object(target, vec![format!("{principal} acted upon {target}")]);
        }
    }
    walk.trails
}

/// How an entity is called within a sentence.
fn named(entity: &Entity) -> String {
    entity.to_string()
}

struct Walk<'a> {
    case: &'a Case<'a>,
    seen: BTreeSet<airside_types::EntityKey>,
    trails: Vec<Trail>,
}

impl Walk<'_> {
    /// The pod, its owners, and the service account that it runs as.
    fn pod(&mut self, pod: &Entity) {
        if !self.seen.insert(pod.key()) {
            return;
        }
        let known = self.case.known;
        let chain = with_owners(known, pod);
        let mut steps = Vec::new();
        let mut below = pod;
        for entity in &chain {
            if entity.key() != below.key() {
                steps.push(format!("{below} is owned by {entity}"));
            }
            below = entity;
            self.object(entity, steps.clone());
        }
        if chain.len() == 1 {
            self.owners_by_name(pod);
        }
        for entity in &chain {
            for account in known.related(entity.key(), Relation::RunsAs) {
                self.object(&account, vec![format!("{entity} runs as {account}")]);
            }
        }
    }

    /// Without facts about owners, the name of a pod tells the names that its owner may have.
    fn owners_by_name(&mut self, pod: &Entity) {
        let Some(object) = pod.as_object() else { return };
        for (group, kind, name) in owners_by_name(&object.name) {
            let owner =
                Entity::Object(ObjectRef::named(group, kind, object.namespace.as_deref(), &name));
            let step = format!("{pod} seems to belong to {owner}, by its name alone");
            self.object(&owner, vec![step]);
        }
    }

    /// The object's way to a manifest: by decision and boarding pass, else by name.
    fn object(&mut self, entity: &Entity, mut steps: Vec<String>) {
        let Some(object) = entity.as_object() else { return };
        if !self.seen.insert(entity.name_key()) {
            return;
        }
        let path = self.by_decision(entity, &mut steps);
        if path.is_none() {
            let names = manifest_names(object);
            let known = self.case.known;
            let passes = names.iter().flat_map(|name| known.boarding_passes_of(*name));
            let place = passes.filter_map(|record| Some(pass(&record)?.place.clone())).min();
            steps.push(match place {
                Some(place) => format!(
                    "No decision on {entity} led to its manifest; by name it went through the \
                     check-in at {place}"
                ),
                None => format!("By name, {entity} is the object that was scanned"),
            });
        }
        self.trails.push(Trail { object: object.clone(), path, steps });
    }

    /// The file that the decision on the object names, and the steps there.
    fn by_decision(&self, entity: &Entity, steps: &mut Vec<String>) -> Option<String> {
        let known = self.case.known;
        let at = self.case.signals.first()?.time();
        let decision = known.decision_on(entity.key(), at);
        let decision = decision.or_else(|| known.decision_on(entity.name_key(), at))?;
        let Payload::Decision(decision) = &decision.payload else { return None };
        let (id, place, how) = match &decision.authorisation {
            Authorisation::Authorised { pass, place } => (pass, place, "authorised by"),
            Authorisation::Drifted { pass, place, .. } => (pass, place, "drifted from"),
            Authorisation::Unknown => return None,
        };
        steps.push(format!("{entity} was admitted as {how} boarding pass {id}"));
        let place = known.boarding_pass(*id).and_then(|record| Some(pass(&record)?.place.clone()))
            .unwrap_or_else(|| place.clone());
        steps.push(format!("The boarding pass was made from {place}"));
        Some(place.path)
    }
}

fn pass(record: &Record) -> Option<&BoardingPass> {
    match &record.payload {
        Payload::BoardingPass(pass) => Some(pass),
        _ => None,
    }
}

/// Owners whose pods have such names: a controller adds a generated end, a Deployment's ReplicaSet and
/// a CronJob's Job have one themselves.
fn owners_by_name(pod: &str) -> Vec<(&'static str, &'static str, String)> {
    let mut owners = Vec::new();
    let Some((middle, end)) = pod.rsplit_once('-') else { return owners };
    if end.bytes().all(|byte| byte.is_ascii_digit()) {
        owners.push(("apps", "StatefulSet", middle.to_owned()));
    }
    if end.len() == 5 && is_generated(end) {
        owners.push(("apps", "DaemonSet", middle.to_owned()));
        owners.push(("batch", "Job", middle.to_owned()));
        if let Some((name, hash)) = middle.rsplit_once('-') {
            if hash.bytes().all(|byte| byte.is_ascii_digit()) && hash.len() >= 8 {
                owners.push(("batch", "CronJob", name.to_owned()));
            } else if hash.len() <= 10 && is_generated(hash) {
                owners.push(("apps", "Deployment", name.to_owned()));
            }
        }
    }
    owners
}

/// Kubernetes generates names without vowels and without digits that look like letters.
fn is_generated(text: &str) -> bool {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    !text.is_empty() && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pods_tell_the_kinds_of_owners() {
        let of = |pod: &str| -> Vec<String> {
            let owners = owners_by_name(pod).into_iter();
            owners.map(|(_, kind, name)| format!("{kind} {name}")).collect()
        };
        assert_eq!(of("api-6dcdd65946-gjx46"), [
            "DaemonSet api-6dcdd65946",
            "Job api-6dcdd65946",
            "Deployment api"
        ]);
        assert_eq!(of("db-0"), ["StatefulSet db"]);
        assert_eq!(of("warm-29922155-svjjl"), [
            "DaemonSet warm-29922155",
            "Job warm-29922155",
            "CronJob warm"
        ]);
        assert!(of("by-hand-debug").is_empty());
    }
}
