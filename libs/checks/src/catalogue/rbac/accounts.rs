//! Checks on service accounts themselves, and on their tokens in manifests.

use airside_k8s::fields::{maps, text};
use airside_k8s::rbac::{Bearer, subjects};
use airside_k8s::{Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity, shown_name};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Whole};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "default-service-account-token",
        title: "The default service account has its token mounted",
        why: "Every pod of the namespace that names no account gets a token for the API, which it did not ask for.",
        fix: "Set automountServiceAccountToken to false in the service account; give programs that need the API an account of their own.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.1.5",
            "cis-aks-t1.8.0:4.1.5",
            "cis-eks-t1.8.0:4.1.5",
            "cis-gke-v1.9.0:4.1.4",
        ],
        equivalents: &["kubescape:automount-default-service-account", "checkov:CKV_K8S_41"],
        judge: Judge::Object(ACCOUNTS, default_token),
        fails: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
",
        passes: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
automountServiceAccountToken: false
",
    },
    Check {
        id: "service-account-token-in-manifest",
        title: "Pod's manifest carries the mount of its API token",
        why: "The API server adds this mount to pods. A manifest that was copied from a running pod keeps it: the token is there although nobody asked for it, and turning the automatic mount off in the account does not take it away.",
        fix: "Remove the mount and its volume, and set automountServiceAccountToken to false where the program does not use the API.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[technique("T1552.007")],
        controls: &["cis-v1.12.0:5.1.6"],
        equivalents: &["trivy:KSV-0036"],
        judge: Judge::Container(token_mount),
        fails: r"apiVersion: batch/v1
kind: Job
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        volumeMounts:
        - {name: kube-api-access-x7fzp, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}
",
        passes: r"apiVersion: batch/v1
kind: Job
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
",
    },
    Check {
        id: "unused-service-account",
        title: "Service account that no pod runs as and no binding names",
        why: "It is left over, and whoever may create pods in its namespace can still run as it.",
        fix: "Delete it.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ACCOUNTS, unused),
        fails: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  automountServiceAccountToken: false
",
        passes: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccountName: web
  automountServiceAccountToken: false
",
    },
    Check {
        id: "service-account-with-rights",
        title: "Service account has rights in the API, and pods get its token",
        why: "Who breaks into a pod that runs as it has these rights; most pods need none.",
        fix: "Set automountServiceAccountToken to false where no pod calls the API, and keep the roles that are bound to the account small.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[technique("T1528")],
        controls: &[],
        equivalents: &["kubescape:C-0053", "kubescape:access-container-service-account-v1"],
        judge: Judge::Object(ACCOUNTS, with_rights),
        fails: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {serviceAccountName: web}
",
        passes: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {serviceAccountName: web}
",
    },
];

const AUTOMOUNT: &str = "automountServiceAccountToken";

const ACCOUNTS: &[(&str, &str)] = &[("", "ServiceAccount")];

fn default_token(account: &Whole<'_>, report: &mut Report<'_>) {
    let object = account.object;
    if object.name() == "default" && object.fields().get(AUTOMOUNT) != Some(&Value::Bool(false)) {
        report.fail(
            FieldPath::of(&[AUTOMOUNT]),
            "pods that name no service account get a token: the default account does not turn it off"
                .to_owned(),
        );
    }
}

/// Where the automatic mount is off, somebody chose to mount a token there. In a pod, a volume of the name
/// that the API server gives is what it added itself.
fn token_mount(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    const PLACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    if container.pod.field(AUTOMOUNT) == Some(&Value::Bool(false)) {
        return;
    }
    let is_pod = container.pod.object.kind() == "Pod";
    for (index, mount) in maps(container.container.fields, "volumeMounts") {
        let is_added =
            is_pod && text(mount, "name").is_some_and(|name| name.starts_with("kube-api-access-"));
        let is_there =
            text(mount, "mountPath").is_some_and(|path| path.trim_end_matches('/') == PLACE);
        if is_there && !is_added {
            report.fail(
                container.path("volumeMounts").index(index).key("mountPath"),
                format!("{} mounts the token of its service account at {PLACE}", container.label()),
            );
        }
    }
}

/// A binding that names the account itself, not a group that it is in.
fn binding_naming<'a>(account: &Whole<'a>) -> Option<&'a Object<'a>> {
    let (namespace, name) = (account.object.namespace(), account.object.name());
    account.graph.bindings_of_account(namespace, name).find(|binding| {
        subjects(binding)
            .any(|(_, bearer)| matches!(bearer, Bearer::ServiceAccount(_, given) if given == name))
    })
}

fn with_rights(account: &Whole<'_>, report: &mut Report<'_>) {
    if account.object.fields().get(AUTOMOUNT) == Some(&Value::Bool(false)) {
        return;
    }
    if account.graph.is_single_object() {
        return report.undecided("bindings that name the account are other objects");
    }
    if let Some(binding) = binding_naming(account) {
        report.fail(
            FieldPath::of(&[AUTOMOUNT]),
            format!("{} `{}` gives the account rights", binding.kind(), shown_name(binding.name())),
        );
    }
}

fn unused(account: &Whole<'_>, report: &mut Report<'_>) {
    let (object, graph) = (account.object, account.graph);
    let name = object.name();
    if name == "default" || name.is_empty() {
        return;
    }
    if graph.is_single_object() {
        return report.undecided("pods and bindings that use the account are other objects");
    }
    let is_named = binding_naming(account).is_some();
    let runs = graph.runs_as(object) || graph.mentions_account(name);
    if !is_named && !runs {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("no pod runs as service account `{name}` and no binding names it"),
        );
    }
}
