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
  nodeInfo: {kubeletVersion: v1.34.9}
",
        passes: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  nodeInfo: {kubeletVersion: v1.37.1}
",
    },
    Check {
        id: "kubernetes-open-holes",
        title: "Kubernetes release has known holes that newer patches close",
        why: "How to use them is described in public; some lead from a pod to its node, others past rules of the API server.",
        fix: "Update to the newest patch of the release.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1190"), technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(VERSIONED, open_holes),
        fails: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  nodeInfo: {kubeletVersion: v1.30.2}
",
        passes: r"apiVersion: v1
kind: Node
metadata: {name: node-7}
status:
  nodeInfo: {kubeletVersion: v1.30.14}
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
    (27, "July 2024"),
    (28, "October 2024"),
    (29, "February 2025"),
    (30, "July 2025"),
    (31, "November 2025"),
    (32, "February 2026"),
    (33, "June 2026"),
    (34, "October 2026"),
];

/// A hole in Kubernetes.
struct Hole {
    name: &'static str,
    /// Whether kubelets have it, or else the API server.
    is_of_kubelet: bool,
    /// The patches that close it, by minor release; older minors stay open, newer ones never had it.
    closed: &'static [(u64, u64)],
}

/// From the announcements of Kubernetes' security response committee; what has no fix, or needs a setting
/// that few have, is not here.
const HOLES: [Hole; 5] = [
    Hole {
        name: "CVE-2021-25741",
        is_of_kubelet: true,
        closed: &[(19, 15), (20, 11), (21, 5), (22, 2)],
    },
    Hole {
        name: "CVE-2022-3172",
        is_of_kubelet: false,
        closed: &[(22, 14), (23, 11), (24, 5), (25, 1)],
    },
    Hole {
        name: "CVE-2022-3294",
        is_of_kubelet: false,
        closed: &[(22, 16), (23, 14), (24, 8), (25, 4)],
    },
    Hole { name: "CVE-2024-10220", is_of_kubelet: true, closed: &[(28, 12), (29, 7), (30, 3)] },
    Hole { name: "CVE-2025-5187", is_of_kubelet: false, closed: &[(31, 12), (32, 8), (33, 4)] },
];

impl Hole {
    fn is_open_in(&self, minor: u64, patch: u64) -> bool {
        match self.closed.iter().find(|(closed, _)| *closed == minor) {
            Some((_, closing)) => patch < *closing,
            None => self.closed.iter().all(|(closed, _)| minor < *closed),
        }
    }
}

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

fn open_holes(whole: &Whole<'_>, report: &mut Report<'_>) {
    let is_node = whole.object.kind() == "Node";
    for keys in VERSIONS {
        let Some(version) = down(whole.object.value(), keys).and_then(Value::as_str) else {
            continue;
        };
        // Without a patch it is the newest one.
        if version.split('.').count() < 3 {
            continue;
        }
        let Some([1, minor, patch]) = numbers(version) else { continue };
        let open = HOLES
            .iter()
            .filter(|hole| (hole.is_of_kubelet || !is_node) && hole.is_open_in(minor, patch));
        let names: Vec<_> = open.map(|hole| hole.name).collect();
        if !names.is_empty() {
            let message = format!("Kubernetes {version} is open to {}", names.join(", "));
            report.fail(FieldPath::of(keys), message);
        }
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

    #[test]
    fn a_hole_is_open_until_the_patch_of_its_minor() {
        let hole = HOLES.iter().find(|hole| hole.name == "CVE-2024-10220").unwrap();
        for (minor, patch, expected) in [
            (27, 16, true),
            (28, 11, true),
            (28, 12, false),
            (30, 2, true),
            (30, 3, false),
            (31, 0, false),
        ] {
            assert_eq!(hole.is_open_in(minor, patch), expected, "1.{minor}.{patch}");
        }
    }
}
