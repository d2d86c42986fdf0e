//! Label selectors: those of NetworkPolicies and workloads, and the plain ones of Services.

use super::Answer;
use super::links::pairs;
use crate::fields::elements;
use crate::value::{Map, Value};

/// What is known of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label<'l> {
    /// It has this value.
    Value(&'l str),
    /// There is none.
    Absent,
    /// The input does not tell.
    Unknown,
}

impl<'l> Label<'l> {
    /// A label of those that are given.
    pub(super) fn of(labels: Option<&'l Map>, name: &str) -> Self {
        label(labels, name).map_or(Self::Absent, Self::Value)
    }

    /// Whether something is so for the label's value, or for its absence.
    pub(super) fn is(self, so: impl FnOnce(Option<&str>) -> bool) -> Answer {
        match self {
            Self::Value(value) => so(Some(value)).into(),
            Self::Absent => so(None).into(),
            Self::Unknown => Answer::Unknown,
        }
    }
}

/// Whether a label selector (`matchLabels`, `matchExpressions`) selects labels. An empty selector selects
/// everything. One with other keys, or of another type, is malformed: the API server would refuse it, so it
/// selects nothing.
pub fn selects(selector: &Value, labels: Option<&Map>) -> bool {
    selected(selector, |name| Label::of(labels, name)) == Answer::Yes
}

/// Whether a label selector selects labels, not all of which need to be known.
pub(super) fn selected<'l>(selector: &Value, label: impl Fn(&str) -> Label<'l>) -> Answer {
    let Some(selector) = selector.as_object() else { return Answer::No };
    let all = |answers: &mut dyn Iterator<Item = Answer>| answers.fold(Answer::Yes, Answer::and);
    all(&mut selector.iter().map(|(key, value)| match (key, value) {
        ("matchLabels" | "matchExpressions", Value::Null) => Answer::Yes,
        ("matchLabels", Value::Object(wanted)) => {
            all(&mut wanted.iter().map(|(name, value)| match value.as_str() {
                Some(wanted) => label(name).is(|actual| actual == Some(wanted)),
                None => Answer::No,
            }))
        }
        ("matchExpressions", Value::Array(expressions)) => {
            all(&mut expressions.iter().map(|expression| holds(expression, &label)))
        }
        _ => Answer::No,
    }))
}

/// Whether labels have all these values, as the selector of a Service asks.
pub fn labels_match(wanted: &Map, labels: Option<&Map>) -> bool {
    wanted.iter().all(|(name, value)| value.is_string() && label(labels, name) == value.as_str())
}

fn label<'a>(labels: Option<&'a Map>, name: &str) -> Option<&'a str> {
    labels?.get(name)?.as_str()
}

fn holds<'l>(expression: &Value, label: &impl Fn(&str) -> Label<'l>) -> Answer {
    let text = |name| expression.get(name).and_then(Value::as_str);
    let Some(key) = text("key") else { return Answer::No };
    let listed = |value: &str| {
        let values = expression.get("values").and_then(Value::as_array);
        values.is_some_and(|values| values.iter().any(|listed| listed.as_str() == Some(value)))
    };
    match text("operator") {
        Some("In") => label(key).is(|actual| actual.is_some_and(listed)),
        Some("NotIn") => label(key).is(|actual| !actual.is_some_and(listed)),
        Some("Exists") => label(key).is(|actual| actual.is_some()),
        Some("DoesNotExist") => label(key).is(|actual| actual.is_none()),
        _ => Answer::No,
    }
}

/// Labels that controllers give their pods when they start them: no manifest has them.
const OF_CONTROLLERS: [&str; 10] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// Whether a label is one that a controller gives pods when it starts them: of Kubernetes' own, Argo Rollouts
/// or Argo Workflows.
pub fn is_of_controllers(label: &str) -> bool {
    OF_CONTROLLERS.contains(&label) || label.starts_with("workflows.argoproj.io/")
}

/// Whether a label selector asks for a label that controllers give; the prefixes of Cilium's are passed over.
pub fn asks_controllers(selector: &Value) -> bool {
    let bare = |key: &str| is_of_controllers(key.split_once(':').map_or(key, |(_, key)| key));
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut expressions = elements(selector.get("matchExpressions")).iter();
    labels.into_iter().flat_map(Map::keys).any(bare)
        || expressions.any(|it| it.get("key").and_then(Value::as_str).is_some_and(bare))
}

/// Lists of labels: what a label selector selects bears one of each list.
pub(super) fn asked(selector: &Value) -> Vec<Vec<(&str, &str)>> {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = elements(selector.get("matchExpressions")).iter();
    pairs(labels).map(|label| vec![label]).chain(expressions.filter_map(values_of)).collect()
}

/// The labels of which an expression asks for one; none for one that does not list them.
fn values_of(expression: &Value) -> Option<Vec<(&str, &str)>> {
    let key = expression.get("key")?.as_str()?;
    let is_list = expression.get("operator")?.as_str()? == "In";
    let values = expression.get("values").filter(|_| is_list)?.as_array()?;
    Some(values.iter().filter_map(|value| Some((key, value.as_str()?))).collect())
}

#[cfg(test)]
mod tests {
    use crate::json;

    use super::*;

    #[test]
    fn labels_of_controllers_are_told_from_those_of_manifests() {
        for (selector, asks) in [
            (json!({}), false),
            (json!({ "matchLabels": { "app": "web" } }), false),
            (json!({ "matchLabels": { "app": "web", "job-name": "a" } }), true),
            (json!({ "matchLabels": { "k8s:job-name": "a", "any:app": "b" } }), true),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "Exists" }] }), false),
            (
                json!({ "matchExpressions": [{ "key": "workflows.argoproj.io/workflow", "operator": "Exists" }] }),
                true,
            ),
        ] {
            assert_eq!(asks_controllers(&selector), asks, "{selector}");
        }
    }

    #[test]
    fn selectors_select_as_kubernetes_does() {
        let labels = json!({ "app": "web", "tier": "front" });
        let labels = labels.as_object();
        for (selector, selected) in [
            (json!({}), true),
            (json!({ "matchLabels": null }), true),
            (json!({ "matchLabels": { "app": "web" } }), true),
            (json!({ "matchLabels": { "app": "web", "tier": "back" } }), false),
            (
                json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["api", "web"] }] }),
                true,
            ),
            (
                json!({ "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["web"] }] }),
                false,
            ),
            (
                json!({ "matchExpressions": [{ "key": "zone", "operator": "NotIn", "values": ["a"] }] }),
                true,
            ),
            (json!({ "matchExpressions": [{ "key": "zone", "operator": "Exists" }] }), false),
            (json!({ "matchExpressions": [{ "key": "zone", "operator": "DoesNotExist" }] }), true),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "Like" }] }), false),
            (
                json!({ "matchLabels": { "app": "web" }, "matchExpressions": [{ "key": "zone", "operator": "Exists" }] }),
                false,
            ),
            // Malformed: labels where the selector should be.
            (json!({ "app": "web" }), false),
            (json!(null), false),
        ] {
            assert_eq!(selects(&selector, labels), selected, "{selector}");
        }
        assert!(selects(&json!({}), None));
        assert!(!selects(&json!({ "matchLabels": { "app": "web" } }), None));
    }
}
