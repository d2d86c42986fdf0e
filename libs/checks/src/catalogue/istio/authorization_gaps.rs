//! Checks on gaps in AuthorizationPolicies: requests that pass although the rules seem to cover them.

use airside_k8s::fields::{down, elements, maps, text, texts};
use airside_k8s::graph::Enrolment;
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::SECURITY;
use super::authorization::{action, rule_path, rules, sources};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "authorization-policy-host-without-port",
        title: "DENY rule misses its host when the request names a port",
        why: "Hosts are compared with the request's Host header, which may hold a port: a request to `host:80` passes a rule that denies `host`.",
        fix: "Add the host with `:*` beside it, as in hosts: [admin.example.com, \"admin.example.com:*\"].",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], host_without_port),
        fails: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  action: DENY
  rules: [{to: [{operation: {hosts: [admin.example.com]}}]}]
",
        passes: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  action: DENY
  rules: [{to: [{operation: {hosts: [admin.example.com, 'admin.example.com:*']}}]}]
",
    },
    Check {
        id: "authorization-policy-exact-path",
        title: "DENY rule covers a path but nothing below it",
        why: "Paths are compared as a whole: a rule that denies `/admin` lets `/admin/` and `/admin/users` pass.",
        fix: "Add the paths below, as in paths: [/admin, \"/admin/*\"]; or allow what may be called and deny the rest.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], exact_path),
        fails: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}
",
        passes: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/admin, '/admin/*']}}]}]}
",
    },
    Check {
        id: "authorization-policy-needs-waypoint",
        title: "AuthorizationPolicy for ambient pods asks for what their proxy cannot see",
        why: "The node's proxy reads no HTTP: rules on paths, methods, hosts, headers or tokens never allow anything there, and deny more than they say; a policy with the action CUSTOM is dropped, and lets everything pass.",
        fix: "Deploy a waypoint, and attach the policy to it or to the Service with targetRefs instead of a selector.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], needs_waypoint),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {methods: [GET]}}]}]}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {ports: ['8080']}}]}]}
",
    },
];

fn host_without_port(policy: &Whole<'_>, report: &mut Report<'_>) {
    let list = match action(policy) {
        "DENY" => "hosts",
        "ALLOW" => "notHosts",
        _ => return,
    };
    for (index, rule) in rules(policy) {
        for (at, to) in maps(rule, "to") {
            let Some(operation) = to.get("operation").and_then(Value::as_object) else { continue };
            let hosts: Vec<&str> = texts(operation, list).map(|(_, host)| host).collect();
            let covers_ports = |host: &str| {
                let all = format!("{host}:*");
                host.contains(':') || host.ends_with('*') || hosts.contains(&all.as_str())
            };
            for (entry, host) in texts(operation, list).filter(|(_, host)| !covers_ports(host)) {
                let path = rule_path(index).key("to").index(at).keys(&["operation", list]);
                let message =
                    format!("a request whose host is `{host}:80` passes the rule on `{host}`");
                report.fail(path.index(entry), message);
            }
        }
    }
}

/// The operations of a rule with their path.
fn operations(index: usize, rule: &Map) -> impl Iterator<Item = (FieldPath, &Map)> {
    maps(rule, "to").filter_map(move |(at, to)| {
        let path = rule_path(index).key("to").index(at).key("operation");
        Some((path, to.get("operation")?.as_object()?))
    })
}

fn exact_path(policy: &Whole<'_>, report: &mut Report<'_>) {
    if action(policy) != "DENY" {
        return;
    }
    for (index, rule) in rules(policy) {
        for (path, operation) in operations(index, rule) {
            let given: Vec<&str> = texts(operation, "paths").map(|(_, given)| given).collect();
            // A file, a template, or a pattern is meant as it stands.
            let is_whole = |given: &str| {
                let last = given.rsplit('/').next().unwrap_or_default();
                given == "/" || given.contains(['*', '{']) || last.contains('.')
            };
            let covers_below = |exact: &str| {
                let start = exact.trim_end_matches('/');
                given.iter().any(|other| {
                    let prefix = other.strip_suffix('*').or_else(|| other.strip_suffix("{**}"));
                    prefix.is_some_and(|prefix| format!("{start}/").starts_with(prefix))
                })
            };
            for (entry, exact) in texts(operation, "paths") {
                if !is_whole(exact) && !covers_below(exact) {
                    report.fail(
                        path.key("paths").index(entry),
                        format!("`{}/…` passes the rule on `{exact}`", exact.trim_end_matches('/')),
                    );
                }
            }
        }
    }
}

/// The Services to which a policy is attached, with their path. Only a waypoint reads such a policy.
fn targets<'a>(policy: &Whole<'a>) -> Vec<(FieldPath, &'a str)> {
    let listed = elements(policy.spec("targetRefs")).iter().enumerate();
    let listed = listed
        .map(|(index, target)| (FieldPath::of(&["spec", "targetRefs"]).index(index), target))
        .chain(policy.spec("targetRef").map(|one| (FieldPath::of(&["spec", "targetRef"]), one)));
    let text = |target: &'a Value, name| target.get(name).and_then(Value::as_str);
    let named = listed.filter_map(|(path, target)| {
        let is_service = text(target, "kind") == Some("Service")
            && text(target, "group").unwrap_or_default().is_empty();
        Some((path.key("name"), text(target, "name").filter(|_| is_service)?))
    });
    named.collect()
}

fn without_waypoint(policy: &Whole<'_>, report: &mut Report<'_>) {
    const LABEL: &str = "istio.io/use-waypoint";
    let (graph, namespace) = (policy.graph, policy.object.namespace());
    for (path, name) in targets(policy) {
        if graph.is_single_object() {
            return report.undecided("whether its Service has a waypoint is said by other objects");
        }
        if graph.namespace_enrolment(namespace) != Enrolment::Ambient {
            return;
        }
        let Some(service) = graph.find("", "Service", namespace, name) else { continue };
        let of_namespace = namespace.and_then(|name| graph.find("", "Namespace", None, name));
        let labels = [Some(service), of_namespace].into_iter().flatten().map(Object::labels);
        let waypoint = labels.flatten().find_map(|labels| labels.get(LABEL)?.as_str());
        if waypoint.is_none_or(|name| name == "none") {
            let message =
                format!("Service `{name}` has no waypoint, and nothing else reads the policy");
            report.fail(path, message);
        }
    }
}

/// What a rule asks of HTTP.
const OF_HTTP: [&str; 6] = ["methods", "notMethods", "paths", "notPaths", "hosts", "notHosts"];

/// What a rule asks of a source that only HTTP tells: a token, and an address that a header gives.
const SOURCES_OF_HTTP: [&str; 4] =
    ["requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks"];

/// The attributes of connections, by which conditions may ask a node's proxy.
const OF_CONNECTIONS: [&str; 6] = [
    "destination.ip",
    "destination.port",
    "source.ip",
    "source.namespace",
    "source.principal",
    "source.serviceAccount",
];

/// Where a policy first asks for what a node's proxy does not see.
fn asks_for_http(policy: &Whole<'_>) -> Option<FieldPath> {
    if action(policy) == "CUSTOM" {
        return Some(FieldPath::of(&["spec", "action"]));
    }
    let listed = |path: &FieldPath, fields: &Map, lists: &[&'static str]| {
        let list = lists.iter().find(|list| texts(fields, list).next().is_some())?;
        Some(path.key(list))
    };
    rules(policy).find_map(|(index, rule)| {
        let of_source =
            || sources(index, rule).find_map(|(path, it)| listed(&path, it, &SOURCES_OF_HTTP));
        let of_condition = || {
            let asked = maps(rule, "when").find(|(_, condition)| {
                text(condition, "key").is_some_and(|key| !OF_CONNECTIONS.contains(&key))
            });
            asked.map(|(at, _)| rule_path(index).key("when").index(at).key("key"))
        };
        let of_operation =
            operations(index, rule).find_map(|(path, it)| listed(&path, it, &OF_HTTP));
        of_operation.or_else(of_source).or_else(of_condition)
    })
}

fn needs_waypoint(policy: &Whole<'_>, report: &mut Report<'_>) {
    let graph = policy.graph;
    let has_target = policy.spec("targetRefs").is_some() || policy.spec("targetRef").is_some();
    if has_target {
        return without_waypoint(policy, report);
    }
    let Some(path) = asks_for_http(policy) else { return };
    if graph.is_single_object() {
        return report.undecided("whether its pods are in ambient mode is said by other objects");
    }
    let is_root = policy.object.namespace() == Some(graph.root_namespace());
    let namespace = policy.object.namespace().filter(|_| !is_root);
    let labels = down(policy.object.value(), &["spec", "selector", "matchLabels"]);
    let ambient = graph
        .mesh_workloads(namespace, labels.and_then(Value::as_object))
        .find(|workload| graph.enrolment(workload) == Enrolment::Ambient);
    if let Some(workload) = ambient {
        let owner = workload.owner;
        let consequence = match action(policy) {
            "CUSTOM" => ", so nobody asks the provider and every request passes",
            _ => "",
        };
        let message = format!("{owner} is in ambient mode, whose proxy reads no HTTP{consequence}");
        report.fail(path, message);
    }
}
