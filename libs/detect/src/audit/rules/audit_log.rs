//! The audit log itself, and how the API server decides: switched off, led elsewhere, or opened by its flags.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::request::Request;
use super::judged::wrote;
use super::{CREATE, Definition, Ended, Firing, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R85",
            version: 1,
            title: "Audit log of the API server switched off",
            why: "What is done from now on is written down nowhere.",
            next: "Set the profile back at once, and look at the actor's other requests before, and at what changed in the cluster since.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.008")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"apiservers","apiGroup":"config.openshift.io","name":"cluster"},"requestObject":{"spec":{"audit":{"profile":"None"}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"apiservers","apiGroup":"config.openshift.io","name":"cluster"},"requestObject":{"spec":{"audit":{"profile":"WriteRequestBodies"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(&["update", "patch"], &["apiservers.config.openshift.io"]),
        ended: Ended::Done,
        when: |request| {
            let audit = request.body().get("spec")?.get("audit")?;
            let profile =
                |value: &Value| value.get("profile").and_then(Value::as_str) == Some("None");
            let custom = audit.get("customRules").and_then(Value::as_array);
            let off = profile(audit) || custom.into_iter().flatten().any(profile);
            off.then(|| {
                Firing::new(wrote(request)).with("requestObject.spec.audit.profile", "None")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R85-flags",
            version: 1,
            title: "API server started with flags that open or blind it",
            why: "Static pods mirror what runs on the control plane: an API server without an audit backend writes nothing down, and one that authorizes everything refuses nothing.",
            next: "Compare the manifest on that node with the one of its neighbours; see who was on the node, and what the other API servers wrote down since.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.008"), technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"system:node:cp-1"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"pods","namespace":"kube-system","name":"kube-apiserver-cp-1"},"requestObject":{"spec":{"containers":[{"name":"kube-apiserver","command":["kube-apiserver","--authorization-mode=AlwaysAllow","--audit-log-path=/var/log/audit.log"]}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:cp-1"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"pods","namespace":"kube-system","name":"kube-apiserver-cp-1"},"requestObject":{"spec":{"containers":[{"name":"kube-apiserver","command":["kube-apiserver","--authorization-mode=Node,RBAC","--audit-log-path=/var/log/audit.log"]}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: |request| {
            let is_api_server =
                request.is_in_system_namespace() && request.name().starts_with("kube-apiserver");
            let program = is_api_server.then(|| request.programs().first()).flatten()?;
            let (flag, severity) = opening_flag(&program.line)?;
            Some(
                Firing::new(wrote(request))
                    .at(severity)
                    .with("requestObject.spec.containers.command", flag),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R85-sink",
            version: 1,
            title: "Where audit events go was changed",
            why: "Who leads the audit log elsewhere reads every request, and who takes its receiver away leaves nobody who does.",
            next: "Set it back; compare what the receiver has with what the API server wrote, from that moment on.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.008")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"auditsinks","apiGroup":"auditregistration.k8s.io","name":"airside"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"auditsinks","apiGroup":"auditregistration.k8s.io","name":"airside"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            &["create", "update", "patch", "delete", "deletecollection"],
            &["auditsinks.auditregistration.k8s.io", "kubeapiservers.operator.openshift.io"],
        ),
        ended: Ended::Done,
        when: |request| {
            // The operator of OpenShift writes its own object all the time; people use these fields past it.
            const PAST_THE_OPERATOR: [&str; 2] = ["unsupportedConfigOverrides", "observedConfig"];
            let is_operators = request.resource() == "kubeapiservers";
            let spec = request.body().get("spec");
            let overrides = PAST_THE_OPERATOR.into_iter().find(|field| {
                let set = spec.and_then(|spec| spec.get(*field));
                set.is_some_and(|set| set.to_string().contains("audit"))
            });
            let counts = !is_operators || overrides.is_some() && request.client().is_by_hand();
            (counts && !request.is_by_trusted_system()).then(|| {
                let firing = Firing::new(changed(request)).with("verb", request.verb());
                match overrides {
                    Some(field) => firing.with("requestObject.spec", field),
                    None => firing,
                }
            })
        },
    },
];

/// The flag by which an API server opens itself or writes nothing down, if it has one.
fn opening_flag(line: &str) -> Option<(&'static str, Severity)> {
    let flags = || line.split_whitespace().filter(|word| word.starts_with("--"));
    let value = |name: &str| {
        flags().find_map(|flag| flag.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    if value("--authorization-mode").is_some_and(|modes| modes.contains("AlwaysAllow")) {
        return Some(("--authorization-mode=AlwaysAllow", Severity::Critical));
    }
    let is_written =
        value("--audit-log-path").is_some() || value("--audit-webhook-config-file").is_some();
    // Of a pod whose command is not known nothing can be said.
    if flags().next().is_some() && !is_written {
        return Some(("without --audit-log-path and --audit-webhook-config-file", Severity::High));
    }
    let disabled = value("--disable-admission-plugins").unwrap_or_default();
    ["NodeRestriction", "PodSecurity"].into_iter().find(|plugin| disabled.contains(plugin)).map(
        |plugin| match plugin {
            "NodeRestriction" => ("--disable-admission-plugins=NodeRestriction", Severity::High),
            _ => ("--disable-admission-plugins=PodSecurity", Severity::High),
        },
    )
}

fn changed(request: &Request<'_>) -> String {
    match request.verb() {
        "delete" | "deletecollection" => {
            format!("deleted {} {}", super::super::kind::of(request.resource()), request.name())
        }
        _ => wrote(request),
    }
}
