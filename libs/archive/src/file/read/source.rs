//! A stored file as the Parquet reader wants it.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::storage::Ranges;

/// The file, as the Parquet reader wants it.
#[derive(Debug)]
pub(crate) struct Source(pub(crate) Arc<dyn Ranges>);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.length()
    }
}

impl ChunkReader for Source {
    type T = Following;

    fn get_read(&self, start: u64) -> Result<Following, ParquetError> {
        Ok(Following { ranges: Arc::clone(&self.0), at: start, part: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.0.read(start, length)?)
    }
}

/// What follows a place of a file, read in parts.
#[derive(Debug)]
pub(crate) struct Following {
    ranges: Arc<dyn Ranges>,
    at: u64,
    part: Bytes,
}

const PART: u64 = 16 << 10;

impl Read for Following {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() {
            let left = self.ranges.length().saturating_sub(self.at).min(PART);
            self.part = self.ranges.read(self.at, usize::try_from(left).unwrap_or_default())?;
            self.at += left;
        }
        let length = into.len().min(self.part.len());
        let part = self.part.split_to(length);
        into.get_mut(..length).unwrap_or_default().copy_from_slice(&part);
        Ok(length)
    }
}
