//! Traces and damage: deleted events and namespaces, accounts and name service of the cluster itself.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::request::Request;
use super::{CREATE, DELETE, Definition, Ended, Firing, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R70",
            version: 1,
            title: "Service account created in a namespace of the cluster itself",
            why: "Among the cluster's own accounts a foreign one is hard to see.",
            next: "",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1136.001")],
            equivalents: &["falco:Service Account Created in Kube Namespace"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"kube-system","name":"s"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"s"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["serviceaccounts"]),
        ended: Ended::Done,
        when: |request| {
            let counts = request.is_in_system_namespace() && !request.is_by_trusted_system();
            counts.then(|| fired(request))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R72",
            version: 1,
            title: "Name service of the cluster changed",
            why: "Whoever changes CoreDNS decides where every name in the cluster leads.",
            next: "",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557"), technique("T1565")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"kube-system","name":"coredns"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"coredns"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            &["create", "update", "patch", "delete"],
            &["configmaps", "deployments.apps"],
        ),
        ended: Ended::Done,
        when: |request| {
            const NAMES: [&str; 4] = ["coredns", "coredns-custom", "kube-dns", "node-local-dns"];
            let counts = request.namespace() == "kube-system"
                && NAMES.contains(&request.name())
                && !request.is_by_trusted_system();
            counts.then(|| fired(request))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R74",
            version: 1,
            title: "Events deleted",
            why: "Events expire by themselves; whoever deletes them wants something not to be seen.",
            next: "",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1070")],
            equivalents: &["sigma:Kubernetes Events Deleted"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"deletecollection","user":{"username":"dana"},"objectRef":{"resource":"events","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"deletecollection","user":{"username":"system:serviceaccount:kube-system:namespace-controller"},"objectRef":{"resource":"events","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(DELETE, &["events"]),
        ended: Ended::Done,
        when: |request| (!request.is_by_trusted_system()).then(|| fired(request)),
    },
    Definition {
        rule: Rule {
            id: "AUD-R80",
            version: 1,
            title: "Whole namespace or collection deleted",
            why: "One request, and everything of a kind or a whole namespace is gone.",
            next: "",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            DELETE,
            &[
                "namespaces",
                "persistentvolumes",
                "persistentvolumeclaims",
                "secrets",
                "configmaps",
                "deployments.apps",
                "statefulsets.apps",
                "pods",
                "services",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let whole = request.verb() == "deletecollection" || request.resource() == "namespaces";
            (whole && !request.is_by_trusted_system()).then(|| {
                let by_hand = request.is_workload_by_hand();
                fired(request).at(if by_hand { Severity::High } else { Severity::Low })
            })
        },
    },
];

/// A firing that says what was asked for.
fn fired(request: &Request<'_>) -> Firing {
    let deed = match request.verb() {
        "create" => "created",
        "delete" | "deletecollection" => "deleted",
        _ => "changed",
    };
    let kind = super::super::kind::of(request.resource());
    let place = match (request.resource(), request.namespace()) {
        ("namespaces", _) | (_, "") => String::new(),
        (_, namespace) => format!(" of namespace {namespace}"),
    };
    let name = match request.name() {
        "" => "all objects of kind".to_owned(),
        name => name.to_owned(),
    };
    let deed = if request.name().is_empty() {
        format!("{deed} {name} {kind}{place}")
    } else {
        format!("{deed} {kind} {name}{place}")
    };
    Firing::new(deed).with("verb", request.verb())
}
