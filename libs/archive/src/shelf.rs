//! What an archive has at a moment: segments that are being filled or wait to be sealed, and files.
//!
//! A record is always in one of both, or in both: whoever asks sees a segment until its files are there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airside_types::{Tenant, Timestamp};
use tokio::sync::Notify;

use crate::file::FileName;
use crate::merge::together;
use crate::query::Query;
use crate::segment::Segment;

/// A finished file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: FileName,
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// The segments and files of an archive.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    state: Mutex<State>,
    /// Told when a segment waits to be sealed.
    pub(crate) closed: Notify,
}

#[derive(Debug, Default)]
struct State {
    segments: BTreeMap<u64, Held>,
    files: BTreeMap<Tenant, Vec<Arc<Entry>>>,
}

#[derive(Debug)]
struct Held {
    segment: Segment,
    is_closed: bool,
}

impl Shelf {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what lies in the folders at the start.
    pub(crate) fn stock(&self, segments: Vec<Segment>, files: Vec<Entry>) {
        let mut state = self.state();
        for segment in segments {
            state.segments.insert(segment.number, Held { segment, is_closed: true });
        }
        files.into_iter().for_each(|file| state.add(file));
    }

    /// A segment has grown, or is new.
    pub(crate) fn grown(&self, segment: Segment) {
        let held = Held { segment, is_closed: false };
        self.state().segments.insert(held.segment.number, held);
    }

    /// A segment is not written to any more.
    pub(crate) fn close(&self, number: u64) {
        if let Some(held) = self.state().segments.get_mut(&number) {
            held.is_closed = true;
        }
        self.closed.notify_one();
    }

    /// The segments that wait to be sealed, the oldest first: as many as fit, and at least one.
    pub(crate) fn to_seal(&self, fit: u64) -> Vec<Segment> {
        let state = self.state();
        let mut bytes = 0;
        let closed = state.segments.values().take_while(|held| held.is_closed);
        let fitting = closed.enumerate().take_while(|(number, held)| {
            bytes += held.segment.length;
            *number == 0 || bytes <= fit
        });
        fitting.map(|(_, held)| held.segment.clone()).collect()
    }

    /// Files stand for segments from now on.
    pub(crate) fn sealed(&self, segments: &[Segment], files: Vec<Entry>) {
        let mut state = self.state();
        files.into_iter().for_each(|file| state.add(file));
        segments.iter().for_each(|segment| drop(state.segments.remove(&segment.number)));
    }

    /// Small files that lie together and are to be merged.
    pub(crate) fn to_merge(&self) -> Vec<Vec<Arc<Entry>>> {
        together(self.state().files.values().flatten())
    }

    /// Files stand for others from now on.
    pub(crate) fn merged(&self, merged: &[Arc<Entry>], files: Vec<Entry>) {
        let mut state = self.state();
        for known in state.files.values_mut() {
            known.retain(|file| merged.iter().all(|gone| gone.path != file.path));
        }
        files.into_iter().for_each(|file| state.add(file));
    }

    /// The bytes that no file has yet.
    pub(crate) fn unsealed_bytes(&self) -> u64 {
        self.state().segments.values().map(|held| held.segment.length).sum()
    }

    /// All that may have what a query wants: segments, and files by their latest record, the latest first.
    pub(crate) fn that_may(&self, query: &Query) -> (Vec<Segment>, Vec<Arc<Entry>>) {
        let state = self.state();
        let is_in = |first: Timestamp, last: Timestamp| {
            let before = query.before.is_none_or(|before| first.as_nanos() <= before.0.time);
            before && last >= query.from && first < query.until
        };
        let segments = state.segments.values().map(|held| &held.segment);
        let segments =
            segments.filter(|it| it.times.is_none_or(|(first, last)| is_in(first, last)));
        let files = state.files.get(&query.tenant).into_iter().flatten();
        let files = files.filter(|file| {
            let cluster = query.cluster.as_ref().is_none_or(|it| *it == file.name.cluster);
            cluster && is_in(file.name.first, file.name.last)
        });
        let mut files: Vec<_> = files.cloned().collect();
        files.sort_by(|a, b| (b.name.last, &b.path).cmp(&(a.name.last, &a.path)));
        (segments.cloned().collect(), files)
    }

    /// Takes out the files whose records were all taken in before a time, and then, as long as files and
    /// segments have more bytes than allowed, the oldest of whoever has most.
    pub(crate) fn take_expired(&self, oldest: Timestamp, allowed: u64) -> Vec<Arc<Entry>> {
        let mut state = self.state();
        let mut expired = Vec::new();
        for files in state.files.values_mut() {
            expired.extend(files.extract_if(.., |file| file.name.taken < oldest));
        }
        let unsealed: u64 = state.segments.values().map(|held| held.segment.length).sum();
        let size = |files: &[Arc<Entry>]| files.iter().map(|file| file.bytes).sum::<u64>();
        let mut total = unsealed + state.files.values().map(|files| size(files)).sum::<u64>();
        while total > allowed {
            // One tenant's flood must not push out what another one has.
            let largest = state.files.values_mut().max_by_key(|files| size(files));
            let Some(files) = largest.filter(|files| !files.is_empty()) else { break };
            let oldest = files.iter().enumerate().min_by_key(|(_, it)| (it.name.taken, &it.path));
            let Some(number) = oldest.map(|(number, _)| number) else { break };
            let file = files.swap_remove(number);
            total -= file.bytes;
            expired.push(file);
        }
        state.files.retain(|_, files| !files.is_empty());
        expired
    }

    /// Files that cannot be removed are kept in the books.
    pub(crate) fn put_back(&self, file: &Arc<Entry>) {
        let mut state = self.state();
        state.files.entry(file.name.tenant.clone()).or_default().push(Arc::clone(file));
    }

    /// How many files there are, and their bytes.
    pub(crate) fn files(&self) -> (u64, u64) {
        let state = self.state();
        let all = state.files.values().flatten();
        all.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.bytes))
    }
}

impl State {
    fn add(&mut self, file: Entry) {
        let files = self.files.entry(file.name.tenant.clone()).or_default();
        // A segment that is sealed again after a crash gives the same files.
        files.retain(|known| known.path != file.path);
        files.push(Arc::new(file));
    }
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Id};

    use super::*;

    fn file(tenant: &str, taken: i64, bytes: u64) -> Entry {
        let name = FileName {
            tenant: Tenant::new(tenant).unwrap(),
            cluster: Cluster::default(),
            first: Timestamp::EPOCH,
            last: Timestamp::EPOCH,
            taken: Timestamp::from_nanos(taken),
            digest: Id::default(),
        };
        Entry { path: name.path(), name, bytes }
    }

    fn expired(files: Vec<Entry>, oldest: i64, allowed: u64) -> Vec<String> {
        let shelf = Shelf::default();
        shelf.stock(Vec::new(), files);
        let taken = shelf.take_expired(Timestamp::from_nanos(oldest), allowed);
        let taken =
            taken.iter().map(|it| format!("{}{}", it.name.tenant, it.name.taken.as_nanos()));
        taken.collect()
    }

    #[test]
    fn files_go_by_age_and_by_size_and_no_earlier() {
        let all = || vec![file("a", 1, 10), file("a", 2, 10), file("a", 3, 10), file("b", 1, 15)];
        assert_eq!(expired(all(), 1, 45), [""; 0]);
        assert_eq!(expired(all(), 2, 45), ["a1", "b1"]);
        // Whoever has most gives the oldest: the other one keeps what is older still.
        assert_eq!(expired(all(), 0, 44), ["a1"]);
        assert_eq!(expired(all(), 0, 34), ["a1", "a2"]);
        assert_eq!(expired(all(), 0, 20), ["a1", "a2", "b1"]);
        assert_eq!(expired(all(), 0, 0).len(), 4);
    }
}
