//! Checks on Traefik's routes, middlewares and options.

use airside_k8s::fields::{down, elements, maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const ROUTE: &[(&str, &str)] =
    &[("traefik.io", "IngressRoute"), ("traefik.containo.us", "IngressRoute")];
const OPTION: &[(&str, &str)] =
    &[("traefik.io", "TLSOption"), ("traefik.containo.us", "TLSOption")];
const TRANSPORT: &[(&str, &str)] = &[
    ("traefik.io", "ServersTransport"),
    ("traefik.containo.us", "ServersTransport"),
    ("traefik.io", "Middleware"),
    ("traefik.containo.us", "Middleware"),
];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "traefik-route-without-tls",
        title: "Traefik serves a route without encryption",
        why: "Logins, cookies and data pass in the clear between client and Traefik.",
        fix: "Add `tls` with a secret or certResolver, and serve it on the encrypted entry point; let the plain one redirect.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ROUTE, route_without_tls),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: web}
spec:
  entryPoints: [web]
  routes: [{match: Host(`shop.example.com`), services: [{name: web, port: 80}]}]
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: web}
spec:
  entryPoints: [websecure]
  routes: [{match: Host(`shop.example.com`), services: [{name: web, port: 80}]}]
  tls: {secretName: shop}
",
    },
    Check {
        id: "traefik-default-certificate",
        title: "Traefik serves a route with its default certificate",
        why: "Without a secret or resolver it shows a certificate that it made itself: people learn to click warnings away, and then an impostor's works too.",
        fix: "Name a secret or certResolver in `tls`, or set defaultCertificate in the TLSStore `default`.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ROUTE, default_certificate),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: web}
spec:
  routes: [{match: Host(`shop.example.com`), services: [{name: web, port: 80}]}]
  tls: {}
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: web}
spec:
  routes: [{match: Host(`shop.example.com`), services: [{name: web, port: 80}]}]
  tls: {certResolver: public}
",
    },
    Check {
        id: "traefik-route-without-host",
        title: "Traefik's route takes requests for whatever host",
        why: "It answers for every name that leads to Traefik, those of other teams included, and for direct calls of its address.",
        fix: "Add Host(`…`) to the route's match.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ROUTE, route_without_host),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: web}
spec:
  routes: [{match: PathPrefix(`/shop`), services: [{name: web, port: 80}]}]
  tls: {secretName: shop}
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: web}
spec:
  routes: [{match: Host(`a.test`) && PathPrefix(`/shop`), services: [{name: web, port: 80}]}]
  tls: {secretName: shop}
",
    },
    Check {
        id: "traefik-dashboard-open",
        title: "Traefik's dashboard is published without a login",
        why: "It shows routes, services and middlewares of all teams to whoever finds the address.",
        fix: "Add a middleware that asks for a login (basicAuth, forwardAuth) to the route.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1133"), technique("T1613")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ROUTE, dashboard_open),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: dashboard}
spec:
  routes: [{match: Host(`edge.example.com`), services: [{name: api@internal, kind: TraefikService}]}]
  tls: {secretName: edge}
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: dashboard}
spec:
  routes:
  - match: Host(`edge.example.com`)
    services: [{name: api@internal, kind: TraefikService}]
    middlewares: [{name: login}]
  tls: {secretName: edge}
",
    },
    Check {
        id: "traefik-tcp-route-without-tls",
        title: "Traefik passes TCP connections on without encryption of its own",
        why: "Whether the connection is encrypted is left to the program behind it; where that does not, logins and data pass in the clear, and HostSNI(`*`) takes whatever comes.",
        fix: "Add `tls` with a secret, or with passthrough where the program encrypts itself.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[("traefik.io", "IngressRouteTCP"), ("traefik.containo.us", "IngressRouteTCP")],
            tcp_without_tls,
        ),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: IngressRouteTCP
metadata: {name: db}
spec:
  entryPoints: [postgres]
  routes: [{match: HostSNI(`*`), services: [{name: db, port: 5432}]}]
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: IngressRouteTCP
metadata: {name: db}
spec:
  entryPoints: [postgres]
  routes: [{match: HostSNI(`*`), services: [{name: db, port: 5432}]}]
  tls: {passthrough: true}
",
    },
    Check {
        id: "traefik-old-tls",
        title: "Traefik speaks TLS versions that are broken",
        why: "TLS 1.0 and 1.1 have known attacks that read or change what they carry.",
        fix: "Set minVersion to VersionTLS12 or VersionTLS13.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(OPTION, old_tls),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata: {name: shop}
spec: {minVersion: VersionTLS10}
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata: {name: shop}
spec: {minVersion: VersionTLS12}
",
    },
    Check {
        id: "traefik-default-tls-options",
        title: "TLS options apply to every route of Traefik",
        why: "Options of the name `default` hold for all routes that name none, in every namespace: whoever writes them sets the encryption of all teams.",
        fix: "Let only cluster administrators write it; give the options another name and refer to them from the routes that need them.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:traefik/disallow-default-tlsoptions"],
        judge: Judge::Object(OPTION, default_options),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata: {name: default}
spec: {minVersion: VersionTLS12}
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata: {name: shop}
spec: {minVersion: VersionTLS12}
",
    },
    Check {
        id: "traefik-unverified-peer",
        title: "Traefik does not check whom it speaks to",
        why: "With insecureSkipVerify any certificate is taken: whoever answers on the address reads the traffic, or decides about logins.",
        fix: "Remove insecureSkipVerify; name the authority (rootCAs, caSecret).",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(TRANSPORT, unverified_peer),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: ServersTransport
metadata: {name: shop}
spec: {insecureSkipVerify: true}
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: ServersTransport
metadata: {name: shop}
spec: {rootCAsSecrets: [authority]}
",
    },
    Check {
        id: "traefik-source-range-all",
        title: "Traefik's list of client networks lets in everybody",
        why: "The middleware is there to keep others out, and its list holds every address.",
        fix: "List the networks of the clients.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[("traefik.io", "Middleware"), ("traefik.containo.us", "Middleware")],
            source_range_all,
        ),
        fails: r"apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {name: office}
spec: {ipAllowList: {sourceRange: [10.0.0.0/8, 0.0.0.0/0]}}
",
        passes: r"apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {name: office}
spec: {ipAllowList: {sourceRange: [10.0.0.0/8]}}
",
    },
];

fn routes<'a>(route: &Whole<'a>) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    route.spec_fields().into_iter().flat_map(|spec| maps(spec, "routes"))
}

/// A route on entry points that are named otherwise may get its TLS there: only the plain one is told.
fn route_without_tls(route: &Whole<'_>, report: &mut Report<'_>) {
    let points = elements(route.spec("entryPoints"));
    let plain = points.iter().any(|point| matches!(point.as_str(), Some("web" | "http")));
    let has_tls = route.spec_fields().is_some_and(|spec| spec.contains_key("tls"));
    if plain && !has_tls && !routes(route).any(|(_, one)| redirects(route, one)) {
        let message = "the route is served on the plain entry point, and has no tls".to_owned();
        report.fail(FieldPath::of(&["spec", "tls"]), message);
    }
}

/// Whether a middleware of a route redirects to HTTPS; one that is not in the input goes by its name.
fn redirects(route: &Whole<'_>, one: &Map) -> bool {
    maps(one, "middlewares").any(|(_, named)| {
        let Some(name) = text(named, "name") else { return false };
        let namespace = text(named, "namespace").or_else(|| route.object.namespace());
        let group = route.object.group();
        match route.graph.find(group, "Middleware", namespace, name) {
            Some(found) => down(found.value(), &["spec", "redirectScheme"]).is_some(),
            None => name.contains("redirect") || name.contains("https"),
        }
    })
}

fn default_certificate(route: &Whole<'_>, report: &mut Report<'_>) {
    const NAMED: [&str; 3] = ["certResolver", "secretName", "store"];
    let Some(tls) = route.spec("tls").and_then(Value::as_object) else { return };
    if NAMED.iter().any(|name| tls.contains_key(name)) {
        return;
    }
    if route.graph.is_single_object() {
        return report.undecided("the default certificate is set by another object");
    }
    let store = route.graph.find(route.object.group(), "TLSStore", None, "default");
    let is_set = store.is_some_and(|store| {
        ["defaultCertificate", "defaultGeneratedCert"]
            .iter()
            .any(|name| down(store.value(), &["spec", name]).is_some())
    });
    if !is_set {
        let message = "no secret or certResolver is named, and no default certificate is set";
        report.fail(FieldPath::of(&["spec", "tls"]), message.to_owned());
    }
}

fn route_without_host(route: &Whole<'_>, report: &mut Report<'_>) {
    for (index, one) in routes(route) {
        let Some(rule) = text(one, "match") else { continue };
        if rule.to_ascii_lowercase().split("||").any(|one| !names_host(one)) {
            let path = FieldPath::of(&["spec", "routes"]).index(index).key("match");
            report.fail(path, format!("{rule} takes requests for any host"));
        }
    }
}

/// Whether one of the alternatives of a rule, in lower case, is for hosts that it names. A host that it
/// excludes is none, nor is a pattern that every host has.
fn names_host(rule: &str) -> bool {
    const ANY: [&str; 6] = [".+", ".*", "^.+$", "^.*$", "[a-z0-9.-]+", "[a-z0-9.]+"];
    let matchers = ["host(", "hostregexp(", "hostheader("];
    matchers.iter().any(|matcher| {
        rule.match_indices(matcher).any(|(at, _)| {
            let before = rule.get(..at).unwrap_or_default();
            let is_whole = !before.ends_with(|letter: char| letter.is_ascii_alphanumeric());
            let argument = rule.get(at + matcher.len()..).unwrap_or_default();
            let argument = argument.split(')').next().unwrap_or_default();
            let pattern = argument.trim().trim_matches(['`', '"', '\'']);
            // Version 2 has `{name:pattern}`.
            let bare = pattern.trim_start_matches('{').trim_end_matches('}');
            let bare = bare.split_once(':').map_or(bare, |(_, pattern)| pattern);
            is_whole && !before.trim_end().ends_with('!') && !ANY.contains(&bare)
        })
    })
}

/// Whether a middleware keeps out whom it does not know. One that the input lacks may.
fn keeps_out(route: &Whole<'_>, namespace: Option<&str>, named: &Map, depth: u8) -> bool {
    const KEEPERS: [&str; 6] =
        ["basicAuth", "digestAuth", "forwardAuth", "ipAllowList", "ipWhiteList", "plugin"];
    let Some(name) = text(named, "name") else { return true };
    let namespace = text(named, "namespace").or(namespace);
    let found = route.graph.find(route.object.group(), "Middleware", namespace, name);
    let Some(spec) = found.and_then(|found| found.fields().get("spec")?.as_object()) else {
        return true;
    };
    let chain = spec.get("chain").and_then(Value::as_object);
    let mut chained = chain.into_iter().flat_map(|chain| maps(chain, "middlewares"));
    KEEPERS.iter().any(|keeper| spec.contains_key(keeper))
        || depth > 0 && chained.any(|(_, next)| keeps_out(route, namespace, next, depth - 1))
}

fn dashboard_open(route: &Whole<'_>, report: &mut Report<'_>) {
    for (index, one) in routes(route) {
        let is_dashboard = maps(one, "services").any(|(_, service)| {
            matches!(text(service, "name"), Some("api@internal" | "dashboard@internal"))
        });
        if !is_dashboard {
            continue;
        }
        let middlewares = || maps(one, "middlewares").map(|(_, named)| named);
        let path = FieldPath::of(&["spec", "routes"]).index(index).key("middlewares");
        if middlewares().next().is_none() {
            report.fail(path, "no middleware stands before the dashboard".to_owned());
        } else if route.graph.is_single_object() {
            report.undecided("the middlewares are other objects");
        } else if !middlewares().any(|it| keeps_out(route, route.object.namespace(), it, 4)) {
            let message = "no middleware before the dashboard asks who comes".to_owned();
            report.fail(path, message);
        }
    }
}

fn tcp_without_tls(route: &Whole<'_>, report: &mut Report<'_>) {
    let has_tls = route.spec_fields().is_some_and(|spec| spec.contains_key("tls"));
    if !has_tls && routes(route).next().is_some() {
        let message = "connections are passed on as they come: no tls is set".to_owned();
        report.fail(FieldPath::of(&["spec", "tls"]), message);
    }
}

fn old_tls(option: &Whole<'_>, report: &mut Report<'_>) {
    let version = option.spec("minVersion").and_then(Value::as_str);
    if let Some(version) = version.filter(|v| matches!(*v, "VersionTLS10" | "VersionTLS11")) {
        report.fail(FieldPath::of(&["spec", "minVersion"]), format!("minVersion is {version}"));
    }
}

fn default_options(option: &Whole<'_>, report: &mut Report<'_>) {
    if option.object.name() == "default" {
        let message = "options of the name default hold for all routes that name none".to_owned();
        report.fail(FieldPath::of(&["metadata", "name"]), message);
    }
}

fn unverified_peer(transport: &Whole<'_>, report: &mut Report<'_>) {
    const PLACES: [&[&str]; 2] =
        [&["spec", "insecureSkipVerify"], &["spec", "forwardAuth", "tls", "insecureSkipVerify"]];
    for place in PLACES {
        if down(transport.object.value(), place) == Some(&Value::Bool(true)) {
            let message = "insecureSkipVerify is true: any certificate is taken".to_owned();
            report.fail(FieldPath::of(place), message);
        }
    }
}

fn source_range_all(middleware: &Whole<'_>, report: &mut Report<'_>) {
    for list in ["ipAllowList", "ipWhiteList"] {
        let ranges = down(middleware.object.value(), &["spec", list, "sourceRange"]);
        for (index, range) in elements(ranges).iter().enumerate() {
            if let Some(range @ ("0.0.0.0/0" | "::/0")) = range.as_str() {
                let path = FieldPath::of(&["spec", list, "sourceRange"]).index(index);
                report.fail(path, format!("{list} holds {range}, which is everybody"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_its_host_in_every_alternative() {
        for (rule, expected) in [
            ("host(`a.test`)", true),
            ("host(`a.test`) && pathprefix(`/x`)", true),
            ("hostregexp(`^.+\\.a\\.test$`)", true),
            ("pathprefix(`/x`)", false),
            ("hostregexp(`.+`)", false),
            ("hostregexp(`{any:.*}`)", false),
            ("!host(`a.test`)", false),
            ("clientip(`10.0.0.1`)", false),
        ] {
            assert_eq!(names_host(rule), expected, "{rule}");
        }
    }
}
