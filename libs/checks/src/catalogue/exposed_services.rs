//! Checks on which nodes pass on the traffic of Services from outside.

use airside_k8s::Value;
use airside_types::{FieldPath, Severity};

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
