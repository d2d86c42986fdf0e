//! Checks on VirtualServer and its like, the routes of NGINX's own ingress controller.

use airside_k8s::Value;
use airside_k8s::fields::{down, maps, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const GROUP: &str = "k8s.nginx.org";

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "virtual-server-without-tls",
        title: "NGINX serves a host without encryption",
        why: "Logins, cookies and data pass in the clear between client and NGINX.",
        fix: "Set spec.tls.secret, and spec.tls.redirect.enable to true.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GROUP, "VirtualServer")], without_tls),
        fails: r"apiVersion: k8s.nginx.org/v1
kind: VirtualServer
metadata: {name: web}
spec: {host: shop.example.com}
",
        passes: r"apiVersion: k8s.nginx.org/v1
kind: VirtualServer
metadata: {name: web}
spec: {host: shop.example.com, tls: {secret: shop}}
",
    },
    Check {
        id: "virtual-server-snippet",
        title: "Route writes into the configuration of NGINX",
        why: "A snippet is copied as it is into the configuration of the controller that serves everybody: its author can read the controller's files and change others' routes.",
        fix: "Remove the snippet; run the controller without -enable-snippets.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1552.007"), technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[(GROUP, "VirtualServer"), (GROUP, "VirtualServerRoute"), (GROUP, "TransportServer")],
            snippet,
        ),
        fails: r"apiVersion: k8s.nginx.org/v1
kind: VirtualServer
metadata: {name: web}
spec: {host: shop.example.com, tls: {secret: shop}, server-snippets: client_max_body_size 1m;}
",
        passes: r"apiVersion: k8s.nginx.org/v1
kind: VirtualServer
metadata: {name: web}
spec: {host: shop.example.com, tls: {secret: shop}}
",
    },
    Check {
        id: "nginx-policy-unverified",
        title: "NGINX policy asks for certificates and does not insist on them",
        why: "With verification off or optional, whoever has no certificate gets through to what trusts the check.",
        fix: "Set verifyClient to `on` (ingressMTLS) and verifyServer to true (egressMTLS).",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1133"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GROUP, "Policy")], unverified),
        fails: r"apiVersion: k8s.nginx.org/v1
kind: Policy
metadata: {name: clients}
spec: {ingressMTLS: {clientCertSecret: clients, verifyClient: optional_no_ca}}
",
        passes: r#"apiVersion: k8s.nginx.org/v1
kind: Policy
metadata: {name: clients}
spec: {ingressMTLS: {clientCertSecret: clients, verifyClient: "on"}}
"#,
    },
];

fn without_tls(server: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = server.spec_fields() else { return };
    if server.spec("tls").is_none() {
        let host = text(spec, "host").unwrap_or("the host");
        report.fail(FieldPath::of(&["spec", "tls"]), format!("no TLS is set up for {host}"));
    }
}

fn snippet(server: &Whole<'_>, report: &mut Report<'_>) {
    const OWN: [&str; 4] = ["http-snippets", "server-snippets", "serverSnippets", "streamSnippets"];
    let Some(spec) = server.spec_fields() else { return };
    for name in OWN.into_iter().filter(|name| text(spec, name).is_some()) {
        let message = format!("{name} is copied into the controller's configuration");
        report.fail(FieldPath::of(&["spec", name]), message);
    }
    for list in ["routes", "subroutes"] {
        for (index, route) in maps(spec, list) {
            if text(route, "location-snippets").is_some() {
                let path = FieldPath::of(&["spec", list]).index(index).key("location-snippets");
                let message = "location-snippets is copied into the controller's configuration";
                report.fail(path, message.to_owned());
            }
        }
    }
}

fn unverified(policy: &Whole<'_>, report: &mut Report<'_>) {
    const CLIENT: [&str; 3] = ["spec", "ingressMTLS", "verifyClient"];
    const EGRESS: [&str; 2] = ["spec", "egressMTLS"];
    let value = policy.object.value();
    let client = down(value, &CLIENT).and_then(Value::as_str).unwrap_or("on");
    if matches!(client, "off" | "optional" | "optional_no_ca") {
        report.fail(FieldPath::of(&CLIENT), format!("verifyClient is {client}"));
    }
    let verifies = |egress: &Value| egress.get("verifyServer") == Some(&Value::Bool(true));
    if down(value, &EGRESS).is_some_and(|egress| !verifies(egress)) {
        let path = FieldPath::of(&EGRESS).key("verifyServer");
        report.fail(path, "the certificate of the backend is not checked".to_owned());
    }
}
