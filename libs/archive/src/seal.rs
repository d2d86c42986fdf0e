//! Sealing: closed segments become files, one for each cluster and day, in the order of time.
//!
//! A file costs about as much however little is in it, and how many clusters there are decides whoever sends: of a
//! tenant with more than a few, those of which little came share one.
//!
//! The files are durable and in the books before the segments are removed, so that a crash at any point
//! leaves each record in one of them or in both; the same record in both is told once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
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
    let own = with_own_files(&bytes, &batches);
    let home_of = |head: &Head| match own.contains(&Home::own(head)) {
        true => Home::own(head),
        false => Home::shared(head),
    };
    write_files(&bytes, &batches, home_of, workshop, storage)
}

/// Writes the records of batches to files, and gives these. Clusters share a file, or each has one of its own.
pub(crate) fn files_of(
    batches: &[Vec<u8>],
    is_shared: bool,
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
    let home_of = if is_shared { Home::shared } else { Home::own };
    write_files(&batches.concat().into(), &places, home_of, workshop, storage)
}

/// So many clusters of a tenant have a file of their own, however little came of them.
const FEW: usize = 8;
/// And so have those of which so many bytes lie in the segments.
const MUCH: usize = 1 << 20;

/// A cluster's files, and how much came for them; the largest first.
type Measured = (Reverse<usize>, Home);

/// Which clusters have files of their own.
fn with_own_files(bytes: &Bytes, batches: &[Range<usize>]) -> BTreeSet<Home> {
    let mut sizes: BTreeMap<Home, usize> = BTreeMap::new();
    for place in batches {
        let head = bytes.get(place.clone()).and_then(Head::of);
        if let Some(head) = head {
            *sizes.entry(Home::own(&head)).or_default() += place.len();
        }
    }
    let mut of_day: BTreeMap<(Tenant, i64), Vec<Measured>> = BTreeMap::new();
    for (home, size) in sizes {
        of_day.entry((home.tenant.clone(), home.day)).or_default().push((Reverse(size), home));
    }
    let own = of_day.into_values().flat_map(|mut clusters| {
        clusters.sort();
        let clusters = clusters.into_iter().enumerate();
        clusters.filter(|(number, (size, _))| *number < FEW || size.0 >= MUCH)
    });
    own.map(|(_, (_, home))| home).collect()
}

fn write_files(
    bytes: &Bytes,
    batches: &[Range<usize>],
    home_of: impl Fn(&Head) -> Home,
    workshop: &Path,
    storage: &dyn ObjectStorage,
) -> Result<Vec<Entry>, ArchiveError> {
    let mut homes: BTreeMap<Home, Table<'_>> = BTreeMap::new();
    for batch in batches {
        let batch = bytes.get(batch.clone()).unwrap_or_default();
        let head = Head::of(batch);
        let is_understood = head.is_some_and(|head| {
            let table = homes.entry(home_of(&head)).or_default();
            table.reserve(rows_of(batch));
            each_row(batch, |row| table.add(&row, &head))
        });
        if !is_understood {
            // Its checksum is right: what wrote it was another version of this program.
            tracing::error!(bytes = batch.len(), "a batch of raw records cannot be understood");
        }
    }
    let mut files = Vec::new();
    for (home, table) in homes {
        let table = table.in_order();
        let Some(name) = name_of(home, table.rows()) else { continue };
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

/// Which records lie in one file: those of a tenant's cluster, or of those that share one, that were taken in on
/// one day.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Home {
    tenant: Tenant,
    cluster: Option<Cluster>,
    day: i64,
}

impl Home {
    fn own(head: &Head) -> Self {
        Self { cluster: Some(head.cluster.clone()), ..Self::shared(head) }
    }

    fn shared(head: &Head) -> Self {
        let day = head.taken.as_nanos().div_euclid(DAY_NANOS);
        Self { tenant: head.tenant.clone(), cluster: None, day }
    }
}

/// Of how many rows one digest is made, of which the digest of a file is made.
const DIGESTED: usize = 256;

fn name_of(home: Home, rows: Rows<'_, '_>) -> Option<FileName> {
    let time = |key: Key| Timestamp::from_nanos(key.time);
    let (first, last) = (rows.keys().next().map(time)?, rows.keys().last().map(time)?);
    // Some at a time: what is hashed is kept until then.
    let digests = rows.chunks(DIGESTED).map(|rows| {
        let told = rows.keys().zip(rows.texts(Field::Stage.number())).zip(rows.clusters());
        let digest = told.fold(Id::builder("archive-rows"), |digest, ((key, stage), cluster)| {
            let digest = digest.id(key.event).bytes(&stage);
            // Of the others the path says it.
            if home.cluster.is_none() { digest.text(cluster.as_str()) } else { digest }
        });
        digest.finish()
    });
    let digest = digests.fold(Id::builder("archive-file"), IdBuilder::id);
    Some(FileName {
        tenant: home.tenant,
        cluster: home.cluster,
        first,
        last,
        taken: rows.taken().max().unwrap_or(Timestamp::EPOCH),
        digest: digest.finish(),
        instance: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Batch, Row};

    /// The clusters with files of their own, where so many bytes came of each.
    fn own(clusters: &[(&str, usize)]) -> Vec<String> {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for (cluster, size) in clusters {
            let cluster = Cluster::new(cluster).unwrap();
            let mut batch = Batch::new(&Tenant::default(), &cluster, Timestamp::EPOCH);
            batch.push(&Row { raw: &vec![b'x'; *size], ..Row::default() });
            let begin = bytes.len();
            bytes.extend(batch.into_bytes());
            places.push(begin..bytes.len());
        }
        let own = with_own_files(&bytes.into(), &places);
        own.into_iter().filter_map(|home| home.cluster.map(|it| it.to_string())).collect()
    }

    #[test]
    fn a_few_clusters_have_files_of_their_own_and_all_of_which_much_came() {
        let names: Vec<_> = (10..30).map(|number| format!("c{number}")).collect();
        let sized = |size: fn(usize) -> usize| -> Vec<_> {
            names.iter().enumerate().map(|(number, name)| (&**name, size(number))).collect()
        };
        assert_eq!(own(&sized(|_| 1)[..FEW]), names[..FEW]);
        assert_eq!(own(&sized(|_| 1)), names[..FEW], "the same each time");
        assert_eq!(own(&sized(|number| number)), names[20 - FEW..], "the largest");
        assert_eq!(own(&sized(|_| MUCH / 2)), names[..FEW]);
        assert_eq!(own(&sized(|_| MUCH)), names);
        // In many small batches it is as much as in one.
        let halves: Vec<_> = [sized(|_| MUCH / 2), sized(|_| MUCH / 2)].concat();
        assert_eq!(own(&halves), names);
    }
}
