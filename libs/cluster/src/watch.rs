//! Following all kinds at once: a task for each, one bounded channel, and a reader that knows when the picture
//! is complete.

use std::collections::BTreeSet;
use std::time::Duration;

use airside_ports::{ClusterChange, ClusterWatch, ListScope, Unlisted};
use async_trait::async_trait;
use futures::StreamExt;
use kube::Client;
use kube::runtime::watcher::Event;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::kinds::Source;
use crate::objects::{Events, events, unlisted};

/// How many changes wait for the reader; beyond that the API server is no longer read from.
const WAITING: usize = 1024;
/// The first and the longest wait after an error.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A running watch. Its tasks end with it.
pub(crate) struct KubeWatch {
    changes: mpsc::Receiver<ClusterChange>,
    /// What was neither listed nor found not to be readable yet; none once that was told.
    pending: Option<BTreeSet<ListScope>>,
    _tasks: JoinSet<()>,
}

impl KubeWatch {
    pub(crate) fn start(client: &Client, sources: Vec<Source>) -> Self {
        let (sender, changes) = mpsc::channel(WAITING);
        let pending = sources.iter().map(|source| source.scope.clone()).collect();
        let mut tasks = JoinSet::new();
        for source in sources {
            let events = events(client, &source);
            tasks.spawn(follow(events, source.scope, sender.clone()));
        }
        Self { changes, pending: Some(pending), _tasks: tasks }
    }
}

#[async_trait]
impl ClusterWatch for KubeWatch {
    async fn next(&mut self) -> Option<ClusterChange> {
        if self.pending.as_ref().is_some_and(BTreeSet::is_empty) {
            self.pending = None;
            return Some(ClusterChange::Complete);
        }
        let change = self.changes.recv().await?;
        if let (
            Some(pending),
            ClusterChange::Listed { scope, .. } | ClusterChange::Unlisted(Unlisted { scope, .. }),
        ) = (&mut self.pending, &change)
        {
            pending.remove(scope);
        }
        Some(change)
    }
}

/// Hands on what happens to one kind, until nobody listens.
async fn follow(mut events: Events, scope: ListScope, changes: mpsc::Sender<ClusterChange>) {
    let mut following = Following { scope, listing: Vec::new(), is_listed: false, is_told: false };
    let mut wait = FIRST_WAIT;
    while let Some(event) = events.next().await {
        let change = match event {
            // It says only that a list begins, which may fail.
            Ok(Event::Init) => following.take(Event::Init),
            Ok(event) => {
                wait = FIRST_WAIT;
                following.take(event)
            }
            Err(error) => {
                let failure = unlisted(following.scope.clone(), &error);
                // Rights change seldom; a connection comes back soon.
                let pause = if failure.is_refused { LONGEST_WAIT } else { wait };
                if !send(&changes, following.fails(failure)).await {
                    return;
                }
                tokio::time::sleep(pause).await;
                wait = (wait * 2).min(LONGEST_WAIT);
                continue;
            }
        };
        if !send(&changes, change).await {
            return;
        }
    }
}

/// False when nobody listens any more.
async fn send(changes: &mpsc::Sender<ClusterChange>, change: Option<ClusterChange>) -> bool {
    match change {
        Some(change) => changes.send(change).await.is_ok(),
        None => !changes.is_closed(),
    }
}

/// How far a kind is.
struct Following {
    scope: ListScope,
    /// The objects of a list that is not complete.
    listing: Vec<Value>,
    /// Whether it was listed as a whole since the start.
    is_listed: bool,
    /// Whether it was told that the kind cannot be read, since it last could.
    is_told: bool,
}

impl Following {
    fn take(&mut self, event: Event<Value>) -> Option<ClusterChange> {
        match event {
            Event::Init => {
                self.listing.clear();
                None
            }
            Event::InitApply(object) => {
                self.listing.push(object);
                None
            }
            Event::InitDone => {
                (self.is_listed, self.is_told) = (true, false);
                let objects = std::mem::take(&mut self.listing);
                Some(ClusterChange::Listed { scope: self.scope.clone(), objects })
            }
            Event::Apply(object) => Some(ClusterChange::Changed(object)),
            Event::Delete(object) => Some(ClusterChange::Removed(object)),
        }
    }

    /// What broke off is tried again and only logged; what is refused, or cannot be listed at the start, is
    /// told once.
    fn fails(&mut self, failure: Unlisted) -> Option<ClusterChange> {
        let Unlisted { scope, reason, is_refused } = &failure;
        if self.is_told || self.is_listed && !is_refused {
            tracing::debug!(%scope, reason, "a watch broke off, trying again");
            return None;
        }
        tracing::warn!(%scope, reason, "a kind cannot be read, trying again");
        self.is_told = true;
        Some(ClusterChange::Unlisted(failure))
    }
}
