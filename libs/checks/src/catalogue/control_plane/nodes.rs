//! Checks on nodes. Their releases are judged with the vulnerabilities.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "node-public-address",
    title: "Node has a public address",
    why: "Whatever listens on the node is one mistake in a firewall away from the internet: the kubelet, node ports, pods on its network.",
    fix: "Put nodes into private subnets and let load balancers and a gateway for outgoing traffic do the rest.",
    severity: Severity::Low,
    category: Category::ControlPlane,
    techniques: &[technique("T1133")],
    controls: &["cis-eks-t1.8.0:5.4.3"],
    equivalents: &[],
    judge: Judge::Object(&[("", "Node")], public_address),
    fails: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  addresses: [{type: InternalIP, address: 10.0.0.7}, {type: ExternalIP, address: 203.0.113.7}]
",
    passes: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  addresses: [{type: InternalIP, address: 10.0.0.7}]
",
}];

fn public_address(node: &Whole<'_>, report: &mut Report<'_>) {
    let keys = ["status", "addresses"];
    for (index, entry) in elements(down(node.object.value(), &keys)).iter().enumerate() {
        let text = |name| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        if matches!(text("type"), "ExternalIP" | "ExternalDNS") && !text("address").is_empty() {
            let path = FieldPath::of(&keys).index(index);
            report.fail(path, format!("the node is known outside as {}", text("address")));
        }
    }
}
