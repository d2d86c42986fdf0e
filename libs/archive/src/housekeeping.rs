//! What an archive does by itself: sealing what is full or old enough, bringing files to where they are kept,
//! merging small ones, and removing what has expired.
//!
//! Sealing goes on while an object store does not answer: it waits for nobody but the disk. What is done with
//! files afterwards is `tending.rs`'.

use std::fs::File;
use std::sync::Arc;

use airside_types::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::archive::{Archive, Settings};
use crate::background;
use crate::error::ArchiveError;
use crate::folders::{Folders, remove_segment};
use crate::seal::seal;
use crate::storage::ObjectStorage;
use crate::tending::RETENTION;
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

impl Housekeeping {
    /// Seals and removes until `stop` ends; then what is waiting is written, and the archive is closed. What
    /// is not sealed by then is, when the archive is opened again.
    pub async fn run(self, now: impl Fn() -> Timestamp, stop: impl Future<Output = ()>) {
        let (is_over, mut over) = watch::channel(false);
        let sealing = async {
            self.seal_until(stop).await;
            self.archive.storage.close();
            is_over.send_replace(true);
        };
        tokio::join!(sealing, self.tend(&now, &mut over));
        let _closed = self.archive.orders.send(Order::Stop).await.is_err();
        if self.writer.await.is_err() {
            tracing::error!("the writer of raw records ended unexpectedly");
        }
        drop(self.lock);
    }

    async fn seal_until(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut age = tokio::time::interval(self.settings.seal_after);
        let mut again = tokio::time::interval(RETENTION);
        age.tick().await;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = self.archive.shelf.closed.notified() => self.seal_all().await,
                _ = age.tick() => self.archive.close_segment().await,
                _ = again.tick() => self.seal_all().await,
            }
        }
    }

    /// Seals what waits. What cannot be sealed is tried again later, and stays findable.
    pub async fn seal_all(&self) {
        loop {
            let segments = self.archive.shelf.to_seal(self.settings.segment_bytes);
            if segments.is_empty() {
                return;
            }
            let workshop = Folders::of(&self.settings.folder).sealing;
            let storage = Arc::clone(&self.archive.storage);
            let bound = self.settings.object_store.as_ref().map(|store| store.max_waiting_bytes);
            let sealing = segments.clone();
            let sealed = background::run(move || match has_room(&*storage, bound)? {
                true => seal(&sealing, &workshop, &*storage).map(Some),
                false => Ok(None),
            });
            match sealed.await {
                Ok(Ok(Some(files))) => {
                    self.archive.shelf.sealed(&segments, files);
                    segments.iter().for_each(remove_segment);
                }
                Ok(Ok(None)) => return,
                Ok(Err(error)) => {
                    tracing::error!(error = %error, "raw records are not sealed, trying again");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "sealing raw records ended unexpectedly, trying again");
                    return;
                }
            }
        }
    }
}

/// Whether more files may wait for the object store.
fn has_room(storage: &dyn ObjectStorage, bound: Option<u64>) -> Result<bool, ArchiveError> {
    let Some(bound) = bound else { return Ok(true) };
    let failed = |error| ArchiveError::file("listed", "records".as_ref(), error);
    let waiting: u64 = storage.waiting().map_err(failed)?.iter().map(|(_, bytes)| bytes).sum();
    if waiting >= bound {
        tracing::warn!(
            waiting,
            bound,
            "files of raw records wait for the object store, and no more may: segments wait"
        );
    }
    Ok(waiting < bound)
}
