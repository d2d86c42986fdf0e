//! The fields of `namespaceObject`: the API server shows some of a Namespace's, by type, and refuses others when a
//! policy is read.

/// Fields of the metadata, with their types. Those of times are left open: they are texts here.
const METADATA: [(&str, Option<&str>); 12] = [
    ("annotations", Some("map")),
    ("creationTimestamp", None),
    ("deletionGracePeriodSeconds", Some("int")),
    ("deletionTimestamp", None),
    ("finalizers", Some("list")),
    ("generateName", Some("string")),
    ("generation", Some("int")),
    ("labels", Some("map")),
    ("name", Some("string")),
    ("namespace", Some("string")),
    ("resourceVersion", Some("string")),
    ("UID", Some("string")),
];

/// Whether there is a field at a path below the namespace.
pub(super) fn has(path: &[&str]) -> bool {
    match path {
        [] | ["metadata" | "spec" | "status"] => true,
        ["metadata", name, below @ ..] => {
            let known = METADATA.iter().find(|(own, _)| own == name);
            known.is_some_and(|(_, known)| below.is_empty() || *known == Some("map"))
        }
        ["spec", "finalizers"] | ["status", "phase" | "conditions"] => true,
        _ => false,
    }
}

/// The type of a field at a path, where it has one.
pub(super) fn type_of(path: &[&str]) -> Option<&'static str> {
    match path {
        ["metadata", name] => METADATA.iter().find(|(own, _)| own == name)?.1,
        ["metadata", "labels" | "annotations", _] | ["status", "phase"] => Some("string"),
        ["spec", "finalizers"] | ["status", "conditions"] => Some("list"),
        _ => None,
    }
}
