//! The fields of `request`: the API server knows them by type, and refuses others when a policy is read.

/// What a path below `request` is.
pub(super) enum Field {
    /// A field of the request itself.
    Top(&'static str),
    /// A field of one of its fields.
    Below,
    /// Nothing.
    None,
}

const TOP: [&str; 12] = [
    "kind",
    "resource",
    "subResource",
    "requestKind",
    "requestResource",
    "requestSubResource",
    "name",
    "namespace",
    "operation",
    "userInfo",
    "dryRun",
    "options",
];

/// Judges a path below `request`.
pub(super) fn field(path: &[&str]) -> Field {
    let below: Option<&[&str]> = match path.first().copied() {
        Some("kind" | "requestKind") => Some(&["group", "version", "kind"]),
        Some("resource" | "requestResource") => Some(&["group", "version", "resource"]),
        Some("userInfo") => Some(&["username", "uid", "groups", "extra"]),
        // Options have no type of their own, and `extra` any names.
        _ => None,
    };
    match path {
        [name] => TOP.into_iter().find(|own| own == name).map_or(Field::None, Field::Top),
        [_, name] if below.is_some_and(|below| !below.contains(name)) => Field::None,
        _ => Field::Below,
    }
}

/// The type of a field at a path below `request`, where it has one.
pub(super) fn type_of(path: &[&str]) -> Option<&'static str> {
    match path {
        ["name" | "namespace" | "operation" | "subResource" | "requestSubResource"] => {
            Some("string")
        }
        ["dryRun"] => Some("bool"),
        ["kind" | "requestKind" | "resource" | "requestResource", _] => Some("string"),
        ["userInfo", "username" | "uid"] => Some("string"),
        ["userInfo", "groups"] => Some("list"),
        ["userInfo", "extra"] => Some("map"),
        _ => None,
    }
}
