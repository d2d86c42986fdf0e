//! A change of a stream: which entries come and go in one commit, and the head that this leads to.

use airside_ports::{Batch, Offset, Stream};

use super::head::{Head, entries, entry_key};

/// What one commit changes.
#[derive(Debug)]
pub(super) struct Change {
    stream: Stream,
    /// The head after it.
    pub(super) head: Head,
    /// Without the head.
    pub(super) batch: Batch,
    /// The bytes of what it adds.
    pub(super) added: u64,
    /// How many entries it removes.
    pub(super) removed: usize,
}

impl Change {
    /// No change yet of a stream with this head.
    pub(super) fn of(stream: Stream, head: Head) -> Self {
        Self { stream, head, batch: Batch::new(), added: 0, removed: 0 }
    }

    /// Adds an entry at the end, and gives the key that it is stored under.
    pub(super) fn add(&mut self, stored: Vec<u8>) -> [u8; 8] {
        let (key, bytes) = (entry_key(self.head.next), counted_bytes(&stored));
        self.batch.put(entries(self.stream), key, stored);
        self.head.next = self.head.next.after();
        self.head.bytes = self.head.bytes.saturating_add(bytes);
        self.added = self.added.saturating_add(bytes);
        key
    }

    /// Removes an entry that the store has, and gives the bytes that this frees.
    pub(super) fn remove(&mut self, key: &[u8], stored: &[u8]) -> u64 {
        let bytes = counted_bytes(stored);
        self.batch.delete(entries(self.stream), key);
        self.head.bytes = self.head.bytes.saturating_sub(bytes);
        self.removed += 1;
        bytes
    }

    /// Removes the first entry.
    pub(super) fn remove_first(&mut self, offset: Offset, stored: &[u8]) -> u64 {
        self.head.first = offset.after();
        self.remove(&entry_key(offset), stored)
    }
}

/// What an entry counts towards the bound of its stream: its value and its key.
pub(super) fn counted_bytes(stored: &[u8]) -> u64 {
    u64::try_from(stored.len() + size_of::<Offset>()).unwrap_or(u64::MAX)
}
