//! A bucket that several archives share, with the disk in front of it: a file is durable on the disk at once,
//! waits there, and is brought to the bucket when that answers.
//!
//! A file is removed from the disk after the bucket has it, so that a crash between both leaves it in both; it
//! is the same file then, and told once. When files are brought, and how many may wait, is `housekeeping.rs`'.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Announced, Bucket, Disk, ObjectStorage, Ranges};
use crate::instance::Instance;

/// A bucket with the disk in front.
#[derive(Debug)]
pub(crate) struct Shared {
    disk: Disk,
    bucket: Bucket,
}

impl Shared {
    pub(crate) const fn new(disk: Disk, bucket: Bucket) -> Self {
        Self { disk, bucket }
    }

    /// Whether a file does not lie on the disk, where it would be opened.
    fn is_away(&self, path: &str) -> bool {
        matches!(self.disk.place_of(path).try_exists(), Ok(false))
    }
}

impl ObjectStorage for Shared {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        // The disk first: what is brought meanwhile is then found in the bucket.
        let mut all: BTreeMap<String, u64> = self.disk.list()?.into_iter().collect();
        all.extend(self.bucket.list()?);
        Ok(all.into_iter().collect())
    }

    fn take(&self, written: &Path, path: &str) -> io::Result<()> {
        self.disk.take(written, path)
    }

    fn open(&self, path: &str, length: u64) -> io::Result<Arc<dyn Ranges>> {
        match self.disk.open(path, length) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.bucket.open(path, length),
            opened => opened,
        }
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        // It may have been brought although it still lies on the disk.
        self.bucket.remove(path)?;
        self.disk.remove(path)
    }

    fn instance(&self) -> Option<&Instance> {
        Some(self.bucket.instance())
    }

    fn waiting(&self) -> io::Result<Vec<(String, u64)>> {
        self.disk.list()
    }

    fn settle(&self, path: &str) -> io::Result<()> {
        let bytes = match fs::read(self.disk.place_of(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        self.bucket.put(path, bytes.into())?;
        self.disk.remove(path)
    }

    fn announce_files(&self, files: &[(&str, u64)]) {
        let away: Vec<_> = files.iter().filter(|(path, _)| self.is_away(path)).copied().collect();
        self.bucket.announce_files(&away);
    }

    fn announce_parts(&self, parts: &[Announced<'_>]) -> usize {
        let away = parts.iter().enumerate().filter(|(_, it)| self.is_away(it.path));
        let (places, away): (Vec<_>, Vec<_>) = away.map(|(at, it)| (at, it.clone())).unzip();
        let taken = self.bucket.announce_parts(&away);
        places.get(taken).copied().unwrap_or(parts.len())
    }

    fn opening_rows(&self) -> u64 {
        self.bucket.opening_rows()
    }

    fn close(&self) {
        self.bucket.close();
    }
}
