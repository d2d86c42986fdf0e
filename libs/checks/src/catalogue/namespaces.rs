//! Checks on namespaces: the Pod Security Standard that they enforce, and bounds on what they may use.

use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "pod-security-not-enforced",
        title: "Namespace enforces no Pod Security Standard",
        why: "Where the API server has no default of its own, whoever may create pods there may create privileged ones: root on a node.",
        fix: "Label the namespace with pod-security.kubernetes.io/enforce: baseline, or restricted.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.2.1", "cis-v1.12.0:5.2.2", "cis-gke-v1.9.0:4.2.1"],
        equivalents: &[
            "kubescape:pod-security-admission-applied-1",
            "kubescape:pod-security-admission-applied-2",
            "kubescape:pod-security-admission-baseline-applied-1",
            "kubescape:pod-security-admission-baseline-applied-2",
            "kubescape:pod-security-admission-restricted-applied-1",
            "kubescape:pod-security-admission-restricted-applied-2",
        ],
        judge: Judge::Object(NAMESPACE, not_enforced),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: restricted}
",
    },
    Check {
        id: "pod-security-privileged",
        title: "Namespace allows privileged pods on purpose",
        why: "The label takes the cluster's default away: whoever may create pods there may become root on a node.",
        fix: "Set pod-security.kubernetes.io/enforce to baseline or restricted; move node agents that need more to a namespace of their own.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.2.2", "cis-eks-t1.8.0:4.2.1"],
        equivalents: &[
            "kubescape:pod-security-admission-baseline-applied-1",
            "kubescape:pod-security-admission-baseline-applied-2",
            "kubescape:pod-security-admission-restricted-applied-1",
            "kubescape:pod-security-admission-restricted-applied-2",
            "kyverno:psa/deny-privileged-profile",
        ],
        judge: Judge::Object(NAMESPACE, privileged),
        fails: r"apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: privileged}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: restricted}
",
    },
    Check {
        id: "pod-security-not-restricted",
        title: "Namespace enforces the baseline standard only",
        why: "Baseline lets pods run as root with the runtime's default capabilities; most programs pass the restricted standard.",
        fix: "Set pod-security.kubernetes.io/enforce to restricted; pod-security.kubernetes.io/warn shows first what would be refused.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.6", "cis-v1.12.0:5.2.7"],
        equivalents: &[
            "kubescape:pod-security-admission-restricted-applied-1",
            "kubescape:pod-security-admission-restricted-applied-2",
        ],
        judge: Judge::Object(NAMESPACE, not_restricted),
        fails: r"apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: baseline}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: restricted}
",
    },
    Check {
        id: "limit-range-missing",
        title: "Namespace has no LimitRange",
        why: "Containers that name no requests and limits get none, and one of them can starve its node.",
        fix: "Add a LimitRange with default and defaultRequest to the namespace.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0039"],
        judge: Judge::Object(NAMESPACE, |namespace, report| {
            has_bounds(namespace, "LimitRange", report)
        }),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, namespace: shop}
",
    },
    Check {
        id: "resource-quota-missing",
        title: "Namespace has no ResourceQuota",
        why: "A fault or an intruder in it can ask for as many pods, volumes and load balancers as the cluster gives.",
        fix: "Add a ResourceQuota to the namespace.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0040"],
        judge: Judge::Object(NAMESPACE, |namespace, report| {
            has_bounds(namespace, "ResourceQuota", report)
        }),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota, namespace: shop}
",
    },
    Check {
        id: "namespace-without-service-account",
        title: "Namespace has no service account of its own",
        why: "All of its pods run as the default account: a right that one of them is given, all have, and the audit log cannot tell them apart.",
        fix: "Create a ServiceAccount for each workload.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[],
        controls: &["cis-v1.12.0:5.1.5", "cis-eks-t1.8.0:4.1.5", "cis-gke-v1.9.0:4.1.4"],
        equivalents: &["kubescape:namespace-without-service-account"],
        judge: Judge::Object(NAMESPACE, without_account),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
automountServiceAccountToken: false
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
automountServiceAccountToken: false
",
    },
];

const NAMESPACE: &[(&str, &str)] = &[("", "Namespace")];

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

fn enforced<'a>(namespace: &Whole<'a>) -> Option<&'a str> {
    namespace.object.labels()?.get(ENFORCE)?.as_str()
}

fn label_path() -> FieldPath {
    FieldPath::of(&["metadata", "labels", ENFORCE])
}

fn not_enforced(namespace: &Whole<'_>, report: &mut Report<'_>) {
    if enforced(namespace).is_none() {
        report.fail(label_path(), format!("the namespace has no label {ENFORCE}"));
    }
}

/// An unknown level enforces nothing either.
fn privileged(namespace: &Whole<'_>, report: &mut Report<'_>) {
    let level = enforced(namespace);
    if let Some(level) = level.filter(|level| !matches!(*level, "baseline" | "restricted")) {
        report.fail(label_path(), format!("the label {ENFORCE} is `{level}`"));
    }
}

fn not_restricted(namespace: &Whole<'_>, report: &mut Report<'_>) {
    if enforced(namespace) == Some("baseline") {
        report.fail(label_path(), format!("the label {ENFORCE} is `baseline`"));
    }
}

fn without_account(namespace: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, name) = (namespace.graph, namespace.object.name());
    if graph.is_single_object() {
        return report.undecided("service accounts of the namespace are other objects");
    }
    let mut accounts = graph.of_kind_in("", "ServiceAccount", Some(name));
    if !accounts.any(|account| account.name() != "default") {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("the namespace `{name}` has no ServiceAccount besides default"),
        );
    }
}

/// An object whose manifest leaves the namespace open counts for any.
fn has_bounds(namespace: &Whole<'_>, kind: &str, report: &mut Report<'_>) {
    if namespace.graph.is_single_object() {
        return report.undecided("bounds on the namespace are other objects");
    }
    if !namespace.graph.has_in_namespace("", kind, namespace.object.name()) {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("the namespace `{}` has no {kind}", namespace.object.name()),
        );
    }
}
