//! Checks on service accounts themselves.

use airside_k8s::rbac::{Bearer, subjects};
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

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
];

const ACCOUNTS: &[(&str, &str)] = &[("", "ServiceAccount")];

fn default_token(account: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "automountServiceAccountToken";
    let object = account.object;
    if object.name() == "default" && object.fields().get(FIELD) != Some(&Value::Bool(false)) {
        report.fail(
            FieldPath::of(&[FIELD]),
            "pods that name no service account get a token: the default account does not turn it off"
                .to_owned(),
        );
    }
}

fn unused(account: &Whole<'_>, report: &mut Report<'_>) {
    let (object, graph) = (account.object, account.graph);
    let (namespace, name) = (object.namespace(), object.name());
    if name == "default" || name.is_empty() {
        return;
    }
    if graph.is_single_object() {
        return report.undecided("pods and bindings that use the account are other objects");
    }
    let is_named = graph.bindings_of_account(namespace, name).any(|binding| {
        subjects(binding)
            .any(|(_, bearer)| matches!(bearer, Bearer::ServiceAccount(_, given) if given == name))
    });
    let runs = graph.pods_of_account(object).next().is_some() || graph.mentions_account(name);
    if !is_named && !runs {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("no pod runs as service account `{name}` and no binding names it"),
        );
    }
}
