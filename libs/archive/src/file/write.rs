//! Writing a file: rows that are in order, in row groups, column by column.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::ColumnPath;

use super::{CODE, EVENT, FIRST_TEXT, GROUP_ROWS, RAW, SELECTIVE, TEXT_NAMES, TIME, schema};
use crate::record::Stored;

/// Rows of a page at most: a row that is asked for costs the decoding of its pages.
const PAGE_ROWS: usize = 4096;
/// Bytes of a page of raw records, about, before compression.
const RAW_PAGE_BYTES: usize = 128 << 10;
/// How often a bloom filter says that a value may be there which is not.
const FALSE_POSITIVES: f64 = 0.01;

fn properties() -> WriterPropertiesPtr {
    let [event, raw, audit_id] = ["event", "raw", "audit_id"].map(ColumnPath::from);
    let by_time = SortingColumn { column_idx: TIME as i32, descending: false, nulls_first: false };
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("airside ", env!("CARGO_PKG_VERSION")).to_owned())
        // Seven to eight times smaller; LZ4 makes it five times, for half a microsecond less an event.
        .set_compression(Codec::ZSTD(ZstdLevel::default()))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_bloom_filter_fpp(FALSE_POSITIVES)
        .set_bloom_filter_max_ndv(GROUP_ROWS as u64)
        .set_sorting_columns(Some(vec![by_time]))
        .set_column_dictionary_enabled(event.clone(), false)
        .set_column_bloom_filter_enabled(event, true)
        .set_column_dictionary_enabled(audit_id, false)
        .set_column_dictionary_enabled(raw.clone(), false)
        .set_column_data_page_size_limit(raw.clone(), RAW_PAGE_BYTES)
        // What was sent may hold secrets: no value of it stands outside of its pages.
        .set_column_statistics_enabled(raw, EnabledStatistics::None);
    for time in ["time", "taken"].map(ColumnPath::from) {
        properties = properties
            .set_column_dictionary_enabled(time.clone(), false)
            .set_column_encoding(time, Encoding::DELTA_BINARY_PACKED);
    }
    for name in SELECTIVE {
        properties = properties.set_column_bloom_filter_enabled(ColumnPath::from(name), true);
    }
    Arc::new(properties.build())
}

/// Writes rows of one cluster, which lie in `segment` and are in order, to a new file that only its owner
/// reads. It is on the disk when this returns.
pub(crate) fn write(path: &Path, segment: &Bytes, rows: &[Stored<'_>]) -> Result<(), ParquetError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut writer = SerializedFileWriter::new(file, schema()?, properties())?;
    for rows in rows.chunks(GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        let mut number = 0;
        while let Some(mut column) = group.next_column()? {
            write_column(number, &mut column, segment, rows)?;
            column.close()?;
            number += 1;
        }
        group.close()?;
    }
    writer.into_inner()?.sync_all()?;
    Ok(())
}

fn write_column(
    number: usize,
    column: &mut SerializedColumnWriter<'_>,
    segment: &Bytes,
    rows: &[Stored<'_>],
) -> Result<(), ParquetError> {
    let shared = |part: &[u8]| ByteArray::from(segment.slice_ref(part));
    match column.untyped() {
        ColumnWriter::FixedLenByteArrayColumnWriter(_) => {
            let event =
                |stored: &Stored<'_>| FixedLenByteArray::from(stored.row.event.as_bytes().to_vec());
            put::<parquet::data_type::FixedLenByteArrayType>(column, rows, event)
        }
        ColumnWriter::Int64ColumnWriter(_) => {
            let is_time = number == TIME;
            let time = |stored: &Stored<'_>| match is_time {
                true => stored.row.time.as_nanos(),
                false => stored.taken.as_nanos(),
            };
            put::<parquet::data_type::Int64Type>(column, rows, time)
        }
        ColumnWriter::Int32ColumnWriter(_) => {
            let is_code = number == CODE;
            let number = |stored: &Stored<'_>| match is_code {
                true => i32::from(stored.row.code),
                false => i32::try_from(stored.row.raw.len()).unwrap_or(i32::MAX),
            };
            put::<parquet::data_type::Int32Type>(column, rows, number)
        }
        _ if number == RAW => put_raw(column, rows, shared),
        _ => {
            let text = number.checked_sub(FIRST_TEXT);
            let text = |stored: &Stored<'_>| match text {
                Some(text) => shared(
                    stored.row.texts.each().get(text).copied().unwrap_or_default().as_bytes(),
                ),
                None if number == super::TENANT => ByteArray::from(stored.tenant.as_str()),
                None => ByteArray::from(stored.cluster.as_str()),
            };
            put::<parquet::data_type::ByteArrayType>(column, rows, text)
        }
    }
}

fn put<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    rows: &[Stored<'_>],
    value: impl Fn(&Stored<'_>) -> T::T,
) -> Result<(), ParquetError> {
    for rows in rows.chunks(PAGE_ROWS) {
        let values: Vec<_> = rows.iter().map(&value).collect();
        column.typed::<T>().write_batch(&values, None, None)?;
    }
    Ok(())
}

/// Raw records in pages by their bytes: the writer looks at the size of a page after each call.
fn put_raw(
    column: &mut SerializedColumnWriter<'_>,
    rows: &[Stored<'_>],
    shared: impl Fn(&[u8]) -> ByteArray,
) -> Result<(), ParquetError> {
    let mut values = Vec::new();
    let mut bytes = 0;
    for (number, stored) in rows.iter().enumerate() {
        bytes += stored.row.raw.len();
        values.push(shared(stored.row.raw));
        if bytes >= RAW_PAGE_BYTES || number + 1 == rows.len() {
            let raw = column.typed::<parquet::data_type::ByteArrayType>();
            raw.write_batch(&values, None, None)?;
            values.clear();
            bytes = 0;
        }
    }
    Ok(())
}

const _: () = {
    assert!(TEXT_NAMES.len() + FIRST_TEXT == RAW && EVENT == 0);
};
