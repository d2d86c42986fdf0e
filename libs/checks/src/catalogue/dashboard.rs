//! Checks on the Kubernetes dashboard: a web page with rights in the cluster.

use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Binding, Pod};

/// What its workloads, roles and service account are called.
const DASHBOARD: &str = "kubernetes-dashboard";

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
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
metadata: {name: board}
spec: {containers: [{name: board, image: 'docker.io/kubernetesui/dashboard:v2.7.0'}]}
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
        let labels = pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "labels", name]);
        report.fail(labels, format!("label {name} says that this is the Kubernetes dashboard"));
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
    for (index, subject) in airside_k8s::fields::maps(binding.object.fields(), "subjects") {
        let name = airside_k8s::fields::text(subject, "name").unwrap_or_default();
        if name != DASHBOARD {
            let path = FieldPath::of(&["subjects"]).index(index).key("name");
            report.fail(path, format!("{name} has the dashboard's role"));
        }
    }
}
