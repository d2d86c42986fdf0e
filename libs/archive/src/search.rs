//! A query over segments and files, from the latest to the oldest, until a page is full.
//!
//! Owns the order in which things are looked at, and how much is looked at for one page. Which rows of a file
//! fit is `file/read.rs`'.

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::sync::Arc;

use parquet::errors::ParquetError;

use crate::error::ArchiveError;
use crate::file::{ArchiveFile, Place};
use crate::query::{Best, Cursor, Key, Page, Query};
use crate::record::{RawRecord, each_row};
use crate::segment::Segment;
use crate::shelf::{Entry, Shelf};
use crate::storage::ObjectStorage;

/// How many rows of files are looked at for one page, about; then the page is answered as it is, and the
/// next one goes on there.
const ROWS_LOOKED_AT: u64 = 20_000_000;

/// How many files are announced to the storage at a time, at most: the first one by itself, for mostly it
/// suffices, then twice as many as before.
const AHEAD: usize = 64;

/// How many raw bytes a page has at most, about: a record that is larger comes with few others.
pub const MAX_PAGE_BYTES: usize = 4 << 20;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    InFile { file: usize, place: Place },
    InSegment { segment: usize, frame: u64, row: usize },
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

    fn look_in_segments(&self, best: &mut Best<Lies>) -> Result<(), ArchiveError> {
        for (segment, it) in self.segments.iter().enumerate() {
            let read = it.frames(false, |frame, batch| {
                let mut row = 0;
                each_row(batch, |stored| {
                    let cluster = self.query.cluster.as_ref();
                    let is_in = stored.tenant == self.query.tenant
                        && cluster.is_none_or(|cluster| *cluster == stored.cluster);
                    if is_in && self.query.wants(&stored.row) {
                        best.offer(Key::of(&stored.row), Lies::InSegment { segment, frame, row });
                    }
                    row += 1;
                });
            });
            read.map_err(|error| ArchiveError::file("read", &it.path, error))?;
        }
        Ok(())
    }

    /// Looks through the files, the latest first. Where it stops early, the time up to which nothing is known.
    fn look_in_files(&self, best: &mut Best<Lies>) -> Result<Option<i64>, ArchiveError> {
        let begin = self.query.before.map_or(i64::MAX, |before| before.0.time);
        let (mut looked_at, mut announced) = (0, 0);
        for (file, entry) in self.files.iter().enumerate() {
            let last = entry.name.last.as_nanos();
            if !best.takes(last) {
                break;
            }
            // The next page has to begin earlier than this one, or it would look at the same again.
            if looked_at >= ROWS_LOOKED_AT && last < begin {
                return Ok(Some(last));
            }
            if file == announced {
                announced = self.announce(file);
            }
            let Some(opened) = self.open(entry)? else { continue };
            looked_at += self.storage.opening_rows();
            let found = opened.find(self.query, best, |place| Lies::InFile { file, place });
            looked_at += self.unless_gone(entry, found)?.unwrap_or_default();
        }
        Ok(None)
    }

    /// Tells the storage which files are opened from this one on, and gives up to which.
    fn announce(&self, file: usize) -> usize {
        let end = self.files.len().min(file + (file + 1).min(AHEAD));
        let next = self.files.get(file..end).unwrap_or_default();
        let next: Vec<_> = next.iter().map(|entry| (entry.path.as_str(), entry.bytes)).collect();
        self.storage.expect(&next);
        end
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

    /// The records, in order; none for one whose file is gone. Those beyond the bytes of a page are left out.
    fn fetch(&self, found: &[(Key, Lies)]) -> Result<Vec<Option<RawRecord>>, ArchiveError> {
        let mut records: Vec<Option<RawRecord>> = Vec::with_capacity(found.len());
        let mut bytes = 0;
        for together in found.chunk_by(|(_, a), (_, b)| lie_together(*a, *b)) {
            if bytes >= MAX_PAGE_BYTES {
                break;
            }
            let fetched = self.fetch_together(together, MAX_PAGE_BYTES - bytes)?;
            let is_full = fetched.len() < together.len();
            bytes += fetched.iter().flatten().map(|record| record.raw.len()).sum::<usize>();
            records.extend(fetched);
            if is_full {
                break;
            }
        }
        Ok(records)
    }

    /// Records of one row group, or one of a segment.
    fn fetch_together(
        &self,
        found: &[(Key, Lies)],
        room: usize,
    ) -> Result<Vec<Option<RawRecord>>, ArchiveError> {
        match found.first() {
            Some((_, Lies::InFile { file, place })) => {
                let Some(entry) = self.files.get(*file) else { return Ok(Vec::new()) };
                let Some(opened) = self.open(entry)? else { return Ok(vec![None; found.len()]) };
                let rows: Vec<_> = found.iter().filter_map(|(_, lies)| row_of(*lies)).collect();
                let fetched = opened.fetch(place.group, &rows, self.query.with_raw.then_some(room));
                let Some(fetched) = self.unless_gone(entry, fetched)? else {
                    return Ok(vec![None; found.len()]);
                };
                Ok(fetched.into_iter().map(Some).collect())
            }
            Some((_, Lies::InSegment { segment, frame, row })) => {
                Ok(vec![self.fetch_from_segment(*segment, *frame, *row)?])
            }
            None => Ok(Vec::new()),
        }
    }

    fn fetch_from_segment(
        &self,
        segment: usize,
        frame: u64,
        row: usize,
    ) -> Result<Option<RawRecord>, ArchiveError> {
        let Some(segment) = self.segments.get(segment) else { return Ok(None) };
        let mut batch = Vec::new();
        let read = segment.read(frame, false, &mut batch);
        read.map_err(|error| ArchiveError::file("read", &segment.path, error))?;
        let (mut number, mut found) = (0, None);
        each_row(&batch, |stored| {
            if number == row {
                found = Some(RawRecord::stored(&stored, self.query.with_raw));
            }
            number += 1;
        });
        Ok(found)
    }
}

fn is_not_found(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn row_of(lies: Lies) -> Option<usize> {
    match lies {
        Lies::InFile { place, .. } => Some(place.row),
        Lies::InSegment { .. } => None,
    }
}

fn lie_together(a: Lies, b: Lies) -> bool {
    match (a, b) {
        (Lies::InFile { file, place }, Lies::InFile { file: other, place: second }) => {
            (file, place.group) == (other, second.group)
        }
        _ => false,
    }
}
