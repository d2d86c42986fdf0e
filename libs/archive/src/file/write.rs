//! Writing a file: rows that are in order, in row groups, column by column.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use airside_types::Timestamp;
use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding, ZstdLevel};
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

use super::{
    BYTES, CLUSTER, CODE, EVENT, FIRST_TEXT, FileName, GROUP_ROWS, RAW, SELECTIVE, TAKEN, TENANT,
    TEXT_NAMES, TIME, schema,
};
use crate::table::Rows;

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
        .set_column_bloom_filter_enabled(event.clone(), true)
        // Where every value may be another one, the least and the greatest of a group span all there are: a bloom
        // filter tells more.
        .set_column_statistics_enabled(event, EnabledStatistics::None)
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
        let name = ColumnPath::from(name);
        properties = properties
            .set_column_bloom_filter_enabled(name.clone(), true)
            .set_column_statistics_enabled(name, EnabledStatistics::None);
    }
    Arc::new(properties.build())
}

/// Writes rows of one tenant, which lie in `segment` and are in order, to a new file that only its owner
/// reads. It is on the disk when this returns.
pub(crate) fn write(
    path: &Path,
    name: &FileName,
    segment: &Bytes,
    rows: Rows<'_, '_>,
) -> Result<(), ParquetError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let file = Steady { file, unsynced: 0 };
    let mut writer = SerializedFileWriter::new(file, schema()?, properties())?;
    for rows in rows.chunks(GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        let mut number = 0;
        while let Some(mut column) = group.next_column()? {
            write_column(number, &mut column, name, segment, rows)?;
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

fn write_column(
    number: usize,
    column: &mut SerializedColumnWriter<'_>,
    name: &FileName,
    segment: &Bytes,
    rows: Rows<'_, '_>,
) -> Result<(), ParquetError> {
    match number {
        EVENT => {
            let all: Vec<u8> = rows.keys().flat_map(|key| *key.event.as_bytes()).collect();
            let all = ByteArray::from(all);
            let events =
                (0..rows.len()).map(|row| all.slice(row * EVENT_BYTES, EVENT_BYTES).into());
            put::<FixedLenByteArrayType>(column, events)
        }
        TIME => put::<Int64Type>(column, rows.keys().map(|key| key.time)),
        TAKEN => put::<Int64Type>(column, rows.taken().map(Timestamp::as_nanos)),
        // All rows are of one tenant.
        TENANT => {
            let tenant = ByteArray::from(name.tenant.as_str());
            put::<ByteArrayType>(column, std::iter::repeat_n(tenant, rows.len()))
        }
        CLUSTER => {
            let clusters = rows.clusters().map(|cluster| ByteArray::from(cluster.as_str()));
            put::<ByteArrayType>(column, clusters)
        }
        CODE => put::<Int32Type>(column, rows.codes().map(i32::from)),
        BYTES => {
            let length = |raw: &[u8]| i32::try_from(raw.len()).unwrap_or(i32::MAX);
            put::<Int32Type>(column, rows.raws().map(length))
        }
        RAW => put_raw(column, segment, rows),
        text => {
            let texts = rows.texts(text - FIRST_TEXT);
            put::<ByteArrayType>(column, texts.map(ByteArray::from))
        }
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
    rows: Rows<'_, '_>,
) -> Result<(), ParquetError> {
    let mut values = Vec::new();
    let mut bytes = 0;
    for (number, raw) in rows.raws().enumerate() {
        bytes += raw.len();
        values.push(ByteArray::from(segment.slice_ref(raw)));
        if bytes >= RAW_PAGE_BYTES || number + 1 == rows.len() {
            column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            values.clear();
            bytes = 0;
        }
    }
    Ok(())
}

const _: () = {
    assert!(TEXT_NAMES.len() + FIRST_TEXT == RAW && EVENT == 0);
};
