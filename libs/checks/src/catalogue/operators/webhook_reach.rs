//! Checks on what admission webhooks are asked about.

use airside_k8s::fields::{down, elements, list, maps, text, texts};
use airside_k8s::graph::selects;
use airside_k8s::{Graph, Map, Object, Value};
use airside_types::Severity;
use airside_types::attack::technique;

use super::{WEBHOOKS, webhook_path, webhooks};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "webhook-can-lock-the-cluster",
        title: "Admission webhook that is down keeps the cluster from coming up",
        why: "It must answer before any pod of any namespace is created, its own and those of kube-system included: after an outage nothing can start that would let it answer.",
        fix: "Exclude kube-system and the webhook's own namespace by namespaceSelector (label kubernetes.io/metadata.name), or set failurePolicy to Ignore.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1499")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, locks),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  clientConfig: {caBundle: bm90IGEgY2E=}
  rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  clientConfig: {caBundle: bm90IGEgY2E=}
  rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]
  namespaceSelector:
    matchExpressions:
    - {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, policy]}
",
    },
    Check {
        id: "webhook-for-everything",
        title: "Admission webhook is asked about every kind of object",
        why: "Each request of the cluster waits for it, and it sees every Secret that is written.",
        fix: "List the groups and resources that the webhook is about.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1499"), technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, for_everything),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  clientConfig: {caBundle: bm90IGEgY2E=}
  failurePolicy: Ignore
  rules: [{apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*']}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  clientConfig: {caBundle: bm90IGEgY2E=}
  failurePolicy: Ignore
  rules: [{apiGroups: [apps], apiVersions: [v1], resources: [deployments], operations: ['*']}]
",
    },
    Check {
        id: "webhook-misses-other-versions",
        title: "Admission webhook is passed by another API version",
        why: "With matchPolicy Exact, an object that is written by another version of its API, or by another group that serves it, is not shown to the webhook.",
        fix: "Remove matchPolicy, or set it to Equivalent.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, misses_versions),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  matchPolicy: Exact
  clientConfig: {caBundle: bm90IGEgY2E=}
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  matchPolicy: Equivalent
  clientConfig: {caBundle: bm90IGEgY2E=}
",
    },
    Check {
        id: "webhook-opt-out-by-label",
        title: "Objects leave an admission webhook out by a label of their own",
        why: "Whoever writes the object writes its labels: one label, and the policy engine does not see it.",
        fix: "Exclude namespaces by namespaceSelector instead: those labels are the administrators'.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[("admissionregistration.k8s.io", "ValidatingWebhookConfiguration")],
            opt_out,
        ),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  clientConfig: {caBundle: bm90IGEgY2E=}
  objectSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: p.example.com
  clientConfig: {caBundle: bm90IGEgY2E=}
  namespaceSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}
",
    },
];

fn has(fields: &Map, list: &str, wanted: &[&str]) -> bool {
    texts(fields, list).any(|(_, given)| given == "*" || wanted.contains(&given))
}

/// Whether a webhook is asked before pods are created.
fn takes_pods(webhook: &Map) -> bool {
    maps(webhook, "rules").any(|(_, rule)| {
        has(rule, "apiGroups", &[""])
            && has(rule, "resources", &["pods", "*/*", "pods/*"])
            && has(rule, "operations", &["CREATE"])
            && text(rule, "scope") != Some("Cluster")
    })
}

/// Whether a webhook is asked about objects of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Yes,
    No,
    /// It depends on labels of a namespace that the input lacks.
    Unknown,
}

fn asked_about(webhook: &Map, namespace: &str, graph: &Graph<'_>) -> Asked {
    const NAME: &str = "kubernetes.io/metadata.name";
    let selector = match webhook.get("namespaceSelector") {
        None | Some(Value::Null) => return Asked::Yes,
        Some(selector) => selector,
    };
    let object = graph.find("", "Namespace", None, namespace);
    let mut labels = object.and_then(Object::labels).cloned().unwrap_or_default();
    labels.insert(NAME.to_owned(), Value::from(namespace));
    let excludes = |expression: &Value| {
        let field = |name: &str| expression.get(name).and_then(Value::as_str);
        field("key") != Some(NAME) && matches!(field("operator"), Some("DoesNotExist" | "NotIn"))
    };
    if !selects(selector, Some(&labels)) {
        Asked::No
    } else if object.is_none() && elements(selector.get("matchExpressions")).iter().any(excludes) {
        Asked::Unknown
    } else {
        Asked::Yes
    }
}

/// Objects with conditions of their own are rarely those that a cluster needs to come up.
fn takes_all_objects(webhook: &Map) -> bool {
    let selector = webhook.get("objectSelector").and_then(Value::as_object);
    selector.is_none_or(Map::is_empty) && list(webhook, "matchConditions").is_empty()
}

fn locks(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (index, webhook) in webhooks(configuration) {
        // The first version of the API let requests through by default.
        let default = if configuration.object.version() == "v1beta1" { "Ignore" } else { "Fail" };
        let fails = text(webhook, "failurePolicy").unwrap_or(default) == "Fail";
        if !fails || !takes_pods(webhook) || !takes_all_objects(webhook) {
            continue;
        }
        let asked = |namespace: &str| asked_about(webhook, namespace, configuration.graph);
        match asked("kube-system") {
            Asked::No => continue,
            Asked::Unknown => {
                report.undecided("labels of namespaces decide it, and the input lacks them");
                continue;
            }
            Asked::Yes => {}
        }
        let client = webhook.get("clientConfig");
        let service = client.and_then(|client| down(client, &["service", "namespace"]));
        let own = service.and_then(Value::as_str).filter(|own| *own != "kube-system");
        let own = match own {
            Some(own) if asked(own) == Asked::Yes => format!(" and of its own namespace {own}"),
            _ => String::new(),
        };
        let name = text(webhook, "name").unwrap_or("without a name");
        let message =
            format!("webhook {name} must answer before pods of kube-system{own} are created");
        report.fail(webhook_path(index, &["namespaceSelector"]), message);
    }
}

fn for_everything(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (index, webhook) in webhooks(configuration) {
        let is_star = |rule: &Map, list: &str| {
            texts(rule, list).any(|(_, given)| matches!(given, "*" | "*/*"))
        };
        let found = maps(webhook, "rules")
            .find(|(_, rule)| is_star(rule, "apiGroups") && is_star(rule, "resources"));
        if let Some((rule, _)) = found {
            let name = text(webhook, "name").unwrap_or("without a name");
            let path = webhook_path(index, &["rules"]).index(rule).key("resources");
            report.fail(path, format!("webhook {name} takes all resources of all groups"));
        }
    }
}

fn misses_versions(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (index, webhook) in webhooks(configuration) {
        let takes_all_versions = maps(webhook, "rules")
            .next()
            .is_some_and(|_| maps(webhook, "rules").all(|(_, rule)| has(rule, "apiVersions", &[])));
        if text(webhook, "matchPolicy") == Some("Exact") && !takes_all_versions {
            let name = text(webhook, "name").unwrap_or("without a name");
            let message = format!("webhook {name} has matchPolicy Exact");
            report.fail(webhook_path(index, &["matchPolicy"]), message);
        }
    }
}

fn opt_out(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (index, webhook) in webhooks(configuration) {
        let selector = webhook.get("objectSelector").and_then(|s| s.get("matchExpressions"));
        for (place, expression) in elements(selector).iter().enumerate() {
            let field = |name: &str| expression.get(name).and_then(Value::as_str);
            if let Some("DoesNotExist" | "NotIn") = field("operator") {
                let key = field("key").unwrap_or_default();
                let path = webhook_path(index, &["objectSelector", "matchExpressions"]);
                let message =
                    format!("an object that has the label {key} is not shown to the webhook");
                report.fail(path.index(place), message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use airside_k8s::Completeness;
    use airside_k8s::json;

    use super::*;

    #[test]
    fn namespaces_are_asked_about_unless_they_are_left_out() {
        let labelled = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": "kube-system", "labels": { "skip": "yes" } },
        });
        let object = Object::new(&labelled).unwrap();
        let without = Graph::new(&[], Completeness::WholeInput);
        let with = Graph::new(&[object], Completeness::WholeInput);
        let name = "kubernetes.io/metadata.name";
        let expression = |key: &str, operator: &str, value: &str| json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": [value] }] });
        for (selector, unlabelled, labelled) in [
            (json!(null), Asked::Yes, Asked::Yes),
            (json!({}), Asked::Yes, Asked::Yes),
            (expression(name, "NotIn", "kube-system"), Asked::No, Asked::No),
            (expression(name, "NotIn", "other"), Asked::Yes, Asked::Yes),
            (expression("skip", "NotIn", "yes"), Asked::Unknown, Asked::No),
            (expression("skip", "NotIn", "no"), Asked::Unknown, Asked::Yes),
            (json!({ "matchLabels": { "check": "yes" } }), Asked::No, Asked::No),
        ] {
            let webhook = json!({ "namespaceSelector": selector });
            let webhook = webhook.as_object().unwrap();
            assert_eq!(asked_about(webhook, "kube-system", &without), unlabelled, "{selector}");
            assert_eq!(asked_about(webhook, "kube-system", &with), labelled, "{selector}");
        }
    }
}
