//! Checks on the ConfigMap of ingress-nginx.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// What is looked at.
const CONFIG: &[(&str, &str)] = &[("", "ConfigMap")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "ingress-nginx-snippets-allowed",
        title: "ingress-nginx is set to take snippets",
        why: "Whoever may write an Ingress can then write the controller's configuration, and read every secret that the controller can (CVE-2021-25742).",
        fix: "Set allow-snippet-annotations to \"false\", or remove it and use version 1.9 or later.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1552.007"), technique("T1190")],
        controls: &[],
        equivalents: &["kyverno:nginx-ingress/disallow-ingress-nginx-custom-snippets"],
        judge: Judge::Object(CONFIG, |config, report| {
            let what = "every Ingress may write into the controller's configuration";
            setting(config, "allow-snippet-annotations", "true", what, report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: edge}
data: {allow-snippet-annotations: "true"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: edge}
data: {allow-snippet-annotations: "false"}
"#,
    },
    Check {
        id: "ingress-nginx-risky-annotations-allowed",
        title: "ingress-nginx takes annotations of the highest risk",
        why: "annotations-risk-level Critical lets every Ingress use the annotations that run or include configuration of its author's choice.",
        fix: "Set annotations-risk-level to High or lower.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            let what = "annotations that write configuration are taken";
            setting(config, "annotations-risk-level", "Critical", what, report);
        }),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: edge}
data: {annotations-risk-level: Critical}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: edge}
data: {annotations-risk-level: High}
",
    },
    Check {
        id: "ingress-nginx-access-log-off",
        title: "ingress-nginx writes no access log",
        why: "Nothing tells afterwards who asked for what: attacks from outside leave no trace where they came in.",
        fix: "Remove disable-access-log.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1562.008")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            for name in ["disable-access-log", "disable-http-access-log"] {
                setting(config, name, "true", "requests are not noted", report);
            }
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {disable-access-log: "true"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {disable-access-log: "false"}
"#,
    },
    Check {
        id: "ingress-nginx-old-tls",
        title: "ingress-nginx speaks TLS versions that are broken",
        why: "SSL 3, TLS 1.0 and 1.1 have known attacks that read or change what they carry.",
        fix: "Set ssl-protocols to `TLSv1.2 TLSv1.3`.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, old_tls),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {ssl-protocols: TLSv1 TLSv1.1 TLSv1.2}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {ssl-protocols: TLSv1.2 TLSv1.3}
",
    },
    Check {
        id: "ingress-nginx-hsts-off",
        title: "ingress-nginx does not tell browsers to stay with HTTPS",
        why: "Without HSTS a browser's first request may go out in the clear, where somebody can answer in the site's place.",
        fix: "Remove the setting: HSTS is on by default.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            setting(config, "hsts", "false", "browsers may fall back to plain HTTP", report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {hsts: "false"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {hsts: "true"}
"#,
    },
    Check {
        id: "ingress-nginx-redirect-off",
        title: "ingress-nginx keeps plain HTTP open for all hosts",
        why: "Hosts that have a certificate are served in the clear as well: who follows an old link stays unencrypted.",
        fix: "Remove ssl-redirect: the redirect is on by default.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            setting(config, "ssl-redirect", "false", "plain HTTP is served beside HTTPS", report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {ssl-redirect: "false"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {ssl-redirect: "true"}
"#,
    },
    Check {
        id: "ingress-nginx-paths-unchecked",
        title: "ingress-nginx takes paths of any characters",
        why: "With strict-validate-path-type off, a path of type Exact or Prefix may hold characters that end a directive and so write configuration.",
        fix: "Remove the setting: paths are checked by default.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            let what = "paths are written into the configuration unchecked";
            setting(config, "strict-validate-path-type", "false", what, report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {strict-validate-path-type: "false"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {strict-validate-path-type: "true"}
"#,
    },
    Check {
        id: "ingress-nginx-paths-without-auth",
        title: "ingress-nginx asks for no login on some paths of all hosts",
        why: "Paths in no-auth-locations need no login on any Ingress, whatever their owners set up.",
        fix: "Leave /.well-known/acme-challenge only; opt single Ingresses out instead.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, paths_without_auth),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {no-auth-locations: '/.well-known/acme-challenge,/api'}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data: {no-auth-locations: /.well-known/acme-challenge}
",
    },
];

/// Settings that no other program's ConfigMap has.
const OWN_SETTINGS: [&str; 2] = ["allow-snippet-annotations", "annotations-risk-level"];

/// Whether a ConfigMap is ingress-nginx's, by label or by one of the names that its installers give.
fn is_controllers(config: &Whole<'_>) -> bool {
    let label = |name: &str| config.object.labels()?.get(name)?.as_str();
    let name = config.object.name();
    label("app.kubernetes.io/name") == Some("ingress-nginx")
        || [
            "ingress-nginx",
            "nginx-configuration",
            "nginx-ingress-controller",
            "nginx-load-balancer",
        ]
        .iter()
        .any(|known| name.contains(known))
}

/// A setting of the controller, where the ConfigMap is its.
fn value<'a>(config: &Whole<'a>, name: &str) -> Option<&'a str> {
    let value = config.object.fields().get("data")?.get(name).and_then(Value::as_str)?;
    (OWN_SETTINGS.contains(&name) || is_controllers(config)).then_some(value)
}

fn setting(config: &Whole<'_>, name: &str, bad: &str, what: &str, report: &mut Report<'_>) {
    if value(config, name) == Some(bad) {
        report.fail(FieldPath::of(&["data", name]), format!("{name} is {bad}: {what}"));
    }
}

fn old_tls(config: &Whole<'_>, report: &mut Report<'_>) {
    let Some(protocols) = value(config, "ssl-protocols") else { return };
    let is_old = |name: &&str| matches!(*name, "SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.0" | "TLSv1.1");
    let old: Vec<&str> = protocols.split_whitespace().filter(is_old).collect();
    if !old.is_empty() {
        let path = FieldPath::of(&["data", "ssl-protocols"]);
        report.fail(path, format!("ssl-protocols has {}", old.join(", ")));
    }
}

fn paths_without_auth(config: &Whole<'_>, report: &mut Report<'_>) {
    let Some(paths) = value(config, "no-auth-locations") else { return };
    let extra: Vec<&str> = paths
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty() && !path.starts_with("/.well-known/acme-challenge"))
        .collect();
    if !extra.is_empty() {
        let path = FieldPath::of(&["data", "no-auth-locations"]);
        report.fail(path, format!("no login is asked for on {}", extra.join(", ")));
    }
}
