//! Entries on which an owner panicked: noted before it ends, and set aside by its next life.
//!
//! A panic is a mistake of ours, and what was half applied cannot be trusted: the owner ends, and begins anew with what is
//! durable. Without a note it would come to the same entry, and end again, for ever. Where it panicked over what was read
//! together, the next life takes each of these entries alone, and so finds which one it is.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

use airside_ports::{
    Batch, KeyRange, Keyspace, LogBatch, Offset, Order, Store, StoreError, Stream,
};
use bytes::Bytes;

/// Where the entries are on which lives before panicked.
#[derive(Debug)]
pub(super) struct Panicked {
    keyspace: Keyspace,
    at: BTreeMap<(Stream, Offset), What>,
    /// Notes about another log: they are taken back with the next commit.
    stale: BTreeSet<(Stream, Offset)>,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The entry at the offset; where there is none any more, the loss that begins there.
    Entry,
    /// What was read together, from the offset up to before this one.
    ReadUntil(Offset),
}

impl What {
    fn to_bytes(self) -> Bytes {
        match self {
            Self::Entry => Bytes::from_static(b"1"),
            Self::ReadUntil(next) => Bytes::copy_from_slice(&next.0.to_be_bytes()),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let next = bytes.try_into().map(u64::from_be_bytes);
        next.map_or(Self::Entry, |next| Self::ReadUntil(Offset(next)))
    }
}

impl Panicked {
    /// What lives before have noted beside the offsets.
    pub(super) async fn load(
        store: &dyn Store,
        keyspace: Keyspace,
        streams: &[Stream],
    ) -> Result<Self, StoreError> {
        let mut at = BTreeMap::new();
        for stream in streams.iter().copied() {
            let prefix = prefix(stream);
            let range = KeyRange::prefix(&prefix);
            // Each life notes one, and has to come to an end for it.
            let noted = store.scan(keyspace, range, Order::Ascending, MOST).await?;
            let notes = noted.iter().filter_map(|(key, what)| {
                let digits = key.get(prefix.len()..)?.try_into().ok()?;
                Some(((stream, Offset(u64::from_be_bytes(digits))), What::from_bytes(what)))
            });
            at.extend(notes);
        }
        Ok(Self { keyspace, at, stale: BTreeSet::new() })
    }

    /// The log of a stream was replaced: what was noted is of another one.
    pub(super) fn forget_all(&mut self, stream: Stream) {
        let of_stream = self.at.extract_if(.., |(of, _), _| *of == stream);
        self.stale.extend(of_stream.map(|(at, _)| at));
    }

    /// Whether a life before ended with this entry, or with the loss that begins here.
    pub(super) fn is_at(&self, stream: Stream, offset: Offset) -> bool {
        self.at.get(&(stream, offset)) == Some(&What::Entry)
    }

    /// What was read, in parts that are committed one by one: each entry alone where a life before ended with all of them.
    pub(super) fn apart(&self, stream: Stream, read: LogBatch) -> Vec<LogBatch> {
        let alone_until = self.at.iter().filter_map(|((of, _), what)| match what {
            What::ReadUntil(next) if *of == stream => Some(*next),
            _ => None,
        });
        let is_to_be_alone = alone_until
            .max()
            .is_some_and(|until| read.entries.first().is_some_and(|first| first.offset < until));
        if !is_to_be_alone {
            return vec![read];
        }
        let LogBatch { entries, next, mut lost } = read;
        let mut parts: Vec<LogBatch> = Vec::with_capacity(entries.len());
        for entry in entries {
            let behind = Offset(entry.offset.0.saturating_add(1));
            parts.push(LogBatch { entries: vec![entry], next: behind, lost: lost.take() });
        }
        if let Some(last) = parts.last_mut() {
            last.next = next;
        }
        parts
    }

    /// Whether nothing is left of what was read, because lives before ended with it.
    pub(super) fn is_all_of(&self, stream: Stream, read: &LogBatch) -> bool {
        let mut offsets = read.lost.map(|range| range.from).into_iter().chain(offsets(read));
        offsets.all(|offset| self.is_at(stream, offset))
    }

    /// What to note where an owner ends with all that was read: the entry or the loss where it is only one, and not noted yet.
    pub(super) fn in_all_of(&self, stream: Stream, read: &LogBatch) -> (Stream, Offset, What) {
        let mut left = offsets(read).filter(|offset| !self.is_at(stream, *offset));
        let lost = read.lost.map_or(read.next, |range| range.from);
        match (left.next(), left.next()) {
            (None, _) => (stream, lost, What::Entry),
            (Some(alone), None) => (stream, alone, What::Entry),
            (Some(first), Some(_)) => (stream, first, What::ReadUntil(read.next)),
        }
    }

    /// The change that notes what an owner ends with.
    pub(super) fn note(&self, stream: Stream, offset: Offset, what: What) -> Batch {
        let mut batch = Batch::new();
        batch.put(self.keyspace, key(stream, offset), what.to_bytes());
        batch
    }

    /// Takes back the notes of entries that are behind the owner now: in another log another entry may have their offset.
    pub(super) fn forget_before(&mut self, stream: Stream, next: Offset, batch: &mut Batch) {
        let behind = self.at.extract_if(.., |(of, at), what| {
            let until = match what {
                What::Entry => Offset(at.0.saturating_add(1)),
                What::ReadUntil(until) => *until,
            };
            *of == stream && until <= next
        });
        let gone: Vec<_> = behind.map(|(at, _)| at).collect();
        for (stream, offset) in gone.into_iter().chain(std::mem::take(&mut self.stale)) {
            batch.delete(self.keyspace, key(stream, offset));
        }
    }
}

/// More notes than this are not looked at: the owner would have panicked as often.
const MOST: usize = 1_000;

fn offsets(read: &LogBatch) -> impl Iterator<Item = Offset> + '_ {
    read.entries.iter().map(|entry| entry.offset)
}

fn prefix(stream: Stream) -> Vec<u8> {
    format!("{stream}.panicked.").into_bytes()
}

fn key(stream: Stream, offset: Offset) -> Vec<u8> {
    [prefix(stream), offset.0.to_be_bytes().to_vec()].concat()
}

/// What a panic said.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a panic may be sent to another thread, and not be shared with it"
)]
pub(super) fn message_of(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
