//! Checks on Services that open themselves to the outside.

use airside_k8s::fields::{elements, text, texts};
use airside_k8s::graph::is_private;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "service-node-port",
        title: "Service opens a port on every node",
        why: "The port is open on all addresses of all nodes, past the ingress controller with its TLS, logins and logs.",
        fix: "Use type ClusterIP, and publish the Service with an Ingress or a Gateway.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[
            "kube-linter:exposed-services",
            "kube-score:service-type",
            "kyverno:best-practices/restrict-node-port",
            "gatekeeper-library:general/block-nodeport-services",
            "popeye:POP-1104",
            "popeye:1104",
        ],
        judge: Judge::Object(&[("", "Service")], node_port),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80}]
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: ClusterIP
  selector: {app: web}
  ports: [{port: 80}]
",
    },
    Check {
        id: "service-load-balancer",
        title: "Service has a load balancer of its own",
        why: "It is reached from outside the cluster past the ingress controller with its TLS, logins and logs, on one more address to watch.",
        fix: "Publish the Service with an Ingress or a Gateway, unless its protocol needs its own address.",
        severity: Severity::Info,
        category: Category::Network,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[
            "kube-linter:exposed-services",
            "kyverno:other/restrict-loadbalancer",
            "gatekeeper-library:general/block-loadbalancer-services",
            "popeye:POP-1103",
            "popeye:1103",
        ],
        judge: Judge::Object(&[("", "Service")], load_balancer),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  loadBalancerSourceRanges: [192.0.2.0/24]
  selector: {app: web}
  ports: [{port: 80}]
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  loadBalancerSourceRanges: [192.0.2.0/24]
  selector: {app: web}
  ports: [{port: 80}]
",
    },
    Check {
        id: "load-balancer-open-to-all",
        title: "Load balancer of a Service takes connections from everywhere",
        why: "Everybody on the internet can connect to the pods behind it, and scanners will within minutes.",
        fix: "List the networks of the clients in loadBalancerSourceRanges, or ask for an internal load balancer.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1190"), technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("", "Service")], open_to_all),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: [192.0.2.0/24]
  selector: {app: web}
  ports: [{port: 80}]
",
    },
    Check {
        id: "load-balancer-hides-clients",
        title: "Load balancer hides the addresses of its clients",
        why: "With externalTrafficPolicy Cluster pods see a node's address in place of the client's: access logs and lists of allowed networks are worth little.",
        fix: "Set externalTrafficPolicy to Local, or pass the address on by the PROXY protocol.",
        severity: Severity::Info,
        category: Category::Network,
        techniques: &[],
        controls: &[],
        equivalents: &["popeye:POP-1107", "popeye:1107"],
        judge: Judge::Object(&[("", "Service")], hides_clients),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector: {app: web}
  ports: [{port: 80}]
",
    },
    Check {
        id: "node-port-on-some-nodes",
        title: "Node port answers on some nodes only",
        why: "With externalTrafficPolicy Local the port is dead on nodes that run none of the pods: who uses such a node's address gets nothing.",
        fix: "Set externalTrafficPolicy to Cluster, or put a load balancer that checks the nodes before the port.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["popeye:POP-1108", "popeye:1108"],
        judge: Judge::Object(&[("", "Service")], on_some_nodes),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  selector: {app: web}
  ports: [{port: 80}]
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  externalTrafficPolicy: Cluster
  selector: {app: web}
  ports: [{port: 80}]
",
    },
    Check {
        id: "aws-load-balancer-without-tls",
        title: "Load balancer of AWS takes plain traffic",
        why: "It has no certificate, and no port of TLS: what clients send passes in the clear over the internet.",
        fix: "Name a certificate in service.beta.kubernetes.io/aws-load-balancer-ssl-cert, or let the pods end TLS on port 443.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:aws/require-encryption-aws-loadbalancers"],
        judge: Judge::Object(&[("", "Service")], aws_without_tls),
        fails: r"apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {service.beta.kubernetes.io/aws-load-balancer-type: external}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
",
        passes: r"apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: external
    service.beta.kubernetes.io/aws-load-balancer-ssl-cert: arn:aws:acm:eu-west-1:1:certificate/a
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
",
    },
    Check {
        id: "service-for-localhost",
        title: "Service stands for the host of whoever calls it",
        why: "An ingress controller that resolves it calls itself: its own status page, admin port or metrics are then published by an Ingress.",
        fix: "Name the host that is meant, or delete the Service.",
        severity: Severity::Medium,
        category: Category::Network,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &["kyverno:other/disallow-localhost-services"],
        judge: Judge::Object(&[("", "Service")], for_localhost),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ExternalName, externalName: localhost}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ExternalName, externalName: shop.example.com}
",
    },
];

const AWS: &str = "service.beta.kubernetes.io/aws-load-balancer-";

fn aws_without_tls(service: &Whole<'_>, report: &mut Report<'_>) {
    let name = format!("{AWS}ssl-cert");
    let Some(spec) = service.spec_fields() else { return };
    let annotations = service.object.annotations().into_iter().flatten();
    let by_annotation = annotations.into_iter().any(|(name, _)| name.starts_with(AWS));
    let class = text(spec, "loadBalancerClass").unwrap_or_default();
    let is_aws = by_annotation || class.starts_with("service.k8s.aws/");
    if !is_of_type(service, "LoadBalancer") || !is_aws || service.annotation(&name).is_some() {
        return;
    }
    let is_tls =
        |port: &Value| matches!(port.get("port").and_then(Value::as_u64), Some(443 | 8443));
    // A port of TLS beside port 80, as of an ingress controller: the latter only redirects.
    if !elements(spec.get("ports")).iter().any(is_tls) {
        let message = "no certificate is named, and no port is one of TLS".to_owned();
        report.fail(annotation_path(&name), message);
    }
}

fn for_localhost(service: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "externalName";
    let name = service.spec(FIELD).and_then(Value::as_str).unwrap_or_default();
    let is_local = matches!(name, "localhost" | "localhost." | "127.0.0.1" | "::1")
        || name.ends_with(".localhost");
    if is_of_type(service, "ExternalName") && is_local {
        report.fail(FieldPath::of(&["spec", FIELD]), format!("externalName is {name}"));
    }
}

const TRAFFIC_POLICY: &str = "externalTrafficPolicy";

/// What the Service asks for; the API server's default is Cluster.
fn traffic_policy<'a>(service: &Whole<'a>) -> &'a str {
    service.spec(TRAFFIC_POLICY).and_then(Value::as_str).unwrap_or("Cluster")
}

fn hides_clients(service: &Whole<'_>, report: &mut Report<'_>) {
    if is_of_type(service, "LoadBalancer") && traffic_policy(service) == "Cluster" {
        let message = "externalTrafficPolicy is Cluster: pods see addresses of nodes".to_owned();
        report.fail(FieldPath::of(&["spec", TRAFFIC_POLICY]), message);
    }
}

fn on_some_nodes(service: &Whole<'_>, report: &mut Report<'_>) {
    if is_of_type(service, "NodePort") && traffic_policy(service) == "Local" {
        let message =
            "externalTrafficPolicy is Local: nodes without a pod do not answer".to_owned();
        report.fail(FieldPath::of(&["spec", TRAFFIC_POLICY]), message);
    }
}

fn is_of_type(service: &Whole<'_>, wanted: &str) -> bool {
    service.spec("type").and_then(Value::as_str) == Some(wanted)
}

fn node_port(service: &Whole<'_>, report: &mut Report<'_>) {
    if is_of_type(service, "NodePort") {
        let message = "type NodePort opens a port on every node".to_owned();
        report.fail(FieldPath::of(&["spec", "type"]), message);
    }
}

fn load_balancer(service: &Whole<'_>, report: &mut Report<'_>) {
    if is_of_type(service, "LoadBalancer") {
        let what = if is_private(service.object) { "private network" } else { "internet" };
        let message = format!("type LoadBalancer opens the Service to the {what}");
        report.fail(FieldPath::of(&["spec", "type"]), message);
    }
}

fn open_to_all(service: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "loadBalancerSourceRanges";
    const ANNOTATIONS: [&str; 3] = [
        "service.beta.kubernetes.io/azure-allowed-ip-ranges",
        "service.beta.kubernetes.io/load-balancer-source-ranges",
        "service.beta.kubernetes.io/aws-load-balancer-security-groups",
    ];
    let Some(spec) = service.spec_fields() else { return };
    let by_annotation = ANNOTATIONS.iter().any(|name| service.annotation(name).is_some());
    if !is_of_type(service, "LoadBalancer") || is_private(service.object) || by_annotation {
        return;
    }
    let path = FieldPath::of(&["spec", FIELD]);
    let mut ranges = texts(spec, FIELD).peekable();
    if ranges.peek().is_none() {
        return report.fail(path, "no list of client networks is set".to_owned());
    }
    if let Some((index, range)) = ranges.find(|(_, range)| matches!(*range, "0.0.0.0/0" | "::/0")) {
        report.fail(path.index(index), format!("{range} is everybody"));
    }
}
