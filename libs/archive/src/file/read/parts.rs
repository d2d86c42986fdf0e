//! Where in a file lies what a step of reading needs, told before it is read.
//!
//! Says no more than what metadata tell. A part that is missing here costs a request of its own when it is read,
//! and one too many is fetched for nothing: neither changes an answer.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;

use super::columns::is_sparse;
use super::{ArchiveFile, Group, wanted_texts, wanted_values};
use crate::file::{BYTES, CODE, EVENT, FIRST_TEXT, RAW, TIME};
use crate::query::{Field, Query};
use crate::record::TEXTS;

impl ArchiveFile {
    /// What [`ArchiveFile::passes_filters`] reads.
    pub(crate) fn parts_of_filters(&self, group: Group, query: &Query) -> Vec<Range<u64>> {
        let group = self.metadata.row_group(group.number);
        let filters = wanted_values(query, group).filter_map(|(column, _)| {
            let column = group.column(column);
            let begin = u64::try_from(column.bloom_filter_offset()?).ok()?;
            let length = u64::try_from(column.bloom_filter_length()?).ok()?;
            Some(begin..begin.checked_add(length)?)
        });
        filters.collect()
    }

    /// What [`ArchiveFile::matching`] reads.
    pub(crate) fn parts_of_matching(&self, group: Group, query: &Query) -> Vec<Range<u64>> {
        let metadata = self.metadata.row_group(group.number);
        let code = query.code.map(|_| CODE);
        let event = query.event.map(|_| EVENT);
        let texts = wanted_texts(query, metadata).map(|(column, _)| column);
        let columns = [Some(TIME), event, code].into_iter().flatten().chain(texts);
        columns.filter_map(|column| whole(metadata.column(column))).collect()
    }

    /// What [`ArchiveFile::keys`] reads.
    pub(crate) fn parts_of_keys(&self, group: usize, rows: &[usize]) -> Vec<Range<u64>> {
        let mut parts = Vec::new();
        for column in [EVENT, FIRST_TEXT + Field::Stage.number()] {
            match (is_sparse(rows), rows) {
                (false, [first, .., last]) => {
                    let span: Vec<_> = (*first..=*last).collect();
                    self.add_pages(group, column, &span, &mut parts);
                }
                _ => self.add_pages(group, column, rows, &mut parts),
            }
        }
        parts
    }

    /// What [`ArchiveFile::sizes`] reads.
    pub(crate) fn parts_of_sizes(&self, group: usize, rows: &[usize]) -> Vec<Range<u64>> {
        let mut parts = Vec::new();
        self.add_pages(group, BYTES, rows, &mut parts);
        parts
    }

    /// What [`ArchiveFile::records`] reads.
    pub(crate) fn parts_of_records(
        &self,
        group: usize,
        rows: &[usize],
        known: &[Option<String>; TEXTS],
        with_raw: bool,
    ) -> Vec<Range<u64>> {
        let texts = known.iter().enumerate().filter(|(_, known)| known.is_none());
        let columns = (0..FIRST_TEXT).chain(texts.map(|(text, _)| FIRST_TEXT + text));
        let mut parts = Vec::new();
        for column in columns.chain(with_raw.then_some(RAW)) {
            self.add_pages(group, column, rows, &mut parts);
        }
        parts
    }

    /// Adds the pages in which rows lie, which are in order, and what stands before a column's pages: its
    /// dictionary.
    fn add_pages(&self, group: usize, column: usize, rows: &[usize], parts: &mut Vec<Range<u64>>) {
        let Some(whole) = whole(self.metadata.row_group(group).column(column)) else { return };
        let index = self.metadata.page_index_for_row_group(group);
        let Some(pages) = index.page_locations(column) else { return parts.push(whole) };
        let mut rows = rows.iter().copied().peekable();
        for (number, page) in pages.iter().enumerate() {
            let Ok(begin) = u64::try_from(page.offset) else { return };
            if number == 0 && whole.start < begin {
                parts.push(whole.start..begin);
            }
            let next = pages.get(number + 1).map(|next| next.first_row_index);
            let end = next.and_then(|next| usize::try_from(next).ok()).unwrap_or(usize::MAX);
            if rows.next_if(|row| *row < end).is_none() {
                continue;
            }
            while rows.next_if(|row| *row < end).is_some() {}
            parts.push(
                begin..begin.saturating_add(page.compressed_page_size.max(0).unsigned_abs().into()),
            );
        }
    }
}

/// Where a column's pages lie, the dictionary included.
fn whole(column: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let begin = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let begin = u64::try_from(begin).ok()?;
    Some(begin..begin.checked_add(u64::try_from(column.compressed_size()).ok()?)?)
}
