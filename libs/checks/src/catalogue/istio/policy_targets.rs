//! Checks on what policies of the mesh cover and name: pods, namespaces, gateways.

use airside_k8s::fields::{down, elements, maps, texts};
use airside_k8s::{Map, Value};
use airside_types::{FieldPath, Severity};

use super::gateway_servers::is_built_in;
use super::{
    GATEWAY_API, PATCHED_LATER, SECURITY, TELEMETRY, has_labels, is_patched_later,
    is_system_namespace, spec_map,
};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "authorization-policy-selects-nothing",
        title: "AuthorizationPolicy covers no pods",
        why: "No workload has the labels, so what the policy denies or limits is open; usually a label was mistyped or has changed.",
        fix: "Correct the selector to the labels of the pods, or delete the policy.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0127", "kiali:KIA0004"],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], selects_nothing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: wbe}}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}}
",
    },
    Check {
        id: "authorization-policy-unknown-namespace",
        title: "AuthorizationPolicy names a namespace that does not exist",
        why: "Nobody matches it, so the rule allows or denies less than it says; whoever may create the namespace later gets what the rule gives.",
        fix: "Correct the namespace's name.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101", "kiali:KIA0101"],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], unknown_namespace),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{from: [{source: {namespaces: [bank]}}]}]}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{from: [{source: {namespaces: [shop]}}]}]}
",
    },
    Check {
        id: "mesh-policy-selector-on-gateway",
        title: "Policy selects a gateway of the Gateway API by labels",
        why: "Such gateways take policies by targetRefs only: with a selector the policy has no effect on them.",
        fix: "Name the Gateway in targetRefs instead of the selector.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0166"],
        judge: Judge::Object(
            &[
                (SECURITY, "AuthorizationPolicy"),
                (SECURITY, "RequestAuthentication"),
                (TELEMETRY, "Telemetry"),
                ("extensions.istio.io", "WasmPlugin"),
            ],
            selects_gateway,
        ),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: in, namespace: edge, labels: {gateway.networking.k8s.io/gateway-name: in}}
spec: {containers: [{name: istio-proxy}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: in, namespace: edge}
spec: {selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: in}}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: in, namespace: edge, labels: {gateway.networking.k8s.io/gateway-name: in}}
spec: {containers: [{name: istio-proxy}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: in, namespace: edge}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: in}]}
",
    },
];

/// The label by which Istio marks the pods of a gateway of the Gateway API.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

fn labels<'a>(policy: &Whole<'a>) -> Option<&'a Map> {
    let labels = down(policy.object.value(), &["spec", "selector", "matchLabels"])?.as_object()?;
    (!labels.is_empty()).then_some(labels)
}

fn has_targets(policy: &Whole<'_>) -> bool {
    policy.spec("targetRefs").is_some() || policy.spec("targetRef").is_some()
}

fn selects_nothing(policy: &Whole<'_>, report: &mut Report<'_>) {
    let graph = policy.graph;
    if graph.is_single_object() {
        return report.undecided("the pods that it covers are other objects");
    }
    if is_patched_later(graph) {
        return report.undecided(PATCHED_LATER);
    }
    if has_targets(policy) {
        return unknown_target(policy, report);
    }
    let is_root = policy.object.namespace() == Some(graph.root_namespace());
    let namespace = policy.object.namespace().filter(|_| !is_root);
    match labels(policy) {
        Some(labels) => {
            if !is_built_in(labels) && !has_labels(graph, namespace, labels) {
                report.fail(
                    FieldPath::of(&["spec", "selector", "matchLabels"]),
                    "no pods with these labels are in the namespace".to_owned(),
                );
            }
        }
        None => {
            let is_empty = !graph.has_mesh_workloads(namespace, None, None);
            // Policies are often kept apart from the workloads; then the input has none at all.
            if is_empty && !is_root && graph.has_pods() {
                let message = "no pods are in the namespace of the policy".to_owned();
                report.fail(FieldPath::of(&["metadata", "namespace"]), message);
            }
        }
    }
}

/// Gateways and Services to which a policy is attached, and that the input lacks although it holds others of
/// their kind in the namespace.
fn unknown_target(policy: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, namespace) = (policy.graph, policy.object.namespace());
    for (index, target) in elements(policy.spec("targetRefs")).iter().enumerate() {
        let text = |name| target.get(name).and_then(Value::as_str).unwrap_or_default();
        let (group, kind, name) = (text("group"), text("kind"), text("name"));
        let is_meant = matches!((group, kind), ("", "Service") | (GATEWAY_API, "Gateway"));
        let mut others = graph.of_kind_in(group, kind, namespace);
        if is_meant && graph.find(group, kind, namespace, name).is_none() && others.next().is_some()
        {
            let path = FieldPath::of(&["spec", "targetRefs"]).index(index).key("name");
            report.missing(path, name, format!("no {kind} `{name}` is in the namespace"));
        }
    }
}

fn unknown_namespace(policy: &Whole<'_>, report: &mut Report<'_>) {
    let graph = policy.graph;
    let rules = spec_map(policy.object).into_iter().flat_map(|spec| maps(spec, "rules"));
    for (index, rule) in rules {
        for (at, from) in maps(rule, "from") {
            let Some(source) = from.get("source").and_then(Value::as_object) else { continue };
            for list in ["namespaces", "notNamespaces"] {
                for (entry, name) in texts(source, list) {
                    if graph.is_single_object() || !graph.has_kind("", "Namespace") {
                        return report.undecided("namespaces are no part of the input");
                    }
                    let is_known = is_system_namespace(name)
                        || graph.knows_namespace(name)
                        || graph.of_kind("", "Namespace").any(|given| covers(name, given.name()));
                    if !is_known {
                        let path = FieldPath::of(&["spec", "rules"]).index(index).key("from");
                        let path = path.index(at).keys(&["source", list]).index(entry);
                        report.missing(path, name, format!("no namespace is called `{name}`"));
                    }
                }
            }
        }
    }
}

/// Whether a name with or without a star at one end covers another.
fn covers(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (_, Some(start)) => name.starts_with(start),
        _ => pattern == name,
    }
}

fn selects_gateway(policy: &Whole<'_>, report: &mut Report<'_>) {
    let Some(labels) = labels(policy).filter(|_| !has_targets(policy)) else { return };
    let graph = policy.graph;
    if graph.is_single_object() && !labels.contains_key(GATEWAY_NAME) {
        return report.undecided("the pods that it covers are other objects");
    }
    let mut selected = graph.mesh_workloads(policy.object.namespace(), Some(labels));
    let is_gateway = labels.contains_key(GATEWAY_NAME)
        || selected
            .any(|workload| workload.labels.is_some_and(|all| all.contains_key(GATEWAY_NAME)));
    if is_gateway {
        report.fail(
            FieldPath::of(&["spec", "selector"]),
            "gateways of the Gateway API take policies by targetRefs only".to_owned(),
        );
    }
}
