//! What to do: close the hole first, then contain what happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use airside_types::RootCause;

use super::{Case, places};
use crate::keyed::Keyed;
use crate::knowledge::resolved;

/// How many fixes of manifests stand before the containment.
const MOST_FIXES: usize = 4;

/// Kinds of objects that an attacker leaves behind and that can be deleted.
const LEFT_BEHIND: [&str; 9] = [
    "CronJob",
    "Job",
    "DaemonSet",
    "Deployment",
    "RoleBinding",
    "ClusterRoleBinding",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "CertificateSigningRequest",
];

/// Advice in the order of urgency, each once, bounded.
pub(super) fn advice(case: &Case<'_>, causes: &[RootCause]) -> Vec<String> {
    let fixes = causes.iter().take(MOST_FIXES).map(|cause| {
        format!("In {}, {} of {}: {}", cause.place, cause.field, cause.object, cause.fix)
    });
    let mut advice: Vec<String> = fixes.collect();
    advice.extend(pods(case));
    advice.extend(nodes(case));
    advice.extend(identities(case));
    advice.extend(left_behind(case));
    advice.extend(secrets(case));
    let mut seen = BTreeSet::new();
    advice.retain(|line| seen.insert(line.clone()));
    advice.truncate(case.settings.caps.advice);
    advice
}

/// Pods in which something ran that should not.
fn pods(case: &Case<'_>) -> Vec<String> {
    let pods: BTreeSet<&Arc<Keyed>> =
        case.signals.iter().filter_map(|signal| case.pod_of(signal)).collect();
    pods.into_iter()
        .map(|pod| format!("Keep what you need for analysis, then delete {pod}"))
        .collect()
}

fn nodes(case: &Case<'_>) -> Vec<String> {
    let nodes: BTreeSet<String> = case
        .signals
        .iter()
        .filter_map(|signal| signal.parties.node.as_ref())
        .map(|node| node.name().to_owned())
        .collect();
    nodes
        .into_iter()
        .map(|node| {
            format!(
                "Cordon and rebuild Node {node}, and renew its kubelet credential: the node itself \
                 is no longer trustworthy"
            )
        })
        .collect()
}

/// Credentials that somebody else may hold now.
fn identities(case: &Case<'_>) -> Vec<String> {
    let mut advice = Vec::new();
    for [pod, address] in places::credentials_abroad(case) {
        advice.push(format!(
            "The token of {pod} is in use at {}: deleting the pod ends the token",
            address.name()
        ));
    }
    let mut sessions = BTreeSet::new();
    for signal in &case.signals {
        for user in signal.parties.users() {
            sessions.insert((user.clone(), signal.parties.address.clone()));
        }
    }
    for (user, address) in sessions {
        let from = address.map(|address| format!(" from {}", address.name())).unwrap_or_default();
        advice.push(format!(
            "Ask {user} whether this was their work{from}; if not, revoke their credentials"
        ));
    }
    advice
}

/// Objects that were made or changed on the way.
fn left_behind(case: &Case<'_>) -> Vec<String> {
    let mut objects = BTreeSet::new();
    for signal in case.signals.iter().filter(|signal| !signal.parties.is_shared()) {
        for target in &signal.parties.targets {
            if LEFT_BEHIND.contains(&target.kind()) && !target.name().is_empty() {
                let object = resolved(case.known, target, signal.time());
                objects.insert(object.to_string());
            }
        }
    }
    objects
        .into_iter()
        .map(|object| format!("Review {object} and delete it if it is not yours"))
        .collect()
}

/// Secrets that were read by name, and namespaces whose secrets were listed.
fn secrets(case: &Case<'_>) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut namespaces = BTreeSet::new();
    let reads = case.signals.iter().chain(&case.guests);
    let reads = reads.filter(|signal| signal.has_technique(&["T1552", "T1528"]));
    let reads = reads.filter(|signal| !signal.is_refused());
    for signal in reads {
        let secrets = signal.parties.targets.iter().filter(|target| target.kind() == "Secret");
        let before = names.len();
        names.extend(
            secrets.filter(|secret| !secret.name().is_empty()).map(|secret| secret.to_string()),
        );
        if names.len() == before {
            namespaces.extend(signal.parties.namespace.clone());
        }
    }
    let single = names.into_iter().map(|secret| format!("Rotate {secret}"));
    let listed = namespaces.into_iter().map(|namespace| {
        format!("Rotate what the secrets of namespace {namespace} hold: they were listed")
    });
    single.chain(listed).collect()
}
