//! What an archive does by itself: sealing what is full or old enough, and removing what has expired.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use airside_types::Timestamp;
use tokio::task::JoinHandle;

use crate::archive::{Archive, Settings};
use crate::folders::{Folders, remove_segment};
use crate::merge::{Merged, merge};
use crate::seal::seal;
use crate::writer::Order;

/// What an archive does by itself: sealing and retention. Somebody has to run it.
#[derive(Debug)]
pub struct Housekeeping {
    pub(crate) archive: Archive,
    pub(crate) settings: Settings,
    pub(crate) writer: JoinHandle<()>,
    /// Held as long as the archive is in use.
    pub(crate) lock: File,
}

/// How often it is looked for what is too old or too much.
const RETENTION: Duration = Duration::from_secs(60);

impl Housekeeping {
    /// Seals and removes until `stop` ends; then what is waiting is written, and the archive is closed. What
    /// is not sealed by then is, when the archive is opened again.
    pub async fn run(self, now: impl Fn() -> Timestamp, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut age = tokio::time::interval(self.settings.seal_after);
        let mut retention = tokio::time::interval(RETENTION);
        age.tick().await;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.archive.shelf.closed.notified() => self.seal_all().await,
                _ = age.tick() => self.archive.close_segment().await,
                _ = retention.tick() => {
                    self.seal_all().await;
                    self.remove_expired(now()).await;
                    self.merge_small().await;
                }
            }
        }
        let _closed = self.archive.orders.send(Order::Stop).await.is_err();
        if self.writer.await.is_err() {
            tracing::error!("the writer of raw records ended unexpectedly");
        }
        drop(self.lock);
    }

    /// Seals what waits. What cannot be sealed is tried again later, and stays findable.
    pub async fn seal_all(&self) {
        loop {
            let segments = self.archive.shelf.to_seal(self.settings.segment_bytes);
            if segments.is_empty() {
                return;
            }
            let workshop = Folders::of(&self.settings.folder).workshop;
            let storage = Arc::clone(&self.archive.storage);
            let sealing = segments.clone();
            let sealed = tokio::task::spawn_blocking(move || seal(&sealing, &workshop, &*storage));
            match sealed.await {
                Ok(Ok(files)) => {
                    self.archive.shelf.sealed(&segments, files);
                    segments.iter().for_each(remove_segment);
                }
                Ok(Err(error)) => {
                    tracing::error!(error = %error, "raw records are not sealed, trying again");
                    return;
                }
                Err(_) => {
                    tracing::error!("sealing raw records ended unexpectedly, trying again");
                    return;
                }
            }
        }
    }

    /// Merges small files that lie together. What cannot be merged stays as it is.
    pub async fn merge_small(&self) {
        let (shelf, room) = (Arc::clone(&self.archive.shelf), self.settings.segment_bytes);
        let workshop = Folders::of(&self.settings.folder).workshop;
        let storage = Arc::clone(&self.archive.storage);
        let merging = tokio::task::spawn_blocking(move || {
            for files in shelf.to_merge() {
                let Merged { gone, into } = match merge(&files, room, &workshop, &*storage) {
                    Ok(Some(done)) => done,
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::warn!(error = %error, "small files of raw records are not merged");
                        continue;
                    }
                };
                let kept: Vec<_> = into.iter().map(|file| file.path.clone()).collect();
                shelf.merged(&gone, into);
                for file in gone.iter().filter(|file| !kept.contains(&file.path)) {
                    if let Err(error) = storage.remove(&file.path) {
                        // Its records are told once all the same, and it goes by its age.
                        tracing::warn!(file = file.path, error = %error, "a merged file cannot be removed");
                        shelf.put_back(file);
                    }
                }
            }
        });
        if merging.await.is_err() {
            tracing::error!("merging raw records ended unexpectedly");
        }
    }

    /// Removes what is too old or too much at this time.
    pub async fn remove_expired(&self, now: Timestamp) {
        let oldest = now.minus(self.settings.max_age);
        let shelf = Arc::clone(&self.archive.shelf);
        let (storage, allowed) = (Arc::clone(&self.archive.storage), self.settings.max_bytes);
        let removing = tokio::task::spawn_blocking(move || {
            for file in shelf.take_expired(oldest, allowed) {
                match storage.remove(&file.path) {
                    Ok(()) => {
                        tracing::info!(file = file.path, bytes = file.bytes, "raw records removed")
                    }
                    Err(error) => {
                        tracing::warn!(file = file.path, error = %error, "raw records cannot be removed");
                        shelf.put_back(&file);
                    }
                }
            }
        });
        if removing.await.is_err() {
            tracing::error!("removing raw records ended unexpectedly");
        }
    }
}
