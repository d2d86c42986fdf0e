//! What turns a failing example into its passing one: which objects change, come and go, and field by field how.

use airside_k8s::yaml::{Document, Limits, parse};
use airside_k8s::{Map, Value};
use airside_types::{FieldPath, Step};

use super::applied::is_refused;

/// The change from one set of objects to another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Objects that differ.
    pub changed: Vec<Pair>,
    /// Objects that are only in the second set.
    pub added: Vec<Value>,
    /// Objects that are only in the first set.
    pub removed: Vec<Value>,
}

/// An object before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Before.
    pub before: Value,
    /// After.
    pub after: Value,
}

/// What happens to a field: the smallest places that differ.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field.
    pub path: FieldPath,
    /// Its value before; none where it is added.
    pub before: Option<Value>,
    /// Its value after; none where it is removed.
    pub after: Option<Value>,
}

impl Change {
    /// The change between two texts of manifests.
    pub fn between(before: &str, after: &str) -> Self {
        let mut rest = objects(after);
        let mut unpaired = Vec::new();
        let mut change = Self::default();
        // An object keeps its identity before it takes over one that is alike.
        for object in objects(before) {
            match take(&mut rest, |other| identity(other) == identity(&object)) {
                Some(other) => change.pair(object, other),
                None => unpaired.push(object),
            }
        }
        for object in unpaired {
            let is_same = |other: &Value, keys: &[&[&str]]| {
                keys.iter().all(|key| text(other, key) == text(&object, key))
            };
            let kind: &[&str] = &["kind"];
            let name: &[&str] = &["metadata", "name"];
            let found = take(&mut rest, |other| is_same(other, &[kind, name]))
                .or_else(|| take(&mut rest, |other| is_same(other, &[kind])));
            match found {
                Some(other) => change.pair(object, other),
                None => change.removed.push(object),
            }
        }
        change.added.append(&mut rest);
        change
    }

    /// An object that takes another name cannot keep what the cluster never changes: it is another one.
    fn pair(&mut self, before: Value, mut after: Value) {
        keep_holders(&before, &mut after);
        let pair = Pair { before, after };
        if pair.changes_identity() && is_refused(&pair) {
            self.removed.push(pair.before);
            self.added.push(pair.after);
        } else if pair.before != pair.after {
            self.changed.push(pair);
        }
    }

    /// Every object that takes part, as it is before where it is there before.
    pub fn touched(&self) -> impl Iterator<Item = &Value> {
        let changed = self.changed.iter().map(|pair| &pair.before);
        changed.chain(&self.added).chain(&self.removed)
    }
}

impl Pair {
    /// Whether API version, kind, name or namespace change.
    pub fn changes_identity(&self) -> bool {
        identity(&self.before) != identity(&self.after)
    }

    /// The fields that differ. Those of a list are in an order in which they can be made one by one: its
    /// elements keep their indices until the last ones are removed or new ones added at the end.
    pub fn fields(&self) -> Vec<FieldChange> {
        let mut fields = Vec::new();
        compare(&FieldPath::root(), &self.before, &self.after, &mut fields);
        fields
    }
}

/// The objects of a text, those of lists each by itself.
fn objects(text: &str) -> Vec<Value> {
    let parsed = parse(text, &Limits::default());
    let contents: Vec<_> = parsed.documents.iter().map(Document::contents).collect();
    contents.iter().flat_map(|it| &it.objects).map(|it| it.object.value().clone()).collect()
}

/// Maps that hold things which have nothing to do with each other.
const MAPS: [&str; 13] = [
    "annotations",
    "authPolicy",
    "capabilities",
    "data",
    "featureGates",
    "jobTemplate",
    "labels",
    "match",
    "objectSelector",
    "portLevelMtls",
    "proxy",
    "securityContext",
    "selfSignedCertificate",
];

/// Lists of the same kind.
const LISTS: [&str; 11] = [
    "add",
    "clusterPermissions",
    "env",
    "envFrom",
    "ephemeralContainers",
    "httpHeaders",
    "matchExpressions",
    "secrets",
    "tolerations",
    "volumeMounts",
    "volumes",
];

/// Keeps what holds a thing that goes, though it is empty then: in an example nothing else is in it, in the
/// objects of those who apply the change there is, and that stays.
fn keep_holders(before: &Value, after: &mut Value) {
    if let (Value::Array(old), Value::Array(_)) = (before, &*after) {
        return keep_in_list(old, after);
    }
    let (Some(old), Some(new)) = (before.as_object(), after.as_object_mut()) else { return };
    for (key, value) in old {
        match (value, new.get_mut(key)) {
            (_, Some(other)) => keep_holders(value, other),
            (Value::Object(map), None) if MAPS.contains(&key) && !map.is_empty() => {
                let mut holder = Value::Object(Map::new());
                // Of a template the field that goes lies in its specification.
                let inner = map.get("spec").filter(|_| key == "jobTemplate");
                if let (Some(_), Some(fields)) = (inner, holder.as_object_mut()) {
                    fields.insert("spec".to_owned(), Value::Object(Map::new()));
                }
                keep_holders(value, &mut holder);
                new.insert(key.to_owned(), holder);
            }
            (Value::Array(list), None) if LISTS.contains(&key) && !list.is_empty() => {
                new.insert(key.to_owned(), Value::Array(Box::default()));
            }
            _ => {}
        }
    }
}

/// The elements that are the same one by name, or by place where none comes or goes.
fn keep_in_list(old: &[Value], after: &mut Value) {
    let Value::Array(new) = after else { return };
    let is_named = |list: &[Value]| list.iter().all(|it| !text(it, &["name"]).is_empty());
    let by_name = is_named(old) && is_named(new);
    if !by_name && old.len() != new.len() {
        return;
    }
    for (place, element) in new.iter_mut().enumerate() {
        let found = match text(element, &["name"]) {
            name if by_name => old.iter().find(|it| text(it, &["name"]) == name),
            _ => old.get(place),
        };
        if let Some(before) = found {
            keep_holders(before, element);
        }
    }
}

fn take(rest: &mut Vec<Value>, is_wanted: impl Fn(&Value) -> bool) -> Option<Value> {
    let at = rest.iter().position(is_wanted)?;
    Some(rest.remove(at))
}

/// API version, kind, namespace and name.
pub(super) fn identity(object: &Value) -> [&str; 4] {
    let keys: [&[&str]; 4] =
        [&["apiVersion"], &["kind"], &["metadata", "namespace"], &["metadata", "name"]];
    keys.map(|key| text(object, key))
}

/// A text of an object; empty where there is none.
pub(super) fn text<'v>(object: &'v Value, keys: &[&str]) -> &'v str {
    airside_k8s::fields::down(object, keys).and_then(Value::as_str).unwrap_or_default()
}

fn compare(path: &FieldPath, before: &Value, after: &Value, fields: &mut Vec<FieldChange>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                match new.get(key) {
                    Some(other) => compare(&path.key(key), value, other, fields),
                    None => fields.push(FieldChange::new(path.key(key), Some(value), None)),
                }
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(key)) {
                fields.push(FieldChange::new(path.key(key), None, Some(value)));
            }
        }
        (Value::Array(old), Value::Array(new)) => compare_lists(path, old, new, fields),
        _ if before == after => {}
        _ => fields.push(FieldChange::new(path.clone(), Some(before), Some(after))),
    }
}

/// What is alike at the beginning and the end stays; in between one is compared with one.
fn compare_lists(path: &FieldPath, old: &[Value], new: &[Value], fields: &mut Vec<FieldChange>) {
    let start = old.iter().zip(new).take_while(|(left, right)| left == right).count();
    let (old, new) = (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let alike = old.iter().rev().zip(new.iter().rev());
    let end = alike.take_while(|(left, right)| left == right).count();
    let old = old.get(..old.len() - end).unwrap_or_default();
    let new = new.get(..new.len() - end).unwrap_or_default();
    for (place, (left, right)) in (start..).zip(old.iter().zip(new)) {
        compare(&path.index(place), left, right, fields);
    }
    for (offset, value) in old.iter().enumerate().skip(new.len()).rev() {
        fields.push(FieldChange::new(path.index(start + offset), Some(value), None));
    }
    for (offset, value) in new.iter().enumerate().skip(old.len()) {
        fields.push(FieldChange::new(path.index(start + offset), None, Some(value)));
    }
}

impl FieldChange {
    fn new(path: FieldPath, before: Option<&Value>, after: Option<&Value>) -> Self {
        Self { path, before: before.cloned(), after: after.cloned() }
    }

    /// The path as a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        let escaped = |step: Step<'_>| match step {
            Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => format!("/{index}"),
        };
        self.path.steps().map(escaped).collect()
    }
}
