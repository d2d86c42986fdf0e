//! Which pods network policies isolate.

use serde_json::{Map, Value};

use super::part::{self, Key, Topic};
use super::{Graph, same_namespace, selects};
use crate::object::Object;

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
pub enum Direction {
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

/// Whether an object is a network policy of a kind that is not read.
pub(super) fn is_unread_policy(object: &Object<'_>) -> bool {
    let is_calicos = object.kind() == "NetworkPolicy" && object.group().contains("calico");
    is_calicos || OTHER_NETWORK_POLICIES.contains(&object.kind())
}

impl Graph<'_> {
    /// Whether a network policy of a kind that is not read may isolate pods of a namespace.
    pub fn has_unread_policy(&self, namespace: Option<&str>) -> bool {
        let own = || {
            let mut policies = self.objects.iter().filter(|object| is_unread_policy(object));
            policies.any(|policy| same_namespace(policy.namespace(), namespace))
        };
        self.has_any(|| Key::seen(Topic::UnreadPolicy, namespace, &[]), own)
    }

    /// Whether a policy of the input isolates pods with these labels in a direction. A policy or a pod
    /// without a namespace may be meant for any.
    pub fn isolates(
        &self,
        direction: Direction,
        namespace: Option<&str>,
        labels: Option<&Map<String, Value>>,
    ) -> bool {
        self.note_all(|| part::selecting(namespace, labels));
        let policies = self
            .held_of_kind("networking.k8s.io", "NetworkPolicy")
            .chain(self.held_of_kind("extensions", "NetworkPolicy"));
        policies.into_iter().any(|policy| {
            let spec = policy.fields().get("spec");
            let selector = spec.and_then(|spec| spec.get("podSelector"));
            same_namespace(policy.namespace(), namespace)
                && restricts(spec, direction)
                && selector.is_some_and(|selector| selects(selector, labels))
        })
    }
}

/// Whether a policy restricts a direction: `policyTypes` says so, or by default ingress always and egress
/// when there are egress rules.
pub(super) fn restricts(spec: Option<&Value>, direction: Direction) -> bool {
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
