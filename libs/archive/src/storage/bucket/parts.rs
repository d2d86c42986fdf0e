//! Parts of the bucket's files: fetched ahead of their reading, many at a time, or when they are read.
//!
//! A bucket's answer takes long on its way, however little it brings. So whoever reads says what of several
//! files comes next, and waits once for all of it.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use object_store::{Error, ObjectStoreExt};

use super::cache::BLOCK;
use super::{Inner, READING};
use crate::storage::{Announced, Ranges};

/// How much of a file's end is fetched when it is opened: footer and page index of two row groups with hundreds of
/// pages. Bloom filters lie before that, and are announced where a query needs them.
const TAIL: u64 = 2 * BLOCK;
/// The bytes that are fetched ahead of being read, at most.
const MAX_AHEAD: u64 = 32 << 20;

impl Inner {
    /// Fetches the end of a file.
    pub(super) async fn fetch_end(&self, path: &Arc<str>, length: u64) -> object_store::Result<()> {
        self.fetch(path, length, length.saturating_sub(TAIL)..length).await.map(drop)
    }

    /// Fetches the ends of files that are not kept. What fails is tried, and told, when it is opened.
    pub(super) fn fetch_ends_ahead(&self, files: &[(&str, u64)]) {
        let ends = files.iter().map(|(path, length)| (Arc::from(*path), *length));
        let unknown = ends.filter(|(path, length)| !self.cache.has_end(path, *length));
        let ends =
            unknown.map(|(path, length)| (path, length, length.saturating_sub(TAIL)..length));
        self.fetch_all(ends.collect());
    }

    /// Fetches the parts of files that are not kept, and gives of how many files there was room for them.
    pub(super) fn fetch_ahead(&self, announced: &[Announced<'_>]) -> usize {
        let mut room = self.cache.room_ahead().min(MAX_AHEAD);
        let (mut wanted, mut taken) = (Vec::new(), 0);
        for Announced { path, length, parts } in announced {
            let path: Arc<str> = (*path).into();
            let (missing, bytes) = self.cache.missing(&path, *length, parts);
            let Some(left) = room.checked_sub(bytes) else { break };
            room = left;
            taken += 1;
            wanted.extend(missing.into_iter().map(|range| (Arc::clone(&path), *length, range)));
        }
        self.fetch_all(wanted);
        // What is larger than there is room for is read bit by bit.
        taken.max(announced.len().min(1))
    }

    fn fetch_all(&self, wanted: Vec<(Arc<str>, u64, Range<u64>)>) {
        if wanted.is_empty() {
            return;
        }
        let fetching = wanted.into_iter().map(|(path, length, range)| async move {
            self.fetch(&path, length, range).await.is_ok()
        });
        let all = futures::stream::iter(fetching).buffer_unordered(self.at_a_time);
        let _fetched = self.wait(READING, async { Ok(all.count().await) }).is_ok();
    }

    /// Fetches a part of a file of that length, and keeps it.
    async fn fetch(
        &self,
        path: &Arc<str>,
        length: u64,
        range: Range<u64>,
    ) -> object_store::Result<Bytes> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Generic {
            store: "S3",
            source,
        };
        let key = self.key(path).map_err(|error| failed(error.into()))?;
        let _turn = self.requests.acquire().await.map_err(|error| failed(error.into()))?;
        let fetched = self.store.get_range(&key, range.clone()).await?;
        self.cache.put(path, length, range.start, &fetched);
        Ok(fetched)
    }
}

/// A file in the bucket.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) inner: Arc<Inner>,
    pub(super) path: Arc<str>,
    pub(super) length: u64,
}

impl Ranges for Part {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Bytes> {
        let end = at.checked_add(length as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let cache = &self.inner.cache;
        let missing = match cache.get(&self.path, self.length, at..end) {
            Ok(bytes) => return Ok(bytes),
            Err(missing) => missing,
        };
        let fetch = |range: Range<u64>| {
            self.inner.wait(READING, self.inner.fetch(&self.path, self.length, range))
        };
        let fetched = fetch(missing.clone())?;
        // Some of it may have been there before, and be gone by now: then all of it is fetched.
        if let Some(from) = at.checked_sub(missing.start)
            && end <= missing.end
        {
            let from = usize::try_from(from).map_err(io::Error::other)?;
            let part = fetched.get(from..from + length).map(|_| fetched.slice(from..from + length));
            return part.ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        match cache.get(&self.path, self.length, at..end) {
            Ok(bytes) => Ok(bytes),
            Err(_) => fetch(at..end),
        }
    }
}
