//! A segment: a file of frames, each a batch with its length and checksum, to which is only appended.
//!
//! Owns the framing, and what of a segment holds: everything up to the first frame that is not whole. When
//! frames are written and made durable is `writer.rs`'; what lies in them is `record.rs`'.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use airside_types::{Tenant, Timestamp};

use crate::owners::Owners;

/// The bytes before a batch: its length and its checksum (CRC-32), four each.
pub(crate) const HEAD: usize = 8;

/// The largest frame: what a length of four bytes can tell, less one for safety in sums.
pub(crate) const MAX_FRAME_BYTES: usize = u32::MAX as usize - HEAD;

/// What stands before a batch.
pub(crate) fn head(batch: &[u8]) -> [u8; HEAD] {
    // Whoever appends has seen that it is not longer than MAX_FRAME_BYTES.
    let [a, b, c, d] = u32::try_from(batch.len()).unwrap_or(u32::MAX).to_le_bytes();
    let [e, f, g, h] = crc32fast::hash(batch).to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// The length and the checksum that a head tells.
const fn told([a, b, c, d, checksum @ ..]: [u8; HEAD]) -> (u32, u32) {
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(checksum))
}

/// Where the batches lie in the bytes of frames: those before the first frame that is not whole.
pub(crate) fn batches(frames: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let (head, rest) = frames.get(end..)?.split_first_chunk()?;
        let (length, checksum) = told(*head);
        let batch = rest.get(..usize::try_from(length).ok()?)?;
        let is_whole = length > 0 && crc32fast::hash(batch) == checksum;
        end += HEAD + batch.len();
        is_whole.then(|| end - batch.len()..end)
    })
}

#[cfg(test)]
thread_local! {
    /// How many frames this thread has read.
    pub(crate) static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A segment that can be read, however it is named or removed meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: Arc<Path>,
    pub(crate) file: Arc<File>,
    /// How much of it is durable.
    pub(crate) length: u64,
    /// The earliest and the latest time of its records, where that is known.
    pub(crate) times: Option<(Timestamp, Timestamp)>,
    /// Whose its frames are.
    pub(crate) owners: Arc<Owners>,
}

impl Segment {
    /// The name of a segment's file.
    pub(crate) fn path_of(folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{number:020}.wal"))
    }

    /// The number of a segment's file.
    pub(crate) fn number_of(path: &Path) -> Option<u64> {
        if path.extension()? != "wal" {
            return None;
        }
        path.file_stem()?.to_str()?.parse().ok()
    }

    /// Opens what a process left: its length is that of the whole frames.
    pub(crate) fn left(path: PathBuf, number: u64) -> io::Result<Self> {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        let (path, file) = (Arc::from(path), Arc::new(file));
        let owners = Arc::new(Owners::default());
        let mut segment =
            Self { number, path, file, length, times: None, owners: Arc::clone(&owners) };
        let written = segment.length;
        segment.length = segment.frames(|at, batch| owners.add(at, batch))?;
        if segment.length < written {
            let (path, torn) = (segment.path.display(), written - segment.length);
            tracing::warn!(%path, torn, "a segment ends in what was never acknowledged: it is left out");
        }
        Ok(segment)
    }

    /// Shows the batches and where their frames begin, and gives the length of the frames that are whole.
    fn frames(&self, mut show: impl FnMut(u64, &[u8])) -> io::Result<u64> {
        let mut at = 0;
        let mut batch = Vec::new();
        while self.read(at, true, &mut batch)? {
            show(at, &batch);
            at += (HEAD + batch.len()) as u64;
        }
        Ok(at)
    }

    /// Where the durable frames of a tenant begin, in their order.
    pub(crate) fn frames_of(&self, tenant: &Tenant) -> Vec<u64> {
        self.owners.frames_of(tenant, self.length)
    }

    /// The batch of the frame that begins there. False where no whole one does. Checksums of what this process
    /// has written itself, or has looked at, need not be looked at again.
    pub(crate) fn read(&self, at: u64, check: bool, batch: &mut Vec<u8>) -> io::Result<bool> {
        let begin = at + HEAD as u64;
        if begin > self.length {
            return Ok(false);
        }
        let mut head = [0; HEAD];
        self.file.read_exact_at(&mut head, at)?;
        let (length, checksum) = told(head);
        // A torn length may tell anything: no more is read than there is.
        if length == 0 || u64::from(length) > self.length - begin {
            return Ok(false);
        }
        #[cfg(test)]
        READS.set(READS.get() + 1);
        batch.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        self.file.read_exact_at(batch, begin)?;
        Ok(!check || crc32fast::hash(batch) == checksum)
    }

    /// The bytes of all its frames that are durable; `frames` is as long as the segment.
    pub(crate) fn load(&self, frames: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(frames, 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(batch: &[u8]) -> Vec<u8> {
        [&head(batch), batch].concat()
    }

    fn left(bytes: &[u8]) -> (u64, Vec<Vec<u8>>) {
        let folder = tempfile::tempdir().unwrap();
        let path = Segment::path_of(folder.path(), 3);
        assert_eq!(Segment::number_of(&path), Some(3));
        std::fs::write(&path, bytes).unwrap();
        let segment = Segment::left(path, 3).unwrap();
        let mut seen = Vec::new();
        segment.frames(|_, batch| seen.push(batch.to_vec())).unwrap();
        let loaded: Vec<_> = batches(bytes).map(|batch| bytes[batch].to_vec()).collect();
        assert_eq!(loaded, seen);
        (segment.length, seen)
    }

    proptest! {
        #[test]
        fn cut_at_any_byte_a_segment_has_the_frames_before(
            batches in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            cut in 0usize..300,
        ) {
            let frames: Vec<_> = batches.iter().map(|batch| frame(batch)).collect();
            let whole = frames.concat();
            let cut = cut.min(whole.len());
            let mut end = 0;
            let kept = frames.iter().take_while(|frame| { end += frame.len(); end <= cut }).count();
            let (length, seen) = left(&whole[..cut]);
            prop_assert_eq!(&seen, &batches[..kept]);
            prop_assert_eq!(length, frames[..kept].iter().map(|it| it.len() as u64).sum::<u64>());
        }

        #[test]
        fn a_flipped_bit_ends_a_segment_and_makes_up_no_batch(
            batches in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..6),
            at in 0usize..1000, bit in 0u8..8,
        ) {
            let mut whole = batches.iter().flat_map(|batch| frame(batch)).collect::<Vec<_>>();
            let at = at % whole.len();
            whole[at] ^= 1 << bit;
            let (_, seen) = left(&whole);
            prop_assert!(seen.len() < batches.len());
            prop_assert_eq!(&seen, &batches[..seen.len()]);
        }
    }
}
