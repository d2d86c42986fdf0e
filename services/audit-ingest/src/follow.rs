//! A file that is followed while it is written and rotated: whole lines, each once, from where it was left.
//!
//! Rotated by another name, the file is read to its end before the new one is begun; so it is when that
//! happened while nobody followed, as long as it lies in the same folder. What was rotated in between is read in
//! between (`siblings.rs`). Emptied in place, it is begun anew. What lines mean is left to others.

mod siblings;
#[cfg(test)]
mod tests;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use airside_types::Timestamp;
use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use siblings::Ended;

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    device: u64,
    inode: u64,
    offset: u64,
    /// When the file had last been written just before it was read to here. None where it was not read yet, and in
    /// positions that were kept before there was this time.
    modified: Option<Timestamp>,
}

/// Some lines, and how far the file is read with them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Whole lines with their line feeds; the last one of a file that is no longer written may lack it.
    pub(crate) bytes: Bytes,
    /// From where to go on once they are durable.
    pub(crate) next: Position,
    /// The last line is longer than the bound: this is its beginning, and the rest is left out.
    pub(crate) is_cut: bool,
}

/// How much is read at a time.
const CHUNK: usize = 1 << 20;

/// A followed file.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    longest: usize,
    /// Where to begin, until a file is open.
    start: Option<Position>,
    /// The rotated files that were gone through last.
    ended: Option<Ended>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    at: Position,
    /// Read and not yet told: the beginning of a line.
    pending: BytesMut,
    /// The rest of a line that is too long is passed over.
    is_skipping: bool,
    /// The file has another name by now, and is not written any more.
    is_rotated: bool,
}

impl Follower {
    /// Follows a file from where it was left, or from its beginning. Lines above `longest` bytes are cut.
    pub(crate) const fn new(path: PathBuf, longest: usize, start: Option<Position>) -> Self {
        Self { path, longest, start, ended: None, open: None }
    }

    /// The lines that have come since the last call; none where the file has not grown.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Lines>> {
        loop {
            if self.open.is_none() {
                self.open = self.reopen().await?;
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            if let Some(lines) = open.take_lines(self.longest) {
                return Ok(Some(lines));
            }
            if open.read().await? > 0 {
                continue;
            }
            // It has been read to its end.
            if open.is_rotated {
                let last = open.take_rest();
                self.ended = Ended::with(self.ended.take(), open.at);
                self.open = None;
                self.start = None;
                if last.is_some() {
                    return Ok(last);
                }
                continue;
            }
            let now = metadata(&self.path).await?;
            match now {
                Some((device, inode, _)) if (device, inode) != open.at.file() => {
                    // What came between the last read and the rename is read first.
                    open.is_rotated = true;
                }
                Some((_, _, length)) if length < open.read_to() => open.begin_anew().await?,
                _ => return Ok(None),
            }
        }
    }

    /// Opens the file that was followed before, under whatever name it is now, or what comes after it. None where
    /// nothing is there, or files are renamed at this moment.
    async fn reopen(&mut self) -> io::Result<Option<Open>> {
        let Some((device, inode, length)) = metadata(&self.path).await? else { return Ok(None) };
        let newest = Position { device, inode, offset: 0, modified: None };
        let Some(start) = self.start else { return self.open_next(newest).await };
        if start.file() == newest.file() {
            let offset = if length < start.offset { 0 } else { start.offset };
            return Open::at(&self.path, Position { offset, ..start }, false).await;
        }
        if let Some(path) = renamed(&self.path, start).await? {
            return Open::at(&path, start, true).await;
        }
        let path = self.path.display();
        tracing::warn!(%path, "the file that was followed is gone: what it held last is not known");
        self.start = None;
        self.ended = Ended::with(None, start);
        self.open_next(newest).await
    }

    /// Opens the file that was rotated next after those that ended, or else the one of the path.
    async fn open_next(&self, newest: Position) -> io::Result<Option<Open>> {
        let Some(ended) = &self.ended else { return Open::at(&self.path, newest, false).await };
        let after = siblings::after(ended, &self.path, newest.file()).await?;
        for path in &after.left_out {
            let path = path.display();
            tracing::warn!(%path, "a rotated file is compressed and left out: it is lost unless it was read before");
        }
        match after.next {
            Some((path, beginning)) => Open::at(&path, beginning, true).await,
            None => Open::at(&self.path, newest, false).await,
        }
    }
}

impl Open {
    /// Opens a file at a position; none where the name is nobody's by now, or another file's.
    async fn at(path: &Path, at: Position, is_rotated: bool) -> io::Result<Option<Self>> {
        let mut file = match File::open(path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let text = format!("{}: {error}", path.display());
                return Err(io::Error::new(error.kind(), text));
            }
        };
        if identity(&file.metadata().await?) != at.file() {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(at.offset)).await?;
        let pending = BytesMut::new();
        Ok(Some(Self { file, at, pending, is_skipping: false, is_rotated }))
    }

    /// Up to where it has been read, told or not.
    fn read_to(&self) -> u64 {
        self.at.offset + self.pending.len() as u64
    }

    async fn read(&mut self) -> io::Result<usize> {
        // Asked before the read: it must not be newer than what is told.
        self.at.modified = Some(modified(&self.file.metadata().await?));
        self.pending.reserve(CHUNK);
        let mut part = (&mut self.file).take(CHUNK as u64);
        part.read_buf(&mut self.pending).await
    }

    /// The file was emptied in place.
    async fn begin_anew(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0)).await?;
        self.at.offset = 0;
        self.pending.clear();
        self.is_skipping = false;
        Ok(())
    }

    /// The whole lines that were read, or the beginning of one that is too long.
    fn take_lines(&mut self, longest: usize) -> Option<Lines> {
        if self.is_skipping {
            let end = memchr::memchr(b'\n', &self.pending);
            let passed = end.map_or(self.pending.len(), |end| end + 1);
            drop(self.take(passed));
            self.is_skipping = end.is_none();
        }
        if let Some(end) = memchr::memrchr(b'\n', &self.pending) {
            return Some(self.lines(end + 1, false));
        }
        (self.pending.len() > longest).then(|| {
            self.is_skipping = true;
            self.lines(longest, true)
        })
    }

    /// The last line of a file that is not written any more.
    fn take_rest(&mut self) -> Option<Lines> {
        let is_line = !self.is_skipping && !self.pending.is_empty();
        is_line.then(|| self.lines(self.pending.len(), false))
    }

    fn lines(&mut self, length: usize, is_cut: bool) -> Lines {
        let bytes = self.take(length);
        Lines { bytes, next: self.at, is_cut }
    }

    fn take(&mut self, length: usize) -> Bytes {
        self.at.offset += length as u64;
        self.pending.split_to(length).freeze()
    }
}

/// Device, inode and length of a file; none where there is no file.
async fn metadata(path: &Path) -> io::Result<Option<(u64, u64, u64)>> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino(), metadata.len()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a file is told by, whatever its name: device and inode.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// When a file was last written.
fn modified(metadata: &Metadata) -> Timestamp {
    let seconds = metadata.mtime().saturating_mul(1_000_000_000);
    Timestamp::from_nanos(seconds.saturating_add(metadata.mtime_nsec()))
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}

/// The present name of a file of the same folder.
async fn renamed(path: &Path, file: Position) -> io::Result<Option<PathBuf>> {
    let mut entries = tokio::fs::read_dir(folder(path)).await?;
    while let Some(entry) = entries.next_entry().await? {
        let metadata = entry.metadata().await?;
        if identity(&metadata) == file.file() && metadata.is_file() {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

impl Position {
    /// Device and inode of the file.
    fn file(self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// As bytes for the store.
    pub(crate) fn encode(self) -> Bytes {
        let parts = [self.device, self.inode, self.offset].map(u64::to_be_bytes);
        let modified = self.modified.map(|time| time.as_nanos().to_be_bytes());
        parts.into_iter().chain(modified).flatten().collect()
    }

    /// From the store's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.chunks_exact(8).map(|part| part.try_into().map(u64::from_be_bytes));
        let mut next = || parts.next()?.ok();
        let (device, inode, offset) = (next()?, next()?, next()?);
        let modified = next().map(|nanos| Timestamp::from_nanos(nanos.cast_signed()));
        Some(Self { device, inode, offset, modified })
    }
}
