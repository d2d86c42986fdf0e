//! Values of a column of a row group: of rows that follow each other, or of single rows.

use std::ops::Range;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::RowGroupReader;

use super::Result;

/// The values of some rows that follow each other.
pub(super) fn all<T: DataType>(
    group: &impl RowGroupReader,
    column: usize,
    rows: Range<usize>,
) -> Result<Vec<T::T>> {
    let mut reader = typed::<T>(group.get_column_reader(column)?)?;
    let mut values = Vec::with_capacity(rows.len());
    reader.skip_records(rows.start)?;
    reader.read_records(rows.len(), None, None, &mut values)?;
    if values.len() != rows.len() {
        return Err(ParquetError::EOF(format!("column {column} ends early")));
    }
    Ok(values)
}

/// The values of rows by their numbers, which are in order.
pub(super) fn pick<T: DataType>(
    group: &impl RowGroupReader,
    column: usize,
    rows: &[usize],
) -> Result<Vec<T::T>> {
    let mut reader = typed::<T>(group.get_column_reader(column)?)?;
    let mut values = Vec::with_capacity(rows.len());
    let mut at = 0;
    for row in rows {
        reader.skip_records(row.saturating_sub(at))?;
        reader.read_records(1, None, None, &mut values)?;
        at = row + 1;
    }
    if values.len() != rows.len() {
        return Err(ParquetError::EOF(format!("column {column} ends early")));
    }
    Ok(values)
}

/// From how many values on, of which one is asked for, it is less work to read that one by itself.
const SPARSE: usize = 8;

/// Whether so few of the rows between the first and the last one are asked for.
pub(super) fn is_sparse(rows: &[usize]) -> bool {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return true };
    rows.len() * SPARSE < last - first + 1
}

/// The values of rows by their numbers, which are in order, in the way that is less work.
pub(super) fn some<T: DataType>(
    group: &impl RowGroupReader,
    column: usize,
    rows: &[usize],
) -> Result<Vec<T::T>> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    if is_sparse(rows) {
        return pick::<T>(group, column, rows);
    }
    let span = *first..last + 1;
    let mut asked = rows.iter().map(|row| row - first).peekable();
    let values = all::<T>(group, column, span)?.into_iter().enumerate();
    Ok(values.filter(|(at, _)| asked.next_if_eq(at).is_some()).map(|(_, value)| value).collect())
}

/// The reader, if the column is of that type: a file that somebody else wrote is refused.
fn typed<T: DataType>(reader: ColumnReader) -> Result<ColumnReaderImpl<T>> {
    let physical = match &reader {
        ColumnReader::FixedLenByteArrayColumnReader(_) => "FIXED_LEN_BYTE_ARRAY",
        ColumnReader::ByteArrayColumnReader(_) => "BYTE_ARRAY",
        ColumnReader::Int64ColumnReader(_) => "INT64",
        ColumnReader::Int32ColumnReader(_) => "INT32",
        _ => "another",
    };
    if T::get_physical_type().to_string() == physical {
        Ok(get_typed_column_reader::<T>(reader))
    } else {
        Err(ParquetError::General(format!("a column of type {physical} stands at a wrong place")))
    }
}
