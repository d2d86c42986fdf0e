//! Checks on the Secrets that Gateways take their certificates from.

use std::collections::BTreeSet;

use airside_k8s::fields::down;
use airside_k8s::{Graph, Map, Object, Value};
use airside_types::{FieldPath, Severity};

use super::gateway_servers::is_built_in;
use super::gateways::{servers, tls};
use super::{NETWORKING, PATCHED_LATER, is_patched_later};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;
use crate::template::is_filled_in_later;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-gateway-no-credential",
        title: "Gateway takes its certificate from a Secret that does not exist",
        why: "The proxy looks for the Secret in the namespace of its own pods; without it no TLS connection to the hosts succeeds.",
        fix: "Create the Secret in the namespace of the gateway's pods, or correct credentialName.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101"],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], no_credential),
        fails: r"apiVersion: v1
kind: Secret
metadata: {name: web, namespace: shop}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web}, hosts: [www.example.com]}]
",
        passes: r"apiVersion: v1
kind: Secret
metadata: {name: other, namespace: shop}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: istio-system}
spec: {secretName: web, issuerRef: {name: ca}, dnsNames: [www.example.com]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web}, hosts: [www.example.com]}]
",
    },
    Check {
        id: "mesh-gateway-bad-credential",
        title: "Gateway takes its certificate from a Secret that holds none",
        why: "The proxy finds the Secret but no usable certificate and key in it, so no TLS connection to the hosts succeeds.",
        fix: "Store the certificate as tls.crt and the key as tls.key (or both as cert and key), in PEM.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0161"],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], bad_credential),
        fails: r"apiVersion: v1
kind: Secret
metadata: {name: web, namespace: istio-system}
stringData: {certificate: '${certificate}', tls.key: '${key}'}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web}, hosts: [www.example.com]}]
",
        passes: r"apiVersion: v1
kind: Secret
metadata: {name: web, namespace: istio-system}
stringData: {tls.crt: '-----BEGIN CERTIFICATE-----', tls.key: '${key}'}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web}, hosts: [www.example.com]}]
",
    },
];

/// The Secrets that a Gateway names, each with its path.
fn named<'a>(gateway: &Whole<'a>) -> impl Iterator<Item = (FieldPath, &'a str)> + use<'a> {
    servers(gateway.object).filter_map(|(path, server)| {
        let name = tls(server, "credentialName").filter(|name| !name.is_empty())?;
        // Other schemes name what is no Secret of the cluster.
        let is_secret = !name.contains("://")
            && !is_filled_in_later(name)
            && matches!(tls(server, "mode"), Some("SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL"));
        is_secret.then(|| (path.keys(&["tls", "credentialName"]), name))
    })
}

/// The namespaces of the gateway's pods, where its Secrets must be.
fn namespaces<'a>(gateway: &Whole<'a>) -> BTreeSet<Option<&'a str>> {
    let labels = down(gateway.object.value(), &["spec", "selector"]).and_then(Value::as_object);
    let Some(labels) = labels else { return BTreeSet::new() };
    let pods = gateway.graph.mesh_workloads(None, Some(labels));
    let found: BTreeSet<_> = pods.map(|workload| workload.owner.namespace()).collect();
    if found.is_empty() && is_built_in(labels) {
        return BTreeSet::from([Some(gateway.graph.root_namespace())]);
    }
    found
}

/// Kinds of which a Secret is made later, and where they say its name (their own, where there is none).
const MAKERS: [(&str, &str, &[&str]); 4] = [
    ("cert-manager.io", "Certificate", &["spec", "secretName"]),
    ("external-secrets.io", "ExternalSecret", &["spec", "target", "name"]),
    ("bitnami.com", "SealedSecret", &["spec", "template", "metadata", "name"]),
    ("secrets-store.csi.x-k8s.io", "SecretProviderClass", &["spec", "secretObjects"]),
];

fn is_made_later(graph: &Graph<'_>, name: &str) -> bool {
    MAKERS.iter().any(|(group, kind, keys)| {
        graph.of_kind(group, kind).any(|maker| match down(maker.value(), keys) {
            Some(Value::String(made)) => **made == *name,
            Some(_) => true,
            None => maker.name() == name,
        })
    })
}

fn no_credential(gateway: &Whole<'_>, report: &mut Report<'_>) {
    let graph = gateway.graph;
    for (path, name) in named(gateway) {
        if graph.is_single_object() || !graph.has_kind("", "Secret") {
            return report.undecided("Secrets are no part of the input");
        }
        if is_patched_later(graph) {
            return report.undecided(PATCHED_LATER);
        }
        let missing = namespaces(gateway)
            .into_iter()
            .find(|namespace| graph.find("", "Secret", *namespace, name).is_none());
        if let Some(namespace) = missing.filter(|_| !is_made_later(graph, name)) {
            let namespace = namespace.unwrap_or("the namespace of its pods");
            report.fail(path, format!("no Secret `{name}` is in {namespace}"));
        }
    }
}

fn bad_credential(gateway: &Whole<'_>, report: &mut Report<'_>) {
    let graph = gateway.graph;
    for (path, name) in named(gateway) {
        if graph.is_single_object() {
            return report.undecided("Secrets are no part of the input");
        }
        let secrets = namespaces(gateway)
            .into_iter()
            .filter_map(|namespace| graph.find("", "Secret", namespace, name));
        if let Some(lack) = secrets.into_iter().find_map(lack) {
            report.fail(path, format!("the Secret `{name}` holds {lack}"));
        }
    }
}

/// What a Secret lacks to be a certificate with its key. Values are looked at and never shown.
fn lack(secret: &Object<'_>) -> Option<&'static str> {
    const PAIRS: [(&str, &str); 2] = [("tls.crt", "tls.key"), ("cert", "key")];
    let maps: Vec<(&str, &Map)> = ["data", "stringData"]
        .into_iter()
        .filter_map(|part| Some((part, secret.fields().get(part)?.as_object()?)))
        .collect();
    // A Secret without any content is filled by somebody else.
    if maps.iter().all(|(_, values)| values.is_empty()) {
        return None;
    }
    let find = |key: &str| {
        let found = maps.iter().find_map(|(part, values)| Some((*part, values.get(key)?)));
        found.and_then(|(part, value)| Some((part, value.as_str()?)))
    };
    let pair =
        PAIRS.iter().find(|(certificate, key)| find(certificate).is_some() && find(key).is_some());
    let Some((certificate, _)) = pair else {
        return Some("no certificate with its key under the names that Istio reads");
    };
    let is_certificate = find(certificate).is_none_or(|(part, text)| is_certificate(part, text));
    (!is_certificate).then_some("a certificate that is not in PEM")
}

/// Whether a value may be a certificate in PEM; `LS0tLS1CRUdJTi` is `-----BEGIN ` in base64.
fn is_certificate(part: &str, text: &str) -> bool {
    let text = text.trim();
    let is_template = text.is_empty() || text.contains(['$', '{', '<']);
    is_template
        || match part {
            "stringData" => text.contains("-----BEGIN "),
            _ => text.starts_with("LS0tLS1CRUdJTi"),
        }
}
