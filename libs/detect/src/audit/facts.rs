//! Facts that audit events carry about entities: what exists under which uid, who owns it, where it runs,
//! for whom a credential was issued, and who was given which role.
//!
//! Facts come from answers that show an object anew, not from every answer that shows it. Where they can,
//! they start with the object's creation, so that the same fact from two events is one record.

mod rights;

use airside_types::{Entity, Fact, ObjectRef, Record, Relation, Source, Timestamp};

use super::body::{at, text};
use super::event::Event;
use super::object::{Deleted, Node, ObjectMeta, Pod};
use super::request::{Outcome, Request};
use super::{kind, links};
use crate::intake::Intake;
use crate::json::RawJson;

/// How many images, containers or addresses of one pod are told.
const MAX_PARTS: usize = 50;

/// Facts of one event, on their way into records.
struct Facts<'i, 'r> {
    intake: &'i Intake<'i>,
    records: &'r mut Vec<Record>,
    /// When the request was received.
    time: Timestamp,
}

/// Adds what an event tells about entities. Facts about the client's own credential are worth their room
/// only where the client is `of_interest`.
pub(super) fn of(
    request: &Request<'_>,
    of_interest: bool,
    intake: &Intake<'_>,
    records: &mut Vec<Record>,
) {
    let event = request.event();
    let is_told = of_interest || shows_something_new(request);
    let Some(time) = is_told.then(|| request.time()).flatten() else {
        return;
    };
    let mut facts = Facts { intake, records, time };
    if of_interest {
        facts.of_client(event);
    }
    if request.outcome() != Outcome::Done || event.stage == "ResponseStarted" {
        return;
    }
    match (request.resource(), request.subresource(), request.verb()) {
        ("serviceaccounts", "token", "create") => facts.of_token(request),
        ("pods", "binding", "create") => facts.of_binding(request),
        ("pods", "", "create") | ("pods", "status", _) => facts.of_pod(event.response_object),
        ("nodes", "" | "status", "create" | "update" | "patch") => {
            facts.of_node(event.response_object)
        }
        (resource, "", "create" | "update" | "patch") if is_binding(resource) => {
            facts.of_role_binding(request);
        }
        (_, "", "delete") => facts.of_deletion(request),
        (_, "", _) => facts.of_object(request),
        _ => {}
    }
}

/// Whether an answer shows an object, or a part of one, for the first time.
fn shows_something_new(request: &Request<'_>) -> bool {
    let says = |words: &[&str]| {
        let body = request.event().request_object.map_or("", |body| body.get());
        words.iter().any(|word| body.contains(word))
    };
    match (request.resource(), request.subresource(), request.verb()) {
        ("serviceaccounts", "token", "create") | ("pods", "binding" | "", "create") => true,
        ("pods", "status", "patch" | "update") => says(&["\"podIP\"", "\"containerID\""]),
        ("nodes", "" | "status", "create" | "update" | "patch") => says(&["\"addresses\""]),
        (resource, "", "create" | "update" | "patch") => {
            is_owner_or_account(resource) || is_binding(resource)
        }
        (resource, "", "delete") => {
            is_owner_or_account(resource) || matches!(resource, "pods" | "nodes")
        }
        _ => false,
    }
}

fn is_owner_or_account(resource: &str) -> bool {
    matches!(
        resource,
        "deployments"
            | "replicasets"
            | "daemonsets"
            | "statefulsets"
            | "jobs"
            | "cronjobs"
            | "replicationcontrollers"
            | "serviceaccounts"
    )
}

fn is_binding(resource: &str) -> bool {
    matches!(resource, "rolebindings" | "clusterrolebindings")
}

impl Facts<'_, '_> {
    fn add(&mut self, subject: &Entity, relation: Relation, object: Entity, from: Timestamp) {
        let fact = Fact { subject: subject.clone(), relation, object, from, until: None };
        self.records.push(self.intake.fact(Source::Audit, fact));
    }

    fn exists(&mut self, entity: &Entity, from: Timestamp) {
        if entity.is_exact() {
            self.add(entity, Relation::Exists, entity.clone(), from);
        }
    }

    /// Whose credential the client used, and where its pod runs.
    fn of_client(&mut self, event: &Event<'_>) {
        let time = self.time;
        let pod = links::bound_pod(&event.user);
        let account = links::identities(&event.user)
            .into_iter()
            .find(|entity| entity.kind() == "ServiceAccount");
        if let Some(account) = &account {
            self.exists(account, time);
        }
        if let (Some(credential), Some(account)) = (links::credential(&event.user), &account) {
            self.add(&credential, Relation::IssuedFor, account.clone(), time);
            if let Some(pod) = &pod {
                self.add(&credential, Relation::IssuedFor, pod.clone(), time);
            }
        }
        let Some(pod) = pod else { return };
        self.exists(&pod, time);
        if let Some(account) = &account {
            self.add(&pod, Relation::RunsAs, account.clone(), time);
        }
        if let Some(node) = links::bound_node(&event.user) {
            self.exists(&node, time);
            self.add(&pod, Relation::RunsOn, node, time);
        }
    }

    /// A token, to whom it was given and for whom: the service account, and the pod that it is bound to.
    fn of_token(&mut self, request: &Request<'_>) {
        let event = request.event();
        let id = &event.annotations.issued_credential_id;
        if id.is_empty() {
            return;
        }
        let credential = Entity::Credential { id: id.clone().into_owned() };
        let account = Entity::service_account(request.namespace(), request.name());
        self.add(&credential, Relation::IssuedFor, account, self.time);
        let bound = at(request.body(), &["spec", "boundObjectRef"]);
        if text(bound, "kind") == "Pod" {
            let pod =
                Entity::pod(request.namespace(), text(bound, "name"), Some(text(bound, "uid")));
            self.add(&credential, Relation::IssuedFor, pod, self.time);
        }
        for identity in links::identities(&event.user) {
            self.add(&credential, Relation::IssuedTo, identity, self.time);
        }
    }

    /// The scheduler's choice of a node.
    fn of_binding(&mut self, request: &Request<'_>) {
        let body = request.body();
        let node = text(at(body, &["target"]), "name");
        if !node.is_empty() {
            let uid = text(at(body, &["metadata"]), "uid");
            let pod = Entity::pod(request.namespace(), request.name(), Some(uid));
            self.add(&pod, Relation::RunsOn, links::node(node, None), self.time);
        }
    }

    fn of_pod(&mut self, body: Option<RawJson<'_>>) {
        let Some(pod) = body.and_then(Pod::of) else { return };
        let meta = &pod.metadata;
        let entity = Entity::pod(&meta.namespace, &meta.name, Some(&meta.uid));
        let from = self.object(&entity, meta);
        let since = parsed(&pod.start_time).unwrap_or(from);
        if !pod.service_account_name.is_empty() {
            let account = Entity::service_account(&meta.namespace, &pod.service_account_name);
            self.add(&entity, Relation::RunsAs, account, from);
        }
        if !pod.node_name.is_empty() {
            self.add(&entity, Relation::RunsOn, links::node(&pod.node_name, None), since);
        }
        // A pod on the host's network has its node's address.
        let addresses = pod
            .ips
            .iter()
            .filter(|_| !pod.host_network)
            .filter_map(|ip| ip.parse::<std::net::IpAddr>().ok());
        let mut addresses: Vec<_> = addresses.take(MAX_PARTS).collect();
        addresses.dedup();
        for ip in addresses {
            let address = Entity::Address { ip: ip.to_canonical().to_string() };
            self.add(&entity, Relation::HasAddress, address, since);
        }
        self.of_containers(&pod, &entity, from);
    }

    fn of_containers(&mut self, pod: &Pod<'_>, entity: &Entity, from: Timestamp) {
        if pod.container_statuses.is_empty() {
            for image in pod.images.iter().take(MAX_PARTS) {
                let image = Entity::Image { reference: image.to_string(), digest: None };
                self.add(entity, Relation::RunsImage, image, from);
            }
        }
        for status in pod.container_statuses.iter().take(MAX_PARTS) {
            if status.container_id.is_empty() {
                continue;
            }
            let container = Entity::container(&status.container_id, Some(&status.name));
            self.add(&container, Relation::PartOf, entity.clone(), from);
            let digest = status.image_id.split_once('@').map(|(_, digest)| digest.to_owned());
            let image = Entity::Image { reference: status.image.to_string(), digest };
            self.add(&container, Relation::RunsImage, image, from);
        }
    }

    /// Existence and owner of an object; returns when it was created.
    fn object(&mut self, entity: &Entity, meta: &ObjectMeta<'_>) -> Timestamp {
        let from = parsed(&meta.creation_timestamp).unwrap_or(self.time);
        self.exists(entity, from);
        for owner in meta.owner_references.iter().filter(|owner| owner.controller) {
            let object = ObjectRef::named(
                kind::group_of_api_version(&owner.api_version),
                &owner.kind,
                Some(&meta.namespace),
                &owner.name,
            );
            let owner = Entity::Object(object.with_uid(Some(&owner.uid)));
            self.add(entity, Relation::OwnedBy, owner, from);
        }
        from
    }

    fn of_object(&mut self, request: &Request<'_>) {
        let Some(reference) = request.target() else { return };
        if is_owner_or_account(&reference.resource)
            && let Some(meta) = request.answered()
        {
            self.object(&named(&reference.api_group, &reference.resource, meta), meta);
        }
    }

    fn of_node(&mut self, body: Option<RawJson<'_>>) {
        let node = body.and_then(Node::of).filter(|node| !node.metadata.uid.is_empty());
        let Some(node) = node else { return };
        let entity = links::node(&node.metadata.name, Some(&node.metadata.uid));
        self.exists(&entity, self.time);
        let addresses = node.addresses.iter().filter_map(|address| address.parse().ok());
        for ip in addresses.take(MAX_PARTS) {
            let ip: std::net::IpAddr = ip;
            let address = Entity::Address { ip: ip.to_canonical().to_string() };
            self.add(&entity, Relation::HasAddress, address, self.time);
        }
    }

    /// The end of an object. A pod that is asked to end still runs for its grace period, so the last of
    /// the two deletions counts.
    fn of_deletion(&mut self, request: &Request<'_>) {
        let Some(reference) = request.target() else { return };
        let Some(deleted) = request.event().response_object.and_then(Deleted::of) else { return };
        let mut meta = deleted.metadata;
        if let Some(uid) = deleted.uid {
            meta.uid = uid;
        }
        let is_ending = !meta.deletion_timestamp.is_empty()
            && meta.deletion_grace_period_seconds.is_some_and(|seconds| seconds > 0);
        if is_ending || meta.uid.is_empty() {
            return;
        }
        meta.name.clone_from(&reference.name);
        meta.namespace.clone_from(&reference.namespace);
        let entity = named(&reference.api_group, &reference.resource, &meta);
        let from = parsed(&meta.creation_timestamp).unwrap_or(self.time);
        let fact = Fact {
            subject: entity.clone(),
            relation: Relation::Exists,
            object: entity,
            from,
            until: Some(self.time),
        };
        self.records.push(self.intake.fact(Source::Audit, fact));
    }
}

fn named(group: &str, resource: &str, meta: &ObjectMeta<'_>) -> Entity {
    let object = ObjectRef::named(group, kind::of(resource), Some(&meta.namespace), &meta.name);
    Entity::Object(object.with_uid(Some(&meta.uid)))
}

fn parsed(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).ok()
}
