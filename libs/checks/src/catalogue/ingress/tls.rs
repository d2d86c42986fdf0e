//! Checks on whether what comes in is encrypted.

use airside_k8s::fields::{list, maps, text, texts};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{INGRESS, covers, rule_path, rules};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "ingress-without-tls",
        title: "Ingress serves without encryption",
        why: "Logins, cookies and data pass in the clear from the client to the ingress controller, where others can read and change them.",
        fix: "Add spec.tls with the hosts of the rules and a secret with their certificate.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[
            "polaris:tlsSettingsMissing",
            "kubescape:C-0263",
            "kyverno:other/ingress-host-match-tls",
            "kyverno:other/require-ingress-https",
            "gatekeeper-library:general/httpsonly",
        ],
        judge: Judge::Object(INGRESS, without_tls),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{host: shop.example.com}]
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{host: shop.example.com}]
  tls: [{hosts: [shop.example.com], secretName: shop}]
",
    },
    Check {
        id: "ingress-host-without-tls",
        title: "Ingress has a certificate, but not for this host",
        why: "The host is served in the clear, or with a certificate of another name that clients must then be told to accept.",
        fix: "Add the host to spec.tls with a certificate for it.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:other/ingress-host-match-tls"],
        judge: Judge::Object(INGRESS, host_without_tls),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{host: shop.example.com}, {host: api.example.com}]
  tls: [{hosts: [shop.example.com], secretName: shop}]
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{host: shop.example.com}, {host: api.example.com}]
  tls: [{hosts: ['*.example.com'], secretName: shop}]
",
    },
    Check {
        id: "ingress-default-certificate",
        title: "Ingress is served with the controller's default certificate",
        why: "Without a secret the controller shows its own, mostly self-signed certificate: people learn to click warnings away, and then an impostor's works too.",
        fix: "Name a secret with a certificate for the hosts in spec.tls, or set a proper default certificate on the controller and leave this finding accepted.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, default_certificate),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{host: shop.example.com}]
  tls: [{hosts: [shop.example.com]}]
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{host: shop.example.com}]
  tls: [{hosts: [shop.example.com], secretName: shop}]
",
    },
    Check {
        id: "ingress-http-kept",
        title: "Ingress has a certificate but keeps plain HTTP open",
        why: "Who types the address or follows an old link stays unencrypted: with the redirect off, nothing leads the client to HTTPS.",
        fix: "Remove the annotation that turns the redirect to HTTPS off.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, http_kept),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/ssl-redirect: "false"}
spec:
  rules: [{host: shop.example.com}]
  tls: [{hosts: [shop.example.com], secretName: shop}]
"#,
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/ssl-redirect: "true"}
spec:
  rules: [{host: shop.example.com}]
  tls: [{hosts: [shop.example.com], secretName: shop}]
"#,
    },
    Check {
        id: "ingress-backend-tls-unverified",
        title: "Ingress encrypts to its backend without checking who that is",
        why: "nginx takes any certificate of the backend: whoever answers on its address in the cluster's network reads the traffic.",
        fix: "Set proxy-ssl-secret to the authority's certificate and proxy-ssl-verify to `on`.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, backend_unverified),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/backend-protocol: HTTPS}
"#,
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/backend-protocol: HTTPS
    nginx.ingress.kubernetes.io/proxy-ssl-secret: shop/authority
    nginx.ingress.kubernetes.io/proxy-ssl-verify: "on"
"#,
    },
];

fn has_tls(ingress: &Whole<'_>) -> bool {
    ingress.spec_fields().is_some_and(|spec| !list(spec, "tls").is_empty())
}

/// Traefik takes an Ingress by annotation as one that it encrypts, with its own certificate or a resolver's.
fn is_encrypted_by_traefik(ingress: &Whole<'_>) -> bool {
    const TLS: &str = "traefik.ingress.kubernetes.io/router.tls";
    ingress.annotation(TLS) == Some("true")
        || ingress.annotation(&format!("{TLS}.certresolver")).is_some()
}

/// Load balancers of AWS and Google take their certificates by annotation.
fn has_cloud_certificate(ingress: &Whole<'_>) -> bool {
    const ANNOTATIONS: [&str; 4] = [
        "alb.ingress.kubernetes.io/certificate-arn",
        "ingress.gcp.kubernetes.io/pre-shared-cert",
        "networking.gke.io/managed-certificates",
        "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
    ];
    ANNOTATIONS.iter().any(|name| ingress.annotation(name).is_some())
}

/// Whether nothing of an Ingress sets up encryption.
pub(super) fn is_in_the_clear(ingress: &Whole<'_>) -> bool {
    !(has_tls(ingress) || has_cloud_certificate(ingress) || is_encrypted_by_traefik(ingress))
}

fn without_tls(ingress: &Whole<'_>, report: &mut Report<'_>) {
    if is_in_the_clear(ingress) {
        let hosts: Vec<&str> = rules(ingress).filter_map(|(_, rule)| text(rule, "host")).collect();
        let what = match hosts.as_slice() {
            [] => "whatever host is asked for".to_owned(),
            [host] => host.to_string(),
            [host, others @ ..] => format!("{host} and {} more", others.len()),
        };
        report.fail(FieldPath::of(&["spec", "tls"]), format!("no TLS is set up for {what}"));
    }
}

fn host_without_tls(ingress: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = ingress.spec_fields() else { return };
    if !has_tls(ingress) || has_cloud_certificate(ingress) {
        return;
    }
    let entries = || maps(spec, "tls").map(|(_, tls)| tls);
    // An entry without hosts is for all of them.
    if entries().any(|tls| list(tls, "hosts").is_empty()) {
        return;
    }
    let certified: Vec<&str> =
        entries().flat_map(|tls| texts(tls, "hosts")).map(|(_, host)| host).collect();
    for (index, rule) in rules(ingress) {
        let Some(host) = text(rule, "host") else { continue };
        if !certified.iter().any(|pattern| covers(pattern, host)) {
            let message = format!("host {host} is in no entry of spec.tls");
            report.fail(rule_path(index).key("host"), message);
        }
    }
}

fn default_certificate(ingress: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = ingress.spec_fields() else { return };
    for (index, tls) in maps(spec, "tls") {
        if text(tls, "secretName").is_none() && !has_cloud_certificate(ingress) {
            let path = FieldPath::of(&["spec", "tls"]).index(index).key("secretName");
            report.fail(
                path,
                "no secret is named, so the controller's own certificate is shown".to_owned(),
            );
        }
    }
}

fn http_kept(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const OFF: [(&str, &str); 5] = [
        (
            "nginx.ingress.kubernetes.io/ssl-redirect",
            "nginx.ingress.kubernetes.io/force-ssl-redirect",
        ),
        ("haproxy.org/ssl-redirect", ""),
        ("haproxy-ingress.github.io/ssl-redirect", ""),
        ("ingress.kubernetes.io/ssl-redirect", "ingress.kubernetes.io/force-ssl-redirect"),
        ("nginx.org/redirect-to-https", "ingress.kubernetes.io/ssl-redirect"),
    ];
    if !has_tls(ingress) {
        return;
    }
    const KONG: &str = "konghq.com/protocols";
    let kong = ingress.annotation(KONG).unwrap_or_default();
    if kong.split(',').any(|protocol| protocol.trim() == "http") {
        let message = format!("{KONG} has http: plain HTTP is served beside HTTPS");
        report.fail(annotation_path(KONG), message);
    }
    for (name, forced) in OFF {
        let is_off = ingress.annotation(name) == Some("false");
        if is_off && ingress.annotation(forced) != Some("true") {
            let message = format!("{name} is false: plain HTTP is served beside HTTPS");
            report.fail(annotation_path(name), message);
        }
    }
}

fn backend_unverified(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const PROTOCOL: &str = "nginx.ingress.kubernetes.io/backend-protocol";
    const VERIFY: &str = "nginx.ingress.kubernetes.io/proxy-ssl-verify";
    let Some(protocol) = ingress.annotation(PROTOCOL) else { return };
    let is_tls = matches!(protocol.to_ascii_uppercase().as_str(), "HTTPS" | "GRPCS");
    if is_tls && ingress.annotation(VERIFY) != Some("on") {
        let message =
            format!("the backend is spoken to by {protocol}, and proxy-ssl-verify is not on");
        report.fail(annotation_path(VERIFY), message);
    }
}
