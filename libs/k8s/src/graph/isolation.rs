//! Which pods network policies isolate.

use super::part::{Key, Topic};
use super::policies::{Action, Direction, Rule, Side, View};
use super::{Answer, Graph, same_namespace};
use crate::object::Object;
use crate::workload::PodSpec;

/// Kinds of other vendors that isolate pods too and that are not read.
const UNREAD: [(&str, &str); 3] = [
    ("crd.antrea.io", "ClusterNetworkPolicy"),
    ("crd.antrea.io", "NetworkPolicy"),
    ("k8s.ovn.org", "EgressFirewall"),
];

/// Whether an object is a network policy of a kind that is not read.
pub(super) fn is_unread_policy(object: &Object<'_>) -> bool {
    UNREAD.contains(&(object.group(), object.kind()))
}

impl<'a> Graph<'a> {
    /// Whether a network policy of a kind that is not read may isolate pods of a namespace.
    pub fn has_unread_policy(&self, namespace: Option<&str>) -> bool {
        let own = || {
            let unread = UNREAD.iter().flat_map(|(group, kind)| self.held_of_kind(group, kind));
            unread.into_iter().any(|policy| same_namespace(policy.namespace(), namespace))
        };
        self.has_any(|| Key::seen(Topic::UnreadPolicy, namespace, &[]), own)
    }

    /// Whether a policy of the input isolates a pod in a direction: what no policy lets through is dropped,
    /// or all other pods are denied. A policy or a pod without a namespace may be meant for any.
    pub fn isolates(
        &self,
        direction: Direction,
        namespace: Option<&str>,
        pod: &PodSpec<'a>,
    ) -> Answer {
        self.policies.drops(direction, View::of(self, namespace, pod)).answer
    }
}

/// Whether a rule closes a pod to all others.
fn denies_all(rule: &Rule<'_>) -> bool {
    rule.action == Action::Deny
        && rule.own.is_none()
        && rule.ports.is_all()
        && rule.peer.has_all_pods()
}

impl Side<'_> {
    /// Whether a rule closes the pods to all others.
    pub(super) fn denies_all(&self) -> bool {
        self.rules.iter().any(denies_all)
    }
}
