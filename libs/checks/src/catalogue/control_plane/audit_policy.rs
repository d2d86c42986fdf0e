//! Checks on what an audit policy records of the requests that matter.

use airside_k8s::fields::{list, maps, text, texts};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::audit_rules::{Level, Request, Verdict, decide};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "audit-policy-secrets-unrecorded",
        title: "Audit policy does not record who reads or changes secrets",
        why: "Secrets are what intruders look for first; without events nobody can tell which of them have to be replaced.",
        fix: "Add a rule with the level Metadata for secrets, configmaps and tokenreviews before any rule that leaves them out.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &["cis-v1.12.0:3.2.2"],
        equivalents: &["kubescape:C-0161", "kube-bench:3.2.2"],
        judge: Judge::Object(POLICY, secrets_unrecorded),
        fails: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, resources: [{group: "", resources: [secrets]}]}
- {level: Metadata}
"#,
        passes: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: Metadata, resources: [{group: "", resources: [secrets]}]}
- {level: Metadata}
"#,
    },
    Check {
        id: "audit-policy-secret-values",
        title: "Audit policy writes secret values into the audit log",
        why: "With the bodies of requests the log holds passwords, keys and tokens, and everybody who reads the log, or a copy of it, has them.",
        fix: "Record secrets, configmaps, tokenreviews and serviceaccounts/token with the level Metadata, in a rule before the others.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &["cis-v1.12.0:3.2.2"],
        equivalents: &["kubescape:C-0161", "kube-bench:3.2.2"],
        judge: Judge::Object(POLICY, secret_values),
        fails: r"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: RequestResponse}
",
        passes: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: Metadata, resources: [{group: "", resources: [secrets, configmaps, serviceaccounts/token]}, {group: authentication.k8s.io, resources: [tokenreviews]}]}
- {level: RequestResponse}
"#,
    },
    Check {
        id: "audit-policy-exec-unrecorded",
        title: "Audit policy does not record exec, attach, port forwarding or proxying",
        why: "These requests are how people, and intruders, get into running pods; no other event tells of it.",
        fix: "Add a rule with the level Metadata for pods/exec, pods/attach, pods/portforward, pods/proxy and services/proxy.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &["cis-v1.12.0:3.2.2"],
        equivalents: &["kubescape:C-0161", "kube-bench:3.2.2"],
        judge: Judge::Object(POLICY, exec_unrecorded),
        fails: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, resources: [{group: "", resources: [pods/exec]}]}
- {level: Metadata}
"#,
        passes: r"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: Metadata}
",
    },
    Check {
        id: "audit-policy-gaps",
        title: "Audit policy does not record changes of kinds that it does not name",
        why: "A request that no rule matches leaves no event: custom resources, and kinds that later releases bring, can be changed unseen.",
        fix: "End the policy with a rule that has the level Metadata and no conditions.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &["cis-v1.12.0:3.2.2"],
        equivalents: &["kubescape:C-0161", "kube-bench:3.2.2"],
        judge: Judge::Object(POLICY, gaps),
        fails: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: Metadata, resources: [{group: ""}]}
"#,
        passes: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: Metadata, resources: [{group: ""}]}
- {level: Metadata}
"#,
    },
    Check {
        id: "audit-policy-unseen-group",
        title: "Audit policy leaves out everything that a powerful group does",
        why: "Whoever gets into the group can do anything without a trace; intruders aim at just such accounts.",
        fix: "Leave out single requests that are too many and harmless (by verb and resource), never all requests of a group.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICY, unseen_group),
        fails: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, userGroups: ["system:masters"]}
- {level: Metadata}
"#,
        passes: r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, userGroups: ["system:nodes"], verbs: [get], resources: [{group: "", resources: [nodes]}]}
- {level: Metadata}
"#,
    },
    Check {
        id: "audit-policy-omits-outcomes",
        title: "Audit policy leaves out how requests ended",
        why: "Without the stage ResponseComplete there is no event that tells whether a request was allowed and what it changed.",
        fix: "Take ResponseComplete and Panic out of omitStages; RequestReceived is the one that can be omitted.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICY, omits_outcomes),
        fails: r"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseComplete]
rules:
- {level: Metadata}
",
        passes: r"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata}
",
    },
];

const POLICY: &[(&str, &str)] = &[("audit.k8s.io", "Policy")];

fn secrets_unrecorded(policy: &Whole<'_>, report: &mut Report<'_>) {
    for verb in ["get", "list", "delete"] {
        if let Verdict { level: Level::None, path } =
            decide(policy, &Request::core(verb, "secrets"))
        {
            return report.fail(path, format!("{verb} of secrets leaves no event"));
        }
    }
}

fn secret_values(policy: &Whole<'_>, report: &mut Report<'_>) {
    const REVIEWS: &str = "authentication.k8s.io";
    let requests = [
        // With the request's body or with the response's: which of them holds the value?
        (Request::core("update", "secrets"), Level::Request),
        (Request::core("get", "secrets"), Level::RequestResponse),
        (Request { group: REVIEWS, ..Request::core("create", "tokenreviews") }, Level::Request),
        (Request::core("create", "serviceaccounts/token"), Level::RequestResponse),
    ];
    let mut seen = Vec::new();
    for (request, from) in &requests {
        let Verdict { level, path } = decide(policy, request);
        if level >= *from && !seen.contains(&path) {
            let Request { verb, resource, .. } = request;
            let message = format!("{verb} of {resource} is recorded with the level {level:?}");
            report.fail(path.clone(), message);
            seen.push(path);
        }
    }
}

fn exec_unrecorded(policy: &Whole<'_>, report: &mut Report<'_>) {
    const WAYS: [&str; 5] =
        ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy"];
    for resource in WAYS {
        // Old clients create, those with web sockets get.
        for verb in ["create", "get"] {
            if let Verdict { level: Level::None, path } =
                decide(policy, &Request::core(verb, resource))
            {
                return report.fail(path, format!("{verb} of {resource} leaves no event"));
            }
        }
    }
}

fn gaps(policy: &Whole<'_>, report: &mut Report<'_>) {
    let unnamed = Request { group: "example.com", ..Request::core("create", "examples") };
    if let Verdict { level: Level::None, path } = decide(policy, &unnamed) {
        report.fail(path, "changes of kinds that no rule names leave no event".to_owned());
    }
}

fn unseen_group(policy: &Whole<'_>, report: &mut Report<'_>) {
    const GROUPS: [&str; 5] = [
        "system:authenticated",
        "system:masters",
        "system:serviceaccounts",
        "system:serviceaccounts:kube-system",
        "system:unauthenticated",
    ];
    const CONDITIONS: [&str; 4] = ["verbs", "resources", "namespaces", "nonResourceURLs"];
    for (index, rule) in maps(policy.object.fields(), "rules") {
        let is_wide = CONDITIONS.iter().all(|condition| list(rule, condition).is_empty());
        let is_off = text(rule, "level") == Some("None") && list(rule, "users").is_empty();
        let groups: Vec<_> = texts(rule, "userGroups").map(|(_, group)| group).collect();
        let powerful = groups.iter().find(|group| GROUPS.contains(group));
        if let Some(group) = powerful.filter(|_| is_wide && is_off) {
            let path = FieldPath::of(&["rules"]).index(index).key("userGroups");
            report.fail(path, format!("nothing that members of {group} do leaves an event"));
        }
    }
}

fn omits_outcomes(policy: &Whole<'_>, report: &mut Report<'_>) {
    let root = FieldPath::root();
    let rules = maps(policy.object.fields(), "rules")
        .map(|(index, rule)| (root.key("rules").index(index), rule));
    for (path, fields) in rules.chain([(root.clone(), policy.object.fields())]) {
        for (index, stage) in texts(fields, "omitStages") {
            if matches!(stage, "ResponseComplete" | "Panic") {
                let path = path.key("omitStages").index(index);
                report.fail(path, format!("events of the stage {stage} are left out"));
            }
        }
    }
}
