//! The language and its library as tables: what expressions give, where they fail, what is refused.

mod cost;
mod language;
mod library;
mod properties;
mod refusals;

use airside_k8s::{Value as Json, json};

use super::{Budget, Failure, Program, Root, Roots, Scope, Value, evaluate};

/// What the expressions of the tables are about.
fn object() -> Json {
    json!({
        "metadata": {
            "name": "web", "namespace": "shop",
            "labels": {"app": "web", "app.kubernetes.io/name": "web"}
        },
        "spec": {
            "replicas": 3, "ratio": 0.5, "big": 18_446_744_073_709_551_615_u64, "nothing": null,
            "containers": [
                {"name": "a", "image": "registry.test/a:1", "privileged": false, "cpu": "500m"},
                {"name": "b", "image": "registry.test/b@sha256:0", "privileged": true}
            ]
        }
    })
}

struct Only<'a>(&'a Json);

impl<'a> Roots<'a> for Only<'a> {
    fn root(&self, root: Root, _: &mut Budget) -> Result<Value<'a>, Failure> {
        match root {
            Root::Object => Ok(Value::of_json(self.0)),
            Root::OldObject => Ok(Value::Null),
            _ => Err(Failure::Unknown("not known here".to_owned())),
        }
    }
}

const SCOPE: Scope<'_> = Scope { has_params: false, has_authorizer: true, variables: &[] };

/// What an expression says of an object: its value as `%s` shows it, or its failure.
fn said_of(object: &Json, text: &str) -> String {
    let program = match Program::read(text, &SCOPE) {
        Ok(program) => program,
        Err(error) => return format!("refused at {}: {error}", error.at),
    };
    let mut budget = Budget::of_policy();
    match evaluate(&program, &Only(object), &mut budget) {
        Ok(Value::Bool(value)) => value.to_string(),
        Ok(other) => format!("a {}", other.type_name()),
        Err(Failure::Error(problem)) => format!("error: {problem}"),
        Err(Failure::Unknown(reason)) => format!("unknown: {reason}"),
        Err(failure) => failure.to_string(),
    }
}

fn said(text: &str) -> String {
    said_of(&object(), text)
}

/// Holds a table to what its expressions say.
fn all_say(expected: &str, expressions: &[&str]) {
    for expression in expressions {
        assert_eq!(said(expression), expected, "{expression}");
    }
}
