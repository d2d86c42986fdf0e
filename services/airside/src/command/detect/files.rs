//! Which files are read, in which order, and how one is opened.
//!
//! The files of a folder come in the order of their first events: whatever a rotation calls them, that is the
//! order of time. gzip is told by its content. What their lines mean is left to others.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use airside_detect::audit;
use airside_types::Timestamp;
use flate2::bufread::MultiGzDecoder;

/// How much of a file is looked at for its first event.
const HEAD: u64 = 256 << 10;
/// How deep folders within folders are read.
const DEEPEST: usize = 16;
/// What log files' names end with, before numbers of a rotation and `.gz`.
const ENDINGS: [&str; 4] = ["json", "jsonl", "log", "ndjson"];

/// The files to read, and what is wrong with the paths.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) paths: Vec<PathBuf>,
    /// Their size as it is on disk; none where standard input is among them.
    pub(super) bytes: Option<u64>,
    pub(super) problems: Vec<String>,
    /// How many files of folders have no name of a log.
    pub(super) left_out: u64,
}

impl Files {
    /// The files of some paths, in the order in which they are given.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut files = Self { bytes: Some(0), ..Self::default() };
        for path in paths {
            if path.is_dir() {
                let mut found = Vec::new();
                files.walk(path, 0, &mut found);
                found.sort();
                files.paths.extend(found.into_iter().map(|(_, path)| path));
            } else {
                files.paths.push(path.clone());
            }
        }
        for path in &files.paths {
            let size = std::fs::metadata(path).ok().filter(|it| it.is_file()).map(|it| it.len());
            files.bytes = files.bytes.zip(size).map(|(all, size)| all + size);
        }
        files
    }

    /// The logs below a folder, each with when it begins; those without an event are the last ones.
    fn walk(&mut self, folder: &Path, depth: usize, found: &mut Vec<((bool, Timestamp), PathBuf)>) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let problem = format!("the folder `{}` cannot be read: {error}", folder.display());
                return self.problems.push(problem);
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            // A link to a folder may lead back.
            let is_folder = entry.file_type().is_ok_and(|it| it.is_dir());
            if is_folder && !is_hidden && depth < DEEPEST {
                self.walk(&path, depth + 1, found);
            } else if !is_folder && !is_hidden && is_log(&path) {
                let begins = first_time(&path).unwrap_or(Timestamp::EPOCH);
                found.push(((begins == Timestamp::EPOCH, begins), path));
            } else {
                self.left_out += 1;
            }
        }
    }
}

/// Whether a file has a name of a log: `audit.log`, `audit-2026-11-26T08-00-00.000.log.gz`, `audit.log.1`.
fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_of_rotation = |part: &str| {
        // Packed logs that cannot be read are told when they are opened.
        matches!(part, "gz" | "xz" | "zst" | "bz2" | "zip")
            || (!part.is_empty() && part.bytes().all(|it| it.is_ascii_digit()))
    };
    let ending = name.rsplit(['.', '-']).find(|part| !is_of_rotation(part));
    ending.is_some_and(|ending| ending != name && ENDINGS.contains(&ending))
}

/// When the first event of a file was received.
fn first_time(path: &Path) -> Option<Timestamp> {
    let (file, _) = open(path, &Arc::default()).ok()?;
    let mut head = Vec::new();
    // What is broken further on is told when it is read.
    let _read = file.take(HEAD).read_to_end(&mut head);
    let mut first = None;
    let end = head.iter().rposition(|byte| *byte == b'\n').unwrap_or(head.len());
    let text = head.get(..end).unwrap_or_default();
    let times = &mut |item: audit::read::Item<'_, '_>| {
        first = first.or_else(|| item.event.ok()?.time());
    };
    match text.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()) {
        Some(line) if audit::read::is_spread(text) == Some(false) => {
            audit::read::record(1, line, times);
        }
        _ => audit::read::input(&head, times),
    }
    first
}

/// Opens a file; `-` is standard input. `taken` counts the bytes as they are on disk. Also says whether it is a
/// stream of which more may come at any time.
pub(super) fn open(path: &Path, taken: &Arc<AtomicU64>) -> io::Result<(Box<dyn Read>, bool)> {
    if path.as_os_str() == "-" {
        return Ok((unpacked(io::stdin(), taken)?, true));
    }
    let file = File::open(path)?;
    let kind = file.metadata()?;
    if kind.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    Ok((unpacked(file, taken)?, !kind.is_file()))
}

fn unpacked(file: impl Read + 'static, taken: &Arc<AtomicU64>) -> io::Result<Box<dyn Read>> {
    let counted = Counted { inner: file, taken: Arc::clone(taken) };
    let mut file = BufReader::with_capacity(256 << 10, counted);
    let begins = file.fill_buf()?;
    if let Some((_, kind, program)) = PACKED.iter().find(|(magic, ..)| begins.starts_with(magic)) {
        let problem = format!("it is packed by {kind}, which is not unpacked here: {program}");
        return Err(io::Error::other(problem));
    }
    let is_gzip = begins.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// How files begin that are packed in other ways, what by, and how to hand them over.
const PACKED: [(&[u8], &str, &str); 4] = [
    (b"\xfd7zXZ\0", "xz", "`xz -dc FILE | airside detect -`"),
    (b"\x28\xb5\x2f\xfd", "zstd", "`zstd -dc FILE | airside detect -`"),
    (b"BZh", "bzip2", "`bzip2 -dc FILE | airside detect -`"),
    (b"PK\x03\x04", "zip", "`unzip -p FILE | airside detect -`"),
];

/// Counts what is read.
struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_told_by_their_names() {
        for (name, expected) in [
            ("audit.log", true),
            ("audit-2026-11-26T08-00-00.000.log.gz", true),
            ("audit.log.1", true),
            ("audit.log.2.gz", true),
            ("audit.log-20261126.gz", true),
            ("events.jsonl", true),
            ("log", false),
            ("audit.log.swp", false),
            ("notes.md", false),
        ] {
            assert_eq!(is_log(Path::new(name)), expected, "{name}");
        }
    }
}
