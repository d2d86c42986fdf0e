//! A file that is followed while it is written and rotated: whole lines, each once, from where it was left.
//!
//! Rotated by another name, the file is read to its end before the new one is begun; so it is when that
//! happened while nobody followed, as long as it lies in the same folder. What was rotated in between is read in
//! between (`siblings.rs`). Emptied in place, it is begun anew, once the rest was read of a copy that was made of it
//! (`found.rs`). What is not there any more is told as a gap (`hole.rs`). What lines mean is left to others.

mod found;
mod hole;
mod position;
mod siblings;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use airside_types::Gap;
use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use found::{Found, Left, first_bytes};
use hole::Hole;
pub(crate) use position::Position;
use position::{Beginning, identity, modified};
use siblings::{After, Ended};

/// Some lines, and how far the file is read with them. That a file is begun is said before its lines, with none: kept,
/// it is found again wherever it was rotated to, however early the process dies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Whole lines with their line feeds; the last one of a file that is no longer written may lack it.
    pub(crate) bytes: Bytes,
    /// From where to go on once they are durable.
    pub(crate) next: Position,
    /// The last line is longer than the bound: this is its beginning, and the rest is left out.
    pub(crate) is_cut: bool,
    /// What was not read before them, and is lost as far as is known.
    pub(crate) gap: Option<Gap>,
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
    /// How far the last of them was read, in bytes, where it is gone and that was not said yet.
    gone_at: Option<u64>,
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
        Self { path, longest, start, ended: None, gone_at: None, open: None }
    }

    /// The lines that have come since the last call; none where the file has not grown.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Lines>> {
        loop {
            let Some(open) = &mut self.open else {
                match self.reopen().await? {
                    None => return Ok(None),
                    Some(Opened::Again(open)) => self.open = Some(open),
                    Some(Opened::Begun(open, gap)) => {
                        let (bytes, next) = (Bytes::new(), open.at);
                        self.open = Some(open);
                        return Ok(Some(Lines { bytes, next, is_cut: false, gap }));
                    }
                }
                continue;
            };
            if let Some(lines) = open.take_lines(self.longest) {
                return Ok(Some(lines));
            }
            match open.read().await? {
                Read::Some => continue,
                Read::Another => self.look_again(),
                // Read to its end, and not written any more.
                Read::Nothing if open.is_rotated => {
                    let last = open.take_rest();
                    self.ended = Ended::with(self.ended.take(), open.at);
                    self.open = None;
                    self.start = None;
                    if last.is_some() {
                        return Ok(last);
                    }
                }
                Read::Nothing => match metadata(&self.path).await? {
                    // What came between the last read and the rename is read first.
                    Some((file, _)) if file != open.at.file() => open.is_rotated = true,
                    Some((_, length)) if length < open.read_to() => self.look_again(),
                    _ => return Ok(None),
                },
            }
        }
    }

    /// The open file was emptied in place: what it held is looked for elsewhere.
    fn look_again(&mut self) {
        self.start = self.open.take().map(|open| open.at);
    }

    /// Opens the file that was followed before, under whatever name it is now, or what comes after it. None where
    /// nothing is there, or files are renamed at this moment.
    async fn reopen(&mut self) -> io::Result<Option<Opened>> {
        let Some(newest) = Found::open(&self.path).await? else { return Ok(None) };
        let Some(start) = self.start else { return self.open_next(newest).await };
        let newest = match found::find(&self.path, newest, start).await? {
            Left::There(found) => {
                return Ok(Some(Opened::Again(Open::at(found, start, false).await?)));
            }
            Left::Rotated(found) => {
                return Ok(Some(Opened::Again(Open::at(found, start, true).await?)));
            }
            Left::Gone(newest) => newest,
        };
        self.ended = Ended::with(None, start);
        let is_packed = match &self.ended {
            Some(ended) => ended.is_packed(&self.path, newest.identity()).await?,
            None => false,
        };
        self.gone_at = (!is_packed).then_some(start.offset);
        self.start = None;
        self.open_next(newest).await
    }

    /// Opens the file that was rotated next after those that ended, or else the one of the path.
    async fn open_next(&mut self, newest: Found) -> io::Result<Option<Opened>> {
        let after = match &self.ended {
            Some(ended) => siblings::after(ended, &self.path, newest.identity()).await?,
            None => Some(After { next: None, left_out: Vec::new() }),
        };
        let Some(After { next, left_out }) = after else { return Ok(None) };
        let is_rotated = next.is_some();
        let next = next.unwrap_or(newest);
        let (path, read) = (&self.path, self.ended.as_ref().map(|ended| ended.modified));
        let hole = Hole { path, gone_at: self.gone_at.take(), left_out: &left_out, read };
        let gap = hole.before(&next.metadata);
        let beginning = Position::begin(&next.metadata, &next.first);
        Ok(Some(Opened::Begun(Open::at(next, beginning, is_rotated).await?, gap)))
    }
}

/// A file that was opened.
enum Opened {
    /// To go on where it was left.
    Again(Open),
    /// From its beginning, and what is missing before it.
    Begun(Open, Option<Gap>),
}

/// What came of a read.
enum Read {
    Some,
    Nothing,
    /// The file was emptied and holds something else.
    Another,
}

impl Open {
    /// Reads a file on from a position, which may be one in the file that it is a copy of.
    async fn at(found: Found, at: Position, is_rotated: bool) -> io::Result<Self> {
        let Found { mut file, metadata, first } = found;
        let now = Position::begin(&metadata, &first);
        file.seek(SeekFrom::Start(at.offset)).await?;
        let at = Position { offset: at.offset, modified: at.modified, ..now };
        Ok(Self { file, at, pending: BytesMut::new(), is_skipping: false, is_rotated })
    }

    /// Up to where it has been read, told or not.
    fn read_to(&self) -> u64 {
        self.at.offset + self.pending.len() as u64
    }

    async fn read(&mut self) -> io::Result<Read> {
        // Asked before the read: it must not be newer than what is told.
        let modified = modified(&self.file.metadata().await?);
        self.pending.reserve(CHUNK);
        let mut part = (&mut self.file).take(CHUNK as u64);
        if part.read_buf(&mut self.pending).await? == 0 {
            self.at.modified = Some(modified);
            return Ok(Read::Nothing);
        }
        // Asked after the read: what was read is another file's if that has begun otherwise by now.
        let first = first_bytes(&mut self.file).await?;
        if !self.at.starts_with(&first) {
            return Ok(Read::Another);
        }
        self.at.modified = Some(modified);
        self.at.beginning = Some(Beginning::of(&first));
        self.file.seek(SeekFrom::Start(self.read_to())).await?;
        Ok(Read::Some)
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
        Lines { bytes, next: self.at, is_cut, gap: None }
    }

    fn take(&mut self, length: usize) -> Bytes {
        self.at.offset += length as u64;
        self.pending.split_to(length).freeze()
    }
}

/// Device and inode of a file, and its length; none where there is no file.
async fn metadata(path: &Path) -> io::Result<Option<((u64, u64), u64)>> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) => Ok(Some((identity(&metadata), metadata.len()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}
