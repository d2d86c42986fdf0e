//! Reading a file: which rows a query wants, and rows by their number.
//!
//! Row groups are left out by statistics, then by bloom filters, then by dictionaries; of the others, columns
//! are decoded one after the other as long as a row is left that fits. Before each of these steps it can be
//! asked where in the file lies what the step reads (`read/parts.rs`): whoever reads several files from afar
//! fetches that at once.

use std::sync::Arc;

use airside_types::{Cluster, Id};
use parquet::bloom_filter::Sbbf;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::properties::ReaderProperties;
use parquet::file::serialized_reader::SerializedRowGroupReader;
use parquet::file::statistics::Statistics;

use super::{CLUSTER, CODE, EVENT, FIRST_TEXT, TIME};
use crate::query::{Field, Query};
use crate::record::{RawRecord, TEXTS};
use crate::storage::Ranges;

mod columns;
mod dictionary;
mod matching;
mod parts;
mod records;
mod source;

pub(crate) use matching::Moment;
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

/// A row group that may have what a query wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) number: usize,
    /// No row of it is later.
    pub(crate) last: i64,
    pub(crate) rows: u64,
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
            records.extend(self.records(number, &rows, &[const { None }; TEXTS], true)?);
        }
        Ok(records)
    }

    /// The row groups of which statistics do not say that nothing in them is wanted, from the last one to the
    /// first. Nothing more is read for that.
    pub(crate) fn groups_that_may(&self, query: &Query) -> Vec<Group> {
        let groups = self.metadata.row_groups().iter().enumerate().rev();
        let groups = groups.filter(|(_, group)| may_have(group, query));
        groups
            .map(|(number, group)| Group {
                number,
                last: times(group.column(TIME)).map_or(i64::MAX, |(_, last)| last),
                rows: group.num_rows().unsigned_abs(),
            })
            .collect()
    }

    /// False where the bloom filters of a group say that it has nothing that is wanted.
    pub(crate) fn passes_filters(&self, group: Group, query: &Query) -> Result<bool> {
        let group = self.metadata.row_group(group.number);
        for (column, value) in wanted_values(query, group) {
            let column = group.column(column);
            if let Some(filter) = Sbbf::read_from_column_chunk(column, &*self.source)?
                && !filter.check(value)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn group(&self, number: usize) -> Result<SerializedRowGroupReader<'_, Source>> {
        SerializedRowGroupReader::new(
            Arc::clone(&self.source),
            self.metadata.row_group(number),
            self.metadata.page_index_for_row_group(number),
            Arc::new(ReaderProperties::builder().build()),
        )
    }
}

/// False where the statistics of a group say that it has nothing that is wanted.
fn may_have(group: &RowGroupMetaData, query: &Query) -> bool {
    if let Some((first, last)) = times(group.column(TIME))
        && (last < query.from.as_nanos()
            || first >= query.until.as_nanos()
            || query.before.is_some_and(|before| first > before.0.time))
    {
        return false;
    }
    if let (Some(code), Some(Statistics::Int32(codes))) =
        (query.code, group.column(CODE).statistics())
    {
        let code = i32::from(code);
        let is_out = |least: Option<&i32>, greatest: Option<&i32>| {
            least.is_some_and(|it| code < *it) || greatest.is_some_and(|it| code > *it)
        };
        if is_out(codes.min_opt(), codes.max_opt()) {
            return false;
        }
    }
    wanted_values(query, group).all(|(column, value)| {
        group.column(column).statistics().is_none_or(|statistics| spans(statistics, value))
    })
}

/// The columns of which a query wants one value, those first that leave out most.
fn wanted_values<'q>(
    query: &'q Query,
    group: &RowGroupMetaData,
) -> impl Iterator<Item = (usize, &'q [u8])> + use<'q> {
    let event = query.event.as_ref().map(|event| (EVENT, event.as_bytes().as_slice()));
    let texts = wanted_texts(query, group).map(|(column, text)| (column, text.as_bytes()));
    event.into_iter().chain(texts)
}

/// The columns of texts that a query has a wish for and that may differ in a group, those first that leave out most.
fn wanted_texts<'q>(
    query: &'q Query,
    group: &RowGroupMetaData,
) -> impl Iterator<Item = (usize, &'q str)> + use<'q> {
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
    let cluster = query.cluster.as_ref().map(Cluster::as_str);
    let cluster = cluster.filter(|it| !is_all(group.column(CLUSTER), it.as_bytes()));
    let texts = ORDER.iter().filter_map(|field| {
        let text = query.texts.get(field.number())?.as_deref()?;
        Some((FIRST_TEXT + field.number(), text))
    });
    cluster.map(|it| (CLUSTER, it)).into_iter().chain(texts)
}

/// Whether statistics say that a value is the only one of a column: of most files all rows are one cluster's.
fn is_all(column: &ColumnChunkMetaData, value: &[u8]) -> bool {
    column.statistics().is_some_and(|statistics| {
        let is_exact = statistics.min_is_exact() && statistics.max_is_exact();
        let ends = [statistics.min_bytes_opt(), statistics.max_bytes_opt()];
        is_exact && ends == [Some(value); 2]
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
