//! Whom a rule of a NetworkPolicy names, and on which ports.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::{Answer, Asked, Other};
use crate::fields::{elements, field, maps, text};
use crate::graph::{PodNode, same_namespace, selects};
use crate::object::Object;

/// The label that every namespace bears, with its own name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

impl<'a> Asked<'_, 'a> {
    /// Whether one of a rule's peers is the other end; a rule without peers is for all.
    pub(super) fn peers(&self, policy: &Object<'_>, peers: &[Value]) -> Answer {
        if peers.is_empty() {
            return Answer::Yes;
        }
        peers
            .iter()
            .filter_map(Value::as_object)
            .fold(Answer::No, |answer, peer| answer.or(self.peer(policy, peer)))
    }

    fn peer(&self, policy: &Object<'_>, peer: &Map<String, Value>) -> Answer {
        if let Some(block) = field(peer, "ipBlock").and_then(Value::as_object) {
            return self.block(block);
        }
        let Other::Pod(pod) = self.other else { return Answer::No };
        let Some(owner) = self.graph.owner(pod) else { return Answer::No };
        let in_namespace = match field(peer, "namespaceSelector") {
            Some(selector) => self.namespace_selected(selector, owner.namespace()),
            None => same_namespace(policy.namespace(), owner.namespace()).into(),
        };
        let selected =
            field(peer, "podSelector").is_none_or(|selector| selects(selector, pod.spec.labels()));
        in_namespace.and(selected.into())
    }

    /// Whether a selector selects the namespace of a pod. Its labels are known where the input holds it;
    /// the one with its name is always there.
    fn namespace_selected(&self, selector: &Value, namespace: Option<&str>) -> Answer {
        let is_empty = selector.as_object().is_some_and(Map::is_empty);
        if is_empty {
            return Answer::Yes;
        }
        let Some(name) = namespace else { return Answer::Unknown };
        let object = self.graph.find("", "Namespace", None, name);
        let mut labels = object.and_then(Object::labels).cloned().unwrap_or_default();
        labels.insert(NAME_LABEL.to_owned(), Value::from(name));
        if object.is_some() || asks_for_name_only(selector) {
            return selects(selector, Some(&labels)).into();
        }
        Answer::Unknown
    }

    /// Pods' addresses are not in manifests: a block holds them for sure only where it holds all.
    fn block(&self, block: &Map<String, Value>) -> Answer {
        let cidr = text(block, "cidr").unwrap_or_default();
        let is_all = matches!(cidr, "0.0.0.0/0" | "::/0");
        let has_exceptions = !elements(block.get("except")).is_empty();
        match self.other {
            Other::Internet => Answer::from(is_all || is_public(cidr)),
            Other::Pod(_) | Other::SomeNode if is_all && !has_exceptions => Answer::Yes,
            Other::Pod(_) | Other::SomeNode => Answer::Unknown,
        }
    }

    /// Whether a rule's ports hold the one that is asked for; a rule without ports is for all.
    pub(super) fn ports(&self, ports: &[Value]) -> Answer {
        let Some(asked) = self.port.filter(|_| !ports.is_empty()) else { return Answer::Yes };
        let holds = |rule: &Map<String, Value>| {
            let protocol = text(rule, "protocol").unwrap_or("TCP");
            if protocol != asked.protocol {
                return false;
            }
            match field(rule, "port") {
                None => true,
                Some(Value::String(name)) => {
                    named_port(self.target, name, protocol) == Some(u64::from(asked.number))
                }
                Some(port) => {
                    let from = port.as_u64().unwrap_or_default();
                    let to = rule.get("endPort").and_then(Value::as_u64).unwrap_or(from);
                    (from..=to).contains(&u64::from(asked.number))
                }
            }
        };
        ports.iter().filter_map(Value::as_object).any(holds).into()
    }
}

/// Whether an address block lies on the internet, by its first address.
fn is_public(cidr: &str) -> bool {
    let address = cidr.split('/').next().and_then(|address| address.parse().ok());
    match address {
        Some(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            // Carrier-grade NAT (RFC 6598), which clouds use for pods.
            let is_shared = first == 100 && (64..128).contains(&second);
            !(address.is_private() || address.is_loopback() || address.is_link_local() || is_shared)
        }
        Some(IpAddr::V6(address)) => {
            !(address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback())
        }
        None => false,
    }
}

/// Whether a selector asks for nothing but the namespace's name, which is known without its object.
fn asks_for_name_only(selector: &Value) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = elements(selector.get("matchExpressions"));
    labels.is_none_or(|labels| labels.keys().all(|key| key == NAME_LABEL))
        && expressions
            .iter()
            .all(|expression| expression.get("key").and_then(Value::as_str) == Some(NAME_LABEL))
}

/// The number of a port that a container of the pod gives a name.
fn named_port(pod: &PodNode<'_>, name: &str, protocol: &str) -> Option<u64> {
    pod.spec.containers.iter().flat_map(|container| maps(container.fields, "ports")).find_map(
        |(_, port)| {
            let same = text(port, "name") == Some(name)
                && text(port, "protocol").unwrap_or("TCP") == protocol;
            same.then(|| port.get("containerPort").and_then(Value::as_u64)).flatten()
        },
    )
}
