//! Checks on Services that open themselves to the outside.

use airside_k8s::fields::{elements, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
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
