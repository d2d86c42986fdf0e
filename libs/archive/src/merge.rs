//! Merging: small files of one cluster and day, or which clusters share, become one, so that a query has few to open.
//!
//! The merged file is durable and in the books before the others go; whatever is there twice after a crash is
//! told once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use airside_types::{Cluster, Tenant};

use crate::error::ArchiveError;
use crate::file::{ArchiveFile, day};
use crate::record::{Batch, Row};
use crate::seal::files_of;
use crate::shelf::Entry;
use crate::storage::{Announced, ObjectStorage};

/// Files below this many bytes are merged.
const SMALL: u64 = 1 << 20;
/// So many small ones have to lie together: each record is then written anew a few times at most.
pub(crate) const TOGETHER: usize = 8;

/// Where files lie together: a tenant's, of one cluster or of those that share files, and of one day.
type Home<'f> = (&'f Tenant, Option<&'f Cluster>, String);

/// Small files that lie together, those first that were filled first.
pub(crate) fn together<'f>(files: impl Iterator<Item = &'f Arc<Entry>>) -> Vec<Vec<Arc<Entry>>> {
    let mut homes: BTreeMap<Home<'_>, Vec<Arc<Entry>>> = BTreeMap::new();
    for file in files.filter(|file| file.bytes < SMALL) {
        let home = (&file.name.tenant, file.name.cluster.as_ref(), day(file.name.taken));
        homes.entry(home).or_default().push(Arc::clone(file));
    }
    let mut together: Vec<_> = homes.into_values().filter(|it| it.len() >= TOGETHER).collect();
    together.iter_mut().for_each(|it| it.sort_by_key(|file| file.name.taken));
    together
}

/// Files, and those that stand for them from now on.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) gone: Vec<Arc<Entry>>,
    pub(crate) into: Vec<Entry>,
}

/// Merges the first of some files, as many as have room in memory. Gives what was merged, and into what;
/// nothing where not even two have room.
pub(crate) fn merge(
    files: &[Arc<Entry>],
    room: u64,
    workshop: &Path,
    storage: &dyn ObjectStorage,
) -> Result<Option<Merged>, ArchiveError> {
    let (mut gone, mut batches, mut bytes) = (Vec::new(), Vec::new(), 0);
    for entry in files {
        let failed = |error| ArchiveError::parquet(&entry.path, &error);
        let whole = std::iter::once(0..entry.bytes).collect();
        let whole = Announced { path: &entry.path, length: entry.bytes, parts: whole };
        storage.announce_parts(&[whole]);
        let ranges = storage.open(&entry.path, entry.bytes);
        let ranges =
            ranges.map_err(|error| ArchiveError::file("read", entry.path.as_ref(), error))?;
        let file = ArchiveFile::open(ranges).map_err(failed)?;
        bytes += file.plain_bytes();
        if bytes > room {
            break;
        }
        for record in file.all().map_err(failed)? {
            let mut batch = Batch::new(&entry.name.tenant, &record.cluster, record.taken);
            let (event, time, code) = (record.event, record.time, record.code);
            batch.push(&Row { event, time, code, texts: record.texts(), raw: &record.raw });
            batches.push(batch.into_bytes());
        }
        gone.push(Arc::clone(entry));
    }
    if gone.len() < 2 {
        return Ok(None);
    }
    // They lie together: all of them are one cluster's, or clusters share all of them.
    let is_shared = gone.iter().any(|entry| entry.name.cluster.is_none());
    Ok(Some(Merged { into: files_of(&batches, is_shared, workshop, storage)?, gone }))
}
