//! Looking through files, the latest first, for the rows of a page.
//!
//! Several files are looked at together, step by step, so that what a step reads of all of them is fetched at once:
//! their ends, the filters, the columns that a query has a wish for, and of the rows that fit what tells them
//! apart. The first file is looked at by itself, for mostly it suffices, then twice as many as before.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{AHEAD, Lies, Search};
use crate::error::ArchiveError;
use crate::file::{ArchiveFile, Group, Moment, Place};
use crate::query::{Best, Query};
use crate::shelf::Entry;
use crate::storage::Announced;

/// How many rows of files are looked at for one page, about; then the page is answered as it is, and the
/// next one goes on there.
const ROWS_LOOKED_AT: u64 = 20_000_000;

/// A file that is looked at.
struct Opened<'s> {
    number: usize,
    entry: &'s Entry,
    file: ArchiveFile,
}

/// A row group that may have what is wanted.
#[derive(Clone, Copy)]
struct Candidate<'o> {
    of: &'o Opened<'o>,
    group: Group,
}

/// The rows of a group that are wanted.
struct Wanted<'o> {
    of: &'o Opened<'o>,
    group: usize,
    moments: Vec<Moment>,
}

impl Search<'_> {
    /// Looks through the files. Where it stops early, the time up to which nothing is known.
    pub(super) fn look_in_files(&self, best: &mut Best<Lies>) -> Result<Option<i64>, ArchiveError> {
        let mut looking = Looking { looked_at: 0, latest: Latest::of(self.query), unseen: None };
        let (mut begin, mut together) = (0, 1);
        while let Some(files) = self.files.get(begin..self.files.len().min(begin + together)) {
            let files: Vec<&Entry> = files.iter().map(|entry| &**entry).collect();
            let takes = files.iter().take_while(|entry| best.takes(entry.name.last.as_nanos()));
            let count = takes.count();
            if count == 0 {
                break;
            }
            self.look_in(begin..begin + count, &mut looking, best)?;
            if count < files.len() || looking.unseen.is_some() {
                break;
            }
            begin += together;
            together = (together * 2).min(AHEAD);
        }
        Ok(looking.unseen)
    }

    fn look_in(
        &self,
        numbers: Range<usize>,
        looking: &mut Looking,
        best: &mut Best<Lies>,
    ) -> Result<(), ArchiveError> {
        let opened = self.open_together(numbers)?;
        let candidates = self.candidates(&opened, looking)?;
        let Looking { latest, .. } = looking;
        let mut found = (latest, Vec::new());
        self.each_announced(
            &mut found,
            candidates,
            |(latest, _), it| latest.takes(it.group.last),
            |it| it.of.announced(it.of.file.parts_of_matching(it.group, self.query)),
            |(latest, wanted), Candidate { of, group }| {
                let matching = of.file.matching(group, self.query);
                let Some(mut moments) = self.unless_gone(of.entry, matching)? else {
                    return Ok(());
                };
                moments.iter().for_each(|moment| latest.offer(moment.time));
                // So many may fit that what is left of them has to be told at once.
                moments.retain(|moment| latest.takes(moment.time));
                wanted.push(Wanted { of, group: group.number, moments });
                Ok(())
            },
        )?;
        let (latest, mut wanted) = found;
        wanted.iter_mut().for_each(|it| it.moments.retain(|moment| latest.takes(moment.time)));
        wanted.retain(|it| !it.moments.is_empty());
        self.each_announced(
            best,
            wanted,
            |best, it| it.moments.iter().any(|moment| best.takes(moment.time)),
            |it| {
                let rows: Vec<_> = it.moments.iter().map(|moment| moment.row).collect();
                it.of.announced(it.of.file.parts_of_keys(it.group, &rows))
            },
            |best, Wanted { of, group, moments }| {
                let keys = self.unless_gone(of.entry, of.file.keys(group, &moments))?;
                for (key, Moment { row, .. }) in keys.into_iter().flatten().zip(moments) {
                    let place = Place { group, row };
                    best.offer(key, Lies::InFile { file: of.number, place });
                }
                Ok(())
            },
        )
    }

    /// The files that are still there, opened.
    fn open_together(&self, numbers: Range<usize>) -> Result<Vec<Opened<'_>>, ArchiveError> {
        let begin = numbers.start;
        let entries = self.files.get(numbers).unwrap_or_default();
        self.announce_files(entries.iter().map(|entry| &**entry));
        let mut opened = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            if let Some(file) = self.open(entry)? {
                opened.push(Opened { number: begin + at, entry, file });
            }
        }
        Ok(opened)
    }

    /// The groups that statistics and filters leave, the latest file first and in it the last group.
    fn candidates<'o>(
        &self,
        opened: &'o [Opened<'o>],
        looking: &mut Looking,
    ) -> Result<Vec<Candidate<'o>>, ArchiveError> {
        let all = opened.iter().flat_map(|of| {
            of.file
                .groups_that_may(self.query)
                .into_iter()
                .map(move |group| Candidate { of, group })
        });
        let mut passing = Vec::new();
        self.each_announced(
            &mut passing,
            all,
            |_, it| looking.latest.takes(it.group.last),
            |it| it.of.announced(it.of.file.parts_of_filters(it.group, self.query)),
            |passing, it| {
                let passes = it.of.file.passes_filters(it.group, self.query);
                if self.unless_gone(it.of.entry, passes)?.unwrap_or_default() {
                    passing.push(it);
                }
                Ok(())
            },
        )?;
        // The next page has to begin earlier than this one, or it would look at the same again.
        let begin = self.query.before.map_or(i64::MAX, |before| before.0.time);
        for of in opened {
            let last = of.entry.name.last.as_nanos();
            if looking.looked_at >= ROWS_LOOKED_AT && last < begin {
                looking.unseen = Some(last);
                passing.retain(|it| it.of.number < of.number);
                break;
            }
            let rows = passing.iter().filter(|it| it.of.number == of.number);
            let rows: u64 = rows.map(|it| it.group.rows).sum();
            looking.looked_at += self.storage.opening_rows() + rows;
        }
        Ok(passing)
    }
}

impl Opened<'_> {
    fn announced(&self, parts: Vec<Range<u64>>) -> Announced<'_> {
        Announced { path: &self.entry.path, length: self.entry.bytes, parts }
    }
}

/// How far a search is.
struct Looking {
    looked_at: u64,
    latest: Latest,
    /// The time up to which nothing is known, where it stopped early.
    unseen: Option<i64>,
}

/// The latest moments at which something happened that is wanted. Records of different moments are different
/// ones: what is earlier than as many moments as a page has records is not on it, whatever it is.
struct Latest {
    limit: usize,
    before: Option<i64>,
    moments: BTreeSet<i64>,
}

impl Latest {
    fn of(query: &Query) -> Self {
        let before = query.before.map(|before| before.0.time);
        Self { limit: query.limit + 1, before, moments: BTreeSet::new() }
    }

    fn takes(&self, time: i64) -> bool {
        let earliest = self.moments.first().filter(|_| self.moments.len() >= self.limit);
        earliest.is_none_or(|earliest| time >= *earliest)
    }

    fn offer(&mut self, time: i64) {
        // What happened at the very moment where the page begins may be on the one before.
        if self.takes(time) && self.before.is_none_or(|before| time < before) {
            self.moments.insert(time);
            if self.moments.len() > self.limit {
                self.moments.pop_first();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use airside_types::Tenant;

    use super::*;

    #[test]
    fn as_many_moments_as_a_page_has_records_leave_out_what_is_earlier_and_nothing_else() {
        let query = Query::of(&Tenant::default()).limit(2);
        let mut latest = Latest::of(&Query {
            before: "9.00000000000000000000000000000000.0".parse().ok(),
            ..query
        });
        // Many records of one moment may be one record, and those of the cursor's moment be told already.
        for time in [9, 9, 9, 5, 5, 5, 3] {
            latest.offer(time);
            assert!(latest.takes(0));
        }
        latest.offer(7);
        assert_eq!([2, 3, 4].map(|time| latest.takes(time)), [false, true, true]);
        latest.offer(4);
        assert_eq!([3, 4].map(|time| latest.takes(time)), [false, true]);
    }
}
