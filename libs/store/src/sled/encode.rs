//! How keys and values lie in the one tree.
//!
//! A pair is at `<keyspace> 0 <key>`; names of keyspaces have no 0, so keyspaces do not touch. A value of
//! more than [`PART_BYTES`] is cut into parts, because sled rewrites leaves of up to 16 pairs whole and puts
//! leaves of more than 128 KiB into files of their own, which cost a sync each and have leaked space. The
//! parts are at `1 <key of the pair> <number>`, away from what scans run over; the pair says how many.

use airside_ports::Keyspace;
use bytes::Bytes;

/// The longest value that is kept in one piece.
pub(super) const PART_BYTES: usize = 4000;

/// Where the schema version is. No keyspace starts with 0.
pub(super) const SCHEMA_KEY: &[u8] = b"\0schema";

const WHOLE: u8 = 0;
const IN_PARTS: u8 = 1;

/// The value that is kept at a pair's key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// How many parts there are.
    InParts(u32),
}

impl<'a> Head<'a> {
    /// Reads a stored value; none when no version of this program wrote it.
    pub(super) fn decode(stored: &'a [u8]) -> Option<Self> {
        match stored.split_first()? {
            (&WHOLE, value) => Some(Self::Whole(value)),
            (&IN_PARTS, count) => Some(Self::InParts(u32::from_be_bytes(count.try_into().ok()?))),
            _ => None,
        }
    }

    /// The value as it is stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (tag, rest) = match self {
            Self::Whole(value) => (WHOLE, *value),
            Self::InParts(count) => (IN_PARTS, &count.to_be_bytes()[..]),
        };
        let mut stored = Vec::with_capacity(1 + rest.len());
        stored.push(tag);
        stored.extend_from_slice(rest);
        stored
    }

    /// How many parts the value has beside the pair itself.
    pub(super) const fn parts(&self) -> u32 {
        match self {
            Self::Whole(_) => 0,
            Self::InParts(count) => *count,
        }
    }
}

/// The parts that a value is cut into; none when it is kept whole.
pub(super) fn parts(value: &[u8]) -> impl ExactSizeIterator<Item = &[u8]> {
    let cut = if value.len() > PART_BYTES { value } else { &[] };
    cut.chunks(PART_BYTES)
}

/// The key of a pair.
pub(super) fn pair_key(keyspace: Keyspace, key: &[u8]) -> Vec<u8> {
    let name = keyspace.as_str().as_bytes();
    let mut pair = Vec::with_capacity(name.len() + 1 + key.len());
    pair.extend_from_slice(name);
    pair.push(0);
    pair.extend_from_slice(key);
    pair
}

/// The key behind all pairs of a keyspace.
pub(super) fn end_key(keyspace: Keyspace) -> Vec<u8> {
    let mut end = keyspace.as_str().as_bytes().to_vec();
    end.push(1);
    end
}

/// The key within its keyspace, from the key of a pair.
pub(super) fn own_key(keyspace: Keyspace, pair_key: &[u8]) -> Bytes {
    Bytes::copy_from_slice(pair_key.get(keyspace.as_str().len() + 1..).unwrap_or_default())
}

/// The key of one part of a value.
pub(super) fn part_key(pair_key: &[u8], number: u32) -> Vec<u8> {
    let mut part = Vec::with_capacity(1 + pair_key.len() + 4);
    part.push(1);
    part.extend_from_slice(pair_key);
    part.extend_from_slice(&number.to_be_bytes());
    part
}
