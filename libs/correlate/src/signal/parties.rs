//! Who takes part in a signal, read from the links of its record alone.
//!
//! Owns the reading of roles: person, workload, node or controller; credential and address; targets.
//! What facts add (a uid for a name, a pod for an address) is `joins`'.

use std::sync::Arc;

use airside_types::{Decision, Entity, Id, Link, LinkRole, ObjectRef, Payload, Phase, Record};

use crate::keyed::Keyed;

/// The field of an audit detection that holds the id of the decision on the same request.
const DECISION_FIELD: &str = "decision-id";

/// The fields of a detection that hold the program that made a request.
const AGENT_FIELDS: [&str; 2] = ["userAgent", "user-agent"];

/// Who acts, with what, on what.
#[derive(Debug, Default)]
pub(crate) struct Parties {
    /// Whom the API server saw: first who was authenticated, then whom they act as. Users, service
    /// accounts and nodes.
    pub(crate) identities: Vec<Arc<Keyed>>,
    /// The pod that acts, or whose token is used.
    pub(crate) pod: Option<Arc<Keyed>>,
    pub(crate) container: Option<Arc<Keyed>>,
    /// The node, where it acts itself: the kubelet's identity, or a process outside of pods.
    pub(crate) node: Option<Arc<Keyed>>,
    /// The node that it happened on.
    pub(crate) on_node: Option<Arc<Keyed>>,
    pub(crate) credential: Option<Arc<Keyed>>,
    pub(crate) address: Option<Arc<Keyed>>,
    pub(crate) targets: Vec<Arc<Keyed>>,
    /// Roles and bindings that allowed it.
    pub(crate) grants: Vec<Arc<Keyed>>,
    /// The objects that a controller carries out.
    pub(crate) causes: Vec<Arc<Keyed>>,
    /// All links, as the record has them.
    pub(crate) links: Vec<(LinkRole, Arc<Keyed>)>,
    /// The namespace of a request for a collection.
    pub(crate) namespace: Option<String>,
    /// The program that made the request, by what it calls itself.
    pub(crate) agent: Id,
    /// The decision of admission on the request.
    pub(crate) decision: Option<Id>,
}

impl Parties {
    /// The parties of a detection or decision; other records have none.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let mut parties = Self::default();
        match &record.payload {
            Payload::Detection(detection) => {
                parties.take(&detection.links);
                parties.read_values(detection);
                if detection.phase == Phase::Runtime && parties.is_nobody() {
                    parties.node = parties.on_node.clone();
                }
            }
            Payload::Decision(decision) => parties.read_decision(record, decision),
            _ => return None,
        }
        Some(parties)
    }

    fn read_values(&mut self, detection: &airside_types::Detection) {
        let value = |names: &[&str]| {
            let found = detection.values.iter().find(|value| names.contains(&value.name.as_str()));
            found.map(|value| value.value.as_str())
        };
        self.decision = value(&[DECISION_FIELD]).and_then(|text| text.parse().ok());
        self.agent = Id::builder("correlate/agent").optional(value(&AGENT_FIELDS)).finish();
    }

    fn read_decision(&mut self, record: &Record, decision: &Decision) {
        self.take(&decision.links);
        let object = Keyed::new(Entity::Object(decision.object.clone()));
        if !self.targets.contains(&object) {
            self.targets.push(object);
        }
        self.decision = Some(Decision::id(&record.tenant, &record.cluster, &decision.request_uid));
    }

    fn take(&mut self, links: &[Link]) {
        for link in links {
            let entity = Keyed::new(link.entity.clone());
            match link.role {
                LinkRole::Actor => self.take_actor(&entity),
                LinkRole::Target => self.targets.push(Arc::clone(&entity)),
                LinkRole::Means => self.take_means(&entity),
                LinkRole::Grant => self.grants.push(Arc::clone(&entity)),
                LinkRole::Context => self.take_context(&entity),
                LinkRole::Cause => self.take_cause(&entity),
            }
            self.links.push((link.role, entity));
        }
    }

    fn take_actor(&mut self, entity: &Arc<Keyed>) {
        match entity.entity() {
            Entity::User { name } => match node_of_user(name) {
                Some(name) => self.take_node(&node(name)),
                None => self.identities.push(Arc::clone(entity)),
            },
            Entity::Container { .. } => self.take_context(entity),
            Entity::Object(object) => match object.kind.as_str() {
                "ServiceAccount" => self.identities.push(Arc::clone(entity)),
                "Pod" => _ = self.pod.get_or_insert_with(|| Arc::clone(entity)),
                "Node" => self.take_node(entity),
                _ => {}
            },
            _ => {}
        }
    }

    /// A node's user and the node itself are one identity.
    fn take_node(&mut self, node: &Arc<Keyed>) {
        if self.node.is_none() {
            self.node = Some(Arc::clone(node));
            self.identities.push(Arc::clone(node));
        }
    }

    fn take_means(&mut self, entity: &Arc<Keyed>) {
        let place = match entity.entity() {
            Entity::Credential { .. } => &mut self.credential,
            Entity::Address { .. } => &mut self.address,
            Entity::Container { .. } => &mut self.container,
            _ => return,
        };
        place.get_or_insert_with(|| Arc::clone(entity));
    }

    fn take_context(&mut self, entity: &Arc<Keyed>) {
        match entity.entity() {
            // Falco writes the node's own processes as those of a container named `host`.
            Entity::Container { id, .. } if !id.is_empty() && id != "host" => {
                self.container.get_or_insert_with(|| Arc::clone(entity));
            }
            Entity::Object(object) if object.kind == "Node" => {
                self.on_node.get_or_insert_with(|| Arc::clone(entity));
            }
            Entity::Object(object) if object.kind == "Namespace" => {
                self.namespace.get_or_insert_with(|| object.name.clone());
            }
            _ => {}
        }
    }

    /// Who wrote the object did what they did by another request: they act in that one.
    fn take_cause(&mut self, entity: &Arc<Keyed>) {
        if entity.entity().as_object().is_some_and(|object| object.kind != "ServiceAccount") {
            self.causes.push(Arc::clone(entity));
        }
    }

    /// Nobody was authenticated, and no process is known.
    pub(crate) fn is_nobody(&self) -> bool {
        let anonymous = |identity: &Arc<Keyed>| identity.name() == ANONYMOUS;
        self.pod.is_none() && self.container.is_none() && self.identities.iter().all(anonymous)
    }

    /// An identity that many parts of the control plane act under: it says nothing about who is
    /// behind a request, so it joins nothing. A token that is bound to a pod is the pod's, whatever
    /// its namespace.
    pub(crate) fn is_shared(&self) -> bool {
        let Some(identity) = self.identities.first() else { return false };
        match identity.entity() {
            Entity::User { name } => is_system_user(name) && name != ANONYMOUS,
            Entity::Object(object) if object.kind == "ServiceAccount" => {
                self.pod.is_none() && object.namespace.as_deref() == Some("kube-system")
            }
            _ => false,
        }
    }

    /// Who did it: whom the API server authenticated, else the pod whose process it was.
    pub(crate) fn principal(&self) -> Option<&Arc<Keyed>> {
        self.identities.first().or(self.pod.as_ref())
    }

    /// The service account that was authenticated.
    pub(crate) fn account(&self) -> Option<&Arc<Keyed>> {
        self.identities.first().filter(|identity| identity.kind() == "ServiceAccount")
    }

    /// People and programs with a name of their own, among the identities.
    pub(crate) fn users(&self) -> impl Iterator<Item = &Arc<Keyed>> {
        let own = |identity: &&Arc<Keyed>| match identity.entity() {
            Entity::User { name } => !is_system_user(name),
            _ => false,
        };
        self.identities.iter().filter(own)
    }
}

/// The user of requests without a credential.
const ANONYMOUS: &str = "system:anonymous";

/// Whether Kubernetes itself acts under this user name.
fn is_system_user(name: &str) -> bool {
    name.starts_with("system:") || name.starts_with("eks:")
}

fn node_of_user(name: &str) -> Option<&str> {
    name.strip_prefix("system:node:").filter(|node| !node.is_empty())
}

fn node(name: &str) -> Arc<Keyed> {
    Keyed::new(Entity::Object(ObjectRef::named("", "Node", None, name)))
}
