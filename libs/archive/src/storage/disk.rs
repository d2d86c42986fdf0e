//! Files in a folder of this machine, readable by their owner alone.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{ObjectStorage, Ranges};

/// A folder.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

/// How deep files lie: tenant, cluster, day, file.
const DEPTH: usize = 4;

impl Disk {
    /// The files below a folder, which is made where it is missing.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        create_private(&folder)?;
        Ok(Self { folder })
    }

    /// The files below a folder that is there.
    pub(crate) fn existing(folder: PathBuf) -> io::Result<Self> {
        fs::metadata(&folder)?;
        Ok(Self { folder })
    }

    /// Where a file lies, if it is there.
    pub(crate) fn place_of(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn list_below(
        &self,
        below: &Path,
        depth: usize,
        all: &mut Vec<(String, u64)>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(below)? {
            let path = entry?.path();
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() && depth < DEPTH {
                self.list_below(&path, depth + 1, all)?;
            } else if metadata.is_file()
                && let Some(path) = path.strip_prefix(&self.folder).ok().and_then(Path::to_str)
            {
                all.push((path.to_owned(), metadata.len()));
            }
        }
        Ok(())
    }
}

impl ObjectStorage for Disk {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut all = Vec::new();
        self.list_below(&self.folder, 1, &mut all)?;
        Ok(all)
    }

    fn take(&self, written: &Path, path: &str) -> io::Result<()> {
        let target = self.folder.join(path);
        let folder = target.parent().unwrap_or(&self.folder);
        create_private(folder)?;
        fs::rename(written, &target)?;
        // The names of the file and of the folders above it are durable too.
        let above = folder.ancestors().take_while(|it| it.starts_with(&self.folder));
        above.take(DEPTH).try_for_each(|folder| File::open(folder)?.sync_all())
    }

    fn open(&self, path: &str, _: u64) -> io::Result<Arc<dyn Ranges>> {
        let file = File::open(self.folder.join(path))?;
        Ok(Arc::new(OpenFile { length: file.metadata()?.len(), file }))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = self.folder.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Folders that are empty go too; the others stay, which is what the error says.
        let above = path.ancestors().skip(1).take_while(|it| *it != self.folder);
        let _kept = above.take(DEPTH).try_for_each(fs::remove_dir).is_err();
        Ok(())
    }
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    length: u64,
}

impl Ranges for OpenFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Bytes> {
        let end = at.checked_add(length as u64).filter(|end| *end <= self.length);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    }
}

/// Makes a folder, and those above it, for its owner alone.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
