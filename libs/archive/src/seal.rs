//! Sealing: closed segments become files, one for each cluster and day, in the order of time.
//!
//! The files are durable and in the books before the segments are removed, so that a crash at any point
//! leaves each record in one of them or in both; the same record in both is told once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use airside_types::{Id, IdBuilder, Timestamp};
use bytes::Bytes;

use crate::error::ArchiveError;
use crate::file::{self, FileName};
use crate::query::Key;
use crate::record::{Stored, each_row, rows_of};
use crate::segment::Segment;
use crate::shelf::Entry;
use crate::storage::ObjectStorage;

/// Writes the records of segments to files, and gives these. They are written at `workshop` first.
pub(crate) fn seal(
    segments: &[Segment],
    workshop: &Path,
    storage: &dyn ObjectStorage,
) -> Result<Vec<Entry>, ArchiveError> {
    let (bytes, batches) = contents(segments)?;
    write_files(&bytes, &batches, workshop, storage)
}

/// Writes the records of batches to files, and gives these.
pub(crate) fn files_of(
    batches: &[Vec<u8>],
    workshop: &Path,
    storage: &dyn ObjectStorage,
) -> Result<Vec<Entry>, ArchiveError> {
    let mut end = 0;
    let places = batches.iter().map(|batch| {
        let begin = end;
        end += batch.len();
        begin..end
    });
    let places: Vec<_> = places.collect();
    write_files(&batches.concat().into(), &places, workshop, storage)
}

fn write_files(
    bytes: &Bytes,
    batches: &[Range<usize>],
    workshop: &Path,
    storage: &dyn ObjectStorage,
) -> Result<Vec<Entry>, ArchiveError> {
    let batches = || batches.iter().map(|batch| bytes.get(batch.clone()).unwrap_or_default());
    let mut rows = Vec::with_capacity(batches().map(rows_of).sum());
    for batch in batches() {
        if !each_row(batch, |stored| rows.push(stored)) {
            // Its checksum is right: what wrote it was another version of this program.
            tracing::error!(bytes = batch.len(), "a batch of raw records cannot be understood");
        }
    }
    // Rows are large: they stay where they are while they are put in order.
    let mut homes: BTreeMap<Home<'_>, Vec<(Key, &Stored<'_>)>> = BTreeMap::new();
    for stored in &rows {
        homes.entry(home(stored)).or_default().push((Key::of(&stored.row), stored));
    }
    let mut files = Vec::new();
    for mut rows in homes.into_values() {
        rows.sort_by_key(|(key, _)| *key);
        // What was sent twice is kept once.
        rows.dedup_by(|a, b| a.0 == b.0 && a.1.row.raw == b.1.row.raw);
        let rows: Vec<_> = rows.into_iter().map(|(_, stored)| stored).collect();
        let Some(name) = name_of(&rows) else { continue };
        files.push(put_away(name, bytes, &rows, workshop, storage)?);
    }
    Ok(files)
}

fn put_away(
    mut name: FileName,
    segment: &Bytes,
    rows: &[&Stored<'_>],
    workshop: &Path,
    storage: &dyn ObjectStorage,
) -> Result<Entry, ArchiveError> {
    name.instance = storage.instance().cloned();
    let path = name.path();
    file::write(workshop, segment, rows).map_err(|error| ArchiveError::parquet(&path, &error))?;
    let failed = |error| ArchiveError::file("written", Path::new(&path), error);
    let bytes = workshop.metadata().map_err(failed)?.len();
    storage.take(workshop, &path).map_err(failed)?;
    Ok(Entry { name, path, bytes })
}

/// The batches of segments, and where each of them lies.
fn contents(segments: &[Segment]) -> Result<(Bytes, Vec<Range<usize>>), ArchiveError> {
    let length: u64 = segments.iter().map(|segment| segment.length).sum();
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    let mut batches = Vec::new();
    for segment in segments {
        let mut whole = |_, batch: &[u8]| {
            let begin = bytes.len();
            bytes.extend_from_slice(batch);
            batches.push(begin..bytes.len());
        };
        let read = segment.frames(true, &mut whole);
        let read = read.map_err(|error| ArchiveError::file("read", &segment.path, error))?;
        if read < segment.length {
            let (path, lost) = (segment.path.display(), segment.length - read);
            tracing::error!(%path, lost, "a segment of raw records is damaged: what follows is lost");
        }
    }
    Ok((bytes.into(), batches))
}

const DAY_NANOS: i64 = 86_400_000_000_000;

/// Which records lie in one file: those of a tenant's cluster that were taken in on one day.
type Home<'s> = (&'s str, &'s str, i64);

fn home<'s>(stored: &'s Stored<'_>) -> Home<'s> {
    let day = stored.taken.as_nanos().div_euclid(DAY_NANOS);
    (stored.tenant.as_str(), stored.cluster.as_str(), day)
}

/// Of how many rows one digest is made, of which the digest of a file is made.
const DIGESTED: usize = 256;

fn name_of(rows: &[&Stored<'_>]) -> Option<FileName> {
    let (first, last) = (rows.first()?, rows.last()?);
    // Some at a time: what is hashed is kept until then.
    let digests = rows.chunks(DIGESTED).map(|rows| {
        let digest = rows.iter().fold(Id::builder("archive-rows"), |digest, stored| {
            digest.id(stored.row.event).text(stored.row.texts.stage)
        });
        digest.finish()
    });
    let digest = digests.fold(Id::builder("archive-file"), IdBuilder::id);
    Some(FileName {
        tenant: first.tenant.clone(),
        cluster: first.cluster.clone(),
        first: first.row.time,
        last: last.row.time,
        taken: rows.iter().map(|it| it.taken).max().unwrap_or(Timestamp::EPOCH),
        digest: digest.finish(),
        instance: None,
    })
}
