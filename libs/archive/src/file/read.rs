//! Reading a file: which rows a query wants, and rows by their number.
//!
//! Row groups are left out by statistics, bloom filters and dictionaries; of the others, columns are decoded
//! one after the other as long as a row is left that fits.

use std::sync::Arc;

use airside_types::{Cluster, Id, Timestamp};
use bytes::Bytes;
use parquet::bloom_filter::Sbbf;
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedRowGroupReader;
use parquet::file::statistics::Statistics;

use super::{BYTES, CLUSTER, CODE, EVENT, FIRST_TEXT, RAW, TAKEN, TIME};
use crate::query::{Best, Field, Query};
use crate::record::{RawRecord, TEXTS};
use crate::storage::Ranges;

mod columns;
mod dictionary;
mod matching;
mod source;

use columns::pick;
use matching::matching;
use source::Source;

/// A file that was opened.
#[derive(Debug)]
pub(crate) struct ArchiveFile {
    source: Arc<Source>,
    metadata: ParquetMetaData,
}

/// Where a row lies in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) group: usize,
    pub(crate) row: usize,
}

type Result<T> = std::result::Result<T, ParquetError>;

impl ArchiveFile {
    pub(crate) fn open(ranges: Arc<dyn Ranges>) -> Result<Self> {
        let source = Arc::new(Source(ranges));
        let metadata = ParquetMetaDataReader::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Required)
            .parse_and_finish(&*source)?;
        Ok(Self { source, metadata })
    }

    /// How many bytes its records have, uncompressed.
    pub(crate) fn plain_bytes(&self) -> u64 {
        let groups = self.metadata.row_groups().iter();
        groups.map(|group| group.total_byte_size().unsigned_abs()).sum()
    }

    /// All of its records.
    pub(crate) fn all(&self) -> Result<Vec<RawRecord>> {
        let mut records = Vec::new();
        for (number, group) in self.metadata.row_groups().iter().enumerate() {
            let rows: Vec<_> = (0..usize::try_from(group.num_rows())?).collect();
            records.extend(self.fetch(number, &rows, Some(usize::MAX))?);
        }
        Ok(records)
    }

    /// Offers the rows that a query wants, from the last group to the first. Gives how many rows were
    /// looked at.
    pub(crate) fn find<P>(
        &self,
        query: &Query,
        best: &mut Best<P>,
        place: impl Fn(Place) -> P,
    ) -> Result<u64> {
        let mut looked_at = 0;
        for number in (0..self.metadata.num_row_groups()).rev() {
            let Some(group) = self.group_that_may(number, query, best)? else { continue };
            looked_at += group.metadata().num_rows().unsigned_abs();
            for (key, row) in matching(&group, query)? {
                best.offer(key, place(Place { group: number, row }));
            }
        }
        Ok(looked_at)
    }

    /// The row group, unless it can have nothing that is wanted.
    fn group_that_may<P>(
        &self,
        number: usize,
        query: &Query,
        best: &Best<P>,
    ) -> Result<Option<SerializedRowGroupReader<'_, Source>>> {
        let metadata = self.metadata.row_group(number);
        if let Some((first, last)) = times(metadata.column(TIME))
            && (last < query.from.as_nanos()
                || first >= query.until.as_nanos()
                || query.before.is_some_and(|before| first > before.0.time)
                || !best.takes(last))
        {
            return Ok(None);
        }
        let group = self.group(number)?;
        if let Some(event) = query.event
            && !self.may_have(&group, EVENT, event.as_bytes())?
        {
            return Ok(None);
        }
        for (column, text) in wanted_texts(query) {
            if !self.may_have(&group, column, text.as_bytes())? {
                return Ok(None);
            }
        }
        Ok(Some(group))
    }

    fn group(&self, number: usize) -> Result<SerializedRowGroupReader<'_, Source>> {
        SerializedRowGroupReader::new(
            Arc::clone(&self.source),
            self.metadata.row_group(number),
            self.metadata.page_index_for_row_group(number),
            Arc::new(ReaderProperties::builder().build()),
        )
    }

    /// False where a column of a group certainly lacks a value.
    fn may_have(
        &self,
        group: &SerializedRowGroupReader<'_, Source>,
        column: usize,
        value: &[u8],
    ) -> Result<bool> {
        let metadata = group.metadata().column(column);
        if !metadata.statistics().is_none_or(|statistics| spans(statistics, value)) {
            return Ok(false);
        }
        // Where there is a filter, reading the dictionary as well would cost more than what it leaves out.
        if let Some(filter) = Sbbf::read_from_column_chunk(metadata, &*self.source)? {
            return Ok(filter.check(value));
        }
        Ok(dictionary::has(group, column, value)?.unwrap_or(true))
    }

    /// The rows of a group by their numbers, in the order that is asked for: as many as there is room for
    /// their raw bytes, and at least one; all of them without their bytes where there is none.
    pub(crate) fn fetch(
        &self,
        number: usize,
        rows: &[usize],
        room: Option<usize>,
    ) -> Result<Vec<RawRecord>> {
        let group = self.group(number)?;
        let mut order = rows.to_vec();
        order.sort_unstable();
        let sizes = pick::<Int32Type>(&group, BYTES, &order)?;
        let place = |order: &[usize], row| order.binary_search(row).unwrap_or_default();
        let mut bytes = 0;
        let fitting = rows.iter().enumerate().take_while(|(number, row)| {
            let size = sizes.get(place(&order, row)).copied().unwrap_or_default();
            bytes += usize::try_from(size).unwrap_or_default();
            *number == 0 || room.is_none_or(|room| bytes <= room)
        });
        let rows = rows.get(..fitting.count()).unwrap_or_default();
        let mut order = rows.to_vec();
        order.sort_unstable();
        let mut records = fetch_in_order(&group, &order)?;
        if room.is_some() {
            let raws = pick::<ByteArrayType>(&group, RAW, &order)?;
            for (record, raw) in records.iter_mut().zip(raws) {
                // The page that the bytes lie in is not kept with them.
                record.raw = Bytes::copy_from_slice(raw.data());
            }
        }
        Ok(rows.iter().filter_map(|row| records.get(place(&order, row)).cloned()).collect())
    }
}

/// The rows without their raw bytes.
fn fetch_in_order(group: &impl RowGroupReader, rows: &[usize]) -> Result<Vec<RawRecord>> {
    let events = pick::<FixedLenByteArrayType>(group, EVENT, rows)?;
    let times = pick::<Int64Type>(group, TIME, rows)?;
    let taken = pick::<Int64Type>(group, TAKEN, rows)?;
    let clusters = pick::<ByteArrayType>(group, CLUSTER, rows)?;
    let codes = pick::<Int32Type>(group, CODE, rows)?;
    let sizes = pick::<Int32Type>(group, BYTES, rows)?;
    let mut texts = vec![<[String; TEXTS]>::default(); rows.len()];
    for text in 0..TEXTS {
        let values = pick::<ByteArrayType>(group, FIRST_TEXT + text, rows)?;
        for (texts, value) in texts.iter_mut().zip(values) {
            if let Some(place) = texts.get_mut(text) {
                value.as_utf8()?.clone_into(place);
            }
        }
    }
    let numbers = events.iter().zip(times).zip(taken).zip(clusters).zip(codes);
    let records = numbers.zip(texts).zip(sizes).map(|((numbers, texts), size)| {
        let ((((event, time), taken), cluster), code) = numbers;
        let [time, taken] = [time, taken].map(Timestamp::from_nanos);
        let cluster = Cluster::new(cluster.as_utf8()?)
            .map_err(|error| ParquetError::General(error.to_string()))?;
        let code = u16::try_from(code).unwrap_or_default();
        let size = u64::try_from(size).unwrap_or_default();
        Ok(RawRecord::new(cluster, (id(event)?, time, taken), code, texts, size))
    });
    records.collect()
}

/// The columns of texts that a query has a wish for, those first that leave out most.
fn wanted_texts(query: &Query) -> impl Iterator<Item = (usize, &str)> {
    const ORDER: [Field; TEXTS] = [
        Field::AuditId,
        Field::Name,
        Field::Address,
        Field::Actor,
        Field::Impersonated,
        Field::Subresource,
        Field::UserAgent,
        Field::Namespace,
        Field::Group,
        Field::Resource,
        Field::Verb,
        Field::Stage,
    ];
    ORDER.iter().filter_map(|field| {
        let text = query.texts.get(field.number())?.as_deref()?;
        Some((FIRST_TEXT + field.number(), text))
    })
}

fn id(bytes: &ByteArray) -> Result<Id> {
    let bytes = bytes.data().try_into();
    bytes.map(Id::from_bytes).map_err(|_| ParquetError::General("an event has no id".to_owned()))
}

fn times(column: &ColumnChunkMetaData) -> Option<(i64, i64)> {
    match column.statistics()? {
        Statistics::Int64(statistics) => Some((*statistics.min_opt()?, *statistics.max_opt()?)),
        _ => None,
    }
}

/// Whether a value may lie between the least and the greatest. They may have been shortened: downwards the
/// one, upwards the other.
fn spans(statistics: &Statistics, value: &[u8]) -> bool {
    let least = statistics.min_bytes_opt().is_none_or(|least| least <= value);
    least && statistics.max_bytes_opt().is_none_or(|greatest| value <= greatest)
}
