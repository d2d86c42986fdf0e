//! Checks on where VirtualServices route to: hosts, ports and subsets that exist.

use airside_k8s::fields::{down, maps, text, texts};
use airside_k8s::graph::{ServiceName, full_host};
use airside_k8s::{Graph, Map, Object, Value};
use airside_types::{FieldPath, Severity};

use super::{NETWORKING, PATCHED_LATER, is_patched_later, is_system_namespace, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "virtual-service-unknown-host",
        title: "VirtualService routes to a host that does not exist",
        why: "No Service and no ServiceEntry has the host, or it is not exported here: the requests are answered with an error.",
        fix: "Correct the host; a short name is looked up in the VirtualService's own namespace, and hosts outside the cluster need a ServiceEntry.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101", "kiali:KIA1101"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], unknown_host),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: wbe}}]}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web}}]}]}
",
    },
    Check {
        id: "virtual-service-unknown-port",
        title: "VirtualService routes to a port that its host does not have",
        why: "The Service has no such port, so the requests are answered with an error.",
        fix: "Use one of the Service's ports (not the target port of its pods).",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], unknown_port),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web, port: {number: 8080}}}]}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web, port: {number: 80}}}]}]}
",
    },
    Check {
        id: "virtual-service-unknown-subset",
        title: "VirtualService routes to a subset that no DestinationRule defines",
        why: "Istio has no pods for the subset, so the requests are answered with an error.",
        fix: "Define the subset in the DestinationRule of the host, or correct its name.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101", "kiali:KIA1107"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], unknown_subset),
        fails: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web.example.com, subsets: [{name: a, labels: {version: a}}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: shop}
spec: {hosts: [web.example.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web.example.com, subset: b}}]}]}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web.example.com, subsets: [{name: a, labels: {version: a}}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: shop}
spec: {hosts: [web.example.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web.example.com, subset: a}}]}]}
",
    },
    Check {
        id: "virtual-service-needs-port",
        title: "VirtualService does not say which of its host's ports it means",
        why: "The Service has several ports, and Istio takes the one that the caller used, which need not be one of them.",
        fix: "Set destination.port.number.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0112"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], needs_port),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}, {port: 443, name: https}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web}}]}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}, {port: 443, name: https}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web, port: {number: 80}}}]}]}
",
    },
    Check {
        id: "virtual-service-for-mesh-only",
        title: "Rules for a host do not hold for what comes through the gateway",
        why: "The VirtualService of the host is for traffic within the mesh; requests from the gateway go straight to the Service, past its subsets and limits.",
        fix: "Repeat the rules in the VirtualService of the gateway, or bind one VirtualService to both.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0140"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], misses_rules),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [{name: a, labels: {version: a}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: inside, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web, subset: a}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside, namespace: shop}
spec: {hosts: [www.example.com], gateways: [istio-system/in], http: [{route: [{destination: {host: web}}]}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [{name: a, labels: {version: a}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: inside, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web, subset: a}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside, namespace: shop}
spec: {hosts: [www.example.com], gateways: [istio-system/in], http: [{route: [{destination: {host: web, subset: a}}]}]}
",
    },
];

/// Where a rule sends requests, or copies of them.
struct Destination<'a> {
    path: FieldPath,
    fields: &'a Map,
    host: &'a str,
    full: String,
}

impl Destination<'_> {
    fn port(&self) -> Option<u64> {
        self.fields.get("port")?.get("number")?.as_u64()
    }
}

fn destinations<'a>(route: &Object<'a>) -> Vec<Destination<'a>> {
    let Some(spec) = spec_map(route) else { return Vec::new() };
    let mut found = Vec::new();
    let mut add = |path: FieldPath, fields: Option<&'a Value>| {
        let Some(fields) = fields.and_then(Value::as_object) else { return };
        let Some(host) = text(fields, "host") else { return };
        let full = full_host(host, route.namespace());
        found.push(Destination { path, fields, host, full });
    };
    for list in ["http", "tls", "tcp"] {
        for (index, rule) in maps(spec, list) {
            let path = FieldPath::of(&["spec", list]).index(index);
            for (at, target) in maps(rule, "route") {
                add(path.key("route").index(at).key("destination"), target.get("destination"));
            }
            add(path.key("mirror"), rule.get("mirror"));
            for (at, mirror) in maps(rule, "mirrors") {
                add(path.key("mirrors").index(at).key("destination"), mirror.get("destination"));
            }
        }
    }
    found
}

/// The Service of a destination. A short name in a manifest without a namespace may be in any.
fn service<'a>(
    graph: &'a Graph<'a>,
    route: &Object<'_>,
    destination: &Destination<'_>,
    seen_from: Option<&str>,
) -> Option<&'a Object<'a>> {
    if route.namespace().is_none() && !destination.host.contains('.') {
        return graph.find("", "Service", None, destination.host);
    }
    graph.service_of_host(&destination.full, seen_from)
}

/// Whether the input is not where a host would be found: a namespace of which it holds nothing, or what
/// another cluster offers.
fn is_elsewhere(graph: &Graph<'_>, route: &Object<'_>, destination: &Destination<'_>) -> bool {
    match ServiceName::parse(&destination.full) {
        Some(name) => {
            let is_own =
                route.namespace() == Some(name.namespace) || !destination.host.contains('.');
            is_system_namespace(name.namespace)
                || (!is_own && !graph.knows_namespace(name.namespace))
        }
        None => [".clusterset.local", ".global"].iter().any(|end| destination.full.ends_with(end)),
    }
}

/// The namespaces from which a VirtualService's rules are used.
fn users<'a>(route: &Object<'a>) -> Vec<Option<&'a str>> {
    let spec = spec_map(route);
    let exports = spec.into_iter().flat_map(|spec| texts(spec, "exportTo"));
    let named: Vec<_> = exports
        .map(|(_, export)| match export {
            "." | "*" => route.namespace(),
            named => Some(named),
        })
        .collect();
    if named.is_empty() { vec![route.namespace()] } else { named }
}

fn unknown_host(route: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, object) = (route.graph, route.object);
    if graph.is_single_object() {
        return report.undecided("Services and ServiceEntries are other objects");
    }
    if is_patched_later(graph) {
        return report.undecided(PATCHED_LATER);
    }
    for destination in destinations(object) {
        if is_elsewhere(graph, object, &destination) {
            report.undecided("the input holds nothing of the namespace that is routed to");
            continue;
        }
        let missing = users(object).into_iter().find(|user| {
            service(graph, object, &destination, *user).is_none()
                && graph.service_entries(&destination.full, *user).next().is_none()
        });
        if let Some(user) = missing {
            let (host, user) = (destination.host, user.unwrap_or("the rule's namespace"));
            let message = format!("no Service or ServiceEntry `{host}` is visible in {user}");
            report.missing(destination.path.key("host"), host, message);
        }
    }
}

/// The ports of a Service.
fn ports(service: &Object<'_>) -> Vec<u64> {
    let listed = down(service.value(), &["spec", "ports"]).and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(|port| port.get("port")?.as_u64()).collect()
}

fn unknown_port(route: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, object) = (route.graph, route.object);
    for destination in destinations(object) {
        let Some(port) = destination.port() else { continue };
        if graph.is_single_object() {
            return report.undecided("Services are other objects");
        }
        let Some(service) = service(graph, object, &destination, object.namespace()) else {
            continue;
        };
        let ports = ports(service);
        if !ports.is_empty() && !ports.contains(&port) {
            let message = format!("the Service `{}` has no port {port}", destination.host);
            report.fail(destination.path.keys(&["port", "number"]), message);
        }
    }
}

fn needs_port(route: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, object) = (route.graph, route.object);
    for destination in destinations(object) {
        if destination.port().is_some() {
            continue;
        }
        if graph.is_single_object() {
            return report.undecided("Services are other objects");
        }
        let Some(service) = service(graph, object, &destination, object.namespace()) else {
            continue;
        };
        let ports = ports(service);
        if ports.len() > 1 {
            let host = destination.host;
            let message = format!("`{host}` has {} ports, and the rule names none", ports.len());
            report.fail(destination.path.key("port"), message);
        }
    }
}

fn unknown_subset(route: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, object) = (route.graph, route.object);
    for destination in destinations(object) {
        let Some(subset) = text(destination.fields, "subset") else { continue };
        if graph.is_single_object() {
            return report.undecided("DestinationRules are other objects");
        }
        if is_elsewhere(graph, object, &destination) {
            report.undecided("the input holds nothing of the namespace that is routed to");
            continue;
        }
        if !graph.defines_subset(&destination.full, subset) {
            let host = destination.host;
            let message = format!("no DestinationRule of `{host}` defines the subset `{subset}`");
            let name = format!("{host} {subset}");
            report.missing(destination.path.key("subset"), &name, message);
        }
    }
}

fn misses_rules(route: &Whole<'_>, report: &mut Report<'_>) {
    let graph = route.graph;
    let Some(spec) = spec_map(route.object) else { return };
    let mut gateways = texts(spec, "gateways").peekable();
    if gateways.peek().is_none() || gateways.any(|(_, gateway)| gateway == "mesh") {
        return;
    }
    if graph.is_single_object() {
        return report.undecided("other VirtualServices are other objects");
    }
    for destination in destinations(route.object) {
        if destination.fields.contains_key("subset") {
            continue;
        }
        let inner = graph.mesh_routes(&destination.full).find(|inner| {
            destinations(inner).iter().any(|target| target.fields.contains_key("subset"))
        });
        if let Some(inner) = inner {
            let message = format!(
                "requests from the gateway go to `{}` past the rules of {inner}",
                destination.host
            );
            report.fail(destination.path, message);
        }
    }
}
