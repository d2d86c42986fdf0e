//! What `--reach` asks to connect to: pods of a workload or behind a Service, with ports by number or name.

use std::net::IpAddr;

use airside_k8s::graph::{PodNode, Port, ServicePort, same_namespace, service_ports};
use airside_k8s::{Graph, Object};
use anyhow::Context;

use super::{End, TARGET, name, pods};

/// A port, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked<'t> {
    port: Named<'t>,
    protocol: Option<&'t str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named<'t> {
    Number(u16),
    Name(&'t str),
}

/// A pod to connect to.
pub(super) struct Target<'g, 'a> {
    pub(super) pod: &'g PodNode<'a>,
    /// The pod's ports that are asked for; any where none was.
    pub(super) ports: Option<Vec<Port<'g>>>,
    /// The Service through which it is asked for.
    pub(super) service: Option<&'g Object<'a>>,
    /// Why nothing can connect, whatever policies say.
    pub(super) closed: Option<String>,
}

impl<'a> Target<'_, 'a> {
    pub(super) fn shown(&self, graph: &Graph<'a>) -> String {
        let pod = name(graph, self.pod);
        match self.service {
            Some(service) => format!("{service} → {pod}"),
            None => pod,
        }
    }
}

/// Splits `NAME:PORT` or `NAME:PORT/PROTOCOL`. An IPv6 address stands in brackets before a port.
pub(super) fn split_port(text: &str) -> anyhow::Result<(&str, Option<Asked<'_>>)> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text, None));
    }
    let Some((name, port)) = text.rsplit_once(':') else { return Ok((text, None)) };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let (port, protocol) = match port.split_once('/') {
        Some((port, protocol)) => (port, Some(protocol)),
        None => (port, None),
    };
    anyhow::ensure!(
        protocol.is_none_or(|it| matches!(it, "TCP" | "UDP" | "SCTP")),
        "`{}` is no protocol: TCP, UDP or SCTP; {TARGET}",
        protocol.unwrap_or_default()
    );
    let is_name = |text: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        text.bytes().all(is_plain) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let port = match port.parse() {
        Ok(number) if number != 0 => Named::Number(number),
        Err(_) if is_name(port) => Named::Name(port),
        _ => anyhow::bail!(
            "`{port}` is no port: a port is a number from 1 to 65535 or a name; {TARGET}"
        ),
    };
    Ok((name, Some(Asked { port, protocol })))
}

/// The pods that are meant: of a workload, else behind a Service of this name.
pub(super) fn targets<'g, 'a>(
    graph: &'g Graph<'a>,
    end: End<'_>,
    typed: &str,
    port: Option<Asked<'g>>,
) -> anyhow::Result<Vec<Target<'g, 'a>>> {
    if let Some(pods) = pods(graph, end) {
        return of_workload(graph, pods, typed, port);
    }
    let services = services(graph, end);
    anyhow::ensure!(
        !services.is_empty(),
        "the input has no pods of `{typed}`, and no such Service: {TARGET}"
    );
    let mut found = Vec::new();
    for service in services {
        let pods = graph.pods_of_service(service);
        found.extend(pods.map(|pod| behind(service, pod, port)));
    }
    anyhow::ensure!(
        !found.is_empty(),
        "the input has no pods of Service `{typed}`: its selector selects none"
    );
    Ok(found)
}

fn of_workload<'g, 'a>(
    graph: &Graph<'a>,
    pods: Vec<&'g PodNode<'a>>,
    typed: &str,
    asked: Option<Asked<'g>>,
) -> anyhow::Result<Vec<Target<'g, 'a>>> {
    let target = |pod, ports| Target { pod, ports, service: None, closed: None };
    let Some(asked) = asked else {
        return Ok(pods.into_iter().map(|pod| target(pod, None)).collect());
    };
    let found: Vec<_> = pods
        .iter()
        .filter_map(|pod| {
            let ports = match asked.port {
                Named::Number(number) => vec![asked.with(number)],
                Named::Name(name) => pod.spec.ports_named(name).collect(),
            };
            let ports: Vec<_> =
                ports.into_iter().filter(|port| asked.is_of(port.protocol)).collect();
            (!ports.is_empty()).then(|| target(pod, Some(ports)))
        })
        .collect();
    let owner = pods.first().map(|pod| name(graph, pod)).unwrap_or_default();
    anyhow::ensure!(
        !found.is_empty(),
        "no container of {owner} (`{typed}`) gives a port this name; write the port's number, or a name from \
         `ports` of its containers"
    );
    Ok(found)
}

/// A pod behind a Service: the Service's ports are asked for, and what counts are the pod's.
fn behind<'g, 'a>(
    service: &'g Object<'a>,
    pod: &'g PodNode<'a>,
    asked: Option<Asked<'g>>,
) -> Target<'g, 'a> {
    let target = |ports, closed| Target { pod, ports, service: Some(service), closed };
    let Some(offered) = service_ports(service) else {
        return target(asked.and_then(Asked::number).map(|port| vec![port]), None);
    };
    let meant = offered.iter().filter(|port| asked.is_none_or(|asked| asked.means(port)));
    let meant: Vec<&ServicePort<'_>> = meant.collect();
    if meant.is_empty() {
        let offered: Vec<String> =
            offered.iter().map(|port| format!("{}/{}", port.number, port.protocol)).collect();
        let reason = format!("{service} has no such port, but {}", offered.join(", "));
        return target(None, Some(reason));
    }
    let ports: Vec<Port<'g>> = meant
        .into_iter()
        .flat_map(|port| {
            let numbers = port.of_pod(&pod.spec).into_iter();
            numbers.map(|number| Port { number, protocol: port.protocol })
        })
        .collect();
    if ports.is_empty() {
        let reason = format!("{service} leads to a port by a name that the pod does not have");
        return target(None, Some(reason));
    }
    target(Some(ports), None)
}

/// The Services that are meant.
fn services<'g, 'a>(graph: &'g Graph<'a>, end: End<'_>) -> Vec<&'g Object<'a>> {
    let End::Workload { namespace, kind, name } = end else { return Vec::new() };
    let is_kind = |kind: &str| ["Service", "svc"].iter().any(|it| kind.eq_ignore_ascii_case(it));
    if !kind.is_none_or(is_kind) {
        return Vec::new();
    }
    let services = graph.of_kind("", "Service").filter(|service| service.name() == name);
    services.filter(|it| namespace.is_none() || same_namespace(it.namespace(), namespace)).collect()
}

impl<'t> Asked<'t> {
    /// The port, where it has a number.
    fn number(self) -> Option<Port<'t>> {
        match self.port {
            Named::Number(number) => Some(self.with(number)),
            Named::Name(_) => None,
        }
    }

    fn with(self, number: u16) -> Port<'t> {
        Port { number, protocol: self.protocol.unwrap_or("TCP") }
    }

    /// The port of something that has no names for ports.
    pub(super) fn number_only(self, typed: &str) -> anyhow::Result<Port<'t>> {
        self.number().with_context(|| format!("a port of `{typed}` must be a number"))
    }

    /// Whether a port of this protocol is meant; a number means TCP where no protocol is said.
    fn is_of(self, protocol: &str) -> bool {
        match (self.protocol, self.port) {
            (Some(asked), _) => asked == protocol,
            (None, Named::Number(_)) => protocol == "TCP",
            (None, Named::Name(_)) => true,
        }
    }

    fn means(self, port: &ServicePort<'_>) -> bool {
        let is_meant = match self.port {
            Named::Number(number) => port.number == number,
            Named::Name(name) => port.name == Some(name),
        };
        is_meant && self.is_of(port.protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_they_are_typed() {
        let number = |number, protocol| Some(Asked { port: Named::Number(number), protocol });
        for (text, expected) in [
            ("shop/web", ("shop/web", None)),
            ("shop/web:80", ("shop/web", number(80, None))),
            ("shop/web:53/UDP", ("shop/web", number(53, Some("UDP")))),
            ("[fd00::1]:53/UDP", ("fd00::1", number(53, Some("UDP")))),
            ("fd00::1", ("fd00::1", None)),
            ("db:pg", ("db", Some(Asked { port: Named::Name("pg"), protocol: None }))),
        ] {
            assert_eq!(split_port(text).unwrap(), expected, "{text}");
        }
        for text in ["web:", "web:0", "web:70000", "web:a_b", "web:1/ICMP", "web:80/udp"] {
            let problem = split_port(text).unwrap_err().to_string();
            assert!(problem.contains("shop/web:8080"), "{text}: {problem}");
        }
    }
}
