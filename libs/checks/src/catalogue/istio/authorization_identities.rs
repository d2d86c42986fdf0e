//! Checks on AuthorizationPolicies that rest on identities which mutual TLS alone proves.
//!
//! A caller in plaintext has no identity: what a rule asks for does not match him, what it excludes does.

use airside_k8s::fields::{down, maps, texts};
use airside_k8s::graph::{MeshWorkload, TlsMode, labels_match};
use airside_k8s::{Graph, Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::authorization::{action, is_enforced, rule_path, rules, sources};
use super::{SECURITY, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[Check {
    id: "authorization-policy-needs-mutual-tls",
    title: "AuthorizationPolicy relies on identities that plaintext callers lack",
    why: "Principals and namespaces come from the caller's certificate. Where plaintext is accepted, a caller without one passes a DENY rule on identities, and is let in by an ALLOW rule that only excludes some.",
    fix: "Set mutual TLS to STRICT for the workloads that the policy covers.",
    severity: Severity::High,
    category: Category::ServiceMesh,
    techniques: &[technique("T1210"), technique("T1557")],
    controls: &[],
    equivalents: &["kiali:KIA0105"],
    judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], needs_mutual_tls),
    fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  action: DENY
  rules: [{from: [{source: {namespaces: [build]}}]}]
",
    passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  action: DENY
  rules: [{from: [{source: {namespaces: [build]}}]}]
",
}];

/// Lists of a source that ask for an identity, and those that exclude one.
const ASKED: [&str; 3] = ["principals", "namespaces", "serviceAccounts"];
const EXCLUDED: [&str; 3] = ["notPrincipals", "notNamespaces", "notServiceAccounts"];
/// The same as keys of conditions.
const KEYS: [&str; 3] = ["source.principal", "source.namespace", "source.serviceAccount"];

/// What a source or a condition says of the caller's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Demand {
    path: FieldPath,
    /// Whether it asks for an identity, rather than only excluding some.
    asks: bool,
}

/// What a source says of identities; one that asks for one and excludes another asks.
fn demand_of_source(path: &FieldPath, source: &Map) -> Option<Demand> {
    let given = |lists: [&'static str; 3]| {
        lists.into_iter().find(|list| texts(source, list).next().is_some())
    };
    let asked = given(ASKED).map(|list| (list, true));
    let (list, asks) = asked.or_else(|| given(EXCLUDED).map(|list| (list, false)))?;
    Some(Demand { path: path.key(list), asks })
}

/// What the conditions of a rule say of identities.
fn demands_of_conditions(index: usize, rule: &Map) -> Vec<Demand> {
    let conditions = maps(rule, "when").filter(|(_, condition)| {
        condition.get("key").and_then(Value::as_str).is_some_and(|key| KEYS.contains(&key))
    });
    let demands = conditions.filter_map(|(at, condition)| {
        let has = |list: &str| texts(condition, list).next().is_some();
        let list = ["values", "notValues"].into_iter().find(|list| has(list))?;
        let path = rule_path(index).key("when").index(at).key(list);
        Some(Demand { path, asks: list == "values" })
    });
    demands.collect()
}

/// Where a rule speaks of identities, and whether a caller without one gets past it.
fn reliance(action: &str, index: usize, rule: &Map) -> Option<(FieldPath, bool)> {
    let sources: Vec<_> =
        sources(index, rule).map(|(path, source)| demand_of_source(&path, source)).collect();
    let conditions = demands_of_conditions(index, rule);
    let all = || conditions.iter().chain(sources.iter().flatten());
    let gets_past = if action == "ALLOW" {
        // All conditions and one of the sources must match.
        let asks_anyway = conditions.iter().any(|demand| demand.asks);
        let asks = |source: &Option<Demand>| source.as_ref().is_some_and(|demand| demand.asks);
        let asks_everywhere = !sources.is_empty() && sources.iter().all(asks);
        let excluding = all().find(|demand| !demand.asks);
        excluding.filter(|_| !asks_anyway && !asks_everywhere)
    } else {
        all().find(|demand| demand.asks)
    };
    let found = gets_past.map(|demand| (demand.path.clone(), true));
    found.or_else(|| all().next().map(|demand| (demand.path.clone(), false)))
}

fn needs_mutual_tls(policy: &Whole<'_>, report: &mut Report<'_>) {
    let action = action(policy);
    if action == "AUDIT" {
        return;
    }
    let found: Vec<_> =
        rules(policy).filter_map(|(index, rule)| reliance(action, index, rule)).collect();
    let open = found.iter().find(|(_, is_open)| *is_open);
    let Some((path, is_open)) = open.or_else(|| found.first()).cloned() else { return };
    if policy.graph.is_single_object() {
        return report.undecided("the mode of mutual TLS is set by other objects");
    }
    let labels = down(policy.object.value(), &["spec", "selector", "matchLabels"]);
    let is_mesh_wide = policy.object.namespace() == Some(policy.graph.root_namespace());
    let namespace = policy.object.namespace().filter(|_| !is_mesh_wide);
    let is_weak = |mode| {
        // Nobody has an identity then: what asks for one never matches, what excludes one always.
        mode == TlsMode::Disable && (is_open || action == "ALLOW")
            || is_open && mode == TlsMode::Permissive
    };
    let modes = namespace.and_then(|namespace| policy.graph.modes_in(namespace));
    if modes.is_some_and(|modes| !modes.into_iter().any(is_weak)) {
        return;
    }
    let mut covered = policy.graph.mesh_workloads(namespace, labels.and_then(Value::as_object));
    let weak = covered.find_map(|workload| {
        let mode = policy.graph.mutual_tls(&workload).mode;
        let is_reached = is_weak(mode)
            && !workload.is_on_host_network()
            && !rejects_plaintext(policy.graph, &workload);
        is_reached.then_some((workload.owner, mode.as_str()))
    });
    if let Some((owner, mode)) = weak {
        let message =
            format!("callers of {owner} need no identity, since its mutual TLS is {mode}");
        report.fail(path, message);
    }
}

/// Whether a policy keeps callers without an identity from a workload, as `notPrincipals: ["*"]` does.
fn rejects_plaintext(graph: &Graph<'_>, workload: &MeshWorkload<'_>) -> bool {
    let own = workload.owner.namespace();
    let root = Some(graph.root_namespace()).filter(|root| own != Some(root));
    let of_namespace = graph.mesh_objects_in("AuthorizationPolicy", own);
    let of_root =
        root.into_iter().flat_map(|root| graph.mesh_objects_in("AuthorizationPolicy", Some(root)));
    of_namespace.chain(of_root).any(|policy| {
        let selected = down(policy.value(), &["spec", "selector", "matchLabels"]);
        let selected = selected.and_then(Value::as_object);
        is_enforced(policy)
            && denies_plaintext(policy)
            && selected.is_none_or(|wanted| labels_match(wanted, workload.labels))
    })
}

fn denies_plaintext(policy: &Object<'_>) -> bool {
    let Some(spec) = spec_map(policy) else { return false };
    let denies = spec.get("action").and_then(Value::as_str) == Some("DENY");
    denies
        && maps(spec, "rules").any(|(index, rule)| {
            let is_unconditional = ["to", "when"].iter().all(|part| !rule.contains_key(part));
            is_unconditional
                && sources(index, rule).any(|(_, source)| {
                    source.keys().all(|list| EXCLUDED.contains(&list))
                        && texts(source, "notPrincipals").any(|(_, name)| name == "*")
                })
        })
}
