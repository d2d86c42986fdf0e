//! A log for tests of who appends: it only takes, and fails where it is told to.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use airside_types::Id;
use async_trait::async_trait;

use crate::{Entry, Log, LogError, LogReader, Offset, PartitionSet, Stream, StreamRoom};

/// What becomes of an append.
#[derive(Debug)]
pub enum Turn {
    /// The log has it.
    Takes,
    /// The log does not have it.
    Refuses(LogError),
    /// The log has it, and who appended does not hear of that.
    TakesUnheard(LogError),
}

/// A log that remembers what was appended, and gives nothing back. It refuses everything else.
#[derive(Debug, Default)]
pub struct TakingLog {
    taken: Mutex<Vec<(Stream, Vec<Entry>)>>,
    turns: Mutex<VecDeque<Turn>>,
    fails: Option<Stream>,
    limit_bytes: Option<u64>,
}

impl TakingLog {
    /// A log of which one stream alone may fail.
    pub fn failing(stream: Stream, turns: impl IntoIterator<Item = Turn>) -> Self {
        let turns = Mutex::new(turns.into_iter().collect());
        Self { turns, fails: Some(stream), ..Self::default() }
    }

    /// A log of which each stream says that it holds up to so many bytes; it takes more all the same.
    pub fn limited(limit_bytes: u64) -> Self {
        Self { limit_bytes: Some(limit_bytes), ..Self::default() }
    }

    /// Says what becomes of the next appends to what may fail; those after them are taken.
    pub fn next_turns(&self, turns: impl IntoIterator<Item = Turn>) {
        locked(&self.turns).extend(turns);
    }

    /// What each append that was taken had.
    pub fn taken(&self) -> Vec<(Stream, Vec<Entry>)> {
        locked(&self.taken).clone()
    }

    /// What each append to a stream had that was taken.
    pub fn appends_to(&self, stream: Stream) -> Vec<Vec<Entry>> {
        let taken = self.taken().into_iter().filter(|(of, _)| *of == stream);
        taken.map(|(_, entries)| entries).collect()
    }

    /// How many entries of a stream were taken.
    pub fn entries(&self, stream: Stream) -> usize {
        self.appends_to(stream).iter().map(Vec::len).sum()
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Log for TakingLog {
    async fn append(&self, stream: Stream, entries: Vec<Entry>) -> Result<(), LogError> {
        let may_fail = self.fails.is_none_or(|fails| fails == stream);
        let turn = may_fail.then(|| locked(&self.turns).pop_front()).flatten();
        let failure = match turn.unwrap_or(Turn::Takes) {
            Turn::Refuses(error) => return Err(error),
            Turn::TakesUnheard(error) => Some(error),
            Turn::Takes => None,
        };
        locked(&self.taken).push((stream, entries));
        failure.map_or(Ok(()), Err)
    }

    async fn replace(&self, _: Stream, _: Id, _: Entry) -> Result<(), LogError> {
        Err(LogError::Closed)
    }

    async fn reader(
        &self,
        _: Stream,
        _: PartitionSet,
        _: Offset,
    ) -> Result<Box<dyn LogReader>, LogError> {
        Err(LogError::Closed)
    }

    async fn forget(&self, _: Stream, _: Offset) -> Result<(), LogError> {
        Err(LogError::Closed)
    }

    async fn end(&self, _: Stream) -> Result<Offset, LogError> {
        Err(LogError::Closed)
    }

    async fn room(&self, stream: Stream) -> Result<StreamRoom, LogError> {
        let appends = self.appends_to(stream);
        let entries = appends.iter().flatten();
        Ok(StreamRoom {
            held_bytes: entries.map(|entry| entry.payload.len() as u64).sum(),
            limit_bytes: self.limit_bytes.unwrap_or(u64::MAX),
            first: Offset::START,
            next: Offset(appends.iter().flatten().count() as u64).after(),
        })
    }

    fn preferred_entry_bytes(&self) -> usize {
        1 << 20
    }
}
