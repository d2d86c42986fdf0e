//! Values that a field never has.

use rsigma_parser::{DetectionItem, Modifier, SigmaValue};

use crate::fields::Kind;

/// What can never be.
#[derive(Debug)]
pub(crate) struct Impossible {
    /// No value of the item can be; else some.
    pub(crate) whole: bool,
    /// What is wrong, and what to write.
    pub(crate) text: String,
}

/// The verbs of RBAC that audit events have, and HTTP methods for other paths.
const VERBS: [&str; 13] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
    "head",
    "options",
    "post",
    "put",
    "trace",
];
const STAGES: [&str; 4] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];
const LEVELS: [&str; 3] = ["Metadata", "Request", "RequestResponse"];
const DECISIONS: [&str; 2] = ["allow", "forbid"];
/// Plurals that rules are often written for.
const PLURALS: [&str; 20] = [
    "clusterrolebindings",
    "clusterroles",
    "configmaps",
    "cronjobs",
    "daemonsets",
    "deployments",
    "endpoints",
    "events",
    "ingresses",
    "jobs",
    "namespaces",
    "networkpolicies",
    "nodes",
    "pods",
    "replicasets",
    "rolebindings",
    "roles",
    "secrets",
    "serviceaccounts",
    "services",
];

/// Whether an item compares with what its field never has.
pub(crate) fn impossible(item: &DetectionItem, field: &str, kind: Kind) -> Option<Impossible> {
    let wrong: Vec<String> =
        item.values.iter().filter_map(|value| why(item, value, field, kind)).collect();
    let whole = wrong.len() == item.values.len() || item.field.modifiers.contains(&Modifier::All);
    let text = wrong.into_iter().next()?;
    Some(Impossible { whole, text })
}

fn why(item: &DetectionItem, value: &SigmaValue, field: &str, kind: Kind) -> Option<String> {
    let modifiers = item.field.modifiers.as_slice();
    if modifiers.contains(&Modifier::Exists)
        || modifiers.contains(&Modifier::Neq)
        || *value == SigmaValue::Null
    {
        return None;
    }
    let equals = matches!(modifiers, [] | [Modifier::Cased]);
    let plain = match value {
        SigmaValue::String(text) => text.as_plain(),
        _ => None,
    };
    if kind == Kind::Object {
        return Some(format!(
            "`{field}` holds fields, which no value equals: write a field below it, or `{field}|exists: true`"
        ));
    }
    if equals && plain.as_deref() == Some("") {
        return Some(format!("a field without a value is absent: write `{field}: null`"));
    }
    let plain = plain.filter(|_| equals)?.to_lowercase();
    if kind == Kind::Number {
        return plain.parse::<f64>().is_err().then(|| {
            format!(
                "`{field}` is a number, such as 403; `{plain}` is what \
                 `annotations.authorization.k8s.io/decision` says (allow, forbid)"
            )
        });
    }
    not_among(field, &plain)
}

fn not_among(field: &str, value: &str) -> Option<String> {
    let list = |known: &[&str]| {
        let names = known.join(", ");
        (!known.iter().any(|it| it.eq_ignore_ascii_case(value)))
            .then(|| format!("`{field}` is never `{value}`: it is one of {names}"))
    };
    match field {
        "verb" => list(&VERBS),
        "stage" => list(&STAGES),
        "level" => list(&LEVELS),
        "annotations.authorization.k8s.io/decision" => list(&DECISIONS),
        "objectRef.apiGroup" => group(value),
        "objectRef.resource" => resource(value),
        "objectRef.subresource" => {
            let (_, subresource) = value.split_once('/')?;
            Some(format!("write `objectRef.subresource: {subresource}`"))
        }
        _ => None,
    }
}

fn group(value: &str) -> Option<String> {
    if matches!(value, "core" | "v1") {
        return Some("the core group has no name: write `objectRef.apiGroup: null`".to_owned());
    }
    let (group, _version) = value.split_once('/')?;
    Some(format!("a group stands without its version: write `objectRef.apiGroup: {group}`"))
}

fn resource(value: &str) -> Option<String> {
    if let Some((resource, subresource)) = value.split_once('/') {
        return Some(format!(
            "write `objectRef.resource: {resource}` and `objectRef.subresource: {subresource}`"
        ));
    }
    let plurals =
        [format!("{value}s"), format!("{value}es"), format!("{}ies", value.trim_end_matches('y'))];
    let plural = PLURALS.iter().find(|it| plurals.iter().any(|plural| plural == *it))?;
    Some(format!("`objectRef.resource` is the plural: write `{plural}`"))
}
