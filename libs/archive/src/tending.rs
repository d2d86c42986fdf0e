//! What is done with finished files: they are brought to the object store, small ones are merged, and old ones
//! removed.
//!
//! Of an object store nothing is asked anew while it does not take files: trying to bring the oldest one, after
//! ever longer pauses, tells when it is back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use airside_types::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::archive::relist;
use crate::background;
use crate::file::FileName;
use crate::folders::Folders;
use crate::housekeeping::Housekeeping;
use crate::merge::{Merged, merge};
use crate::shelf::Shelf;
use crate::storage::ObjectStorage;

/// How often it is looked for what is too old or too much, and for what others did in the same object store.
pub(crate) const RETENTION: Duration = Duration::from_secs(60);
/// The pause after the first failure to bring a file; each further one is twice as long, up to [`RETENTION`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);

impl Housekeeping {
    /// Works until it is over.
    pub(crate) async fn tend(
        &self,
        now: &impl Fn() -> Timestamp,
        over: &mut watch::Receiver<bool>,
    ) {
        let mut retention = interval(RETENTION);
        retention.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = None;
        loop {
            let is_due = tokio::select! {
                biased;
                _ = over.wait_for(|is_over| *is_over) => return,
                _ = retention.tick() => true,
                () = self.next_files(pause) => false,
            };
            pause = match self.settle_all().await {
                Ok(()) => None,
                Err(_) => Some(pause.map_or(FIRST_PAUSE, |it: Duration| (it * 2).min(RETENTION))),
            };
            if is_due && pause.is_none() {
                self.relist().await;
                self.remove_expired(now()).await;
                self.merge_small().await;
            }
        }
    }

    /// Ends when there may be files to be brought: after the pause, or when some are finished.
    async fn next_files(&self, pause: Option<Duration>) {
        match pause {
            Some(pause) => sleep(pause).await,
            None => self.archive.shelf.filed.notified().await,
        }
    }

    /// Brings the files that wait to where they are kept, the oldest first.
    ///
    /// # Errors
    ///
    /// One could not be brought; it and what is younger waits on.
    pub async fn settle_all(&self) -> io::Result<()> {
        let (shelf, storage) = (Arc::clone(&self.archive.shelf), Arc::clone(&self.archive.storage));
        let settling = tokio::task::spawn_blocking(move || settle_all(&shelf, &*storage));
        let settled = settling.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        if let Err(error) = &settled {
            tracing::warn!(error = %error, "raw records wait for the object store, trying again");
        }
        settled
    }

    /// Learns what others did in the same object store.
    pub async fn relist(&self) {
        let (shelf, storage) = (Arc::clone(&self.archive.shelf), Arc::clone(&self.archive.storage));
        if storage.instance().is_none() {
            return;
        }
        let listing = tokio::task::spawn_blocking(move || relist(&shelf, &*storage));
        match listing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "trying again"),
            Err(_) => tracing::error!("listing raw records ended unexpectedly"),
        }
    }

    /// Merges small files that lie together. What cannot be merged stays as it is.
    pub async fn merge_small(&self) {
        let (shelf, room) = (Arc::clone(&self.archive.shelf), self.settings.segment_bytes);
        let workshop = Folders::of(&self.settings.folder).merging;
        let storage = Arc::clone(&self.archive.storage);
        let merging = background::run(move || {
            for files in shelf.to_merge(storage.instance()) {
                match merge(&files, room, &workshop, &*storage) {
                    Ok(Some(done)) => replace(done, &shelf, &*storage),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(error = %error, "small files of raw records are not merged");
                    }
                }
            }
        });
        if let Err(error) = merging.await {
            tracing::error!(%error, "merging raw records ended unexpectedly");
        }
    }

    /// Removes what is too old or too much at this time.
    pub async fn remove_expired(&self, now: Timestamp) {
        let oldest = now.minus(self.settings.max_age);
        let shelf = Arc::clone(&self.archive.shelf);
        let (storage, allowed) = (Arc::clone(&self.archive.storage), self.settings.max_bytes);
        let removing = tokio::task::spawn_blocking(move || {
            let mut is_away = false;
            for file in shelf.take_expired(oldest, allowed, storage.instance()) {
                if is_away {
                    shelf.put_back(&file);
                    continue;
                }
                match storage.remove(&file.path) {
                    Ok(()) => {
                        tracing::info!(file = file.path, bytes = file.bytes, "raw records removed")
                    }
                    Err(error) => {
                        tracing::warn!(file = file.path, error = %error, "raw records cannot be removed");
                        shelf.put_back(&file);
                        is_away = does_not_answer(&error);
                    }
                }
            }
        });
        if removing.await.is_err() {
            tracing::error!("removing raw records ended unexpectedly");
        }
    }
}

fn settle_all(shelf: &Shelf, storage: &dyn ObjectStorage) -> io::Result<()> {
    let mut waiting = storage.waiting()?;
    waiting.sort_by_key(|(path, _)| FileName::parse(path).map(|name| name.taken));
    let mut left: u64 = waiting.iter().map(|(_, bytes)| bytes).sum();
    shelf.waiting.store(left, Ordering::Relaxed);
    for (path, bytes) in waiting {
        storage.settle(&path)?;
        left -= bytes;
        shelf.waiting.store(left, Ordering::Relaxed);
        tracing::debug!(file = path, bytes, "raw records brought to the object store");
        // There is room for another one: segments may wait for that.
        shelf.closed.notify_one();
    }
    Ok(())
}

/// Lets merged files stand for others, once they are where they are kept: until then, others still see all.
fn replace(Merged { gone, into }: Merged, shelf: &Shelf, storage: &dyn ObjectStorage) {
    let kept: Vec<_> = into.iter().map(|file| file.path.clone()).collect();
    if let Err(error) = kept.iter().try_for_each(|path| storage.settle(path)) {
        // Their records are told once all the same, and are merged again.
        tracing::warn!(error = %error, "merged raw records wait for the object store");
        shelf.add(into);
        return;
    }
    shelf.merged(&gone, into);
    for file in gone.iter().filter(|file| !kept.contains(&file.path)) {
        if let Err(error) = storage.remove(&file.path) {
            // Its records are told once all the same, and it goes by its age.
            tracing::warn!(file = file.path, error = %error, "a merged file cannot be removed");
            shelf.put_back(file);
        }
    }
}

/// Whether asking for another file would only be waiting once more.
fn does_not_answer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, HostUnreachable, TimedOut};
    matches!(error.kind(), HostUnreachable | TimedOut | ConnectionAborted)
}
