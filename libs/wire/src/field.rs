//! Reads the fields of wire messages: presence, form and bounds. Every error names its field.

use airside_types::{Cluster, FieldPath, Id, Technique, Tenant, Timestamp};
use bytes::Bytes;

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{
    MAX_FIELD_PATH_BYTES, MAX_IDENTITY_BYTES, MAX_PATH_BYTES, MAX_TECHNIQUES, MAX_TEXT_BYTES,
};

type Read<T> = Result<T, InvalidField>;

/// A text of at most `most` bytes.
pub(crate) fn bounded(field: &str, value: String, most: usize) -> Read<String> {
    match value.len() {
        bytes if bytes > most => Err(InvalidField::new(field, Problem::TooLong { bytes, most })),
        _ => Ok(value),
    }
}

/// A text for people.
pub(crate) fn text(field: &str, value: String) -> Read<String> {
    bounded(field, value, MAX_TEXT_BYTES)
}

/// A name, uid or other identity.
pub(crate) fn identity(field: &str, value: String) -> Read<String> {
    bounded(field, value, MAX_IDENTITY_BYTES)
}

/// An identity that may be absent; an empty one counts as absent, so that two unknown things are never
/// one.
pub(crate) fn optional_identity(field: &str, value: Option<String>) -> Read<Option<String>> {
    value.filter(|text| !text.is_empty()).map(|text| identity(field, text)).transpose()
}

/// The path of a file.
pub(crate) fn file_path(field: &str, value: String) -> Read<String> {
    bounded(field, value, MAX_PATH_BYTES)
}

/// The path to a field of an object.
pub(crate) fn field_path(field: &str, value: String) -> Read<FieldPath> {
    let value = bounded(field, value, MAX_FIELD_PATH_BYTES)?;
    FieldPath::parse(&value).ok_or_else(|| {
        let shown: String = value.chars().take(80).collect();
        InvalidField::new(field, Problem::Malformed(format!("`{shown}` is no path to a field")))
    })
}

/// An id.
pub(crate) fn id(field: &str, value: &Bytes) -> Read<Id> {
    <[u8; 16]>::try_from(value.as_ref())
        .map(Id::from_bytes)
        .map_err(|_| InvalidField::new(field, Problem::NotAnId { bytes: value.len() }))
}

/// An id that may be absent.
pub(crate) fn optional_id(field: &str, value: Option<Bytes>) -> Read<Option<Id>> {
    value.map(|value| id(field, &value)).transpose()
}

/// The name of a tenant.
pub(crate) fn tenant(field: &str, value: &str) -> Read<Tenant> {
    Tenant::new(value).map_err(|error| malformed(field, &error))
}

/// The name of a cluster.
pub(crate) fn cluster(field: &str, value: &str) -> Read<Cluster> {
    Cluster::new(value).map_err(|error| malformed(field, &error))
}

/// The cluster that a request means: the default one where it names none.
pub(crate) fn cluster_or_default(field: &str, value: &str) -> Read<Cluster> {
    if value.is_empty() { Ok(Cluster::default()) } else { cluster(field, value) }
}

/// The name of a tenant, where giving none is allowed.
pub(crate) fn optional_tenant(field: &str, value: &str) -> Read<Option<Tenant>> {
    if value.is_empty() { Ok(None) } else { tenant(field, value).map(Some) }
}

/// The name of a cluster, where giving none is allowed.
pub(crate) fn optional_cluster(field: &str, value: &str) -> Read<Option<Cluster>> {
    if value.is_empty() { Ok(None) } else { cluster(field, value).map(Some) }
}

/// A member of a closed list.
pub(crate) fn listed<T: ClosedList>(field: &str, value: i32) -> Read<T> {
    match T::from_wire(value) {
        Some(member) => Ok(member),
        None if value == 0 => Err(InvalidField::new(field, Problem::Missing)),
        None => Err(InvalidField::new(field, Problem::UnknownValue { value, what: T::WHAT })),
    }
}

/// A member of a closed list, where giving none is allowed.
pub(crate) fn optional_listed<T: ClosedList>(field: &str, value: i32) -> Read<Option<T>> {
    if value == 0 { Ok(None) } else { listed(field, value).map(Some) }
}

/// ATT&CK techniques by their ids.
pub(crate) fn techniques(field: &str, values: Vec<String>) -> Read<Vec<Technique>> {
    each(field, values, MAX_TECHNIQUES, |id| {
        Technique::find(&id).ok_or_else(|| {
            let shown: String = id.chars().take(20).collect();
            InvalidField::new(
                "",
                Problem::Malformed(format!(
                    "`{shown}` is no ATT&CK technique that this version knows"
                )),
            )
        })
    })
}

/// Texts for people.
pub(crate) fn texts(field: &str, values: Vec<String>, most: usize) -> Read<Vec<String>> {
    each(field, values, most, |value| text("", value))
}

/// Ids.
pub(crate) fn ids(field: &str, values: Vec<Bytes>, most: usize) -> Read<Vec<Id>> {
    each(field, values, most, |value| id("", &value))
}

/// A message that has to be there.
pub(crate) fn required<M, T>(field: &str, value: Option<M>) -> Read<T>
where
    T: TryFrom<M, Error = InvalidField>,
{
    optional(field, value)?.ok_or_else(|| InvalidField::new(field, Problem::Missing))
}

/// A message that may be absent.
pub(crate) fn optional<M, T>(field: &str, value: Option<M>) -> Read<Option<T>>
where
    T: TryFrom<M, Error = InvalidField>,
{
    value.map(T::try_from).transpose().map_err(|error| error.within(field))
}

/// A list of messages.
pub(crate) fn list<M, T>(field: &str, values: Vec<M>, most: usize) -> Read<Vec<T>>
where
    T: TryFrom<M, Error = InvalidField>,
{
    each(field, values, most, T::try_from)
}

/// A list whose entries are read one by one.
pub(crate) fn each<M, T>(
    field: &str,
    values: Vec<M>,
    most: usize,
    read: impl Fn(M) -> Read<T>,
) -> Read<Vec<T>> {
    let entries = values.len();
    if entries > most {
        return Err(InvalidField::new(field, Problem::TooMany { entries, most }));
    }
    values
        .into_iter()
        .enumerate()
        .map(|(at, value)| read(value).map_err(|error| error.within_entry(at).within(field)))
        .collect()
}

/// A moment in nanoseconds since the Unix epoch; every value is one.
pub(crate) const fn moment(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

fn malformed(field: &str, error: &dyn std::fmt::Display) -> InvalidField {
    InvalidField::new(field, Problem::Malformed(error.to_string()))
}
