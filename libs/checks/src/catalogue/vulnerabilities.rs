//! Checks on the versions of cluster components: known vulnerabilities, and versions without support.
//!
//! What is known is `airside-vulnerability`'s data. What no later version fixes is left to the checks on the
//! configuration that it needs: a version cannot be blamed for it.

use airside_types::Severity;
use airside_types::attack::technique;
use airside_vulnerability::component::Hit;
use airside_vulnerability::{Components, Seen, inventory};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The check behind findings of imported reports. Each has its own severity, and after a `/` the
/// vulnerability and the package: one image has many.
pub(crate) static IMAGE_VULNERABILITY: Check = Check {
    id: airside_vulnerability::join::IMAGE_VULNERABILITY,
    title: "Image has known vulnerabilities",
    why: "A report or an SBOM says that a package of the image has a vulnerability that is published; whether the program uses it there, only its makers can say (VEX).",
    fix: "Build or pull the image with the fixed version of the package, and name it by its digest.",
    severity: Severity::Medium,
    category: Category::SupplyChain,
    techniques: &[technique("T1190")],
    controls: &[],
    equivalents: &["kubescape:C-0083", "kubescape:C-0085"],
    judge: Judge::Reported,
    fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: 'registry.example/web:1.2.3'}]}
",
    passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: 'registry.example/web:1.2.4'}]}
",
};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "vulnerable-component",
        title: "Component has serious known vulnerabilities",
        why: "The version has vulnerabilities that are published with a severity of high or critical; attacks on them are often published as well.",
        fix: "Update the component to the version that the message names, or to a later one.",
        severity: Severity::High,
        category: Category::SupplyChain,
        techniques: &[technique("T1190"), technique("T1068")],
        controls: &[],
        equivalents: &[
            "kubescape:C-0059",
            "kubescape:C-0081",
            "kubescape:C-0090",
            "kubescape:C-0091",
        ],
        judge: Judge::Pod(|pod, report| pod_is_vulnerable(pod, Grade::Serious, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: kyverno}
spec:
  containers:
  - name: kyverno
    image: ghcr.io/kyverno/kyverno:v1.8.4
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: kyverno}
spec:
  containers:
  - name: kyverno
    image: ghcr.io/kyverno/kyverno:v1.8.5
",
    },
    Check {
        id: "component-with-lesser-vulnerabilities",
        title: "Component has known vulnerabilities of lesser severity",
        why: "The version has published vulnerabilities of low or medium severity, which help an attacker who has something else to start from.",
        fix: "Update the component to the version that the message names, or to a later one.",
        severity: Severity::Low,
        category: Category::SupplyChain,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(|pod, report| pod_is_vulnerable(pod, Grade::Lesser, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: kyverno}
spec:
  containers:
  - name: kyverno
    image: ghcr.io/kyverno/kyverno:v1.12.0
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: kyverno}
spec:
  containers:
  - name: kyverno
    image: ghcr.io/kyverno/kyverno:v1.13.0
",
    },
    Check {
        id: "end-of-life-component",
        title: "Component has no support any more",
        why: "What is found in this version, or in any version of this component, stays open: nobody publishes fixes.",
        fix: "Move to a supported version, or to another component where the project has ended.",
        severity: Severity::Medium,
        category: Category::SupplyChain,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0292"],
        judge: Judge::Pod(pod_has_ended),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: ingress}
spec:
  containers:
  - name: controller
    image: registry.k8s.io/ingress-nginx/controller:v1.15.1
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: ingress}
spec:
  containers:
  - name: controller
    image: docker.io/library/traefik:v3.6.2
",
    },
    Check {
        id: "vulnerable-cluster-version",
        title: "Kubernetes or its runtime has serious known vulnerabilities",
        why: "The version of Kubernetes, the container runtime or the kernel has published vulnerabilities of high or critical severity: a pod or a user may take over nodes or the cluster.",
        fix: "Update the node or the control plane to the version that the message names, or to a later one.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1068"), technique("T1611")],
        controls: &[],
        equivalents: &[
            "kubescape:C-0058",
            "kubescape:C-0079",
            "kubescape:C-0087",
            "kyverno:other/check-node-for-cve-2022-0185",
        ],
        judge: Judge::Object(CLUSTER, |whole, report| {
            vulnerable(whole.components, &of_object(whole), Grade::Serious, report);
        }),
        fails: r"apiVersion: v1
kind: Node
metadata: {name: worker}
status:
  nodeInfo: {kubeletVersion: v1.30.2, operatingSystem: linux}
",
        passes: r"apiVersion: v1
kind: Node
metadata: {name: worker}
status:
  nodeInfo: {kubeletVersion: v1.30.3, operatingSystem: linux}
",
    },
    Check {
        id: "cluster-version-with-lesser-vulnerabilities",
        title: "Kubernetes or its runtime has known vulnerabilities of lesser severity",
        why: "The version of Kubernetes or of the container runtime has published vulnerabilities of low or medium severity, which help an attacker who has something else to start from.",
        fix: "Update the node or the control plane to the version that the message names, or to a later one.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0089"],
        judge: Judge::Object(CLUSTER, |whole, report| {
            vulnerable(whole.components, &of_object(whole), Grade::Lesser, report);
        }),
        fails: r"apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.33.1
",
        passes: r"apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.33.6
",
    },
    Check {
        id: "end-of-life-cluster-version",
        title: "Version of Kubernetes has no support any more",
        why: "What is found in this version stays open: the Kubernetes project publishes patches for three minor versions only.",
        fix: "Update the cluster to a supported minor version.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0273", "kubescape:outdated-k8s-version"],
        judge: Judge::Object(CLUSTER, |whole, report| {
            ended(whole.components, &of_object(whole), report)
        }),
        fails: r"apiVersion: v1
kind: Node
metadata: {name: worker}
status:
  nodeInfo: {kubeletVersion: v1.32.2, operatingSystem: linux}
",
        passes: r"apiVersion: v1
kind: Node
metadata: {name: worker}
status:
  nodeInfo: {kubeletVersion: v1.36.1, operatingSystem: linux}
",
    },
];

/// Objects that tell versions of the cluster itself.
const CLUSTER: &[(&str, &str)] = &[
    ("", "Node"),
    ("kubeadm.k8s.io", "ClusterConfiguration"),
    ("", "ConfigMap"),
    ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane"),
    ("cluster.x-k8s.io", "Cluster"),
];

/// Which vulnerabilities a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    /// High and critical.
    Serious,
    /// Everything else.
    Lesser,
}

fn of_pod<'a>(pod: &Pod<'a>) -> Vec<Seen<'a>> {
    inventory::of_pod(pod.components, pod.spec)
}

fn of_object<'a>(whole: &Whole<'a>) -> Vec<Seen<'a>> {
    inventory::of_object(whole.components, whole.object)
}

fn pod_is_vulnerable(pod: &Pod<'_>, grade: Grade, report: &mut Report<'_>) {
    vulnerable(pod.components, &of_pod(pod), grade, report);
}

fn vulnerable(data: &Components, seen: &[Seen<'_>], grade: Grade, report: &mut Report<'_>) {
    for seen in seen {
        let mut hits = data.advisories_of(&seen.component.name, &seen.version, seen.os);
        hits.retain(|hit| hit.range.is_fixed_later() && grade_of(hit) == grade);
        if !hits.is_empty() {
            report.fail(seen.field.clone(), vulnerable_message(data, seen, &hits));
        }
    }
}

fn grade_of(hit: &Hit<'_>) -> Grade {
    let is_serious = hit.advisory.severity().is_some_and(|severity| severity >= Severity::High);
    if is_serious { Grade::Serious } else { Grade::Lesser }
}

fn vulnerable_message(data: &Components, seen: &Seen<'_>, hits: &[Hit<'_>]) -> String {
    const SHOWN: usize = 5;
    let ids: Vec<&str> = hits.iter().take(SHOWN).map(|hit| hit.advisory.id.as_str()).collect();
    let more = match hits.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let exploited = hits.iter().find(|hit| hit.advisory.known_exploited);
    let exploited = exploited.map(|hit| format!("; {} is being exploited", hit.advisory.id));
    let fixed = data.fixed_version(&seen.component.name, &seen.version, seen.os);
    let fixed = match fixed {
        Some(fixed) => format!("; version {fixed} has the fixes"),
        None => "; the data records no version with all fixes".to_owned(),
    };
    format!(
        "{} has {}{more}{}{fixed}",
        subject(seen),
        ids.join(", "),
        exploited.unwrap_or_default()
    )
}

/// The component and its version, as messages name them.
fn subject(seen: &Seen<'_>) -> String {
    let build = match seen.version.has_vendor_suffix() {
        true => " (by a vendor, who may have added fixes)",
        false => "",
    };
    let what = format!("{} {}{build}", seen.component.title, seen.version);
    match seen.container.as_deref() {
        Some(name) => format!("{}: {what}", label(name)),
        None => what,
    }
}

/// How messages name a container.
fn label(name: &str) -> String {
    match name {
        "" => "container without a name".to_owned(),
        name => format!("container `{name}`"),
    }
}

/// A vendor supports his builds of Kubernetes for longer than the project does; a project that has ended as
/// a whole has no vendors that we know of.
fn ended(data: &Components, seen: &[Seen<'_>], report: &mut Report<'_>) {
    for seen in seen {
        let Some(end) = data.end_of_life(seen.component, &seen.version) else {
            continue;
        };
        if end.range.is_fixed_later() && seen.version.has_vendor_suffix() {
            continue;
        }
        let message =
            format!("{} has no support since {}: {}", subject(seen), end.since, end.summary);
        report.fail(seen.field.clone(), message.trim_end_matches('.').to_owned());
    }
}

/// A project that has ended has no version with support: then the version need not be known.
fn pod_has_ended(pod: &Pod<'_>, report: &mut Report<'_>) {
    let seen = of_pod(pod);
    let data = pod.components;
    ended(data, &seen, report);
    for (component, field, container) in inventory::without_version(data, pod.spec) {
        let is_said = seen.iter().any(|seen| seen.component == component);
        if let Some(end) = data.end_of_project(component).filter(|_| !is_said) {
            let (title, since) = (&component.title, &end.since);
            let (label, summary) = (label(&container), end.summary.trim_end_matches('.'));
            let message = format!("{label}: {title} has no support since {since}: {summary}");
            report.fail(field, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use airside_k8s::{Completeness, Object};
    use airside_k8s::{Value, json};

    use crate::evaluate::evaluate;

    fn messages(value: &Value) -> Vec<String> {
        let object = Object::new(value).unwrap();
        let failures = evaluate(&[object], Completeness::WholeInput).failures;
        let own = failures
            .iter()
            .filter(|failure| super::CHECKS.iter().any(|check| check.id == failure.check.id));
        own.map(|failure| format!("{}: {}: {}", failure.check.id, failure.field, failure.message))
            .collect()
    }

    fn pod(image: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "c", "image": image}]}})
    }

    #[test]
    fn a_finding_names_the_vulnerabilities_and_the_version_that_fixes_them() {
        assert_eq!(
            messages(&pod("grafana/grafana:8.3.0")),
            [
                "vulnerable-component: spec.containers[0].image: container `c`: Grafana 8.3.0 has CVE-2023-3128, CVE-2021-43798, CVE-2022-31097, CVE-2022-31107; CVE-2021-43798 is being exploited; version 8.5.27 has the fixes",
            ]
        );
        assert_eq!(messages(&pod("grafana/grafana:latest")), [""; 0]);
    }

    #[test]
    fn builds_of_a_vendor_are_said_to_be_such_and_are_not_called_unsupported() {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
            "status": {"nodeInfo": {"kubeletVersion": "v1.29.1-eks-508b6b3"}}});
        assert_eq!(
            messages(&node),
            [
                "vulnerable-cluster-version: status.nodeInfo.kubeletVersion: kubelet 1.29.1-eks-508b6b3 (by a vendor, who may have added fixes) has CVE-2024-10220; version 1.29.14 has the fixes",
                "cluster-version-with-lesser-vulnerabilities: status.nodeInfo.kubeletVersion: kubelet 1.29.1-eks-508b6b3 (by a vendor, who may have added fixes) has CVE-2025-0426; version 1.29.14 has the fixes",
            ]
        );
    }

    #[test]
    fn a_retired_project_is_said_with_its_date() {
        assert_eq!(
            messages(&pod("registry.k8s.io/ingress-nginx/controller:v1.15.1")),
            [
                "end-of-life-component: spec.containers[0].image: container `c`: ingress-nginx 1.15.1 has no support since 2026-03: The project retired in March 2026; nobody fixes what is found in it",
            ]
        );
    }

    #[test]
    fn a_retired_project_needs_no_version() {
        let digest = format!("k8s/ingress-nginx/controller@sha256:{}", "00".repeat(32));
        for image in [digest.as_str(), "registry.k8s.io/ingress-nginx/controller"] {
            let found = messages(&pod(image));
            assert!(matches!(found.as_slice(), [only] if only.contains("2026-03")), "{found:?}");
        }
        assert_eq!(messages(&pod("registry.k8s.io/kube-proxy")), [""; 0]);
    }

    #[test]
    fn kernels_runtimes_and_kubernetes_that_other_tools_check_are_found() {
        let node = |field: &str, version: &str| {
            messages(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
                "status": {"nodeInfo": {field: version}}}))
        };
        for (field, version, cve) in [
            ("kernelVersion", "5.10.50-talos", "CVE-2022-0185"),
            ("containerRuntimeVersion", "containerd://1.5.5", "CVE-2022-23648"),
            ("kubeletVersion", "v1.22.1", "CVE-2021-25741"),
        ] {
            let found = node(field, version);
            assert!(found.iter().any(|message| message.contains(cve)), "{version}: {found:?}");
        }
        assert_eq!(node("kernelVersion", "5.15.0-91-generic"), [""; 0]);
    }
}
