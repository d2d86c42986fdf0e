//! A durable store on sled 0.34, used the way that its known weaknesses ask for.
//!
//! One tree, keyspaces by prefix, so that every commit is one batch of one tree, which is what sled recovers
//! atomically. One writer checks, applies and flushes, so that flushes never run beside each other. Values
//! are cut small. sled's own flusher is off: a commit is durable when it returns, not half a second later.
//!
//! Known limits: a batch is visible to readers an instant before it is durable; when the machine loses power,
//! sled may have reused a segment whose new copy was not synced, and what it then says is damage.

mod encode;
mod open;
mod options;
mod tree;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use airside_ports::store::Pairs;
use airside_ports::{Batch, KeyRange, Keyspace, Order, Store, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

pub use self::options::{Durability, OnDamage, OpenError, SledOptions};
use self::tree::Tree;
use self::writer::Request;

/// Scans of up to this many pairs are done at once; longer ones move to a thread that may block. A few reads
/// of cached pages cost less than the way there and back.
const SHORT_SCAN: usize = 32;

/// A durable store in a directory of its own.
pub struct SledStore {
    path: PathBuf,
    quarantined: Option<PathBuf>,
    tree: Arc<Tree>,
    requests: mpsc::Sender<Request>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SledStore {
    /// Opens the store in a directory, made if it is not there. Call it within a tokio runtime: the writer is
    /// a task of it.
    pub async fn open(path: impl AsRef<Path>, options: SledOptions) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let opened = open::open(&path, &options).await?;
        let file = match options.durability {
            Durability::Process => None,
            Durability::Machine => Some(Tree::data_file(&path).map_err(|source| {
                OpenError::Io { action: "open the data file in", path: path.clone(), source }
            })?),
        };
        let tree = Arc::new(Tree::new(opened.db, file));
        let (requests, waiting) = mpsc::channel(options.waiting_commits.max(1));
        let writer = tokio::spawn(writer::run(Arc::clone(&tree), waiting));
        let writer = Mutex::new(Some(writer));
        Ok(Self { path, quarantined: opened.quarantined, tree, requests, writer })
    }

    /// The store's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a damaged directory was moved when this store was opened: the store started empty then.
    pub fn quarantined(&self) -> Option<&Path> {
        self.quarantined.as_deref()
    }

    /// Waits until the store has failed, and says why. It takes nothing more then, until it is opened again: what memory
    /// has may not be on the disk.
    pub async fn failed(&self) -> &str {
        self.tree.failed().await
    }

    /// Commits what is waiting and closes the files. What comes later is answered with
    /// [`StoreError::Closed`]. A store that is dropped instead closes by itself, a moment later.
    pub async fn close(&self) {
        // An error means that the writer has ended already.
        drop(self.requests.send(Request::Close).await);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            drop(writer.await);
        }
        let tree = Arc::clone(&self.tree);
        // sled syncs its file when it goes.
        drop(spawn_blocking(move || tree.close()).await);
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SledStore {
    async fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.tree.get(keyspace, key)
    }

    async fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Pairs, StoreError> {
        if limit <= SHORT_SCAN {
            return self.tree.scan(keyspace, &range, order, limit);
        }
        let tree = Arc::clone(&self.tree);
        let scan = spawn_blocking(move || tree.scan(keyspace, &range, order, limit));
        scan.await.map_err(|panic| StoreError::Unavailable {
            action: "read a range",
            source: Box::new(panic),
        })?
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Commit { batch, reply };
        self.requests.send(request).await.map_err(|_closed| StoreError::Closed)?;
        answer.await.map_err(|_gone| StoreError::Unavailable {
            action: "commit a batch",
            source: "its writer ended; open the store again".into(),
        })?
    }
}
