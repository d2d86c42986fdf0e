//! Lists inside of documents, element by element, without decoding the elements.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::audit::event::Text;

/// Hands each element of a JSON list on, up to where the list breaks off.
pub(super) fn elements(text: &str, each: &mut dyn FnMut(&str)) -> Result<(), serde_json::Error> {
    Elements(each).deserialize(&mut serde_json::Deserializer::from_str(text))
}

/// Whether a broken document is one with a list of items.
pub(super) fn has_items(text: &str) -> bool {
    let head = text.get(..text.len().min(400)).unwrap_or(text);
    ["\"EventList\"", "\"items\"", "\"records\"", "\"logEvents\""]
        .iter()
        .any(|key| head.contains(key))
}

/// Hands on the whole elements of a document's list, although the document breaks off.
pub(super) fn items(text: &str, each: &mut dyn FnMut(&str)) {
    // The error is the break, which the caller knows.
    let _broken = Items(each).deserialize(&mut serde_json::Deserializer::from_str(text));
}

struct Elements<'c>(&'c mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<&RawValue>()? {
            (self.0)(element.get());
        }
        Ok(())
    }
}

struct Items<'c>(&'c mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document with a list of events")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if matches!(&*key, "items" | "records" | "logEvents") {
                map.next_value_seed(Elements(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
