//! Checks on nodes and on the releases that clusters run.

use airside_k8s::fields::{down, elements};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
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
    },
    Check {
        id: "kubernetes-out-of-support",
        title: "Kubernetes release gets no fixes any more",
        why: "Holes that are found in it stay open, and those that are known can be looked up.",
        fix: "Update to a release that is supported: the three newest ones are.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &["kubescape:C-0273", "popeye:405"],
        judge: Judge::Object(VERSIONED, out_of_support),
        fails: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  nodeInfo: {kubeletVersion: v1.28.3}
",
        passes: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  nodeInfo: {kubeletVersion: v1.37.1}
",
    },
    Check {
        id: "containerd-image-volumes",
        title: "containerd lets images read files of the node",
        why: "An image can declare a volume that leads out of it, so that a container gets files of the node, without any right to (CVE-2022-23648).",
        fix: "Update containerd to 1.4.13, 1.5.10, 1.6.1 or newer.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1611"), technique("T1552.001")],
        controls: &[],
        equivalents: &["kubescape:C-0087"],
        judge: Judge::Object(&[("", "Node")], image_volumes),
        fails: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  nodeInfo: {containerRuntimeVersion: containerd://1.5.9}
",
        passes: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  nodeInfo: {containerRuntimeVersion: containerd://1.5.10}
",
    },
];

/// What tells a release of Kubernetes: nodes, kubeadm, Cluster API.
const VERSIONED: &[(&str, &str)] = &[
    ("", "Node"),
    ("kubeadm.k8s.io", "ClusterConfiguration"),
    ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane"),
    ("cluster.x-k8s.io", "Cluster"),
    ("cluster.x-k8s.io", "MachineDeployment"),
];
const VERSIONS: [&[&str]; 5] = [
    &["status", "nodeInfo", "kubeletVersion"],
    &["kubernetesVersion"],
    &["spec", "version"],
    &["spec", "topology", "version"],
    &["spec", "template", "spec", "version"],
];

/// When the table of releases was made; a check has no clock.
const AS_OF: &str = "November 2026";
/// Minor releases of Kubernetes 1 and the month of their last fixes, the oldest first. Older ones ended
/// before, newer ones have not ended.
const ENDED: [(u64, &str); 9] = [
    (26, "February 2024"),
    (27, "June 2024"),
    (28, "October 2024"),
    (29, "February 2025"),
    (30, "June 2025"),
    (31, "November 2025"),
    (32, "February 2026"),
    (33, "June 2026"),
    (34, "October 2026"),
];

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

fn out_of_support(whole: &Whole<'_>, report: &mut Report<'_>) {
    for keys in VERSIONS {
        let Some(version) = down(whole.object.value(), keys).and_then(Value::as_str) else {
            continue;
        };
        let Some([1, minor, _]) = numbers(version) else { continue };
        let ended = match ENDED.iter().find(|(ended, _)| *ended == minor) {
            Some((_, month)) => format!("since {month}"),
            None if minor < 26 => "for years".to_owned(),
            None => continue,
        };
        let message = format!("Kubernetes {version} has had no fixes {ended} (as of {AS_OF})");
        report.fail(FieldPath::of(keys), message);
    }
}

fn image_volumes(node: &Whole<'_>, report: &mut Report<'_>) {
    let keys = ["status", "nodeInfo", "containerRuntimeVersion"];
    let runtime = down(node.object.value(), &keys).and_then(Value::as_str).unwrap_or_default();
    let Some(version) = runtime.strip_prefix("containerd://") else { return };
    let is_open = match numbers(version) {
        Some([1, ..=3, _]) => true,
        Some([1, 4, patch]) => patch < 13,
        Some([1, 5, patch]) => patch < 10,
        Some([1, 6, patch]) => patch < 1,
        _ => false,
    };
    if is_open {
        let message = format!("containerd {version} has the hole CVE-2022-23648");
        report.fail(FieldPath::of(&keys), message);
    }
}

/// Major, minor and patch of `v1.30.2-eks-1234`, `1.30`, `stable-1.30`.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let version = version.strip_prefix("stable-").unwrap_or(version);
    let mut parts = version.trim_start_matches('v').split('.').map(|part| {
        let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
        part.get(..end)?.parse().ok()
    });
    Some([parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_however_they_are_written() {
        for (version, expected) in [
            ("v1.30.2-eks-1234", Some([1, 30, 2])),
            ("1.30", Some([1, 30, 0])),
            ("v1.28+", Some([1, 28, 0])),
            ("stable-1.31", Some([1, 31, 0])),
            ("stable", None),
            ("${VERSION}", None),
            ("", None),
        ] {
            assert_eq!(numbers(version), expected, "{version}");
        }
    }
}
