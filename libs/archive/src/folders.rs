//! The folders of an archive, and what another process left in them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::Settings;
use crate::error::ArchiveError;
use crate::file::FileName;
use crate::query::{Page, Query};
use crate::search;
use crate::segment::Segment;
use crate::shelf::{Entry, Shelf};
use crate::storage::{Disk, ObjectStorage, create_private};

/// The folders of an archive.
pub(crate) struct Folders {
    pub(crate) all: PathBuf,
    pub(crate) segments: PathBuf,
    pub(crate) workshop: PathBuf,
    pub(crate) files: PathBuf,
}

impl Folders {
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            all: folder.to_owned(),
            segments: folder.join("segments"),
            workshop: folder.join("sealing"),
            files: folder.join("records"),
        }
    }
}

/// What lies in the folders at the start.
pub(crate) struct Left {
    pub(crate) lock: File,
    pub(crate) storage: Arc<dyn ObjectStorage>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) files: Vec<Entry>,
}

impl Left {
    pub(crate) fn open(folders: &Folders, settings: &Settings) -> Result<Self, ArchiveError> {
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
        let storage = Disk::open(folders.files.clone()).map_err(failed)?;
        let files = files_of(&storage).map_err(failed)?;
        let all = segments_of(folders).map_err(failed)?;
        // Of some a process was stopped before it had written anything.
        let (empty, segments): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.length == 0);
        empty.iter().for_each(remove_segment);
        Ok(Self { lock, storage: Arc::new(storage), segments, files })
    }
}

/// Answers a page of a query from an archive's folder, which another process may be working with. Blocks.
///
/// # Errors
///
/// The folder is no archive, or what lies in it cannot be read.
pub fn page_of_folder(folder: &Path, query: &Query) -> Result<Page, ArchiveError> {
    let failed = |error| ArchiveError::file("read", folder, error);
    search::until_whole(|| {
        let folders = Folders::of(folder);
        // Segments first: one that is sealed and removed meanwhile has its files by then.
        let segments = segments_of(&folders).map_err(failed)?;
        let storage = Disk::existing(folders.files).map_err(failed)?;
        let files = files_of(&storage).map_err(failed)?;
        let shelf = Shelf::default();
        shelf.stock(segments, files);
        search::page(query, &shelf, &storage)
    })
}

fn files_of(storage: &dyn ObjectStorage) -> io::Result<Vec<Entry>> {
    let mut files = Vec::new();
    for (path, bytes) in storage.list()? {
        match FileName::parse(&path) {
            Some(name) => files.push(Entry { name, path, bytes }),
            None => tracing::warn!(path, "a file that is none of ours lies in the archive"),
        }
    }
    Ok(files)
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
