//! Whether a live object still has the values that were scanned.

use airside_types::{BoardingPass, FieldDigest, FieldPath, Step};

use super::leaf;
use crate::object::Object;
use crate::value::Value;

/// What the comparison of a pass with a live object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Every scanned leaf has the value that was scanned.
    Same,
    /// These scanned fields have another value, or are gone; in the order of the fields.
    Drifted(Vec<FieldPath>),
}

/// Booleans and numbers that Kubernetes drops when they are false or 0, because absence means the same.
/// Others (`allowPrivilegeEscalation: false`) are kept, so their absence is drift.
const DROPPED_WHEN_ZERO: [&str; 16] = [
    "allowVolumeExpansion",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostPort",
    "initialDelaySeconds",
    "minReadySeconds",
    "nodePort",
    "paused",
    "publishNotReadyAddresses",
    "readOnly",
    "setHostnameAsFQDN",
    "stdin",
    "stdinOnce",
    "tty",
    "weight",
];

/// Compares a pass with an object as the API server has it, or is asked to store it. Fields that were not
/// scanned do not matter. A list element that carries a `name` is looked for by that name, wherever it
/// stands now: injectors put containers before the scanned ones. Of a Secret that was read without its values
/// only the metadata is compared.
pub fn compare(pass: &BoardingPass, live: &Object<'_>) -> Comparison {
    let without_values = is_secret_without_values(live);
    let drifted: Vec<FieldPath> = pass
        .fields
        .iter()
        .filter(|scanned| !without_values || is_metadata(&scanned.field))
        .filter(|scanned| !is_unchanged(scanned, &pass.fields, live.value()))
        .map(|scanned| scanned.field.clone())
        .collect();
    if drifted.is_empty() { Comparison::Same } else { Comparison::Drifted(drifted) }
}

/// What stands in a live object where a pass has a scanned field; none where nothing does.
pub fn current<'v>(pass: &BoardingPass, field: &FieldPath, live: &Object<'v>) -> Option<&'v Value> {
    find(field, &pass.fields, live.value()).ok().map(|(value, _)| value)
}

/// An API server gives every Secret a type, so one without was read by its metadata alone.
fn is_secret_without_values(live: &Object<'_>) -> bool {
    live.group().is_empty() && live.kind() == "Secret" && !live.fields().contains_key("type")
}

fn is_metadata(field: &FieldPath) -> bool {
    matches!(field.steps().next(), Some(Step::Key(key)) if key == "metadata")
}

fn is_unchanged(scanned: &FieldDigest, all: &[FieldDigest], live: &Value) -> bool {
    match find(&scanned.field, all, live) {
        Ok((value, context)) => leaf::digest("", value, context) == Some(scanned.digest),
        Err(context) => was_dropped(scanned, context),
    }
}

/// The live value of a scanned field, with what the keys above it say; only the latter where there is none.
fn find<'v>(
    field: &FieldPath,
    all: &[FieldDigest],
    live: &'v Value,
) -> Result<(&'v Value, leaf::Context), leaf::Context> {
    let mut path = FieldPath::root();
    let mut value = live;
    let mut context = leaf::Context::default();
    for step in field.steps() {
        let next = match &step {
            Step::Key(key) => {
                path = path.key(key);
                context = context.below(key);
                value.get(key.as_ref())
            }
            Step::Index(index) => {
                path = path.index(*index);
                find_by_name(&path, *index, all, value).or_else(|| value.get(*index))
            }
        };
        value = next.ok_or(context)?;
    }
    Ok((value, context))
}

/// The live list's element with the name that the scanned element had: the one at the same index where its
/// name fits, since names can repeat, else the first with that name.
fn find_by_name<'v>(
    element: &FieldPath,
    index: usize,
    all: &[FieldDigest],
    list: &'v Value,
) -> Option<&'v Value> {
    let name = element.key("name");
    let at = all.binary_search_by(|leaf| leaf.field.cmp(&name)).ok()?;
    let wanted = all.get(at)?.digest;
    let has_name = |candidate: &&Value| {
        candidate
            .get("name")
            .and_then(|name| leaf::digest("", name, leaf::Context::default()))
            .is_some_and(|digest| digest == wanted)
    };
    let list = list.as_array()?;
    list.get(index).filter(has_name).or_else(|| list.iter().find(has_name))
}

/// Whether a missing live value means what was scanned: an empty text, or a zero that Kubernetes drops.
fn was_dropped(scanned: &FieldDigest, context: leaf::Context) -> bool {
    let is = |value: Value| leaf::digest("", &value, context) == Some(scanned.digest);
    let last = scanned.field.steps().last();
    let last_key = match &last {
        Some(Step::Key(key)) => key.as_ref(),
        _ => "",
    };
    is(Value::from(""))
        || (DROPPED_WHEN_ZERO.contains(&last_key) && (is(Value::Bool(false)) || is(0.into())))
}
