//! A query over segments and files, from the latest to the oldest, until a page is full.
//!
//! Owns what a page is made of, and what is done where files go away meanwhile. Segments are looked through by
//! `search/segments.rs`, the order in which files are looked at is `search/files.rs`', the records of a page are
//! fetched by `search/records.rs`, and which rows of a file fit is `file/read.rs`'.

use std::cell::Cell;
use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::sync::Arc;

use parquet::errors::ParquetError;

use crate::error::ArchiveError;
use crate::file::{ArchiveFile, Place};
use crate::query::{Best, Cursor, Page, Query};
use crate::segment::Segment;
use crate::shelf::{Entry, Shelf};
use crate::storage::{Announced, ObjectStorage};

mod files;
mod records;
mod segments;

/// How many files are open at a time, at most, and looked at together.
const AHEAD: usize = 64;

/// How many raw bytes a page has at most, about: a record that is larger comes with few others.
pub const MAX_PAGE_BYTES: usize = 4 << 20;

/// Where a record lies; in a segment also how many raw bytes it has, which files are asked for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    InFile { file: usize, place: Place },
    InSegment { segment: usize, frame: u64, row: usize, bytes: usize },
}

/// A search at work.
struct Search<'q> {
    query: &'q Query,
    storage: &'q dyn ObjectStorage,
    segments: Vec<Segment>,
    files: Vec<Arc<Entry>>,
    /// Whether no file was gone: it is too old by now, or was merged into another one.
    is_whole: Cell<bool>,
}

/// How often a page is begun anew because files were merged meanwhile.
const ATTEMPTS: usize = 3;

/// Begins a page anew while files go away under it. The page is told how often it was begun before.
pub(crate) fn until_whole(
    mut page: impl FnMut(usize) -> Result<(Page, bool), ArchiveError>,
) -> Result<Page, ArchiveError> {
    let (mut answer, mut is_whole) = page(0)?;
    for again in 1..ATTEMPTS {
        if is_whole {
            break;
        }
        (answer, is_whole) = page(again)?;
    }
    Ok(answer)
}

/// Answers one page, and whether all files of the shelf were still there. Blocks.
pub(crate) fn page(
    query: &Query,
    shelf: &Shelf,
    storage: &dyn ObjectStorage,
) -> Result<(Page, bool), ArchiveError> {
    let (segments, files) = shelf.that_may(query);
    let search = Search { query, storage, segments, files, is_whole: Cell::new(true) };
    Ok((search.page()?, search.is_whole.get()))
}

impl Search<'_> {
    fn page(&self) -> Result<Page, ArchiveError> {
        let limit = self.query.limit;
        let before = self.query.before.map(|before| before.0);
        // One more than the page has tells whether there is a next one.
        let mut best = Best::new(limit + 1, before);
        self.look_in_segments(&mut best)?;
        let unseen = self.look_in_files(&mut best)?;
        let mut found: Vec<_> = best.into_latest().collect();
        let mut next = None;
        if let Some(unseen) = unseen {
            found.retain(|(key, _)| key.time > unseen);
            next = Some(Cursor::up_to(unseen));
        }
        if found.len() > limit {
            found.truncate(limit);
            next = found.last().map(|(key, _)| Cursor(*key));
        }
        let records = self.fetch(&found)?;
        if records.len() < found.len()
            && let Some((key, _)) = records.len().checked_sub(1).and_then(|last| found.get(last))
        {
            next = Some(Cursor(*key));
        }
        Ok(Page { records: records.into_iter().flatten().collect(), next })
    }

    /// Does something with each of several parts of files, in their order. They are announced to the storage
    /// together, as many as it has room for. What is not wanted any more by then is left out.
    fn each_announced<T, S>(
        &self,
        state: &mut S,
        all: impl IntoIterator<Item = T>,
        is_wanted: impl Fn(&S, &T) -> bool,
        parts: impl Fn(&T) -> Announced<'_>,
        mut act: impl FnMut(&mut S, T) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let mut left: VecDeque<T> = all.into_iter().collect();
        loop {
            left.retain(|it| is_wanted(state, it));
            if left.is_empty() {
                return Ok(());
            }
            let taken = self.storage.announce_parts(&left.iter().map(&parts).collect::<Vec<_>>());
            for it in left.drain(..taken.clamp(1, left.len())) {
                act(state, it)?;
            }
        }
    }

    fn announce_files<'e>(&self, entries: impl Iterator<Item = &'e Entry>) {
        let files: Vec<_> = entries.map(|entry| (entry.path.as_str(), entry.bytes)).collect();
        self.storage.announce_files(&files);
    }

    /// None for a file that was removed meanwhile.
    fn unless_gone<T>(
        &self,
        entry: &Entry,
        read: Result<T, ParquetError>,
    ) -> Result<Option<T>, ArchiveError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(ParquetError::External(error)) if is_not_found(&*error) => {
                self.is_whole.set(false);
                Ok(None)
            }
            Err(error) => Err(ArchiveError::parquet(&entry.path, &error)),
        }
    }

    /// None for a file that was removed meanwhile.
    fn open(&self, entry: &Entry) -> Result<Option<ArchiveFile>, ArchiveError> {
        let ranges = match self.storage.open(&entry.path, entry.bytes) {
            Ok(ranges) => ranges,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.is_whole.set(false);
                return Ok(None);
            }
            Err(error) if self.storage.instance().is_some() => {
                return Err(ArchiveError::away(&error));
            }
            Err(error) => return Err(ArchiveError::file("read", entry.path.as_ref(), error)),
        };
        self.unless_gone(entry, ArchiveFile::open(ranges))
    }
}

fn is_not_found(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}
