//! Where finished files lie: the port, and this machine's disk behind it.
//!
//! Files are written once and never changed, so that a bucket of an object store can stand behind the port.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

mod disk;

pub use disk::Disk;
pub(crate) use disk::create_private;

/// Files by their path, with `/` between its parts. Calls block.
pub trait ObjectStorage: fmt::Debug + Send + Sync {
    /// All files, with their bytes.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// Takes over a file that was written beside; it is durable when this returns. A file of that path is
    /// replaced.
    fn take(&self, written: &Path, path: &str) -> io::Result<()>;

    /// Opens a file for reading parts of it.
    fn open(&self, path: &str) -> io::Result<Arc<dyn Ranges>>;

    /// Removes a file. One that is gone is no error.
    fn remove(&self, path: &str) -> io::Result<()>;
}

/// A file of which parts are read. It can be read to its end although it is removed meanwhile.
pub trait Ranges: fmt::Debug + Send + Sync {
    /// Its bytes.
    fn length(&self) -> u64;

    /// So many bytes from this place.
    fn read(&self, at: u64, length: usize) -> io::Result<Bytes>;
}
