//! Checks on AuthorizationPolicies: what they let through, and what their rules rest on.

use airside_k8s::fields::{down, elements, maps, texts};
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::gateway_servers::is_built_in;
use super::{SECURITY, has_labels, scope_of, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "authorization-policy-allows-all",
        title: "AuthorizationPolicy allows every request",
        why: "A rule without a condition matches all requests from everywhere: the policy protects nothing and overrules the narrower ALLOW policies beside it.",
        fix: "Say in the rule who may call (from) and what (to); leave rules out altogether to deny everything.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1210"), technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], allows_all),
        fails: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: ALLOW, rules: [{}]}
",
        passes: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: ALLOW, rules: [{to: [{operation: {methods: [GET]}}]}]}
",
    },
    Check {
        id: "authorization-policy-any-source",
        title: "AuthorizationPolicy allows callers of every identity",
        why: "A principal or namespace `*` asks only that the caller has some identity: every workload of the mesh has one, the one that was broken into too.",
        fix: "Name the service accounts or namespaces that call the workload.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1210")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], any_source),
        fails: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{from: [{source: {principals: ['*']}}]}]}
",
        passes: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/api]}}]}]}
",
    },
    Check {
        id: "authorization-policy-unknown-provider",
        title: "AuthorizationPolicy asks a provider that the mesh does not have",
        why: "The mesh-wide configuration has no extension provider of this name, so Istio denies every request that the rules match.",
        fix: "Add the provider to extensionProviders of the mesh's configuration, or correct the name.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], unknown_provider),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: 'outboundTrafficPolicy: {mode: REGISTRY_ONLY}'}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: CUSTOM, provider: {name: opa}, rules: [{}]}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    outboundTrafficPolicy: {mode: REGISTRY_ONLY}
    extensionProviders: [{name: opa}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: CUSTOM, provider: {name: opa}, rules: [{}]}
",
    },
    Check {
        id: "mesh-namespace-no-authorization",
        title: "Namespace of the mesh has no AuthorizationPolicy",
        why: "Without one every workload of the mesh may call all others with every method: one that is broken into reaches the rest.",
        fix: "Add an AuthorizationPolicy without rules to deny everything in the namespace (or in the whole mesh, in istio-system), then allow what is needed.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1210")],
        controls: &[],
        equivalents: &["kyverno:istio/require-authorizationpolicy", "kiali:KIA1301"],
        judge: Judge::Object(&[("", "Namespace")], no_authorization),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: shop}
spec: {}
",
    },
];

pub(super) fn action<'a>(policy: &Whole<'a>) -> &'a str {
    policy.spec("action").and_then(Value::as_str).unwrap_or("ALLOW")
}

pub(super) fn rules<'a>(policy: &Whole<'a>) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    spec_map(policy.object).into_iter().flat_map(|spec| maps(spec, "rules"))
}

pub(super) fn rule_path(index: usize) -> FieldPath {
    FieldPath::of(&["spec", "rules"]).index(index)
}

/// Whether a policy decides about requests: it is not one that only notes what it would do.
pub(super) fn is_enforced(policy: &Object<'_>) -> bool {
    let is_tried =
        policy.annotations().and_then(|all| all.get("istio.io/dry-run")?.as_str()) == Some("true");
    let action = down(policy.value(), &["spec", "action"]).and_then(Value::as_str);
    !is_tried && action != Some("AUDIT")
}

/// Whether a part of a rule (`from`, `to`, `when`) restricts nothing: it is missing or empty.
fn is_open(rule: &Map, part: &str, inner: &str) -> bool {
    let listed = elements(rule.get(part));
    let says_nothing = |entry: &Value| {
        let fields = entry.get(inner).and_then(Value::as_object);
        fields.is_none_or(|fields| fields.iter().all(|(list, given)| is_any(list, given)))
    };
    listed.is_empty() || (!inner.is_empty() && listed.iter().any(says_nothing))
}

/// Whether a list of a source or operation limits nothing: it is empty, or has an entry for all there is.
fn is_any(list: &str, given: &Value) -> bool {
    let has = |all: &[&str]| {
        elements(Some(given)).iter().filter_map(Value::as_str).any(|entry| all.contains(&entry))
    };
    elements(Some(given)).is_empty()
        || match list {
            "paths" => has(&["*", "/*", "/{**}"]),
            "methods" | "hosts" => has(&["*"]),
            "ipBlocks" | "remoteIpBlocks" => has(&["0.0.0.0/0"]),
            _ => false,
        }
}

fn allows_all(policy: &Whole<'_>, report: &mut Report<'_>) {
    // An ingress gateway serves everybody anyway.
    let selected = down(policy.object.value(), &["spec", "selector", "matchLabels"]);
    let is_gateway = selected.and_then(Value::as_object).is_some_and(is_built_in);
    if action(policy) != "ALLOW" || is_gateway {
        return;
    }
    for (index, rule) in rules(policy) {
        let is_open = is_open(rule, "from", "source")
            && is_open(rule, "to", "operation")
            && is_open(rule, "when", "");
        if is_open {
            let scope = scope_of(policy);
            report.fail(rule_path(index), format!("the rule allows every request {scope}"));
        }
    }
}

/// The sources of a rule with their path.
pub(super) fn sources(index: usize, rule: &Map) -> impl Iterator<Item = (FieldPath, &Map)> {
    maps(rule, "from").filter_map(move |(at, from)| {
        let path = rule_path(index).key("from").index(at).key("source");
        Some((path, from.get("source")?.as_object()?))
    })
}

/// Whether a principal or namespace stands for all of a trust domain (`cluster.local/ns/shop/sa/web` is one).
fn is_everybody(entry: &str) -> bool {
    let start = entry.strip_suffix("/*").map(|start| start.strip_suffix("/ns").unwrap_or(start));
    entry == "*" || start.is_some_and(|domain| !domain.contains('/'))
}

fn any_source(policy: &Whole<'_>, report: &mut Report<'_>) {
    if action(policy) != "ALLOW" {
        return;
    }
    for (index, rule) in rules(policy) {
        for (path, source) in sources(index, rule) {
            for list in ["principals", "namespaces"] {
                for (at, entry) in texts(source, list).filter(|(_, entry)| is_everybody(entry)) {
                    let path = path.key(list).index(at);
                    let message = format!("`{entry}` in {list} allows every workload of the mesh");
                    report.fail(path, message);
                }
            }
        }
    }
}

fn unknown_provider(policy: &Whole<'_>, report: &mut Report<'_>) {
    let name = policy.spec("provider").and_then(|provider| provider.get("name"));
    let (Some(name), "CUSTOM") = (name.and_then(Value::as_str), action(policy)) else { return };
    if policy.graph.is_single_object() {
        return report.undecided("extension providers are in the mesh's configuration");
    }
    let configs = policy.graph.mesh_configs();
    let has_it = configs.iter().any(|config| {
        let providers = elements(config.value.get("extensionProviders"));
        providers.iter().any(|provider| provider.get("name").and_then(Value::as_str) == Some(name))
    });
    if !configs.is_empty() && !has_it {
        report.missing(
            FieldPath::of(&["spec", "provider", "name"]),
            name,
            format!("the mesh has no extension provider `{name}`"),
        );
    }
}

fn no_authorization(namespace: &Whole<'_>, report: &mut Report<'_>) {
    let graph = namespace.graph;
    let name = namespace.object.name();
    if graph.is_single_object() {
        return report.undecided("authorization policies are other objects");
    }
    if !graph.namespace_enrolment(Some(name)).is_member() {
        return;
    }
    let all = |namespace| graph.mesh_objects_in("AuthorizationPolicy", Some(namespace));
    let is_covering = |policy: &&Object<'_>| {
        let labels = down(policy.value(), &["spec", "selector", "matchLabels"]);
        match labels.and_then(Value::as_object).filter(|labels| !labels.is_empty()) {
            Some(labels) => has_labels(graph, Some(name), labels),
            None => ["targetRefs", "targetRef"]
                .iter()
                .all(|field| down(policy.value(), &["spec", field]).is_none()),
        }
    };
    let has_own = all(name).any(is_enforced);
    let has_wide = || {
        all(graph.root_namespace())
            .filter(|policy| is_enforced(policy))
            .any(|policy| is_covering(&policy))
    };
    if !has_own && !has_wide() {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("no AuthorizationPolicy restricts who calls the workloads of `{name}`"),
        );
    }
}
