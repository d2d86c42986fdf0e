//! Values of manifests, kept small.
//!
//! The same six shapes as [`serde_json::Value`], and the same names, so that whoever knows that type knows
//! this one. It exists for its size: a cluster is a hundred thousand objects, each of many small maps, and a
//! map of that type takes 640 bytes for one key. Here a map is its entries in one piece, sorted by key
//! ([`Map`]), keys are shared within a document, and texts and lists carry no spare room. In return a map is
//! made once and then read; changing one costs a copy of it.

pub(crate) mod build;
mod convert;
mod index;
mod map;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use index::Index;
pub use map::{Entries, Map};
use serde_json::Number;

/// A key of a map; its copies share the text.
pub type Key = Arc<str>;

/// A value as JSON knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// Null.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer of 64 bits, or a finite floating point number.
    Number(Number),
    /// A text.
    String(Box<str>),
    /// A list.
    Array(Box<[Self]>),
    /// A map.
    Object(Map),
}

static NULL: Value = Value::Null;

impl Value {
    /// Whether it is null.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is true or false.
    pub const fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether it is a number.
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Whether it is a text.
    pub const fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether it is a list.
    pub const fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether it is a map.
    pub const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Whether it is an integer within `i64`.
    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    /// Whether it is an integer within `u64`.
    pub fn is_u64(&self) -> bool {
        self.as_u64().is_some()
    }

    /// The truth value, where it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, where it is one.
    pub const fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The integer, where it is one within `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The integer, where it is one within `u64`.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    /// The number, rounded to a floating point one.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().and_then(Number::as_f64)
    }

    /// The text, where it is one.
    pub const fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, where it is a list.
    pub const fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The map, where it is one.
    pub const fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The map, to change it.
    pub const fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// Changes the elements, where it is a list; what the change returns.
    pub fn change_elements<T>(&mut self, change: impl FnOnce(&mut Vec<Self>) -> T) -> Option<T> {
        let Self::Array(list) = self else { return None };
        let mut elements = std::mem::take(list).into_vec();
        let returned = change(&mut elements);
        *list = elements.into_boxed_slice();
        Some(returned)
    }

    /// What stands under a key of a map or at an index of a list.
    pub fn get(&self, index: impl Index) -> Option<&Self> {
        index.within(self)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, index: impl Index) -> Option<&mut Self> {
        index.within_mut(self)
    }

    /// The value at a JSON pointer (RFC 6901).
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        index::steps(pointer)?.try_fold(self, |value, step| match value {
            Self::Object(map) => map.get(&step),
            Self::Array(elements) => elements.get(index::element(&step)?),
            _ => None,
        })
    }

    /// The same, to change it.
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        index::steps(pointer)?.try_fold(self, |value, step| match value {
            Self::Object(map) => map.get_mut(&step),
            Self::Array(elements) => elements.get_mut(index::element(&step)?),
            _ => None,
        })
    }

    /// The value itself; null is left in its place.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

/// As JSON in one line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if f.alternate() {
            serde_json::to_string_pretty(self)
        } else {
            serde_json::to_string(self)
        };
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

/// A value written as JSON, as serde_json's macro of that name makes its own.
#[macro_export]
macro_rules! json {
    ($($json:tt)+) => {
        $crate::Value::from($crate::value::serde_json::json!($($json)+))
    };
}

#[doc(hidden)]
pub use ::serde_json;
