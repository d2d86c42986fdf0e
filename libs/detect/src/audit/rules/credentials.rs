//! Getting new credentials: tokens of service accounts and client certificates.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::actor::Actor;
use super::super::body::{at, text, texts};
use super::super::request::Request;
use super::{CREATE, Definition, Ended, Firing, MODIFY, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R20",
            version: 1,
            title: "Service account token requested",
            why: "A token works anywhere and outlives the session in which somebody asked for it. Kubelets ask for pods; few others need to.",
            next: "",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1528")],
            equivalents: &["panther:Kubernetes.ServiceAccount.TokenCreated"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"web","subresource":"token"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:node-1"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"web","subresource":"token"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["serviceaccounts/token"]),
        ended: Ended::Done,
        when: |request| {
            let by_node = matches!(request.actor(), Actor::Node(_));
            let own_business =
                request.is_by_trusted_system() && (by_node || request.is_in_system_namespace());
            (!own_business).then(|| token_firing(request))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R21",
            version: 1,
            title: "Token of a system service account requested",
            why: "Service accounts of the cluster's own namespaces can often do anything; their token does too.",
            next: "",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1528"), technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"kube-system","name":"clusterrole-aggregation-controller","subresource":"token"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"serviceaccounts","namespace":"kube-system","name":"clusterrole-aggregation-controller","subresource":"token"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["serviceaccounts/token"]),
        ended: Ended::Done,
        when: |request| {
            let counts = request.is_in_system_namespace() && !request.is_by_trusted_system();
            counts.then(|| token_firing(request).at(Severity::High))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R22",
            version: 1,
            title: "Client certificate requested",
            why: "A client certificate cannot be revoked: whoever holds it is in until it expires.",
            next: "",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1649"), technique("T1098.006")],
            equivalents: &["panther:Kubernetes.ClientCertificate.Created"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","name":"d"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:bootstrap:abcdef"},"objectRef":{"resource":"certificatesigningrequests","name":"n"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client-kubelet","usages":["client auth"]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["certificatesigningrequests.certificates.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let spec = at(request.body(), &["spec"]);
            let for_clients = text(spec, "signerName") == "kubernetes.io/kube-apiserver-client"
                && texts(spec, "usages").any(|usage| usage == "client auth");
            let counts = for_clients && !request.is_by_trusted_system();
            let workload = request.actor().is_workload();
            counts.then(|| {
                Firing::new(format!("asked for client certificate {}", request.name()))
                    .at(if workload { Severity::Medium } else { Severity::Low })
                    .with("requestObject.spec.signerName", text(spec, "signerName"))
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R22-approval",
            version: 1,
            title: "Certificate request approved by hand",
            why: "Approval makes the certificate; controllers approve what nodes ask for, so a person's approval stands out.",
            next: "",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1649"), technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"update","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","name":"d","subresource":"approval"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"update","user":{"username":"system:serviceaccount:kube-system:certificate-controller"},"objectRef":{"resource":"certificatesigningrequests","name":"d","subresource":"approval"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(MODIFY, &["certificatesigningrequests.certificates.k8s.io/approval"]),
        ended: Ended::Done,
        when: |request| {
            (!request.is_by_trusted_system()).then(|| {
                Firing::new(format!("approved certificate request {}", request.name()))
                    .with("objectRef.name", request.name())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R23",
            version: 1,
            title: "Certificate requested for the cluster's masters",
            why: "A certificate with this organisation passes every authorization check and cannot be taken back.",
            next: "",
            severity: Severity::Critical,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1649"), technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                // The request holds a PEM block whose body is the text `system:masters`.
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","name":"d"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KYzNsemRHVnRPbTFoYzNSbGNuTT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=="}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","name":"d"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["certificatesigningrequests.certificates.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let encoded = text(at(request.body(), &["spec"]), "request");
            names_masters(encoded).then(|| {
                Firing::new(format!(
                    "asked for certificate {} of group system:masters",
                    request.name()
                ))
                .with("requestObject.spec.request", "O=system:masters")
            })
        },
    },
];

fn token_firing(request: &Request<'_>) -> Firing {
    const DAY: u64 = 24 * 3600;
    let spec = at(request.body(), &["spec"]);
    let seconds = spec.get("expirationSeconds").and_then(Value::as_u64);
    let long = seconds.is_some_and(|seconds| seconds > DAY);
    let workload = request.is_workload_by_hand();
    let account = format!("{}/{}", request.namespace(), request.name());
    let firing = Firing::new(format!("asked for a token of ServiceAccount {account}"))
        .at(if long || workload { Severity::Medium } else { Severity::Low })
        .with("objectRef.name", request.name());
    match seconds {
        Some(seconds) => firing.with("requestObject.spec.expirationSeconds", &seconds.to_string()),
        None => firing,
    }
}

/// Whether a certificate request (base64 of PEM, whose body is base64 of DER) names the group. The text
/// stands in the DER as it is, so that no parser of certificates is needed.
fn names_masters(encoded: &str) -> bool {
    let der = STANDARD.decode(encoded).ok().and_then(|pem| {
        let pem = String::from_utf8(pem).ok()?;
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(body.trim()).ok()
    });
    der.is_some_and(|der| der.windows(14).any(|window| window == b"system:masters"))
}
