//! A watch of incidents: first those that there are, then every change as it happens, as the log brings it.
//!
//! Whoever begins is told the incidents in their latest revisions, since the log has not kept all that led to them.
//! Whoever resumes is told what came since; where a part of that is gone from the log, the watch ends and says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use airside_ports::{Log, LogError, LogReader, Offset, PartitionSet, ReadLimit, Stream};
use airside_service::CancellationToken;
use airside_types::{Id, Tenant};
use airside_wire::incident::{Revision, WatchItem, WatchQuery, WatchUpdate, decode_incident_event};
use airside_wire::{ApiError, ErrorCode, IncidentEvent, v1};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::view::View;

/// The incidents stream has one partition.
const INCIDENTS: PartitionSet = PartitionSet::range(0, 1);
/// How long a watch waits for news before it sends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How many messages may wait for a slow watcher before reading the log pauses.
const WATCH_BUFFER: usize = 64;

/// Up to how many told incidents nobody looks which of them are gone.
const FEW_TOLD: usize = 1024;

/// What a watcher receives.
pub(crate) type Updates = ReceiverStream<Result<v1::WatchIncidentsResponse, Status>>;

/// Opens a watch for a tenant. It ends when the watcher goes away, the node stops, or the log is closed.
pub(crate) async fn open(
    log: &Arc<dyn Log>,
    view: &Arc<View>,
    tenant: Tenant,
    query: WatchQuery,
    draining: CancellationToken,
) -> Result<Updates, ApiError> {
    let resumed = match query.resume_token.as_deref() {
        None => Offset::START,
        Some(token) => token.parse().map(Offset).map_err(|_| {
            ApiError::new(ErrorCode::InvalidArgument, "resume_token is not one of ours")
        })?,
    };
    // In this order: what the log has up to its end, the view has as well.
    let end = log.end(Stream::Incidents).await.map_err(cannot_read)?;
    let known = view.all(&tenant)?;
    let begins = resumed == Offset::START;
    let from = if begins { end } else { resumed };
    let reader = log.reader(Stream::Incidents, INCIDENTS, from).await.map_err(cannot_read)?;
    let (sender, receiver) = mpsc::channel(WATCH_BUFFER);
    let mut watching = Watching {
        tenant,
        query,
        caught_up_at: end,
        is_behind: !begins,
        sender,
        draining,
        view: Arc::clone(view),
        told: BTreeMap::new(),
        most_told: FEW_TOLD,
    };
    if !begins {
        watching.may_have_told(&known);
    }
    let known = if begins { known } else { Vec::new() };
    tokio::spawn(watching.run(known, reader));
    Ok(ReceiverStream::new(receiver))
}

fn cannot_read(error: LogError) -> ApiError {
    match error {
        LogError::Rewound { .. } | LogError::Damaged { .. } => begin_again(),
        error => {
            ApiError::new(ErrorCode::Unavailable, format!("incidents cannot be read: {error}"))
        }
    }
}

/// What came behind a token, or behind what a slow watcher had read, is not all there or cannot be read.
fn begin_again() -> ApiError {
    let message = "the log no longer has all changes from there on: watch without a resume token, which begins with all \
                   incidents that there are";
    ApiError::new(ErrorCode::FailedPrecondition, message)
}

/// One watch.
struct Watching {
    tenant: Tenant,
    query: WatchQuery,
    caught_up_at: Offset,
    sender: mpsc::Sender<Result<v1::WatchIncidentsResponse, Status>>,
    draining: CancellationToken,
    view: Arc<View>,
    /// Whether what comes is older than the watch, which an earlier one may have told.
    is_behind: bool,
    /// What the watcher was told last of each incident, of those that there still are.
    told: BTreeMap<Id, Told>,
    /// At how many told incidents those that are gone are looked for.
    most_told: usize,
}

/// A revision that was told: its number and the hash of its content. Of an incident that an earlier watch told, none.
type Told = Option<(u64, Id)>;

impl Watching {
    /// Incidents that an earlier watch may have told: those that are severe now. What fell meanwhile comes from the log.
    fn may_have_told(&mut self, known: &[Arc<Revision>]) {
        let severe = known.iter().filter(|revision| self.is_asked_for(revision));
        self.told = severe.map(|revision| (revision.incident.id, None)).collect();
    }

    async fn run(mut self, known: Vec<Arc<Revision>>, reader: Box<dyn LogReader>) {
        if !self.tell_known(known).await {
            return;
        }
        if let Some(status) = self.follow(reader).await {
            // Whether the watcher still listens does not matter: this is the end.
            let _gone = self.sender.send(Err(status)).await.is_err();
        }
    }

    /// Tells the incidents that there are, the one last seen last. Whether the watcher still listens.
    async fn tell_known(&mut self, known: Vec<Arc<Revision>>) -> bool {
        for revision in known.into_iter().rev() {
            if !self.wants(&revision) {
                continue;
            }
            let event = IncidentEvent::Revision(Box::new(Arc::unwrap_or_clone(revision)));
            // Who has heard only a part of them begins again.
            if let Some(update) = self.update(event)
                && !self.send(Offset::START, update).await
            {
                return false;
            }
        }
        true
    }

    /// Tells what the log brings. Returns why the watch ends, unless the watcher ended it.
    async fn follow(&mut self, mut reader: Box<dyn LogReader>) -> Option<Status> {
        let (mut caught_up, mut last_sent) = (false, Instant::now());
        loop {
            let wait = if caught_up {
                HEARTBEAT.saturating_sub(last_sent.elapsed())
            } else {
                Duration::from_millis(1)
            };
            let read = tokio::select! {
                () = self.sender.closed() => return None,
                () = self.draining.cancelled() => {
                    return Some(Status::unavailable("the node stops: resume the watch elsewhere"));
                }
                read = reader.next(ReadLimit::default(), wait) => read,
            };
            let batch = match read {
                Ok(batch) if batch.lost.is_some() => return Some(begin_again().into()),
                Ok(batch) => batch,
                Err(error) => return Some(cannot_read(error).into()),
            };
            for stored in &batch.entries {
                let Ok(event) = decode_incident_event(&stored.entry.payload).inspect_err(
                    |error| tracing::error!(error = %error, "an incident is unreadable"),
                ) else {
                    return Some(begin_again().into());
                };
                if let Some(update) = self.update(event) {
                    if !self.send(stored.offset.after(), update).await {
                        return None;
                    }
                    last_sent = Instant::now();
                }
            }
            let catches_up =
                !caught_up && (batch.next >= self.caught_up_at || batch.entries.is_empty());
            if catches_up || last_sent.elapsed() >= HEARTBEAT {
                caught_up |= catches_up;
                self.is_behind = !caught_up;
                if !self.send(batch.next, WatchUpdate::Heartbeat { caught_up }).await {
                    return None;
                }
                last_sent = Instant::now();
            }
        }
    }

    /// What the watcher is told: nothing about other tenants, nothing twice, and nothing below what was asked for, unless
    /// it was told of the incident before.
    fn update(&mut self, event: IncidentEvent) -> Option<WatchUpdate> {
        if event.tenant() != &self.tenant {
            return None;
        }
        match event {
            IncidentEvent::Merged(merge) => {
                self.told.remove(&merge.old);
                Some(WatchUpdate::Merged(merge))
            }
            IncidentEvent::Revision(revision) => {
                if !self.wants(&revision) {
                    return None;
                }
                let Revision { incident, revision: number, .. } = &*revision;
                self.told.insert(incident.id, Some((*number, incident.content_hash)));
                if self.told.len() >= self.most_told {
                    let (view, tenant) = (&self.view, &self.tenant);
                    self.told.retain(|id, _| view.revision_of(tenant, *id).is_some());
                    self.most_told = self.told.len().saturating_mul(2).max(FEW_TOLD);
                }
                Some(WatchUpdate::Revision(revision))
            }
        }
    }

    /// Whether a revision is news to the watcher, of an incident that was asked for or told.
    fn wants(&self, revision: &Revision) -> bool {
        let told = self.told.get(&revision.incident.id).copied();
        let may_be_known = told.is_some() || self.is_behind && revision.revision > 1;
        let query = &self.query;
        let is_there =
            query.cluster.as_ref().is_none_or(|it| revision.incident.clusters.contains(it));
        !told.flatten().is_some_and(|told| self.is_passed(told, revision))
            && is_there
            && (may_be_known || self.is_asked_for(revision))
    }

    /// Whether the watcher was told the same or more. Of an incident that was forgotten and came back the numbers begin anew:
    /// the view, which is ahead of the log, shows it.
    fn is_passed(&self, (number, content): (u64, Id), revision: &Revision) -> bool {
        let Revision { incident, revision: offered, .. } = revision;
        let begins_anew = || {
            let current = self.view.revision_of(&self.tenant, incident.id);
            current.is_some_and(|current| current < number)
        };
        (*offered, incident.content_hash) == (number, content)
            || *offered < number && !begins_anew()
    }

    fn is_asked_for(&self, revision: &Revision) -> bool {
        let least = self.query.min_severity;
        least.is_none_or(|least| revision.incident.severity >= least)
    }

    /// Whether the watcher still listens.
    async fn send(&self, next: Offset, update: WatchUpdate) -> bool {
        let item = WatchItem { resume_token: next.0.to_string(), update };
        self.sender.send(Ok((&item).into())).await.is_ok()
    }
}

#[cfg(test)]
mod tests;
