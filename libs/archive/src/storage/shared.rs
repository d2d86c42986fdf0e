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

use super::{Bucket, Disk, ObjectStorage, Ranges};
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

    fn expect(&self, files: &[(&str, u64)]) {
        // What still lies on the disk is opened there.
        let away =
            |file: &&(&str, u64)| matches!(self.disk.place_of(file.0).try_exists(), Ok(false));
        self.bucket.expect(&files.iter().filter(away).copied().collect::<Vec<_>>());
    }

    fn opening_rows(&self) -> u64 {
        self.bucket.opening_rows()
    }

    fn close(&self) {
        self.bucket.close();
    }
}
