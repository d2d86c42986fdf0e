//! Checks on tokens of requests: who verifies them, where their keys come from, and what relies on them.

use airside_k8s::fields::{down, elements, maps, texts};
use airside_k8s::graph::labels_match;
use airside_k8s::{Graph, Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::authorization::is_enforced;
use super::virtual_services::{find_gateway, gateways};
use super::{NETWORKING, SECURITY, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "request-authentication-plain-jwks",
        title: "RequestAuthentication fetches its keys without TLS",
        why: "Whoever is on the way can hand the control plane keys of his own, and then sign tokens that every workload accepts.",
        fix: "Use an https:// address in jwksUri, or give the keys in jwks.",
        severity: Severity::High,
        category: Category::ServiceMesh,
        techniques: &[technique("T1557"), technique("T1556")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "RequestAuthentication")], plain_jwks),
        fails: r"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: web, namespace: shop}
spec: {jwtRules: [{issuer: login, jwksUri: 'http://login.example.com/keys'}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{from: [{source: {requestPrincipals: [login/*]}}]}]}
",
        passes: r"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: web, namespace: shop}
spec: {jwtRules: [{issuer: login, jwksUri: 'https://login.example.com/keys'}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{from: [{source: {requestPrincipals: [login/*]}}]}]}
",
    },
    Check {
        id: "request-authentication-not-required",
        title: "RequestAuthentication lets requests without a token pass",
        why: "It refuses bad tokens only; a request that brings none is served, unless an AuthorizationPolicy asks for a principal.",
        fix: "Add an AuthorizationPolicy that allows only requests with requestPrincipals, or denies those without (notRequestPrincipals: [\"*\"]).",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "RequestAuthentication")], not_required),
        fails: r"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: web, namespace: shop}
spec: {jwtRules: [{issuer: login, jwks: keys}]}
",
        passes: r#"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: web, namespace: shop}
spec: {jwtRules: [{issuer: login, jwks: keys}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: DENY, rules: [{from: [{source: {notRequestPrincipals: ["*"]}}]}]}
"#,
    },
    Check {
        id: "authorization-policy-without-authentication",
        title: "AuthorizationPolicy relies on tokens that nobody verifies",
        why: "Without a RequestAuthentication no request has a principal or claims: what is allowed by them is closed to all, and what is denied by them is open.",
        fix: "Add a RequestAuthentication with the issuer for the same workloads.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(SECURITY, "AuthorizationPolicy")], without_authentication),
        fails: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{when: [{key: 'request.auth.claims[group]', values: [admin]}]}]}
",
        passes: r"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: web, namespace: shop}
spec: {jwtRules: [{issuer: login, jwks: keys}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {rules: [{when: [{key: 'request.auth.claims[group]', values: [admin]}]}]}
",
    },
    Check {
        id: "virtual-service-claims-without-authentication",
        title: "VirtualService routes by claims of tokens that its gateway does not verify",
        why: "Without a RequestAuthentication on the gateway no request has claims, so the route is never taken.",
        fix: "Add a RequestAuthentication that selects the gateway's pods.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0149"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], routes_by_claims),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: in, namespace: edge}
spec: {selector: {istio: ingressgateway}, servers: [{hosts: [www.example.com]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: edge}
spec:
  hosts: [www.example.com]
  gateways: [in]
  http: [{match: [{headers: {'@request.auth.claims.group': {exact: admin}}}], redirect: {uri: /}}]
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: in, namespace: edge}
spec: {selector: {istio: ingressgateway}, servers: [{hosts: [www.example.com]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: edge}
spec:
  hosts: [www.example.com]
  gateways: [in]
  http: [{match: [{headers: {group: {exact: admin}}}], redirect: {uri: /}}]
",
    },
    Check {
        id: "istiod-fetches-any-jwks",
        title: "Istio's control plane fetches keys from any address",
        why: "Whoever may create a RequestAuthentication makes istiod call a jwksUri of his choice, also addresses that only the control plane reaches.",
        fix: "Set BLOCKED_CIDRS_IN_JWKS_URIS of istiod to the internal networks and the cloud's metadata address.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1552.005"), technique("T1090")],
        controls: &[],
        equivalents: &["istio:IST0175"],
        judge: Judge::Pod(fetches_any),
        fails: r"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: web, namespace: istio-system}
spec: {jwtRules: [{issuer: login, jwksUri: 'https://login.example.com/keys'}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system, labels: {app: istiod}}
spec:
  template:
    metadata: {labels: {app: istiod}}
    spec: {containers: [{name: discovery}]}
",
        passes: r"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: web, namespace: istio-system}
spec: {jwtRules: [{issuer: login, jwksUri: 'https://login.example.com/keys'}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system, labels: {app: istiod}}
spec:
  template:
    metadata: {labels: {app: istiod}}
    spec: {containers: [{name: discovery, env: [{name: BLOCKED_CIDRS_IN_JWKS_URIS, value: 10.0.0.0/8}]}]}
",
    },
];

fn jwt_rules<'a>(authentication: &Object<'a>) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    spec_map(authentication).into_iter().flat_map(|spec| maps(spec, "jwtRules"))
}

fn plain_jwks(authentication: &Whole<'_>, report: &mut Report<'_>) {
    for (index, rule) in jwt_rules(authentication.object) {
        let address = rule.get("jwksUri").and_then(Value::as_str).unwrap_or_default();
        if address.starts_with("http://") {
            let path = FieldPath::of(&["spec", "jwtRules"]).index(index).key("jwksUri");
            report.fail(path, "the keys are fetched over http".to_owned());
        }
    }
}

/// Whether a rule of an AuthorizationPolicy asks for a token.
fn reliance(rule: &Map) -> Option<FieldPath> {
    let of_source = maps(rule, "from").find_map(|(index, from)| {
        let source = from.get("source")?.as_object()?;
        let list = ["requestPrincipals", "notRequestPrincipals"]
            .into_iter()
            .find(|list| texts(source, list).next().is_some())?;
        Some(FieldPath::of(&["from"]).index(index).keys(&["source", list]))
    });
    of_source.or_else(|| {
        maps(rule, "when").find_map(|(index, condition)| {
            let key = condition.get("key")?.as_str()?;
            key.starts_with("request.auth.").then(|| FieldPath::of(&["when"]).index(index))
        })
    })
}

/// The first field of a policy that relies on a token.
fn relied_on(policy: &Object<'_>) -> Option<FieldPath> {
    let mut rules = spec_map(policy)?.get("rules").map(Value::as_array)??.iter().enumerate();
    rules.find_map(|(index, rule)| {
        let below = reliance(rule.as_object()?)?;
        Some(FieldPath::of(&["spec", "rules"]).index(index).join(&below))
    })
}

/// The policies of a kind that may hold for the workloads of another: in its namespace or in the root one.
fn beside<'a>(policy: &Whole<'a>, kind: &'a str) -> impl Iterator<Item = &'a Object<'a>> + use<'a> {
    let graph = policy.graph;
    let own = graph.mesh_objects_in(kind, policy.object.namespace());
    let is_root = policy.object.namespace() == Some(graph.root_namespace());
    // A policy for the whole mesh may be met by one in any namespace.
    let everywhere = is_root.then(|| graph.of_kind(SECURITY, kind)).into_iter().flatten();
    own.chain(graph.mesh_objects_in(kind, Some(graph.root_namespace()))).chain(everywhere)
}

fn not_required(authentication: &Whole<'_>, report: &mut Report<'_>) {
    if jwt_rules(authentication.object).next().is_none() {
        return;
    }
    if authentication.graph.is_single_object() {
        return report.undecided("authorization policies are other objects");
    }
    let mut policies =
        beside(authentication, "AuthorizationPolicy").filter(|policy| is_enforced(policy));
    // A CUSTOM policy leaves the decision to somebody who may ask for the token.
    let asks = policies.any(|policy| {
        relied_on(policy).is_some()
            || down(policy.value(), &["spec", "action"]).and_then(Value::as_str) == Some("CUSTOM")
    });
    if !asks {
        let message = "no AuthorizationPolicy beside it asks for a token".to_owned();
        report.fail(FieldPath::of(&["spec", "jwtRules"]), message);
    }
}

fn without_authentication(policy: &Whole<'_>, report: &mut Report<'_>) {
    let Some(path) = relied_on(policy.object) else { return };
    if policy.graph.is_single_object() {
        return report.undecided("request authentications are other objects");
    }
    let mut all = beside(policy, "RequestAuthentication");
    if !all.any(|authentication| jwt_rules(authentication).next().is_some()) {
        report.fail(path, "no RequestAuthentication beside it verifies tokens".to_owned());
    }
}

fn routes_by_claims(route: &Whole<'_>, report: &mut Report<'_>) {
    let rules = spec_map(route.object).into_iter().flat_map(|spec| maps(spec, "http"));
    let by_claims = rules.into_iter().find_map(|(index, rule)| {
        maps(rule, "match").find_map(|(at, entry)| {
            let headers = entry.get("headers")?.as_object()?;
            let key = headers.keys().find(|key| key.starts_with("@request.auth."))?;
            let path = FieldPath::of(&["spec", "http"]).index(index).key("match").index(at);
            Some(path.keys(&["headers", key]))
        })
    });
    let Some(path) = by_claims else { return };
    let graph = route.graph;
    if graph.is_single_object() {
        return report.undecided("request authentications are other objects");
    }
    for (_, name) in gateways(route.object) {
        let Some(gateway) = find_gateway(graph, name, route.object.namespace()) else { continue };
        if !is_authenticated(graph, gateway) {
            let message = format!("no RequestAuthentication verifies tokens on {gateway}");
            return report.fail(path, message);
        }
    }
}

/// Whether a RequestAuthentication may hold for the pods of a gateway.
fn is_authenticated(graph: &Graph<'_>, gateway: &Object<'_>) -> bool {
    let pods = down(gateway.value(), &["spec", "selector"]).and_then(Value::as_object);
    graph.of_kind(SECURITY, "RequestAuthentication").any(|authentication| {
        let selector = down(authentication.value(), &["spec", "selector", "matchLabels"]);
        let targets = elements(down(authentication.value(), &["spec", "targetRefs"]));
        let is_named = targets
            .iter()
            .any(|target| target.get("name").and_then(Value::as_str) == Some(gateway.name()));
        match selector.and_then(Value::as_object) {
            Some(labels) => {
                labels_match(labels, pods)
                    || pods.is_some_and(|pods| {
                        graph.has_mesh_workloads(None, Some(pods), Some(labels))
                    })
            }
            None => is_named || targets.is_empty(),
        }
    })
}

fn fetches_any(pod: &Pod<'_>, report: &mut Report<'_>) {
    const KEY: &str = "BLOCKED_CIDRS_IN_JWKS_URIS";
    let is_istiod = pod.spec.labels().and_then(|labels| labels.get("app")).and_then(Value::as_str)
        == Some("istiod");
    if !is_istiod {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("request authentications are other objects");
    }
    let fetches = pod.graph.of_kind(SECURITY, "RequestAuthentication").any(|authentication| {
        jwt_rules(authentication).any(|(_, rule)| rule.contains_key("jwksUri"))
    });
    let mut containers = pod.containers();
    let is_limited = containers.any(|container| {
        elements(container.field("env")).iter().any(|entry| {
            entry.get("name").and_then(Value::as_str) == Some(KEY)
                && entry.get("value").and_then(Value::as_str) != Some("")
        })
    });
    if fetches && !is_limited {
        let path = pod.path("containers").index(0).key("env");
        report.fail(path, format!("istiod fetches every jwksUri: {KEY} is not set"));
    }
}
