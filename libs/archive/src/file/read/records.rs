//! Rows of a row group by their numbers: how large they are, what they are told apart by, and all they have.

use airside_types::{Cluster, Timestamp};
use bytes::Bytes;
use parquet::data_type::{ByteArrayType, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::RowGroupReader;

use super::columns::{pick, some};
use super::{ArchiveFile, Moment, Result, id};
use crate::file::{BYTES, CLUSTER, CODE, EVENT, FIRST_TEXT, RAW, TAKEN, TIME};
use crate::query::{Field, Key, stage};
use crate::record::{RawRecord, TEXTS};

impl ArchiveFile {
    /// The keys of rows, which are in order.
    pub(crate) fn keys(&self, group: usize, moments: &[Moment]) -> Result<Vec<Key>> {
        let group = self.group(group)?;
        let rows: Vec<_> = moments.iter().map(|moment| moment.row).collect();
        let events = some::<FixedLenByteArrayType>(&group, EVENT, &rows)?;
        let stages = some::<ByteArrayType>(&group, FIRST_TEXT + Field::Stage.number(), &rows)?;
        let keys = moments.iter().zip(events).zip(&stages).map(|((moment, event), name)| {
            Ok(Key { time: moment.time, event: id(&event)?, stage: stage(name.as_utf8()?) })
        });
        keys.collect()
    }

    /// The bytes of the raw records of rows, which are in order.
    pub(crate) fn sizes(&self, group: usize, rows: &[usize]) -> Result<Vec<usize>> {
        let sizes = pick::<Int32Type>(&self.group(group)?, BYTES, rows)?;
        Ok(sizes.into_iter().map(|size| usize::try_from(size).unwrap_or_default()).collect())
    }

    /// Rows, which are in order, with their raw bytes or without. Texts that are known of all of them are not
    /// read.
    pub(crate) fn records(
        &self,
        group: usize,
        rows: &[usize],
        known: &[Option<String>; TEXTS],
        with_raw: bool,
    ) -> Result<Vec<RawRecord>> {
        let group = self.group(group)?;
        let mut records = without_raw(&group, rows, known)?;
        if with_raw {
            let raws = pick::<ByteArrayType>(&group, RAW, rows)?;
            for (record, raw) in records.iter_mut().zip(raws) {
                // The page that the bytes lie in is not kept with them.
                record.raw = Bytes::copy_from_slice(raw.data());
            }
        }
        Ok(records)
    }
}

fn without_raw(
    group: &impl RowGroupReader,
    rows: &[usize],
    known: &[Option<String>; TEXTS],
) -> Result<Vec<RawRecord>> {
    let events = pick::<FixedLenByteArrayType>(group, EVENT, rows)?;
    let times = pick::<Int64Type>(group, TIME, rows)?;
    let taken = pick::<Int64Type>(group, TAKEN, rows)?;
    let clusters = pick::<ByteArrayType>(group, CLUSTER, rows)?;
    let codes = pick::<Int32Type>(group, CODE, rows)?;
    let sizes = pick::<Int32Type>(group, BYTES, rows)?;
    let mut texts = vec![<[String; TEXTS]>::default(); rows.len()];
    for (text, known) in known.iter().enumerate() {
        let places = texts.iter_mut().filter_map(|texts| texts.get_mut(text));
        if let Some(known) = known {
            places.for_each(|place| place.clone_from(known));
            continue;
        }
        let values = pick::<ByteArrayType>(group, FIRST_TEXT + text, rows)?;
        for (place, value) in places.zip(values) {
            value.as_utf8()?.clone_into(place);
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
