//! Where finished files lie: the port, with this machine's disk and a bucket of an object store behind it.
//!
//! Files are written once and never changed. Calls block. Which files there are at a moment is the shelf's to
//! know; when they are written, merged and removed is `housekeeping.rs`'.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::instance::Instance;

mod bucket;
mod disk;
mod shared;

pub(crate) use bucket::Bucket;
pub use bucket::{AccessKey, Credentials, ObjectStore, WebIdentity};
pub use disk::Disk;
pub(crate) use disk::create_private;
pub(crate) use shared::Shared;

/// Files by their path, with `/` between its parts. Calls block.
pub trait ObjectStorage: fmt::Debug + Send + Sync {
    /// All files, with their bytes.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// Takes over a file that was written beside; it is durable when this returns. A file of that path is
    /// replaced.
    fn take(&self, written: &Path, path: &str) -> io::Result<()>;

    /// Opens a file, of which the listing told this length, for reading parts of it.
    fn open(&self, path: &str, length: u64) -> io::Result<Arc<dyn Ranges>>;

    /// Removes a file. One that is gone is no error.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Whose files are made here, where several archives share the storage; then others add and remove files,
    /// too.
    fn instance(&self) -> Option<&Instance> {
        None
    }

    /// The files that were taken and do not lie yet where they are to lie, with their bytes.
    fn waiting(&self) -> io::Result<Vec<(String, u64)>> {
        Ok(Vec::new())
    }

    /// Brings a file that waits to where it is to lie. One that does not wait is no error.
    fn settle(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    /// Files, with their lengths, that are going to be opened: where each answer takes its time, what opening
    /// needs of them is fetched at once. What cannot be fetched is told when it is opened.
    fn announce_files(&self, _files: &[(&str, u64)]) {}

    /// Parts of files that are going to be read: where each answer takes its time, they are fetched at once.
    /// Gives how many of them, from the first on, have room in memory until they are read, and at least one;
    /// the others are to be announced again after that. What cannot be fetched is told when it is read.
    fn announce_parts(&self, parts: &[Announced<'_>]) -> usize {
        parts.len()
    }

    /// What opening a file costs, told in rows that could be looked at meanwhile.
    fn opening_rows(&self) -> u64 {
        5000
    }

    /// Ends what waits for an answer from elsewhere, now and later.
    fn close(&self) {}
}

/// Parts of one file that are going to be read.
#[derive(Debug, Clone)]
pub struct Announced<'a> {
    /// The file.
    pub path: &'a str,
    /// Its bytes.
    pub length: u64,
    /// Where the parts lie, in any order; they may overlap.
    pub parts: Vec<Range<u64>>,
}

/// A file of which parts are read. Where it lies elsewhere and is removed meanwhile, reading says that it is
/// not found; on the disk it can be read to its end.
pub trait Ranges: fmt::Debug + Send + Sync {
    /// Its bytes.
    fn length(&self) -> u64;

    /// So many bytes from this place.
    fn read(&self, at: u64, length: usize) -> io::Result<Bytes>;
}
