//! Checks on service accounts and their tokens.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "service-account-token-automount",
        title: "Pod gets a token for the Kubernetes API without asking",
        why: "Who can read a file in the container can act as the pod's service account against the API server. Most programs never use the token.",
        fix: "Set automountServiceAccountToken to false in the pod's specification; where the API is needed, mount a token with a short life by a projected volume.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1552.007")],
        controls: &[
            "cis-v1.12.0:5.1.6",
            "cis-aks-t1.8.0:4.1.6",
            "cis-eks-t1.8.0:4.1.6",
            "cis-gke-v1.9.0:4.1.5",
        ],
        equivalents: &[
            "polaris:automountServiceAccountToken",
            "kubescape:C-0034",
            "kubescape:C-0190",
            "checkov:CKV_K8S_38",
            "kyverno:other/restrict-automount-sa-token",
            "gatekeeper-library:general/automount-serviceaccount-token",
            "kubesec:AutomountServiceAccountToken",
        ],
        judge: Judge::Pod(automount),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  serviceAccountName: web
  containers:
  - name: web
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  serviceAccountName: web
  automountServiceAccountToken: false
  containers:
  - name: web
",
    },
    Check {
        id: "default-service-account",
        title: "Pod runs as the namespace's default service account",
        why: "All pods that name no account share it: a right that one of them is given, all have, and the audit log cannot tell them apart.",
        fix: "Create a ServiceAccount for the workload and name it in serviceAccountName.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.1.5",
            "cis-aks-t1.8.0:4.1.5",
            "cis-eks-t1.8.0:4.1.5",
            "cis-gke-v1.9.0:4.1.4",
        ],
        equivalents: &[
            "kube-linter:default-service-account",
            "kubesec:ServiceAccountName",
            "popeye:300",
            "kyverno:other/deny-default-service-accounts",
        ],
        judge: Judge::Pod(default_account),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: default}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: web}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
",
    },
    Check {
        id: "service-account-gives-tokens",
        title: "Service account gives its token to every pod that runs as it",
        why: "Pods that never call the API get a token as well, unless each of them turns it off.",
        fix: "Set automountServiceAccountToken to false in the ServiceAccount, and to true in the pods that call the API.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.1.6",
            "cis-aks-t1.8.0:4.1.6",
            "cis-eks-t1.8.0:4.1.6",
            "cis-gke-v1.9.0:4.1.5",
        ],
        equivalents: &[
            "kubescape:C-0034",
            "kubescape:C-0190",
            "kyverno:other/restrict-sa-automount-sa-token",
        ],
        judge: Judge::Object(&[("", "ServiceAccount")], gives_tokens),
        fails: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
",
        passes: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
automountServiceAccountToken: false
",
    },
];

/// The account `default` has a check of its own.
fn gives_tokens(account: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "automountServiceAccountToken";
    let given = account.object.fields().get(FIELD);
    if account.object.name() != "default" && given != Some(&Value::Bool(false)) {
        let how = if given == Some(&Value::Bool(true)) { "is true" } else { "is not set" };
        report.fail(FieldPath::of(&[FIELD]), format!("{FIELD} {how}"));
    }
}

/// The service account as the pod names it, in the field of today or of old.
/// Without a token the account gives nothing.
fn default_account(pod: &Pod<'_>, report: &mut Report<'_>) {
    let has_no_token = pod.field("automountServiceAccountToken") == Some(&Value::Bool(false));
    if pod.spec.service_account() == "default" && !has_no_token {
        report.fail(
            pod.path("serviceAccountName"),
            "the pods run as the service account default".to_owned(),
        );
    }
}

/// The pod decides; where it does not, its service account; where neither does, the token is mounted.
fn automount(pod: &Pod<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "automountServiceAccountToken";
    let in_pod = pod.field(FIELD).and_then(Value::as_bool);
    if in_pod == Some(false) || pod.spec.containers.is_empty() {
        return;
    }
    let account = pod.spec.service_account();
    let how = match in_pod {
        Some(_) => "is true",
        None if pod.graph.is_single_object() => {
            return report
                .undecided("the pod's service account may turn it off, and is not at hand");
        }
        None => {
            let found = pod.graph.service_account(pod.object.namespace(), account);
            if found.and_then(|account| account.fields().get(FIELD)) == Some(&Value::Bool(false)) {
                return;
            }
            "is not set, and the service account does not turn it off"
        }
    };
    report.fail(
        pod.path(FIELD),
        format!("the token of service account `{account}` is mounted: {FIELD} {how}"),
    );
}
