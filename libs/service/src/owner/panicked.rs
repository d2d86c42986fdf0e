//! Entries on which an owner panicked: noted before it ends, and set aside by its next life.
//!
//! A panic is a mistake of ours, and what was half applied cannot be trusted: the owner ends, and begins anew with what is
//! durable. Without a note it would come to the same entry, and end again, for ever.

use std::any::Any;
use std::collections::BTreeMap;

use airside_ports::{Batch, Keyspace, Offset, Store, Stream};
use bytes::Bytes;

/// Where each stream's entry is on which the life before panicked.
#[derive(Debug)]
pub(super) struct Panicked {
    keyspace: Keyspace,
    at: BTreeMap<Stream, Offset>,
}

impl Panicked {
    /// What the life before has noted beside its offsets.
    pub(super) async fn load(
        store: &dyn Store,
        keyspace: Keyspace,
        streams: &[Stream],
    ) -> anyhow::Result<Self> {
        let mut at = BTreeMap::new();
        for stream in streams.iter().copied() {
            let noted = super::offset_at(store, keyspace, &key(stream)).await?;
            at.extend(noted.map(|offset| (stream, offset)));
        }
        Ok(Self { keyspace, at })
    }

    /// Whether the life before ended with this entry.
    pub(super) fn is_at(&self, stream: Stream, offset: Offset) -> bool {
        self.at.get(&stream) == Some(&offset)
    }

    /// The change that notes an entry.
    pub(super) fn note(&self, stream: Stream, offset: Offset) -> Batch {
        let mut batch = Batch::new();
        batch.put(self.keyspace, key(stream), Bytes::copy_from_slice(&offset.0.to_be_bytes()));
        batch
    }

    /// Takes back the note of an entry that is behind the owner now: in another log another one may have its offset.
    pub(super) fn forget_before(&mut self, stream: Stream, next: Offset, batch: &mut Batch) {
        if self.at.get(&stream).is_some_and(|at| *at < next) {
            self.at.remove(&stream);
            batch.delete(self.keyspace, key(stream));
        }
    }
}

fn key(stream: Stream) -> Vec<u8> {
    format!("{stream}.panicked").into_bytes()
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
