//! Checks on Contour's HTTPProxy.

use airside_k8s::fields::{down, maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const PROXY: &[(&str, &str)] = &[("projectcontour.io", "HTTPProxy")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "contour-proxy-without-tls",
        title: "Contour serves a host without encryption",
        why: "Logins, cookies and data pass in the clear between client and Envoy.",
        fix: "Add virtualhost.tls with a secret.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROXY, without_tls),
        fails: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  virtualhost: {fqdn: shop.example.com}
",
        passes: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  virtualhost: {fqdn: shop.example.com, tls: {secretName: shop}}
",
    },
    Check {
        id: "contour-insecure-route",
        title: "Contour serves a route in the clear on a host with TLS",
        why: "permitInsecure turns the redirect to HTTPS off: requests and their cookies may stay unencrypted.",
        fix: "Remove permitInsecure.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROXY, insecure_route),
        fails: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  virtualhost: {fqdn: shop.example.com, tls: {secretName: shop}}
  routes: [{permitInsecure: true, services: [{name: web, port: 80}]}]
",
        passes: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  virtualhost: {fqdn: shop.example.com, tls: {secretName: shop}}
  routes: [{services: [{name: web, port: 80}]}]
",
    },
    Check {
        id: "contour-auth-disabled",
        title: "Contour skips the login on a route",
        why: "The host asks for a login, and this route is exempt: whoever knows its path gets through.",
        fix: "Remove disabled from authPolicy and jwtVerificationPolicy, or state why the route may be public.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROXY, auth_disabled),
        fails: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  routes: [{authPolicy: {disabled: true}, services: [{name: web, port: 80}]}]
",
        passes: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  routes: [{services: [{name: web, port: 80}]}]
",
    },
    Check {
        id: "contour-client-certificate-unchecked",
        title: "Contour asks for client certificates and does not check them",
        why: "skipClientCertValidation lets in whoever shows any certificate, one made a minute ago included.",
        fix: "Name the authority in caSecret and remove skipClientCertValidation.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROXY, client_unchecked),
        fails: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  virtualhost:
    fqdn: shop.example.com
    tls: {secretName: shop, clientValidation: {skipClientCertValidation: true}}
",
        passes: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  virtualhost:
    fqdn: shop.example.com
    tls: {secretName: shop, clientValidation: {caSecret: clients}}
",
    },
    Check {
        id: "contour-backend-tls-unverified",
        title: "Contour encrypts to a backend without checking who that is",
        why: "Envoy takes any certificate of the backend: whoever answers on its address reads the traffic.",
        fix: "Add `validation` with caSecret and subjectName to the service.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROXY, backend_unverified),
        fails: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  routes: [{services: [{name: web, port: 443, protocol: tls}]}]
",
        passes: r"apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web}
spec:
  routes:
  - services:
    - {name: web, port: 443, protocol: tls, validation: {caSecret: authority, subjectName: web}}
",
    },
];

fn routes<'a>(proxy: &Whole<'a>) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    proxy.spec_fields().into_iter().flat_map(|spec| maps(spec, "routes"))
}

fn route_path(index: usize) -> FieldPath {
    FieldPath::of(&["spec", "routes"]).index(index)
}

fn without_tls(proxy: &Whole<'_>, report: &mut Report<'_>) {
    let Some(host) = proxy.spec("virtualhost").and_then(Value::as_object) else { return };
    if host.get("tls").is_none_or(Value::is_null) {
        let name = text(host, "fqdn").unwrap_or("the host");
        let path = FieldPath::of(&["spec", "virtualhost", "tls"]);
        report.fail(path, format!("no TLS is set up for {name}"));
    }
}

fn insecure_route(proxy: &Whole<'_>, report: &mut Report<'_>) {
    for (index, route) in routes(proxy) {
        if route.get("permitInsecure") == Some(&Value::Bool(true)) {
            let message = "permitInsecure is true: plain HTTP is served beside HTTPS".to_owned();
            report.fail(route_path(index).key("permitInsecure"), message);
        }
    }
}

fn auth_disabled(proxy: &Whole<'_>, report: &mut Report<'_>) {
    for (index, route) in routes(proxy) {
        for (policy, what) in [("authPolicy", "login"), ("jwtVerificationPolicy", "token")] {
            let disabled = route.get(policy).and_then(|policy| policy.get("disabled"));
            if disabled == Some(&Value::Bool(true)) {
                let message = format!("{policy}.disabled is true: the route asks for no {what}");
                report.fail(route_path(index).keys(&[policy, "disabled"]), message);
            }
        }
    }
}

fn client_unchecked(proxy: &Whole<'_>, report: &mut Report<'_>) {
    const PLACE: [&str; 5] =
        ["spec", "virtualhost", "tls", "clientValidation", "skipClientCertValidation"];
    if down(proxy.object.value(), &PLACE) == Some(&Value::Bool(true)) {
        let message = "skipClientCertValidation is true: any certificate is taken".to_owned();
        report.fail(FieldPath::of(&PLACE), message);
    }
}

fn backend_unverified(proxy: &Whole<'_>, report: &mut Report<'_>) {
    for (index, route) in routes(proxy) {
        for (place, service) in maps(route, "services") {
            let is_tls = matches!(text(service, "protocol"), Some("tls" | "h2"));
            if is_tls && !service.contains_key("validation") {
                let name = text(service, "name").unwrap_or_default();
                let path = route_path(index).key("services").index(place).key("validation");
                report.fail(path, format!("the certificate of {name} is not checked"));
            }
        }
    }
}
