//! Checks on annotations and paths that reach into the configuration of nginx.
//!
//! The controller writes them into one file with the settings of all others and runs with its own rights:
//! whoever may write an Ingress may so read its token, and with it often every secret of the cluster.

use airside_k8s::Value;
use airside_k8s::fields::text;
use airside_types::Severity;
use airside_types::attack::technique;

use super::{INGRESS, NGINX, paths, rule_path, rules};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "ingress-snippet",
        title: "Ingress writes into its controller's configuration",
        why: "A snippet is copied as it is into the configuration of the controller that serves everybody: its author can read the controller's token and change others' routes (CVE-2021-25742).",
        fix: "Remove the snippet and use the annotation that the controller has for the purpose; forbid snippets in the controller's ConfigMap.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1552.007"), technique("T1190")],
        controls: &[],
        equivalents: &[
            "checkov:CKV_K8S_153",
            "kyverno:nginx-ingress/disallow-ingress-nginx-custom-snippets",
            "kyverno:other/block-nginx-annotations-cve-2023-5043-cve-2023-5044",
        ],
        judge: Judge::Object(INGRESS, snippet),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/configuration-snippet: add_header X-Team shop;
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
",
    },
    Check {
        id: "ingress-snippet-lua",
        title: "Ingress runs Lua code in its controller, or reads its token",
        why: "Lua in a snippet runs as the controller for every request: it reads the service account's token and sends it anywhere.",
        fix: "Remove the snippet.",
        severity: Severity::Critical,
        category: Category::Ingress,
        techniques: &[technique("T1059"), technique("T1552.007")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_152", "kyverno:nginx-ingress/restrict-annotations"],
        judge: Judge::Object(INGRESS, snippet_lua),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/configuration-snippet: location /x { content_by_lua_block { ngx.say(1) } }
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/configuration-snippet: location /x { return 404; }
",
    },
    Check {
        id: "ingress-snippet-alias",
        title: "Ingress serves files of its controller",
        why: "An alias or root in a snippet publishes a folder of the controller's container, its service account's token included.",
        fix: "Remove the snippet; serve files from a workload of your own.",
        severity: Severity::Critical,
        category: Category::Ingress,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_154", "kyverno:nginx-ingress/restrict-annotations"],
        judge: Judge::Object(INGRESS, snippet_alias),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/server-snippet: location /x { alias /srv/; }
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/server-snippet: location /x { return 404; }
",
    },
    Check {
        id: "ingress-annotation-injection",
        title: "Ingress annotation breaks out of its directive in nginx",
        why: "Characters that end a directive turn the value into configuration of its author's choice; through auth-url, mirror and client certificate annotations that became code execution in the controller (CVE-2025-1097, CVE-2025-1098, CVE-2025-24514).",
        fix: "Use a plain URL or name as the value; find out who wrote this one; update or replace the controller.",
        severity: Severity::Critical,
        category: Category::Ingress,
        techniques: &[technique("T1190"), technique("T1059")],
        controls: &[],
        equivalents: &[
            "trivy:KCV-0093",
            "kyverno:other/block-nginx-annotations-cve-2023-5043-cve-2023-5044",
        ],
        judge: Judge::Object(INGRESS, annotation_injection),
        fails: r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/auth-url: "https://login.example.com/#;\nssl_engine /tmp/x"
"#,
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/auth-url: https://login.example.com/check
",
    },
    Check {
        id: "ingress-annotation-reads-files",
        title: "Ingress annotation names files of the controller",
        why: "Values with alias, root, Lua or paths such as /etc and the token's folder are how annotations were used to read the controller's files (CVE-2021-25746).",
        fix: "Remove the annotation; update or replace the controller.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &["kyverno:nginx-ingress/restrict-annotations"],
        judge: Judge::Object(INGRESS, annotation_reads_files),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/auth-realm: /var/run/secrets/x}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/auth-realm: shop}
",
    },
    Check {
        id: "ingress-path-reads-files",
        title: "Ingress path is built to read files of the controller",
        why: "Paths with /etc, /root or the token's folder, or with characters that end a directive, made older controllers serve their own files (CVE-2021-25745, CVE-2021-25748).",
        fix: "Use a path of the application; update or replace the controller.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &["kyverno:nginx-ingress/restrict-ingress-paths"],
        judge: Judge::Object(INGRESS, path_reads_files),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /var/run/secrets, backend: {service: {name: web}}}]}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /secrets, backend: {service: {name: web}}}]}
",
    },
];

/// The annotations of an Ingress that are texts.
fn annotations<'a>(ingress: &Whole<'a>) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let all = ingress.object.annotations().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name, value.as_str()?)))
}

/// Whether the value of an annotation of this name becomes lines of a configuration, in ingress-nginx,
/// NGINX's own controller, HAProxy's and haproxy-ingress.
fn is_snippet(name: &str) -> bool {
    const HAPROXY: [&str; 4] = ["config-backend", "config-frontend", "config-global", "config-tcp"];
    let by_haproxy = || {
        let known = ["haproxy-ingress.github.io/", "ingress.kubernetes.io/"];
        let rest = known.iter().find_map(|prefix| name.strip_prefix(prefix));
        rest.is_some_and(|rest| HAPROXY.contains(&rest))
    };
    name.ends_with("-snippet") || name.ends_with("-snippets") || by_haproxy()
}

/// The annotations that are copied into a controller's configuration, whichever controller it is.
fn snippets<'a>(ingress: &Whole<'a>) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    annotations(ingress).filter(|(name, value)| is_snippet(name) && !value.trim().is_empty())
}

fn snippet(ingress: &Whole<'_>, report: &mut Report<'_>) {
    for (name, _) in snippets(ingress) {
        let message = format!("{name} is copied into the controller's configuration");
        report.fail(annotation_path(name), message);
    }
}

fn runs_lua(value: &str) -> bool {
    words(value)
        .any(|word| word.starts_with("lua_") || word.ends_with("_lua") || word.contains("_lua_"))
}

/// Directives are words of letters, digits and `_`.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn snippet_lua(ingress: &Whole<'_>, report: &mut Report<'_>) {
    for (name, value) in snippets(ingress) {
        let what = if runs_lua(value) {
            "runs Lua in the controller"
        } else if value.contains("kubernetes.io") {
            "names the folder of the controller's token"
        } else {
            continue;
        };
        report.fail(annotation_path(name), format!("{name} {what}"));
    }
}

/// Whether a value has a directive that publishes a folder: its name, then a path.
fn publishes_folder(value: &str) -> Option<&'static str> {
    let mut after_break = value.split([';', '{', '}', '\n']).map(str::trim_start);
    after_break.find_map(|directive| {
        let name = directive.split_whitespace().next()?;
        ["alias", "root"].into_iter().find(|wanted| *wanted == name)
    })
}

fn snippet_alias(ingress: &Whole<'_>, report: &mut Report<'_>) {
    for (name, value) in snippets(ingress) {
        if let Some(directive) = publishes_folder(value) {
            let message = format!("{name} has the directive {directive}");
            report.fail(annotation_path(name), message);
        }
    }
}

fn annotation_injection(ingress: &Whole<'_>, report: &mut Report<'_>) {
    /// Names without prefix, whose values become arguments of directives.
    const NAMES: [&str; 9] = [
        "auth-method",
        "auth-proxy-set-headers",
        "auth-tls-match-cn",
        "auth-url",
        "from-to-www-redirect",
        "mirror-host",
        "mirror-target",
        "server-alias",
        "upstream-hash-by",
    ];
    for name in NAMES {
        let full = format!("{NGINX}{name}");
        let Some(value) = ingress.annotation(&full) else { continue };
        let breaks =
            |c: &char| c.is_control() || matches!(c, ';' | '#' | '|' | '"' | '\'' | '`' | '\\');
        if let Some(found) = value.trim_end().chars().find(breaks) {
            let message = format!("{full} contains {found:?}, which has no place there");
            report.fail(annotation_path(&full), message);
        }
    }
}

fn annotation_reads_files(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const FILES: [&str; 6] = [
        "/etc/passwd",
        "/etc/shadow",
        "/etc/group",
        "/etc/nginx",
        "/etc/ingress-controller",
        "/var/run/secrets",
    ];
    for (name, value) in annotations(ingress) {
        // What kubectl applied last repeats the others.
        if name == "kubectl.kubernetes.io/last-applied-configuration" || !is_for_controller(name) {
            continue;
        }
        let file = FILES.into_iter().find(|file| value.contains(file));
        let directive = publishes_folder(value).filter(|_| value.contains(';'));
        let lua = runs_lua(value).then_some("Lua");
        // What snippets do is told by the checks on snippets.
        let found = file.or_else(|| directive.or(lua).filter(|_| !is_snippet(name)));
        if let Some(found) = found {
            report.fail(annotation_path(name), format!("{name} contains {found}"));
        }
    }
}

/// Whether an annotation is one that an nginx controller may read.
fn is_for_controller(name: &str) -> bool {
    let prefix = name.split_once('/').map(|(prefix, _)| prefix).unwrap_or_default();
    prefix.contains("nginx") || prefix.contains("ingress")
}

fn path_reads_files(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const FOLDERS: [&str; 4] = ["/etc", "/root", "/var/run/secrets", "/var/run/kubernetes"];
    for (index, rule) in rules(ingress) {
        for (place, path) in paths(rule) {
            let Some(value) = text(path, "path") else { continue };
            let is_below = |folder: &&str| {
                value.match_indices(*folder).any(|(at, _)| {
                    let rest = value.get(at + folder.len()..).unwrap_or_default();
                    rest.is_empty() || rest.starts_with('/')
                })
            };
            let breaks = |c: char| c.is_control() || matches!(c, ';' | '"');
            if FOLDERS.iter().any(is_below) || value.contains(breaks) {
                let field = rule_path(index).keys(&["http", "paths"]).index(place).key("path");
                report
                    .fail(field, format!("path {} is none of an application", Value::from(value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_found_and_other_words_are_not() {
        for (value, found) in [
            ("location /x { alias /srv/; }", Some("alias")),
            ("root /etc;", Some("root")),
            ("\n  root   /;\n", Some("root")),
            ("add_header X-Root root;", None),
            ("rewrite ^/root /alias;", None),
        ] {
            assert_eq!(publishes_folder(value), found, "{value}");
        }
        for (value, lua) in [
            ("content_by_lua_block { }", true),
            ("lua_shared_dict x 1m;", true),
            ("access_by_lua 'x';", true),
            ("proxy_set_header X-Value evaluate;", false),
        ] {
            assert_eq!(runs_lua(value), lua, "{value}");
        }
    }
}
