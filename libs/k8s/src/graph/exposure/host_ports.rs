//! Ports of the node on which a pod itself is reached: host ports, and all of a pod on its node's network.

use super::{Clients, Entry, ServicePort, Way};
use crate::fields::{maps, text};
use crate::graph::policies::{Block, number};
use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::PodSpec;

/// The ways to a pod by ports of its node.
pub(in crate::graph) fn ways<'a>(owner: &Object<'a>, pod: &PodSpec<'a>) -> Vec<Way<'a>> {
    let way = |clients, ports| Way { entry: Entry::HostPort, chain: vec![*owner], clients, ports };
    if pod.field("hostNetwork") == Some(&Value::Bool(true)) {
        return vec![way(Clients::Anyone, None)];
    }
    let ports = pod.containers.iter().flat_map(|container| maps(container.fields, "ports"));
    let ports = ports.filter_map(|(_, port)| Some((on_node(port)?, clients(port))));
    ports.map(|(port, clients)| way(clients, Some(vec![port]))).collect()
}

/// The pod's port, where a port of the node leads to it.
fn on_node(port: &Map) -> Option<ServicePort<'_>> {
    number(port, "hostPort").filter(|number| *number != 0)?;
    let own = number(port, "containerPort")?;
    let (name, protocol) = (text(port, "name"), text(port, "protocol").unwrap_or("TCP"));
    Some(ServicePort { number: own, name, protocol, target: None })
}

/// By the node's address that it is bound to, where it names one.
fn clients(port: &Map) -> Clients {
    let block = text(port, "hostIP").filter(|ip| *ip != "0.0.0.0").and_then(Block::parse);
    if block.is_some_and(Block::is_private) { Clients::Private } else { Clients::Anyone }
}
