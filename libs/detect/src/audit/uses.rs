//! What the pods use that a request writes: images, Secrets, and the service account that they run as.
//!
//! Names only, and only where the event has the body: they are what the owner of a cluster learns which image is new and
//! which Secret is whose from.

use std::collections::BTreeSet;

use airside_k8s::graph::{Referent, references};

use super::pod_spec::pods;
use super::request::{Outcome, Request};

/// What pods use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) images: BTreeSet<String>,
    pub(super) secrets: BTreeSet<String>,
    /// Empty where it is not known.
    pub(super) runs_as: String,
}

/// The most images, and the most Secrets, of one request.
const MOST: usize = 32;

/// What the pods use that a request writes.
pub(super) fn of(request: &Request<'_>) -> Uses {
    let mut uses = Uses::default();
    let is_written = matches!(request.verb(), "create" | "update" | "patch")
        && request.subresource().is_empty()
        && request.outcome() == Outcome::Done
        && request.event().request_object.is_some();
    if !is_written || !may_describe_pods(request) {
        return uses;
    }
    for pod in pods(request) {
        let images = pod.containers.iter().filter_map(|it| it.image());
        uses.images.extend(images.take(MOST).map(str::to_owned));
        let secrets = references(&pod).into_iter().filter(|it| it.to == Referent::Secret);
        uses.secrets.extend(secrets.take(MOST).map(|it| it.name.to_owned()));
        // A patch says it only where it changes it.
        let is_whole = request.verb() != "patch";
        if is_whole || pod.field("serviceAccountName").is_some() {
            pod.service_account().clone_into(&mut uses.runs_as);
        }
    }
    uses
}

fn may_describe_pods(request: &Request<'_>) -> bool {
    matches!(
        (request.group(), request.resource()),
        ("", "pods" | "replicationcontrollers")
            | ("apps", "deployments" | "daemonsets" | "statefulsets" | "replicasets")
            | ("batch", "jobs" | "cronjobs")
    )
}
