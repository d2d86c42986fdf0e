//! Checks on EnvoyFilters: patches of what Istio generates, which nothing verifies.

use airside_k8s::fields::{down, maps};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{NETWORKING, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const KINDS: &[(&str, &str)] = &[(NETWORKING, "EnvoyFilter")];

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "envoy-filter-removes-security",
        title: "EnvoyFilter takes out or changes a filter that enforces policies",
        why: "Authorisation, tokens and identities are checked by filters of the proxy: without them AuthorizationPolicies remain in place and have no effect.",
        fix: "Remove the patch, and express the exception in an AuthorizationPolicy or RequestAuthentication.",
        severity: Severity::High,
        category: Category::ServiceMesh,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(KINDS, removes_security),
        fails: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: open, namespace: shop}
spec:
  priority: 10
  configPatches:
  - applyTo: HTTP_FILTER
    match: {listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.rbac}}}}}
    patch: {operation: REMOVE}
",
        passes: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: open, namespace: shop}
spec:
  priority: 10
  configPatches:
  - applyTo: HTTP_FILTER
    match: {listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.fault}}}}}
    patch: {operation: REMOVE}
",
    },
    Check {
        id: "envoy-filter-mesh-wide",
        title: "EnvoyFilter patches every proxy of the mesh",
        why: "It is in the mesh's root namespace and selects nothing: one mistake, or one change by somebody who may write there, takes effect in all workloads and gateways at once.",
        fix: "Select the proxies with workloadSelector, or move the EnvoyFilter into the namespace that needs it.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(KINDS, is_mesh_wide),
        fails: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: tune, namespace: istio-system}
spec:
  configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {connect_timeout: 1s}}}]
",
        passes: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: tune, namespace: istio-system}
spec:
  workloadSelector: {labels: {istio: ingressgateway}}
  configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {connect_timeout: 1s}}}]
",
    },
    Check {
        id: "envoy-filter-relative-position",
        title: "EnvoyFilter depends on the order in which filters are patched",
        why: "Without a priority, whether the filter that the patch refers to is there yet depends on the age and name of other EnvoyFilters.",
        fix: "Set spec.priority, or use INSERT_FIRST.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0151"],
        judge: Judge::Object(KINDS, |filter, report| relative(filter, false, report)),
        fails: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches: [{applyTo: HTTP_FILTER, patch: {operation: INSERT_BEFORE, value: {name: log}}}]
",
        passes: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  priority: 5
  configPatches: [{applyTo: HTTP_FILTER, patch: {operation: INSERT_BEFORE, value: {name: log}}}]
",
    },
    Check {
        id: "envoy-filter-relative-position-by-version",
        title: "EnvoyFilter depends on the order of patches, for some proxy versions only",
        why: "The patch refers to another filter and holds for certain proxy versions: with the next upgrade it, or what it refers to, silently disappears.",
        fix: "Set spec.priority, and check the patch with every version of the proxy.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0155"],
        judge: Judge::Object(KINDS, |filter, report| relative(filter, true, report)),
        fails: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches:
  - {applyTo: HTTP_FILTER, patch: {operation: INSERT_BEFORE, value: {name: log}}}
  - {applyTo: HTTP_FILTER, match: {proxy: {proxyVersion: '^1\.26.*'}}, patch: {operation: INSERT_AFTER, value: {name: log}}}
",
        passes: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches:
  - {applyTo: HTTP_FILTER, patch: {operation: INSERT_BEFORE, value: {name: log}}}
  - {applyTo: HTTP_FILTER, patch: {operation: INSERT_AFTER, value: {name: log}}}
",
    },
    Check {
        id: "envoy-filter-replaces-nothing",
        title: "EnvoyFilter replaces what cannot be replaced",
        why: "Istio replaces filters and virtual hosts only; it ignores the patch for anything else.",
        fix: "Use MERGE, or REMOVE and ADD.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0152"],
        judge: Judge::Object(KINDS, |filter, report| {
            ignored(filter, "REPLACE", |target| !is_replaceable(target), report);
        }),
        fails: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches: [{applyTo: CLUSTER, patch: {operation: REPLACE, value: {name: log}}}]
",
        passes: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {name: log}}}]
",
    },
    Check {
        id: "envoy-filter-adds-nothing",
        title: "EnvoyFilter adds where nothing can be added",
        why: "Istio ignores ADD for whole route configurations and for single routes.",
        fix: "Use INSERT_FIRST for an HTTP_ROUTE, or MERGE for a ROUTE_CONFIGURATION.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0153"],
        judge: Judge::Object(KINDS, |filter, report| ignored(filter, "ADD", is_route, report)),
        fails: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches: [{applyTo: HTTP_ROUTE, patch: {operation: ADD, value: {name: log}}}]
",
        passes: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches: [{applyTo: HTTP_ROUTE, patch: {operation: INSERT_FIRST, value: {name: log}}}]
",
    },
    Check {
        id: "envoy-filter-removes-nothing",
        title: "EnvoyFilter removes what cannot be removed",
        why: "Istio ignores REMOVE for whole route configurations and for single routes: what was to be taken away stays.",
        fix: "Remove the route where it is defined, or the virtual host with VIRTUAL_HOST.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0154"],
        judge: Judge::Object(KINDS, |filter, report| ignored(filter, "REMOVE", is_route, report)),
        fails: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  configPatches: [{applyTo: HTTP_ROUTE, patch: {operation: REMOVE}}]
",
        passes: r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: log, namespace: shop}
spec:
  priority: 1
  configPatches: [{applyTo: VIRTUAL_HOST, patch: {operation: REMOVE}}]
",
    },
];

/// A patch of an EnvoyFilter.
struct Patch<'a> {
    path: FieldPath,
    fields: &'a Map,
    target: &'a str,
    operation: &'a str,
}

fn patches<'a>(filter: &Whole<'a>) -> impl Iterator<Item = Patch<'a>> + use<'a> {
    let patches = spec_map(filter.object).into_iter().flat_map(|spec| maps(spec, "configPatches"));
    patches.filter_map(|(index, fields)| {
        Some(Patch {
            path: FieldPath::of(&["spec", "configPatches"]).index(index),
            fields,
            target: fields.get("applyTo")?.as_str()?,
            operation: fields.get("patch")?.get("operation")?.as_str()?,
        })
    })
}

fn is_replaceable(target: &str) -> bool {
    matches!(target, "HTTP_FILTER" | "NETWORK_FILTER" | "VIRTUAL_HOST")
}

fn is_route(target: &str) -> bool {
    matches!(target, "ROUTE_CONFIGURATION" | "HTTP_ROUTE")
}

fn ignored(
    filter: &Whole<'_>,
    operation: &str,
    is_ignored: fn(&str) -> bool,
    report: &mut Report<'_>,
) {
    for patch in patches(filter) {
        if patch.operation == operation && is_ignored(patch.target) {
            let message = format!("Istio ignores {operation} for {}", patch.target);
            report.fail(patch.path.keys(&["patch", "operation"]), message);
        }
    }
}

fn relative(filter: &Whole<'_>, for_versions: bool, report: &mut Report<'_>) {
    let has_priority =
        filter.spec("priority").and_then(Value::as_i64).is_some_and(|given| given != 0);
    if has_priority {
        return;
    }
    for patch in patches(filter) {
        let is_relative = match patch.operation {
            "INSERT_BEFORE" | "INSERT_AFTER" => true,
            "REPLACE" => is_replaceable(patch.target),
            "REMOVE" => !is_route(patch.target),
            _ => false,
        };
        let version = patch.fields.get("match").and_then(|m| down(m, &["proxy", "proxyVersion"]));
        if is_relative && (!for_versions || version.is_some()) {
            let operation = patch.operation;
            let message = format!("{operation} takes effect in an order that nothing fixes");
            let path = patch.path.keys(&["patch", "operation"]);
            return report.fail(path, message);
        }
    }
}

/// Filters of the proxy that enforce policies.
const ENFORCING: [&str; 5] = ["rbac", "jwt_authn", "ext_authz", "istio_authn", "peer_metadata"];

fn removes_security(filter: &Whole<'_>, report: &mut Report<'_>) {
    for patch in
        patches(filter).filter(|patch| matches!(patch.operation, "REMOVE" | "REPLACE" | "MERGE"))
    {
        let filter =
            patch.fields.get("match").and_then(|m| down(m, &["listener", "filterChain", "filter"]));
        let Some(filter) = filter else { continue };
        let name = down(filter, &["subFilter", "name"]).or_else(|| filter.get("name"));
        let Some(name) = name.and_then(Value::as_str) else { continue };
        if ENFORCING.iter().any(|part| name.contains(part)) {
            report.fail(
                patch.path.keys(&["patch", "operation"]),
                format!("{} changes the filter `{name}`, which enforces policies", patch.operation),
            );
        }
    }
}

fn is_mesh_wide(filter: &Whole<'_>, report: &mut Report<'_>) {
    let is_root = filter.object.namespace() == Some(filter.graph.root_namespace());
    let selects = filter.spec("workloadSelector").is_some() || filter.spec("targetRefs").is_some();
    if is_root && !selects {
        let message = "it is in the root namespace and patches every proxy".to_owned();
        report.fail(FieldPath::of(&["spec", "workloadSelector"]), message);
    }
}
