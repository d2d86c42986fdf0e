//! Who gets in, who is turned away, and who looks around.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::actor::Actor;
use super::super::request::Request;
use super::super::sign::Sign;
use super::words::asked;
use super::{CREATE, Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE, WEAK};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R01",
            version: 2,
            title: "Anonymous request allowed",
            why: "Whoever reaches the API server can do this, without any credential.",
            next: "Read which binding the reason names and take the subject out of it; then look at everything else that came without a credential.",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::InitialAccess,
            techniques: &[technique("T1078.001"), technique("T1190")],
            equivalents: &[
                "falco:Anonymous Request Allowed",
                "elastic:Kubernetes Anonymous Request Authorized",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","requestURI":"/api/v1/namespaces/shop/pods","user":{"username":"system:anonymous"},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","requestURI":"/readyz?verbose","user":{"username":"system:anonymous"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::AnonymousAccess]),
        ended: Ended::Done,
        when: |request| {
            let writes = !matches!(request.verb(), "get" | "list" | "watch" | "");
            // Which resources there are, which authenticated users may see, and no object.
            let is_discovery = request.target().is_none() && request.path().starts_with("/api");
            Some(
                Firing::new(format!("was allowed to {} {}", request.verb(), request.path()))
                    .at(match () {
                        () if writes => Severity::High,
                        () if is_discovery => Severity::Info,
                        // Objects, and whoever is on the internet reads them.
                        () if request.target().is_some() && is_from_the_internet(request) => {
                            Severity::High
                        }
                        () => Severity::Medium,
                    })
                    .with("user.username", "system:anonymous")
                    .with("requestURI", request.path()),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R01-public",
            version: 1,
            title: "Anonymous request from the internet",
            why: "The API server answers the internet, and somebody there tries it without a credential.",
            next: "See whether the API server has to answer the internet at all; look whether the same address came back with a credential.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::Reconnaissance,
            techniques: &[technique("T1595.003"), technique("T1190")],
            equivalents: &["panther:Amazon.EKS.AnonymousAPIAccess"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","requestURI":"/login.php","user":{"username":"system:anonymous"},"sourceIPs":["198.51.100.9"],"responseStatus":{"code":403}}"#,
                quiet: r#"{"verb":"get","requestURI":"/healthz","user":{"username":"system:anonymous"},"sourceIPs":["10.0.0.7"],"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Anonymous, Sign::Public]),
        ended: Ended::Either,
        when: |request| {
            let ip = request.source_address()?;
            Some(
                Firing::new(format!("asked for {}", request.path()))
                    .with("sourceIPs", &ip.to_string())
                    .with("requestURI", request.path()),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R05",
            version: 1,
            title: "Credential refused",
            why: "A credential that is not, or no longer, valid was used: a stolen one that expired, or a guess.",
            next: "Look which credential it was (the token's id, the certificate) and whether the same address was let in before or after.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1110"), technique("T1550.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"stage":"ResponseStarted","verb":"list","requestURI":"/api/v1/namespaces/shop/secrets","user":{},"sourceIPs":["198.51.100.9"],"objectRef":{"resource":"secrets","namespace":"shop"},"responseStatus":{"code":401}}"#,
                quiet: r#"{"verb":"list","requestURI":"/api/v1/namespaces/shop/secrets","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"shop"},"responseStatus":{"code":403}}"#,
            }),
        },
        on: On::Signs(&[Sign::Unauthenticated]),
        ended: Ended::Refused,
        when: |request| {
            Some(
                Firing::new(format!("was refused {} {}", request.verb(), request.path()))
                    .with("responseStatus.code", "401")
                    .with("requestURI", request.path()),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R07",
            version: 1,
            title: "Service account denied",
            why: "Programs know what they may do; a service account that is refused is tried out or misconfigured.",
            next: "Compare with what the workload is for; where a person's tool used the token, look into the pod that the token is bound to.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613")],
            equivalents: &["elastic:Kubernetes Denied Service Account Request"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"nodes"},"responseStatus":{"code":403},"annotations":{"authorization.k8s.io/decision":"forbid"}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:shop:operator"},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":403},"annotations":{"authorization.k8s.io/decision":"allow"}}"#,
            }),
        },
        on: On::Signs(&[Sign::Denied]),
        ended: Ended::Refused,
        when: |request| {
            request.actor().is_workload().then(|| {
                let by_hand = request.client().is_by_hand();
                Firing::new(format!("was not allowed to {}", asked(request)))
                    .at(if by_hand { Severity::Medium } else { Severity::Info })
                    .with("responseStatus.code", "403")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R08",
            version: 1,
            title: "Creation denied",
            why: "Somebody tried to create what they may not.",
            next: "Ask who it was and what for; look at what the same identity was allowed just before.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1610")],
            equivalents: &["elastic:Kubernetes Forbidden Creation Request"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"jobs","namespace":"shop"},"responseStatus":{"code":403},"annotations":{"authorization.k8s.io/decision":"forbid"}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"jobs","namespace":"shop"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Signs(&[Sign::Denied]),
        ended: Ended::Refused,
        when: |request| {
            let counts = request.verb() == "create"
                && matches!(request.actor(), Actor::User(_) | Actor::ServiceAccount { .. })
                && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!("was not allowed to {}", asked(request)))
                    .with("responseStatus.code", "403")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R09",
            version: 1,
            title: "Own rights enumerated",
            why: "Asking the API server for all of one's rights is an intruder's first step; programs know theirs.",
            next: "Look at the next requests of this identity: an intruder uses what the answer offers. For a service account, look into its pods.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613"), technique("T1069.003")],
            equivalents: &[
                "sigma:RBAC Permission Enumeration Attempt",
                "elastic:Kubernetes Suspicious Self-Subject Review",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"selfsubjectrulesreviews","apiGroup":"authorization.k8s.io"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"selfsubjectaccessreviews","apiGroup":"authorization.k8s.io"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            CREATE,
            &[
                "selfsubjectrulesreviews.authorization.k8s.io",
                "selfsubjectaccessreviews.authorization.k8s.io",
            ],
        ),
        ended: Ended::Done,
        when: own_rights,
    },
    Definition {
        rule: Rule {
            id: "AUD-R10-read",
            version: 1,
            title: "Cluster looked through by hand from the internet",
            why: "Normal for administrators of clusters with a public address; from an address that nobody knows, the first steps of an intruder.",
            next: "Ask whether the address belongs to the person; look whether the same identity works from another place at the same time.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","sourceIPs":["198.51.100.9"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","sourceIPs":["10.20.4.7"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::ByHand, Sign::Public]),
        ended: Ended::Done,
        when: |request| {
            let reads = matches!(request.verb(), "get" | "list" | "watch")
                && request.target().is_some()
                && request.subresource().is_empty();
            let known = !matches!(request.actor(), Actor::Anonymous | Actor::Unauthenticated);
            let ip = request.source_address().filter(|_| reads && known)?;
            Some(
                Firing::new(format!("asked to {}", asked(request)))
                    .with("sourceIPs", &ip.to_string()),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R90",
            version: 1,
            title: "Debugging endpoint of the API server read",
            why: "Logs, profiles and flags of the control plane hold secrets and show the way to them.",
            next: "Ask who needed it and take the right away again; see what the answer held, and whether flags stand as they should.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","requestURI":"/debug/pprof/heap","user":{"username":"dana"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","requestURI":"/metrics","user":{"username":"system:serviceaccount:ops:prometheus"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::DebugPath]),
        ended: Ended::Done,
        when: |request| {
            let is_figures =
                ["/metrics", "/configz"].iter().any(|it| request.path().starts_with(it));
            let (deed, severity) = match request.verb() {
                "get" if is_figures && !request.client().is_by_hand() => return None,
                "get" if is_figures => ("read", Severity::Low),
                "get" => ("read", Severity::Medium),
                // Flags can be set: a control plane that logs every body logs every secret.
                _ => ("wrote to", Severity::High),
            };
            (!request.is_by_trusted_system()).then(|| {
                Firing::new(format!("{deed} {}", request.path()))
                    .at(severity)
                    .with("requestURI", request.path())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R02",
            version: 1,
            title: "Anonymous client writes a workload",
            why: "Somebody without any credential decides what runs in the cluster.",
            next: "Find the binding in the reason and delete it; look at what the workload did since, and treat the nodes that it ran on as lost.",
            severity: Severity::Critical,
            confidence: SURE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1610"), technique("T1078.001")],
            equivalents: &["elastic:Kubernetes Anonymous User Create/Update/Patch Pods Request"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods","user":{"username":"system:anonymous"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"list","requestURI":"/api/v1/namespaces/shop/pods","user":{"username":"system:anonymous"},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, super::super::pod_spec::POD_WRITERS),
        ended: Ended::Done,
        when: |request| {
            (request.actor() == Actor::Anonymous).then(|| {
                Firing::new(format!("was allowed to {}", asked(request)))
                    .with("user.username", "system:anonymous")
            })
        },
    },
];

/// Reviews of all rules, by anybody but the machinery; reviews of a single right only where a service
/// account's token is used by hand, as `kubectl auth can-i` and admission of many programs make them.
fn own_rights(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let by_hand = request.client().is_by_hand();
    let workload = request.actor().is_workload();
    let severity = match (request.resource(), workload, by_hand) {
        ("selfsubjectrulesreviews", true, true) => Severity::Medium,
        ("selfsubjectrulesreviews", true, false) | ("selfsubjectaccessreviews", true, true) => {
            Severity::Low
        }
        ("selfsubjectrulesreviews", false, true) => Severity::Low,
        // Consoles ask on behalf of every person who opens them.
        ("selfsubjectrulesreviews", false, false) => Severity::Info,
        _ => return None,
    };
    Some(
        Firing::new("asked the API server what it may do")
            .at(severity)
            .with("objectRef.resource", request.resource()),
    )
}

fn is_from_the_internet(request: &Request<'_>) -> bool {
    request.source_address().is_some_and(|ip| request.profile().is_foreign(ip))
}
