//! Lists and maps: those of objects, borrowed, and those that expressions make.

use std::rc::Rc;

use airside_k8s::{Map as JsonMap, Value as Json};

use super::Failure;
use super::budget::Budget;
use super::compare::{equal, is_same_key};
use super::value::{Text, Value};

/// A list.
#[derive(Debug, Clone)]
pub(crate) enum List<'a> {
    Json(&'a [Json]),
    Own(Rc<[Value<'a>]>),
}

impl<'a> List<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(values) => values.len(),
            Self::Own(values) => values.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Json(values) => values.get(index).map(Value::of_json),
            Self::Own(values) => values.get(index).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Whether an element equals a value.
    pub(crate) fn contains(&self, value: &Value<'_>, budget: &mut Budget) -> Result<bool, Failure> {
        for element in self.iter() {
            if equal(&element, value, budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A map. Those that expressions make are small: they are searched from their start.
#[derive(Debug, Clone)]
pub(crate) enum Map<'a> {
    Json(&'a JsonMap),
    Own(Rc<[(Value<'a>, Value<'a>)]>),
}

impl<'a> Map<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(fields) => fields.len(),
            Self::Own(entries) => entries.len(),
        }
    }

    /// The value under a key; 1, 1u and 1.0 are the same key.
    pub(crate) fn get(&self, key: &Value<'_>) -> Option<Value<'a>> {
        match (self, key) {
            (Self::Json(_), Value::Text(name)) => self.field(name),
            (Self::Json(_), _) => None,
            (Self::Own(entries), _) => {
                let found = entries.iter().find(|(own, _)| is_same_key(own, key));
                found.map(|(_, value)| value.clone())
            }
        }
    }

    /// The value under a text.
    pub(crate) fn field(&self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Json(fields) => fields.get(name).map(Value::of_json),
            Self::Own(entries) => {
                let is_it = |key: &Value<'_>| matches!(key, Value::Text(text) if **text == *name);
                entries.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value.clone())
            }
        }
    }

    /// What a search for a key costs.
    pub(crate) fn search_cost(&self) -> u64 {
        match self {
            Self::Json(_) => 0,
            Self::Own(entries) => u64::try_from(entries.len() / 8).unwrap_or(u64::MAX),
        }
    }

    /// Keys with their values; an object's in the order of its own map, which does not change from run to run.
    pub(crate) fn entries(&self) -> Vec<(Value<'a>, Value<'a>)> {
        match self {
            Self::Json(fields) => fields
                .iter()
                .map(|(key, value)| (Value::Text(Text::Borrowed(key)), Value::of_json(value)))
                .collect(),
            Self::Own(entries) => entries.to_vec(),
        }
    }
}
