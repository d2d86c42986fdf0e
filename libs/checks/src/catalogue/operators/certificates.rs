//! Checks on cert-manager's certificates and issuers.

use airside_k8s::Value;
use airside_k8s::fields::{down, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

const GROUP: &str = "cert-manager.io";
const CERTIFICATE: &[(&str, &str)] = &[(GROUP, "Certificate")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "certificate-long-lived",
        title: "Certificate is valid for long",
        why: "A key that leaked serves an impostor until the certificate ends; renewal is automatic, so nothing is saved by a long life.",
        fix: "Set duration to 100 days (2400h) or less.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1649")],
        controls: &[],
        equivalents: &[
            "kyverno:cert-manager/limit-duration",
            "kyverno:cert-manager/certmanager-limit-duration",
        ],
        judge: Judge::Object(CERTIFICATE, long_lived),
        fails: r"apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: shop}
spec: {duration: 8760h0m0s, secretName: shop}
",
        passes: r"apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: shop}
spec: {duration: 2160h, secretName: shop}
",
    },
    Check {
        id: "certificate-weak-key",
        title: "Certificate has a weak key",
        why: "RSA keys below 2048 bits can be computed from the certificate.",
        fix: "Set privateKey.size to 2048 or more, or use ECDSA.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1649")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CERTIFICATE, weak_key),
        fails: r"apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: shop}
spec: {secretName: shop, privateKey: {algorithm: RSA, size: 1024}}
",
        passes: r"apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: shop}
spec: {secretName: shop, privateKey: {algorithm: RSA, size: 4096}}
",
    },
    Check {
        id: "issuer-authority-unverified",
        title: "Issuer does not check which authority it speaks to",
        why: "Whoever answers in the authority's place sees the requests and hands out certificates of their own.",
        fix: "Remove skipTLSVerify; name the authority's certificate in caBundle.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GROUP, "Issuer"), (GROUP, "ClusterIssuer")], authority_unverified),
        fails: r"apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: office}
spec: {acme: {server: 'https://acme.example.com', skipTLSVerify: true}}
",
        passes: r"apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: office}
spec: {acme: {server: 'https://acme.example.com', caBundle: bm90IGEgY2E=}}
",
    },
    Check {
        id: "ingress-self-signed-certificate",
        title: "Ingress gets its certificate from an issuer that signs itself",
        why: "Browsers warn of it: people learn to click warnings away, and then an impostor's certificate works too.",
        fix: "Use an issuer whose authority the clients know (ACME, or the company's).",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("networking.k8s.io", "Ingress")], self_signed),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, annotations: {cert-manager.io/cluster-issuer: test}}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: test}
spec: {selfSigned: {}}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, annotations: {cert-manager.io/cluster-issuer: test}}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: test}
spec: {acme: {server: 'https://acme.example.com'}}
",
    },
];

/// Whole hours of a duration as Go writes it, such as `8760h0m0s`; none where there are no hours.
fn hours(duration: &str) -> Option<u64> {
    duration.split_once('h').and_then(|(hours, _)| hours.parse().ok())
}

fn long_lived(certificate: &Whole<'_>, report: &mut Report<'_>) {
    const LIMIT: u64 = 2400;
    let Some(spec) = certificate.spec_fields() else { return };
    let Some(duration) = text(spec, "duration") else { return };
    // Authorities live longer, and Let's Encrypt gives what it gives.
    let issuer = spec.get("issuerRef").and_then(|issuer| issuer.get("name")?.as_str());
    let is_public = issuer.is_some_and(|name| name.contains("letsencrypt"));
    let is_authority = spec.get("isCA") == Some(&Value::Bool(true));
    if !is_authority && !is_public && hours(duration).is_some_and(|hours| hours > LIMIT) {
        let message = format!("the certificate is valid for {duration}");
        report.fail(FieldPath::of(&["spec", "duration"]), message);
    }
}

fn weak_key(certificate: &Whole<'_>, report: &mut Report<'_>) {
    const PLACES: [(&[&str], &[&str]); 2] = [
        (&["spec", "privateKey", "size"], &["spec", "privateKey", "algorithm"]),
        (&["spec", "keySize"], &["spec", "keyAlgorithm"]),
    ];
    let value = certificate.object.value();
    for (size, algorithm) in PLACES {
        let algorithm = down(value, algorithm).and_then(Value::as_str).unwrap_or("RSA");
        let bits = down(value, size).and_then(Value::as_u64);
        if let Some(bits) =
            bits.filter(|bits| algorithm.eq_ignore_ascii_case("rsa") && *bits < 2048)
        {
            report.fail(FieldPath::of(size), format!("the RSA key has {bits} bits"));
        }
    }
}

fn authority_unverified(issuer: &Whole<'_>, report: &mut Report<'_>) {
    const PLACE: [&str; 3] = ["spec", "acme", "skipTLSVerify"];
    if down(issuer.object.value(), &PLACE) == Some(&Value::Bool(true)) {
        report.fail(
            FieldPath::of(&PLACE),
            "skipTLSVerify is true: any certificate is taken".to_owned(),
        );
    }
}

fn self_signed(ingress: &Whole<'_>, report: &mut Report<'_>) {
    const ISSUERS: [(&str, &str); 2] =
        [("cert-manager.io/cluster-issuer", "ClusterIssuer"), ("cert-manager.io/issuer", "Issuer")];
    for (annotation, kind) in ISSUERS {
        let Some(name) = ingress.annotation(annotation) else { continue };
        if ingress.graph.is_single_object() {
            return report.undecided("the issuer is another object");
        }
        let namespace = ingress.object.namespace().filter(|_| kind == "Issuer");
        let issuer = ingress.graph.find(GROUP, kind, namespace, name);
        let signs_itself = issuer.and_then(|issuer| down(issuer.value(), &["spec", "selfSigned"]));
        if signs_itself.is_some() {
            report.fail(annotation_path(annotation), format!("{kind} {name} signs itself"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_hours() {
        for (duration, expected) in
            [("8760h", Some(8760)), ("2160h0m0s", Some(2160)), ("90m", None), ("1.5h", None)]
        {
            assert_eq!(hours(duration), expected, "{duration}");
        }
    }
}
