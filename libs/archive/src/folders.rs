//! The folders of an archive, and what another process left in them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::archive::Settings;
use crate::error::ArchiveError;
use crate::file::FileName;
use crate::instance::Instance;
use crate::query::{Page, Query};
use crate::search;
use crate::segment::Segment;
use crate::shelf::{Entry, Known, Shelf};
use crate::storage::{Bucket, Disk, ObjectStorage, ObjectStore, Shared, create_private};

/// The folders of an archive.
pub(crate) struct Folders {
    pub(crate) all: PathBuf,
    pub(crate) segments: PathBuf,
    pub(crate) workshop: PathBuf,
    /// Where a file is written that stands for segments, and one that stands for small files.
    pub(crate) sealing: PathBuf,
    pub(crate) merging: PathBuf,
    pub(crate) files: PathBuf,
}

impl Folders {
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            all: folder.to_owned(),
            segments: folder.join("segments"),
            workshop: folder.join("sealing"),
            sealing: folder.join("sealing/sealing.parquet"),
            merging: folder.join("sealing/merging.parquet"),
            files: folder.join("records"),
        }
    }
}

/// What lies in the folders at the start.
pub(crate) struct Left {
    pub(crate) lock: File,
    pub(crate) storage: Arc<dyn ObjectStorage>,
    pub(crate) segments: Vec<Segment>,
    /// None where nobody could say it yet.
    pub(crate) files: Option<Vec<Entry>>,
    /// The files that wait for the object store.
    pub(crate) waiting: Vec<(String, u64)>,
}

impl Left {
    pub(crate) fn open(
        folders: &Folders,
        settings: &Settings,
        runtime: Handle,
    ) -> Result<Self, ArchiveError> {
        let failed = |error| ArchiveError::file("opened", &settings.folder, error);
        for folder in [&folders.all, &folders.segments, &folders.workshop] {
            create_private(folder).map_err(failed)?;
        }
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folders.all.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ArchiveError::InUse { path: folders.all.clone() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let disk = Disk::open(folders.files.clone()).map_err(failed)?;
        let (storage, files): (Arc<dyn ObjectStorage>, _) = match &settings.object_store {
            None => {
                let files = files_of(disk.list().map_err(failed)?);
                (Arc::new(disk), Some(files))
            }
            Some(store) => {
                let named = name_all(&disk, &store.instance);
                named.map_err(failed)?;
                let shared = Shared::new(disk, Bucket::new(store, runtime)?);
                let files = listed(&shared, store)?;
                (Arc::new(shared), files)
            }
        };
        let all = segments_of(folders).map_err(failed)?;
        // Of some a process was stopped before it had written anything.
        let (empty, segments): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.length == 0);
        empty.iter().for_each(remove_segment);
        let waiting = storage.waiting().map_err(failed)?;
        Ok(Self { lock, storage, segments, files, waiting })
    }
}

/// Answers a page of a query from an archive's folder, which another process may be working with. Blocks.
///
/// # Errors
///
/// The folder is no archive, or what lies in it cannot be read.
pub fn page_of_folder(folder: &Path, query: &Query) -> Result<Page, ArchiveError> {
    let failed = |error| ArchiveError::file("read", folder, error);
    search::until_whole(|_| {
        let folders = Folders::of(folder);
        // Segments first: one that is sealed and removed meanwhile has its files by then.
        let segments = segments_of(&folders).map_err(failed)?;
        let storage = Disk::existing(folders.files).map_err(failed)?;
        let files = files_of(storage.list().map_err(failed)?);
        let shelf = Shelf::default();
        shelf.stock(segments);
        shelf.relist(&Known::default(), files);
        search::page(query, &shelf, &storage)
    })
}

/// What a shared storage says lies in it. None where it does not answer: records are taken in all the same, and
/// it is asked again. Where it refuses, somebody has to look.
fn listed(storage: &Shared, at: &ObjectStore) -> Result<Option<Vec<Entry>>, ArchiveError> {
    let ObjectStore { url, credentials, .. } = at;
    match storage.list() {
        Ok(files) => Ok(Some(files_of(files))),
        Err(error) => {
            let is_refusal =
                matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied);
            if is_refusal {
                let (url, who) = (url.clone(), credentials.to_string());
                return Err(ArchiveError::Unlisted { url, who, source: error.into() });
            }
            tracing::warn!(url, error = %error, "the object store does not answer, trying again");
            Ok(None)
        }
    }
}

/// Gives the files of a time without an object store the name that they have in one.
fn name_all(disk: &Disk, instance: &Instance) -> io::Result<()> {
    for (path, _) in disk.list()? {
        let Some(mut name) = FileName::parse(&path).filter(|name| name.instance.is_none()) else {
            continue;
        };
        name.instance = Some(instance.clone());
        disk.take(&disk.place_of(&path), &name.path())?;
    }
    Ok(())
}

/// Files as the shelf knows them.
pub(crate) fn files_of(all: Vec<(String, u64)>) -> Vec<Entry> {
    let mut files = Vec::with_capacity(all.len());
    for (path, bytes) in all {
        match FileName::parse(&path) {
            Some(name) => files.push(Entry { name, path, bytes }),
            None => tracing::warn!(path, "a file that is none of ours lies in the archive"),
        }
    }
    files
}

/// The segments of a folder, in their order.
fn segments_of(folders: &Folders) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(&folders.segments)? {
        let path = entry?.path();
        let Some(number) = Segment::number_of(&path) else { continue };
        match Segment::left(path, number) {
            Ok(segment) => segments.push(segment),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    segments.sort_by_key(|segment| segment.number);
    Ok(segments)
}

/// Removes a segment whose records lie in files, or that has none.
pub(crate) fn remove_segment(segment: &Segment) {
    if let Err(error) = fs::remove_file(&segment.path) {
        // It is sealed once more after the next start, to the same files.
        tracing::warn!(path = %segment.path.display(), error = %error, "a segment cannot be removed");
    }
}
