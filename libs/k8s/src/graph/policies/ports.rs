//! The ports that a rule fits.

use super::super::{PodNode, Port};
use crate::fields::{maps, text};
use crate::value::{Map, Value};
use crate::workload::PodSpec;

/// The protocols that have ports.
pub(in crate::graph) const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Which numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortNumbers<'a> {
    /// All.
    Any,
    /// From one to another, both included.
    Between(u16, u16),
    /// The one that a container of the target gives this name.
    Named(&'a str),
}

/// Some ports of one protocol, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortMatch<'a> {
    /// `TCP`, `UDP` or `SCTP`; any where there is none. What is none of them (`ICMP`) has no ports.
    pub protocol: Option<&'a str>,
    /// Which numbers.
    pub numbers: PortNumbers<'a>,
}

/// The ports that a rule fits: what is listed and not left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ports<'a> {
    /// Some; all where there is no list.
    pub listed: Option<Vec<PortMatch<'a>>>,
    /// What is left out of them.
    pub except: Vec<PortMatch<'a>>,
    /// Whether it also asks for the port on which the connection was begun, which nobody knows before.
    pub asks_for_source: bool,
}

/// Numbers of a protocol, from and to.
pub(in crate::graph) type Span = (&'static str, u16, u16);

/// The numbers that a rule fits for a target.
#[derive(Debug, Clone, Default)]
pub(in crate::graph) struct Spans {
    /// Some; all where there is no list.
    pub(in crate::graph) listed: Option<Vec<Span>>,
    pub(in crate::graph) except: Vec<Span>,
}

impl<'a> Ports<'a> {
    /// All ports.
    pub fn all() -> Self {
        Self::default()
    }

    /// These.
    pub fn of(listed: Vec<PortMatch<'a>>) -> Self {
        Self { listed: Some(listed), ..Self::default() }
    }

    /// Whether a rule with them asks nothing of a port.
    pub const fn is_all(&self) -> bool {
        self.listed.is_none() && self.except.is_empty() && !self.asks_for_source
    }

    /// Whether they hold a number, as far as numbers tell: a name may stand for any.
    pub fn may_hold(&self, number: u16, protocol: &str) -> bool {
        let fits = |port: &PortMatch<'_>| {
            port.protocol.is_none_or(|it| it == protocol)
                && match port.numbers {
                    PortNumbers::Any | PortNumbers::Named(_) => true,
                    PortNumbers::Between(from, to) => (from..=to).contains(&number),
                }
        };
        let is_named = |port: &PortMatch<'_>| matches!(port.numbers, PortNumbers::Named(_));
        self.listed.as_ref().is_none_or(|listed| listed.iter().any(fits))
            && !self.except.iter().any(|port| fits(port) && !is_named(port))
    }
}

impl Spans {
    pub(in crate::graph) fn contains(&self, port: Port<'_>) -> bool {
        let fits = |(protocol, from, to): &Span| {
            *protocol == port.protocol && (*from..=*to).contains(&port.number)
        };
        self.listed.as_ref().is_none_or(|listed| listed.iter().any(fits))
            && !self.except.iter().any(fits)
    }
}

/// The numbers of ports, with names looked up in the target; an address has none.
pub(in crate::graph) fn spans(ports: &Ports<'_>, target: Option<&PodNode<'_>>) -> Spans {
    let resolve = |matches: &[PortMatch<'_>]| -> Vec<Span> {
        matches.iter().flat_map(|port| resolved(*port, target)).collect()
    };
    Spans { listed: ports.listed.as_deref().map(resolve), except: resolve(&ports.except) }
}

fn resolved(port: PortMatch<'_>, target: Option<&PodNode<'_>>) -> Vec<Span> {
    let protocols = PROTOCOLS.iter().filter(|it| port.protocol.is_none_or(|own| own == **it));
    protocols
        .flat_map(|protocol| match port.numbers {
            PortNumbers::Any => vec![(*protocol, 0, u16::MAX)],
            PortNumbers::Between(from, to) => vec![(*protocol, from, to)],
            PortNumbers::Named(name) => {
                let numbers =
                    target.map(|pod| port_named(&pod.spec, name, protocol)).unwrap_or_default();
                numbers.into_iter().map(|number| (*protocol, number, number)).collect()
            }
        })
        .collect()
}

/// The numbers of the ports that containers of a pod give a name.
pub(in crate::graph) fn port_named(pod: &PodSpec<'_>, name: &str, protocol: &str) -> Vec<u16> {
    let ports = pod.ports_named(name).filter(|port| port.protocol == protocol);
    ports.map(|port| port.number).collect()
}

impl<'a> PodSpec<'a> {
    /// The ports to which containers of the pod give a name.
    pub fn ports_named(&self, name: &str) -> impl Iterator<Item = Port<'a>> {
        let ports = self.containers.iter().flat_map(|container| maps(container.fields, "ports"));
        ports.filter(move |(_, port)| text(port, "name") == Some(name)).filter_map(|(_, port)| {
            let protocol = text(port, "protocol").unwrap_or("TCP");
            Some(Port { number: number(port, "containerPort")?, protocol })
        })
    }
}

/// A port as people write it: a number, a text with a number, or a name.
pub(super) fn numbers(value: &Value) -> PortNumbers<'_> {
    let number = |number: Option<u16>| number.map_or(NOTHING, |it| PortNumbers::Between(it, it));
    match value {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            number(text.parse().ok())
        }
        Value::String(name) => PortNumbers::Named(name),
        other => number(other.as_u64().and_then(|it| u16::try_from(it).ok())),
    }
}

/// What the API server would refuse fits nothing.
pub(super) const NOTHING: PortNumbers<'static> = PortNumbers::Between(1, 0);

/// A number of a field, as a port.
pub(in crate::graph) fn number(fields: &Map, name: &str) -> Option<u16> {
    fields.get(name).and_then(Value::as_u64).and_then(|number| u16::try_from(number).ok())
}
