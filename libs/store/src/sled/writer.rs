//! The one writer: whoever commits waits here, and commits that wait together share one flush.

use std::sync::Arc;

use airside_ports::{Batch, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::tree::Tree;

/// How many commits share one flush at most.
const GROUP: usize = 256;

pub(super) enum Request {
    /// Commit, and say when it is durable.
    Commit { batch: Batch, reply: oneshot::Sender<Result<(), StoreError>> },
    /// Commit what came before, then end.
    Close,
}

/// Serves requests until it is told to close or nobody is left to ask.
pub(super) async fn run(tree: Arc<Tree>, mut requests: mpsc::Receiver<Request>) {
    let mut group = Vec::new();
    while requests.recv_many(&mut group, GROUP).await > 0 {
        if group.iter().any(|request| matches!(request, Request::Close)) {
            requests.close();
        }
        let (tree_then, taken) = (Arc::clone(&tree), std::mem::take(&mut group));
        // On a blocking thread for each group, not on one for good: tests with a paused clock then know when
        // the writer is at work and when it is idle.
        if let Err(panic) = spawn_blocking(move || commit(&tree_then, taken)).await {
            tree.fail(&panic);
        }
    }
}

fn commit(tree: &Tree, group: Vec<Request>) {
    let mut answers = Vec::with_capacity(group.len());
    let mut changed = false;
    for request in group {
        let Request::Commit { batch, reply } = request else { continue };
        let writes = !batch.writes.is_empty();
        let applied = tree.apply(batch);
        changed |= writes && applied.is_ok();
        answers.push((reply, applied));
    }
    let flushed = if changed { tree.flush() } else { Ok(()) };
    // A conflict may be with a commit of this very group, so it too is told after the flush.
    let failed = flushed.is_err();
    for (reply, applied) in answers {
        let answer = if failed { applied.and_then(|()| tree.flush()) } else { applied };
        // Whoever gave up waiting has its answer in the store.
        drop(reply.send(answer));
    }
}
