//! Remedies for roles, bindings and Services.

use airside_k8s::Value;

use super::{Answer, Remedy, Risk, Row, Spot};
use airside_k8s::yaml::edit::Edit;

pub(super) static REMEDIES: &[Row] = &[
    ("verb-without-effect", verb),
    ("anonymous-binding", subject),
    ("service-external-ips", |spot| spot.remove(Risk::MayBreak)),
];

/// A verb that does nothing for the one resource of its rule can go. With several it may have an effect on
/// another of them, and a rule without verbs is refused by Kubernetes.
fn verb(spot: &Spot<'_>) -> Answer {
    let rule = spot.field.parent().and_then(|list| list.parent()).unwrap_or_default();
    let count =
        |list: &str| spot.at(&rule.key(list)).and_then(Value::as_array).map_or(0, <[_]>::len);
    let is_verb = spot.field.parent() == Some(rule.key("verbs"));
    if !is_verb || count("resources") != 1 || count("verbs") < 2 {
        return Err("needs a decision: the rule's other resources or verbs depend on it");
    }
    spot.remove(Risk::Safe)
}

fn subject(spot: &Spot<'_>) -> Answer {
    let subject =
        spot.field.parent().ok_or("needs a decision: the subject is not in the binding")?;
    Ok(Remedy { edits: vec![Edit::Remove(subject)], risk: Risk::MayBreak })
}
