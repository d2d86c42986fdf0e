//! Roles: what they grant, and where that leads.

use std::sync::LazyLock;

use airside_checks::{Category, Failure, ObjectChecks};
use airside_k8s::{Object, Value, workload};
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, texts};
use super::super::request::Request;
use super::guards::GROUPS;
use super::{CREATE, Definition, Ended, Firing, MODIFY, On, WRITE};
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
            next: "Ask for the rights that are really needed, and see who is bound to the role already.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[
                "falco:ClusterRole With Wildcard Created",
                "stratus:k8s.persistence.create-admin-clusterrole",
            ],
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
                let part = texts(rule, "resources").find(|name| {
                    name.split_once('/').is_some_and(|(whole, below)| {
                        // All of a subresource is every door of its kind; `*/scale` opens none.
                        below == "*" || whole == "*" && !matches!(below, "scale" | "status")
                    })
                });
                let path = texts(rule, "nonResourceURLs").find(|path| matches!(*path, "*" | "/*"));
                match (wild("resources"), part, wild("verbs"), path) {
                    (true, ..) => Some("resources: *".to_owned()),
                    (_, Some(part), ..) => Some(format!("resources: {part}")),
                    (_, _, true, _) => Some("verbs: *".to_owned()),
                    (.., Some(path)) => Some(format!("nonResourceURLs: {path}")),
                    _ => None,
                }
            })
            .map(|firing| {
                let wild = |rule: &Value, key| texts(rule, key).any(|name| name == "*");
                // Groups of custom resources are an operator's own; a wildcard in them is no more than all of these.
                let is_own = |rule: &Value| {
                    let mut groups = texts(rule, "apiGroups").peekable();
                    groups.peek().is_some() && groups.all(is_own_group)
                };
                let is_everything =
                    |rule: &&Value| wild(rule, "resources") && wild(rule, "verbs") && !is_own(rule);
                let mut wild_rules = rules(request)
                    .iter()
                    .filter(|rule| wild(rule, "resources") || wild(rule, "verbs"))
                    .peekable();
                let is_all_own = wild_rules.peek().is_some() && wild_rules.all(is_own);
                // All verbs on one kind of custom resource is what every operator asks for.
                match rules(request).iter().find(is_everything) {
                    Some(_) => firing,
                    None if is_all_own => firing.at(Severity::Low),
                    None => firing.at(Severity::Medium),
                }
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R62",
            version: 1,
            title: "Role with rights to write created",
            why: "An inventory of who can change what; most roles of applications are in it.",
            next: "Compare with what the application does; look at who gets the role.",
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
            next: "See who is bound to the role, and what the pods in its reach can do.",
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
            const DOORS: [&str; 4] = ["pods/exec", "pods/attach", "pods/*", "*/exec"];
            rules_that(request, "let pods be entered by", |rule| {
                let door = texts(rule, "resources").find(|name| DOORS.contains(name))?;
                Some(format!("resources: {door}"))
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R64",
            version: 1,
            title: "Role that leads to more rights written",
            why: "These rights let their holder take others: by binding, impersonating, entering pods or nodes, issuing tokens.",
            next: "See who is bound to the role; limit the rule by names of objects, or take it out.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"update","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"r"},"requestObject":{"rules":[{"apiGroups":[""],"resources":["nodes/proxy"],"verbs":["get"]}]},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"update","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","name":"r"},"requestObject":{"rules":[{"apiGroups":[""],"resources":["nodes"],"verbs":["get"]}]},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, ROLES),
        ended: Ended::Done,
        when: |request| (!request.is_by_trusted_system()).then(|| leads_to_more(request))?,
    },
    Definition {
        rule: Rule {
            id: "AUD-R68",
            version: 2,
            title: "Rights added to the roles that everybody uses",
            why: "The label adds this role's rules to admin, edit or view in every namespace.",
            next: "See who has the role that the rights go to: admin, edit and view are given away freely.",
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
            const LABEL: &str = "rbac.authorization.k8s.io/aggregate-to-";
            if request.is_by_trusted_system() {
                return None;
            }
            // Roles of one's own may gather rights by such labels as well.
            let labels = at(request.body(), &["metadata", "labels"]).as_object();
            let into = labels.into_iter().flatten().find_map(|(key, value)| {
                key.strip_prefix(LABEL).filter(|_| value.as_str() == Some("true"))
            });
            if let Some(into) = into {
                // Whoever may look is not to see secrets, nor to enter pods: Kubernetes leaves that out on purpose.
                let leads = into != "admin" && leads_to_all(request.body());
                let looks_further = into == "view"
                    && rules(request).iter().any(|rule| reads_secrets(rule) || enters(rule));
                let is_worse = leads || looks_further;
                let is_unknown = rules(request).is_empty();
                return Some(
                    Firing::new(format!(
                        "added the rights of ClusterRole {} to {into}",
                        request.name()
                    ))
                    .at(match () {
                        () if is_worse => Severity::High,
                        () if is_unknown && request.client().is_by_hand() => Severity::Medium,
                        () => Severity::Low,
                    })
                    .with("requestObject.metadata.labels", &format!("aggregate-to-{into}")),
                );
            }
            let gathers = at(request.body(), &["aggregationRule"]);
            let selectors = items(gathers, "clusterRoleSelectors");
            // A selector without conditions is met by every role.
            let any = selectors.iter().any(|selector| {
                selector.as_object().is_some_and(|fields| {
                    fields
                        .iter()
                        .all(|(_, of)| of.as_object().is_some_and(|it| it.iter().next().is_none()))
                })
            });
            (any || MODIFY.contains(&request.verb()) && !selectors.is_empty()).then(|| {
                let all = if any { "every role" } else { "other roles" };
                Firing::new(format!(
                    "let ClusterRole {} gather the rights of {all}",
                    request.name()
                ))
                .at(if any { Severity::High } else { Severity::Low })
                .with("requestObject.aggregationRule", all)
            })
        },
    },
];

fn reads_secrets(rule: &Value) -> bool {
    let has = |key, among: &[&str]| texts(rule, key).any(|name| among.contains(&name));
    has("apiGroups", &["", "*"])
        && has("resources", &["secrets", "*"])
        && has("verbs", &["get", "list", "watch", "*"])
}

fn enters(rule: &Value) -> bool {
    const DOORS: [&str; 5] =
        ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "serviceaccounts/token"];
    texts(rule, "resources").any(|name| DOORS.contains(&name))
}

/// Whether a group is of custom resources that decide about nothing but themselves: not about rights, nor about what guards
/// enforce or what runs where.
fn is_own_group(group: &str) -> bool {
    const PLATFORMS: [&str; 8] = [
        "openshift.io",
        "cattle.io",
        "argoproj.io",
        "crossplane.io",
        "cluster.x-k8s.io",
        "karpenter.sh",
        "tekton.dev",
        "kubevirt.io",
    ];
    let is_of = |platform: &str| {
        group.strip_suffix(platform).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let decides = GROUPS.contains(&group) || PLATFORMS.into_iter().any(is_of);
    group != "*" && workload::is_custom(group) && !decides
}

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
    let mut answers = rules(request).iter().enumerate().filter_map(|(index, rule)| {
        let answer = question(rule)?;
        Some((format!("requestObject.rules[{index}]"), answer))
    });
    let (field, answer) = answers.next()?;
    let firing = Firing::new(format!("{deed} {kind} {}", request.name())).with(&field, &answer);
    Some(answers.fold(firing, |firing, (field, answer)| firing.with(&field, &answer)))
}

/// The rules of a role that a request writes. A patch that changes a rule in parts shows only these parts,
/// so that the answer tells what became of it.
fn rules<'r>(request: &'r Request<'_>) -> &'r [Value] {
    let written = items(request.body(), "rules");
    let is_whole = |rule: &Value| {
        rule.get("verbs").is_some()
            && (rule.get("resources").is_some() || rule.get("nonResourceURLs").is_some())
    };
    if written.iter().all(is_whole) {
        return written;
    }
    request.change().after().map_or(written, |after| items(after, "rules"))
}

/// Checks that the roles of most operators fail; the others are rarer.
const USUAL: [&str; 7] = [
    "change-pods",
    "change-workloads",
    "create-pods",
    "read-secrets",
    "write-secrets",
    "change-endpoints",
    "change-network-policies",
];

/// The scanner's checks on rights, without those on wildcards, which are another rule's.
static RIGHTS: LazyLock<ObjectChecks> = LazyLock::new(|| {
    ObjectChecks::of(|check| {
        check.category == Category::AccessControl
            && check.severity > Severity::Low
            && !check.id.contains("wildcard")
    })
});

/// What the scanner's checks on rights say of a role, the worst first.
fn failures(role: &Value, kind: &str) -> Vec<Failure> {
    let role = Object::as_kind(role, super::super::grant::GROUP, "v1", kind);
    let mut found: Vec<Failure> = role.map(|role| RIGHTS.failures(&role)).unwrap_or_default();
    found.sort_by_key(|failure| std::cmp::Reverse(failure.check.severity));
    found
}

/// Whether a role of the whole cluster leads to all of its rights.
pub(super) fn leads_to_all(role: &Value) -> bool {
    let found = failures(role, "ClusterRole");
    found.first().is_some_and(|worst| worst.check.severity == Severity::Critical)
}

/// What the scanner's checks on rights say about the rules that are written.
fn leads_to_more(request: &Request<'_>) -> Option<Firing> {
    let kind = super::super::kind::of(request.resource());
    let judge = || {
        let names = ["name", "namespace"].into_iter().zip([request.name(), request.namespace()]);
        let metadata = Value::Object(names.collect());
        let written = Value::Array(rules(request).into());
        let role = [("metadata", metadata), ("rules", written)].into_iter().collect();
        failures(&Value::Object(role), kind)
    };
    // What became of a rule that is changed in parts is the answer's.
    let is_of_body = std::ptr::eq(rules(request), items(request.body(), "rules"));
    let found = if is_of_body { request.judged_by_name("rights", judge) } else { judge().into() };
    let worst = found.first()?;
    let severity = match worst.check.severity {
        _ if found.iter().all(|failure| USUAL.contains(&failure.check.id)) => Severity::Low,
        Severity::Critical => Severity::High,
        _ => Severity::Medium,
    };
    let deed = format!("gave a way to more rights to {kind} {}", request.name());
    let firing = Firing::new(deed).at(severity);
    Some(found.iter().fold(firing, |firing, failure| {
        firing.with(&format!("requestObject.{}", failure.field), &failure.message)
    }))
}
