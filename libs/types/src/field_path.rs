//! Paths to a field of an object, such as `spec.containers[0].image`.
//!
//! A path is kept as its text: boarding passes and findings hold hundreds of thousands of them, and a text
//! is one allocation where a list of steps is one for each key.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Write};

/// One step into an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step<'a> {
    /// Into the value of a key.
    Key(Cow<'a, str>),
    /// Into the element of a list, from 0.
    Index(usize),
}

impl<'a> Step<'a> {
    /// Into the value of a key.
    pub const fn key(key: &'a str) -> Self {
        Self::Key(Cow::Borrowed(key))
    }

    fn write(&self, path: &mut String) {
        match self {
            Self::Index(index) => {
                path.push('[');
                match u8::try_from(*index) {
                    // Most lists are short.
                    Ok(digit @ 0..=9) => path.push(char::from(b'0' + digit)),
                    // Writing to a text cannot fail.
                    _ => drop(write!(path, "{index}")),
                }
                path.push(']');
            }
            Self::Key(key) if key.is_empty() || key.contains(['.', '[', ']', '"']) => {
                path.push_str("[\"");
                path.push_str(&key.replace('\\', "\\\\").replace('"', "\\\""));
                path.push_str("\"]");
            }
            Self::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
        }
    }
}

/// A path from the root of an object. Shown with dots and `[index]`; a key that holds a dot, a bracket,
/// a quote or nothing is shown as `["key"]`, with a backslash before quotes and backslashes. Paths are in
/// the order of their steps.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct FieldPath(Box<str>);

impl FieldPath {
    /// The object itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// A path from keys only, such as `["spec", "template"]`.
    pub fn of(keys: &[&str]) -> Self {
        Self::root().keys(keys)
    }

    /// The path as it is shown.
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// The steps, outermost first.
    pub const fn steps(&self) -> Steps<'_> {
        Steps { text: &self.0, read: 0 }
    }

    /// This path with one more key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.keys(&[key])
    }

    /// This path with several more keys.
    #[must_use]
    pub fn keys(&self, keys: &[&str]) -> Self {
        let longer: usize = keys.iter().map(|key| key.len() + 1).sum();
        self.extended(longer, keys.iter().map(|key| Step::key(key)))
    }

    /// This path with one more list index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.extended(4, [Step::Index(index)])
    }

    /// This path with the steps of another one, which leads on from where this one ends.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        self.extended(below.0.len() + 1, below.steps())
    }

    fn extended<'s>(&self, longer: usize, steps: impl IntoIterator<Item = Step<'s>>) -> Self {
        let mut text = String::with_capacity(self.0.len() + longer);
        text.push_str(&self.0);
        steps.into_iter().for_each(|step| step.write(&mut text));
        Self(text.into_boxed_str())
    }

    /// The path without its last step; the root has none.
    pub fn parent(&self) -> Option<Self> {
        let mut steps = self.steps();
        let mut end = None;
        while steps.read < self.0.len() {
            end = Some(steps.read);
            steps.next()?;
        }
        Some(Self(self.0.get(..end?)?.into()))
    }

    /// Whether the other path is this one or lies below it.
    pub fn contains(&self, other: &Self) -> bool {
        other.below(self).is_some()
    }

    /// The way to this path from another one; nothing where it does not lie there.
    pub fn below(&self, base: &Self) -> Option<Self> {
        let rest = self.0.strip_prefix(&*base.0)?;
        let ends_a_step = base.0.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']);
        ends_a_step.then(|| Self(rest.strip_prefix('.').unwrap_or(rest).into()))
    }

    /// Reads what [`fmt::Display`] writes. Returns nothing for text that it would not write.
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Steps { text, read: 0 };
        let mut path = String::with_capacity(text.len());
        while steps.read < text.len() {
            steps.next()?.write(&mut path);
        }
        Some(Self(path.into_boxed_str()))
    }
}

/// The steps of a path, outermost first.
#[derive(Debug, Clone)]
pub struct Steps<'a> {
    text: &'a str,
    /// How many bytes of the text were read; always at the end of a step.
    read: usize,
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let rest = self.text.get(self.read..).filter(|rest| !rest.is_empty())?;
        let (step, after) = if let Some(quoted) = rest.strip_prefix("[\"") {
            let (key, after) = split_quoted(quoted)?;
            (Step::Key(key), after.strip_prefix(']')?)
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']')?;
            (Step::Index(index.parse().ok()?), after)
        } else {
            let bare = if self.read == 0 { rest } else { rest.strip_prefix('.')? };
            let ends = |byte: &u8| matches!(byte, b'.' | b'[');
            let end = bare.as_bytes().iter().position(ends).unwrap_or(bare.len());
            let (key, after) = bare.split_at_checked(end)?;
            (Step::key(Some(key).filter(|key| !key.is_empty())?), after)
        };
        self.read = self.text.len() - after.len();
        Some(step)
    }
}

/// Splits a quoted key, without its escapes, from what follows the closing quote.
fn split_quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text.get(end..)?.starts_with('"') {
        return Some((Cow::Borrowed(text.get(..end)?), text.get(end + 1..)?));
    }
    let mut key = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some((Cow::Owned(key), letters.as_str())),
            '\\' => key.push(letters.next()?),
            letter => key.push(letter),
        }
    }
}

impl<'a> FromIterator<Step<'a>> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Step<'a>>>(steps: I) -> Self {
        Self::root().extended(0, steps)
    }
}

impl From<&[Step<'_>]> for FieldPath {
    fn from(steps: &[Step<'_>]) -> Self {
        steps.iter().cloned().collect()
    }
}

impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.steps().cmp(other.steps())
    }
}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_people_write_them() {
        let path = FieldPath::of(&["spec", "containers"]).index(0).key("image");
        assert_eq!(path.to_string(), "spec.containers[0].image");
        assert_eq!(FieldPath::parse("spec.containers[0].image"), Some(path));
        let dotted = FieldPath::of(&["metadata", "annotations"]).key("a.b/c");
        assert_eq!(dotted.to_string(), "metadata.annotations[\"a.b/c\"]");
        assert_eq!(FieldPath::parse(&dotted.to_string()), Some(dotted));
        assert_eq!(FieldPath::parse("a..b"), None);
    }

    #[test]
    fn any_key_survives_its_text() {
        for key in ["", "a\"]b", "\"", "\\", "a\\\"]", "]", "x.y\\", "a\\", "ä[", "\"].c[\"d"] {
            for path in [FieldPath::root().key(key), FieldPath::of(&["a", key, "b"]).index(1)] {
                assert_eq!(FieldPath::parse(&path.to_string()), Some(path.clone()), "{path}");
                assert_eq!(FieldPath::from_iter(path.steps()), path);
                assert_eq!(path.steps().filter(|step| *step == Step::key(key)).count(), 1);
            }
        }
        for broken in ["[\"a", "[\"a\"", "[\"a\\\"]", "[\"a\"x]", "[", "[x]"] {
            assert_eq!(FieldPath::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_path_contains_what_lies_below_it() {
        let spec = FieldPath::of(&["spec"]);
        assert!(spec.contains(&spec.key("volumes").index(1)));
        assert!(!spec.contains(&FieldPath::of(&["status"])));
        assert!(!spec.contains(&FieldPath::of(&["specification"])));
        assert!(FieldPath::root().contains(&spec));
        let volume = spec.key("volumes").index(1);
        assert_eq!(volume.below(&spec), Some(FieldPath::of(&["volumes"]).index(1)));
        assert_eq!(volume.below(&spec.key("volumes")), Some(FieldPath::root().index(1)));
        assert_eq!(volume.below(&volume), Some(FieldPath::root()));
        assert_eq!(spec.below(&volume), None);
    }
    #[test]
    fn a_path_without_its_last_step() {
        let path = FieldPath::of(&["a", "b.c"]).index(10);
        let parent = path.parent();
        assert_eq!(parent, Some(FieldPath::of(&["a", "b.c"])));
        assert_eq!(parent.and_then(|it| it.parent()), Some(FieldPath::of(&["a"])));
        assert_eq!(FieldPath::of(&["a"]).parent(), Some(FieldPath::root()));
        assert_eq!(FieldPath::root().parent(), None);
    }

    #[test]
    fn paths_are_in_the_order_of_their_steps() {
        let containers = FieldPath::of(&["spec", "containers"]);
        let ordered = [
            FieldPath::root(),
            FieldPath::of(&["spec"]),
            containers.clone(),
            containers.index(2),
            containers.index(10),
            FieldPath::of(&["spec-x"]),
        ];
        assert!(ordered.is_sorted(), "{ordered:?}");
        assert_eq!(
            containers.join(&FieldPath::root().index(2).key("a")).to_string(),
            "spec.containers[2].a"
        );
    }
}
