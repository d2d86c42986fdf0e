//! Whose an object is: what its labels and annotations say, and whose its file is.
//!
//! Owns the keys that name an owner, and the files CODEOWNERS ([`codeowners`]). Telling owners is for those who
//! send messages.

pub mod codeowners;

use std::collections::BTreeMap;

use airside_k8s::{Object, Value};

/// The keys of annotations and labels that name an owner, the surest first.
const KEYS: [&str; 3] = ["airside.dev/owner", "owner", "team"];
/// Longer names are none, in bytes.
const MAX_OWNER: usize = 256;

/// Whose an object is by its own word: annotations before labels.
fn owner_of(object: &Object<'_>) -> Option<String> {
    KEYS.iter().find_map(|key| {
        let places = [object.annotations(), object.labels()];
        let texts = places.into_iter().flatten().filter_map(|place| place.get(key));
        texts.filter_map(Value::as_str).find_map(usable)
    })
}

/// Whether an object is a namespace, which may say whose the objects in it are.
pub(crate) fn is_namespace(object: &Object<'_>) -> bool {
    (object.group(), object.kind()) == ("", "Namespace")
}

/// An owner as it may stand in reports.
fn usable(text: &str) -> Option<String> {
    let text = text.trim();
    let is_usable = !text.is_empty() && text.len() <= MAX_OWNER && !text.contains(char::is_control);
    is_usable.then(|| text.to_owned())
}

/// Whether one of the names of an owner is meant; an `@` before a name counts on neither side.
pub fn is_owned_by(owner: &str, wanted: &str) -> bool {
    let bare = |name: &str| name.trim_start_matches('@').to_ascii_lowercase();
    bare(owner) == bare(wanted) || owner.split_whitespace().any(|name| bare(name) == bare(wanted))
}

/// Whose objects of a set are.
#[derive(Debug)]
pub struct Owners<'f> {
    namespaces: BTreeMap<String, String>,
    files: &'f FileOwners,
}

impl<'f> Owners<'f> {
    /// By the namespaces among some objects, and by files.
    pub fn new<'o>(
        objects: impl IntoIterator<Item = &'o Object<'o>>,
        files: &'f FileOwners,
    ) -> Self {
        let namespaces = objects.into_iter().filter(|object| is_namespace(object));
        let owned = namespaces.filter_map(|it| Some((it.name().to_owned(), owner_of(it)?)));
        Self { namespaces: owned.collect(), files }
    }

    /// Whose an object of a file is: it says so, or its namespace does, or its file is somebody's.
    pub fn of(&self, object: &Object<'_>, path: &str) -> Option<String> {
        let of_namespace = || self.of_namespace(object.namespace()?).map(str::to_owned);
        let of_file = || self.files.of(path).map(str::to_owned);
        owner_of(object).or_else(of_namespace).or_else(of_file)
    }

    /// Whose the objects in a namespace are, as far as it says it.
    pub(crate) fn of_namespace(&self, name: &str) -> Option<&str> {
        self.namespaces.get(name).map(String::as_str)
    }
}

/// Whose files are, by the paths under which they are scanned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOwners(BTreeMap<String, String>);

impl FileOwners {
    /// Nobody's.
    pub const NONE: &'static Self = &Self(BTreeMap::new());

    /// Whose a file is.
    pub fn of(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for FileOwners {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
