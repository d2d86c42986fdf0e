//! The other objects of the input, for checks that need them: network policies, service accounts, roles.

use std::collections::{BTreeMap, BTreeSet};

use airside_k8s::Object;
use serde_json::{Map, Value};

use crate::evaluate::Completeness;
use crate::selector::selects;
use crate::subject::{Rule, rules};

/// The API group of Roles and bindings.
pub(crate) const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Kinds of other vendors that isolate pods too and that are not read yet.
const OTHER_NETWORK_POLICIES: [&str; 6] = [
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "CiliumNetworkPolicy",
    "ClusterNetworkPolicy",
    "GlobalNetworkPolicy",
];

/// The direction of traffic that a network policy restricts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Into the pod.
    Ingress,
    /// Out of the pod.
    Egress,
}

impl Direction {
    const fn policy_type(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::Egress => "Egress",
        }
    }
}

/// Kind, namespace and name.
type Named<'a> = (&'a str, Option<&'a str>, &'a str);

/// What else the input holds.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    completeness: Completeness,
    network_policies: Vec<Object<'a>>,
    /// The namespaces of network policies that are in the input and not understood; none for policies of
    /// the whole cluster.
    unread_policies: BTreeSet<Option<&'a str>>,
    named: BTreeMap<Named<'a>, Object<'a>>,
}

impl<'a> Surroundings<'a> {
    /// Gathers the objects that checks look up.
    pub(crate) fn new(objects: &[Object<'a>], completeness: Completeness) -> Self {
        let mut surroundings = Self {
            completeness,
            network_policies: Vec::new(),
            unread_policies: BTreeSet::new(),
            named: BTreeMap::new(),
        };
        for object in objects {
            match (object.group(), object.kind()) {
                ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
                    surroundings.network_policies.push(*object);
                }
                ("", "ServiceAccount") | (RBAC_GROUP, "Role" | "ClusterRole") => {
                    let namespace = object.namespace().filter(|_| object.kind() != "ClusterRole");
                    surroundings.named.insert((object.kind(), namespace, object.name()), *object);
                }
                (group, kind)
                    if OTHER_NETWORK_POLICIES.contains(&kind)
                        || (kind == "NetworkPolicy" && group.contains("calico")) =>
                {
                    surroundings.unread_policies.insert(object.namespace());
                }
                _ => {}
            }
        }
        surroundings
    }

    /// Whether nothing but the judged object is known.
    pub(crate) fn is_single_object(&self) -> bool {
        self.completeness == Completeness::SingleObject
    }

    /// Whether a network policy of a kind that is not read may isolate pods of a namespace.
    pub(crate) fn has_unread_policy(&self, namespace: Option<&str>) -> bool {
        self.unread_policies.iter().any(|policy| same_namespace(*policy, namespace))
    }

    /// Whether a policy of the input isolates pods with these labels in a direction. A policy or a pod
    /// without a namespace may be meant for any.
    pub(crate) fn isolates(
        &self,
        direction: Direction,
        namespace: Option<&str>,
        labels: Option<&Map<String, Value>>,
    ) -> bool {
        self.network_policies.iter().any(|policy| {
            let spec = policy.fields().get("spec");
            let selector = spec.and_then(|spec| spec.get("podSelector"));
            same_namespace(policy.namespace(), namespace)
                && restricts(spec, direction)
                && selector.is_some_and(|selector| selects(selector, labels))
        })
    }

    /// The service account of a pod, when the input holds it.
    pub(crate) fn service_account(
        &self,
        namespace: Option<&'a str>,
        name: &'a str,
    ) -> Option<&Object<'a>> {
        self.look_up("ServiceAccount", namespace, name)
    }

    /// The rules of a role, when the input holds it.
    pub(crate) fn role_rules(
        &self,
        kind: &'a str,
        namespace: Option<&'a str>,
        name: &'a str,
    ) -> Vec<Rule<'a>> {
        let namespace = namespace.filter(|_| kind != "ClusterRole");
        self.look_up(kind, namespace, name).map(|role| rules(role).collect()).unwrap_or_default()
    }

    fn look_up(
        &self,
        kind: &'a str,
        namespace: Option<&'a str>,
        name: &'a str,
    ) -> Option<&Object<'a>> {
        self.named
            .get(&(kind, namespace, name))
            // A manifest that leaves the namespace to the one who applies it.
            .or_else(|| namespace.and_then(|_| self.named.get(&(kind, None, name))))
    }
}

fn same_namespace(left: Option<&str>, right: Option<&str>) -> bool {
    left.is_none() || right.is_none() || left == right
}

/// Whether a policy restricts a direction: `policyTypes` says so, or by default ingress always and egress
/// when there are egress rules.
fn restricts(spec: Option<&Value>, direction: Direction) -> bool {
    let types = spec.and_then(|spec| spec.get("policyTypes")).and_then(Value::as_array);
    match types {
        Some(types) => types.iter().any(|given| given.as_str() == Some(direction.policy_type())),
        None => match direction {
            Direction::Ingress => true,
            Direction::Egress => {
                spec.and_then(|spec| spec.get("egress")).is_some_and(Value::is_array)
            }
        },
    }
}
