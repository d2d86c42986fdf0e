//! How far a file was read, and which file that was.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use airside_types::{Id, Timestamp};
use bytes::Bytes;

/// How many bytes of its beginning tell a file from others: an audit event has its id and its time in them.
pub(super) const BEGINNING: usize = 256;

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) offset: u64,
    /// When the file had last been written just before it was read to here. None in positions that were kept before
    /// there was this time.
    pub(super) modified: Option<Timestamp>,
    /// What the file begins with. None in positions that were kept before there was this.
    pub(super) beginning: Option<Beginning>,
}

/// What a file begins with: numbers of inodes are given again, and a file may be emptied and written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning {
    /// How many bytes it is of, [`BEGINNING`] at most: so many as there were.
    length: u64,
    digest: Id,
}

impl Position {
    /// The beginning of a file that starts with these bytes.
    pub(super) fn begin(metadata: &Metadata, first: &[u8]) -> Self {
        let (device, inode) = identity(metadata);
        let (modified, beginning) = (Some(modified(metadata)), Some(Beginning::of(first)));
        Self { device, inode, offset: 0, modified, beginning }
    }

    /// Device and inode of the file.
    pub(super) const fn file(self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether the file may be one that starts with these bytes.
    pub(super) fn starts_with(self, first: &[u8]) -> bool {
        self.beginning.is_none_or(|beginning| beginning.is_of(first))
    }

    /// As bytes for the store.
    pub(crate) fn encode(self) -> Bytes {
        let parts = [self.device, self.inode, self.offset].map(u64::to_be_bytes);
        let modified = self.modified.map(|time| time.as_nanos().to_be_bytes());
        let mut bytes: Vec<u8> = parts.into_iter().chain(modified).flatten().collect();
        if let (Some(beginning), Some(_)) = (self.beginning, modified) {
            bytes.extend(beginning.length.to_be_bytes());
            bytes.extend(beginning.digest.as_bytes());
        }
        bytes.into()
    }

    /// From the store's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut next = || {
            let (part, after) = rest.split_first_chunk()?;
            rest = after;
            Some(u64::from_be_bytes(*part))
        };
        let (device, inode, offset) = (next()?, next()?, next()?);
        let modified = next().map(|nanos| Timestamp::from_nanos(nanos.cast_signed()));
        let (length, digest) = (next(), rest.first_chunk().copied().map(Id::from_bytes));
        let beginning = length.zip(digest).map(|(length, digest)| Beginning { length, digest });
        Some(Self { device, inode, offset, modified, beginning })
    }
}

impl Beginning {
    /// Of the first bytes of a file.
    pub(super) fn of(first: &[u8]) -> Self {
        let first = first.get(..BEGINNING).unwrap_or(first);
        let digest = Id::builder("audit-ingest.beginning").bytes(first).finish();
        Self { length: first.len() as u64, digest }
    }

    /// Whether a file begins so that starts with these bytes, and it may have grown since.
    pub(super) fn is_of(self, first: &[u8]) -> bool {
        let length = usize::try_from(self.length).ok();
        let same = length.and_then(|length| first.get(..length));
        same.is_some_and(|same| Self::of(same) == self)
    }

    /// Whether it tells nothing: the file was empty.
    pub(super) const fn is_empty(self) -> bool {
        self.length == 0
    }
}

/// What a file is told by, whatever its name: device and inode.
pub(super) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// When a file was last written.
pub(super) fn modified(metadata: &Metadata) -> Timestamp {
    let seconds = metadata.mtime().saturating_mul(1_000_000_000);
    Timestamp::from_nanos(seconds.saturating_add(metadata.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_before_are_read_as_they_were_kept() {
        let oldest = Position { device: 1, inode: 2, offset: 3, modified: None, beginning: None };
        let timed = Position { modified: Some(Timestamp::from_nanos(-4)), ..oldest };
        let told = Position { beginning: Some(Beginning::of(b"a line")), ..timed };
        for (position, length) in [(oldest, 24), (timed, 32), (told, 56)] {
            assert_eq!(position.encode().len(), length);
            assert_eq!(Position::decode(&position.encode()), Some(position));
        }
        assert_eq!(Position::decode(b"short"), None);
    }

    #[test]
    fn a_file_that_has_grown_begins_as_it_did_and_another_one_does_not() {
        let long = [b'a'; 2 * BEGINNING];
        let other = [&long[..BEGINNING - 1], b"b"].concat();
        let later = [&long[..BEGINNING], b"b"].concat();
        for (read, now, expected) in [
            (&b"one\n"[..], &b"one\n"[..], true),
            (b"one\n", b"one\ntwo\n", true),
            (b"one\n", b"on", false),
            (b"one\n", b"two\ntwo\n", false),
            (b"one\n", b"", false),
            (b"", b"one\n", true),
            (&long, &long[..BEGINNING], true),
            (&long, &later, true),
            (&long, &other, false),
        ] {
            assert_eq!(Beginning::of(read).is_of(now), expected, "{read:?} {now:?}");
        }
    }
}
