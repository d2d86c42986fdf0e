//! The folders of an archive, and what another process left in them.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::Settings;
use crate::error::ArchiveError;
use crate::file::FileName;
use crate::segment::Segment;
use crate::shelf::Entry;
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
        let lock = File::create(folders.all.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ArchiveError::InUse { path: folders.all.clone() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let storage = Disk::open(folders.files.clone()).map_err(failed)?;
        let mut files = Vec::new();
        for (path, bytes) in storage.list().map_err(failed)? {
            match FileName::parse(&path) {
                Some(name) => files.push(Entry { name, path, bytes }),
                None => tracing::warn!(path, "a file that is none of ours lies in the archive"),
            }
        }
        let mut segments = Vec::new();
        for entry in fs::read_dir(&folders.segments).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(number) = Segment::number_of(&path) else { continue };
            let segment = Segment::left(path, number).map_err(failed)?;
            match segment.length {
                // A process was stopped before it had written anything.
                0 => remove_segment(&segment),
                _ => segments.push(segment),
            }
        }
        segments.sort_by_key(|segment| segment.number);
        Ok(Self { lock, storage: Arc::new(storage), segments, files })
    }
}

/// Removes a segment whose records lie in files, or that has none.
pub(crate) fn remove_segment(segment: &Segment) {
    if let Err(error) = fs::remove_file(&segment.path) {
        // It is sealed once more after the next start, to the same files.
        tracing::warn!(path = %segment.path.display(), error = %error, "a segment cannot be removed");
    }
}
