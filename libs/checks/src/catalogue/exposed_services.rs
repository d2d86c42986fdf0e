//! Checks on Services that open themselves to the outside.

use airside_k8s::fields::texts;
use airside_k8s::graph::is_private;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

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
];

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
