//! Sealing: closed segments become files, one for each cluster and day, in the order of time.
//!
//! The files are durable and in the books before the segments are removed, so that a crash at any point
//! leaves each record in one of them or in both; the same record in both is told once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use airside_types::{Cluster, Id, IdBuilder, Tenant, Timestamp};
use bytes::Bytes;

use crate::error::ArchiveError;
use crate::file::{self, FileName};
use crate::query::{Field, Key};
use crate::record::{Head, each_row, rows_of};
use crate::segment::{self, Segment};
use crate::shelf::Entry;
use crate::storage::ObjectStorage;
use crate::table::{Ordered, Rows, Table};

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
    let mut homes: BTreeMap<Home, Table<'_>> = BTreeMap::new();
    for batch in batches {
        let batch = bytes.get(batch.clone()).unwrap_or_default();
        let head = Head::of(batch);
        let is_understood = head.is_some_and(|Head { tenant, cluster, taken, .. }| {
            let table = homes.entry((tenant, cluster, day_of(taken))).or_default();
            table.reserve(rows_of(batch));
            each_row(batch, |row| table.add(&row, taken))
        });
        if !is_understood {
            // Its checksum is right: what wrote it was another version of this program.
            tracing::error!(bytes = batch.len(), "a batch of raw records cannot be understood");
        }
    }
    let mut files = Vec::new();
    for ((tenant, cluster, _), table) in homes {
        let table = table.in_order();
        let Some(name) = name_of(tenant, cluster, table.rows()) else { continue };
        files.push(put_away(name, bytes, &table, workshop, storage)?);
    }
    Ok(files)
}

fn put_away(
    mut name: FileName,
    segment: &Bytes,
    table: &Ordered<'_>,
    workshop: &Path,
    storage: &dyn ObjectStorage,
) -> Result<Entry, ArchiveError> {
    name.instance = storage.instance().cloned();
    let path = name.path();
    file::write(workshop, &name, segment, table.rows())
        .map_err(|error| ArchiveError::parquet(&path, &error))?;
    let failed = |error| ArchiveError::file("written", Path::new(&path), error);
    let bytes = workshop.metadata().map_err(failed)?.len();
    storage.take(workshop, &path).map_err(failed)?;
    Ok(Entry { name, path, bytes })
}

/// The bytes of segments, and where the batches lie in them.
fn contents(segments: &[Segment]) -> Result<(Bytes, Vec<Range<usize>>), ArchiveError> {
    let length: u64 = segments.iter().map(|segment| segment.length).sum();
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    let mut batches = Vec::new();
    let mut begin = 0;
    for segment in segments {
        let end = begin + usize::try_from(segment.length).unwrap_or_default();
        let frames = bytes.get_mut(begin..end).unwrap_or_default();
        let read = segment.load(frames);
        read.map_err(|error| ArchiveError::file("read", &segment.path, error))?;
        let whole = batches.len();
        batches.extend(segment::batches(frames).map(|it| begin + it.start..begin + it.end));
        let whole =
            batches.get(whole..).and_then(<[Range<usize>]>::last).map_or(begin, |it| it.end);
        if whole < end {
            let (path, lost) = (segment.path.display(), end - whole);
            tracing::error!(%path, lost, "a segment of raw records is damaged: what follows is lost");
        }
        begin = end;
    }
    Ok((bytes.into(), batches))
}

const DAY_NANOS: i64 = 86_400_000_000_000;

/// Which records lie in one file: those of a tenant's cluster that were taken in on one day.
type Home = (Tenant, Cluster, i64);

const fn day_of(taken: Timestamp) -> i64 {
    taken.as_nanos().div_euclid(DAY_NANOS)
}

/// Of how many rows one digest is made, of which the digest of a file is made.
const DIGESTED: usize = 256;

fn name_of(tenant: Tenant, cluster: Cluster, rows: Rows<'_, '_>) -> Option<FileName> {
    let time = |key: Key| Timestamp::from_nanos(key.time);
    let (first, last) = (rows.keys().next().map(time)?, rows.keys().last().map(time)?);
    // Some at a time: what is hashed is kept until then.
    let digests = rows.chunks(DIGESTED).map(|rows| {
        let told = rows.keys().zip(rows.texts(Field::Stage.number()));
        let digest = told.fold(Id::builder("archive-rows"), |digest, (key, stage)| {
            digest.id(key.event).bytes(&stage)
        });
        digest.finish()
    });
    let digest = digests.fold(Id::builder("archive-file"), IdBuilder::id);
    Some(FileName {
        tenant,
        cluster,
        first,
        last,
        taken: rows.taken().max().unwrap_or(Timestamp::EPOCH),
        digest: digest.finish(),
        instance: None,
    })
}
