//! The records of a page, once it is known where they lie.
//!
//! What is read of several files is fetched together: first how large their raw records are, which tells how many
//! of them fit into a page, then the records.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{AHEAD, Lies, MAX_PAGE_BYTES, Search};
use crate::error::ArchiveError;
use crate::file::ArchiveFile;
use crate::query::Key;
use crate::record::RawRecord;
use crate::shelf::Entry;
use crate::storage::Announced;

/// Records that lie in one row group: their rows, in order, and which of a portion's records they are.
struct Together<'o> {
    entry: &'o Entry,
    file: &'o ArchiveFile,
    group: usize,
    rows: Vec<usize>,
    numbers: Vec<usize>,
}

impl Search<'_> {
    /// The records, in order; none for one whose file is gone. Those beyond the bytes of a page are left out.
    pub(super) fn fetch(
        &self,
        found: &[(Key, Lies)],
    ) -> Result<Vec<Option<RawRecord>>, ArchiveError> {
        let mut records: Vec<Option<RawRecord>> = Vec::with_capacity(found.len());
        let mut room = None;
        let mut rest = found;
        while !rest.is_empty() {
            let (portion, behind) = rest.split_at(portion(rest));
            let fetched = self.fetch_portion(portion, &mut room)?;
            let is_full = fetched.len() < portion.len();
            records.extend(fetched);
            if is_full {
                break;
            }
            rest = behind;
        }
        self.fetch_from_segments(found, &mut records)?;
        Ok(records)
    }

    /// The first of some records, as many as there is room for: one at least where none was fetched before, of
    /// which there is no room then. The places of those that lie in segments are left empty.
    fn fetch_portion(
        &self,
        found: &[(Key, Lies)],
        room: &mut Option<usize>,
    ) -> Result<Vec<Option<RawRecord>>, ArchiveError> {
        let opened = self.open_all_of(found)?;
        let mut groups = together(found, &opened);
        let sizes = self.sizes(found.len(), &groups)?;
        let mut records = Vec::with_capacity(found.len());
        for ((_, lies), size) in found.iter().zip(sizes) {
            let size = match lies {
                Lies::InSegment { bytes, .. } if self.query.with_raw => *bytes,
                Lies::InSegment { .. } | Lies::InFile { .. } => size,
            };
            *room = match *room {
                None => Some(MAX_PAGE_BYTES.saturating_sub(size)),
                Some(left) if size <= left => Some(left - size),
                Some(_) => break,
            };
            records.push(None);
        }
        for group in &mut groups {
            let fits = |number: &usize| *number < records.len();
            let rows = group.rows.iter().zip(&group.numbers);
            let rows = rows.filter(|(_, number)| fits(number)).map(|(row, _)| *row);
            group.rows = rows.collect();
            group.numbers.retain(fits);
        }
        let (known, with_raw) = (&self.query.texts, self.query.with_raw);
        self.each_announced(
            &mut records,
            groups,
            |_, it| !it.rows.is_empty(),
            |it| it.announced(it.file.parts_of_records(it.group, &it.rows, known, with_raw)),
            |records, it| {
                let fetched = it.file.records(it.group, &it.rows, known, with_raw);
                let fetched = self.unless_gone(it.entry, fetched)?.unwrap_or_default();
                for (number, record) in it.numbers.into_iter().zip(fetched) {
                    if let Some(place) = records.get_mut(number) {
                        *place = Some(record);
                    }
                }
                Ok(())
            },
        )?;
        Ok(records)
    }

    /// The files in which records lie, as far as they are still there.
    fn open_all_of(
        &self,
        found: &[(Key, Lies)],
    ) -> Result<BTreeMap<usize, (&Entry, ArchiveFile)>, ArchiveError> {
        let numbers: BTreeSet<usize> = found
            .iter()
            .filter_map(|(_, lies)| match lies {
                Lies::InFile { file, .. } => Some(*file),
                Lies::InSegment { .. } => None,
            })
            .collect();
        let entries = numbers.iter().filter_map(|number| self.files.get(*number));
        self.announce_files(entries.map(|entry| &**entry));
        let mut opened = BTreeMap::new();
        for number in numbers {
            let Some(entry) = self.files.get(number) else { continue };
            if let Some(file) = self.open(entry)? {
                opened.insert(number, (&**entry, file));
            }
        }
        Ok(opened)
    }

    /// How large the raw records are that lie in files; nothing of those that are not asked for.
    fn sizes(&self, count: usize, groups: &[Together<'_>]) -> Result<Vec<usize>, ArchiveError> {
        let mut sizes = vec![0; count];
        self.each_announced(
            &mut sizes,
            groups,
            |_, _| self.query.with_raw,
            |it| it.announced(it.file.parts_of_sizes(it.group, &it.rows)),
            |sizes, it| {
                let found = self.unless_gone(it.entry, it.file.sizes(it.group, &it.rows))?;
                for (number, size) in it.numbers.iter().zip(found.unwrap_or_default()) {
                    if let Some(place) = sizes.get_mut(*number) {
                        *place = size;
                    }
                }
                Ok(())
            },
        )?;
        Ok(sizes)
    }
}

impl Together<'_> {
    fn announced(&self, parts: Vec<Range<u64>>) -> Announced<'_> {
        Announced { path: &self.entry.path, length: self.entry.bytes, parts }
    }
}

/// How many of some records, from the first on, lie in as many row groups as are read together.
fn portion(found: &[(Key, Lies)]) -> usize {
    let mut groups = BTreeSet::new();
    let fits = found.iter().take_while(|(_, lies)| {
        if let Lies::InFile { file, place } = lies {
            groups.insert((*file, place.group));
        }
        groups.len() <= AHEAD
    });
    fits.count()
}

/// The records that lie in files which are still there, by row group.
fn together<'o>(
    found: &[(Key, Lies)],
    opened: &'o BTreeMap<usize, (&'o Entry, ArchiveFile)>,
) -> Vec<Together<'o>> {
    let mut groups: BTreeMap<(usize, usize), BTreeMap<usize, usize>> = BTreeMap::new();
    for (number, (_, lies)) in found.iter().enumerate() {
        if let Lies::InFile { file, place } = lies {
            groups.entry((*file, place.group)).or_default().insert(place.row, number);
        }
    }
    let groups = groups.into_iter().filter_map(|((file, group), rows)| {
        let (entry, file) = opened.get(&file)?;
        let (rows, numbers) = rows.into_iter().unzip();
        Some(Together { entry, file, group, rows, numbers })
    });
    groups.collect()
}
