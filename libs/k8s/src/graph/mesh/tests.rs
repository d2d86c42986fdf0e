//! The mesh as a few small inputs show it.

use super::*;
use crate::graph::Completeness;
use crate::json;

fn graph(values: &[Value]) -> Graph<'_> {
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    Graph::new(&objects, Completeness::WholeInput)
}

fn namespace(name: &str, labels: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } })
}

fn pod(namespace: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "p", "namespace": namespace, "labels": labels },
        "spec": { "containers": [{ "name": "c" }] },
    })
}

fn peer_authentication(namespace: &str, app: Option<&str>, spec: &Value) -> Value {
    let mut policy = json!({
        "apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication",
        "metadata": { "name": "p", "namespace": namespace }, "spec": spec,
    });
    if let Some(app) = app {
        policy["spec"]["selector"] = json!({ "matchLabels": { "app": app } });
    }
    policy
}

#[test]
fn pods_are_in_the_mesh_by_their_namespace_and_by_themselves() {
    for (of_namespace, of_pod, expected) in [
        (json!({ "istio-injection": "enabled" }), json!({}), Enrolment::Sidecar),
        (json!({ "istio.io/rev": "a" }), json!({}), Enrolment::Sidecar),
        (
            json!({ "istio-injection": "disabled", "istio.io/rev": "a" }),
            json!({}),
            Enrolment::Outside,
        ),
        (
            json!({ "istio-injection": "enabled" }),
            json!({ "sidecar.istio.io/inject": "false" }),
            Enrolment::Outside,
        ),
        (json!({}), json!({ "sidecar.istio.io/inject": "true" }), Enrolment::Sidecar),
        (json!({ "istio.io/dataplane-mode": "ambient" }), json!({}), Enrolment::Ambient),
        (
            json!({ "istio.io/dataplane-mode": "ambient" }),
            json!({ "istio.io/dataplane-mode": "none" }),
            Enrolment::Outside,
        ),
    ] {
        let values = [namespace("shop", &of_namespace), pod("shop", &of_pod)];
        let graph = graph(&values);
        for workload in graph.mesh_workloads(Some("shop"), None) {
            assert_eq!(graph.enrolment(&workload), expected, "{values:?}");
        }
    }
    let values = [pod("shop", &json!({ "sidecar.istio.io/inject": "" }))];
    let graph = graph(&values);
    let workload = graph.mesh_workloads(None, None).next().unwrap();
    assert_eq!(graph.enrolment(&workload), Enrolment::Unknown);
}

#[test]
fn the_narrowest_policy_decides_about_mutual_tls() {
    let mode = |mode: &str| json!({ "mtls": { "mode": mode } });
    let web = pod("shop", &json!({ "app": "web" }));
    let mesh = peer_authentication("istio-system", None, &mode("STRICT"));
    let own = peer_authentication(
        "shop",
        Some("web"),
        &json!({ "mtls": { "mode": "UNSET" }, "portLevelMtls": { "8080": { "mode": "DISABLE" } } }),
    );
    for (policies, expected, ports) in [
        (vec![], TlsMode::Permissive, vec![]),
        (vec![mesh.clone()], TlsMode::Strict, vec![]),
        (
            vec![mesh.clone(), peer_authentication("shop", None, &mode("DISABLE"))],
            TlsMode::Disable,
            vec![],
        ),
        (vec![mesh.clone(), own], TlsMode::Strict, vec![("8080", TlsMode::Disable)]),
        (
            vec![mesh, peer_authentication("shop", Some("api"), &mode("DISABLE"))],
            TlsMode::Strict,
            vec![],
        ),
    ] {
        let mut values = policies;
        values.extend([namespace("shop", &json!({ "istio-injection": "enabled" })), web.clone()]);
        let graph = graph(&values);
        let workload = graph.mesh_workloads(Some("shop"), None).next().unwrap();
        let found = graph.mutual_tls(&workload);
        assert_eq!((found.mode, found.ports), (expected, ports), "{values:?}");
    }
}

#[test]
fn the_nodes_proxy_takes_mutual_tls_in_any_case() {
    for (label, expected) in [("ambient", TlsMode::Permissive), ("none", TlsMode::Disable)] {
        let web = pod("shop", &json!({ "app": "web", "istio.io/dataplane-mode": label }));
        let settings = json!({
            "mtls": { "mode": "DISABLE" }, "portLevelMtls": { "80": { "mode": "DISABLE" } },
        });
        let policy = peer_authentication("shop", Some("web"), &settings);
        let values = [web, policy];
        let graph = graph(&values);
        let workload = graph.mesh_workloads(Some("shop"), None).next().unwrap();
        let found = graph.mutual_tls(&workload);
        assert_eq!((found.mode, found.ports), (expected, vec![("80", expected)]), "{label}");
    }
}

#[test]
fn hosts_are_read_as_istio_reads_them() {
    assert_eq!(full_host("web", Some("shop")), "web.shop.svc.cluster.local");
    assert_eq!(full_host("web.example.com", Some("shop")), "web.example.com");
    for (pattern, host, covers) in [
        ("*", "a.b", true),
        ("*.b", "a.b", true),
        ("*.b", "a.c.b", true),
        ("*.b", "b", false),
        ("*.b", "*.a.b", true),
        ("a.b", "*.b", false),
    ] {
        assert_eq!(host_matches(pattern, host), covers, "{pattern} {host}");
    }
    assert!(is_exported_to([], Some("a"), Some("b")));
    assert!(!is_exported_to(["."], Some("a"), Some("b")));
    assert!(is_exported_to([".", "b"], Some("a"), Some("b")));
}

#[test]
fn the_configuration_of_the_mesh_is_read_from_its_config_map() {
    let values = [json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "istio", "namespace": "mesh" },
        "data": { "mesh": "rootNamespace: mesh\n" },
    })];
    let graph = graph(&values);
    assert!(graph.has_mesh());
    assert_eq!(graph.root_namespace(), "mesh");
}

#[test]
fn keeping_out_of_a_mesh_shows_none() {
    for (labels, shown) in [
        (json!({ "istio-injection": "enabled" }), true),
        (json!({ "istio-injection": "disabled" }), false),
        (json!({ "app": "istio" }), false),
    ] {
        assert_eq!(graph(&[namespace("shop", &labels)]).has_mesh(), shown, "{labels}");
    }
    let refuses = pod("shop", &json!({ "sidecar.istio.io/inject": "false" }));
    assert!(!graph(&[refuses]).has_mesh());
}

#[test]
fn workloads_are_found_by_label_in_their_namespace_and_where_it_is_open() {
    let web = json!({ "app": "web", "tier": "front" });
    let mut open = pod("shop", &web);
    open["metadata"]["namespace"] = Value::Null;
    let values =
        [pod("shop", &web), pod("bank", &web), open, peer_authentication("shop", None, &json!({}))];
    let graph = graph(&values);
    let wanted = json!({ "tier": "front", "app": "web" });
    let other = json!({ "app": "api" });
    let count = |namespace, labels: Option<&Value>| {
        graph.mesh_workloads(namespace, labels.and_then(Value::as_object)).count()
    };
    assert_eq!(count(Some("shop"), Some(&wanted)), 2);
    assert_eq!(count(None, Some(&wanted)), 3);
    assert_eq!(count(Some("bank"), None), 2);
    assert_eq!(count(None, None), 3);
    assert_eq!(count(None, Some(&other)), 0);
}

#[test]
fn gateways_are_named_beside_a_route_with_a_namespace_or_as_a_host() {
    for (written, namespace, name) in [
        ("web", Some("shop"), "web"),
        ("./web", Some("shop"), "web"),
        ("edge/web", Some("edge"), "web"),
        ("web.edge", Some("edge"), "web"),
        ("web.edge.svc.cluster.local", Some("edge"), "web"),
    ] {
        let expected = GatewayName { namespace, name };
        assert_eq!(GatewayName::parse(written, Some("shop")), expected, "{written}");
    }
    assert_eq!(GatewayName::parse("web", None), GatewayName { namespace: None, name: "web" });
}
