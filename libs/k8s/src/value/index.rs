//! What a value can be asked by: the key of a map, or the index of a list.

use std::borrow::Cow;
use std::ops;

use super::{Map, NULL, Value};

/// A key of a map or an index of a list.
pub trait Index {
    /// What it finds within a value.
    fn within(self, value: &Value) -> Option<&Value>;
    /// The same, to change it.
    fn within_mut(self, value: &mut Value) -> Option<&mut Value>;
    /// The same, made where it is missing.
    fn made(self, value: &mut Value) -> &mut Value;
}

impl Index for &str {
    fn within(self, value: &Value) -> Option<&Value> {
        value.as_object()?.get(self)
    }

    fn within_mut(self, value: &mut Value) -> Option<&mut Value> {
        value.as_object_mut()?.get_mut(self)
    }

    fn made(self, value: &mut Value) -> &mut Value {
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(map) => map.or_null(self),
            other => other,
        }
    }
}

impl Index for usize {
    fn within(self, value: &Value) -> Option<&Value> {
        value.as_array()?.get(self)
    }

    fn within_mut(self, value: &mut Value) -> Option<&mut Value> {
        match value {
            Value::Array(elements) => elements.get_mut(self),
            _ => None,
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the list is long enough by then")]
    fn made(self, value: &mut Value) -> &mut Value {
        if !value.is_array() {
            *value = Value::Array(Box::default());
        }
        let Value::Array(elements) = value else { return value };
        if self >= elements.len() {
            *elements = std::mem::take(elements).into_iter().chain([Value::Null]).collect();
        }
        let index = self.min(elements.len() - 1);
        &mut elements[index]
    }
}

/// Null for what is not there.
impl<I: Index> ops::Index<I> for Value {
    type Output = Self;

    fn index(&self, index: I) -> &Self {
        self.get(index).unwrap_or(&NULL)
    }
}

/// What is not there is made, with the map or list around it; an index behind a list's end is its next.
impl<I: Index> ops::IndexMut<I> for Value {
    fn index_mut(&mut self, index: I) -> &mut Self {
        index.made(self)
    }
}

/// The steps of a JSON pointer; none where it is no pointer.
pub(super) fn steps(pointer: &str) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    if !(pointer.is_empty() || pointer.starts_with('/')) {
        return None;
    }
    let unescaped = |step: &'_ str| step.replace("~1", "/").replace("~0", "~");
    Some(pointer.split('/').skip(1).map(move |step| {
        if step.contains('~') { Cow::Owned(unescaped(step)) } else { Cow::Borrowed(step) }
    }))
}

/// The index that a step of a pointer names.
pub(super) fn element(step: &str) -> Option<usize> {
    let is_plain = step == "0" || !step.starts_with(['0', '+']);
    is_plain.then(|| step.parse().ok()).flatten()
}
