//! Checks on order in the cluster: namespaces and labels.

use airside_k8s::resource::is_cluster_scoped;
use airside_k8s::{Map, Value, workload};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "default-namespace",
        title: "Workload lives in the default namespace",
        why: "Rights, quotas and network policies are given by namespace; what shares `default` shares them all.",
        fix: "Give the application a namespace of its own.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.7.4",
            "cis-aks-t1.8.0:4.7.3",
            "cis-eks-t1.8.0:4.5.2",
            "cis-gke-v1.9.0:4.6.4",
        ],
        equivalents: &[
            "kube-linter:use-namespace",
            "kubescape:C-0061",
            "kubescape:podtemplate-in-default-namespace",
            "kubescape:replicationcontroller-in-default-namespace",
            "trivy:KSV-0110",
            "checkov:CKV_K8S_21",
            "kyverno:best-practices/disallow-default-namespace",
        ],
        judge: Judge::Workload(default_namespace),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
",
    },
    Check {
        id: "object-in-default-namespace",
        title: "Object lives in the default namespace",
        why: "Rights, quotas and network policies are given by namespace; what shares `default` shares them all.",
        fix: "Put it into the namespace of the application that it belongs to.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.7.4",
            "cis-aks-t1.8.0:4.7.3",
            "cis-eks-t1.8.0:4.5.2",
            "cis-gke-v1.9.0:4.6.4",
        ],
        equivalents: &[
            "checkov:CKV_K8S_21",
            "kubescape:configmap-in-default-namespace",
            "kubescape:csistoragecapacity-in-default-namespace",
            "kubescape:endpoints-in-default-namespace",
            "kubescape:endpointslice-in-default-namespace",
            "kubescape:horizontalpodautoscaler-in-default-namespace",
            "kubescape:ingress-in-default-namespace",
            "kubescape:lease-in-default-namespace",
            "kubescape:persistentvolumeclaim-in-default-namespace",
            "kubescape:poddisruptionbudget-in-default-namespace",
            "kubescape:resources-secret-in-default-namespace",
            "kubescape:role-in-default-namespace",
            "kubescape:rolebinding-in-default-namespace",
            "kubescape:service-in-default-namespace",
            "kubescape:serviceaccount-in-default-namespace",
        ],
        judge: Judge::Any(object_in_default),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: default}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
",
    },
    Check {
        id: "kube-system-namespace",
        title: "Workload lives in kube-system",
        why: "Pods in kube-system are often exempt from policies and quotas and share a namespace with the cluster's own credentials.",
        fix: "Move what is no part of the control plane to a namespace of its own.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0037"],
        judge: Judge::Workload(kube_system),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: kube-system}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
",
    },
    Check {
        id: "object-in-kube-system",
        title: "Object of an application lives in kube-system",
        why: "What lies beside the cluster's own parts is deleted, upgraded and exempted from policies with them.",
        fix: "Move it to the namespace of the application that it belongs to.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0037"],
        judge: Judge::Any(object_in_kube_system),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: kube-system}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
",
    },
    Check {
        id: "application-label-missing",
        title: "Pods do not say to which application they belong",
        why: "Selectors, network policies, dashboards and people find pods by their labels; without a name of the application they go by pod names.",
        fix: "Add the label app.kubernetes.io/name to the pod template, and app.kubernetes.io/part-of, version and managed-by where they help.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0076"],
        judge: Judge::Pod(application_label),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {tier: front, app.kubernetes.io/part-of: shop}}
    spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {tier: front, app.kubernetes.io/part-of: shop, app: web}}
    spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "standard-labels-missing",
        title: "Pods have none of the labels that all tools know",
        why: "Dashboards, cost reports and policies group by the labels with app.kubernetes.io/; what lacks them is seen by none of them.",
        fix: "Add app.kubernetes.io/name to the pod template, and instance, version, component, part-of and managed-by where they help.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0077", "kyverno:best-practices/require-labels"],
        judge: Judge::Pod(standard_labels),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web, app.kubernetes.io/part-of: shop}}
    spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "workload-labels-missing",
        title: "Workload has none of the labels that all tools know",
        why: "Lists of workloads, cost reports and clean-up jobs go by the labels of the Deployment or Job itself, not by those of its pods.",
        fix: "Add app.kubernetes.io/name to metadata.labels, and instance, version, component, part-of and managed-by where they help.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0077"],
        judge: Judge::Workload(workload_labels),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web, app.kubernetes.io/part-of: shop}}
",
    },
];

fn namespace_path() -> FieldPath {
    FieldPath::of(&["metadata", "namespace"])
}

/// Only where the manifest says so: without a namespace it goes where the one who applies it says.
fn default_namespace(workload: &Whole<'_>, report: &mut Report<'_>) {
    if workload.object.namespace() == Some("default") {
        let kind = workload.object.kind();
        report.fail(namespace_path(), format!("the {kind} is put into the namespace default"));
    }
}

/// Workloads fail another check. The Service and the account that every cluster has there belong there.
fn object_in_default(whole: &Whole<'_>, report: &mut Report<'_>) {
    let object = whole.object;
    let own = matches!(
        (object.kind(), object.name()),
        ("Service" | "Endpoints" | "EndpointSlice", "kubernetes")
            | ("ServiceAccount", "default")
            | ("ConfigMap", "kube-root-ca.crt")
    );
    let is_judged = !is_cluster_scoped(object.kind()) && !workload::is_workload(object);
    if object.namespace() == Some("default") && !own && is_judged {
        let kind = object.kind();
        report.fail(namespace_path(), format!("the {kind} is put into the namespace default"));
    }
}

/// The control plane's own pods, as kubeadm labels them, belong there.
fn kube_system(workload: &Whole<'_>, report: &mut Report<'_>) {
    let label =
        |name| workload.object.labels().and_then(|labels| labels.get(name)).and_then(Value::as_str);
    let is_control_plane = label("component").is_some() && label("tier") == Some("control-plane");
    if workload.object.namespace() == Some("kube-system") && !is_control_plane {
        let kind = workload.object.kind();
        report.fail(namespace_path(), format!("the {kind} is put into the namespace kube-system"));
    }
}

/// Programs of other namespaces may need a binding or a setting in kube-system, and the cluster writes what
/// it needs there itself. Workloads fail another check.
fn object_in_kube_system(whole: &Whole<'_>, report: &mut Report<'_>) {
    const BELONGS: [&str; 11] = [
        "ConfigMap",
        "ControllerRevision",
        "EndpointSlice",
        "Endpoints",
        "Event",
        "Lease",
        "NetworkPolicy",
        "Role",
        "RoleBinding",
        "Secret",
        "ServiceAccount",
    ];
    let object = whole.object;
    let label = |name| object.labels().and_then(|labels| labels.get(name)).and_then(Value::as_str);
    let is_part = label("kubernetes.io/cluster-service") == Some("true")
        || label("k8s-app").is_some_and(|app| app.starts_with("kube-"));
    let is_judged = !BELONGS.contains(&object.kind())
        && !is_cluster_scoped(object.kind())
        && !workload::is_workload(object);
    if object.namespace() == Some("kube-system") && is_judged && !is_part {
        let kind = object.kind();
        report.fail(namespace_path(), format!("the {kind} is put into the namespace kube-system"));
    }
}

fn application_label(pod: &Pod<'_>, report: &mut Report<'_>) {
    const NAMES: [&str; 3] = ["app.kubernetes.io/name", "app", "k8s-app"];
    let has_name =
        pod.spec.labels().is_some_and(|labels| NAMES.iter().any(|name| labels.contains_key(name)));
    if !has_name && pod.is_service_like() && !pod.spec.containers.is_empty() {
        let carrier = pod.spec.path.parent().unwrap_or_default();
        report.fail(
            carrier.keys(&["metadata", "labels"]).key("app.kubernetes.io/name"),
            "the pods have none of the labels app.kubernetes.io/name, app and k8s-app".to_owned(),
        );
    }
}

/// Whether one of the labels that Kubernetes recommends is there.
fn has_standard_label(labels: Option<&Map>) -> bool {
    labels.into_iter().flatten().any(|(name, _)| name.starts_with("app.kubernetes.io/"))
}

fn standard_labels(pod: &Pod<'_>, report: &mut Report<'_>) {
    if !has_standard_label(pod.spec.labels()) && !pod.spec.containers.is_empty() {
        let carrier = pod.spec.path.parent().unwrap_or_default();
        report.fail(
            carrier.keys(&["metadata", "labels"]).key("app.kubernetes.io/name"),
            "the pods have no label that begins with app.kubernetes.io/".to_owned(),
        );
    }
}

/// A pod's own labels are those of its pods.
fn workload_labels(workload: &Whole<'_>, report: &mut Report<'_>) {
    if workload.object.kind() != "Pod" && !has_standard_label(workload.object.labels()) {
        let kind = workload.object.kind();
        report.fail(
            FieldPath::of(&["metadata", "labels"]).key("app.kubernetes.io/name"),
            format!("the {kind} has no label that begins with app.kubernetes.io/"),
        );
    }
}
