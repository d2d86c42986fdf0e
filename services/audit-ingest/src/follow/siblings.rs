//! Rotated files beside a followed one: which of them comes next.
//!
//! Owns their names and their order, which is that of their last writes: names differ with who rotates, and numbers
//! change with every rotation. Reading them is left to others.

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};

use airside_types::Timestamp;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use super::folder;
use super::found::Found;
use super::position::{Position, identity, modified};

/// How many rotated files are looked at after one that ended. Beyond, chance decides which are, and that is told.
const MOST_LOOKED_AT: usize = 10_000;

/// Endings of compressed files.
const PACKED: [&str; 5] = [".gz", ".zst", ".xz", ".bz2", ".lz4"];

/// The files that were gone through last.
#[derive(Debug)]
pub(super) struct Ended {
    /// When the last of them was last written.
    pub(super) modified: Timestamp,
    /// How far the last of them was read, in bytes.
    length: u64,
    /// The ends of those that were last written at that time, so that none of the same moment is passed over or read
    /// for ever.
    files: Vec<Position>,
}

/// What comes after files that ended.
#[derive(Debug)]
pub(super) struct After {
    /// The rotated file to go on with; none where the path's own file comes next.
    pub(super) next: Option<Found>,
    /// Compressed files that come before it and may hold what was not read.
    pub(super) left_out: Vec<PathBuf>,
}

/// A rotated file, in the order of reading: of those of the same moment, the compressed ones are told first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sibling {
    modified: Timestamp,
    rotation: Rotation,
    path: PathBuf,
    file: (u64, u64),
}

/// What the name of a rotated file tells.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rotation {
    is_plain: bool,
    /// The highest is the oldest; 0 where the name holds a time.
    number: Reverse<u32>,
}

impl Ended {
    /// Those before and the one that ended after them; none where it is not known when that was written.
    pub(super) fn with(before: Option<Self>, last: Position) -> Option<Self> {
        let modified = last.modified?;
        let same = before.filter(|before| before.modified == modified);
        let mut files = same.map(|before| before.files).unwrap_or_default();
        files.push(last);
        Some(Self { modified, length: last.offset, files })
    }

    /// Whether a file comes after them. A compressed one of the same moment was told with them.
    fn is_before(&self, sibling: &Sibling) -> bool {
        let is_later = sibling.modified > self.modified;
        let is_of_the_same = sibling.modified == self.modified && sibling.rotation.is_plain;
        is_later || is_of_the_same
    }

    /// Whether a file is one of them, and none that was given the same inode.
    fn has(&self, found: &Found) -> bool {
        let is_it = |it: &Position| it.file() == found.identity() && it.starts_with(&found.first);
        self.files.iter().any(is_it)
    }

    /// Whether the last of them was read to its end, and compressed after that.
    pub(super) async fn is_packed(&self, path: &Path, newest: (u64, u64)) -> io::Result<bool> {
        for sibling in all(path, newest).await? {
            let may_be = !sibling.rotation.is_plain && sibling.modified >= self.modified;
            if may_be && self.is_as_long_as(&sibling.path).await {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the last of them is as long as what a compressed file holds.
    async fn is_as_long_as(&self, packed: &Path) -> bool {
        let length = unpacked_length(packed).await;
        length.is_ok_and(|length| u64::from(length) == self.length & u64::from(u32::MAX))
    }
}

/// What comes after files that ended, of those that were rotated from `path`, the file of which is `newest`. None where
/// files are renamed at this moment.
pub(super) async fn after(
    ended: &Ended,
    path: &Path,
    newest: (u64, u64),
) -> io::Result<Option<After>> {
    let mut left_out = Vec::new();
    let later = all(path, newest).await?.into_iter().filter(|sibling| ended.is_before(sibling));
    for Sibling { path, rotation, file, .. } in later {
        if !rotation.is_plain {
            if !is_known(&path, ended).await {
                left_out.push(path);
            }
            continue;
        }
        let found = Found::open(&path).await?.filter(|found| found.identity() == file);
        let Some(next) = found else { return Ok(None) };
        if !ended.has(&next) {
            return Ok(Some(After { next: Some(next), left_out }));
        }
    }
    Ok(Some(After { next: None, left_out }))
}

/// The rotated files that are not compressed, oldest first.
pub(super) async fn plain(path: &Path, newest: (u64, u64)) -> io::Result<Vec<PathBuf>> {
    let all = all(path, newest).await?.into_iter();
    Ok(all.filter(|it| it.rotation.is_plain).map(|it| it.path).collect())
}

/// The files that were rotated from `path`, the file of which is `newest`: oldest first.
async fn all(path: &Path, newest: (u64, u64)) -> io::Result<Vec<Sibling>> {
    let mut all = Vec::new();
    let mut looked_at = 0;
    let mut entries = tokio::fs::read_dir(folder(path)).await?;
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        let Some(rotation) = name.to_str().and_then(|name| rotation(name, path)) else { continue };
        if looked_at == MOST_LOOKED_AT {
            let path = path.display();
            tracing::warn!(%path, "there are too many rotated files: some are not looked at and may be lost");
            break;
        }
        looked_at += 1;
        // One that is gone by now is an error: files are renamed at this moment, and it is looked again.
        let metadata = entry.metadata().await?;
        if metadata.is_file() && identity(&metadata) != newest {
            let (modified, file) = (modified(&metadata), identity(&metadata));
            all.push(Sibling { modified, rotation, path: entry.path(), file });
        }
    }
    all.sort_unstable();
    Ok(all)
}

/// What the name of a file tells that was rotated from `path`: `audit-2026-11-27T10-00-00.000.log`, `audit.log.1`,
/// `audit.log-20261127.gz`. None for every other one: `audit-shop.log` may be another cluster's.
fn rotation(name: &str, path: &Path) -> Option<Rotation> {
    let unpacked = PACKED.iter().find_map(|ending| name.strip_suffix(*ending));
    let number = Reverse(number(unpacked.unwrap_or(name), path)?);
    Some(Rotation { is_plain: unpacked.is_none(), number })
}

/// The number in the name of a rotated file, 0 where there is a time instead.
fn number(name: &str, path: &Path) -> Option<u32> {
    let whole = path.file_name()?.to_str()?;
    if let Some(mark) = name.strip_prefix(whole) {
        let time = mark.strip_prefix(['-', '.']).filter(|mark| is_time(mark));
        return if time.is_some() { Some(0) } else { mark.strip_prefix('.')?.parse().ok() };
    }
    let stem = path.file_stem()?.to_str()?;
    let ending = whole.strip_prefix(stem)?;
    let mark = name.strip_prefix(stem)?.strip_suffix(ending)?.strip_prefix(['-', '.'])?;
    is_time(mark).then_some(0)
}

/// Whether a part of a name is a time: `2026-11-27T10-00-00.000`, `20261127`, or seconds since 1970.
fn is_time(mark: &str) -> bool {
    let year = mark.bytes().take_while(u8::is_ascii_digit).count();
    let digits = mark.bytes().filter(u8::is_ascii_digit).count();
    let is_of_time = |byte: u8| byte.is_ascii_digit() || b"-_.:+TZ".contains(&byte);
    year >= 4 && digits >= 8 && mark.bytes().all(is_of_time)
}

/// Whether what a compressed file holds is not lost: it still lies beside it as it was, or is as long as the file that
/// ended last, and so is that one.
async fn is_known(packed: &Path, ended: &Ended) -> bool {
    if tokio::fs::try_exists(packed.with_extension("")).await.unwrap_or(false) {
        return true;
    }
    ended.is_as_long_as(packed).await
}

/// The bytes that a file of gzip holds, modulo 2³²: its last four bytes (RFC 1952, ISIZE). Of other files it is any
/// number.
async fn unpacked_length(packed: &Path) -> io::Result<u32> {
    let mut file = File::open(packed).await?;
    file.seek(SeekFrom::End(-4)).await?;
    file.read_u32_le().await
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;

    /// A folder with an audit log that ended when it was written in second 10, with 5 bytes.
    struct Folder {
        folder: tempfile::TempDir,
        ended: Ended,
    }

    impl Folder {
        fn new() -> Self {
            let modified = Timestamp::EPOCH.plus(Duration::from_secs(10));
            let ended = Ended { modified, length: 5, files: Vec::new() };
            Self { folder: tempfile::tempdir().unwrap(), ended }
        }

        /// With a compressed file of second 11 and one of second 12 that is not.
        fn with_packed(packed: &[u8]) -> Self {
            let folder = Self::new();
            folder.write("audit.log.3.gz", 11, packed);
            folder.write("audit.log.2", 12, b"next");
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// A file that was last written in a second.
        fn write(&self, name: &str, second: u64, bytes: &[u8]) {
            fs::write(self.path(name), bytes).unwrap();
            let file = fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
        }

        /// The names of the next file and of those that are left out before it.
        async fn after(&self) -> (Option<String>, Vec<String>) {
            let after = after(&self.ended, &self.path("audit.log"), (0, 0)).await.unwrap().unwrap();
            let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            let next = after.next.map(|next| name(self.path_of(next.identity())));
            (next, after.left_out.into_iter().map(name).collect())
        }

        fn path_of(&self, file: (u64, u64)) -> PathBuf {
            let mut entries = fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
            let is_it = |entry: &fs::DirEntry| identity(&entry.metadata().unwrap()) == file;
            entries.find(is_it).unwrap().path()
        }

        /// The end of a file.
        fn end(&self, name: &str) -> Position {
            let metadata = fs::metadata(self.path(name)).unwrap();
            let begin = Position::begin(&metadata, &fs::read(self.path(name)).unwrap());
            Position { offset: metadata.len(), ..begin }
        }

        /// The names of all files, as they are gone through.
        async fn all(mut self) -> Vec<String> {
            let mut names = Vec::new();
            while let (Some(name), _) = self.after().await {
                let last = self.end(&name);
                self.ended = Ended::with(Some(self.ended), last).unwrap();
                names.push(name);
            }
            names
        }
    }

    #[test]
    fn rotated_files_are_told_by_their_names() {
        for (name, expected) in [
            ("audit-2026-11-27T10-00-00.000.log", Some((true, 0))),
            ("audit-2026-11-27T10-00-00.000.log.gz", Some((false, 0))),
            ("audit-20261127.log", Some((true, 0))),
            ("audit.log.1", Some((true, 1))),
            ("audit.log.12.zst", Some((false, 12))),
            ("audit.log-20261127", Some((true, 0))),
            ("audit.log.2026112710", Some((true, 0))),
            ("audit.log", None),
            ("audit.log.gz", None),
            ("audit.log.swp", None),
            ("audit-1.log", None),
            ("audit-shop.log", None),
            ("audit-1-2026-11-27T10-00-00.000.log", None),
            ("audit-shop-2026-11-27T10-00-00.000.log", None),
            ("other-2026-11-27T10-00-00.000.log", None),
        ] {
            let found = rotation(name, Path::new("/logs/audit.log"));
            assert_eq!(found.map(|it| (it.is_plain, it.number.0)), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn the_oldest_that_is_newer_comes_next_and_other_files_never() {
        let folder = Folder::new();
        folder.write("audit.log.3", 9, b"read");
        folder.write("audit.log.2", 11, b"next");
        folder.write("audit.log.1", 12, b"");
        folder.write("audit-shop.log", 11, b"other");
        fs::create_dir(folder.path("audit.log.4")).unwrap();
        assert_eq!(folder.all().await, ["audit.log.2", "audit.log.1"]);
    }

    #[tokio::test]
    async fn files_of_one_moment_are_all_gone_through_once() {
        let folder = Folder::new();
        for name in ["audit.log.2", "audit.log.10", "audit.log.1"] {
            folder.write(name, 11, b"line\n");
        }
        assert_eq!(folder.all().await, ["audit.log.10", "audit.log.2", "audit.log.1"]);
    }

    #[tokio::test]
    async fn another_file_with_the_inode_of_one_that_ended_is_read() {
        let mut folder = Folder::new();
        folder.write("audit.log.1", 11, b"ended\n");
        let end = folder.end("audit.log.1");
        for modified in [folder.ended.modified, end.modified.unwrap()] {
            folder.ended = Ended { modified, length: 6, files: vec![end] };
            folder.write("audit.log.1", 11, b"ended\n");
            assert_eq!(folder.after().await.0, None);
            folder.write("audit.log.1", 11, b"other\n");
            assert_eq!(folder.after().await.0.as_deref(), Some("audit.log.1"));
        }
    }

    #[tokio::test]
    async fn a_compressed_file_is_told_and_stops_nothing() {
        let mut folder = Folder::with_packed(b"");
        folder.write("audit.log.1.gz", 13, b"");
        let (next, left_out) = folder.after().await;
        assert_eq!(
            (next.as_deref(), left_out),
            (Some("audit.log.2"), vec!["audit.log.3.gz".into()])
        );
        folder.ended.modified = Timestamp::EPOCH.plus(Duration::from_secs(12));
        fs::remove_file(folder.path("audit.log.2")).unwrap();
        assert_eq!(folder.after().await, (None, vec!["audit.log.1.gz".into()]));
    }

    #[tokio::test]
    async fn a_compressed_file_is_not_told_where_what_it_holds_was_read_or_will_be() {
        let folder = Folder::with_packed(b"what ended\x05\0\0\0");
        folder.write("audit.log.2.gz", 11, b"not whole yet");
        assert_eq!(folder.after().await, (Some("audit.log.2".into()), Vec::new()));
    }
}
