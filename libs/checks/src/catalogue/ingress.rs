//! What brings traffic into the cluster: Ingresses, the routes of ingress controllers, the controllers.

pub(super) mod access;
pub(super) mod contour;
pub(super) mod controller;
pub(super) mod controller_config;
pub(super) mod hosts;
pub(super) mod injection;
pub(super) mod tls;
pub(super) mod traefik;

use airside_k8s::Object;
use airside_k8s::fields::{maps, text};
use airside_types::FieldPath;
use serde_json::{Map, Value};

use crate::subject::Whole;

/// The kinds of Ingress. One with a wrong API version is refused by the API server, not by its reader.
const INGRESS: &[(&str, &str)] =
    &[("networking.k8s.io", "Ingress"), ("extensions", "Ingress"), ("", "Ingress")];

/// The prefix of the annotations that ingress-nginx reads.
const NGINX: &str = "nginx.ingress.kubernetes.io/";

/// The rules of an Ingress with their index.
fn rules<'a>(
    ingress: &Whole<'a>,
) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> + use<'a> {
    ingress.spec_fields().into_iter().flat_map(|spec| maps(spec, "rules"))
}

/// The paths of a rule with their index.
fn paths(rule: &Map<String, Value>) -> impl Iterator<Item = (usize, &Map<String, Value>)> {
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
