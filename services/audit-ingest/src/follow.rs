//! A file that is followed while it is written and rotated: whole lines, each once, from where it was left.
//!
//! Rotated by another name, the file is read to its end before the new one is begun; so it is when that
//! happened while nobody followed, as long as it lies in the same folder. Emptied in place, it is begun anew.
//! What lines mean is left to others.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    device: u64,
    inode: u64,
    offset: u64,
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
        Self { path, longest, start, open: None }
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
                self.open = None;
                self.start = None;
                if last.is_some() {
                    return Ok(last);
                }
                continue;
            }
            let now = metadata(&self.path).await?;
            match now {
                Some((device, inode, _)) if (device, inode) != (open.at.device, open.at.inode) => {
                    // What came between the last read and the rename is read first.
                    open.is_rotated = true;
                }
                Some((_, _, length)) if length < open.read_to() => open.begin_anew().await?,
                _ => return Ok(None),
            }
        }
    }

    /// Opens the file that was followed before, under whatever name it is now, or the one of the path.
    async fn reopen(&mut self) -> io::Result<Option<Open>> {
        let Some((device, inode, length)) = metadata(&self.path).await? else { return Ok(None) };
        match self.start {
            Some(start) if (start.device, start.inode) == (device, inode) => {
                let offset = if length < start.offset { 0 } else { start.offset };
                Ok(Some(Open::at(&self.path, Position { offset, ..start }, false).await?))
            }
            Some(start) => match renamed(&self.path, start).await? {
                Some(path) => Ok(Some(Open::at(&path, start, true).await?)),
                None => {
                    let path = self.path.display();
                    tracing::warn!(%path, "the file that was followed is gone: what it held last is not known");
                    self.start = None;
                    Ok(Some(
                        Open::at(&self.path, Position { device, inode, offset: 0 }, false).await?,
                    ))
                }
            },
            None => {
                Ok(Some(Open::at(&self.path, Position { device, inode, offset: 0 }, false).await?))
            }
        }
    }
}

impl Open {
    async fn at(path: &Path, at: Position, is_rotated: bool) -> io::Result<Self> {
        let mut file = File::open(path).await?;
        file.seek(SeekFrom::Start(at.offset)).await?;
        Ok(Self { file, at, pending: BytesMut::new(), is_skipping: false, is_rotated })
    }

    /// Up to where it has been read, told or not.
    fn read_to(&self) -> u64 {
        self.at.offset + self.pending.len() as u64
    }

    async fn read(&mut self) -> io::Result<usize> {
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

/// The present name of a file of the same folder.
async fn renamed(path: &Path, file: Position) -> io::Result<Option<PathBuf>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut entries = tokio::fs::read_dir(folder.unwrap_or_else(|| Path::new("."))).await?;
    while let Some(entry) = entries.next_entry().await? {
        let metadata = entry.metadata().await?;
        if (metadata.dev(), metadata.ino()) == (file.device, file.inode) && metadata.is_file() {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

impl Position {
    /// As bytes for the store.
    pub(crate) fn encode(self) -> Bytes {
        let parts = [self.device, self.inode, self.offset].map(u64::to_be_bytes);
        Bytes::from(parts.concat())
    }

    /// From the store's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.chunks_exact(8).map(|part| part.try_into().map(u64::from_be_bytes));
        let mut next = || parts.next()?.ok();
        Some(Self { device: next()?, inode: next()?, offset: next()? })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    struct Log {
        folder: tempfile::TempDir,
    }

    impl Log {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("audit.log")
        }

        fn write(&self, text: &str) {
            let file = fs::OpenOptions::new().create(true).append(true).open(self.path());
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn rotate(&self, to: &str) {
            fs::rename(self.path(), self.folder.path().join(to)).unwrap();
        }

        fn follow(&self, start: Option<Position>) -> Follower {
            Follower::new(self.path(), 20, start)
        }
    }

    /// All that is there now, and how far it was read.
    async fn read(follower: &mut Follower) -> (String, Option<Position>) {
        let (mut text, mut position) = (String::new(), None);
        while let Some(lines) = follower.next().await.unwrap() {
            text.push_str(std::str::from_utf8(&lines.bytes).unwrap());
            if lines.is_cut {
                text.push_str("…\n");
            }
            position = Some(Position::decode(&lines.next.encode()).unwrap());
        }
        (text, position)
    }

    async fn told(follower: &mut Follower) -> String {
        read(follower).await.0
    }

    #[tokio::test]
    async fn whole_lines_are_told_as_they_come() {
        let log = Log::new();
        let mut follower = log.follow(None);
        assert_eq!(told(&mut follower).await, "", "there is no file yet");
        log.write("one\ntw");
        assert_eq!(told(&mut follower).await, "one\n");
        assert_eq!(told(&mut follower).await, "");
        log.write("o\nthree\n");
        assert_eq!(told(&mut follower).await, "two\nthree\n");
    }

    #[tokio::test]
    async fn a_file_that_is_renamed_is_read_to_its_end_first() {
        let log = Log::new();
        let mut follower = log.follow(None);
        log.write("one\n");
        assert_eq!(told(&mut follower).await, "one\n");
        log.write("two\nlast");
        log.rotate("audit-1.log");
        assert_eq!(told(&mut follower).await, "two\n", "the new file is not there yet");
        log.write("three\n");
        assert_eq!(told(&mut follower).await, "lastthree\n");
    }

    #[tokio::test]
    async fn a_file_that_is_emptied_is_begun_anew() {
        let log = Log::new();
        let mut follower = log.follow(None);
        log.write("a longer line\n");
        assert_eq!(told(&mut follower).await, "a longer line\n");
        fs::write(log.path(), "new\n").unwrap();
        assert_eq!(told(&mut follower).await, "new\n");
    }

    #[tokio::test]
    async fn it_goes_on_where_it_was_left_whatever_happened_meanwhile() {
        let log = Log::new();
        log.write("one\ntwo");
        let (text, position) = read(&mut log.follow(None)).await;
        assert_eq!(text, "one\n");
        log.write("\nthree\n");
        assert_eq!(told(&mut log.follow(position)).await, "two\nthree\n");
        log.rotate("audit-1.log");
        log.write("four\n");
        assert_eq!(told(&mut log.follow(position)).await, "two\nthree\nfour\n");
        fs::remove_file(log.folder.path().join("audit-1.log")).unwrap();
        assert_eq!(told(&mut log.follow(position)).await, "four\n", "what was removed is gone");
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let log = Log::new();
        let mut follower = log.follow(None);
        log.write("0123456789012345678901234567890123456789");
        assert_eq!(told(&mut follower).await, "01234567890123456789…\n");
        log.write("rest\nnext\n");
        assert_eq!(told(&mut follower).await, "next\n");
    }
}
