//! The gate itself: admission webhooks, pod security, policy engines. Kubernetes' own policies are `admission_policies`.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::request::Request;
use super::super::sign::Sign;
use super::{CREATE, DELETE, Definition, Ended, Firing, MODIFY, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE};

const WEBHOOKS: &[&str] = &[
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
];

/// Policies of policy engines.
const ENGINES: &[&str] = &[
    "clusterpolicies.kyverno.io",
    "policies.kyverno.io",
    "validatingpolicies.policies.kyverno.io",
    "mutatingpolicies.policies.kyverno.io",
    "imagevalidatingpolicies.policies.kyverno.io",
    "constrainttemplates.templates.gatekeeper.sh",
    "namespacedvalidatingpolicies.policies.kyverno.io",
    "namespacedmutatingpolicies.policies.kyverno.io",
    "namespacedimagevalidatingpolicies.policies.kyverno.io",
    "clusterimagepolicies.policy.sigstore.dev",
    "clusteradmissionpolicies.policies.kubewarden.io",
    "admissionpolicies.policies.kubewarden.io",
];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R54",
            version: 1,
            title: "Admission webhook created",
            why: "A webhook reads every object that it registers for, secrets too, and a mutating one changes them.",
            next: "Find out whose server it is and what it registers for; a webhook on secrets or pods sees or changes all of them.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1546"), technique("T1557")],
            equivalents: &[
                "panther:Kubernetes.AdmissionController.Created",
                "sigma:Kubernetes Admission Controller Modification",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"mutatingwebhookconfigurations","name":"m"},"requestObject":{"webhooks":[{"name":"m.example.net","clientConfig":{"url":"https://example.net/m"}}]},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"mutatingwebhookconfigurations","name":"m"},"responseStatus":{"code":403}}"#,
            }),
        },
        on: On::Resources(CREATE, WEBHOOKS),
        ended: Ended::Done,
        when: |request| {
            let url = outside_url(request);
            (!request.is_by_trusted_system()).then(|| {
                Firing::new(format!("created {} {}", kind(request), request.name()))
                    .at(if url.is_empty() { Severity::Medium } else { Severity::High })
                    .with("requestObject.webhooks.clientConfig.url", url)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R54-change",
            version: 1,
            title: "Admission webhook changed or deleted",
            why: "A webhook that fails open, looks elsewhere or is gone no longer guards anything.",
            next: "Compare with the version in the repository: failure policy, selectors, rules, server. See what was admitted since.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001"), technique("T1546")],
            equivalents: &["sigma:Kubernetes Admission Controller Modification"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"validatingwebhookconfigurations","name":"v"},"requestObject":[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}],"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"validatingwebhookconfigurations","name":"v"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(&["update", "patch", "delete", "deletecollection"], WEBHOOKS),
        ended: Ended::Done,
        when: webhook_changed,
    },
    Definition {
        rule: Rule {
            id: "AUD-R57",
            version: 1,
            title: "Pod security of a namespace lowered",
            why: "From now on the namespace takes privileged pods.",
            next: "Set the label back and list the namespace's pods that the level would refuse.",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        // Whoever may write a namespace's status, or finish its deletion, may write its labels with it.
        on: On::Resources(WRITE, &["namespaces", "namespaces/status", "namespaces/finalize"]),
        ended: Ended::Done,
        when: pod_security_lowered,
    },
    Definition {
        rule: Rule {
            id: "AUD-R57-engine",
            version: 1,
            title: "Policy of a policy engine changed or deleted",
            why: "Kyverno and Gatekeeper enforce only what these objects say.",
            next: "Compare with the version in the repository, and let the engine judge what is running.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"clusterpolicies","apiGroup":"kyverno.io","name":"no-privileged"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterpolicies","apiGroup":"kyverno.io","name":"no-privileged"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(&["update", "patch", "delete", "deletecollection"], ENGINES),
        ended: Ended::Done,
        when: |request| {
            let upkeep = request.is_by_program();
            // What a policy says, and not what its engine notes about it.
            let changes = DELETE.contains(&request.verb())
                || request.change().set().get("spec").is_some()
                || request.change().removes(&["spec"])
                || request
                    .change()
                    .removed()
                    .iter()
                    .any(|path| path.to_string().starts_with("spec"));
            let counts = changes && !request.is_by_trusted_system();
            counts
                .then(|| changed(request).at(if upkeep { Severity::Low } else { Severity::Medium }))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R57-exception",
            version: 1,
            title: "Exception from policies created",
            why: "What an exception names passes the gate from now on, whatever the policies say.",
            next: "Ask who granted it and for how long; list what it has let through.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"policyexceptions","apiGroup":"kyverno.io","namespace":"shop","name":"e"},"requestObject":{"spec":{"exceptions":[{"policyName":"no-privileged"}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterpolicies","apiGroup":"kyverno.io","name":"no-privileged"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "policyexceptions.kyverno.io",
                "policyexceptions.policies.kyverno.io",
                "configs.config.gatekeeper.sh",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let firing = (!request.is_by_trusted_system()).then(|| changed(request))?;
            Some(if request.keeps_as_declared() { firing.at(Severity::Low) } else { firing })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R57-constraint",
            version: 1,
            title: "Constraint of Gatekeeper weakened or deleted",
            why: "Without its constraint, or with one that only warns, a template of Gatekeeper refuses nothing.",
            next: "Set it back, and list what was admitted since that it would refuse.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"k8spspprivilegedcontainer","apiGroup":"constraints.gatekeeper.sh","name":"no-privileged"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"k8spspprivilegedcontainer","apiGroup":"constraints.gatekeeper.sh","name":"no-privileged"},"requestObject":{"spec":{"enforcementAction":"deny"}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Constraint]),
        ended: Ended::Done,
        when: |request| {
            let spec = at(request.body(), &["spec"]);
            let only_says = matches!(text(spec, "enforcementAction"), "dryrun" | "warn");
            let excludes = !items(at(spec, &["match"]), "excludedNamespaces").is_empty();
            let weaker = MODIFY.contains(&request.verb()) && (only_says || excludes);
            let counts = DELETE.contains(&request.verb()) || weaker;
            // Gatekeeper writes what it found into the status, and all of the constraint with it.
            let is_constraint = request.subresource().is_empty();
            // What stands in a repository is applied again and again.
            let upkeep = weaker && request.is_by_program();
            (counts && is_constraint && !request.is_by_trusted_system())
                .then(|| changed(request).at(if upkeep { Severity::Low } else { Severity::Medium }))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R87",
            version: 1,
            title: "Pod that the pod security standard would refuse",
            why: "Pod Security admission only noted it, because the namespace enforces a lower level.",
            next: "Raise the namespace's level once its pods comply; see whether this pod needs what it asks for.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},"annotations":{"pod-security.kubernetes.io/audit-violations":"would violate PodSecurity \"restricted:latest\": privileged"}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},"annotations":{"pod-security.kubernetes.io/enforce-policy":"baseline:latest"}}"#,
            }),
        },
        on: On::Resources(WRITE, super::super::pod_spec::POD_WRITERS),
        ended: Ended::Done,
        when: |request| {
            let notes = &request.event().annotations;
            let by_standard =
                ("pod-security.kubernetes.io/audit-violations", &*notes.pod_security_violations);
            let by_policy =
                ("validation.policy.admission.k8s.io/validation_failure", &*notes.policy_failures);
            let found = [by_standard, by_policy].into_iter().find(|(_, says)| !says.is_empty());
            found.map(|(name, says)| changed(request).with(name, says))
        },
    },
];

fn kind<'e>(request: &Request<'e>) -> &'e str {
    super::super::kind::of(request.resource())
}

pub(super) fn changed(request: &Request<'_>) -> Firing {
    let deed = match request.verb() {
        "create" => "created",
        "delete" | "deletecollection" => "deleted",
        _ => "changed",
    };
    Firing::new(format!("{deed} {} {}", kind(request), request.name())).with("verb", request.verb())
}

/// A webhook's URL; a webhook inside the cluster names a service instead.
fn outside_url<'v>(request: &'v Request<'_>) -> &'v str {
    items(request.body(), "webhooks")
        .iter()
        .map(|webhook| text(at(webhook, &["clientConfig"]), "url"))
        .find(|url| !url.is_empty() && !is_loopback(url))
        .unwrap_or_default()
}

/// Whether a webhook is on the API server's own machine, as some clouds' are.
pub(super) fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// What of a webhook a request weakens or turns elsewhere: the field, and how it stands then. In a webhook that
/// is replaced as a whole, what it had before is not known; so only what opens it by itself counts there.
fn weakened(request: &Request<'_>) -> Option<(&'static str, String)> {
    const LIMITS: [&str; 4] = ["namespaceSelector", "objectSelector", "matchConditions", "rules"];
    let hooks = items(request.body(), "webhooks");
    let has = |field: &str, value: &str| hooks.iter().any(|hook| text(hook, field) == value);
    if has("failurePolicy", "Ignore") && request.verb() == "patch" {
        return Some(("failurePolicy", "Ignore".to_owned()));
    }
    let url = outside_url(request);
    if !url.is_empty() {
        return Some(("clientConfig.url", url.to_owned()));
    }
    if request.verb() != "patch" {
        let is_emptied = request.body().get("webhooks").is_some() && hooks.is_empty();
        return is_emptied.then(|| ("webhooks", "none".to_owned()));
    }
    // Of a whole hook, as it is applied again and again, nobody knows whether its server is another one than before.
    let is_whole = |hook: &&Value| hook.get("rules").is_some() || hook.get("sideEffects").is_some();
    let parts = hooks.iter().filter(|hook| !is_whole(hook));
    let mut servers = parts.map(|hook| at(hook, &["clientConfig", "service"]));
    if let Some(server) = servers.find(|server| server.is_object()) {
        return Some(("clientConfig.service", server.to_string()));
    }
    let short = hooks.iter().find(|hook| {
        hook.get("timeoutSeconds").and_then(Value::as_u64).is_some_and(|seconds| seconds <= 1)
    });
    if short.is_some() {
        return Some(("timeoutSeconds", "1".to_owned()));
    }
    let set = LIMITS.into_iter().find(|field| hooks.iter().any(|hook| hook.get(*field).is_some()));
    let removed =
        || request.change().removed().iter().any(|it| it.to_string().starts_with("webhooks"));
    match set {
        Some(field) => Some((field, "set".to_owned())),
        None => removed().then(|| ("webhooks", "removed in part".to_owned())),
    }
}

/// Operators keep the certificates in their own webhooks fresh, again and again.
fn webhook_changed(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let upkeep = request.is_by_program();
    let modifies = MODIFY.contains(&request.verb());
    let weakened = weakened(request).filter(|_| modifies);
    let severity = match &weakened {
        Some(("failurePolicy", _)) if request.keeps_as_declared() => Severity::Low,
        Some((field, _)) if matches!(*field, "failurePolicy" | "clientConfig.url") => {
            Severity::High
        }
        // Operators write the whole object where they turn it elsewhere, and empty what they do not need.
        Some(("clientConfig.service", _)) => Severity::Medium,
        Some(("webhooks", says)) if upkeep && says == "none" => Severity::Low,
        _ if upkeep && modifies => Severity::Info,
        _ => Severity::Medium,
    };
    let firing = changed(request).at(severity);
    Some(match weakened {
        Some((field, says)) => firing.with(&format!("requestObject.webhooks.{field}"), &says),
        None => firing,
    })
}

/// The level that a namespace enforces, lowered: set to a weaker one, or taken away. A namespace that is
/// replaced without the label has lost it if it was there; a single event shows that only by what the update
/// leaves behind of the other labels of Pod Security.
fn pod_security_lowered(request: &Request<'_>) -> Option<Firing> {
    const PREFIX: &str = "pod-security.kubernetes.io/";
    const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
    if request.is_by_trusted_system() {
        return None;
    }
    let change = request.change();
    let labels = at(change.set(), &["metadata", "labels"]);
    let of_before = |of: &Value| text(at(of, &["metadata", "labels"]), ENFORCE).to_owned();
    let before = change.before().map(of_before).unwrap_or_default();
    let left_behind = || {
        let others = labels.as_object().into_iter().flatten();
        let mut others = others.filter(|(key, _)| key.starts_with(PREFIX));
        request.verb() == "update" && others.next().is_some() && labels.get(ENFORCE).is_none()
    };
    let level = text(labels, ENFORCE);
    // Gatekeeper passes over a namespace with this label, whatever its value.
    const IGNORED: &str = "admission.gatekeeper.sh/ignore";
    let had_it =
        || change.before().is_some_and(|it| at(it, &["metadata", "labels"]).get(IGNORED).is_some());
    // A whole namespace is written with what it had before.
    if request.verb() == "patch" && labels.get(IGNORED).is_some() && !had_it() {
        let deed = format!("took namespace {} out of Gatekeeper's sight", request.name());
        return Some(Firing::new(deed).with(IGNORED, text(labels, IGNORED)));
    }
    let (says, severity) = match level {
        "privileged" if request.verb() == "create" || request.keeps_as_declared() => {
            ("privileged", Severity::Low)
        }
        "privileged" => ("privileged", Severity::Medium),
        "baseline" if before == "restricted" => ("baseline", Severity::Medium),
        // Where the namespace stood before is not known: new ones are often made so.
        "baseline" if request.verb() == "patch" && before.is_empty() => ("baseline", Severity::Low),
        "" if change.removes(&["metadata", "labels", ENFORCE]) || left_behind() => {
            ("removed", Severity::Medium)
        }
        _ => return None,
    };
    Some(
        Firing::new(format!("lowered the pod security of namespace {}", request.name()))
            .at(severity)
            .with(ENFORCE, says),
    )
}
