//! Which ways lead to the pods of small inputs.

use super::*;
use crate::graph::Completeness;
use crate::json;
use crate::value::Value;
use crate::workload::pod_specs;

fn object(api_version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": { "name": name, "namespace": "shop" }, "spec": spec,
    })
}

fn service(name: &str, kind: &str, selector: &Value) -> Value {
    object("v1", "Service", name, &json!({ "type": kind, "selector": selector }))
}

fn pod(labels: &Value) -> Value {
    let container = json!({ "name": "c", "ports": [{ "name": "http", "containerPort": 8080 }] });
    let mut pod = object("v1", "Pod", "web", &json!({ "containers": [container] }));
    pod["metadata"]["labels"] = labels.clone();
    pod
}

/// The ways to a pod of the namespace `shop` with labels.
fn ways(values: &[Value], labels: &Value) -> Vec<String> {
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let pod = pod(labels);
    let object = Object::new(&pod).unwrap();
    let specs = pod_specs(&object);
    let ways = graph.ways_to(Some("shop"), &specs[0]);
    ways.iter().map(|way| format!("{:?}: {}", way.entry, way.shown())).collect()
}

#[test]
fn services_open_themselves_by_their_type_and_by_addresses() {
    let mut private = service("private", "LoadBalancer", &json!({ "app": "web" }));
    private["metadata"]["annotations"] =
        json!({ "service.beta.kubernetes.io/azure-load-balancer-internal": "true" });
    let mut addressed = service("addressed", "ClusterIP", &json!({ "app": "web" }));
    addressed["spec"]["externalIPs"] = json!(["192.0.2.1"]);
    let mut elsewhere = service("elsewhere", "NodePort", &json!({ "app": "web" }));
    elsewhere["metadata"]["namespace"] = json!("bank");
    let values = [
        service("ports", "NodePort", &json!({ "app": "web", "tier": "front" })),
        service("public", "LoadBalancer", &json!({ "app": "web" })),
        private,
        addressed,
        elsewhere,
        service("inner", "ClusterIP", &json!({ "app": "web" })),
        service("all", "NodePort", &json!({})),
    ];
    assert_eq!(
        ways(&values, &json!({ "app": "web", "tier": "front" })),
        [
            "NodePort: Service shop/ports",
            "LoadBalancer: Service shop/public",
            "PrivateLoadBalancer: Service shop/private",
            "ExternalAddress: Service shop/addressed",
        ]
    );
    assert_eq!(ways(&values, &json!({ "tier": "front" })), Vec::<String>::new());
}

#[test]
fn routes_lead_through_their_gateway_to_the_services_that_they_name() {
    let gateway = "gateway.networking.k8s.io/v1";
    let istio = "networking.istio.io/v1";
    let to_web = json!([{ "backendRefs": [{ "name": "web" }] }]);
    let values = [
        service("web", "ClusterIP", &json!({ "app": "web" })),
        object(
            "networking.k8s.io/v1",
            "Ingress",
            "in",
            &json!({ "rules": [{ "http": { "paths": [
                { "backend": { "service": { "name": "web" } } },
                { "backend": { "service": { "name": "web" } } },
                { "backend": { "service": { "name": "missing" } } },
            ] } }] }),
        ),
        object(gateway, "Gateway", "edge", &json!({})),
        object(
            gateway,
            "HTTPRoute",
            "route",
            &json!({ "parentRefs": [{ "name": "edge" }], "rules": to_web }),
        ),
        object(
            gateway,
            "HTTPRoute",
            "mesh",
            &json!({ "parentRefs": [{ "kind": "Service", "name": "web" }], "rules": to_web }),
        ),
        object(
            istio,
            "VirtualService",
            "vs",
            &json!({ "gateways": ["mesh", "istio-system/edge"],
                "http": [{ "route": [{ "destination": { "host": "web.shop.svc.cluster.local" } }] }] }),
        ),
        object(
            istio,
            "VirtualService",
            "inner",
            &json!({ "http": [{ "route": [{ "destination": { "host": "web" } }] }] }),
        ),
        object(
            "projectcontour.io/v1",
            "HTTPProxy",
            "proxy",
            &json!({ "routes": [{ "services": [{ "name": "web" }] }] }),
        ),
        object(
            "traefik.io/v1alpha1",
            "IngressRoute",
            "traefik",
            &json!({ "routes": [{ "services": [{ "name": "web", "kind": "TraefikService" }] }] }),
        ),
        object("route.openshift.io/v1", "Route", "os", &json!({ "to": { "name": "web" } })),
    ];
    assert_eq!(
        ways(&values, &json!({ "app": "web" })),
        [
            "Ingress: Ingress shop/in → Service shop/web",
            "Ingress: HTTPProxy shop/proxy → Service shop/web",
            "Ingress: Route shop/os → Service shop/web",
            "Gateway: Gateway shop/edge → HTTPRoute shop/route → Service shop/web",
            "Gateway: VirtualService shop/vs → Service shop/web",
        ]
    );
}

#[test]
fn a_route_to_another_namespace_needs_the_leave_of_both() {
    let group = "gateway.networking.k8s.io/v1";
    let in_namespace = |mut value: Value, namespace: &str| {
        value["metadata"]["namespace"] = json!(namespace);
        value
    };
    let gateway = |from: &str| {
        let listeners =
            json!([{ "name": "web", "allowedRoutes": { "namespaces": { "from": from } } }]);
        in_namespace(object(group, "Gateway", "edge", &json!({ "listeners": listeners })), "edge")
    };
    let route = in_namespace(
        object(
            group,
            "HTTPRoute",
            "route",
            &json!({ "parentRefs": [{ "name": "edge", "namespace": "edge" }],
                "rules": [{ "backendRefs": [{ "name": "web", "namespace": "shop" }] }] }),
        ),
        "routes",
    );
    let grant = object(
        group,
        "ReferenceGrant",
        "grant",
        &json!({ "from": [{ "group": "gateway.networking.k8s.io", "kind": "HTTPRoute",
            "namespace": "routes" }], "to": [{ "group": "", "kind": "Service" }] }),
    );
    let web = service("web", "ClusterIP", &json!({ "app": "web" }));
    let count = |values: &[Value]| ways(values, &json!({ "app": "web" })).len();
    let all = [web.clone(), gateway("All"), route.clone(), grant.clone()];
    assert_eq!(count(&all), 1);
    assert_eq!(count(&[web.clone(), gateway("Same"), route.clone(), grant.clone()]), 0);
    assert_eq!(count(&[web.clone(), gateway("All"), route.clone()]), 0);
    assert_eq!(count(&[web, route, grant]), 1, "a Gateway that is not in the input may take it");
}

#[test]
fn a_gateway_takes_a_route_by_a_listener_of_its_kind_and_host() {
    let group = "gateway.networking.k8s.io/v1";
    let web = service("web", "ClusterIP", &json!({ "app": "web" }));
    let is_taken = |listener: &Value, kind: &str, parent: &Value, hosts: &Value| {
        let mut parent = parent.clone();
        parent["name"] = json!("edge");
        let rules = json!([{ "backendRefs": [{ "name": "web" }] }]);
        let route = json!({ "parentRefs": [parent], "hostnames": hosts, "rules": rules });
        let values = [
            web.clone(),
            object(group, "Gateway", "edge", &json!({ "listeners": [listener] })),
            object(group, kind, "route", &route),
        ];
        !ways(&values, &json!({ "app": "web" })).is_empty()
    };
    let of_host = |host: &str| json!({ "name": "a", "protocol": "HTTP", "hostname": host });
    for (served, hosts, taken) in [
        ("a.example.com", json!(["b.example.com"]), false),
        ("a.example.com", json!(["b.example.com", "a.example.com"]), true),
        ("a.example.com", json!(["*.example.com"]), true),
        ("*.example.com", json!(["a.b.example.com"]), true),
        ("*.example.com", json!(["example.com"]), false),
        ("*.example.com", json!(["*.example.org"]), false),
        ("a.example.com", json!([]), true),
        ("", json!(["b.example.com"]), true),
    ] {
        let found = is_taken(&of_host(served), "HTTPRoute", &json!({}), &hosts);
        assert_eq!(found, taken, "{served} {hosts}");
    }
    let only = |kind: &str| json!({ "kinds": [{ "kind": kind }] });
    for (listener, kind, taken) in [
        (json!({ "protocol": "HTTP", "allowedRoutes": only("GRPCRoute") }), "HTTPRoute", false),
        (json!({ "protocol": "HTTP", "allowedRoutes": only("HTTPRoute") }), "HTTPRoute", true),
        (json!({ "protocol": "TCP", "allowedRoutes": only("HTTPRoute") }), "HTTPRoute", false),
        (json!({ "protocol": "TCP" }), "HTTPRoute", false),
        (json!({ "protocol": "TCP" }), "TCPRoute", true),
        (json!({ "protocol": "HTTPS" }), "GRPCRoute", true),
        (json!({ "protocol": "TLS" }), "TLSRoute", true),
        (json!({ "protocol": "UDP" }), "TCPRoute", false),
        (json!({ "protocol": "example.com/own" }), "HTTPRoute", true),
        (json!({ "allowedRoutes": { "namespaces": { "from": "None" } } }), "HTTPRoute", false),
    ] {
        let found = is_taken(&listener, kind, &json!({}), &json!([]));
        assert_eq!(found, taken, "{kind} {listener}");
    }
    let listener = json!({ "name": "a", "port": 80, "protocol": "HTTP" });
    for (parent, taken) in [
        (json!({ "sectionName": "a", "port": 80 }), true),
        (json!({ "sectionName": "b" }), false),
        (json!({ "port": 443 }), false),
    ] {
        assert_eq!(is_taken(&listener, "HTTPRoute", &parent, &json!([])), taken, "{parent}");
    }
}

#[test]
fn a_mesh_gateway_takes_the_hosts_that_a_server_has_for_the_namespace() {
    let istio = "networking.istio.io/v1";
    for (served, hosts, taken) in [
        ("a.example.com", json!(["b.example.com"]), false),
        ("*.example.com", json!(["b.example.com"]), true),
        ("shop/*", json!(["b.example.com"]), true),
        ("./*", json!(["b.example.com"]), true),
        ("bank/*", json!(["b.example.com"]), false),
        ("a.example.com", json!(["*"]), true),
    ] {
        let route = json!([{ "route": [{ "destination": { "host": "web" } }] }]);
        let values = [
            service("web", "ClusterIP", &json!({ "app": "web" })),
            object(istio, "Gateway", "edge", &json!({ "servers": [{ "hosts": [served] }] })),
            object(
                istio,
                "VirtualService",
                "vs",
                &json!({ "hosts": hosts, "gateways": ["edge"], "http": route }),
            ),
        ];
        let found = ways(&values, &json!({ "app": "web" }));
        assert_eq!(!found.is_empty(), taken, "{served} {hosts}");
    }
}

#[test]
fn a_mesh_gateway_that_is_not_open_lets_nobody_in() {
    let istio = "networking.istio.io/v1";
    let gateway = object(istio, "Gateway", "edge", &json!({ "selector": { "istio": "edge" } }));
    let virtual_service = object(
        istio,
        "VirtualService",
        "vs",
        &json!({ "gateways": ["edge"], "http": [{ "route": [{ "destination": { "host": "web" } }] }] }),
    );
    let web = service("web", "ClusterIP", &json!({ "app": "web" }));
    let routed = |kind: &str| {
        let edge = service("edge", kind, &json!({ "istio": "edge" }));
        let all = [web.clone(), gateway.clone(), virtual_service.clone(), edge];
        ways(&all, &json!({ "app": "web" })).len()
    };
    assert_eq!([routed("LoadBalancer"), routed("ClusterIP")], [1, 0]);
    let alone = [web.clone(), gateway.clone(), virtual_service.clone()];
    assert_eq!(ways(&alone, &json!({ "app": "web" })).len(), 1);
}

#[test]
fn knative_publishes_its_services_unless_they_are_local() {
    let knative = |labels: &Value| {
        let mut value = object("serving.knative.dev/v1", "Service", "web", &json!({}));
        value["metadata"]["labels"] = labels.clone();
        value
    };
    for (labels, expected) in
        [(json!({}), 1), (json!({ "networking.knative.dev/visibility": "cluster-local" }), 0)]
    {
        let value = knative(&labels);
        let object = Object::new(&value).unwrap();
        let graph = Graph::new(&[object], Completeness::WholeInput);
        let pod = pod(&json!({}));
        let pod = Object::new(&pod).unwrap();
        let specs = pod_specs(&pod);
        assert_eq!(graph.ways_to_pod_of(&object, &specs[0]).len(), expected, "{labels}");
    }
}

#[test]
fn a_way_leads_to_a_port_that_route_service_and_pod_agree_on() {
    let ports = |ports: &Value, backend: &Value| {
        let mut web = service("web", "ClusterIP", &json!({ "app": "web" }));
        web["spec"]["ports"] = ports.clone();
        let backend = json!({ "service": { "name": "web", "port": backend } });
        let ingress = json!({ "defaultBackend": backend });
        let values = [web, object("networking.k8s.io/v1", "Ingress", "in", &ingress)];
        let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
        let graph = Graph::new(&objects, Completeness::WholeInput);
        let pod = pod(&json!({ "app": "web" }));
        let pod = Object::new(&pod).unwrap();
        let specs = pod_specs(&pod);
        let ways = graph.ways_to(Some("shop"), &specs[0]);
        let ports = ways.iter().filter_map(|way| way.ports_of(&specs[0])).flatten();
        ports.map(|port| port.to_string()).collect::<Vec<_>>()
    };
    let two = json!([
        { "name": "web", "port": 80, "targetPort": "http" },
        { "name": "admin", "port": 81, "targetPort": 9000 },
        { "name": "dns", "port": 82, "protocol": "UDP" },
    ]);
    for (listed, backend, expected) in [
        (&two, json!({ "number": 80 }), vec!["8080/TCP"]),
        (&two, json!({ "name": "admin" }), vec!["9000/TCP"]),
        (&two, json!({ "number": 8080 }), vec![]),
        (&two, json!({ "number": 82 }), vec![]),
        (&json!([{ "port": 80 }]), json!({ "number": 80 }), vec!["80/TCP"]),
        (&json!([{ "port": 80, "targetPort": "none" }]), json!({ "number": 80 }), vec![]),
    ] {
        assert_eq!(ports(listed, &backend), expected, "{listed:?} {backend:?}");
    }
}
