//! Trails from what an incident involves to the manifests behind it.
//!
//! Owns the steps: live entity, owners, decision, boarding pass, manifest. Where a link of the chain is
//! missing, the trail goes on by name and says so.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use airside_types::{
    Authorisation, BoardingPass, Entity, EntityKey, Finding, ObjectRef, Payload, Record, Relation,
};

use super::Case;
use crate::keyed::Keyed;
use crate::knowledge::{resolved, under_manifest_names, with_owners};

/// The open findings in a manifest's object, and how the incident leads there.
#[derive(Debug)]
pub(super) struct Trail {
    /// The findings, as records.
    pub(super) findings: Vec<Arc<Record>>,
    /// One sentence a step.
    pub(super) steps: Rc<[String]>,
}

/// The finding in a record of one.
pub(super) fn finding(record: &Record) -> Option<&Finding> {
    match &record.payload {
        Payload::Finding(finding) => Some(finding),
        _ => None,
    }
}

/// The trails of a case to objects with open findings, each object once, in the order in which the
/// signals lead there.
pub(super) fn trails(case: &Case<'_>) -> Vec<Trail> {
    let mut walk = Walk { case, seen: BTreeSet::new(), trails: Vec::new() };
    for signal in &case.signals {
        if let Some(pod) = case.pod_of(signal) {
            walk.pod(pod);
        }
        let parties = &signal.parties;
        for target in parties.targets.iter().filter(|target| target.kind() == "Pod") {
            walk.pod(&resolved(case.known, target, signal.time()));
        }
        let principal = || {
            let principal = parties.principal();
            principal.map_or_else(|| "Somebody".to_owned(), |principal| principal.to_string())
        };
        let accounts = parties.identities.iter();
        for account in accounts.filter(|identity| identity.kind() == "ServiceAccount") {
            walk.object(account, || vec![format!("Requests were made as {account}")]);
            walk.roles_of(account);
        }
        for grant in &parties.grants {
            walk.object(grant, || vec![format!("{} was allowed by {grant}", principal())]);
        }
        for target in parties.targets.iter().filter(|target| target.kind() == "ConfigMap") {
            walk.object(target, || vec![format!("{} acted upon {target}", principal())]);
        }
    }
    walk.trails
}

struct Walk<'a> {
    case: &'a Case<'a>,
    seen: BTreeSet<EntityKey>,
    trails: Vec<Trail>,
}

impl Walk<'_> {
    /// The pod, its owners, and the service account that it runs as.
    fn pod(&mut self, pod: &Arc<Keyed>) {
        if !self.seen.insert(pod.key()) {
            return;
        }
        let known = self.case.known;
        let chain = with_owners(known, pod);
        for (height, entity) in chain.iter().enumerate() {
            self.object(entity, || owned(chain.iter().take(height + 1)));
        }
        if let Some(top) = chain.last() {
            self.owners_by_name(top, &chain);
        }
        for entity in &chain {
            for account in known.related(entity.key(), Relation::RunsAs) {
                self.object(&account, || vec![format!("{entity} runs as {account}")]);
            }
        }
    }

    /// The roles that are known to be an identity's, whether or not a request said so.
    fn roles_of(&mut self, identity: &Arc<Keyed>) {
        for key in [identity.key(), identity.name_key()] {
            for role in self.case.known.related(key, Relation::GrantedBy) {
                self.object(&role, || vec![format!("{identity} has the rights of {role}")]);
            }
        }
    }

    /// Where facts about owners end, the name of an object tells the names that its owner may have.
    fn owners_by_name(&mut self, top: &Arc<Keyed>, chain: &[Arc<Keyed>]) {
        let Some(object) = top.as_object() else { return };
        for (group, kind, name) in owners_by_name(&object.kind, &object.name) {
            let owner = ObjectRef::named(group, kind, object.namespace.as_deref(), &name);
            let owner = Keyed::new(Entity::Object(owner));
            self.object(&owner, || {
                let guess = format!("{top} seems to belong to {owner}, by its name alone");
                owned(chain.iter()).into_iter().chain([guess]).collect()
            });
        }
    }

    /// The object's way to a manifest: by decision and boarding pass, else by name.
    fn object(&mut self, object: &Arc<Keyed>, steps: impl FnOnce() -> Vec<String>) {
        if object.as_object().is_none() || !self.seen.insert(object.name_key()) {
            return;
        }
        let known = self.case.known;
        let mut findings = under_manifest_names(object, |name| known.findings_in(name));
        if findings.is_empty() {
            return;
        }
        let mut steps = steps();
        match self.by_decision(object, &mut steps) {
            Some(path) => findings
                .retain(|record| finding(record).is_some_and(|finding| finding.place.path == path)),
            None => steps.push(self.by_name(object)),
        }
        self.trails.push(Trail { findings, steps: steps.into() });
    }

    /// The step to the manifest that has the same name.
    fn by_name(&self, object: &Keyed) -> String {
        let known = self.case.known;
        let passes = under_manifest_names(object, |name| known.boarding_passes_of(name));
        let places = passes.iter().filter_map(|record| Some(&pass(record)?.place));
        match places.min() {
            Some(place) => format!(
                "No decision on {object} led to its manifest; by name it went through the check-in \
                 at {place}"
            ),
            None => format!("By name, {object} is the object that was scanned"),
        }
    }

    /// The file that the decision on the object names, and the steps there.
    fn by_decision(&self, object: &Keyed, steps: &mut Vec<String>) -> Option<Arc<str>> {
        let known = self.case.known;
        let at = self.case.signals.first()?.time();
        let decision = known.decision_on(object.key(), at);
        let decision = decision.or_else(|| known.decision_on(object.name_key(), at))?;
        let Payload::Decision(decision) = &decision.payload else { return None };
        let (id, place, how) = match &decision.authorisation {
            Authorisation::Authorised { pass, place } => (pass, place, "authorised by"),
            Authorisation::Drifted { pass, place, .. } => (pass, place, "drifted from"),
            Authorisation::Untrusted { pass, place, .. } => (pass, place, "matching the untrusted"),
            Authorisation::Unknown => return None,
        };
        let record = known.boarding_pass(*id);
        let pass = record.as_deref().and_then(pass);
        let place = pass.map_or(place, |pass| &pass.place);
        steps.push(format!("{object} was admitted as {how} boarding pass {id}"));
        steps.push(format!("The boarding pass was made from {place}{}", revision(pass)));
        Some(place.path.clone())
    }
}

/// The steps along a chain of owners.
fn owned<'a>(chain: impl Iterator<Item = &'a Arc<Keyed>> + Clone) -> Vec<String> {
    let pairs = chain.clone().zip(chain.skip(1));
    pairs.map(|(below, above)| format!("{below} is owned by {above}")).collect()
}

/// The commit that a pass was given at, to stand behind its place.
fn revision(pass: Option<&BoardingPass>) -> String {
    let origin = pass.and_then(|pass| pass.origin.as_ref());
    let Some(revision) = origin.and_then(|origin| origin.revision.as_ref()) else {
        return String::new();
    };
    let repository =
        revision.repository.as_ref().map_or_else(String::new, |it| format!(" of {it}"));
    let changed = if revision.is_dirty { ", with changes that are not committed" } else { "" };
    format!(", at commit {}{repository}{changed}", revision.commit)
}

fn pass(record: &Record) -> Option<&BoardingPass> {
    match &record.payload {
        Payload::BoardingPass(pass) => Some(pass),
        _ => None,
    }
}

/// Owners that objects of such names may have: a controller adds a generated end to its own name.
fn owners_by_name(kind: &str, name: &str) -> Vec<(&'static str, &'static str, String)> {
    let Some((base, end)) = name.rsplit_once('-') else { return Vec::new() };
    let digits = end.bytes().all(|byte| byte.is_ascii_digit());
    let hash = end.len() <= 10 && is_generated(end);
    let owner = |group, kind| (group, kind, base.to_owned());
    match kind {
        "ReplicaSet" if hash => vec![owner("apps", "Deployment")],
        "Job" if digits && end.len() >= 8 => vec![owner("batch", "CronJob")],
        "Pod" if digits && end.len() < 5 => vec![owner("apps", "StatefulSet")],
        "Pod" if end.len() == 5 && is_generated(end) => {
            let mut owners = vec![owner("apps", "DaemonSet"), owner("batch", "Job")];
            owners.extend(owners_by_name("ReplicaSet", base));
            owners.extend(owners_by_name("Job", base));
            owners
        }
        _ => Vec::new(),
    }
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
            let owners = owners_by_name("Pod", pod).into_iter();
            owners.map(|(_, kind, name)| format!("{kind} {name}")).collect()
        };
        assert_eq!(
            of("api-6dcdd65946-gjx46"),
            ["DaemonSet api-6dcdd65946", "Job api-6dcdd65946", "Deployment api"]
        );
        assert_eq!(of("db-0"), ["StatefulSet db"]);
        assert_eq!(
            of("warm-29922155-svjjl"),
            ["DaemonSet warm-29922155", "Job warm-29922155", "CronJob warm"]
        );
        assert_eq!(owners_by_name("ReplicaSet", "api-6dcdd65946").len(), 1);
        assert!(of("by-hand-debug").is_empty());
    }
}
