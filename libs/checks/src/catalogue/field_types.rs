//! The check on fields whose values are of another type than Kubernetes expects: the API server refuses the object,
//! and what other checks look for in such a field they cannot see.
//!
//! Which field is of which type is `table.rs`'s. It holds what checks and the graph read, and is no schema.

mod table;

use airside_k8s::Value;
use airside_types::{FieldPath, Severity};

use self::table::{Type, types_of};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "wrong-field-type",
    title: "Field has a value of a type that Kubernetes does not take",
    why: "The API server refuses the object. What the field was meant to say is not known, so that the other checks say nothing of it: `privileged: \"true\"` is a text and no truth value.",
    fix: "Write the value as the type that is expected: true and 1 without quotes are no text, and with quotes nothing else.",
    severity: Severity::Low,
    category: Category::Conformance,
    techniques: &[],
    controls: &[],
    equivalents: &[],
    judge: Judge::Any(wrong_types),
    fails: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, env: [{name: COLOUR, value: 1}]}]
"#,
    passes: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, env: [{name: COLOUR, value: "1"}]}]
"#,
}];

fn wrong_types(whole: &Whole<'_>, report: &mut Report<'_>) {
    for types in types_of(whole.object) {
        for (name, expected) in *types {
            if let Some(value) = whole.object.fields().get(name) {
                compare(value, expected, &FieldPath::of(&[name]), report);
            }
        }
    }
}

/// Walks down a value beside what is expected of it; null is as good as not written. The depth is that of the table.
fn compare(value: &Value, expected: &Type, path: &FieldPath, report: &mut Report<'_>) {
    match (expected, value) {
        (_, Value::Null) => {}
        (Type::Fields(types), Value::Object(fields)) => {
            for (name, expected) in *types {
                if let Some(value) = fields.get(name) {
                    compare(value, expected, &path.key(name), report);
                }
            }
        }
        (Type::MapOf(expected), Value::Object(fields)) => {
            for (name, value) in fields {
                compare(value, expected, &path.key(name), report);
            }
        }
        (Type::ListOf(expected), Value::Array(elements)) => {
            for (index, value) in elements.iter().enumerate() {
                compare(value, expected, &path.index(index), report);
            }
        }
        _ if expected.takes(value) || is_filled_in_later(value) => {}
        _ => report.fail(path.clone(), message(value, expected)),
    }
}

/// Texts with marks of templates get another type when they are filled in.
fn is_filled_in_later(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    ["{{", "${", "$(", "<", "%"].iter().any(|mark| text.contains(mark))
}

/// Of the value only its type is told: it may be a credential.
fn message(value: &Value, expected: &Type) -> String {
    let (given, hint) = match value {
        Value::Bool(_) if expected.takes_text() => (
            "true or false",
            "; put it into quotes: YAML reads y, n, yes, no, on and off as truth values",
        ),
        Value::Number(_) if expected.takes_text() => ("a number", "; put it into quotes"),
        Value::String(text) if expected.is_meant_by(text) => {
            ("a text", "; write it without quotes")
        }
        Value::Bool(_) => ("true or false", ""),
        Value::Number(_) => ("a number", ""),
        Value::String(_) => ("a text", ""),
        Value::Array(_) => ("a list", ""),
        Value::Object(_) => ("a map", ""),
        Value::Null => ("nothing", ""),
    };
    format!("the value is {given}, and Kubernetes expects {}{hint}", expected.as_str())
}

#[cfg(test)]
mod tests {
    use airside_k8s::yaml::{Limits, parse};
    use airside_k8s::{Completeness, Object};

    use crate::evaluate::evaluate;

    /// What the check says of a manifest.
    fn told(manifest: &str) -> Vec<String> {
        let parsed = parse(manifest, &Limits::default());
        assert_eq!(parsed.errors, [], "{manifest}");
        let contents: Vec<_> = parsed.documents.iter().map(|it| it.contents()).collect();
        let objects: Vec<Object<'_>> =
            contents.iter().flat_map(|contents| &contents.objects).map(|it| it.object).collect();
        let evaluation = evaluate(&objects, Completeness::WholeInput);
        let own = evaluation.failures.iter().filter(|it| it.check.id == "wrong-field-type");
        own.map(|failure| format!("{}: {}", failure.field, failure.message)).collect()
    }

    #[test]
    fn each_field_is_told_with_what_is_expected() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: n}\nspec:\n  \
            hostPID: \"true\"\n  containers: {name: a}\n";
        insta::assert_snapshot!(told(pod).join("\n"), @r#"
        metadata.namespace: the value is true or false, and Kubernetes expects a text; put it into quotes: YAML reads y, n, yes, no, on and off as truth values
        spec.containers: the value is a map, and Kubernetes expects a list
        spec.hostPID: the value is a text, and Kubernetes expects true or false; write it without quotes
        "#);
        let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
            replicas: \"3\"\n  template:\n    spec:\n      containers:\n      - name: a\n        \
            args: [--port, 80]\n        securityContext: {privileged: yes, runAsUser: \"0\"}\n";
        insta::assert_snapshot!(told(deployment).join("\n"), @r#"
        spec.replicas: the value is a text, and Kubernetes expects an integer; write it without quotes
        spec.template.spec.containers[0].args[1]: the value is a number, and Kubernetes expects a text; put it into quotes
        spec.template.spec.containers[0].securityContext.runAsUser: the value is a text, and Kubernetes expects an integer; write it without quotes
        "#);
    }

    #[test]
    fn what_kubernetes_takes_is_no_finding() {
        for manifest in [
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80, targetPort: 80}, {port: 81, targetPort: web}]}\n",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: null}\nspec: {containers: [{name: a, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 0.5}}, ports: []}]}\n",
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: p}\nspec: {minAvailable: 50%}\n",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec: {replicas: '${REPLICAS}'}\n",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec: {replicas: 1.0}\n",
            "apiVersion: example.com/v1\nkind: Deployment\nmetadata: {name: p}\nspec: {replicas: many}\n",
        ] {
            assert_eq!(told(manifest), Vec::<String>::new(), "{manifest}");
        }
    }
}
