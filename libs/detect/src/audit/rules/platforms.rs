//! What is told to platforms that run on the cluster, and that have more rights than whoever tells them: backups, engines of
//! policies, ingress controllers, and the rights that platforms give by themselves.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::request::Request;
use super::hands::{Hands, writes_content};
use super::policy::changed;
use super::roles::leads_to_all;
use super::{CREATE, DELETE, Definition, Ended, Firing, MODIFY, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

/// Verbs that write or delete an object.
const TOUCH: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R59-platform",
            version: 1,
            title: "Rights on a platform given",
            why: "Rancher and OpenShift have rights of their own beside the cluster's roles: an owner of a cluster, or an account that may run privileged pods, shows in no binding.",
            next: "Who got which right, and who decided it; look at what they did since.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"oc/4.17","objectRef":{"resource":"securitycontextconstraints","apiGroup":"security.openshift.io","name":"privileged"},"requestObject":{"users":["system:serviceaccount:shop:web"]},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"oc/4.17","objectRef":{"resource":"securitycontextconstraints","apiGroup":"security.openshift.io","name":"privileged"},"requestObject":{"metadata":{"labels":{"a":"b"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "clusterroletemplatebindings.management.cattle.io",
                "globalrolebindings.management.cattle.io",
                "globalroles.management.cattle.io",
                "groups.user.openshift.io",
                "oauthaccesstokens.oauth.openshift.io",
                "oauthclients.oauth.openshift.io",
                "projectroletemplatebindings.management.cattle.io",
                "roletemplates.management.cattle.io",
                "securitycontextconstraints.security.openshift.io",
                "tokens.management.cattle.io",
                "useridentitymappings.user.openshift.io",
            ],
        ),
        ended: Ended::Done,
        when: rights,
    },
    Definition {
        rule: Rule {
            id: "AUD-R71-login",
            version: 1,
            title: "Who says who somebody is changed",
            why: "An identity provider or authority that is added here may call anybody an administrator, and the cluster believes it.",
            next: "Whose provider or certificate it is; which logins came through it, and what they did.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1556")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"jwtauthenticators","apiGroup":"authentication.concierge.pinniped.dev","name":"j"},"requestObject":{"spec":{"issuer":"https://example.net"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"get","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"jwtauthenticators","apiGroup":"authentication.concierge.pinniped.dev","name":"j"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "activedirectoryidentityproviders.idp.supervisor.pinniped.dev",
                "authconfigs.management.cattle.io",
                "apiservers.config.openshift.io",
                "authentications.config.openshift.io",
                "clustertrustbundles.certificates.k8s.io",
                "connectors.dex.coreos.com",
                "githubidentityproviders.idp.supervisor.pinniped.dev",
                "jwtauthenticators.authentication.concierge.pinniped.dev",
                "ldapidentityproviders.idp.supervisor.pinniped.dev",
                "oauths.config.openshift.io",
                "oidcidentityproviders.idp.supervisor.pinniped.dev",
                "requestauthentications.security.istio.io",
                "secrets",
                "webhookauthenticators.authentication.concierge.pinniped.dev",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let counts = request.subresource().is_empty()
                && says_who(request)
                && writes_content(request)
                && !request.is_by_trusted_system();
            counts.then(|| {
                // To give somebody an account is an administrator's work.
                let is_account = request.resource() == "secrets";
                let accounts = Hands { person: Severity::Low, program: Severity::Info };
                let severity = if is_account { accounts } else { Hands::RARE }.weigh(request);
                changed(request).at(severity).with("objectRef.name", request.name())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R80-backup",
            version: 1,
            title: "Backups deleted, stopped or led elsewhere",
            why: "What is deleted next cannot be brought back, and what is kept elsewhere is somebody else's copy of all data.",
            next: "Which backups are left and where they are; put the schedule and its place back, and see what was deleted since.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"velero-cli/v1.16","objectRef":{"resource":"deletebackuprequests","apiGroup":"velero.io","namespace":"velero","name":"d"},"requestObject":{"spec":{"backupName":"nightly"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"velero-cli/v1.16","objectRef":{"resource":"backups","apiGroup":"velero.io","namespace":"velero","name":"b"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            TOUCH,
            &[
                "deletebackuprequests.velero.io",
                "schedules.velero.io",
                "backupstoragelocations.velero.io",
            ],
        ),
        ended: Ended::Done,
        when: backups,
    },
    Definition {
        rule: Rule {
            id: "AUD-R55-engine",
            version: 1,
            title: "Policy engine told to change or make objects",
            why: "The engine rewrites what others apply, or copies secrets from one namespace to another, with its own rights.",
            next: "Which objects the policy matches, and what it puts into them; whether it stands in the repository.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1546")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"clusterpolicies","apiGroup":"kyverno.io","name":"p"},"requestObject":{"spec":{"rules":[{"name":"a","mutate":{"patchStrategicMerge":{}}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"clusterpolicies","apiGroup":"kyverno.io","name":"p"},"requestObject":{"spec":{"rules":[{"name":"a","validate":{"message":"no"}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "clusterpolicies.kyverno.io",
                "policies.kyverno.io",
                "mutatingpolicies.policies.kyverno.io",
                "generatingpolicies.policies.kyverno.io",
                "assign.mutations.gatekeeper.sh",
                "assignimage.mutations.gatekeeper.sh",
                "assignmetadata.mutations.gatekeeper.sh",
                "modifyset.mutations.gatekeeper.sh",
            ],
        ),
        ended: Ended::Done,
        when: engine,
    },
    Definition {
        rule: Rule {
            id: "AUD-R77-snippet",
            version: 1,
            title: "Configuration written into the ingress controller",
            why: "A snippet is the controller's own configuration: it can read the controller's token, which reads the secrets of all namespaces (CVE-2021-25742, CVE-2025-1974).",
            next: "Read the snippet; look at what the controller's service account did since, and switch snippets off.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1190"), technique("T1552")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"ingresses","apiGroup":"networking.k8s.io","namespace":"shop","name":"i"},"requestObject":{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/configuration-snippet":"more_set_headers \"a: b\";"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"ingresses","apiGroup":"networking.k8s.io","namespace":"shop","name":"i"},"requestObject":{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/rewrite-target":"/$1"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["ingresses.networking.k8s.io", "configmaps"]),
        ended: Ended::Done,
        when: snippet,
    },
    Definition {
        rule: Rule {
            id: "AUD-R80-owner",
            version: 1,
            title: "Object given an owner by hand",
            why: "The garbage collector deletes what belongs to an owner that is not there, and whoever gave the owner does not show as the one who deleted it.",
            next: "Whether the owner exists, and whether the object still does; put it back, and ask who patched it.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001"), technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"networkpolicies","apiGroup":"networking.k8s.io","namespace":"shop","name":"deny-all"},"requestObject":{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"gone","uid":"3f0e4d9a-0000-4000-8000-000000000000"}]}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"networkpolicies","apiGroup":"networking.k8s.io","namespace":"shop","name":"deny-all"},"requestObject":{"metadata":{"labels":{"a":"b"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            &["patch"],
            &[
                "networkpolicies.networking.k8s.io",
                "persistentvolumeclaims",
                "persistentvolumes",
                "secrets",
                "daemonsets.apps",
                "deployments.apps",
                "statefulsets.apps",
                "clusterpolicies.kyverno.io",
                "policies.kyverno.io",
                "validatingadmissionpolicybindings.admissionregistration.k8s.io",
                "validatingwebhookconfigurations.admissionregistration.k8s.io",
                "ciliumnetworkpolicies.cilium.io",
                "ciliumclusterwidenetworkpolicies.cilium.io",
            ],
        ),
        ended: Ended::Done,
        when: given_an_owner,
    },
];

/// Whether what is written is about who somebody is: of OpenShift's API server the authority of clients, of its secrets those
/// that have passwords.
fn says_who(request: &Request<'_>) -> bool {
    let body = request.body();
    match request.resource() {
        "apiservers" => !text(at(body, &["spec", "clientCA"]), "name").is_empty(),
        "secrets" => {
            let has = |field| !at(body, &[field, "htpasswd"]).is_null();
            request.namespace() == "openshift-config" && ["data", "stringData"].into_iter().any(has)
        }
        _ => true,
    }
}

/// Roles of Rancher that own a cluster, or all of them.
const OWNERS: [&str; 5] =
    ["admin", "restricted-admin", "cluster-owner", "clusters-manage", "project-owner"];

fn rights(request: &Request<'_>) -> Option<Firing> {
    let body = request.body();
    let (field, given) = match request.resource() {
        "groups" | "securitycontextconstraints" => ["users", "groups"]
            .into_iter()
            .find_map(|field| Some((field, texts(body, field).next()?)))
            .or_else(|| Some((lets_pods_out(body)?, "true")))?,
        "globalrolebindings" => ("globalRoleName", text(body, "globalRoleName")),
        "clusterroletemplatebindings" | "projectroletemplatebindings" => {
            ("roleTemplateName", text(body, "roleTemplateName"))
        }
        "globalroles" | "roletemplates" => {
            let inherited = ["inheritedClusterRoles", "roleTemplateNames"].into_iter();
            let mut inherited =
                inherited.flat_map(|list| texts(body, list).map(move |it| (list, it)));
            let owner = || inherited.find(|(_, role)| OWNERS.contains(role));
            leads_to_all(body).then_some(("rules", "*")).or_else(owner)?
        }
        // The servers of OpenShift and Rancher make tokens for those who log in.
        "tokens" => ("userId", text(body, "userId")),
        _ => ("metadata.name", name_of(request)),
    };
    let is_binding =
        request.group() == "management.cattle.io" && request.resource().ends_with("bindings");
    let counts = !given.is_empty() && (!is_binding || OWNERS.contains(&given));
    let severity = Hands::RARE.weigh(request);
    let firing = changed(request).at(severity).with(&format!("requestObject.{field}"), given);
    (counts && !request.is_by_trusted_system()).then_some(firing)
}

/// The name of an object, or the one that the API server is to complete.
fn name_of<'r>(request: &'r Request<'_>) -> &'r str {
    let given = text(at(request.body(), &["metadata"]), "generateName");
    if request.name().is_empty() { given } else { request.name() }
}

/// What of a security context constraint lets a pod out of its container.
fn lets_pods_out(constraints: &Value) -> Option<&'static str> {
    const DOORS: [&str; 5] = [
        "allowHostDirVolumePlugin",
        "allowHostIPC",
        "allowHostNetwork",
        "allowHostPID",
        "allowPrivilegedContainer",
    ];
    DOORS.into_iter().find(|door| constraints.get(*door) == Some(&Value::Bool(true)))
}

/// Velero asks itself to delete what is too old.
fn backups(request: &Request<'_>) -> Option<Firing> {
    let deletes = DELETE.contains(&request.verb());
    let counts = match request.resource() {
        "deletebackuprequests" => CREATE.contains(&request.verb()),
        "schedules" => {
            deletes || at(request.body(), &["spec"]).get("paused") == Some(&Value::Bool(true))
        }
        _ => {
            let leads = MODIFY.contains(&request.verb()) && request.subresource().is_empty();
            leads && writes_content(request) || deletes
        }
    };
    let by_program = request.is_by_program();
    (counts && !request.is_by_trusted_system()).then(|| {
        changed(request)
            .at(if by_program { Severity::Info } else { Severity::Medium })
            .with("objectRef.name", request.name())
    })
}

fn engine(request: &Request<'_>) -> Option<Firing> {
    let is_whole = !matches!(request.resource(), "clusterpolicies" | "policies");
    let rules = items(at(request.body(), &["spec"]), "rules");
    let does = |kind: &str| rules.iter().any(|rule| rule.get(kind).is_some());
    let what = ["mutate", "generate"].into_iter().find(|kind| does(kind));
    let by_program = request.is_by_program();
    let counts = (is_whole || what.is_some()) && request.subresource().is_empty();
    (counts && !request.is_by_trusted_system()).then(|| {
        let severity = if by_program { Severity::Low } else { Severity::Medium };
        let firing = changed(request).at(severity);
        match what {
            Some(what) => firing.with("requestObject.spec.rules", what),
            None => firing,
        }
    })
}

/// What no header or rewriting needs: files, other servers and code.
const REACHES: [&str; 8] =
    ["lua", "proxy_pass", "alias", "load_module", "serviceaccount", "root /", "169.254.", "perl"];

fn snippet(request: &Request<'_>) -> Option<Firing> {
    const CONTROLLER: &str = "nginx.ingress.kubernetes.io/";
    if request.is_by_trusted_system() {
        return None;
    }
    if request.resource() == "configmaps" {
        let data = at(request.body(), &["data"]);
        let lets = data.get("allow-snippet-annotations").and_then(Value::as_str) == Some("true");
        let by_program = request.is_by_program();
        let severity = if by_program { Severity::Low } else { Severity::Medium };
        return lets.then(|| {
            changed(request)
                .at(severity)
                .with("requestObject.data.allow-snippet-annotations", "true")
        });
    }
    let annotations = at(request.body(), &["metadata", "annotations"]).as_object();
    let mut snippets = annotations.into_iter().flatten().filter_map(|(key, value)| {
        let (name, value) = (key.strip_prefix(CONTROLLER)?, value.as_str()?);
        // What is no snippet may break out of its place in the configuration.
        let breaks_out = value.contains([';', '{', '\n']) && !name.ends_with("-snippet");
        (name.ends_with("-snippet") || breaks_out).then_some((key, value, breaks_out))
    });
    let (key, value, breaks_out) = snippets.next()?;
    let lower = value.to_ascii_lowercase();
    let reaches = breaks_out || REACHES.iter().any(|word| lower.contains(word));
    let severity = match () {
        () if reaches => Severity::High,
        () if request.client().is_by_hand() => Severity::Medium,
        () => Severity::Low,
    };
    let field = format!("requestObject.metadata.annotations.{key}");
    Some(changed(request).at(severity).with(&field, value))
}

fn given_an_owner(request: &Request<'_>) -> Option<Firing> {
    if !request.client().is_by_hand() || request.is_by_trusted_system() {
        return None;
    }
    let owner = items(at(request.body(), &["metadata"]), "ownerReferences").first()?;
    let owner = format!("{} {}", text(owner, "kind"), text(owner, "name"));
    Some(changed(request).with("requestObject.metadata.ownerReferences", &owner))
}
