//! Checks on the form of Services: what opens them to the world outside of the cluster, and to what they lead
//! by mistake.

use airside_k8s::fields::{down, elements};
use airside_k8s::graph::is_private;
use airside_k8s::{Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const SERVICES: &[(&str, &str)] = &[("", "Service")];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "node-port-service",
        title: "Service opens a port on every node",
        why: "Who reaches any node reaches the Service, past the Ingress with its TLS, its access rules and its log.",
        fix: "Use the type ClusterIP and an Ingress or a Gateway; for traffic that is not HTTP, a LoadBalancer with loadBalancerSourceRanges.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1133"), technique("T1190")],
        controls: &[],
        equivalents: &[
            "kube-linter:exposed-services",
            "kube-score:service-type",
            "kyverno:best-practices/restrict-node-port",
            "gatekeeper-library:general/block-nodeport-services",
            "popeye:1104",
            "kyverno:best-practices/restrict-nodeport",
        ],
        judge: Judge::Object(SERVICES, node_port),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, ports: [{port: 80}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ClusterIP, ports: [{port: 80}]}
",
    },
    Check {
        id: "load-balancer-service",
        title: "Service has a load balancer of its own",
        why: "Each one is another way in from outside that has to be watched, and another bill.",
        fix: "Use the type ClusterIP and an Ingress or a Gateway where the traffic is HTTP.",
        severity: Severity::Info,
        category: Category::Network,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:exposed-services",
            "kyverno:other/restrict-loadbalancer",
            "gatekeeper-library:general/block-loadbalancer-services",
            "popeye:1103",
            "kyverno:other/no-loadbalancer-service",
        ],
        judge: Judge::Object(SERVICES, |service, report| {
            if is_of_type(service.object, "LoadBalancer") {
                report.fail(type_path(), "the type is LoadBalancer".to_owned());
            }
        }),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 443}], loadBalancerSourceRanges: [192.0.2.0/24]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ClusterIP, ports: [{port: 443}]}
",
    },
    Check {
        id: "load-balancer-open",
        title: "Load balancer takes traffic from everywhere",
        why: "The whole internet can connect: scanners find the address within minutes, and a hole in the program is open to all.",
        fix: "List who may connect in loadBalancerSourceRanges, or have the cloud give it an internal address.",
        severity: Severity::Medium,
        category: Category::Network,
        techniques: &[technique("T1133"), technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(SERVICES, open),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ports: [{port: 443}], loadBalancerSourceRanges: [0.0.0.0/0]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ports: [{port: 443}], loadBalancerSourceRanges: [192.0.2.0/24]}
",
    },
    Check {
        id: "localhost-service",
        title: "Service leads to the machine of whoever uses it",
        why: "An Ingress controller or another pod that follows it connects to itself: this opens ports that listen on the loopback only, such as a controller's own API.",
        fix: "Remove the Service, or have externalName name a host outside of the cluster.",
        severity: Severity::Medium,
        category: Category::Network,
        techniques: &[technique("T1090")],
        controls: &[],
        equivalents: &[
            "kyverno:other/disallow-localhost-services",
            "kyverno:other/no-localhost-service",
        ],
        judge: Judge::Object(SERVICES, localhost),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ExternalName, externalName: localhost}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ExternalName, externalName: shop.example}
",
    },
    Check {
        id: "ssh-service",
        title: "Service offers a login by SSH",
        why: "An SSH server in a pod is a way in that Kubernetes neither authorises nor records, and a Service opens it to the whole cluster or beyond.",
        fix: "Remove the port; use kubectl exec or kubectl debug, which RBAC and the audit log cover.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1021.004")],
        controls: &[],
        equivalents: &["kubescape:C-0042"],
        judge: Judge::Object(SERVICES, ssh),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 2222, targetPort: 22}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 2222, targetPort: 8080}]}
",
    },
    Check {
        id: "services-share-selector",
        title: "Two Services lead to the same port of the same pods",
        why: "One of them is often a copy whose selector was forgotten: traffic for one application reaches another one.",
        fix: "Give each Service the labels of its own pods.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "gatekeeper-library:general/uniqueserviceselector",
            "kyverno:other/require-unique-service-selector",
        ],
        judge: Judge::Object(SERVICES, shares_selector),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: web}, ports: [{port: 80}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{port: 80}]}
",
    },
];

fn type_path() -> FieldPath {
    FieldPath::of(&["spec", "type"])
}

fn is_of_type(service: &Object<'_>, wanted: &str) -> bool {
    let given = service.fields().get("spec").and_then(|spec| spec.get("type"));
    given.and_then(Value::as_str) == Some(wanted)
}

fn node_port(service: &Whole<'_>, report: &mut Report<'_>) {
    if !is_of_type(service.object, "NodePort") {
        return;
    }
    let ports = elements(service.spec("ports")).iter();
    let numbers: Vec<String> =
        ports.filter_map(|port| Some(port.get("nodePort")?.as_u64()?.to_string())).collect();
    let which = match numbers.as_slice() {
        [] => "a port that the cluster picks".to_owned(),
        numbers => format!("port {}", numbers.join(", ")),
    };
    report.fail(type_path(), format!("the type is NodePort: {which} on every node"));
}

/// Annotations by which clouds take the networks of those who may connect.
const SOURCE_LISTS: [&str; 3] = [
    "service.beta.kubernetes.io/load-balancer-source-ranges",
    "service.beta.kubernetes.io/azure-allowed-service-tags",
    "service.beta.kubernetes.io/azure-allowed-ip-ranges",
];

fn open(service: &Whole<'_>, report: &mut Report<'_>) {
    if !is_of_type(service.object, "LoadBalancer") || is_limited(service.object) {
        return;
    }
    let ranges = elements(service.spec("loadBalancerSourceRanges"));
    let everywhere = ranges
        .iter()
        .filter_map(Value::as_str)
        .find(|range| matches!(*range, "0.0.0.0/0" | "::/0"));
    let how = match everywhere {
        Some(range) => format!("loadBalancerSourceRanges has {range}"),
        None if ranges.is_empty() => "loadBalancerSourceRanges is not set".to_owned(),
        None => return,
    };
    report.fail(FieldPath::of(&["spec", "loadBalancerSourceRanges"]), how);
}

fn is_limited(service: &Object<'_>) -> bool {
    let Some(annotations) = service.annotations() else { return false };
    let has = |name: &str| annotations.get(name).and_then(Value::as_str);
    is_private(service)
        || SOURCE_LISTS.iter().any(|name| has(name).is_some_and(|list| !list.contains("0.0.0.0/0")))
}

/// By the port of the pods; where it has a name, or none, by the Service's own.
fn ssh(service: &Whole<'_>, report: &mut Report<'_>) {
    for (index, port) in elements(service.spec("ports")).iter().enumerate() {
        let number = |name| port.get(name).and_then(Value::as_u64);
        let is_tcp = port.get("protocol").and_then(Value::as_str).is_none_or(|it| it == "TCP");
        let target = number("targetPort").or_else(|| number("port"));
        if let Some(target @ (22 | 2222)) = target.filter(|_| is_tcp) {
            report.fail(
                FieldPath::of(&["spec", "ports"]).index(index),
                format!("the Service leads to port {target} of its pods"),
            );
        }
    }
}

fn localhost(service: &Whole<'_>, report: &mut Report<'_>) {
    let name = service.spec("externalName").and_then(Value::as_str).unwrap_or_default();
    let host = name.trim_end_matches('.').to_ascii_lowercase();
    let is_local = host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.");
    if is_of_type(service.object, "ExternalName") && is_local {
        report.fail(FieldPath::of(&["spec", "externalName"]), format!("externalName is {name}"));
    }
}

/// A Service for each kind of client is usual: one of another type, a headless one, one for other ports.
fn shares_selector(service: &Whole<'_>, report: &mut Report<'_>) {
    if service.graph.is_single_object() {
        return report.undecided("other Services are other objects");
    }
    let own = offer(service.object);
    let is_twin = |other: &&Object<'_>| {
        let other = offer(other);
        other.form == own.form && other.targets.iter().any(|target| own.targets.contains(target))
    };
    let twins = service.graph.services_alike(service.object).filter(is_twin);
    if let Some(other) = twins.min_by_key(|other| other.name()) {
        report.fail(
            FieldPath::of(&["spec", "selector"]),
            format!("Service `{}` has the same selector and a port in common", other.name()),
        );
    }
}

/// What a Service offers: its form, and the ports of the pods that it leads to.
struct Offer<'a> {
    form: (Option<&'a str>, bool),
    targets: Vec<&'a Value>,
}

fn offer<'a>(service: &Object<'a>) -> Offer<'a> {
    let text = |name| down(service.value(), &["spec", name]).and_then(Value::as_str);
    let form =
        (text("type").filter(|given| *given != "ClusterIP"), text("clusterIP") == Some("None"));
    let ports = elements(down(service.value(), &["spec", "ports"])).iter();
    let targets = ports.filter_map(|port| port.get("targetPort").or_else(|| port.get("port")));
    Offer { form, targets: targets.collect() }
}
