//! Following all kinds at once: a task for each, one bounded channel, and a reader that knows when the picture
//! is complete.

use std::collections::BTreeSet;
use std::time::Duration;

use airside_k8s::Value;
use airside_ports::{ClusterChange, ClusterWatch, ListScope, Unlisted};
use async_trait::async_trait;
use futures::StreamExt;
use kube::Client;
use kube::runtime::watcher::Event;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::kinds::Source;
use crate::objects::{Events, events, unlisted};

/// How many changes wait for the reader; beyond that the API server is no longer read from.
const WAITING: usize = 1024;
/// The first and the longest wait after an error.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long after a new kind is served the watch ends, to be begun anew with it: discovery takes a moment, and
/// operators bring many kinds at once.
const NEW_KINDS_AFTER: Duration = Duration::from_secs(1);

/// A running watch. Its tasks end with it.
pub(crate) struct KubeWatch {
    changes: mpsc::Receiver<ClusterChange>,
    /// What was neither listed nor found not to be readable yet; none once that was told.
    pending: Option<BTreeSet<ListScope>>,
    definitions: Definitions,
    /// When the watch ends because there are other kinds now.
    end: Option<Instant>,
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
        Self {
            changes,
            pending: Some(pending),
            definitions: Definitions::default(),
            end: None,
            _tasks: tasks,
        }
    }
}

#[async_trait]
impl ClusterWatch for KubeWatch {
    async fn next(&mut self) -> Option<ClusterChange> {
        if self.pending.as_ref().is_some_and(BTreeSet::is_empty) {
            self.pending = None;
            return Some(ClusterChange::Complete);
        }
        let change = tokio::select! {
            biased;
            () = at(self.end) => return None,
            change = self.changes.recv() => change?,
        };
        if self.definitions.are_others_after(&change) {
            self.end.get_or_insert_with(|| Instant::now() + NEW_KINDS_AFTER);
        }
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

/// The custom resource definitions that were served when the watch began.
#[derive(Default)]
struct Definitions(BTreeSet<String>);

impl Definitions {
    /// Whether a change makes an API server serve other kinds than before.
    fn are_others_after(&mut self, change: &ClusterChange) -> bool {
        match change {
            ClusterChange::Listed { scope, objects } if is_definition(&scope.kind.kind) => {
                self.0.extend(objects.iter().filter_map(served));
                false
            }
            ClusterChange::Changed(object) => {
                served(object).is_some_and(|name| !self.0.contains(&name))
            }
            ClusterChange::Removed(object) => {
                served(object).is_some_and(|name| self.0.contains(&name))
            }
            _ => false,
        }
    }
}

fn is_definition(kind: &str) -> bool {
    kind == "CustomResourceDefinition"
}

/// The name of a definition whose kind is served.
fn served(object: &Value) -> Option<String> {
    object.get("kind").and_then(Value::as_str).filter(|kind| is_definition(kind))?;
    let conditions = object.get("status")?.get("conditions")?.as_array()?;
    let is_established = |condition: &Value| {
        condition.get("type").and_then(Value::as_str) == Some("Established")
            && condition.get("status").and_then(Value::as_str) == Some("True")
    };
    conditions.iter().find(|it| is_established(it))?;
    object.get("metadata")?.get("name")?.as_str().map(str::to_owned)
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
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
