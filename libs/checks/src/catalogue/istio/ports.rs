//! Checks on what Istio reads from Services and pods: protocols of ports, and its proxy's user.

use airside_k8s::fields::{field, maps, text};
use airside_k8s::graph::Enrolment;
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::workloads::{is_gateway, is_member, of_pod};
use super::{is_system_namespace, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod, Whole};

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-port-without-protocol",
        title: "Port of a Service in the mesh does not say its protocol",
        why: "Istio has to guess it from the traffic: where it takes HTTP for opaque bytes, rules for paths, methods and tokens do not hold.",
        fix: "Set appProtocol, or begin the port's name with the protocol: http, grpc-api, tcp-db.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0118", "kiali:KIA0601"],
        judge: Judge::Object(&[("", "Service")], without_protocol),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: web}]}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http-web}]}
",
    },
    Check {
        id: "mesh-external-name-port",
        title: "Service for an outside name has a port without a protocol",
        why: "A mesh takes such a port as plain TCP, and then all connections of the cluster to that port go to this one host.",
        fix: "Remove the ports of the Service (they have no meaning for an outside name), or name the port https, http or tls.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0150"],
        judge: Judge::Object(&[("", "Service")], external_name),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {type: ExternalName, externalName: api.example.com, ports: [{port: 443, name: api}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {type: ExternalName, externalName: api.example.com, ports: [{port: 443, name: https}]}
",
    },
    Check {
        id: "mesh-services-disagree-on-protocol",
        title: "Services give one port of the same pods different protocols",
        why: "The proxy can treat the port in one way only: connections of the other kind break, or escape rules for HTTP.",
        fix: "Let the Services agree on the protocol, or give the second protocol a port of its own.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0116"],
        judge: Judge::Pod(|pod, report| {
            disagree(pod, report, |port, other| {
                number(port) == number(other) && protocol(port) != protocol(other)
            });
        }),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: 'true'}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: tcp}]}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: 'true'}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
",
    },
    Check {
        id: "mesh-services-share-target-port",
        title: "Services lead different ports to the same port of the same pods",
        why: "Istio knows the pods' port by one of the Services only: routes and policies of the other one do not find it.",
        fix: "Use the same port in both Services, or one Service.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0137"],
        judge: Judge::Pod(|pod, report| {
            disagree(pod, report, |port, other| {
                target(port) == target(other) && number(port) != number(other)
            });
        }),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: 'true'}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 81, name: http, targetPort: 8080}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: 'false'}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 81, name: http, targetPort: 8080}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
    },
    Check {
        id: "mesh-proxy-user",
        title: "Container runs as the user of the mesh's proxy",
        why: "Traffic of the user 1337 is not led through Istio's sidecar, since it is the proxy's own: the container reaches everything past the mesh's rules.",
        fix: "Give the container another user than 1337.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &["istio:IST0144"],
        judge: Judge::Container(runs_as_proxy),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, securityContext: {runAsUser: 1337}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, securityContext: {runAsUser: 1338}}]}
",
    },
];

/// The protocols by which names of ports begin.
const PROTOCOLS: [&str; 12] = [
    "grpc", "grpc-web", "http", "http2", "https", "mongo", "mysql", "redis", "tcp", "tls", "udp",
    "hbone",
];

fn ports<'a>(service: &Object<'a>) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    spec_map(service).into_iter().flat_map(|spec| maps(spec, "ports"))
}

/// The protocol of a port that its `appProtocol` or its name says.
fn protocol(port: &Map) -> Option<&str> {
    if let Some(protocol) = text(port, "appProtocol") {
        return Some(protocol);
    }
    let name = text(port, "name")?;
    let begins = |protocol: &&str| {
        name.strip_prefix(*protocol).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    PROTOCOLS.iter().filter(|protocol| begins(protocol)).max_by_key(|name| name.len()).copied()
}

fn number(port: &Map) -> Option<&Value> {
    field(port, "port")
}

fn target(port: &Map) -> Option<&Value> {
    field(port, "targetPort").or_else(|| number(port))
}

fn port_path(index: usize) -> FieldPath {
    FieldPath::of(&["spec", "ports"]).index(index).key("name")
}

fn is_external(service: &Whole<'_>) -> bool {
    service.spec("type").and_then(Value::as_str) == Some("ExternalName")
}

fn without_protocol(service: &Whole<'_>, report: &mut Report<'_>) {
    let graph = service.graph;
    let namespace = service.object.namespace();
    let is_managed = service.object.labels().is_some_and(|labels| {
        labels.contains_key("gateway.istio.io/managed") || labels.contains_key("istio")
    });
    let is_outside = namespace.is_some_and(is_system_namespace)
        || graph.namespace_enrolment(namespace) == Enrolment::Outside;
    if !graph.has_mesh() || is_outside || is_managed || is_external(service) {
        return;
    }
    for (index, port) in ports(service.object) {
        let is_tcp = matches!(text(port, "protocol"), None | Some("TCP"));
        if is_tcp && protocol(port).is_none() {
            let message = match text(port, "name") {
                Some(name) => format!("the name `{name}` begins with no protocol that Istio knows"),
                None => "the port has neither a name nor an appProtocol".to_owned(),
            };
            report.fail(port_path(index), message);
        }
    }
}

fn external_name(service: &Whole<'_>, report: &mut Report<'_>) {
    if !is_external(service) {
        return;
    }
    for (index, port) in ports(service.object) {
        let name = match protocol(port) {
            Some("tcp") | None => text(port, "name").unwrap_or_default(),
            Some(_) => continue,
        };
        let number = number(port).and_then(Value::as_u64).unwrap_or_default();
        report.fail(
            port_path(index),
            format!("a mesh takes port {number} (`{name}`) as TCP, for whichever host"),
        );
    }
}

fn disagree(pod: &Pod<'_>, report: &mut Report<'_>, clash: fn(&Map, &Map) -> bool) {
    let workload = of_pod(pod);
    if !is_member(pod.graph, &workload) || is_gateway(&workload) {
        return;
    }
    let services: Vec<_> = pod.graph.services_of(pod.object.namespace(), workload.labels).collect();
    for (index, service) in services.iter().enumerate() {
        for other in services.iter().skip(index + 1) {
            for (_, port) in ports(service) {
                let clashing = ports(other).find(|(_, other)| clash(port, other));
                if let Some(number) = clashing.and_then(|(_, other)| number(other)) {
                    let path = pod.spec.path.parent().unwrap_or_default();
                    let (service, other) = (service.name(), other.name());
                    return report.fail(
                        path.keys(&["metadata", "labels"]),
                        format!("the Services {service} and {other} disagree on port {number}"),
                    );
                }
            }
        }
    }
}

fn runs_as_proxy(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let user = container.effective("runAsUser").and_then(Value::as_u64);
    let is_istios = container.container.name().starts_with("istio-")
        || container.field("image").and_then(Value::as_str) == Some("auto")
        || container.container.image().is_some_and(|image| image.contains("proxyv2"));
    let workload = of_pod(container.pod);
    let is_out = workload.wants_sidecar() == Some(false) || workload.is_on_host_network();
    if user == Some(1337) && !is_istios && !is_out {
        let path = if container.security("runAsUser").is_some() {
            container.security_path("runAsUser")
        } else {
            container.pod.security_path("runAsUser")
        };
        let label = container.label();
        report.fail(path, format!("{label} runs as 1337, whose traffic no sidecar catches"));
    }
}
