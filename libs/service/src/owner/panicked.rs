//! Entries on which an owner panicked: noted before it ends, and set aside by its next life.
//!
//! A panic is a mistake of ours, and what was half applied cannot be trusted: the owner ends, and begins anew with what is
//! durable. Without a note it would come to the same entry, and end again, for ever.

use std::any::Any;
use std::collections::BTreeSet;

use airside_ports::{Batch, KeyRange, Keyspace, Offset, Order, Store, StoreError, Stream};
use bytes::Bytes;

/// Where the entries are on which lives before panicked.
#[derive(Debug)]
pub(super) struct Panicked {
    keyspace: Keyspace,
    at: BTreeSet<(Stream, Offset)>,
    /// Notes about another log: they are taken back with the next commit.
    stale: BTreeSet<(Stream, Offset)>,
}

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
            let offsets = noted.iter().filter_map(|(key, _)| {
                let digits = key.get(prefix.len()..)?.try_into().ok()?;
                Some((stream, Offset(u64::from_be_bytes(digits))))
            });
            at.extend(offsets);
        }
        Ok(Self { keyspace, at, stale: BTreeSet::new() })
    }

    /// The log of a stream was replaced: what was noted is of another one.
    pub(super) fn forget_all(&mut self, stream: Stream) {
        let of_stream = self.at.extract_if(.., |(of, _)| *of == stream);
        self.stale.extend(of_stream);
    }

    /// Whether a life before ended with this entry.
    pub(super) fn is_at(&self, stream: Stream, offset: Offset) -> bool {
        self.at.contains(&(stream, offset))
    }

    /// The change that notes an entry.
    pub(super) fn note(&self, stream: Stream, offset: Offset) -> Batch {
        let mut batch = Batch::new();
        batch.put(self.keyspace, key(stream, offset), Bytes::from_static(b"1"));
        batch
    }

    /// Takes back the notes of entries that are behind the owner now: in another log another entry may have their offset.
    pub(super) fn forget_before(&mut self, stream: Stream, next: Offset, batch: &mut Batch) {
        let behind = self.at.extract_if(.., |(of, at)| *of == stream && *at < next);
        let gone: Vec<_> = behind.collect();
        for (stream, offset) in gone.into_iter().chain(std::mem::take(&mut self.stale)) {
            batch.delete(self.keyspace, key(stream, offset));
        }
    }
}

/// More notes than this are not looked at: the owner would have panicked as often.
const MOST: usize = 1_000;

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
