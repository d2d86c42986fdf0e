//! What an archive has at a moment: segments that are being filled or wait to be sealed, and files.
//!
//! A record is always in one of both, or in both: whoever asks sees a segment until its files are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airside_types::{Tenant, Timestamp};
use tokio::sync::Notify;

use crate::file::FileName;
use crate::instance::Instance;
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
    /// Told when files were added that may have to be brought elsewhere.
    pub(crate) filed: Notify,
    /// The bytes of the files that wait for the object store, when it was last looked.
    pub(crate) waiting: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    segments: BTreeMap<u64, Held>,
    files: BTreeMap<Tenant, Vec<Arc<Entry>>>,
    /// Whether the storage has said once what lies in it.
    is_listed: bool,
}

/// Which files a shelf knew at a moment.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeSet<String>);

#[derive(Debug)]
struct Held {
    segment: Segment,
    is_closed: bool,
}

impl Shelf {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in the segments that lie in the folder at the start.
    pub(crate) fn stock(&self, segments: Vec<Segment>) {
        let mut state = self.state();
        for segment in segments {
            state.segments.insert(segment.number, Held { segment, is_closed: true });
        }
    }

    /// What is known before the storage is asked what lies in it.
    pub(crate) fn known(&self) -> Known {
        let state = self.state();
        Known(state.files.values().flatten().map(|file| file.path.clone()).collect())
    }

    /// Takes in what a storage said that lies in it. Files that were added since it was asked stay, and those
    /// that were known before and are not there any more go.
    pub(crate) fn relist(&self, before: &Known, files: Vec<Entry>) {
        let there: BTreeMap<&str, u64> =
            files.iter().map(|file| (file.path.as_str(), file.bytes)).collect();
        let mut state = self.state();
        for known in state.files.values_mut() {
            known.retain(|file| match there.get(file.path.as_str()) {
                Some(bytes) => *bytes == file.bytes,
                None => !before.0.contains(&file.path),
            });
        }
        let after: BTreeSet<String> =
            state.files.values().flatten().map(|file| file.path.clone()).collect();
        files.into_iter().filter(|file| !after.contains(&file.path)).for_each(|it| state.push(it));
        state.files.retain(|_, files| !files.is_empty());
        state.is_listed = true;
    }

    /// Takes in files while the storage does not say what else lies in it.
    pub(crate) fn add(&self, files: Vec<Entry>) {
        let mut state = self.state();
        files.into_iter().for_each(|file| state.add(file));
    }

    /// Whether all files of the storage are known, but for those of the last minute.
    pub(crate) fn is_listed(&self) -> bool {
        self.state().is_listed
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
        self.filed.notify_one();
    }

    /// Small files of one's own that lie together and are to be merged.
    pub(crate) fn to_merge(&self, own: Option<&Instance>) -> Vec<Vec<Arc<Entry>>> {
        let state = self.state();
        together(state.files.values().flatten().filter(|file| file.name.is_own(own)))
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
            let cluster = query.cluster.as_ref().is_none_or(|it| file.name.may_have(it));
            cluster && is_in(file.name.first, file.name.last)
        });
        let mut files: Vec<_> = files.cloned().collect();
        files.sort_by(|a, b| (b.name.last, &b.path).cmp(&(a.name.last, &a.path)));
        (segments.cloned().collect(), files)
    }

    /// Takes out the files whose records were all taken in before a time, and then, as long as one's own files
    /// and segments have more bytes than allowed, the oldest of them of whoever has most.
    pub(crate) fn take_expired(
        &self,
        oldest: Timestamp,
        allowed: u64,
        own: Option<&Instance>,
    ) -> Vec<Arc<Entry>> {
        let mut state = self.state();
        let mut expired = Vec::new();
        for files in state.files.values_mut() {
            expired.extend(files.extract_if(.., |file| file.name.taken < oldest));
        }
        let unsealed: u64 = state.segments.values().map(|held| held.segment.length).sum();
        let is_own = |file: &&Arc<Entry>| file.name.is_own(own);
        let size =
            |files: &[Arc<Entry>]| files.iter().filter(is_own).map(|file| file.bytes).sum::<u64>();
        let mut total = unsealed + state.files.values().map(|files| size(files)).sum::<u64>();
        while total > allowed {
            // One tenant's flood must not push out what another one has.
            let largest = state.files.values_mut().max_by_key(|files| size(files));
            let Some(files) = largest else { break };
            let owned = files.iter().enumerate().filter(|(_, file)| is_own(file));
            let oldest = owned.min_by_key(|(_, it)| (it.name.taken, &it.path));
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
        // A segment that is sealed again after a crash gives the same files.
        if let Some(files) = self.files.get_mut(&file.name.tenant) {
            files.retain(|known| known.path != file.path);
        }
        self.push(file);
    }

    fn push(&mut self, file: Entry) {
        self.files.entry(file.name.tenant.clone()).or_default().push(Arc::new(file));
    }
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Id};

    use super::*;

    fn file(tenant: &str, taken: i64, bytes: u64) -> Entry {
        let name = FileName {
            tenant: Tenant::new(tenant).unwrap(),
            cluster: Some(Cluster::default()),
            first: Timestamp::EPOCH,
            last: Timestamp::EPOCH,
            taken: Timestamp::from_nanos(taken),
            digest: Id::default(),
            instance: None,
        };
        Entry { path: name.path(), name, bytes }
    }

    fn of(instance: &str, entry: Entry) -> Entry {
        let name = FileName { instance: Some(instance.parse().unwrap()), ..entry.name };
        Entry { path: name.path(), name, ..entry }
    }

    fn expired(files: Vec<Entry>, oldest: i64, allowed: u64) -> Vec<String> {
        expired_of(None, files, oldest, allowed)
    }

    fn expired_of(own: Option<&str>, files: Vec<Entry>, oldest: i64, allowed: u64) -> Vec<String> {
        let own: Option<Instance> = own.map(|own| own.parse().unwrap());
        let shelf = Shelf::default();
        shelf.add(files);
        let taken = shelf.take_expired(Timestamp::from_nanos(oldest), allowed, own.as_ref());
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
    #[test]
    fn what_is_anothers_goes_by_age_and_not_by_our_size() {
        let all = || {
            vec![of("a", file("t", 3, 10)), of("b", file("t", 2, 90)), of("b", file("u", 1, 90))]
        };
        assert_eq!(expired_of(Some("a"), all(), 0, 10), [""; 0]);
        assert_eq!(expired_of(Some("a"), all(), 0, 9), ["t3"]);
        assert_eq!(expired_of(Some("a"), all(), 2, 10), ["u1"]);
    }

    #[test]
    fn what_is_added_or_removed_while_a_storage_is_asked_is_not_undone() {
        let shelf = Shelf::default();
        let paths = |shelf: &Shelf| shelf.known().0.into_iter().collect::<Vec<_>>();
        let [stays, gone, new, other] = [1, 2, 3, 4].map(|taken| file("t", taken, 1));
        let [stays_path, new_path, other_path] =
            [&stays, &new, &other].map(|entry| entry.path.clone());
        shelf.add(vec![stays, gone]);
        assert!(!shelf.is_listed());
        let before = shelf.known();
        let listing = vec![file("t", 1, 1), other];
        shelf.add(vec![new]);
        shelf.relist(&before, listing);
        let mut expected = vec![stays_path, new_path, other_path];
        expected.sort();
        assert_eq!(paths(&shelf), expected);
        assert!(shelf.is_listed());
    }
}
