//! Objects that say where traffic goes: the mesh's, and routes into the cluster.

use airside_k8s::{Value, json};

use super::{Choices, NAMES, labels};

pub(super) fn mesh(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    const SECURITY: &str = "security.istio.io/v1";
    const NETWORKING: &str = "networking.istio.io/v1";
    let host = choices.of(&[
        "web",
        "web.shop.svc.cluster.local",
        "*.shop.svc.cluster.local",
        "*.example.com",
        "a.example.com",
    ]);
    let wanted = labels(choices);
    let with_selector = |mut spec: Value, chance: bool| {
        if chance {
            spec["selector"] = json!({ "matchLabels": wanted });
        }
        json!({ "spec": spec })
    };
    let chance = choices.chance();
    match kind {
        15 => {
            let mode = choices.of(&["STRICT", "PERMISSIVE", "DISABLE"]);
            let spec = json!({ "mtls": { "mode": mode } });
            (SECURITY, "PeerAuthentication", with_selector(spec, chance))
        }
        16 => {
            let from = json!([{ "source": { "namespaces": [choices.of(&["shop", "none"])] } }]);
            let action = choices.of(&["ALLOW", "DENY", "AUDIT"]);
            let mut spec = json!({ "action": action, "rules": [{ "from": from }] });
            match choices.number() % 4 {
                0 => spec["rules"] = json!([{ "to": [{ "operation": { "paths": ["/a"] } }] }]),
                1 => {
                    spec["rules"] = json!([{ "from": [{ "source": { "notPrincipals": ["*"] } }] }])
                }
                2 => {
                    let (group, kind) =
                        choices.of(&[("", "Service"), ("gateway.networking.k8s.io", "Gateway")]);
                    let name = choices.of(&NAMES);
                    spec["targetRefs"] = json!([{ "group": group, "kind": kind, "name": name }]);
                }
                _ => {}
            }
            (SECURITY, "AuthorizationPolicy", with_selector(spec, chance))
        }
        17 => {
            let spec = json!({ "jwtRules": [{ "issuer": "a" }] });
            (SECURITY, "RequestAuthentication", with_selector(spec, chance))
        }
        18 => {
            let mode = choices.of(&["DISABLE", "SIMPLE", "ISTIO_MUTUAL"]);
            let name = choices.of(&["v1", "v2"]);
            let subsets = json!([{ "name": name, "labels": { "tier": "front" } }]);
            let spec = json!({
                "host": host, "trafficPolicy": { "tls": { "mode": mode } }, "subsets": subsets,
            });
            (NETWORKING, "DestinationRule", json!({ "spec": spec }))
        }
        19 => {
            let gateways = match choices.number() % 4 {
                0 => json!(["web"]),
                1 => json!(["bank/db"]),
                2 => json!(["mesh"]),
                _ => json!([]),
            };
            let route = json!([{ "destination": { "host": host, "subset": "v1" } }]);
            let rule = match choices.chance() {
                true => json!({ "redirect": { "scheme": "https" } }),
                false => json!({ "route": route }),
            };
            let spec = json!({ "hosts": [host], "gateways": gateways, "http": [rule] });
            (NETWORKING, "VirtualService", json!({ "spec": spec }))
        }
        20 => {
            let number = choices.of(&[443, 443, 80]);
            let protocol = choices.of(&["HTTPS", "HTTP", "TLS"]);
            let port = json!({ "number": number, "protocol": protocol, "name": "https" });
            let tls = json!({ "mode": "SIMPLE", "credentialName": choices.of(&NAMES) });
            let server = json!({ "hosts": [host], "port": port, "tls": tls });
            let spec = json!({ "selector": wanted, "servers": [server] });
            (NETWORKING, "Gateway", json!({ "spec": spec }))
        }
        21 => {
            let spec = json!({
                "hosts": [host], "location": "MESH_EXTERNAL", "resolution": "DNS",
                "ports": [{ "number": 80, "name": "http", "protocol": choices.of(&["HTTP", "TCP"]) }],
            });
            (NETWORKING, "ServiceEntry", json!({ "spec": spec }))
        }
        22 | 23 => {
            let mut spec = json!({ "egress": [{ "hosts": [choices.of(&["./*", "shop/*"])] }] });
            if chance {
                spec["workloadSelector"] = json!({ "labels": wanted });
            }
            (NETWORKING, "Sidecar", json!({ "spec": spec }))
        }
        _ => {
            let provider = json!({ "accessLogging": [{ "providers": [{ "name": "envoy" }] }] });
            ("telemetry.istio.io/v1", "Telemetry", with_selector(provider, chance))
        }
    }
}

pub(super) fn routes(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    const GATEWAY: &str = "gateway.networking.k8s.io/v1";
    let backend = choices.of(&NAMES);
    let namespace = choices.of(&["shop", "bank"]);
    match kind {
        24 | 25 => {
            let host = choices.of(&["a.test", "b.test", ""]);
            let service = json!({ "service": { "name": backend, "port": { "number": 80 } } });
            let path = json!({ "path": "/", "pathType": "Prefix", "backend": service });
            let tls = json!([{ "hosts": [host], "secretName": choices.of(&NAMES) }]);
            let spec =
                json!({ "rules": [{ "host": host, "http": { "paths": [path] } }], "tls": tls });
            let note = json!({ "cert-manager.io/issuer": choices.of(&NAMES) });
            let metadata = json!({ "annotations": note });
            ("networking.k8s.io/v1", "Ingress", json!({ "metadata": metadata, "spec": spec }))
        }
        26 => {
            let from = choices.of(&["All", "Same"]);
            let routes = json!({ "namespaces": { "from": from } });
            let protocol = choices.of(&["HTTP", "HTTP", "TCP"]);
            let mut listener = json!({
                "name": "l", "port": 80, "protocol": protocol, "allowedRoutes": routes,
            });
            if choices.chance() {
                listener["hostname"] = json!(choices.of(&["a.test", "*.test"]));
            }
            (GATEWAY, "Gateway", json!({ "spec": { "listeners": [listener] } }))
        }
        27 | 28 => {
            let mut to = json!({ "name": backend, "port": 80 });
            if choices.chance() {
                to["namespace"] = json!(namespace);
            }
            let mut parent = json!({ "name": choices.of(&NAMES) });
            if choices.chance() {
                parent["namespace"] = json!(choices.of(&["shop", "bank"]));
            }
            let rules = json!([{ "backendRefs": [to] }]);
            let hosts = choices.of(&["a.test", "b.test"]);
            let spec = json!({ "parentRefs": [parent], "hostnames": [hosts], "rules": rules });
            (GATEWAY, "HTTPRoute", json!({ "spec": spec }))
        }
        29 => {
            let kind = choices.of(&["HTTPRoute", "HTTPRoute", "GRPCRoute"]);
            let from = json!([{ "kind": kind, "namespace": namespace }]);
            let spec = json!({ "from": from, "to": [{ "kind": "Service" }] });
            ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", json!({ "spec": spec }))
        }
        30 => {
            let to = json!({ "kind": "Service", "name": backend });
            ("route.openshift.io/v1", "Route", json!({ "spec": { "to": to } }))
        }
        _ => {
            let rule = json!({
                "match": "Host(`a.test`)", "kind": "Rule",
                "services": [{ "name": backend, "port": 80 }],
                "middlewares": [{ "name": choices.of(&NAMES) }],
            });
            ("traefik.io/v1alpha1", "IngressRoute", json!({ "spec": { "routes": [rule] } }))
        }
    }
}
