//! The head of a stream, and where streams lie in the store.

use airside_ports::{Keyspace, LogError, Offset, Store, Stream};
use bytes::Bytes;

use super::unavailable;

const HEADS: Keyspace = Keyspace::new("log.heads");

/// Which offsets a stream holds, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The first entry that is there; `next` when there is none.
    pub(super) first: Offset,
    /// The next entry's.
    pub(super) next: Offset,
    /// The bytes of all entries.
    pub(super) bytes: u64,
}

impl Head {
    pub(super) const EMPTY: Self = Self { first: Offset::START, next: Offset::START, bytes: 0 };

    /// The head as it is stored; an empty stream that never had an entry has none.
    pub(super) fn encode(self) -> Option<Bytes> {
        let fields = [self.first.0, self.next.0, self.bytes];
        (self != Self::EMPTY).then(|| fields.into_iter().flat_map(u64::to_be_bytes).collect())
    }

    fn decode(stored: &[u8]) -> Option<Self> {
        let (fields, []) = stored.as_chunks::<8>() else { return None };
        let &[first, next, bytes] = fields else { return None };
        let number = u64::from_be_bytes;
        Some(Self {
            first: Offset(number(first)),
            next: Offset(number(next)),
            bytes: number(bytes),
        })
    }
}

/// Where a stream's head is.
pub(super) fn head_key(stream: Stream) -> (Keyspace, Vec<u8>) {
    (HEADS, stream.as_str().as_bytes().to_vec())
}

/// Where a stream's entries are, by offset.
pub(super) const fn entries(stream: Stream) -> Keyspace {
    match stream {
        Stream::Configuration => Keyspace::new("log.configuration"),
        Stream::Activity => Keyspace::new("log.activity"),
        Stream::Incidents => Keyspace::new("log.incidents"),
        Stream::DeadLetters => Keyspace::new("log.dead-letters"),
        Stream::Sightings => Keyspace::new("log.sightings"),
        Stream::Rules => Keyspace::new("log.rules"),
    }
}

/// Where a stream's last entries are by their keys, of streams whose entries are replaced.
pub(super) const fn keys(stream: Stream) -> Keyspace {
    match stream {
        Stream::Configuration => Keyspace::new("log.configuration.keys"),
        Stream::Activity => Keyspace::new("log.activity.keys"),
        Stream::Incidents => Keyspace::new("log.incidents.keys"),
        Stream::DeadLetters => Keyspace::new("log.dead-letters.keys"),
        Stream::Sightings => Keyspace::new("log.sightings.keys"),
        Stream::Rules => Keyspace::new("log.rules.keys"),
    }
}

/// The key of an entry.
pub(super) const fn entry_key(offset: Offset) -> [u8; 8] {
    offset.0.to_be_bytes()
}

/// The offset that a key means.
pub(super) fn entry_offset(key: &[u8]) -> Option<Offset> {
    key.try_into().ok().map(u64::from_be_bytes).map(Offset)
}

/// Reads the head of a stream.
pub(super) async fn load(store: &dyn Store, stream: Stream) -> Result<Head, LogError> {
    const ACTION: &str = "read the head of a stream";
    let (keyspace, key) = head_key(stream);
    let stored = store.get(keyspace, &key).await.map_err(unavailable(ACTION))?;
    let Some(stored) = stored else { return Ok(Head::EMPTY) };
    Head::decode(&stored).ok_or_else(|| LogError::Unavailable {
        action: ACTION,
        source: format!("the head of stream `{stream}` has {} bytes, not 24", stored.len()).into(),
    })
}
