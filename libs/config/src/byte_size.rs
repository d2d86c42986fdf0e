//! Sizes in bytes, as people write them: `64KiB`, `2MiB`, or a plain number of bytes.

use std::fmt;
use std::str::FromStr;

use airside_types::redact::redact;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A number of bytes. Settings write `2MiB` (binary units: KiB, MiB, GiB, TiB; decimal: kB, MB, GB, TB) or
/// an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

/// Units, each with its bytes; the binary ones first, the largest first, as [`fmt::Display`] tries them.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

impl ByteSize {
    /// So many KiB.
    pub const fn kib(count: u32) -> Self {
        Self((count as u64) << 10)
    }

    /// So many MiB.
    pub const fn mib(count: u32) -> Self {
        Self((count as u64) << 20)
    }

    /// The number of bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes, as large as this machine's memory sizes go.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |bytes: u64| self.0 >= bytes && self.0.is_multiple_of(bytes);
        let (unit, bytes) = UNITS.into_iter().find(|(_, bytes)| fits(*bytes)).unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

/// The text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no size: write a whole number with a unit, such as `64KiB`, `2MiB` or `1GB`")]
pub struct ParseByteSizeError {
    text: String,
}

impl FromStr for ByteSize {
    type Err = ParseByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseByteSizeError { text: redact(text).chars().take(40).collect() };
        let trimmed = text.trim();
        let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, unit) = trimmed.split_at_checked(digits).ok_or_else(error)?;
        let count: u64 = count.parse().map_err(|_| error())?;
        let unit = match unit.trim_start() {
            "" => "B",
            unit => unit,
        };
        UNITS
            .into_iter()
            .find(|(name, _)| *name == unit)
            .and_then(|(_, bytes)| count.checked_mul(bytes))
            .map(Self)
            .ok_or_else(error)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as \"2MiB\", or a number of bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes))
    }

    fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
        u64::try_from(bytes)
            .map(ByteSize)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(bytes), &self))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("512B", 512),
            ("64KiB", 65_536),
            ("2 MiB", 2_097_152),
            (" 1GiB ", 1 << 30),
            ("1TiB", 1 << 40),
            ("10kB", 10_000),
            ("3MB", 3_000_000),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn refuses_what_could_be_misread() {
        for text in ["", "MiB", "-1", "1.5MiB", "2mib", "2Mb", "2M", "1 2", "99999999999TiB", "１"]
        {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn shows_the_largest_binary_unit_that_divides() {
        for (bytes, shown) in
            [(0, "0B"), (1000, "1000B"), (1024, "1KiB"), (1536, "1536B"), (3 << 20, "3MiB")]
        {
            assert_eq!(ByteSize(bytes).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn a_size_survives_its_text(bytes: u64) {
            let json = serde_json::to_string(&ByteSize(bytes)).unwrap();
            prop_assert_eq!(serde_json::from_str::<ByteSize>(&json).unwrap(), ByteSize(bytes));
            prop_assert_eq!(serde_json::from_str::<ByteSize>(&bytes.to_string()).unwrap(), ByteSize(bytes));
        }
    }
}
