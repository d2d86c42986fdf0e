//! Admission policies of Kubernetes itself: changed, weakened, taken away, and those that change what passes.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, text};
use super::super::request::Request;
use super::policy::changed;
use super::{CREATE, Definition, Ended, Firing, MODIFY, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R55",
            version: 2,
            title: "Admission policy changed or deleted",
            why: "These policies decide in the API server itself; without their binding they decide nothing.",
            next: "Compare with the version in the repository, and list what was admitted since that the policy would refuse.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"validatingadmissionpolicybindings","name":"no-privileged"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"validatingadmissionpolicybindings","name":"no-privileged"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            &["update", "patch", "delete", "deletecollection"],
            &[
                "validatingadmissionpolicies.admissionregistration.k8s.io",
                "validatingadmissionpolicybindings.admissionregistration.k8s.io",
                "mutatingadmissionpolicies.admissionregistration.k8s.io",
                "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
            ],
        ),
        ended: Ended::Done,
        when: policy_changed,
    },
    Definition {
        rule: Rule {
            id: "AUD-R55-mutating",
            version: 1,
            title: "Mutating admission policy created",
            why: "It changes every object that passes, without a server of its own.",
            next: "Read what it changes of which objects, and look at one that was made since.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1546")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"mutatingadmissionpolicies","name":"m"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"validatingadmissionpolicies","name":"v"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            CREATE,
            &[
                "mutatingadmissionpolicies.admissionregistration.k8s.io",
                "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| (!request.is_by_trusted_system()).then(|| changed(request)),
    },
];

/// Engines write policies as they generate them; what lets things pass is told of them, too.
fn policy_changed(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let modifies = MODIFY.contains(&request.verb());
    let weakened = weakened(request).filter(|_| modifies);
    let upkeep = modifies && request.is_by_program();
    let severity = match &weakened {
        Some(_) if request.keeps_as_declared() => Severity::Low,
        // A part that is patched stood otherwise before.
        Some((_, _, Lets::Everything)) if request.verb() == "patch" => Severity::High,
        None if upkeep => Severity::Low,
        _ => Severity::Medium,
    };
    let firing = changed(request).at(severity);
    Some(match weakened {
        Some((field, says, _)) => firing.with(&format!("requestObject.spec.{field}"), says),
        None => firing,
    })
}

/// What passes by a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lets {
    /// Whatever the policy was there to refuse.
    Everything,
    /// Some of it.
    Some,
}

/// What of a policy or its binding a request weakens: the field, and how it stands then.
fn weakened(request: &Request<'_>) -> Option<(&'static str, &'static str, Lets)> {
    let change = request.change();
    let spec = at(change.set(), &["spec"]);
    let gone = |field: &str| {
        change.removes(&["spec", field]) || spec.get(field).is_some_and(Value::is_null)
    };
    let is_empty =
        |field: &str| spec.get(field).and_then(Value::as_array).is_some_and(<[_]>::is_empty);
    let denies = |actions: &[Value]| actions.iter().any(|it| it.as_str() == Some("Deny"));
    let only_says = spec.get("validationActions").and_then(Value::as_array);
    let narrows = |of: &Value| {
        ["namespaceSelector", "objectSelector", "excludeResourceRules"]
            .iter()
            .any(|field| of.get(*field).is_some_and(|it| !it.is_null()))
    };
    let parameter = at(spec, &["paramRef"]);
    let is_patch = request.verb() == "patch";
    Some(match () {
        () if text(spec, "failurePolicy") == "Ignore" => {
            ("failurePolicy", "Ignore", Lets::Everything)
        }
        () if only_says.is_some_and(|actions| !denies(actions)) => {
            ("validationActions", "without Deny", Lets::Everything)
        }
        () if is_empty("validations") || gone("validations") => {
            ("validations", "removed", Lets::Everything)
        }
        () if text(parameter, "parameterNotFoundAction") == "Allow" => {
            ("paramRef.parameterNotFoundAction", "Allow", Lets::Everything)
        }
        // Without parameters the expressions compare with nothing.
        () if gone("paramKind") => ("paramKind", "removed", Lets::Everything),
        () if gone("paramRef") => ("paramRef", "removed", Lets::Everything),
        () if is_patch && spec.get("paramKind").is_some() => ("paramKind", "another", Lets::Some),
        () if is_patch && !parameter.is_null() => ("paramRef", "another", Lets::Some),
        () if is_patch && spec.get("matchConditions").is_some() => {
            ("matchConditions", "set", Lets::Some)
        }
        () if narrows(at(spec, &["matchConstraints"])) && is_patch => {
            ("matchConstraints", "narrowed", Lets::Some)
        }
        () if narrows(at(spec, &["matchResources"])) && is_patch => {
            ("matchResources", "narrowed", Lets::Some)
        }
        () => return None,
    })
}
