//! Entries on which an owner panicked: noted before it ends, and set aside by its next life.
//!
//! A panic is a mistake of ours, and what was half applied cannot be trusted: the owner ends, and begins anew with what is
//! durable. Without a note it would come to the same entry, and end again, for ever. Where it panicked over what was read
//! together, the next life takes each of these entries alone, and so finds which one it is.

use std::any::Any;
use std::collections::BTreeSet;

use airside_ports::{
    Batch, KeyRange, Keyspace, LogBatch, Offset, Order, Store, StoreError, Stream,
};
use bytes::Bytes;

/// Where the entries are on which lives before panicked.
#[derive(Debug)]
pub(super) struct Panicked {
    keyspace: Keyspace,
    at: BTreeSet<Note>,
    /// Notes about another log: they are taken back with the next commit.
    stale: BTreeSet<Note>,
}

/// Where it panicked, and over what.
pub(super) type Note = (Stream, Offset, What);

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// The entry at the offset.
    Entry,
    /// The loss that begins at the offset.
    Loss,
    /// What was read together, up to before the offset.
    ReadUntil,
}

const KINDS: [(What, u8); 3] = [(What::Entry, b'e'), (What::Loss, b'l'), (What::ReadUntil, b'r')];

impl Panicked {
    /// What lives before have noted beside the offsets.
    pub(super) async fn load(
        store: &dyn Store,
        keyspace: Keyspace,
        streams: &[Stream],
    ) -> Result<Self, StoreError> {
        let mut at = BTreeSet::new();
        for stream in streams.iter().copied() {
            let prefix = prefix(stream);
            let range = KeyRange::prefix(&prefix);
            // Each life notes one, and has to come to an end for it.
            let noted = store.scan(keyspace, range, Order::Ascending, MOST).await?;
            let notes = noted.iter().filter_map(|(key, _)| {
                let (digits, kind) = key.get(prefix.len()..)?.split_at_checked(8)?;
                let offset = Offset(u64::from_be_bytes(digits.try_into().ok()?));
                let (what, _) = KINDS.iter().find(|(_, letter)| kind == [*letter])?;
                Some((stream, offset, *what))
            });
            at.extend(notes);
        }
        Ok(Self { keyspace, at, stale: BTreeSet::new() })
    }

    /// The log of a stream was replaced: what was noted is of another one.
    pub(super) fn forget_all(&mut self, stream: Stream) {
        let of_stream = self.at.extract_if(.., |(of, ..)| *of == stream);
        self.stale.extend(of_stream);
    }

    /// Whether a life before ended with this.
    pub(super) fn has(&self, note: Note) -> bool {
        self.at.contains(&note)
    }

    /// What was read, in parts that are committed one by one: each entry alone where a life before ended with all of them.
    pub(super) fn apart(&self, stream: Stream, read: LogBatch) -> Vec<LogBatch> {
        let alone_until = self.at.iter().filter_map(|(of, until, what)| {
            (*of == stream && *what == What::ReadUntil).then_some(*until)
        });
        let is_to_be_alone = alone_until
            .max()
            .is_some_and(|until| read.entries.first().is_some_and(|first| first.offset < until));
        if !is_to_be_alone {
            return vec![read];
        }
        let LogBatch { entries, next, lost } = read;
        let mut parts: Vec<LogBatch> = Vec::with_capacity(entries.len() + 1);
        if let Some(first) = entries.first().filter(|_| lost.is_some()) {
            parts.push(LogBatch { entries: Vec::new(), next: first.offset, lost });
        }
        for entry in entries {
            let behind = Offset(entry.offset.0.saturating_add(1));
            parts.push(LogBatch { entries: vec![entry], next: behind, lost: None });
        }
        if let Some(last) = parts.last_mut() {
            last.next = next;
        }
        parts
    }

    /// Whether nothing is left of what was read, because lives before ended with it.
    pub(super) fn is_all_of(&self, stream: Stream, read: &LogBatch) -> bool {
        parts_of(stream, read).all(|note| self.has(note))
    }

    /// What to note where an owner ends with all that was read: the entry or the loss where it is only one, and not noted yet.
    pub(super) fn in_all_of(&self, stream: Stream, read: &LogBatch) -> Note {
        let mut left = parts_of(stream, read).filter(|note| !self.has(*note));
        match (left.next(), left.next()) {
            (Some(alone), None) => alone,
            _ => (stream, read.next, What::ReadUntil),
        }
    }

    /// The change that notes what an owner ends with.
    pub(super) fn note(&self, note: Note) -> Batch {
        let mut batch = Batch::new();
        batch.put(self.keyspace, key(note), Bytes::from_static(b"1"));
        batch
    }

    /// Takes back the notes of entries that are behind the owner now: in another log another entry may have their offset.
    pub(super) fn forget_before(&mut self, stream: Stream, next: Offset, batch: &mut Batch) {
        let behind = self.at.extract_if(.., |(of, at, what)| {
            *of == stream && if *what == What::ReadUntil { *at <= next } else { *at < next }
        });
        let gone: Vec<_> = behind.collect();
        for note in gone.into_iter().chain(std::mem::take(&mut self.stale)) {
            batch.delete(self.keyspace, key(note));
        }
    }
}

/// More notes than this are not looked at: the owner would have panicked as often.
const MOST: usize = 1_000;

/// The parts of what was read, each as it would be noted.
fn parts_of(stream: Stream, read: &LogBatch) -> impl Iterator<Item = Note> + '_ {
    let loss = read.lost.map(|range| (stream, range.from, What::Loss));
    loss.into_iter().chain(read.entries.iter().map(move |it| (stream, it.offset, What::Entry)))
}

fn prefix(stream: Stream) -> Vec<u8> {
    format!("{stream}.panicked.").into_bytes()
}

fn key((stream, offset, what): Note) -> Vec<u8> {
    let kind = KINDS.iter().filter(|(kind, _)| *kind == what).map(|(_, letter)| *letter);
    prefix(stream).into_iter().chain(offset.0.to_be_bytes()).chain(kind).collect()
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
