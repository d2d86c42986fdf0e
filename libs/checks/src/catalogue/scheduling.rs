//! Checks on what the scheduler and the resolver are told about a pod: priority, nodes, DNS.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Pod;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "priority-class-missing",
        title: "Pod says nothing about its importance",
        why: "When nodes are full, the scheduler cannot prefer what the business needs: all pods without a class count the same.",
        fix: "Set priorityClassName to a class of the cluster that fits.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "polaris:priorityClassNotSet",
            "kyverno:other/require-pod-priorityclassname",
        ],
        judge: Judge::Pod(priority_missing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web}]
  priorityClassName: system-cluster-critical
",
    },
    Check {
        id: "priority-class-unknown",
        title: "Pod names a priority class that is not there",
        why: "The API server refuses pods with a priority class that the cluster does not have.",
        fix: "Correct the name, or add the PriorityClass to what is applied.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:priority-class-name"],
        judge: Judge::Pod(priority_unknown),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web}]
  priorityClassName: shop
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web}]
  priorityClassName: shop
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: shop}
value: 1000
",
    },
    Check {
        id: "node-choice-missing",
        title: "Workload does not say which nodes suit it",
        why: "In a cluster with several kinds of nodes (architecture, disks, spot instances) its pods land on whatever is free.",
        fix: "Add a nodeAffinity or a nodeSelector where nodes differ.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:no-node-affinity"],
        judge: Judge::Pod(node_choice),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec: {containers: [{name: web}], nodeSelector: {kubernetes.io/arch: amd64}}
",
    },
    Check {
        id: "dns-search-expansion",
        title: "Each look-up of an outside name asks DNS several times",
        why: "With ndots at its default of 5, names such as api.example.com are tried with every search domain of the cluster first: load on DNS and slow connections.",
        fix: "Set the option ndots to 2 or less in dnsConfig.options, or write outside names with a dot at the end.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:dnsconfig-options"],
        judge: Judge::Pod(search_expansion),
        fails: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec: {containers: [{name: web}], dnsConfig: {options: [{name: ndots, value: "5"}]}}
"#,
        passes: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec: {containers: [{name: web}], dnsConfig: {options: [{name: ndots, value: "2"}]}}
"#,
    },
];

fn priority_class<'a>(pod: &Pod<'a>) -> Option<&'a str> {
    pod.field("priorityClassName").and_then(Value::as_str).filter(|name| !name.is_empty())
}

fn priority_missing(pod: &Pod<'_>, report: &mut Report<'_>) {
    if priority_class(pod).is_none() && !pod.spec.containers.is_empty() {
        report.fail(pod.path("priorityClassName"), "priorityClassName is not set".to_owned());
    }
}

fn priority_unknown(pod: &Pod<'_>, report: &mut Report<'_>) {
    const BUILT_IN: [&str; 2] = ["system-cluster-critical", "system-node-critical"];
    let Some(name) = priority_class(pod).filter(|name| !BUILT_IN.contains(name)) else { return };
    if pod.graph.is_single_object() {
        return report.undecided("priority classes are other objects");
    }
    if pod.graph.find("scheduling.k8s.io", "PriorityClass", None, name).is_none() {
        let message = format!("there is no PriorityClass `{name}`");
        report.missing(pod.path("priorityClassName"), name, message);
    }
}

/// DaemonSets run on every node by design.
fn node_choice(pod: &Pod<'_>, report: &mut Report<'_>) {
    let affinity = pod.field("affinity").and_then(|rules| down(rules, &["nodeAffinity"]));
    let is_chosen = affinity.is_some()
        || ["nodeSelector", "nodeName"].iter().any(|name| pod.field(name).is_some());
    let is_meant = pod.is_service_like() && pod.object.kind() != "DaemonSet";
    if is_meant && !is_chosen && !pod.spec.containers.is_empty() {
        report.fail(
            pod.spec.path.keys(&["affinity", "nodeAffinity"]),
            "there is neither a nodeAffinity nor a nodeSelector".to_owned(),
        );
    }
}

fn search_expansion(pod: &Pod<'_>, report: &mut Report<'_>) {
    // Pods on the node's network use the node's resolver, unless they say otherwise.
    let policy = pod.field("dnsPolicy").and_then(Value::as_str);
    let on_host = pod.field("hostNetwork") == Some(&Value::Bool(true));
    let by_node =
        policy == Some("Default") || (on_host && policy != Some("ClusterFirstWithHostNet"));
    if !pod.is_service_like() || pod.spec.containers.is_empty() || by_node {
        return;
    }
    let options = pod.field("dnsConfig").and_then(|config| config.get("options"));
    let ndots = elements(options)
        .iter()
        .find(|option| option.get("name").and_then(Value::as_str) == Some("ndots"));
    let value = ndots.and_then(|option| option.get("value")?.as_str()?.parse::<u32>().ok());
    if value.is_none_or(|value| value > 2) {
        let how = value.map_or_else(|| "is 5 by default".to_owned(), |value| format!("is {value}"));
        report.fail(pod.spec.path.keys(&["dnsConfig", "options"]), format!("ndots {how}"));
    }
}
