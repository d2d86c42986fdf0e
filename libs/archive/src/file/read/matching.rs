//! Which rows of a row group a query wants: column after column, as long as a row is left that fits.

use std::ops::Range;

use parquet::data_type::{ByteArrayType, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::file::reader::RowGroupReader;

use super::columns::all;
use super::{ArchiveFile, Group, Result, dictionary, wanted_texts};
use crate::file::{CODE, EVENT, TIME};
use crate::query::Query;

/// A row of a group, and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) time: i64,
    pub(crate) row: usize,
}

impl ArchiveFile {
    /// The rows of a group that a query wants, in their order.
    pub(crate) fn matching(&self, group: Group, query: &Query) -> Result<Vec<Moment>> {
        let (rows, group) = (usize::try_from(group.rows)?, self.group(group.number)?);
        for (column, text) in wanted_texts(query, group.metadata()) {
            // What a dictionary lacks no row has. A filter has said as much before, where there is one.
            let has_filter = group.metadata().column(column).bloom_filter_offset().is_some();
            if !has_filter && dictionary::has(&group, column, text.as_bytes())? == Some(false) {
                return Ok(Vec::new());
            }
        }
        let times = all::<Int64Type>(&group, TIME, 0..rows)?;
        let mut left = Left::of(times.iter().map(|time| query.wants_time(*time)));
        if let Some(event) = query.event {
            left.keep(&all::<FixedLenByteArrayType>(&group, EVENT, left.span())?, |found| {
                found.data() == event.as_bytes()
            });
        }
        if let Some(code) = query.code {
            left.keep(&all::<Int32Type>(&group, CODE, left.span())?, |found| {
                *found == i32::from(code)
            });
        }
        for (column, text) in wanted_texts(query, group.metadata()) {
            if left.span().is_empty() {
                return Ok(Vec::new());
            }
            match dictionary::rows_with(&group, column, text.as_bytes(), left.span())? {
                Some(marks) => left.keep(&marks, |mark| *mark),
                None => left.keep(&all::<ByteArrayType>(&group, column, left.span())?, |found| {
                    found.data() == text.as_bytes()
                }),
            }
        }
        let moments = left.span().zip(times.get(left.span()).unwrap_or_default());
        let moments = moments.filter(|(row, _)| left.has(*row));
        Ok(moments.map(|(row, time)| Moment { time: *time, row }).collect())
    }
}

/// The rows of a group that are still wanted.
struct Left {
    wanted: Vec<bool>,
}

impl Left {
    fn of(wanted: impl Iterator<Item = bool>) -> Self {
        Self { wanted: wanted.collect() }
    }

    fn has(&self, row: usize) -> bool {
        self.wanted.get(row).copied().unwrap_or_default()
    }

    /// From the first that is wanted to the last.
    fn span(&self) -> Range<usize> {
        let first = self.wanted.iter().position(|wanted| *wanted).unwrap_or_default();
        let end = self.wanted.iter().rposition(|wanted| *wanted).map_or(0, |last| last + 1);
        first..end
    }

    /// Keeps those of the span whose value fits.
    fn keep<T>(&mut self, values: &[T], fits: impl Fn(&T) -> bool) {
        let span = self.span();
        let wanted = self.wanted.get_mut(span).unwrap_or_default();
        for (wanted, value) in wanted.iter_mut().zip(values) {
            *wanted = *wanted && fits(value);
        }
    }
}
