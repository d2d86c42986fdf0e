//! Writing a file: rows that are in order, in row groups, column by column.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{
    BloomFilterPosition, EnabledStatistics, WriterProperties, WriterPropertiesPtr,
};
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

/// The bytes of an event's identity.
const EVENT_BYTES: usize = 16;

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
        // Beside what is read first: from an object store both come with one answer.
        .set_bloom_filter_position(BloomFilterPosition::End)
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
pub(crate) fn write(
    path: &Path,
    segment: &Bytes,
    rows: &[&Stored<'_>],
) -> Result<(), ParquetError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let file = Steady { file, unsynced: 0 };
    let mut writer = SerializedFileWriter::new(file, schema()?, properties())?;
    for rows in rows.chunks(GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        let texts = TextColumns::of(rows);
        let mut number = 0;
        while let Some(mut column) = group.next_column()? {
            write_column(number, &mut column, segment, rows, &texts)?;
            column.close()?;
            number += 1;
        }
        group.close()?;
    }
    writer.into_inner()?.file.sync_all()?;
    Ok(())
}

/// A file that is brought to the disk while it is written. What waits to be written holds up whoever else wants a file on
/// the disk: records are appended meanwhile.
struct Steady {
    file: File,
    unsynced: usize,
}

/// So many bytes wait at most.
const UNSYNCED: usize = 1 << 20;

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.unsynced += bytes.len();
        if self.unsynced >= UNSYNCED {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The texts of rows, column by column. A segment has them row by row, so that to go through it once for each column is
/// to fetch all of it from memory each time.
struct TextColumns {
    columns: Vec<TextColumn>,
}

struct TextColumn {
    bytes: Bytes,
    /// Where each text ends.
    ends: Vec<usize>,
}

impl TextColumns {
    fn of(rows: &[&Stored<'_>]) -> Self {
        let empty = || (Vec::new(), Vec::with_capacity(rows.len()));
        let mut columns: Vec<(Vec<u8>, Vec<usize>)> = TEXT_NAMES.iter().map(|_| empty()).collect();
        for stored in rows {
            for ((bytes, ends), text) in columns.iter_mut().zip(stored.row.texts.each()) {
                bytes.extend_from_slice(text.as_bytes());
                ends.push(bytes.len());
            }
        }
        let columns = columns.into_iter();
        Self {
            columns: columns
                .map(|(bytes, ends)| TextColumn { bytes: bytes.into(), ends })
                .collect(),
        }
    }
}

impl TextColumn {
    /// The texts, in the order of the rows.
    fn texts(&self) -> impl Iterator<Item = ByteArray> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| ByteArray::from(self.bytes.slice(begin..*end)))
    }
}

fn write_column(
    number: usize,
    column: &mut SerializedColumnWriter<'_>,
    segment: &Bytes,
    rows: &[&Stored<'_>],
    texts: &TextColumns,
) -> Result<(), ParquetError> {
    match column.untyped() {
        ColumnWriter::FixedLenByteArrayColumnWriter(_) => {
            let all: Vec<u8> = rows.iter().flat_map(|it| *it.row.event.as_bytes()).collect();
            let all = ByteArray::from(all);
            let events =
                (0..rows.len()).map(|row| all.slice(row * EVENT_BYTES, EVENT_BYTES).into());
            put::<FixedLenByteArrayType>(column, events)
        }
        ColumnWriter::Int64ColumnWriter(_) => {
            let is_time = number == TIME;
            let time = |stored: &&Stored<'_>| match is_time {
                true => stored.row.time.as_nanos(),
                false => stored.taken.as_nanos(),
            };
            put::<Int64Type>(column, rows.iter().map(time))
        }
        ColumnWriter::Int32ColumnWriter(_) => {
            let is_code = number == CODE;
            let number = |stored: &&Stored<'_>| match is_code {
                true => i32::from(stored.row.code),
                false => i32::try_from(stored.row.raw.len()).unwrap_or(i32::MAX),
            };
            put::<Int32Type>(column, rows.iter().map(number))
        }
        _ if number == RAW => put_raw(column, segment, rows),
        _ => match number.checked_sub(FIRST_TEXT).and_then(|text| texts.columns.get(text)) {
            Some(texts) => put::<ByteArrayType>(column, texts.texts()),
            // All rows are of one cluster.
            None => {
                let is_tenant = number == super::TENANT;
                let of = |stored: &&Stored<'_>| match is_tenant {
                    true => ByteArray::from(stored.tenant.as_str()),
                    false => ByteArray::from(stored.cluster.as_str()),
                };
                let whose = rows.first().map(of);
                put::<ByteArrayType>(column, rows.iter().filter_map(|_| whose.clone()))
            }
        },
    }
}

fn put<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    mut values: impl Iterator<Item = T::T>,
) -> Result<(), ParquetError> {
    let mut some = Vec::with_capacity(PAGE_ROWS);
    loop {
        some.extend(values.by_ref().take(PAGE_ROWS));
        if some.is_empty() {
            return Ok(());
        }
        column.typed::<T>().write_batch(&some, None, None)?;
        some.clear();
    }
}

/// Raw records in pages by their bytes: the writer looks at the size of a page after each call.
fn put_raw(
    column: &mut SerializedColumnWriter<'_>,
    segment: &Bytes,
    rows: &[&Stored<'_>],
) -> Result<(), ParquetError> {
    let mut values = Vec::new();
    let mut bytes = 0;
    for (number, stored) in rows.iter().enumerate() {
        bytes += stored.row.raw.len();
        values.push(ByteArray::from(segment.slice_ref(stored.row.raw)));
        if bytes >= RAW_PAGE_BYTES || number + 1 == rows.len() {
            let raw = column.typed::<ByteArrayType>();
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
