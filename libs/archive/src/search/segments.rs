//! Looking through segments: the frames of the tenant who asks, and the records of a page that lie in them.
//!
//! A frame is read and taken apart once to find what is wanted, and once more for the records that come on the
//! page. Only one is in memory at a time.

use std::collections::BTreeMap;

use super::{Lies, Search};
use crate::error::ArchiveError;
use crate::query::{Best, Key};
use crate::record::{Head, RawRecord, each_row};
use crate::segment::Segment;

impl Search<'_> {
    /// Looks through the segments.
    pub(super) fn look_in_segments(&self, best: &mut Best<Lies>) -> Result<(), ArchiveError> {
        let mut batch = Vec::new();
        for (number, segment) in self.segments.iter().enumerate() {
            for frame in segment.frames_of(&self.query.tenant) {
                if read(segment, frame, &mut batch)? {
                    self.look_in_batch(&batch, (number, frame), best);
                }
            }
        }
        Ok(())
    }

    fn look_in_batch(&self, batch: &[u8], (segment, frame): (usize, u64), best: &mut Best<Lies>) {
        let cluster = self.query.cluster.as_ref();
        let is_in = Head::of(batch).is_some_and(|head| {
            head.tenant == self.query.tenant && cluster.is_none_or(|it| *it == head.cluster)
        });
        if !is_in {
            return;
        }
        let mut number = 0;
        each_row(batch, |row| {
            if self.query.wants(&row) {
                let bytes = row.raw.len();
                best.offer(Key::of(&row), Lies::InSegment { segment, frame, row: number, bytes });
            }
            number += 1;
        });
    }

    /// Puts those of a page's records in their places that lie in segments.
    pub(super) fn fetch_from_segments(
        &self,
        found: &[(Key, Lies)],
        records: &mut [Option<RawRecord>],
    ) -> Result<(), ArchiveError> {
        let mut frames: BTreeMap<(usize, u64), BTreeMap<usize, &mut Option<RawRecord>>> =
            BTreeMap::new();
        for ((_, lies), place) in found.iter().zip(records) {
            if let Lies::InSegment { segment, frame, row, .. } = lies {
                frames.entry((*segment, *frame)).or_default().insert(*row, place);
            }
        }
        let mut batch = Vec::new();
        for ((segment, frame), mut places) in frames {
            let Some(segment) = self.segments.get(segment) else { continue };
            if !read(segment, frame, &mut batch)? {
                continue;
            }
            let Some(head) = Head::of(&batch) else { continue };
            let mut number = 0;
            each_row(&batch, |row| {
                if let Some(place) = places.get_mut(&number) {
                    **place = Some(RawRecord::stored(&head, &row, self.query.with_raw));
                }
                number += 1;
            });
        }
        Ok(())
    }
}

/// Reads a frame, whose checksum was looked at by whoever wrote it or found it. False where it is not whole any more.
fn read(segment: &Segment, frame: u64, batch: &mut Vec<u8>) -> Result<bool, ArchiveError> {
    let read = segment.read(frame, false, batch);
    read.map_err(|error| ArchiveError::file("read", &segment.path, error))
}
