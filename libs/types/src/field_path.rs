//! Paths to a field of an object, such as `spec.containers[0].image`.

use std::fmt;

/// One step into an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into the element of a list, from 0.
    Index(usize),
}

/// A path from the root of an object. Shown with dots and `[index]`; a key that holds a dot, a bracket,
/// a quote or nothing is shown as `["key"]`, with a backslash before quotes and backslashes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FieldPath(Vec<Step>);

impl FieldPath {
    /// The object itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A path from keys only, such as `["spec", "template"]`.
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Step::Key((*key).to_owned())).collect())
    }

    /// The steps, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// This path with one more key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// This path with several more keys.
    #[must_use]
    pub fn keys(&self, keys: &[&str]) -> Self {
        let mut steps = self.0.clone();
        steps.extend(keys.iter().map(|key| Step::Key((*key).to_owned())));
        Self(steps)
    }

    /// This path with one more list index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    /// The path without its last step; the root has none.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// Whether the other path is this one or lies below it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Reads what [`fmt::Display`] writes. Returns nothing for text that it would not write.
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let (key, after) = split_quoted(quoted)?;
                steps.push(Step::Key(key));
                rest = after.strip_prefix(']')?;
            } else if let Some(inner) = rest.strip_prefix('[') {
                let (index, after) = inner.split_once(']')?;
                steps.push(Step::Index(index.parse().ok()?));
                rest = after;
            } else {
                let bare = if steps.is_empty() { rest } else { rest.strip_prefix('.')? };
                let end = bare.find(['.', '[']).unwrap_or(bare.len());
                let (key, after) = bare.split_at_checked(end)?;
                if key.is_empty() {
                    return None;
                }
                steps.push(Step::Key(key.to_owned()));
                rest = after;
            }
        }
        Some(Self(steps))
    }
}

/// Splits a quoted key, without its escapes, from what follows the closing quote.
fn split_quoted(text: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some((key, letters.as_str())),
            '\\' => key.push(letters.next()?),
            letter => key.push(letter),
        }
    }
}

impl From<Vec<Step>> for FieldPath {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if key.is_empty() || key.contains(['.', '[', ']', '"']) => {
                    write!(f, "[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
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
    }
}
