//! Texts of a column that lie in a dictionary: looked up there once, and then compared as numbers.
//!
//! Owns the reading of numbers, which Parquet calls the RLE and bit-packing hybrid; the reader of the parquet
//! crate makes a text of each row first, which takes ten times as long.

use std::ops::Range;

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::RowGroupReader;

use super::Result;

/// Whether every value of a column lies in its dictionary.
fn is_whole(column: &ColumnChunkMetaData) -> bool {
    let encodings = column.page_encoding_stats_mask();
    column.dictionary_page_offset().is_some()
        && encodings.is_some_and(|mask| mask.is_only(Encoding::RLE_DICTIONARY))
}

/// Whether a column has a value somewhere; none where its dictionary does not tell.
pub(super) fn has(
    group: &impl RowGroupReader,
    column: usize,
    value: &[u8],
) -> Result<Option<bool>> {
    if !is_whole(group.metadata().column(column)) {
        return Ok(None);
    }
    match group.get_column_page_reader(column)?.get_next_page()? {
        Some(Page::DictionaryPage { buf, .. }) => Ok(Some(place(&buf, value).is_some())),
        _ => Ok(None),
    }
}

/// Which rows of a span have a value; none where the column's dictionary does not tell.
pub(super) fn rows_with(
    group: &impl RowGroupReader,
    column: usize,
    value: &[u8],
    span: Range<usize>,
) -> Result<Option<Vec<bool>>> {
    if !is_whole(group.metadata().column(column)) {
        return Ok(None);
    }
    let mut pages = group.get_column_page_reader(column)?;
    let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? else { return Ok(None) };
    let Some(wanted) = place(&buf, value) else { return Ok(Some(vec![false; span.len()])) };
    let (mut marks, mut page, mut at) = (Vec::with_capacity(span.len()), Vec::new(), 0);
    while at < span.end {
        let Some(next) = pages.peek_next_page()? else { break };
        let rows = next.num_rows.or(next.num_levels);
        if let Some(rows) = rows.filter(|rows| at + rows <= span.start) {
            pages.skip_next_page()?;
            at += rows;
            continue;
        }
        let Some(Page::DataPage { buf, num_values, .. }) = pages.get_next_page()? else {
            return Ok(None);
        };
        page.clear();
        let rows = usize::try_from(num_values)?;
        mark(&buf, rows, wanted, &mut page).ok_or_else(broken)?;
        let part = span.start.saturating_sub(at)..(span.end - at).min(rows);
        marks.extend_from_slice(page.get(part).unwrap_or_default());
        at += rows;
    }
    if marks.len() == span.len() { Ok(Some(marks)) } else { Err(broken()) }
}

fn broken() -> ParquetError {
    ParquetError::General("the numbers of a dictionary break off".to_owned())
}

/// The number of a value in a dictionary, where each value is preceded by its length.
fn place(mut page: &[u8], value: &[u8]) -> Option<u32> {
    let mut number = 0;
    loop {
        let (length, rest) = page.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (known, rest) = rest.split_at_checked(length)?;
        if known == value {
            return Some(number);
        }
        page = rest;
        number += 1;
    }
}

/// Marks which of so many numbers is the wanted one. None where they break off.
fn mark(data: &[u8], count: usize, wanted: u32, marks: &mut Vec<bool>) -> Option<()> {
    let (width, mut rest) = data.split_first()?;
    let width = usize::from(*width);
    if width > 32 {
        return None;
    }
    while marks.len() < count {
        let left = count - marks.len();
        let head = varint(&mut rest)?;
        if head & 1 == 0 {
            // One number, so many times.
            let (bytes, behind) = rest.split_at_checked(width.div_ceil(8))?;
            rest = behind;
            let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
            let times = usize::try_from(head >> 1).ok()?.min(left);
            marks.resize(marks.len() + times, number == u64::from(wanted));
            if times == 0 {
                return None;
            }
        } else {
            // Groups of eight numbers, bit by bit behind each other.
            let groups = usize::try_from(head >> 1).ok()?;
            let bytes = groups.checked_mul(width)?;
            // The last group may be cut where no number follows.
            let (packed, behind) = rest.split_at(bytes.min(rest.len()));
            rest = behind;
            let numbers = groups.checked_mul(8)?.min(left);
            if numbers == 0 || (numbers * width).div_ceil(8) > packed.len() {
                return None;
            }
            let mask = (1u64 << width) - 1;
            marks.extend((0..numbers).map(|number| {
                let bit = number * width;
                window(packed, bit / 8) >> (bit % 8) & mask == u64::from(wanted)
            }));
        }
    }
    Some(())
}

/// Eight bytes from a place on, the first the lowest; zeros behind the end.
fn window(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(whole) => u64::from_le_bytes(*whole),
        None => rest.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::properties::{ReaderProperties, WriterProperties};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedRowGroupReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;

    use super::*;

    fn file(values: &[u32]) -> Bytes {
        let schema = parse_message_type("message m { required binary a (UTF8); }").unwrap();
        let properties = WriterProperties::builder()
            .set_data_page_row_count_limit(100)
            .set_write_batch_size(50)
            .build();
        let mut writer =
            SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<_> =
            values.iter().map(|value| ByteArray::from(value.to_string().as_str())).collect();
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.into_inner().unwrap().into()
    }

    proptest! {
        #[test]
        fn rows_are_those_that_have_the_value(
            runs in prop::collection::vec((0u32..700, 1usize..60), 1..40),
            is_spread: bool, wanted in 0u32..40, begin in 0usize..500, length in 0usize..500,
        ) {
            // Runs of one value, and values that differ from row to row.
            let values: Vec<u32> = runs.iter().flat_map(|(value, times)| {
                (0..*times).map(move |row| if is_spread { value / 20 + row as u32 } else { value / 20 })
            }).collect();
            let span = begin.min(values.len())..(begin + length).min(values.len());
            let options = ReadOptionsBuilder::new().with_page_index().build();
            let reader = SerializedFileReader::new_with_options(file(&values), options).unwrap();
            let group = reader.metadata().row_group(0).clone();
            let rows = SerializedRowGroupReader::new(
                Arc::new(file(&values)), &group, reader.metadata().page_index_for_row_group(0),
                Arc::new(ReaderProperties::builder().build()),
            ).unwrap();
            let text = wanted.to_string();
            let marks = rows_with(&rows, 0, text.as_bytes(), span.clone()).unwrap().unwrap();
            let expected: Vec<_> = values[span].iter().map(|value| *value == wanted).collect();
            prop_assert_eq!(marks, expected);
            prop_assert_eq!(has(&rows, 0, text.as_bytes()).unwrap(), Some(values.contains(&wanted)));
        }

        #[test]
        fn whatever_the_bytes_nothing_breaks(data in prop::collection::vec(any::<u8>(), 0..80), count in 0usize..300) {
            let mut marks = Vec::new();
            if mark(&data, count, 3, &mut marks).is_some() {
                prop_assert_eq!(marks.len(), count);
            }
        }
    }
}
