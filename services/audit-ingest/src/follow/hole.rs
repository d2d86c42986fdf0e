//! What is told of lines that nobody read: a gap, from the last line that was read to the file that comes next.
//!
//! Owns its words and its times. They rest on the files and on no clock: told again after a crash, a gap before a file
//! that is not written any more, or was made since, is the same record.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use airside_types::{Gap, Source, Timestamp};

use super::position::modified;

/// How many compressed files are named.
const MOST_NAMED: usize = 5;

/// What lies between the last line that was read and the file that comes next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hole<'a> {
    /// The followed file.
    pub(super) path: &'a Path,
    /// How far a file was read that is gone, in bytes.
    pub(super) gone_at: Option<u64>,
    /// Compressed files that nobody had read.
    pub(super) left_out: &'a [PathBuf],
    /// When that was last written which was read last, where it is known.
    pub(super) read: Option<Timestamp>,
}

impl Hole<'_> {
    /// The gap before a file; none where nothing is missing. Where nobody knows since when, it is told by its end.
    pub(super) fn before(self, next: &Metadata) -> Option<Gap> {
        let reason = self.reason()?;
        let until = begun(next, self.read);
        let from = self.read.unwrap_or(until).min(until);
        let path = self.path.display();
        tracing::warn!(%path, reason, "lines of the audit log were not read and are lost");
        let origin = format!("the audit log {path}");
        Some(Gap { source: Source::Audit, origin, from, until, lost: None, reason })
    }

    fn reason(self) -> Option<String> {
        let gone = self.gone_at.map(|offset| {
            format!("the file that was read up to byte {offset} is gone, or was emptied: what it held after that is not known")
        });
        let names = self
            .left_out
            .iter()
            .take(MOST_NAMED)
            .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        let names = names.collect::<Vec<_>>().join(", ");
        let packed = match self.left_out.len() {
            0 => None,
            all if all > MOST_NAMED => Some(format!(
                "compressed before they were read: {names} and {} more",
                all - MOST_NAMED
            )),
            _ => Some(format!("compressed before they were read: {names}")),
        };
        let parts: Vec<_> = gone.into_iter().chain(packed).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Until when what came before a file was written at most: until this one was made, or else had its last line. One that
/// was emptied in place was made long before, and one that was copied long after.
fn begun(next: &Metadata, after: Option<Timestamp>) -> Timestamp {
    let written = modified(next);
    let made = next.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let made = made.map(|since| Timestamp::EPOCH.plus(since));
    let after = after.unwrap_or(Timestamp::EPOCH);
    let times = made.into_iter().chain([written]).filter(|time| *time >= after);
    times.min().unwrap_or(written)
}
