//! Whom a change touches: not more than those whose verdict can be another one.

use airside_k8s::{Value, json};

use super::{Incremental, put};

fn object(version: &str, kind: &str, name: &str, fields: Value) -> Value {
    let mut object = fields;
    object["apiVersion"] = json!(version);
    object["kind"] = json!(kind);
    object["metadata"]["name"] = json!(name);
    object["metadata"]["namespace"] = json!("shop");
    object
}

fn istio(kind: &str, name: &str, spec: &Value) -> Value {
    object("networking.istio.io/v1", kind, name, json!({ "spec": spec }))
}

fn gateway(name: &str, host: &str, certificate: &str) -> Value {
    let port = json!({ "number": 443, "name": "https", "protocol": "HTTPS" });
    let tls = json!({ "mode": "SIMPLE", "credentialName": certificate });
    let server = json!({ "port": port, "tls": tls, "hosts": [host] });
    istio("Gateway", name, &json!({ "selector": { "istio": "edge" }, "servers": [server] }))
}

fn cluster_role(name: &str, role: Value) -> Value {
    object("rbac.authorization.k8s.io/v1", "ClusterRole", name, role)
}

fn operator(mesh: &Value) -> Value {
    object(
        "install.istio.io/v1alpha1",
        "IstioOperator",
        "mesh",
        json!({ "spec": { "meshConfig": mesh } }),
    )
}

/// How many are judged after a change, the changed one included.
fn judged(world: &[Value], change: Value) -> usize {
    let mut incremental = Incremental::new();
    incremental.apply(world.iter().cloned().map(put).collect());
    incremental.apply(vec![put(change)]).judged
}

#[test]
fn a_gateway_touches_those_that_claim_its_hosts_or_present_its_certificate() {
    let world = [gateway("other", "other.example.com", "other")];
    assert_eq!(judged(&world, gateway("web", "www.example.com", "web")), 1);
    assert_eq!(judged(&world, gateway("web", "other.example.com", "web")), 2);
    assert_eq!(judged(&world, gateway("web", "www.example.com", "other")), 2);
}

#[test]
fn a_route_touches_the_gateways_that_it_is_bound_to() {
    let port = json!({ "number": 80, "name": "http", "protocol": "HTTP" });
    let server = json!({ "port": port, "hosts": ["*"] });
    let spec = json!({ "selector": { "istio": "edge" }, "servers": [server] });
    let world = [istio("Gateway", "web", &spec)];
    let route = |gateways: Value| {
        let http = json!([{ "redirect": { "scheme": "https" } }]);
        istio("VirtualService", "r", &json!({ "hosts": ["*"], "gateways": gateways, "http": http }))
    };
    assert_eq!(judged(&world, route(json!(["mesh"]))), 1);
    assert_eq!(judged(&world, route(json!(["other", "bank/web"]))), 1);
    for bound in ["web", "./web", "shop/web", "web.shop.svc.cluster.local"] {
        assert_eq!(judged(&world, route(json!([bound]))), 2, "{bound}");
    }
}

#[test]
fn a_rule_for_all_hosts_touches_those_that_ask_for_its_subsets() {
    let destination = json!({ "host": "web", "subset": "v1" });
    let route = json!([{ "route": [{ "destination": destination }] }]);
    let world = [istio("VirtualService", "web", &json!({ "hosts": ["web"], "http": route }))];
    let rule = |subsets: Value| {
        istio("DestinationRule", "all", &json!({ "host": "*.local", "subsets": subsets }))
    };
    assert_eq!(judged(&world, rule(json!([]))), 1);
    assert_eq!(judged(&world, rule(json!([{ "name": "v2" }]))), 1);
    assert_eq!(judged(&world, rule(json!([{ "name": "v1" }]))), 2);
}

#[test]
fn a_setting_of_the_mesh_touches_those_that_rest_on_it_and_only_where_it_changes() {
    let policy = json!({ "spec": { "mtls": { "mode": "DISABLE" } } });
    let policy = object("security.istio.io/v1", "PeerAuthentication", "web", policy);
    let world = [policy, operator(&json!({ "accessLogFile": "" }))];
    assert_eq!(judged(&world, operator(&json!({ "accessLogFile": "/dev/stdout" }))), 1);
    assert_eq!(judged(&world, operator(&json!({ "rootNamespace": "istio-system" }))), 2);
    assert_eq!(judged(&world, operator(&json!({ "rootNamespace": "shop" }))), 2);
}

#[test]
fn a_role_that_takes_over_others_touches_those_whose_labels_it_asks_for() {
    let world = [cluster_role("web", json!({ "metadata": { "labels": { "to": "web" } } }))];
    let taking = |label: Value| {
        let selectors = json!([{ "matchLabels": label }]);
        cluster_role("all", json!({ "aggregationRule": { "clusterRoleSelectors": selectors } }))
    };
    assert_eq!(judged(&world, taking(json!({ "to": "db" }))), 1);
    assert_eq!(judged(&world, taking(json!({ "to": "web" }))), 2);
    assert_eq!(judged(&world, taking(json!({}))), 2);
}

#[test]
fn a_grant_touches_the_routes_that_it_lets_refer_and_the_pods_behind_them() {
    const GATEWAY: &str = "gateway.networking.k8s.io/v1";
    let backend = json!({ "name": "web", "namespace": "shop" });
    let spec =
        json!({ "parentRefs": [{ "name": "edge" }], "rules": [{ "backendRefs": [backend] }] });
    let mut route = object(GATEWAY, "HTTPRoute", "web", json!({ "spec": spec }));
    route["metadata"]["namespace"] = json!("edge");
    let world = [route, super::service("web"), super::pod("shop", "web")];
    let grant = |kind: &str, namespace: &str| {
        let from =
            json!([{ "group": "gateway.networking.k8s.io", "kind": kind, "namespace": namespace }]);
        let spec = json!({ "from": from, "to": [{ "group": "", "kind": "Service" }] });
        object(
            "gateway.networking.k8s.io/v1beta1",
            "ReferenceGrant",
            "web",
            json!({ "spec": spec }),
        )
    };
    assert_eq!(judged(&world, grant("HTTPRoute", "bank")), 1);
    assert_eq!(judged(&world, grant("GRPCRoute", "edge")), 1);
    assert_eq!(judged(&world, grant("HTTPRoute", "edge")), 3);
}
