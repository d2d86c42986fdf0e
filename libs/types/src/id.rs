//! Content-derived identifiers.
//!
//! Every id is the first 128 bits of a BLAKE3 hash over what identifies a thing, so that the same input
//! always has the same id: a replay, a retry or a second delivery changes nothing. No random or counting
//! id generator exists in Airside.

use std::fmt;
use std::str::FromStr;

/// A 128-bit identifier derived from content. Shown as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id([u8; 16]);

impl Id {
    /// An id from its 16 bytes, as stored or received.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, for keys and the wire.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Starts an id in a namespace of its own, so that two kinds of things never share an id.
    pub fn builder(domain: &str) -> IdBuilder {
        IdBuilder::empty().text(domain)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is no id: 32 hexadecimal digits are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no id: an id has 32 hexadecimal digits")]
pub struct ParseIdError {
    text: String,
}

impl FromStr for Id {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseIdError { text: text.chars().take(40).collect() };
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        u128::from_str_radix(text, 16).map(|value| Self(value.to_be_bytes())).map_err(|_| error())
    }
}

/// Collects the parts of an identity. Each part is preceded by its length, so that `("ab", "c")` and
/// `("a", "bc")` differ.
///
/// The parts are collected and hashed at once: a hasher weighs 2 kB, too much to hand from step to step.
#[derive(Debug, Clone)]
pub struct IdBuilder {
    parts: Vec<u8>,
}

impl IdBuilder {
    /// Without a domain yet, which has to be its first text.
    pub(crate) fn empty() -> Self {
        Self { parts: Vec::with_capacity(512) }
    }

    fn push(&mut self, part: &[u8]) {
        self.parts.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.parts.extend_from_slice(part);
    }

    /// Adds a text part.
    #[must_use]
    pub fn text(mut self, part: &str) -> Self {
        self.push(part.as_bytes());
        self
    }

    /// Adds a part of bytes.
    #[must_use]
    pub fn bytes(mut self, part: &[u8]) -> Self {
        self.push(part);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, part: i64) -> Self {
        self.push(&part.to_be_bytes());
        self
    }

    /// Adds another id.
    #[must_use]
    pub fn id(mut self, part: Id) -> Self {
        self.push(&part.0);
        self
    }

    /// Adds an optional text: absent differs from empty.
    #[must_use]
    pub fn optional(mut self, part: Option<&str>) -> Self {
        match part {
            Some(text) => {
                self.push(&[1]);
                self.push(text.as_bytes());
            }
            None => self.push(&[0]),
        }
        self
    }

    /// The id of everything that was added.
    #[must_use]
    pub fn finish(self) -> Id {
        let hash = blake3::hash(&self.parts);
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash.as_bytes()).for_each(|(byte, hashed)| *byte = *hashed);
        Id(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_id() {
        let id = || Id::builder("test").text("a").number(-1).optional(None).finish();
        assert_eq!(id(), id());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let id = |parts: &[&str]| {
            parts.iter().fold(Id::builder("test"), |builder, part| builder.text(part)).finish()
        };
        assert_ne!(id(&["ab", "c"]), id(&["a", "bc"]));
        assert_ne!(id(&["abc"]), id(&["abc", ""]));
    }

    #[test]
    fn an_id_survives_its_text() {
        let id = Id::builder("test").text("x").finish();
        assert_eq!(id.to_string().parse::<Id>().unwrap(), id);
        assert!("12".parse::<Id>().is_err());
        assert!("+1111111111111111111111111111111".parse::<Id>().is_err());
    }
}
