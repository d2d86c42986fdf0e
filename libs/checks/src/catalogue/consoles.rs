//! Checks on web pages with rights in the cluster: consoles that outsiders reach, the Kubernetes dashboard.

use airside_k8s::Value;
use airside_k8s::fields::{maps, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::exposure::{easiest, labels_path, shown, ways};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Binding, Pod};

/// What its workloads, roles and service account are called.
const DASHBOARD: &str = "kubernetes-dashboard";

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "exposed-sensitive-interface",
        title: "Console that controls the cluster or its data is reached from outside",
        why: "Consoles such as the Kubernetes dashboard, Argo Workflows, Kubeflow, Weave Scope or Jenkins start code for whoever gets in, and several ask for no login.",
        fix: "Make the Service ClusterIP and reach it by `kubectl port-forward`, a VPN, or a proxy that asks for a login.",
        severity: Severity::High,
        category: Category::Network,
        techniques: &[technique("T1133"), technique("T1190"), technique("T1613")],
        controls: &[],
        equivalents: &["kubescape:C-0021"],
        judge: Judge::Pod(sensitive_interface),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: argo-server}
spec:
  template:
    metadata: {labels: {app: argo}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: argo}
spec:
  type: NodePort
  selector: {app: argo}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: argo}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: argo}
spec:
  type: NodePort
  selector: {app: web}
---
apiVersion: v1
kind: Pod
metadata: {name: argo-server}
spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "dashboard-deployed",
        title: "Kubernetes dashboard is deployed",
        why: "The project is archived, and a web page with rights in the cluster is one more way in: it was left open, with rights, time and again.",
        fix: "Delete it; use kubectl or a tool on people's own machines, with their own rights.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1133"), technique("T1613")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_33"],
        judge: Judge::Pod(deployed),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: board, labels: {k8s-app: kubernetes-dashboard}}
spec: {containers: [{name: board, image: 'docker.io/example/board:v2.7.0'}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: board}
spec: {containers: [{name: board, image: 'docker.io/example/board:v2.7.0'}]}
",
    },
    Check {
        id: "dashboard-account-borrowed",
        title: "Workload uses the service account of the Kubernetes dashboard",
        why: "It sees and does in the cluster what the dashboard can, which has nothing to do with it.",
        fix: "Give the workload a service account of its own.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1078"), technique("T1613")],
        controls: &[],
        equivalents: &["kubescape:C-0014"],
        judge: Judge::Pod(account_borrowed),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: kubernetes-dashboard, containers: [{name: web}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: web, containers: [{name: web}]}
",
    },
    Check {
        id: "dashboard-role-lent",
        title: "Somebody besides the Kubernetes dashboard has its role",
        why: "The role reads the dashboard's secrets, its session keys among them: who has it can act as the dashboard.",
        fix: "Bind a role that says what the subject needs.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1078"), technique("T1613")],
        controls: &[],
        equivalents: &["kubescape:C-0014"],
        judge: Judge::Binding(role_lent),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b}
roleRef: {kind: Role, name: kubernetes-dashboard}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b}
roleRef: {kind: Role, name: kubernetes-dashboard}
subjects: [{kind: ServiceAccount, name: kubernetes-dashboard, namespace: shop}]
",
    },
];

fn deployed(pod: &Pod<'_>, report: &mut Report<'_>) {
    let image = pod.spec.containers.iter().find(|container| {
        let image = container.image().unwrap_or_default();
        image.contains("kubernetes-dashboard") || image.contains("kubernetesui/dashboard")
    });
    if let Some(container) = image {
        let image = container.image().unwrap_or_default();
        let message = format!("image {image} is the Kubernetes dashboard");
        return report.fail(container.path.key("image"), message);
    }
    let label = |name: &str| pod.spec.labels()?.get(name)?.as_str();
    if let Some(name) = ["app", "k8s-app"].into_iter().find(|name| label(name) == Some(DASHBOARD)) {
        report.fail(
            labels_path(pod).key(name),
            format!("label {name} says that this is the Kubernetes dashboard"),
        );
    }
}

fn account_borrowed(pod: &Pod<'_>, report: &mut Report<'_>) {
    let is_dashboard = pod.object.name().starts_with(DASHBOARD);
    if pod.spec.service_account() == DASHBOARD && !is_dashboard {
        let message = format!("the pod runs as service account `{DASHBOARD}`");
        report.fail(pod.path("serviceAccountName"), message);
    }
}

fn role_lent(binding: &Binding<'_>, report: &mut Report<'_>) {
    if binding.role_name != DASHBOARD {
        return;
    }
    for (index, subject) in maps(binding.object.fields(), "subjects") {
        let name = text(subject, "name").unwrap_or_default();
        if name != DASHBOARD {
            let path = FieldPath::of(&["subjects"]).index(index).key("name");
            report.fail(path, format!("{name} has the dashboard's role"));
        }
    }
}

/// Consoles by how their workloads or images are called.
const CONSOLES: [&str; 14] = [
    "airflow-webserver",
    "argo-server",
    "centraldashboard",
    "jenkins",
    "jupyter-notebook",
    "kubeflow",
    "kubernetes-dashboard",
    "longhorn-ui",
    "nifi",
    "phpmyadmin",
    "prometheus-deployment",
    "rook-ceph-mgr-dashboard",
    "weave-scope",
    "workflow-controller-ui",
];

fn sensitive_interface(pod: &Pod<'_>, report: &mut Report<'_>) {
    let name = pod.object.name();
    let known = CONSOLES.iter().find(|console| name.contains(**console)).copied();
    let by_image = || {
        pod.spec.containers.iter().find_map(|container| {
            let image = container.image()?.rsplit('/').next()?.split([':', '@']).next()?;
            CONSOLES.iter().find(|console| **console == image).copied()
        })
    };
    let Some(console) = known.or_else(by_image).or_else(|| open_grafana(pod)) else { return };
    if let Some(way) = easiest(&ways(pod, report)) {
        report.fail(labels_path(pod), format!("{console} is reached by {}", shown(way)));
    }
}

/// Grafana asks for a login unless it is told not to.
fn open_grafana(pod: &Pod<'_>) -> Option<&'static str> {
    let anonymous = pod.spec.containers.iter().any(|container| {
        maps(container.fields, "env").any(|(_, variable)| {
            let text = |name: &str| variable.get(name).and_then(Value::as_str);
            text("name") == Some("GF_AUTH_ANONYMOUS_ENABLED") && text("value") == Some("true")
        })
    });
    anonymous.then_some("grafana without login")
}
