//! Checks on who is asked whether a request may pass, for gateways and meshes: what happens where he does not
//! answer, and whose keys say that a token holds.

use airside_k8s::fields::{down, elements, maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::catalogue::istio::outbound::{config, config_path};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const PROXY: (&str, &str) = ("projectcontour.io", "HTTPProxy");
const POLICY: (&str, &str) = ("gateway.envoyproxy.io", "SecurityPolicy");

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "external-authorization-fails-open",
        title: "Requests pass while nobody can say whether they may",
        why: "With failOpen each request is let through while the authorization service does not answer, and who can overload it or bring it down chooses when.",
        fix: "Remove failOpen, which is false by default, and run more than one replica of the service.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1562.001"), technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[
                PROXY,
                POLICY,
                ("", "ConfigMap"),
                ("install.istio.io", "IstioOperator"),
                ("sailoperator.io", "Istio"),
            ],
            fails_open,
        ),
        fails: r"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: web, namespace: shop}
spec: {extAuth: {failOpen: true, http: {backendRefs: [{name: login, port: 80}]}}}
",
        passes: r"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: web, namespace: shop}
spec: {extAuth: {http: {backendRefs: [{name: login, port: 80}]}}}
",
    },
    Check {
        id: "gateway-plain-jwks",
        title: "Gateway fetches the keys of tokens without TLS",
        why: "Whoever is on the way can hand the gateway keys of his own, and then sign tokens that it accepts.",
        fix: "Use an https:// address for remoteJWKS.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1557"), technique("T1556")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[PROXY, POLICY], plain_jwks),
        fails: r"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: web, namespace: shop}
spec: {jwt: {providers: [{name: login, remoteJWKS: {uri: 'http://login.example.com/keys'}}]}}
",
        passes: r"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: web, namespace: shop}
spec: {jwt: {providers: [{name: login, remoteJWKS: {uri: 'https://login.example.com/keys'}}]}}
",
    },
    Check {
        id: "gateway-token-optional",
        title: "Gateway checks tokens, and lets requests without one pass",
        why: "With jwt.optional a request that brings no token is not refused: the login keeps nobody out.",
        fix: "Remove jwt.optional, or refuse requests without the claims that are needed in authorization.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[POLICY], token_optional),
        fails: r"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: web, namespace: shop}
spec: {jwt: {optional: true, providers: [{name: login, remoteJWKS: {uri: 'https://login.example.com/keys'}}]}}
",
        passes: r"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: web, namespace: shop}
spec: {jwt: {providers: [{name: login, remoteJWKS: {uri: 'https://login.example.com/keys'}}]}}
",
    },
];

fn fails_open(whole: &Whole<'_>, report: &mut Report<'_>) {
    const OPEN: &str = "failOpen";
    let is_open = |settings: &Value| settings.get(OPEN) == Some(&Value::Bool(true));
    for keys in [&["spec", "extAuth"][..], &["spec", "virtualhost", "authorization"]] {
        if down(whole.object.value(), keys).is_some_and(is_open) {
            let message = "failOpen is true: requests pass while the service does not answer";
            report.fail(FieldPath::of(keys).key(OPEN), message.to_owned());
        }
    }
    let Some(config) = config(whole) else { return };
    for provider in elements(config.get("extensionProviders")) {
        let kinds = ["envoyExtAuthzHttp", "envoyExtAuthzGrpc"];
        if kinds.iter().filter_map(|kind| provider.get(*kind)).any(is_open) {
            let name = provider.get("name").and_then(Value::as_str).unwrap_or("without a name");
            let message = format!(
                "the provider `{name}` has failOpen: requests pass while it does not answer"
            );
            report.fail(config_path(whole), message);
        }
    }
}

fn plain_jwks(whole: &Whole<'_>, report: &mut Report<'_>) {
    let places: [(&[&str], &str); 2] =
        [(&["spec", "virtualhost"], "jwtProviders"), (&["spec", "jwt"], "providers")];
    for (keys, list) in places {
        let holder = down(whole.object.value(), keys).and_then(Value::as_object);
        for (index, provider) in holder.into_iter().flat_map(|holder| maps(holder, list)) {
            let keys_at = provider.get("remoteJWKS").and_then(Value::as_object);
            if keys_at.and_then(|it| text(it, "uri")).is_some_and(|it| it.starts_with("http://")) {
                let path = FieldPath::of(keys).key(list).index(index).keys(&["remoteJWKS", "uri"]);
                report.fail(path, "the keys are fetched over http".to_owned());
            }
        }
    }
}

/// Where claims are asked for by rules, a request without a token is refused by these.
fn token_optional(policy: &Whole<'_>, report: &mut Report<'_>) {
    let value = policy.object.value();
    let is_optional = down(value, &["spec", "jwt", "optional"]) == Some(&Value::Bool(true));
    let refuses = |authorization: &Map| {
        text(authorization, "defaultAction") != Some("Allow")
            && maps(authorization, "rules").next().is_some()
    };
    let authorization = policy.spec("authorization").and_then(Value::as_object);
    if is_optional && !authorization.is_some_and(refuses) {
        let message = "requests without a token pass".to_owned();
        report.fail(FieldPath::of(&["spec", "jwt", "optional"]), message);
    }
}
