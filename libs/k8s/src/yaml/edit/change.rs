//! What an edit means for a value, whatever its text looks like.

use airside_types::{FieldPath, Step};

use super::{Edit, Refusal};
use crate::value::{Map, Value};

/// The value after an edit.
pub(super) fn applied(old: &Value, edit: &Edit) -> Result<Value, Refusal> {
    let mut value = old.clone();
    match edit {
        Edit::Set(path, new) => {
            let place = make_place(&mut value, path)?;
            let has_content = match place {
                Value::Object(map) => !map.is_empty(),
                Value::Array(list) => !list.is_empty(),
                _ => false,
            };
            if has_content && place != new {
                return Err(Refusal::WouldReplace(path.clone()));
            }
            *place = new.clone();
        }
        Edit::Append(path, new) => {
            let place = make_place(&mut value, path)?;
            if place.is_null() {
                *place = Value::Array(Box::default());
            }
            let appended = place.change_elements(|elements| elements.push(new.clone()));
            appended.ok_or_else(|| Refusal::NoSuchPlace(path.clone()))?;
        }
        Edit::Remove(path) => remove(&mut value, path),
    }
    Ok(value)
}

/// The place of a path, made with the maps around it where they are missing or null.
fn make_place<'v>(value: &'v mut Value, path: &FieldPath) -> Result<&'v mut Value, Refusal> {
    let mut place = value;
    for step in path.steps() {
        let wrong = || Refusal::NoSuchPlace(path.clone());
        place = match step {
            Step::Key(key) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                place.as_object_mut().map(|map| map.or_null(&key)).ok_or_else(wrong)?
            }
            Step::Index(index) => place.get_mut(index).ok_or_else(wrong)?,
        };
    }
    Ok(place)
}

fn remove(value: &mut Value, path: &FieldPath) {
    let (Some(last), Some(above)) = (path.steps().last(), path.parent()) else { return };
    let mut place = value;
    for step in above.steps() {
        let below = match step {
            Step::Key(key) => place.get_mut(key.as_ref()),
            Step::Index(index) => place.get_mut(index),
        };
        let Some(below) = below else { return };
        place = below;
    }
    match (last, place) {
        (Step::Key(key), Value::Object(map)) => drop(map.remove(key.as_ref())),
        (Step::Index(index), place) => {
            drop(place.change_elements(|elements| {
                (index < elements.len()).then(|| elements.remove(index))
            }))
        }
        _ => {}
    }
}
