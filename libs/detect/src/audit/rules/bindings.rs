//! Bindings: who is given which rights, and by whom.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Entity, Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::request::Request;
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
            next: "",
            severity: Severity::Critical,
            confidence: SURE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
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
            let group = items(request.body(), "subjects")
                .iter()
                .map(|subject| text(subject, "name"))
                .find(|name| EVERYBODY.contains(name))?;
            let severity =
                if group == "system:authenticated" { Severity::High } else { Severity::Critical };
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
            next: "",
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
            id: "AUD-R60",
            version: 1,
            title: "Default service account given rights",
            why: "Every pod of the namespace that names no account of its own has these rights now.",
            next: "",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006"), technique("T1078.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","namespace":"shop","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"edit"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"default"}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","namespace":"shop","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"edit"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, BINDINGS),
        ended: Ended::Done,
        when: |request| {
            let is_default = items(request.body(), "subjects").iter().any(|subject| {
                text(subject, "kind") == "ServiceAccount" && text(subject, "name") == "default"
            });
            let counts = is_default && !request.is_by_trusted_system();
            counts.then(|| bound(request, "gave the default service account"))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R60-cluster",
            version: 1,
            title: "Service account given rights in the whole cluster",
            why: "Whoever takes over one of its pods has these rights in every namespace.",
            next: "",
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
            let subjects = items(request.body(), "subjects");
            let is_account =
                subjects.iter().any(|subject| text(subject, "kind") == "ServiceAccount");
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
            next: "",
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
        on: On::Resources(&["update", "patch", "delete"], ALL_RBAC),
        ended: Ended::Done,
        when: |request| {
            // Installers keep these two up to date.
            const INSTALLED: [&str; 2] =
                ["system:coredns", "system:managed-certificate-controller"];
            let name = request.name();
            let counts = name.starts_with("system:")
                && !INSTALLED.contains(&name)
                && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(super::access::asked_for(request)).with("objectRef.name", name)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R66",
            version: 1,
            title: "Service account changes rights",
            why: "Few programs manage rights; one that does through a shell's tools is being used.",
            next: "",
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
                Firing::new(format!("changed rights: {}", super::access::asked_for(request)))
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
            next: "",
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
];

/// A firing about a binding, with its role, and its subjects as targets.
fn bound(request: &Request<'_>, deed: &str) -> Firing {
    let role = at(request.body(), &["roleRef"]);
    let subjects = items(request.body(), "subjects");
    let names: Vec<&str> = subjects.iter().map(|subject| text(subject, "name")).take(5).collect();
    let firing = Firing::new(format!(
        "{deed} {} {} to {}",
        text(role, "kind"),
        text(role, "name"),
        names.join(", ")
    ));
    let firing = firing.with("requestObject.roleRef.name", text(role, "name"));
    subjects.iter().filter_map(subject_entity).fold(firing, Firing::on)
}

/// A subject of a binding; groups are no entities.
fn subject_entity(subject: &Value) -> Option<Entity> {
    let name = text(subject, "name");
    match text(subject, "kind") {
        _ if name.is_empty() => None,
        "ServiceAccount" => Some(Entity::service_account(text(subject, "namespace"), name)),
        "User" => Some(Entity::User { name: name.to_owned() }),
        _ => None,
    }
}

fn binds_admin(request: &Request<'_>) -> Option<Firing> {
    let role = at(request.body(), &["roleRef"]);
    let is_admin = text(role, "kind") == "ClusterRole" && text(role, "name") == "cluster-admin";
    let counts = is_admin && !request.is_by_trusted_system();
    let by_workload = request.is_workload_by_hand();
    counts.then(|| {
        bound(request, "bound").at(if by_workload { Severity::Critical } else { Severity::High })
    })
}
