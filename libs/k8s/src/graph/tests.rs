//! What hangs together in small inputs.

use super::*;
use crate::json;
use crate::rbac::GROUP;
use crate::value::Value;

fn role(kind: &str, name: &str, namespace: Option<&str>, resource: &str) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": kind,
        "metadata": { "name": name, "namespace": namespace, "labels": { "part": name } },
        "rules": [{ "apiGroups": [""], "resources": [resource], "verbs": ["get"] }],
    })
}

fn binding(kind: &str, namespace: Option<&str>, role: (&str, &str), subject: &Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": kind,
        "metadata": { "name": "b", "namespace": namespace },
        "roleRef": { "kind": role.0, "name": role.1 }, "subjects": [subject],
    })
}

fn graph(values: &[Value]) -> Graph<'_> {
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    Graph::new(&objects, Completeness::WholeInput)
}

fn resources(graph: &Graph<'_>, namespace: Option<&str>, name: &str) -> Vec<String> {
    let grants = graph.grants_of_account(namespace, name);
    let shown = |grant: &Grant<'_>| {
        let (_, resource) = grant.rule.list("resources").next().unwrap();
        format!("{resource} in {}", grant.namespace().unwrap_or("*"))
    };
    grants.iter().map(shown).collect()
}

#[test]
fn a_service_account_has_the_rules_of_the_roles_that_it_is_bound_to() {
    let web = json!({ "kind": "ServiceAccount", "name": "web", "namespace": "shop" });
    let values = [
        role("Role", "reader", Some("shop"), "secrets"),
        role("Role", "reader", Some("bank"), "pods"),
        role("ClusterRole", "reader", None, "nodes"),
        binding("RoleBinding", Some("shop"), ("Role", "reader"), &web),
        binding("RoleBinding", Some("shop"), ("ClusterRole", "reader"), &web),
        binding("ClusterRoleBinding", None, ("ClusterRole", "reader"), &web),
        binding("ClusterRoleBinding", None, ("ClusterRole", "missing"), &web),
    ];
    let graph = graph(&values);
    let expected = ["secrets in shop", "nodes in shop", "nodes in *"];
    assert_eq!(resources(&graph, Some("shop"), "web"), expected);
    assert_eq!(resources(&graph, None, "web"), expected, "a pod without a namespace may be that");
    assert!(resources(&graph, Some("bank"), "web").is_empty());
    assert!(resources(&graph, Some("shop"), "default").is_empty());
}

#[test]
fn a_service_account_has_what_its_groups_have() {
    let group = |name: &str| json!({ "kind": "Group", "name": name });
    let values = [
        role("ClusterRole", "a", None, "secrets"),
        role("ClusterRole", "b", None, "pods"),
        role("ClusterRole", "c", None, "nodes"),
        binding("ClusterRoleBinding", None, ("ClusterRole", "a"), &group("system:authenticated")),
        binding(
            "ClusterRoleBinding",
            None,
            ("ClusterRole", "b"),
            &group("system:serviceaccounts:shop"),
        ),
        binding("ClusterRoleBinding", None, ("ClusterRole", "c"), &group("admins")),
    ];
    let graph = graph(&values);
    assert_eq!(resources(&graph, Some("shop"), "web"), ["secrets in *", "pods in *"]);
    assert_eq!(resources(&graph, Some("bank"), "web"), ["secrets in *"]);
}

#[test]
fn roles_and_service_accounts_know_their_users() {
    let web = json!({ "kind": "ServiceAccount", "name": "web", "namespace": "shop" });
    let mut whole = role("ClusterRole", "whole", None, "pods");
    whole["aggregationRule"] =
        json!({ "clusterRoleSelectors": [{ "matchLabels": { "part": "extra" } }] });
    let account = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": { "name": name, "namespace": "shop" },
        })
    };
    let values = [
        role("Role", "reader", Some("shop"), "secrets"),
        role("Role", "reader", Some("bank"), "secrets"),
        role("ClusterRole", "extra", None, "secrets"),
        whole,
        binding("RoleBinding", Some("shop"), ("Role", "reader"), &web),
        account("web"),
        account("default"),
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "shop" },
            "spec": { "serviceAccountName": "web", "containers": [{ "name": "c", "image": "c" }] },
        }),
    ];
    let graph = graph(&values);
    let object = |index: usize| graph.objects().get(index).unwrap();
    let given: Vec<bool> = (0..4).map(|index| graph.is_given(object(index))).collect();
    assert_eq!(given, [true, false, false, false]);
    let aggregated: Vec<bool> = (2..4).map(|index| graph.is_aggregated(object(index))).collect();
    assert_eq!(aggregated, [true, false]);
    assert!(graph.runs_as(object(5)));
    assert!(!graph.runs_as(object(6)));
}

#[test]
fn an_aggregating_role_has_the_rules_of_what_it_selects() {
    let mut whole = role("ClusterRole", "whole", None, "pods");
    whole["aggregationRule"] =
        json!({ "clusterRoleSelectors": [{ "matchLabels": { "part": "extra" } }] });
    let mut extra = role("ClusterRole", "extra", None, "secrets");
    extra["aggregationRule"] =
        json!({ "clusterRoleSelectors": [{ "matchLabels": { "part": "further" } }] });
    // Two that take over each other end.
    let mut further = role("ClusterRole", "further", None, "services");
    further["aggregationRule"] =
        json!({ "clusterRoleSelectors": [{ "matchLabels": { "part": "extra" } }] });
    let values = [
        whole,
        extra,
        further,
        role("ClusterRole", "other", None, "nodes"),
        binding(
            "ClusterRoleBinding",
            None,
            ("ClusterRole", "whole"),
            &json!({ "kind": "ServiceAccount", "name": "web", "namespace": "shop" }),
        ),
    ];
    let expected = ["pods in *", "secrets in *", "services in *"];
    assert_eq!(resources(&graph(&values), Some("shop"), "web"), expected);
}

#[test]
fn a_service_has_the_pods_that_bear_its_labels() {
    let pod = |name: &str, namespace: Option<&str>, app: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "namespace": namespace, "labels": { "app": app } },
            "spec": { "containers": [{ "name": "c", "image": "c" }] },
        })
    };
    let service = |selector: Value| {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "s", "namespace": "shop" }, "spec": { "selector": selector },
        })
    };
    let values = [
        pod("a", Some("shop"), "web"),
        pod("b", Some("bank"), "web"),
        pod("c", None, "web"),
        pod("d", Some("shop"), "db"),
        service(json!({ "app": "web" })),
        service(json!({})),
        service(json!(null)),
    ];
    let graph = graph(&values);
    let pods: Vec<Vec<&str>> = graph
        .of_kind("", "Service")
        .map(|service| {
            let owners = graph.pods_of_service(service).filter_map(|pod| graph.owner(pod));
            owners.map(Object::name).collect()
        })
        .collect();
    assert_eq!(pods, [vec!["a", "c"], vec![], vec![]]);
}

#[test]
fn a_name_without_a_namespace_is_found_wherever_it_may_be() {
    let map = |namespace: Option<&str>, name: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": name, "namespace": namespace },
        })
    };
    let values = [map(Some("shop"), "a"), map(None, "b")];
    let graph = graph(&values);
    for (namespace, name, found) in [
        (Some("shop"), "a", true),
        (Some("bank"), "a", false),
        (None, "a", true),
        (Some("bank"), "b", true),
        (None, "c", false),
    ] {
        let object = graph.find("", "ConfigMap", namespace, name);
        assert_eq!(object.is_some(), found, "{namespace:?} {name}");
    }
    assert_eq!(graph.pods_of(0).len() + graph.pods_of(7).len(), 0);
}
