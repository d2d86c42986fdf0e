//! Checks on who may come in through an Ingress, and what is noted of it.

use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::tls::is_in_the_clear;
use super::{INGRESS, NGINX, is_for_nginx};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "ingress-satisfy-any",
        title: "Ingress lets either the address or the login suffice",
        why: "With `satisfy: any` whoever connects from an allowed address needs no login, and whoever logs in may come from anywhere.",
        fix: "Remove the annotation, or set it to `all`.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, satisfy_any),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/satisfy: any}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/satisfy: all}
",
    },
    Check {
        id: "ingress-auth-turned-off",
        title: "Ingress opts out of the controller's login",
        why: "The controller asks everybody to log in; this Ingress is exempt, so whoever reaches the controller reaches its backend.",
        fix: "Remove the annotation, or state on the Ingress why the backend may be public.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, auth_turned_off),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-global-auth: "false"}
"#,
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-global-auth: "true"}
"#,
    },
    Check {
        id: "ingress-auth-in-the-clear",
        title: "Ingress asks for logins over plain HTTP",
        why: "The passwords of those who log in, or the cookies that go to a login service outside the cluster, pass unencrypted, where others can read them or answer in its place.",
        fix: "Add spec.tls where the Ingress asks for a password itself; use https in auth-url, or the address of a Service of the cluster.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, auth_in_the_clear),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/auth-url: 'http://login.example.com/check'}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/auth-url: 'https://login.example.com/check'}
",
    },
    Check {
        id: "ingress-client-certificate-optional",
        title: "Ingress names a client authority but does not insist on it",
        why: "Clients without a certificate, or with one of anybody's, get through to a backend that may trust whoever reaches it.",
        fix: "Set auth-tls-verify-client to `on`.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, client_certificate_optional),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/auth-tls-secret: shop/clients
    nginx.ingress.kubernetes.io/auth-tls-verify-client: optional_no_ca
",
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/auth-tls-secret: shop/clients
    nginx.ingress.kubernetes.io/auth-tls-verify-client: "on"
"#,
    },
    Check {
        id: "ingress-open-to-all-sources",
        title: "Ingress does not limit where clients come from",
        why: "Whoever reaches the controller may connect. For a public site that is the purpose; for an internal one it is how it gets found.",
        fix: "For internal hosts, list the networks of the clients (whitelist-source-range for nginx).",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, open_to_all_sources),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: '10.0.0.0/8, 0.0.0.0/0'}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/8}
",
    },
    Check {
        id: "ingress-without-rate-limit",
        title: "Ingress does not limit requests of a client",
        why: "One client can try passwords as fast as the backend answers, or keep it busy for all others.",
        fix: "Set limit-rps or limit-connections to what a client may reasonably need.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[technique("T1110"), technique("T1499")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, without_rate_limit),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  tls: [{secretName: shop}]
  rules: [{host: shop.example.com}]
",
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/limit-rps: "20"}
spec:
  ingressClassName: nginx
  tls: [{secretName: shop}]
  rules: [{host: shop.example.com}]
"#,
    },
    Check {
        id: "ingress-access-log-off",
        title: "Ingress is left out of the access log",
        why: "What was asked of it, and by whom, is not noted: an attack through it leaves no trace at the edge.",
        fix: "Remove the annotation.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1562.008")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, access_log_off),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-access-log: "false"}
"#,
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-access-log: "true"}
"#,
    },
    Check {
        id: "ingress-rewrite-log-on",
        title: "Ingress writes a log of its rewrites",
        why: "The rewrite log repeats whole request addresses, tokens in them included, in the error log that more people read.",
        fix: "Remove the annotation once the rewrite works.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, rewrite_log_on),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-rewrite-log: "true"}
"#,
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-rewrite-log: "false"}
"#,
    },
    Check {
        id: "ingress-waf-off",
        title: "Ingress turns the web application firewall off",
        why: "The controller's ModSecurity rules do not look at requests for this Ingress.",
        fix: "Remove the annotation; exclude single rules instead.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, waf_off),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-modsecurity: "false"}
"#,
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-modsecurity: "true"}
"#,
    },
    Check {
        id: "ingress-cors-from-everywhere",
        title: "Ingress lets scripts of every site call its backend",
        why: "Any page that a person visits can make that person's browser read what the backend answers.",
        fix: "List the sites that may call it in cors-allow-origin.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, cors_from_everywhere),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/enable-cors: "true"}
"#,
        passes: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/enable-cors: "true"
    nginx.ingress.kubernetes.io/cors-allow-origin: https://shop.example.com
"#,
    },
];

/// Fails where an annotation of nginx has a value.
fn fails_if(ingress: &Whole<'_>, name: &str, value: &str, what: &str, report: &mut Report<'_>) {
    let full = format!("{NGINX}{name}");
    if ingress.annotation(&full) == Some(value) {
        report.fail(annotation_path(&full), format!("{name} is {value}: {what}"));
    }
}

fn satisfy_any(ingress: &Whole<'_>, report: &mut Report<'_>) {
    let what = "an allowed address needs no login, and a login may come from anywhere";
    fails_if(ingress, "satisfy", "any", what, report);
}

fn auth_turned_off(ingress: &Whole<'_>, report: &mut Report<'_>) {
    let what = "the controller's login is not asked for";
    fails_if(ingress, "enable-global-auth", "false", what, report);
}

fn access_log_off(ingress: &Whole<'_>, report: &mut Report<'_>) {
    fails_if(ingress, "enable-access-log", "false", "requests are not noted", report);
}

fn rewrite_log_on(ingress: &Whole<'_>, report: &mut Report<'_>) {
    let what = "request addresses are repeated in the error log";
    fails_if(ingress, "enable-rewrite-log", "true", what, report);
}

fn waf_off(ingress: &Whole<'_>, report: &mut Report<'_>) {
    let what = "ModSecurity does not look at its requests";
    fails_if(ingress, "enable-modsecurity", "false", what, report);
}

/// The annotations by which controllers ask for a password, with the value that says so.
const PASSWORDS: [(&str, &str); 5] = [
    ("haproxy.org/auth-type", "basic-auth"),
    ("haproxy-ingress.github.io/auth-secret", ""),
    ("ingress.kubernetes.io/auth-type", "basic"),
    ("nginx.ingress.kubernetes.io/auth-type", "basic"),
    ("nginx.org/basic-auth-secret", ""),
];

/// A password that the controller asks for goes with every request.
fn password_in_the_clear(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const PLUGINS: &str = "konghq.com/plugins";
    if !is_in_the_clear(ingress) {
        return;
    }
    let says = |(name, wanted): &(&str, &str)| {
        ingress.annotation(name).is_some_and(|value| wanted.is_empty() || value == *wanted)
    };
    if let Some((name, _)) = PASSWORDS.iter().find(|it| says(it)) {
        let message = "a password is asked for, and no TLS is set up".to_owned();
        return report.fail(annotation_path(name), message);
    }
    let Some(plugins) = ingress.annotation(PLUGINS) else { return };
    if ingress.graph.is_single_object() {
        return report.undecided("the plugins are other objects");
    }
    let asks = |name: &str| {
        let found =
            |kind, namespace| ingress.graph.find("configuration.konghq.com", kind, namespace, name);
        let plugin = found("KongPlugin", ingress.object.namespace())
            .or_else(|| found("KongClusterPlugin", None));
        plugin.is_some_and(|it| it.fields().get("plugin").is_some_and(|it| it == "basic-auth"))
    };
    if let Some(name) = plugins.split(',').map(str::trim).find(|name| asks(name)) {
        let message = format!("the plugin {name} asks for a password, and no TLS is set up");
        report.fail(annotation_path(PLUGINS), message);
    }
}

fn auth_in_the_clear(ingress: &Whole<'_>, report: &mut Report<'_>) {
    password_in_the_clear(ingress, report);
    let name = format!("{NGINX}auth-url");
    let Some(url) = ingress.annotation(&name) else { return };
    let Some(rest) = url.strip_prefix("http://") else { return };
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    let in_cluster = !host.contains('.')
        || host.starts_with("127.")
        || host.ends_with(".svc")
        || host.ends_with(".local")
        || host.contains('$');
    if !in_cluster {
        let message = format!("the login service {host} is asked over plain HTTP");
        report.fail(annotation_path(&name), message);
    }
}

fn client_certificate_optional(ingress: &Whole<'_>, report: &mut Report<'_>) {
    if ingress.annotation(&format!("{NGINX}auth-tls-secret")).is_none() {
        return;
    }
    let name = format!("{NGINX}auth-tls-verify-client");
    let value = ingress.annotation(&name).unwrap_or("on");
    if matches!(value, "off" | "optional" | "optional_no_ca") {
        let message =
            format!("client certificates are asked for, and {value} lets in who has none");
        report.fail(annotation_path(&name), message);
    }
}

/// The annotations by which controllers take the networks that may connect.
const SOURCE_RANGES: [&str; 9] = [
    "alb.ingress.kubernetes.io/inbound-cidrs",
    "alb.ingress.kubernetes.io/security-groups",
    "haproxy.org/allow-list",
    "haproxy.org/whitelist",
    "haproxy-ingress.github.io/allowlist-source-range",
    "haproxy-ingress.github.io/whitelist-source-range",
    "ingress.kubernetes.io/whitelist-source-range",
    "nginx.ingress.kubernetes.io/allowlist-source-range",
    "nginx.ingress.kubernetes.io/whitelist-source-range",
];

fn open_to_all_sources(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const INTERNAL: &str = "alb.ingress.kubernetes.io/scheme";
    // Their middlewares and plugins are named by annotation, and may do it.
    const ELSEWHERE: [&str; 3] = [
        "konghq.com/plugins",
        "nginx.org/policies",
        "traefik.ingress.kubernetes.io/router.middlewares",
    ];
    let elsewhere = ELSEWHERE.iter().any(|name| ingress.annotation(name).is_some());
    if elsewhere || ingress.annotation(INTERNAL) == Some("internal") {
        return;
    }
    let given = SOURCE_RANGES.iter().find_map(|name| Some((*name, ingress.annotation(name)?)));
    match given {
        None => report.fail(
            FieldPath::of(&["metadata", "annotations"]),
            "no list of client networks is set".to_owned(),
        ),
        Some((name, ranges)) => {
            let is_all = |range: &&str| matches!(*range, "0.0.0.0/0" | "::/0");
            if let Some(range) = ranges.split(',').map(str::trim).find(is_all) {
                report.fail(
                    annotation_path(name),
                    format!("{name} lists {range}, which is everybody"),
                );
            }
        }
    }
}

fn without_rate_limit(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const LIMITS: [&str; 4] = ["limit-connections", "limit-rpm", "limit-rps", "global-rate-limit"];
    let limited = LIMITS.iter().any(|name| ingress.annotation(&format!("{NGINX}{name}")).is_some());
    if is_for_nginx(ingress) && !limited {
        let path = annotation_path(&format!("{NGINX}limit-rps"));
        report.fail(path, "no limit of requests or connections is set".to_owned());
    }
}

fn cors_from_everywhere(ingress: &Whole<'_>, report: &mut Report<'_>) {
    if ingress.annotation(&format!("{NGINX}enable-cors")) != Some("true") {
        return;
    }
    let name = format!("{NGINX}cors-allow-origin");
    let origins = ingress.annotation(&name).unwrap_or("*");
    if origins.split(',').any(|origin| origin.trim() == "*") {
        let message = "scripts of every site may read answers".to_owned();
        report.fail(annotation_path(&name), message);
    }
}
