//! Bindings: who is given which rights, and by whom.

use airside_k8s::Value;
use airside_k8s::rbac::{Bearer, names};
use airside_types::attack::technique;
use airside_types::{Entity, Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::request::Request;
use super::words::did;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE};

const BINDINGS: &[&str] =
    &["rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io"];
const ALL_RBAC: &[&str] = &[
    "roles.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
];
const CHANGE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R03",
            version: 1,
            title: "Rights granted to everybody",
            why: "Whoever reaches the API server, or holds any credential at all, has these rights now.",
            next: "Delete the binding, then look at what anonymous and unknown users did since it was there.",
            severity: Severity::Critical,
            confidence: SURE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1098.006")],
            equivalents: &["guardduty:Policy:Kubernetes/AnonymousAccessGranted"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"Group","name":"system:unauthenticated"}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"Group","name":"devs"}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, BINDINGS),
        ended: Ended::Done,
        when: |request| {
            const EVERYBODY: [&str; 3] =
                ["system:anonymous", "system:unauthenticated", "system:authenticated"];
            // The first of these is the widest.
            let mut names = EVERYBODY.into_iter();
            let group =
                names.find(|name| subjects(request).iter().any(|it| text(it, "name") == *name))?;
            let severity = match group {
                // Who joins a cluster of kubeadm's reads its certificate before it has a credential.
                _ if is_for_joining(request) => Severity::Low,
                "system:authenticated" => Severity::High,
                _ => Severity::Critical,
            };
            (!request.is_by_trusted_system()).then(|| {
                bound(request, "granted").at(severity).with("requestObject.subjects.name", group)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R59",
            version: 1,
            title: "cluster-admin bound",
            why: "The subject may do everything, to everything.",
            next: "Ask who decided it. Look at what the subject did since, other bindings that it made first of all.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &["falco:Attach to cluster-admin Role"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","namespace":"shop","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"User","name":"erin"}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, BINDINGS),
        ended: Ended::Done,
        when: binds_admin,
    },
    Definition {
        rule: Rule {
            id: "AUD-R59-component",
            version: 1,
            title: "Role bound that comes close to cluster-admin",
            why: "The roles of controllers, and admin in every namespace or in the cluster's own, hold what leads to everything: secrets, pods, other roles.",
            next: "Ask who decided it and whether a role for the purpose would do; look at what the subject did since.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"system:controller:clusterrole-aggregation-controller"},"subjects":[{"kind":"User","name":"erin"}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","namespace":"shop","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"admin"},"subjects":[{"kind":"User","name":"erin"}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, BINDINGS),
        ended: Ended::Done,
        when: binds_component,
    },
    Definition {
        rule: Rule {
            id: "AUD-R60",
            version: 1,
            title: "Default service account given rights",
            why: "Every pod of the namespace that names no account of its own has these rights now.",
            next: "Give the workload that needs it an account of its own; see which pods run as the default one.",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006"), technique("T1078.001")],
            equivalents: &["guardduty:Policy:Kubernetes/AdminAccessToDefaultServiceAccount"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","namespace":"shop","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"edit"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"default"}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","namespace":"shop","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"edit"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, BINDINGS),
        ended: Ended::Done,
        when: |request| {
            // A group of all accounts holds the default one as well.
            let is_default = |subject: &Value| match (text(subject, "kind"), text(subject, "name"))
            {
                ("ServiceAccount", name) => name == "default",
                ("User", name) => {
                    matches!(Bearer::of_user(name), Bearer::ServiceAccount(_, "default"))
                }
                ("Group", name) => {
                    name == ALL_ACCOUNTS || name.starts_with("system:serviceaccounts:")
                }
                _ => false,
            };
            let counts =
                subjects(request).iter().any(is_default) && !request.is_by_trusted_system();
            let of_all = subjects(request).iter().any(|it| text(it, "name") == ALL_ACCOUNTS);
            counts.then(|| {
                bound(request, "gave the default service account").at(if of_all {
                    Severity::High
                } else {
                    Severity::Medium
                })
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R60-cluster",
            version: 1,
            title: "Service account given rights in the whole cluster",
            why: "Whoever takes over one of its pods has these rights in every namespace.",
            next: "Read the role; see whether rights in one namespace would do, and who can get into the account's pods.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"erin"}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["clusterrolebindings.rbac.authorization.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let is_account = subjects(request).iter().any(|subject| match text(subject, "kind") {
                "ServiceAccount" => true,
                "User" => {
                    matches!(Bearer::of_user(text(subject, "name")), Bearer::ServiceAccount(..))
                }
                _ => false,
            });
            let counts = is_account && !request.is_by_trusted_system();
            counts.then(|| bound(request, "bound"))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R65",
            version: 1,
            title: "Role of the cluster itself changed or deleted",
            why: "Roles named `system:` hold the cluster together, and whoever has one gets what is added to it.",
            next: "Compare with the role of a fresh cluster of the same version; a restart of the API server puts its own back.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[
                "falco:System ClusterRole Modified/Deleted",
                "panther:Kubernetes.SystemRole.Modified",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"system:node"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"system:coredns"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(&["create", "update", "patch", "delete"], ALL_RBAC),
        ended: Ended::Done,
        when: |request| {
            // Installers keep these up to date.
            const INSTALLED: [&str; 4] = [
                "system:aggregated-metrics-reader",
                "system:coredns",
                "system:managed-certificate-controller",
                "system:metrics-server",
            ];
            let name = request.name();
            let counts = names::is_reserved(name)
                && !INSTALLED.contains(&name)
                && !request.is_by_trusted_system();
            let severity = match request.verb() {
                // An add-on's own, or one that hides among them.
                "create" => Severity::Low,
                _ => Severity::High,
            };
            counts.then(|| Firing::new(did(request)).at(severity).with("objectRef.name", name))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R66",
            version: 1,
            title: "Service account changes rights",
            why: "Few programs manage rights; one that does through a shell's tools is being used.",
            next: "Look at what it changed and for whom, and into the workload's pods if no operator is meant to do this.",
            severity: Severity::High,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"rolebindings","namespace":"shop","name":"b"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"system:serviceaccount:kube-system:clusterrole-aggregation-controller"},"objectRef":{"resource":"clusterroles","name":"admin"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(CHANGE, ALL_RBAC),
        ended: Ended::Done,
        when: |request| {
            let by_hand = request.client().is_by_hand();
            request.actor().is_workload().then(|| {
                Firing::new(did(request))
                    .at(if by_hand { Severity::High } else { Severity::Low })
                    .with("verb", request.verb())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R71",
            version: 1,
            title: "Mapping of cloud identities changed",
            why: "On EKS this ConfigMap says which AWS identity is which user, and who is a master.",
            next: "Compare the mapping with its last known version; look for new identities in the group system:masters.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1098.006"), technique("T1078.004")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"kube-system","name":"aws-auth"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"kube-system","name":"aws-auth"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(CHANGE, &["configmaps"]),
        ended: Ended::Done,
        when: |request| {
            let counts = request.namespace() == "kube-system"
                && request.name() == "aws-auth"
                && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new("changed the mapping of cloud identities").with("verb", request.verb())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R71-trust",
            version: 1,
            title: "Whom the cluster trusts changed",
            why: "These ConfigMaps say whose word extension servers, pods and joining machines take, and how kubelets are configured: a foreign authority in one is believed everywhere.",
            next: "Compare with the authority's certificate on the control plane's disk, and the kubelets' configuration with the repository; see who joined or was believed since.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1556"), technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"kube-system","name":"extension-apiserver-authentication"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"update","user":{"username":"system:serviceaccount:kube-system:root-ca-cert-publisher"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"kube-root-ca.crt"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(CHANGE, &["configmaps"]),
        ended: Ended::Done,
        when: |request| {
            // Installers write those of joining and of kubelets, the others nobody but their keepers.
            let severity = match (request.namespace(), request.name()) {
                ("kube-system", "extension-apiserver-authentication") => Severity::High,
                // Their keepers make them again, as they were.
                _ if request.verb() == "delete" => return None,
                (_, "kube-root-ca.crt") => Severity::High,
                // Every upgrade writes them: a note, and no part of a story.
                ("kube-public", "cluster-info") | ("kube-system", "kubelet-config") => {
                    Severity::Info
                }
                _ => return None,
            };
            (!request.is_by_trusted_system()).then(|| {
                let deed = format!("changed whom the cluster trusts: {}", request.name());
                Firing::new(deed).at(severity).with("verb", request.verb())
            })
        },
    },
];

/// The group of all service accounts; with a namespace behind it, of all of that.
const ALL_ACCOUNTS: &str = "system:serviceaccounts";

/// The subjects that a request writes: all of them, or those that a patch adds or names.
fn subjects<'r>(request: &'r Request<'_>) -> &'r [Value] {
    items(request.body(), "subjects")
}

/// The role of a binding. A patch cannot change it and rarely names it; then the answer shows it.
fn role_of<'r>(request: &'r Request<'_>) -> &'r Value {
    let written = at(request.body(), &["roleRef"]);
    let shown = || request.change().after().map(|after| at(after, &["roleRef"]));
    if written.is_object() { written } else { shown().unwrap_or(written) }
}

/// A firing about a binding, with its role, and its subjects as targets.
fn bound(request: &Request<'_>, deed: &str) -> Firing {
    let role = role_of(request);
    let subjects = subjects(request);
    let names: Vec<&str> = subjects.iter().map(|subject| text(subject, "name")).take(5).collect();
    let names = match names.join(", ") {
        names if names.is_empty() => "subjects that the event does not have".to_owned(),
        names => names,
    };
    let firing = match text(role, "name") {
        // The event has no role; what the binding is called has to do.
        "" => Firing::new(format!("{deed} the role of binding {} to {names}", request.name()))
            .with("objectRef.name", request.name()),
        role_name => Firing::new(format!("{deed} {} {role_name} to {names}", text(role, "kind")))
            .with("roleRef.name", role_name),
    };
    subjects.iter().filter_map(|it| subject_entity(it, request)).fold(firing, Firing::on)
}

/// A subject of a binding; groups are no entities. An account without a namespace is of the binding's.
fn subject_entity(subject: &Value, request: &Request<'_>) -> Option<Entity> {
    let name = text(subject, "name");
    let namespace = [text(subject, "namespace"), request.namespace()];
    match text(subject, "kind") {
        _ if name.is_empty() => None,
        "ServiceAccount" => {
            let namespace = namespace.into_iter().find(|given| !given.is_empty())?;
            Some(Entity::service_account(namespace, name))
        }
        "User" => Some(Entity::User { name: name.to_owned() }),
        _ => None,
    }
}

/// A patch that touches no subject changes nobody's rights.
fn binds_admin(request: &Request<'_>) -> Option<Firing> {
    // The bindings that Kubernetes and kubeadm make, for which a patch without its answer has no role.
    const OF_ADMINS: [&str; 2] = [ADMIN, "kubeadm:cluster-admins"];
    let role = role_of(request);
    let is_admin = match text(role, "name") {
        "" => request.resource() == "clusterrolebindings" && OF_ADMINS.contains(&request.name()),
        name => text(role, "kind") == "ClusterRole" && name == ADMIN,
    };
    let counts = is_admin && gives(request) && !request.is_by_trusted_system();
    let by_workload = request.is_workload_by_hand();
    // kubeadm binds its own group in every cluster that it makes, and nothing is given by that.
    let is_own = request.name() == OF_ADMINS[1]
        && !subjects(request).is_empty()
        && subjects(request)
            .iter()
            .all(|it| text(it, "kind") == "Group" && text(it, "name") == OF_ADMINS[1]);
    counts.then(|| {
        bound(request, "bound").at(match () {
            () if is_own => Severity::Low,
            () if by_workload => Severity::Critical,
            // Whoever holds a delivery tool's token could do the same.
            () if request.keeps_as_declared() => Severity::Medium,
            () => Severity::High,
        })
    })
}

/// Whether a request gives a role to somebody: a patch may change other things.
fn gives(request: &Request<'_>) -> bool {
    request.verb() != "patch"
        || !subjects(request).is_empty()
        || at(request.body(), &["roleRef"]).is_object()
}

/// Whether a binding lets those who join a cluster of kubeadm's read what they need first.
fn is_for_joining(request: &Request<'_>) -> bool {
    let role = role_of(request);
    request.namespace() == "kube-public"
        && text(role, "kind") == "Role"
        && text(role, "name") == "kubeadm:bootstrap-signer-clusterinfo"
}

/// A role that holds what leads to everything, bound to somebody for whom it is not made.
fn binds_component(request: &Request<'_>) -> Option<Firing> {
    let role = role_of(request);
    if text(role, "name") == ADMIN {
        return None;
    }
    let (is_wide, is_of_cluster) =
        (request.namespace().is_empty(), request.is_in_system_namespace());
    let severity = worth(role, is_wide, is_of_cluster)?;
    let counts = gives(request) && !request.is_by_trusted_system();
    counts.then(|| bound(request, "bound").at(severity))
}

/// The role that may do everything.
pub(super) const ADMIN: &str = "cluster-admin";

/// What it weighs to be bound to a role, in the whole cluster, in one of its own namespaces, or in another one; nothing for
/// roles of which the name says nothing.
pub(super) fn worth(role: &Value, is_wide: bool, is_of_cluster: bool) -> Option<Severity> {
    if text(role, "kind") != "ClusterRole" {
        return None;
    }
    // By these pods may run as OpenShift else lets none.
    const CONSTRAINTS: [&str; 4] =
        ["privileged", "hostaccess", "hostmount-anyuid", "node-exporter"];
    let name = text(role, "name");
    if let Some(constraints) = name.strip_prefix("system:openshift:scc:") {
        return CONSTRAINTS.contains(&constraints).then_some(Severity::Medium);
    }
    Some(match name {
        ADMIN | "system:kube-controller-manager" => Severity::High,
        name if name.starts_with("system:controller:") => Severity::High,
        "system:node" | "system:kubelet-api-admin" if is_wide => Severity::Medium,
        "admin" if is_wide || is_of_cluster => Severity::Medium,
        "edit" if is_wide || is_of_cluster => Severity::Low,
        _ => return None,
    })
}
