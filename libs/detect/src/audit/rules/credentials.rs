//! Getting new credentials: tokens of service accounts and client certificates.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::actor::{self, Actor};
use super::super::body::{at, items, text, texts};
use super::super::certificate_request;
use super::super::request::Request;
use super::guards::watches;
use super::hands::Hands;
use super::{CREATE, Definition, Ended, Firing, MODIFY, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R20",
            version: 2,
            title: "Service account token requested",
            why: "A token works anywhere and outlives the session in which somebody asked for it. Kubelets ask for pods; few others need to.",
            next: "Follow the token's id through the log: who uses it, from where, for what.",
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
            // Only kubelets ask for the tokens of applications.
            let by_node = matches!(request.actor(), Actor::Node(_));
            let own_business =
                (by_node || request.is_in_system_namespace()) && request.is_by_trusted_system();
            // Admission lets a node ask only for tokens that are bound to its pods: where it got another one, that is off.
            (!own_business).then(|| {
                let firing = token_firing(request);
                // The accounts of delivery tools, vaults and guards can do nearly what the cluster's own can.
                let hands = Hands { person: Severity::Medium, program: Severity::Low };
                let is_theirs = holds_more(request) && hands.weigh(request) > Severity::Low;
                if by_node || is_theirs { firing.at(Severity::Medium) } else { firing }
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R21",
            version: 1,
            title: "Token of a system service account requested",
            why: "Service accounts of the cluster's own namespaces can often do anything; their token does too.",
            next: "Follow the token's id through the log. Take the right to ask for tokens of these accounts away, and delete the account's pods' tokens if it was misused.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1528"), technique("T1098.006")],
            equivalents: &["stratus:k8s.persistence.create-token"],
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
            next: "See whether it was approved, and what user and groups the certificate names.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1649"), technique("T1098.006")],
            equivalents: &[
                "panther:Kubernetes.ClientCertificate.Created",
                "stratus:k8s.persistence.create-client-certificate",
            ],
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
            // The API server has read it: what we cannot read is written to that end.
            let is_hidden = certificate_request::is_unread(text(spec, "request"));
            counts.then(|| {
                Firing::new(format!("asked for client certificate {}", request.name()))
                    .at(if workload || is_hidden { Severity::Medium } else { Severity::Low })
                    .with("requestObject.spec.signerName", text(spec, "signerName"))
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R22-kubelet",
            version: 1,
            title: "Kubelet's certificate requested by somebody who is no machine that joins",
            why: "With a node's certificate somebody reads the secrets of its pods; controllers sign such requests by themselves.",
            next: "See whether it was signed and for which node; look whether a node of that name speaks from another address since.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1649"), technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","name":"n"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client-kubelet","usages":["client auth"]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:bootstrap:abcdef"},"objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","name":"n"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client-kubelet","usages":["client auth"]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["certificatesigningrequests.certificates.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let signer = text(at(request.body(), &["spec"]), "signerName");
            let counts = KUBELET_SIGNERS.contains(&signer)
                && !joins(request)
                && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!("asked for a kubelet's certificate {}", request.name()))
                    .with("requestObject.spec.signerName", signer)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R22-approval",
            version: 1,
            title: "Certificate request approved by hand",
            why: "Approval makes the certificate; controllers approve what nodes ask for, so a person's approval stands out.",
            next: "Read the request that was approved: which names it asked for, and who asked. Follow the certificate's fingerprint through the log.",
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
            let conditions = items(at(request.body(), &["status"]), "conditions");
            let mut denied = conditions.iter().map(|it| text(it, "type") == "Denied");
            let is_denied = denied.len() > 0 && denied.all(|is_denied| is_denied);
            // Programs that approve what kubelets ask for do it all day.
            let is_program = request.is_by_program();
            (!is_denied && !request.is_by_trusted_system()).then(|| {
                Firing::new(format!("approved certificate request {}", request.name()))
                    .at(if is_program { Severity::Low } else { Severity::Medium })
                    .with("objectRef.name", request.name())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R23",
            version: 1,
            title: "Certificate requested for an identity of the cluster itself",
            why: "Such a certificate has the rights of the masters, of a component or of a node, and cannot be taken back.",
            next: "See whether it was signed. If so, the authority has to be replaced, as Kubernetes cannot take a certificate back.",
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
            let name = certificate_request::privileged_name_in(encoded)?;
            let is_own = certificate_request::NODE_NAMES.contains(&name)
                && (joins(request) || request.is_by_trusted_system());
            (!is_own).then(|| {
                let severity = if name == certificate_request::MASTERS {
                    Severity::Critical
                } else {
                    Severity::High
                };
                Firing::new(format!("asked for certificate {} of {name}", request.name()))
                    .at(severity)
                    .with("requestObject.spec.request", name)
            })
        },
    },
];

/// Whether the account is of a namespace whose accounts open more than it.
pub(super) fn holds_more(request: &Request<'_>) -> bool {
    let namespace = request.namespace();
    let is_theirs =
        request.profile().is_sensitive_namespace(namespace) || watches(namespace, request.name());
    // Those of the cluster itself are another rule's.
    is_theirs && !request.is_in_system_namespace()
}

fn token_firing(request: &Request<'_>) -> Firing {
    const DAY: u64 = 24 * 3600;
    let spec = at(request.body(), &["spec"]);
    let seconds = spec.get("expirationSeconds").and_then(Value::as_u64);
    let long = seconds.is_some_and(|seconds| seconds > DAY);
    let workload = request.is_workload_by_hand();
    let audiences = texts(spec, "audiences").collect::<Vec<_>>().join(", ");
    // Clouds and vaults take such a token for the account's own.
    const ELSEWHERE: [&str; 5] =
        ["sts.amazonaws.com", "AzureADTokenExchange", "iam.googleapis.com", "vault", "sigstore"];
    // Operators that fetch secrets do it all day for their users' accounts.
    let is_program = request.is_by_program();
    let elsewhere = ELSEWHERE.iter().any(|of| audiences.contains(of)) && !is_program;
    let account = format!("{}/{}", request.namespace(), request.name());
    let firing = Firing::new(format!("asked for a token of ServiceAccount {account}"))
        .at(if long || workload || elsewhere { Severity::Medium } else { Severity::Low })
        .with("objectRef.name", request.name());
    let firing = match audiences.as_str() {
        "" => firing,
        audiences => firing.with("requestObject.spec.audiences", audiences),
    };
    match seconds {
        Some(seconds) => firing.with("requestObject.spec.expirationSeconds", &seconds.to_string()),
        None => firing,
    }
}

/// Signers of the certificates that kubelets have.
const KUBELET_SIGNERS: [&str; 2] =
    ["kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"];

/// Whether a machine asks that joins the cluster, or is a node already.
fn joins(request: &Request<'_>) -> bool {
    let user = &request.event().user;
    matches!(request.actor(), Actor::Node(_))
        || user.username.starts_with("system:bootstrap:")
        || actor::is_member(user, "system:bootstrappers")
}
