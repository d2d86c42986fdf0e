//! Which rows of a row group a query wants: column after column, as long as a row is left that fits.

use std::ops::Range;

use parquet::data_type::{ByteArrayType, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::file::reader::RowGroupReader;

use super::columns::all;
use super::{Result, id, wanted_texts};
use crate::file::{CODE, EVENT, FIRST_TEXT, TIME};
use crate::query::{Field, Key, Query, stage};

/// The keys and numbers of a group's rows that a query wants.
pub(super) fn matching(group: &impl RowGroupReader, query: &Query) -> Result<Vec<(Key, usize)>> {
    let rows = usize::try_from(group.metadata().num_rows())?;
    let times = all::<Int64Type>(group, TIME, 0..rows)?;
    let mut left = Left::of(times.iter().map(|time| query.wants_time(*time)));
    if let Some(event) = query.event {
        left.keep(&all::<FixedLenByteArrayType>(group, EVENT, left.span())?, |found| {
            found.data() == event.as_bytes()
        });
    }
    if let Some(code) = query.code {
        left.keep(&all::<Int32Type>(group, CODE, left.span())?, |found| *found == i32::from(code));
    }
    for (column, text) in wanted_texts(query) {
        if left.span().is_empty() {
            return Ok(Vec::new());
        }
        left.keep(&all::<ByteArrayType>(group, column, left.span())?, |found| {
            found.data() == text.as_bytes()
        });
    }
    let span = left.span();
    if span.is_empty() {
        return Ok(Vec::new());
    }
    let events = all::<FixedLenByteArrayType>(group, EVENT, span.clone())?;
    let stages = all::<ByteArrayType>(group, FIRST_TEXT + Field::Stage.number(), span.clone())?;
    let times = times.get(span.clone()).unwrap_or_default();
    let columns = span.zip(times).zip(events).zip(&stages);
    let wanted = columns.filter(|(((row, _), _), _)| left.has(*row));
    let keys = wanted.map(|(((row, time), event), name)| {
        Ok((Key { time: *time, event: id(&event)?, stage: stage(name.as_utf8()?) }, row))
    });
    keys.collect()
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
