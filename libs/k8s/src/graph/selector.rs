//! Label selectors: those of NetworkPolicies and workloads, and the plain ones of Services.

use serde_json::{Map, Value};

/// Whether a label selector (`matchLabels`, `matchExpressions`) selects labels. An empty selector selects
/// everything. One with other keys, or of another type, is malformed: the API server would refuse it, so it
/// selects nothing.
pub fn selects(selector: &Value, labels: Option<&Map<String, Value>>) -> bool {
    let Some(selector) = selector.as_object() else { return false };
    selector.iter().all(|(key, value)| match (key.as_str(), value) {
        ("matchLabels" | "matchExpressions", Value::Null) => true,
        ("matchLabels", Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| label(labels, name) == value.as_str())
        }
        ("matchExpressions", Value::Array(expressions)) => {
            expressions.iter().all(|expression| holds(expression, labels))
        }
        _ => false,
    })
}

/// Whether labels have all these values, as the selector of a Service asks.
pub fn labels_match(wanted: &Map<String, Value>, labels: Option<&Map<String, Value>>) -> bool {
    wanted.iter().all(|(name, value)| value.is_string() && label(labels, name) == value.as_str())
}

fn label<'a>(labels: Option<&'a Map<String, Value>>, name: &str) -> Option<&'a str> {
    labels?.get(name)?.as_str()
}

fn holds(expression: &Value, labels: Option<&Map<String, Value>>) -> bool {
    let text = |name| expression.get(name).and_then(Value::as_str);
    let Some(key) = text("key") else { return false };
    let actual = label(labels, key);
    let listed = |value: &str| {
        let values = expression.get("values").and_then(Value::as_array);
        values.is_some_and(|values| values.iter().any(|listed| listed.as_str() == Some(value)))
    };
    match text("operator") {
        Some("In") => actual.is_some_and(listed),
        Some("NotIn") => !actual.is_some_and(listed),
        Some("Exists") => actual.is_some(),
        Some("DoesNotExist") => actual.is_none(),
        _ => false,
    }
}

/// The labels of which an expression asks for one; none for one that does not list them.
pub(super) fn values_of(expression: &Value) -> Option<Vec<(&str, &str)>> {
    let key = expression.get("key")?.as_str()?;
    let is_list = expression.get("operator")?.as_str()? == "In";
    let values = expression.get("values").filter(|_| is_list)?.as_array()?;
    Some(values.iter().filter_map(|value| Some((key, value.as_str()?))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
