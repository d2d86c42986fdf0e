//! Roles: what they grant, and where that leads.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::request::Request;
use super::{CREATE, Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE};

const ROLES: &[&str] =
    &["roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"];
const CHANGE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R61",
            version: 1,
            title: "Role with wildcards written",
            why: "A wildcard grants also what will be added to the cluster tomorrow.",
            next: "",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &["falco:ClusterRole With Wildcard Created"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"r"},"requestObject":[{"op":"add","path":"/rules/-","value":{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}}],"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"r"},"requestObject":{"rules":[{"apiGroups":["*"],"resources":["pods"],"verbs":["get"]}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, ROLES),
        ended: Ended::Done,
        when: |request| {
            rules_that(request, "wrote wildcards into", |rule| {
                let wild = |key| texts(rule, key).any(|name| name == "*");
                match (wild("resources"), wild("verbs")) {
                    (true, _) => Some("resources: *".to_owned()),
                    (false, true) => Some("verbs: *".to_owned()),
                    (false, false) => None,
                }
            })
            .map(|firing| {
                let everything = items(request.body(), "rules").iter().any(|rule| {
                    ["resources", "verbs"]
                        .iter()
                        .all(|key| texts(rule, key).any(|name| name == "*"))
                });
                // All verbs on one kind of custom resource is what every operator asks for.
                if everything { firing } else { firing.at(Severity::Medium) }
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R62",
            version: 1,
            title: "Role with rights to write created",
            why: "An inventory of who can change what; most roles of applications are in it.",
            next: "",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[
                "falco:ClusterRole With Write Privileges Created",
                "panther:Kubernetes.Role.WritePermissions",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"roles","namespace":"shop","name":"r"},"requestObject":{"rules":[{"resources":["configmaps"],"verbs":["get","delete"]}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"roles","namespace":"shop","name":"r"},"requestObject":{"rules":[{"resources":["configmaps"],"verbs":["get","list"]}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, ROLES),
        ended: Ended::Done,
        when: |request| {
            rules_that(request, "created", |rule| {
                let written = texts(rule, "verbs").filter(|verb| CHANGE.contains(verb));
                let written = written.collect::<Vec<_>>().join(", ");
                (!written.is_empty()).then(|| format!("verbs: {written}"))
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R63",
            version: 1,
            title: "Role that may enter pods created",
            why: "Whoever may exec into a pod has its service account, its secrets and its network.",
            next: "",
            severity: Severity::Low,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[
                "falco:ClusterRole With Pod Exec Created",
                "panther:Kubernetes.Role.PodExec",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"roles","namespace":"shop","name":"r"},"requestObject":{"rules":[{"apiGroups":[""],"resources":["pods/exec"],"verbs":["create"]}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"roles","namespace":"shop","name":"r"},"requestObject":{"rules":[{"apiGroups":[""],"resources":["pods/log"],"verbs":["get"]}]},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, ROLES),
        ended: Ended::Done,
        when: |request| {
            rules_that(request, "let pods be entered by", |rule| {
                let enters = texts(rule, "resources").any(|name| name == "pods/exec");
                enters.then(|| "resources: pods/exec".to_owned())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R64",
            version: 1,
            title: "Role that leads to more rights written",
            why: "These rights let their holder take others: by binding, impersonating, entering pods or nodes, issuing tokens.",
            next: "",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"update","user":{"username":"dana"},"objectRef":{"resource":"roles","namespace":"shop","name":"r"},"requestObject":{"rules":[{"resources":["nodes/proxy"],"verbs":["get"]}]},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"update","user":{"username":"dana"},"objectRef":{"resource":"roles","namespace":"shop","name":"r"},"requestObject":{"rules":[{"resources":["nodes"],"verbs":["get"]}]},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, ROLES),
        ended: Ended::Done,
        when: |request| {
            rules_that(request, "gave a way to more rights to", leads_to_more).map(|firing| {
                // Operators read secrets everywhere; the other rights are rarer.
                let only_reads = items(request.body(), "rules")
                    .iter()
                    .filter_map(leads_to_more)
                    .all(|what| what.contains("secrets"));
                if only_reads { firing.at(Severity::Low) } else { firing }
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R68",
            version: 1,
            title: "Rights added to the roles that everybody uses",
            why: "The label adds this role's rules to admin, edit or view in every namespace.",
            next: "",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"r"},"requestObject":{"metadata":{"labels":{"rbac.authorization.k8s.io/aggregate-to-view":"true"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"r"},"requestObject":{"metadata":{"labels":{"app":"web"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["clusterroles.rbac.authorization.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            const INTO: [&str; 3] = ["admin", "edit", "view"];
            let labels = at(request.body(), &["metadata", "labels"]);
            let into = INTO.into_iter().find(|role| {
                let label = format!("rbac.authorization.k8s.io/aggregate-to-{role}");
                text(labels, &label) == "true"
            })?;
            (!request.is_by_trusted_system()).then(|| {
                Firing::new(format!("added the rights of ClusterRole {} to {into}", request.name()))
                    .with("requestObject.metadata.labels", &format!("aggregate-to-{into}"))
            })
        },
    },
];

/// Fires for a role of which some rules answer a question.
fn rules_that(
    request: &Request<'_>,
    deed: &str,
    question: impl Fn(&Value) -> Option<String>,
) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let kind = super::super::kind::of(request.resource());
    let mut answers =
        items(request.body(), "rules").iter().enumerate().filter_map(|(index, rule)| {
            Some((format!("requestObject.rules[{index}]"), question(rule)?))
        });
    let (field, answer) = answers.next()?;
    let firing = Firing::new(format!("{deed} {kind} {}", request.name())).with(&field, &answer);
    Some(answers.fold(firing, |firing, (field, answer)| firing.with(&field, &answer)))
}

/// What in a rule leads to rights beyond it.
fn leads_to_more(rule: &Value) -> Option<String> {
    const VERBS: [&str; 3] = ["escalate", "bind", "impersonate"];
    const RESOURCES: [&str; 9] = [
        "pods/exec",
        "pods/attach",
        "pods/ephemeralcontainers",
        "nodes/proxy",
        "serviceaccounts/token",
        "certificatesigningrequests/approval",
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "secrets",
    ];
    let verb = texts(rule, "verbs").find(|verb| VERBS.contains(verb));
    if let Some(verb) = verb {
        return Some(format!("verbs: {verb}"));
    }
    let writes = texts(rule, "verbs").any(|verb| WRITE.contains(&verb) || verb == "*");
    let resource = texts(rule, "resources").find(|name| {
        let only_writing = name.ends_with("webhookconfigurations");
        // A role that names the secrets it may read gives no more than those.
        let named = !items(rule, "resourceNames").is_empty();
        RESOURCES.contains(name) && (!only_writing || writes) && !(*name == "secrets" && named)
    })?;
    Some(format!("resources: {resource}"))
}
