//! The ports that a Service offers, to which ports of its pods they lead, and which of them a route means.

use crate::fields::{field, maps, text};
use crate::graph::policies::{number, port_named};
use crate::object::Object;
use crate::value::Value;
use crate::workload::PodSpec;

/// A port of a Service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServicePort<'a> {
    /// Its number.
    pub number: u16,
    /// Its name, where it has one.
    pub name: Option<&'a str>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'a str,
    /// What it says of the pods' port; where it says nothing, that is the port's own number.
    pub(super) target: Option<&'a Value>,
}

/// The port that a route means, as it writes it: a number, a text with a number, or a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BackendPort<'a> {
    /// A port of the Service.
    OfService(&'a Value),
    /// A port of the Service by its name, or by the port of the pods that it leads to (OpenShift).
    OfTarget(&'a Value),
}

/// The ports of a Service; none where it lists none.
pub fn service_ports<'a>(service: &Object<'a>) -> Option<Vec<ServicePort<'a>>> {
    let spec = service.fields().get("spec")?.as_object()?;
    let listed: Vec<_> = maps(spec, "ports")
        .filter_map(|(_, port)| {
            Some(ServicePort {
                number: number(port, "port")?,
                name: text(port, "name"),
                protocol: text(port, "protocol").unwrap_or("TCP"),
                target: field(port, "targetPort"),
            })
        })
        .collect();
    (!listed.is_empty()).then_some(listed)
}

impl ServicePort<'_> {
    /// The numbers of the ports of a pod that it leads to; none where it asks for a name that no container gives.
    pub fn of_pod(&self, pod: &PodSpec<'_>) -> Vec<u16> {
        match self.target {
            None => vec![self.number],
            Some(Value::String(name)) if as_number(self.target).is_none() => {
                port_named(pod, name, self.protocol)
            }
            // Nought is what "not set" looks like after the API server's own decoding.
            Some(_) => match as_number(self.target) {
                Some(0) => vec![self.number],
                given => given.into_iter().collect(),
            },
        }
    }

    /// Whether a route means this port.
    pub(super) fn is_meant_by(&self, wanted: BackendPort<'_>) -> bool {
        let by_name = |wanted: &Value| self.name.is_some() && self.name == wanted.as_str();
        match wanted {
            BackendPort::OfService(wanted) => {
                by_name(wanted) || as_number(Some(wanted)) == Some(self.number)
            }
            BackendPort::OfTarget(wanted) => {
                let target = as_number(self.target).or(match self.target {
                    None => Some(self.number),
                    Some(_) => None,
                });
                by_name(wanted)
                    || self.target.is_some_and(|target| target == wanted)
                    || (target.is_some() && target == as_number(Some(wanted)))
            }
        }
    }
}

fn as_number(value: Option<&Value>) -> Option<u16> {
    match value? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u16::try_from(number).ok()),
    }
}
