//! Reading secrets: whole clusters, whole namespaces, one after the other, or with a shell's tools.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::actor::Actor;
use super::super::body::{at, text};
use super::super::client::Client;
use super::super::request::Request;
use super::words::did;
use super::{Definition, Ended, Firing, On, READS, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE, WEAK};

/// The observation that counting for `AUD-R14` builds on.
pub(crate) const READ: &str = "AUD-R14-read";

const LISTS: &[&str] = &["list", "watch"];
const SECRETS: &[&str] = &["secrets"];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R12",
            version: 1,
            title: "Secrets of all namespaces listed",
            why: "One request gives every password, key and token in the cluster.",
            next: "Find who it was and from where; replace the secrets that matter if nobody explains it, those of service accounts and clouds first.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007")],
            equivalents: &[
                "panther:Kubernetes.Secrets.DumpAllNamespaces",
                "stratus:k8s.credential-access.dump-secrets",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","requestURI":"/api/v1/secrets?limit=500","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"secrets"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","requestURI":"/api/v1/secrets","user":{"username":"system:serviceaccount:kube-system:generic-garbage-collector"},"objectRef":{"resource":"secrets"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(LISTS, SECRETS),
        ended: Ended::Done,
        when: |request| {
            let counts = request.namespace().is_empty() && !request.is_by_trusted_system();
            // Controllers keep all secrets in memory and read them again all day.
            let severity = match (request.actor(), request.client().is_by_hand()) {
                // None of the cluster's own that is not known for it has a reason to.
                (Actor::ServiceAccount { namespace: "kube-system", .. }, false) => Severity::Low,
                (Actor::ServiceAccount { .. }, false) => Severity::Info,
                _ if is_for_helm(request) => Severity::Low,
                _ => Severity::High,
            };
            counts.then(|| {
                Firing::new("listed the secrets of all namespaces")
                    .at(severity)
                    .with("objectRef.resource", "secrets")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R13",
            version: 1,
            title: "Secrets of a namespace listed",
            why: "A list holds the values of all secrets, also for somebody who needs one of them.",
            next: "See whether the actor needs one of them or all; look for the same in other namespaces.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"secrets","namespace":"payments"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"watch","user":{"username":"system:node:node-1"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"secrets","namespace":"payments","name":"db"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(LISTS, SECRETS),
        ended: Ended::Done,
        when: namespace_listed,
    },
    Definition {
        rule: Rule {
            id: READ,
            version: 1,
            title: "Secret read by name",
            why: "Normal by itself; many different ones in a short time are AUD-R14.",
            next: "Nothing by itself; see how many others the same actor read.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"payments","name":"db"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","user":{"username":"system:serviceaccount:payments:api"},"objectRef":{"resource":"secrets","namespace":"payments","name":"db"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(READS, SECRETS),
        ended: Ended::Done,
        when: |request| {
            // A list may ask for one object by its name; the API server reads the name from there.
            if request.name().is_empty() {
                return None;
            }
            // A program that reads its own namespace's secrets does what its service account is for.
            let own_use = request.is_in_own_namespace() && !request.client().is_by_hand();
            let counts = !own_use && !request.is_by_trusted_system();
            let is_master_key = request.client().is_by_hand() && opens_more(request.name());
            counts.then(|| {
                Firing::new(format!("read secret {}/{}", request.namespace(), request.name()))
                    .at(if is_master_key { Severity::Medium } else { Severity::Info })
                    .with("objectRef.namespace", request.namespace())
                    .with("objectRef.name", request.name())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R15",
            version: 1,
            title: "Access to secrets denied",
            why: "Somebody tries which secrets they can read.",
            next: "Look at what the same identity and address were allowed, and which secrets they tried.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","user":{"username":"system:node:node-2"},"userAgent":"curl/8.5.0","objectRef":{"resource":"secrets","namespace":"ops","name":"backup"},"responseStatus":{"code":403},"annotations":{"authorization.k8s.io/decision":"forbid"}}"#,
                quiet: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"ops","name":"backup"},"responseStatus":{"code":404}}"#,
            }),
        },
        on: On::Resources(READS, SECRETS),
        ended: Ended::Refused,
        when: |request| {
            let counts = request.is_denied_by_authorization() && !request.is_by_trusted_system();
            let machine = !matches!(request.actor(), Actor::User(_));
            counts.then(|| {
                let severe = machine && request.client().is_by_hand();
                Firing::new(format!("was denied the secrets {}", place(request)))
                    .at(if severe { Severity::Medium } else { Severity::Low })
                    .with("responseStatus.code", "403")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R16",
            version: 1,
            title: "Service account reads a secret of another namespace",
            why: "A workload's own secrets lie in its own namespace; few operators have a reason to look into others.",
            next: "Ask the owner of the workload; look into its pods, and take the right to other namespaces away.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"secrets","namespace":"payments","name":"stripe"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","user":{"username":"system:serviceaccount:payments:api"},"userAgent":"api/2.1","objectRef":{"resource":"secrets","namespace":"payments","name":"stripe"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(READS, SECRETS),
        ended: Ended::Done,
        when: |request| {
            let counts = request.actor().is_workload()
                && !request.namespace().is_empty()
                && !request.is_in_own_namespace();
            let by_hand = request.client().is_by_hand();
            counts.then(|| {
                Firing::new(format!("read secrets {}", place(request)))
                    .at(if by_hand { Severity::Medium } else { Severity::Low })
                    .with("objectRef.namespace", request.namespace())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R17",
            version: 1,
            title: "Secrets read with a scripting client",
            why: "Programs use a client library; curl and its kin are what an intruder finds in a container.",
            next: "Look into the pod that the token belongs to for a shell, and at what the secret opens.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"secrets","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"web/3.1 client-go","objectRef":{"resource":"secrets","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(READS, SECRETS),
        ended: Ended::Done,
        when: |request| {
            // A job that fetches the one secret it needs is often a shell script.
            let own_secret = request.verb() == "get"
                && (request.is_in_own_namespace() || !request.actor().is_workload());
            request.client().is_script().then(|| {
                Firing::new(format!("read secrets {}", place(request)))
                    .at(if own_secret { Severity::Info } else { Severity::Medium })
                    .with("verb", request.verb())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R19",
            version: 1,
            title: "Secret created that is a credential for the cluster",
            why: "A token kept in a secret does not expire, and a bootstrap token lets a machine join as a node.",
            next: "Find out who uses the token; delete the secret and give bound tokens that expire instead.",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1098"), technique("T1528")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"shop","name":"web-token"},"requestObject":{"type":"kubernetes.io/service-account-token"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"shop","name":"web"},"requestObject":{"type":"Opaque"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(&["create", "patch"], SECRETS),
        ended: Ended::Done,
        when: |request| {
            const ACCOUNT: &str = "kubernetes.io/service-account.name";
            const TYPES: [&str; 2] =
                ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];
            let kind = text(request.body(), "type");
            let bootstrap = request.namespace() == "kube-system"
                && request.name().starts_with("bootstrap-token-");
            let annotations = at(request.body(), &["metadata", "annotations"]);
            // The controller puts a token into whatever secret of that type names an account.
            let for_account = !text(annotations, ACCOUNT).is_empty();
            let made = request.verb() == "create" && (TYPES.contains(&kind) || bootstrap);
            let turned = request.verb() == "patch" && (TYPES.contains(&kind) || for_account);
            let counts = (made || turned) && !request.is_by_trusted_system();
            let kind = match kind {
                "" if for_account => TYPES[0],
                "" => TYPES[1],
                kind => kind,
            };
            counts.then(|| {
                Firing::new(format!(
                    "wrote secret {}/{} of type {kind}",
                    request.namespace(),
                    request.name()
                ))
                .with("requestObject.type", kind)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R73",
            version: 1,
            title: "Credentials in a ConfigMap",
            why: "Everybody who may read the namespace's configuration can read them; secrets exist for this.",
            next: "Move the value into a secret and replace the credential; see who could read the ConfigMap so far.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.001")],
            equivalents: &["falco:Create/Modify Configmap With Private Credentials"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"web"},"requestObject":{"data":{"app.properties":"user = web\npassword = hunter2\n"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"web"},"requestObject":{"data":{"app.properties":"password = ${DB_PASSWORD}\n"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["configmaps"]),
        ended: Ended::Done,
        when: super::network::credentials_in_config,
    },
    Definition {
        rule: Rule {
            id: "AUD-R18",
            version: 1,
            title: "Secrets and configuration reached through a provider's gateway",
            why: "Azure Arc, Connect and consoles like Rancher reach the cluster for people whom only the gateway knows; the cluster's own rules about addresses and identities do not hold there.",
            next: "Look in the gateway's own log for who it was and from where, and whether that person works with this namespace.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","user":{"username":"system:serviceaccount:azure-arc:azure-arc-kube-aad-proxy-sa"},"impersonatedUser":{"username":"dana@shop.example"},"objectRef":{"resource":"secrets","namespace":"shop","name":"db"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","user":{"username":"system:serviceaccount:azure-arc:azure-arc-kube-aad-proxy-sa"},"impersonatedUser":{"username":"dana@shop.example"},"objectRef":{"resource":"pods","namespace":"shop","name":"web"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            &["get", "list", "create", "update", "patch", "delete"],
            &["secrets", "configmaps"],
        ),
        ended: Ended::Done,
        when: |request| {
            const GATEWAYS: [(&str, &str); 4] = [
                ("azure-arc", "azure-arc-kube-aad-proxy-sa"),
                ("gke-connect", "connect-agent-sa"),
                ("cattle-system", "cattle"),
                ("cattle-impersonation-system", "cattle-impersonation"),
            ];
            let Actor::ServiceAccount { namespace, name } = request.actor() else { return None };
            let is_gateway =
                GATEWAYS.iter().any(|(of, account)| *of == namespace && name.starts_with(account));
            let person = request.event().impersonated_user.as_ref().filter(|_| is_gateway)?;
            let is_secret = request.resource() == "secrets";
            Some(
                Firing::new(format!("{} through a gateway", did(request)))
                    .at(if is_secret { Severity::Low } else { Severity::Info })
                    .with("impersonatedUser.username", &person.username),
            )
        },
    },
];

/// Whether a secret is called as the keys are that open others: all sealed secrets, a delivery tool, another cluster.
fn opens_more(name: &str) -> bool {
    name.starts_with("sealed-secrets-key")
        || name.ends_with("-kubeconfig")
        || matches!(name, "argocd-initial-admin-secret" | "vault-unseal-keys" | "vault-root-token")
}

fn namespace_listed(request: &Request<'_>) -> Option<Firing> {
    let is_list = !request.namespace().is_empty() && request.target()?.name.is_empty();
    if !is_list || request.is_by_trusted_system() {
        return None;
    }
    let severity = match request.client() {
        _ if is_for_helm(request) => Severity::Info,
        Client::Kubectl | Client::Script | Client::AttackTool
            if request.profile().is_sensitive_namespace(request.namespace()) =>
        {
            Severity::Medium
        }
        Client::Kubectl | Client::Script | Client::AttackTool => Severity::Low,
        Client::Unknown | Client::Kubelet | Client::Program => Severity::Info,
    };
    Some(
        Firing::new(format!("listed the secrets {}", place(request)))
            .at(severity)
            .with("objectRef.namespace", request.namespace()),
    )
}

fn place(request: &Request<'_>) -> String {
    match (request.namespace(), request.name()) {
        ("", _) => "of all namespaces".to_owned(),
        (namespace, "") => format!("of namespace {namespace}"),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// Helm keeps its releases in secrets and lists them by this label.
fn is_for_helm(request: &Request<'_>) -> bool {
    // Most queries need not be taken apart.
    request.query().contains("helm")
        && request.parameters("labelSelector").next().is_some_and(|selector| {
            let mut parts = selector.split(',').map(str::trim);
            parts.any(|part| matches!(part, "owner=helm" | "owner==helm" | "owner in (helm)"))
        })
}
