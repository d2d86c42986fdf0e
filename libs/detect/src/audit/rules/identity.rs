//! Identities that are not what they should be: impersonated, out of place, or in an attack tool's hands.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::actor::Actor;
use super::super::request::Request;
use super::super::sign::Sign;
use super::words::asked;
use super::{Definition, Ended, Firing, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, WEAK};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R11",
            version: 1,
            title: "Attack tool at the API server",
            why: "The client calls itself what tools for attacking clusters call themselves.",
            next: "Follow the identity and address through the log, and look into the pod whose token was used.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"kdigger/1.5.1","objectRef":{"resource":"pods","namespace":"shop"}}"#,
                quiet: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"web/1.5.1","objectRef":{"resource":"pods","namespace":"shop"}}"#,
            }),
        },
        on: On::Signs(&[Sign::AttackTool]),
        ended: Ended::Either,
        when: |request| Some(Firing::new(format!("asked to {}", asked(request)))),
    },
    Definition {
        rule: Rule {
            id: "AUD-R69",
            version: 2,
            title: "Privileged identity impersonated",
            why: "Acting as the cluster's masters or machinery gives their rights and hides the real user from most logs.",
            next: "Find the right to impersonate in the reason and who gave it; read the real user's other requests, as the impersonated one did not make them.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1134")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"dana"},"impersonatedUser":{"username":"root","groups":["system:masters"]},"objectRef":{"resource":"secrets"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"dana"},"impersonatedUser":{"username":"erin","groups":["devs"]},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Impersonates]),
        ended: Ended::Done,
        when: impersonation,
    },
    Definition {
        rule: Rule {
            id: "AUD-R69-other",
            version: 1,
            title: "Another identity impersonated by hand",
            why: "Administrators try out so what somebody may do; whoever has stolen the right acts under any name with it.",
            next: "Ask the real user; read what was done under the other name.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1134")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","impersonatedUser":{"username":"erin"},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"system:serviceaccount:portal:gateway"},"userAgent":"portal/2.1","impersonatedUser":{"username":"erin"},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Impersonates, Sign::ByHand]),
        ended: Ended::Done,
        when: |request| {
            let user = request.event().impersonated_user.as_ref()?;
            // Acting as oneself, with other groups, is a way to put one's rights on for a moment.
            let is_other = user.username != request.event().user.username;
            let by_workload = request.actor().is_workload() && !request.is_passed_on();
            (is_other && impersonation(request).is_none()).then(|| {
                Firing::new(format!("asked to {}", asked(request)))
                    .at(if by_workload { Severity::Medium } else { Severity::Info })
                    .with("impersonatedUser.username", &user.username)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R69-bound",
            version: 1,
            title: "Impersonated as bound to a pod or node",
            why: "By the pod and node that a token is bound to, policies tell which of an account's pods may do what; who claims another one passes for it.",
            next: "Find the right to impersonate userextras in the reason and who gave it; look which policies ask for the node or pod, and what they let pass.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1134"), technique("T1550.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"update","user":{"username":"dana"},"userAgent":"curl/8.5.0","impersonatedUser":{"username":"system:serviceaccount:ops:agent","extra":{"authentication.kubernetes.io/node-name":["node-7"]}},"objectRef":{"resource":"configmaps","namespace":"ops","name":"node-7"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"update","user":{"username":"dana"},"userAgent":"curl/8.5.0","impersonatedUser":{"username":"system:serviceaccount:ops:agent","extra":{"example.net/team":["ops"]}},"objectRef":{"resource":"configmaps","namespace":"ops","name":"node-7"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Impersonates]),
        ended: Ended::Done,
        when: |request| {
            let user = request.event().impersonated_user.as_ref()?;
            let extra = &user.extra;
            let claimed = [
                ("pod-name", &extra.pod_name),
                ("pod-uid", &extra.pod_uid),
                ("node-name", &extra.node_name),
                ("node-uid", &extra.node_uid),
            ];
            let (name, value) = claimed.into_iter().find(|(_, value)| !value.is_empty())?;
            // Gateways pass on what the token of their own client says.
            let is_gateway = request.is_by_program();
            Some(
                Firing::new(format!("asked to {}", asked(request)))
                    .at(if is_gateway { Severity::Low } else { Severity::Medium })
                    .with("impersonatedUser.username", &user.username)
                    .with(&format!("impersonatedUser.extra.{name}"), value),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R69-denied",
            version: 1,
            title: "Impersonation denied",
            why: "Somebody tries to act as another identity and may not: nobody does that by accident.",
            next: "Ask the owner of the identity; look at what it was denied and allowed around that time, and from where.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1134")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"dana"},"objectRef":{"resource":"secrets"},"responseStatus":{"code":403,"message":"groups \"system:masters\" is forbidden: User \"dana\" cannot impersonate resource \"groups\" in API group \"\" at the cluster scope"}}"#,
                quiet: r#"{"verb":"list","user":{"username":"dana"},"objectRef":{"resource":"secrets"},"responseStatus":{"code":403,"message":"secrets is forbidden: User \"dana\" cannot list resource \"secrets\" in API group \"\" at the cluster scope"}}"#,
            }),
        },
        on: On::Signs(&[Sign::Denied]),
        ended: Ended::Refused,
        when: |request| {
            let message = &request.event().response_status.message;
            let (what, _) = message
                .split_once(" cannot impersonate ")
                .map(|_| message.split_once(" is forbidden").unwrap_or((message, "")))?;
            Some(
                Firing::new(format!("was not let act as {what}"))
                    .with("responseStatus.message", message),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R93",
            version: 1,
            title: "Node's credential used by another program than the kubelet",
            why: "A node's identity can read the secrets of its pods; only its kubelet has a use for it.",
            next: "Look on the node for who reads its kubelet's files; replace the node and its certificate, and look at which secrets it could read.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::LateralMovement,
            techniques: &[technique("T1550.001"), technique("T1078")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:node:node-1"},"userAgent":"curl/8.5.0","objectRef":{"resource":"pods"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"system:node:node-1"},"userAgent":"kubelet/v1.36.2 (linux/amd64)","objectRef":{"resource":"pods"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Node, Sign::ByHand]),
        ended: Ended::Either,
        when: |request| Some(Firing::new(format!("asked to {}", asked(request)))),
    },
    Definition {
        rule: Rule {
            id: "AUD-R99",
            version: 1,
            title: "Name of a service account or node without what comes with it",
            why: "The API server gives these identities their groups. A name without them, or with the masters' group, comes from a certificate or an authenticator that somebody has bent.",
            next: "Find the credential by its id and who had it signed (certificate signing requests, the authenticator's configuration); replace the authority that signed it if nobody can explain it.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006"), technique("T1078")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web","groups":["system:authenticated"]},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web","groups":["system:serviceaccounts","system:serviceaccounts:shop","system:authenticated"]},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Disguised]),
        ended: Ended::Either,
        when: |request| {
            let user = &request.event().user;
            let groups = user.groups.join(", ");
            Some(
                Firing::new(format!(
                    "asked to {} under a name that is not its own",
                    asked(request)
                ))
                .with("user.username", &user.username)
                .with("user.groups", &groups),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R96",
            version: 1,
            title: "Pod's token used by hand from the internet",
            why: "The token is bound to a pod, and a pod speaks from inside: somebody took the token along.",
            next: "Look into the pod for how the token left it, delete the pod, and look at what the token was used for from outside.",
            severity: Severity::High,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1528"), technique("T1550.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web","extra":{"authentication.kubernetes.io/pod-name":["web-0"]}},"userAgent":"curl/8.5.0","sourceIPs":["198.51.100.9"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web","extra":{"authentication.kubernetes.io/pod-name":["web-0"]}},"userAgent":"curl/8.5.0","sourceIPs":["10.244.1.7"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::BoundToPod, Sign::ByHand, Sign::Public]),
        ended: Ended::Either,
        when: |request| {
            let pod = &request.event().user.extra.pod_name;
            let ip = request.source_address().filter(|_| request.actor().is_workload())?;
            Some(
                Firing::new(format!("asked to {} with the token of pod {pod}", asked(request)))
                    .with("sourceIPs", &ip.to_string())
                    .with("user.extra.pod-name", pod),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R88",
            version: 1,
            title: "Forwarded address chain that the client made up",
            why: "The client claims to come from the API server itself; whoever believes the first address is fooled.",
            next: "Trust only the last entry in your own tools; look at what the same address asked for without the trick.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1036"), technique("T1090")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"dana"},"sourceIPs":["127.0.0.1","198.51.100.9"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"dana"},"sourceIPs":["10.20.0.4","10.0.0.9"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Forwarded]),
        ended: Ended::Either,
        when: |request| {
            let addresses = &request.event().source_ips;
            let client = request.profile().client_entry(addresses)?;
            let claimed = addresses.get(..client)?;
            let is_loopback =
                |text: &str| text.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
            let loopback = claimed.iter().find(|text| is_loopback(text));
            // Where the proxies are known, whatever stands before the client is the client's own word.
            let is_known = request.profile().trusted_proxies.is_some();
            let claim = loopback.or_else(|| claimed.first().filter(|_| is_known))?;
            let counts = addresses.get(client) != Some(claim) && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!("claimed to come from {claim}"))
                    .with("sourceIPs", &addresses.join(", "))
            })
        },
    },
];

fn impersonation(request: &Request<'_>) -> Option<Firing> {
    const GROUPS: [&str; 4] = [
        "system:masters",
        "kubeadm:cluster-admins",
        "system:nodes",
        "system:kube-controller-manager",
    ];
    let user = request.event().impersonated_user.as_ref()?;
    let group = user.groups.iter().find(|group| GROUPS.contains(&&***group));
    let privileged = match Actor::of(user) {
        Actor::Component(_) | Actor::Node(_) => true,
        Actor::ServiceAccount { namespace, .. } => namespace == "kube-system",
        Actor::User(name) => matches!(
            name,
            "cluster-admin" | "system:admin" | "kubernetes-admin" | "kubernetes-super-admin"
        ),
        Actor::Unauthenticated | Actor::Anonymous => false,
    };
    (privileged || group.is_some()).then(|| {
        let firing = Firing::new(format!("asked to {}", asked(request)))
            .with("impersonatedUser.username", &user.username);
        let constraint = &request.event().impersonation_constraint;
        let firing = match &**constraint {
            "" => firing,
            // The API server has seen to it that it is the node that the client's own pod runs on.
            "impersonate:associated-node" => firing
                .at(Severity::Low)
                .with("authenticationMetadata.impersonationConstraint", constraint),
            constraint => firing.with("authenticationMetadata.impersonationConstraint", constraint),
        };
        let firing = match &*user.uid {
            "" => firing,
            uid => firing.with("impersonatedUser.uid", uid),
        };
        match group {
            Some(group) => firing.with("impersonatedUser.groups", group),
            None => firing,
        }
    })
}
