//! Paths of fields, as rules write them: keys with dots between them.
//!
//! A path goes through lists by itself: `spec.containers.image` is the images of all containers. `\.` is a dot
//! within a key; a key with dots is found without it as well. `[2]` is one element (`sigma-version: 3`).

use airside_k8s::Value;
use rsigma_eval::EventValue;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    /// An element of a list; a negative one is counted from its end.
    Element(i64),
}

/// How much of a value is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Objects without what is in them: no text or number equals one, whatever it holds.
    Shallow,
    /// All of it. That costs as much as the value is large.
    Whole,
}

/// The value at a path below a body. Several, where the path goes through a list, are a list.
pub(crate) fn at<'v>(body: &'v Value, path: &str, depth: Depth) -> Option<EventValue<'v>> {
    let mut found = Vec::new();
    collect(body, &steps(path), &mut found);
    let mut found: Vec<_> = found.into_iter().map(|it| value(it, depth)).collect();
    if found.len() > 1 { Some(EventValue::Array(found)) } else { found.pop() }
}

/// How many steps a path has.
pub(crate) fn count_steps(path: &str) -> usize {
    steps(path).len()
}

/// A body's value as rules are asked about it.
pub(crate) fn value(of: &Value, depth: Depth) -> EventValue<'_> {
    match of {
        Value::Null => EventValue::Null,
        Value::Bool(it) => EventValue::Bool(*it),
        Value::Number(it) => match it.as_i64() {
            Some(whole) => EventValue::Int(whole),
            None => EventValue::Float(it.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(it) => EventValue::Str(it.as_ref().into()),
        Value::Array(items) => EventValue::Array(items.iter().map(|it| value(it, depth)).collect()),
        Value::Object(_) if depth == Depth::Shallow => EventValue::Map(Vec::new()),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, it)| (key.into(), value(it, depth)));
            EventValue::Map(entries.collect())
        }
    }
}

/// Whether a text of the value, however deep, satisfies the question.
pub(crate) fn any_text(of: &Value, ask: &dyn Fn(&str) -> bool) -> bool {
    match of {
        Value::String(text) => ask(text),
        Value::Array(items) => items.iter().any(|it| any_text(it, ask)),
        Value::Object(map) => map.values().any(|it| any_text(it, ask)),
        _ => false,
    }
}

fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut key = String::new();
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek().is_some_and(|next| matches!(next, '.' | '[' | ']')) => {
                key.extend(letters.next());
            }
            '.' => steps.extend(taken(&mut key)),
            '[' => {
                let number: String = letters.by_ref().take_while(|it| *it != ']').collect();
                steps.extend(taken(&mut key));
                match number.parse() {
                    Ok(number) => steps.push(Step::Element(number)),
                    Err(_) => steps.push(Step::Key(format!("[{number}]"))),
                }
            }
            letter => key.push(letter),
        }
    }
    steps.extend(taken(&mut key));
    steps
}

fn taken(key: &mut String) -> Option<Step> {
    (!key.is_empty()).then(|| Step::Key(std::mem::take(key)))
}

fn collect<'v>(here: &'v Value, steps: &[Step], found: &mut Vec<&'v Value>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(here);
        return;
    };
    match (step, here) {
        (Step::Key(_), Value::Array(items)) => {
            items.iter().for_each(|item| collect(item, steps, found));
        }
        (Step::Key(key), Value::Object(map)) => {
            if let Some(below) = map.get(key) {
                collect(below, rest, found);
            }
            // Labels and annotations have dots in their keys.
            let mut joined = key.clone();
            for (count, step) in rest.iter().enumerate() {
                let Step::Key(more) = step else { break };
                joined.push('.');
                joined.push_str(more);
                if let Some(below) = map.get(&joined) {
                    collect(below, rest.get(count + 1..).unwrap_or_default(), found);
                }
            }
        }
        (Step::Element(index), Value::Array(items)) => {
            let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
            let index = match index {
                0.. => Some(from_end),
                _ => items.len().checked_sub(from_end),
            };
            if let Some(item) = index.and_then(|index| items.get(index)) {
                collect(item, rest, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_through_lists_and_keys_with_dots() {
        let body: Value = serde_json::from_str(
            r#"{"metadata":{"labels":{"app.kubernetes.io/name":"web","tier":null}},
                "spec":{"containers":[{"image":"a","ports":[{"port":1},{"port":2}]},{"image":"b"}]}}"#,
        )
        .unwrap();
        for (path, expected) in [
            ("spec.containers.image", Some(r#"["a","b"]"#)),
            ("spec.containers.ports.port", Some("[1,2]")),
            ("spec.containers[1].image", Some(r#""b""#)),
            ("spec.containers[-2].image", Some(r#""a""#)),
            ("spec.containers[2].image", None),
            ("metadata.labels.app.kubernetes.io/name", Some(r#""web""#)),
            (r"metadata.labels.app\.kubernetes\.io/name", Some(r#""web""#)),
            ("metadata.labels.tier", Some("null")),
            ("metadata.labels", Some(r#"{"app.kubernetes.io/name":"web","tier":null}"#)),
            ("metadata.label", None),
            ("spec.containers.image.tag", None),
        ] {
            let found = at(&body, path, Depth::Whole).map(|it| it.to_json().to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
        for (path, expected) in [
            ("metadata", Some("{}")),
            ("spec.containers", Some("[{},{}]")),
            ("spec.containers.image", Some(r#"["a","b"]"#)),
            ("spec.containers.ports.port", Some("[1,2]")),
            ("metadata.label", None),
        ] {
            let found = at(&body, path, Depth::Shallow).map(|it| it.to_json().to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }
}
