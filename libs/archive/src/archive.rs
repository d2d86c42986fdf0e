//! The archive as services hold it: append and wait, ask and wait.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::error::ArchiveError;
use crate::folders::{Folders, Left, files_of};
use crate::housekeeping::Housekeeping;
use crate::query::{Page, Query};
use crate::record::Batch;
use crate::search;
use crate::segment::{MAX_FRAME_BYTES, head};
use crate::shelf::{Known, Shelf};
use crate::storage::{ObjectStorage, ObjectStore};
use crate::writer::{Append, Order, Writer};

/// The bounds of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder. Nobody but its owner reads it.
    pub folder: PathBuf,
    /// How large a segment grows before it is sealed, in bytes. So much is in memory while that is done.
    pub segment_bytes: u64,
    /// How long a segment is filled before it is sealed, however small it is.
    pub seal_after: Duration,
    /// For how long records are kept after they were taken in.
    pub max_age: Duration,
    /// The bytes of everything in the folder, about; beyond, the oldest files of the tenant that has most go.
    pub max_bytes: u64,
    /// How many appends may wait to be written.
    pub max_waiting: usize,
    /// How many queries are answered at a time; others wait.
    pub max_queries: usize,
    /// Where finished files are kept; none for the folder itself. Then the bytes that are allowed are those of
    /// one's own files there, and files lie in the folder only until the store has them.
    pub object_store: Option<ObjectStore>,
}

impl Settings {
    /// An archive in this folder with the defaults: segments of 64 MiB or an hour, 30 days, 10 GiB.
    pub const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            segment_bytes: 64 << 20,
            seal_after: Duration::from_hours(1),
            max_age: Duration::from_hours(24 * 30),
            max_bytes: 10 << 30,
            max_waiting: 1024,
            max_queries: 2,
            object_store: None,
        }
    }

    /// How much may lie unsealed before appends are refused: then files are not written as fast as records
    /// come.
    const fn max_unsealed(&self) -> u64 {
        self.segment_bytes.saturating_mul(8)
    }
}

/// An archive. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) storage: Arc<dyn ObjectStorage>,
    pub(crate) orders: mpsc::Sender<Order>,
    queries: Arc<Semaphore>,
}

impl Archive {
    /// Opens the archive of a folder, with what another process left there.
    ///
    /// # Errors
    ///
    /// The folder or the object store cannot be used, or another process uses the folder. An object store that
    /// does not answer is no error: files wait for it.
    pub async fn open(settings: Settings) -> Result<(Self, Housekeeping), ArchiveError> {
        let folders = Folders::of(&settings.folder);
        let left = settings.clone();
        let runtime = Handle::current();
        let opening = tokio::task::spawn_blocking(move || Left::open(&folders, &left, runtime));
        let left = opening.await.map_err(|_| ArchiveError::Closed)??;
        let (orders, received) = mpsc::channel(settings.max_waiting.max(1));
        let shelf = Arc::new(Shelf::default());
        let next = left.segments.last().map_or(1, |segment| segment.number + 1);
        let has_segments = !left.segments.is_empty();
        shelf.stock(left.segments);
        match left.files {
            Some(files) => shelf.relist(&Known::default(), files),
            None => shelf.add(files_of(left.waiting)),
        }
        if has_segments {
            shelf.closed.notify_one();
        }
        let writer = Writer {
            folder: Folders::of(&settings.folder).segments,
            shelf: Arc::clone(&shelf),
            next,
            segment_bytes: settings.segment_bytes,
            max_unsealed: settings.max_unsealed(),
            open: None,
        };
        let archive = Self {
            shelf,
            storage: left.storage,
            orders,
            queries: Arc::new(Semaphore::new(settings.max_queries.max(1))),
        };
        let writer = tokio::task::spawn_blocking(move || writer.run(received));
        let work = Housekeeping { archive: archive.clone(), settings, writer, lock: left.lock };
        Ok((archive, work))
    }

    /// Appends a batch: it is durable, and found, when this returns.
    ///
    /// # Errors
    ///
    /// It cannot be written, files cannot be written as fast as records come, or the archive is closed.
    pub async fn append(&self, batch: Batch) -> Result<(), ArchiveError> {
        if batch.is_empty() {
            return Ok(());
        }
        let times = batch.times();
        let batch = batch.into_bytes();
        if batch.len() > MAX_FRAME_BYTES {
            return Err(ArchiveError::TooLarge { bytes: batch.len() });
        }
        let (done, answer) = oneshot::channel();
        let append = Append { head: head(&batch), batch, times, done };
        let told = self.orders.send(Order::Append(append)).await;
        told.map_err(|_| ArchiveError::Closed)?;
        answer.await.map_err(|_| ArchiveError::Closed)?
    }

    /// Answers a page of a query.
    ///
    /// # Errors
    ///
    /// A file or segment cannot be read.
    pub async fn query(&self, query: Query) -> Result<Page, ArchiveError> {
        let turn = Arc::clone(&self.queries).acquire_owned().await;
        let turn = turn.map_err(|_| ArchiveError::Closed)?;
        let (shelf, storage) = (Arc::clone(&self.shelf), Arc::clone(&self.storage));
        let search = tokio::task::spawn_blocking(move || {
            // Whoever asked may go away, and the search goes on.
            let _turn = turn;
            search::until_whole(|attempt| {
                // Others may have merged or removed what we still know of, and nothing is left out in silence.
                if !shelf.is_listed() || attempt > 0 && storage.instance().is_some() {
                    relist(&shelf, &*storage)?;
                }
                search::page(&query, &shelf, &*storage)
            })
        });
        search.await.map_err(|_| ArchiveError::Closed)?
    }

    /// How many files there are, and their bytes; those of others in the same object store are among them.
    pub fn files(&self) -> (u64, u64) {
        self.shelf.files()
    }

    /// The bytes that are in no file yet.
    pub fn unsealed_bytes(&self) -> u64 {
        self.shelf.unsealed_bytes()
    }

    /// The bytes of the finished files that wait on the disk for the object store, as of a minute ago at most.
    pub fn waiting_bytes(&self) -> u64 {
        self.shelf.waiting.load(Ordering::Relaxed)
    }

    /// Closes the segment that is being filled, so that it is sealed soon.
    pub async fn close_segment(&self) {
        // An archive that is closed has none.
        let _closed = self.orders.send(Order::Close).await.is_err();
    }
}

/// Asks a storage what lies in it. Blocks.
pub(crate) fn relist(shelf: &Shelf, storage: &dyn ObjectStorage) -> Result<(), ArchiveError> {
    let known = shelf.known();
    let files = storage.list().map_err(|error| ArchiveError::away(&error))?;
    shelf.relist(&known, files_of(files));
    Ok(())
}
