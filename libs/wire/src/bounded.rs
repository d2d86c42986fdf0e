//! Writes texts within the bounds of the wire.
//!
//! An attacker chooses user names, object names and paths. If one that is too long made a record
//! unreadable, the record would end among the dead letters instead of in an incident; so it is shortened
//! here, always in the same way.

use airside_types::{FieldPath, Id, Technique};
use bytes::Bytes;

use crate::limits::{
    MAX_FIELD_PATH_BYTES, MAX_IDENTITY_BYTES, MAX_PATH_BYTES, MAX_TECHNIQUES, MAX_TEXT_BYTES,
};

/// Shows that a text was cut.
const CUT: &str = "…";

/// A text for people: what is too long ends with an ellipsis.
pub(crate) fn text(text: &str) -> String {
    if text.len() <= MAX_TEXT_BYTES {
        return text.to_owned();
    }
    format!("{}{CUT}", beginning(text, MAX_TEXT_BYTES - CUT.len()))
}

/// A name, uid or other identity: what is too long keeps its beginning and gets the hash of the whole, so
/// that two identities never become one.
pub(crate) fn identity(text: &str) -> String {
    distinct(text, MAX_IDENTITY_BYTES)
}

/// An identity that may be absent.
pub(crate) fn optional_identity(text: Option<&str>) -> Option<String> {
    text.map(identity)
}

/// The path of a file, shortened as an identity is.
pub(crate) fn file_path(text: &str) -> String {
    distinct(text, MAX_PATH_BYTES)
}

/// The path to a field: what is too long names the deepest field above it that is not.
pub(crate) fn field_path(path: &FieldPath) -> String {
    if path.as_str().len() <= MAX_FIELD_PATH_BYTES {
        return path.to_string();
    }
    let shorter = std::iter::successors(path.parent(), FieldPath::parent);
    let fitting = shorter.into_iter().find(|it| it.as_str().len() <= MAX_FIELD_PATH_BYTES);
    fitting.unwrap_or_default().to_string()
}

/// The bytes of an id.
pub(crate) fn id(id: Id) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

/// The ids of techniques, the first ones where there are too many: they are the most specific.
pub(crate) fn techniques(techniques: &[Technique]) -> Vec<String> {
    techniques.iter().take(MAX_TECHNIQUES).map(|technique| technique.id().to_owned()).collect()
}

/// The first entries of a list, as wire messages.
pub(crate) fn list<'a, T, M: From<&'a T>>(values: &'a [T], most: usize) -> Vec<M> {
    values.iter().take(most).map(M::from).collect()
}

fn distinct(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let hash = Id::builder("wire/shortened").text(text).finish().to_string();
    format!("{}{CUT}{hash}", beginning(text, most - CUT.len() - hash.len()))
}

/// At most `most` bytes from the beginning, cut between two characters.
fn beginning(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
