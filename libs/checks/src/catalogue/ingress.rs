//! What brings traffic into the cluster: Ingresses, the routes of ingress controllers, the controllers.

pub(super) mod access;
pub(super) mod contour;
pub(super) mod controller;
pub(super) mod controller_config;
pub(super) mod external_authorization;
pub(super) mod gateway_routes;
pub(super) mod hosts;
pub(super) mod injection;
pub(super) mod kong;
pub(super) mod load_balancers;
pub(super) mod tls;
pub(super) mod traefik;
pub(super) mod virtual_server;

use airside_k8s::fields::{maps, text};
use airside_k8s::{Map, Object, Value};
use airside_types::FieldPath;

use crate::subject::Whole;

/// The kinds of Ingress. One with a wrong API version is refused by the API server, not by its reader.
const INGRESS: &[(&str, &str)] =
    &[("networking.k8s.io", "Ingress"), ("extensions", "Ingress"), ("", "Ingress")];

/// The prefix of the annotations that ingress-nginx reads.
const NGINX: &str = "nginx.ingress.kubernetes.io/";

/// The rules of an Ingress with their index.
fn rules<'a>(ingress: &Whole<'a>) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    ingress.spec_fields().into_iter().flat_map(|spec| maps(spec, "rules"))
}

/// The paths of a rule with their index.
fn paths(rule: &Map) -> impl Iterator<Item = (usize, &Map)> {
    let http = rule.get("http").and_then(Value::as_object);
    http.into_iter().flat_map(|http| maps(http, "paths"))
}

/// The path to a rule.
fn rule_path(rule: usize) -> FieldPath {
    FieldPath::of(&["spec", "rules"]).index(rule)
}

/// The class of an Ingress, by its field or its old annotation.
fn class<'a>(ingress: &Object<'a>) -> Option<&'a str> {
    let spec = ingress.fields().get("spec").and_then(Value::as_object);
    let named = spec.and_then(|spec| text(spec, "ingressClassName"));
    named.or_else(|| text(ingress.annotations()?, "kubernetes.io/ingress.class"))
}

/// Whether the Ingress is meant for ingress-nginx, as far as it says.
fn is_for_nginx(ingress: &Whole<'_>) -> bool {
    let annotations = ingress.object.annotations().into_iter().flatten();
    let has_annotation = annotations.into_iter().any(|(name, _)| name.starts_with(NGINX));
    class(ingress.object).map_or(has_annotation, |class| class.contains("nginx"))
}

/// Whether a host with or without a leading `*` label covers a host.
fn covers(pattern: &str, host: &str) -> bool {
    let tail = |name: &str| name.split_once('.').map(|(_, tail)| tail.to_ascii_lowercase());
    pattern.eq_ignore_ascii_case(host)
        || (pattern.starts_with("*.") && tail(pattern).is_some() && tail(pattern) == tail(host))
}

#[cfg(test)]
mod tests {
    use airside_k8s::{Completeness, Limits, yaml};

    use super::*;
    use crate::evaluate::evaluate;

    /// Whether a check fails for an Ingress with these annotations.
    fn fails(check: &str, annotations: &str) -> bool {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\n\
             metadata: {{name: web, annotations: {{{annotations}}}}}\n"
        );
        let parsed = yaml::parse(&text, &Limits::default());
        assert_eq!(parsed.errors, [], "{text}");
        let contents: Vec<_> = parsed.documents.iter().map(yaml::Document::contents).collect();
        let objects: Vec<_> =
            contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
        let failures = evaluate(&objects, Completeness::WholeInput).failures;
        failures.iter().any(|failure| failure.check.id == check)
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        for (pattern, host, covered) in [
            ("shop.example.com", "Shop.example.com", true),
            ("*.example.com", "shop.example.com", true),
            ("*.example.com", "a.shop.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", "*.example.com", true),
            ("shop.example.com", "*.example.com", false),
        ] {
            assert_eq!(covers(pattern, host), covered, "{pattern} {host}");
        }
    }

    #[test]
    fn values_that_end_a_directive_are_told_from_others() {
        for (annotation, injects) in [
            ("auth-url: 'https://$host/oauth2/auth?rd=$escaped_request_uri&a=b'", false),
            ("auth-url: 'http://auth.auth.svc.cluster.local:4180/a,b;c'", true),
            ("auth-tls-match-cn: 'CN=(web)'", false),
            ("auth-tls-match-cn: \"CN=web\\nssl_engine x\"", true),
            ("mirror-target: 'https://test.example.com$request_uri'", false),
            ("server-alias: 'a.example.com,b.example.com'", false),
            ("server-alias: 'a.example.com\" {}'", true),
            ("configuration-snippet: 'return 404;'", false),
        ] {
            let annotation = format!("{NGINX}{annotation}");
            assert_eq!(fails("ingress-annotation-injection", &annotation), injects, "{annotation}");
        }
    }

    #[test]
    fn logins_of_the_cluster_need_no_encryption() {
        for (url, in_the_clear) in [
            ("http://login.example.com/check", true),
            ("https://login.example.com/check", false),
            ("http://oauth2-proxy.auth.svc.cluster.local:4180/check", false),
            ("http://oauth2-proxy/check", false),
            ("http://$host/check", false),
        ] {
            let annotation = format!("{NGINX}auth-url: '{url}'");
            assert_eq!(fails("ingress-auth-in-the-clear", &annotation), in_the_clear, "{url}");
        }
    }
}
