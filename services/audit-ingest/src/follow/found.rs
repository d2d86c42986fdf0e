//! Which file is the one that was left: under its name, under another one, or as a copy of it.
//!
//! Owns what tells a file from others. Which file comes after it is `siblings.rs`'s.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use super::position::{BEGINNING, Position, identity};
use super::{folder, siblings};

/// A file that was opened, as it is now.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    /// Its first bytes, [`BEGINNING`] at most.
    pub(super) first: Vec<u8>,
}

impl Found {
    /// Opens a file; none where the name is nobody's by now.
    pub(super) async fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let text = format!("{}: {error}", path.display());
                return Err(io::Error::new(error.kind(), text));
            }
        };
        let (metadata, first) = (file.metadata().await?, first_bytes(&mut file).await?);
        Ok(Some(Self { file, metadata, first }))
    }

    /// Device and inode.
    pub(super) fn identity(&self) -> (u64, u64) {
        identity(&self.metadata)
    }

    /// Whether it holds what was read, and so can be read on from there.
    fn goes_on_from(&self, at: Position) -> bool {
        at.starts_with(&self.first) && self.metadata.len() >= at.offset
    }

    /// Whether it is the file that was read, or a copy of it. One that was empty is like any other.
    fn is_copy_of(&self, at: Position) -> bool {
        let is_told = at.beginning.is_some_and(|beginning| !beginning.is_empty());
        is_told && self.goes_on_from(at)
    }
}

/// Where a file is that was left.
#[derive(Debug)]
pub(super) enum Left {
    /// Under its name, and written.
    There(Found),
    /// Under another name, or as a copy, and not written any more.
    Rotated(Found),
    /// Nowhere; under its name is another one.
    Gone(Found),
}

/// Looks for the file that was read to a position, where `newest` is now the file of its path.
pub(super) async fn find(path: &Path, newest: Found, at: Position) -> io::Result<Left> {
    if newest.identity() == at.file() && newest.goes_on_from(at) {
        return Ok(Left::There(newest));
    }
    if let Some(renamed) = renamed(path, &newest, at).await? {
        return Ok(Left::Rotated(renamed));
    }
    // Its volume may have come back with another number.
    if newest.is_copy_of(at) {
        return Ok(Left::There(newest));
    }
    // What was emptied in place was copied before (copytruncate). The latest copy holds most.
    for copy in siblings::plain(path, newest.identity()).await?.iter().rev() {
        if let Some(copy) = Found::open(copy).await?.filter(|copy| copy.is_copy_of(at)) {
            return Ok(Left::Rotated(copy));
        }
    }
    Ok(Left::Gone(newest))
}

/// The file under another name of the same folder.
async fn renamed(path: &Path, newest: &Found, at: Position) -> io::Result<Option<Found>> {
    let mut entries = tokio::fs::read_dir(folder(path)).await?;
    while let Some(entry) = entries.next_entry().await? {
        let metadata = entry.metadata().await?;
        let is_other = identity(&metadata) != newest.identity();
        if is_other && identity(&metadata) == at.file() && metadata.is_file() {
            let found = Found::open(&entry.path()).await?;
            let is_still = |found: &Found| found.identity() == at.file() && found.goes_on_from(at);
            return Ok(found.filter(is_still));
        }
    }
    Ok(None)
}

/// The first bytes of a file, of which the next read comes from anywhere.
pub(super) async fn first_bytes(file: &mut File) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0)).await?;
    let mut first = Vec::with_capacity(BEGINNING);
    file.take(BEGINNING as u64).read_to_end(&mut first).await?;
    Ok(first)
}
