//! Texts in texts: what a configuration file within an object says, in its own format.

use airside_k8s::{Limits, Map, Value, yaml};
use airside_types::{FieldPath, Step};

use super::Sort;
use super::names::words;
use super::providers::is_no_example;

/// A text or a list of texts within a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'v> {
    /// A text, with the name that it stands under: its key, or the `name` beside a `value`.
    Text(&'v str, &'v str),
    /// A number, with its name.
    Number(&'v str, &'v serde_json::Number),
    /// A list of texts only, with the key that it stands under: often the words of a command.
    List(&'v str, &'v [Value]),
}

/// The bounds of a text in a text. A ConfigMap has one MiB at most.
const LIMITS: Limits =
    Limits { max_bytes: 2 * 1024 * 1024, max_documents: 200, max_nodes: 50_000, max_depth: 64 };

/// The documents of a text that is JSON or YAML with keys; none for any other.
pub(super) fn documents(text: &str) -> Option<Vec<Value>> {
    let trimmed = text.trim_start();
    if text.len() > LIMITS.max_bytes {
        return None;
    }
    let is_flow = trimmed.starts_with(['{', '[']);
    if is_flow && let Ok(value) = serde_json::from_str(trimmed) {
        return Some(vec![value]);
    }
    if !is_flow && !looks_like_yaml(trimmed) {
        return None;
    }
    let parsed = yaml::parse(text, &LIMITS);
    let values: Vec<Value> = parsed.documents.into_iter().map(|document| document.value).collect();
    let is_structured = values.iter().all(|value| value.is_object() || value.is_array());
    (parsed.errors.is_empty() && is_structured && !values.is_empty()).then_some(values)
}

/// Whether the first lines have keys, and none assigns.
fn looks_like_yaml(text: &str) -> bool {
    const LINES: usize = 20;
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_key = |line: &str| {
        let line = line.trim_start_matches("- ");
        let key = line.split_once(": ").map(|(key, _)| key).or_else(|| line.strip_suffix(':'));
        key.is_some_and(|key| !key.contains([' ', '=', '(']) || key.starts_with('"'))
    };
    lines.take(LINES).any(is_key)
}

/// What the document as a whole is to those who find it.
pub(super) fn sort_of(document: &Value) -> Sort {
    let has = |name: &str| document.get(name).is_some();
    if document.get("auths").is_some_and(Value::is_object) || !registry_auths(document).is_empty() {
        Sort::DockerConfig
    } else if has("clusters") && has("users") && has("contexts") {
        Sort::Kubeconfig
    } else {
        Sort::Credential
    }
}

/// The user and password fields of a Docker configuration, base64 of `user:password`, by host. In the older
/// form (`.dockercfg`) the hosts are the document's own keys.
pub(super) fn registry_auths(document: &Value) -> Vec<(&str, &str)> {
    let hosts = document.get("auths").unwrap_or(document).as_object().into_iter().flatten();
    hosts.filter_map(|(host, entry)| Some((host, entry.get("auth")?.as_str()?))).collect()
}

/// Where JSON Web Keys of a document hold what is private: `d` of pairs, `k` of symmetric ones (RFC 7518, 6).
pub(super) fn private_members(document: &Value) -> Vec<String> {
    const LEAST: usize = 16;
    let set = document.get("keys").and_then(Value::as_array);
    let listed = set.into_iter().flatten().enumerate();
    let keys = listed.map(|(index, key)| (format!("keys[{index}]."), key));
    let alone = [(String::new(), document)];
    let private = keys.chain(alone).filter_map(|(place, key)| {
        let member = if key.get("kty")?.as_str()? == "oct" { "k" } else { "d" };
        let value = key.get(member)?.as_str()?;
        (value.len() >= LEAST && is_no_example(value)).then(|| format!("{place}{member}"))
    });
    private.collect()
}

/// Visits the texts of a value with their places. `enter` says whether to look below a place.
pub(crate) fn visit<'v>(
    value: &'v Value,
    steps: &mut Vec<Step<'v>>,
    enter: &mut dyn FnMut(&[Step<'v>]) -> bool,
    take: &mut dyn FnMut(&[Step<'v>], Item<'v>),
) {
    if !enter(steps) {
        return;
    }
    match value {
        Value::Object(fields) => {
            let named = name_beside_value(fields);
            let is_reference = is_reference(fields, steps.last());
            for (key, value) in fields {
                steps.push(Step::key(key));
                let key_name = if is_reference { "" } else { key };
                let name = named.filter(|(field, _)| *field == key).map_or(key_name, |(_, n)| n);
                match value {
                    Value::String(text) if enter(steps) => take(steps, Item::Text(name, text)),
                    Value::Number(number) => take(steps, Item::Number(name, number)),
                    Value::Array(list) if is_texts(list) => {
                        if enter(steps) {
                            take(steps, Item::List(name, list));
                        }
                    }
                    Value::String(_) | Value::Null | Value::Bool(_) => {}
                    Value::Object(_) | Value::Array(_) => visit(value, steps, enter, take),
                }
                steps.pop();
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                steps.push(Step::Index(index));
                match value {
                    Value::String(text) => take(steps, Item::Text("", text)),
                    _ => visit(value, steps, enter, take),
                }
                steps.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a map refers to a key of a Secret, as `passwordSecret: {secretName: web, password: password}`
/// does: what stands under the names in it are names.
fn is_reference(fields: &Map, key: Option<&Step<'_>>) -> bool {
    let Some(Step::Key(key)) = key else { return false };
    let words = words(key);
    let has_name = fields.contains_key("secretName") || fields.contains_key("name");
    match words.last().map(String::as_str) {
        Some("ref" | "reference" | "selector") => true,
        Some("secret") => words.len() > 1 && has_name,
        _ => false,
    }
}

fn is_texts(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(Value::is_string)
}

/// The field that holds a value and the name that another field gives it: `{name: X, value: Y}`.
fn name_beside_value(fields: &Map) -> Option<(&'static str, &str)> {
    let name = ["name", "key"].iter().find_map(|name| fields.get(name)?.as_str())?;
    let value =
        ["value", "stringValue", "default"].iter().find(|value| fields.contains_key(value))?;
    Some((*value, name))
}

/// A place within a text, as messages name it; nothing where keys are no names.
pub(super) fn place(steps: &[Step<'_>]) -> Option<String> {
    const LONGEST: usize = 120;
    let is_name = |step: &Step<'_>| match step {
        Step::Key(key) => {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./$@:".contains(&byte);
            key.len() <= 64 && key.bytes().all(is_part)
        }
        Step::Index(_) => true,
    };
    let path = FieldPath::from(steps).to_string();
    (steps.iter().all(is_name) && !path.is_empty() && path.len() <= LONGEST).then_some(path)
}
