//! Checks on Kong: the TLS of its proxy, and logins that its plugins ask for.

use airside_k8s::Value;
use airside_k8s::fields::maps;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::ContainerOf;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[Check {
    id: "kong-old-tls",
    title: "Kong speaks TLS versions that are broken",
    why: "TLS 1.0 and 1.1 and the ciphers of their time have known attacks that read or change what they carry.",
    fix: "Remove KONG_SSL_PROTOCOLS and KONG_SSL_CIPHER_SUITE: the defaults are TLS 1.2 and 1.3 with the intermediate suite.",
    severity: Severity::Medium,
    category: Category::Ingress,
    techniques: &[technique("T1557")],
    controls: &[],
    equivalents: &[],
    judge: Judge::Container(old_tls),
    fails: r"apiVersion: v1
kind: Pod
metadata: {name: kong}
spec:
  containers: [{name: proxy, env: [{name: KONG_SSL_CIPHER_SUITE, value: old}]}]
",
    passes: r"apiVersion: v1
kind: Pod
metadata: {name: kong}
spec:
  containers: [{name: proxy, env: [{name: KONG_SSL_CIPHER_SUITE, value: modern}]}]
",
}];

fn old_tls(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for (index, variable) in maps(container.container.fields, "env") {
        let text = |name| variable.get(name).and_then(Value::as_str);
        let (Some(name), Some(value)) = (text("name"), text("value")) else { continue };
        let is_old = match name {
            "KONG_SSL_CIPHER_SUITE" => value == "old",
            "KONG_SSL_PROTOCOLS" => {
                let mut versions = value.split([' ', ',']);
                versions.any(|version| matches!(version, "SSLv3" | "TLSv1" | "TLSv1.0" | "TLSv1.1"))
            }
            _ => false,
        };
        if is_old {
            let path = container.path("env").index(index).key("value");
            report.fail(path, format!("{}: {name} is {value}", container.label()));
        }
    }
}
