//! The questions about incidents: list, get by any id, and watch with a resume token.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use airside_auth::Scope;
use airside_ports::{Log, LogReader, Offset, Partition, PartitionSet, ReadLimit, Stream};
use airside_service::{Caller, CancellationToken, Deps};
use airside_types::{Id, Incident, Tenant};
use airside_wire::incident::{
    IncidentQuery, Revision, WatchItem, WatchQuery, WatchUpdate, decode_incident_event,
};
use airside_wire::v1::incidents_service_server::IncidentsService;
use airside_wire::{ApiError, ErrorCode, IncidentEvent, v1};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::view::View;

/// The incidents stream has one partition.
const INCIDENTS: PartitionSet = PartitionSet::range(0, 1);
/// How long a watch waits for news before it sends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How many messages may wait for a slow watcher before reading the log pauses.
const WATCH_BUFFER: usize = 64;

/// The gRPC service about incidents.
#[derive(Debug)]
pub(crate) struct IncidentsApi {
    log: Arc<dyn Log>,
    view: Arc<View>,
    draining: CancellationToken,
}

impl IncidentsApi {
    pub(crate) fn new(deps: &Deps, view: Arc<View>) -> Self {
        Self { log: Arc::clone(&deps.log), view, draining: deps.draining.clone() }
    }
}

type Watch =
    Pin<Box<dyn futures::Stream<Item = Result<v1::WatchIncidentsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl IncidentsService for IncidentsApi {
    type WatchIncidentsStream = Watch;

    async fn list_incidents(
        &self,
        request: Request<v1::ListIncidentsRequest>,
    ) -> Result<Response<v1::ListIncidentsResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let query = IncidentQuery::try_from(request.into_inner())?;
        let skip: usize = match query.page.token() {
            None => 0,
            Some(token) => token.parse().map_err(|_| {
                ApiError::new(ErrorCode::InvalidArgument, "page_token is not one of ours")
            })?,
        };
        let mut matching = self
            .view
            .all(caller.tenant())
            .into_iter()
            .filter(|revision| matches_query(&revision.incident, &query))
            .skip(skip);
        let page: Vec<_> = matching.by_ref().take(query.page.size()).collect();
        let more = matching.next().is_some();
        Ok(Response::new(v1::ListIncidentsResponse {
            next_page_token: if more { (skip + page.len()).to_string() } else { String::new() },
            incidents: page.iter().map(|revision| revision.as_ref().into()).collect(),
        }))
    }

    async fn get_incident(
        &self,
        request: Request<v1::GetIncidentRequest>,
    ) -> Result<Response<v1::GetIncidentResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let id = Id::try_from(request.into_inner())?;
        let revision = self.view.resolve(caller.tenant(), id).ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, format!("there is no incident {id}"))
        })?;
        Ok(Response::new(v1::GetIncidentResponse { incident: Some(revision.as_ref().into()) }))
    }

    async fn watch_incidents(
        &self,
        request: Request<v1::WatchIncidentsRequest>,
    ) -> Result<Response<Watch>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let query = WatchQuery::try_from(request.into_inner())?;
        let from = match query.resume_token.as_deref() {
            None => Offset::START,
            Some(token) => token.parse().map(Offset).map_err(|_| {
                ApiError::new(ErrorCode::InvalidArgument, "resume_token is not one of ours")
            })?,
        };
        let unavailable = |error| {
            ApiError::new(ErrorCode::Unavailable, format!("incidents cannot be read: {error}"))
        };
        let caught_up_at = self.log.end(Stream::Incidents).await.map_err(unavailable)?;
        let reader =
            self.log.reader(Stream::Incidents, INCIDENTS, from).await.map_err(unavailable)?;
        let (sender, receiver) = mpsc::channel(WATCH_BUFFER);
        let watch = Watching {
            tenant: caller.tenant().clone(),
            query,
            caught_up_at,
            sender,
            draining: self.draining.clone(),
        };
        // Ends when the watcher goes away, the node stops, or the log is closed.
        tokio::spawn(watch.follow(reader));
        Ok(Response::new(ReceiverStream::new(receiver).boxed()))
    }
}

fn matches_query(incident: &Incident, query: &IncidentQuery) -> bool {
    query.min_severity.is_none_or(|least| incident.severity >= least)
        && query.cluster.as_ref().is_none_or(|cluster| incident.clusters.contains(cluster))
        && query.since.is_none_or(|since| incident.last_seen >= since)
}

/// One watch.
struct Watching {
    tenant: Tenant,
    query: WatchQuery,
    caught_up_at: Offset,
    sender: mpsc::Sender<Result<v1::WatchIncidentsResponse, Status>>,
    draining: CancellationToken,
}

impl Watching {
    async fn follow(self, mut reader: Box<dyn LogReader>) {
        let mut caught_up = false;
        loop {
            let wait = if caught_up { HEARTBEAT } else { Duration::from_millis(1) };
            let read = tokio::select! {
                () = self.sender.closed() => return,
                () = self.draining.cancelled() => {
                    let status = Status::unavailable("the node stops: resume the watch elsewhere");
                    let _gone = self.sender.send(Err(status)).await.is_err();
                    return;
                }
                read = reader.next(ReadLimit::default(), wait) => read,
            };
            let batch = match read {
                Ok(batch) => batch,
                Err(error) => {
                    let status = Status::unavailable(format!("incidents cannot be read: {error}"));
                    // Whether the watcher still listens does not matter: this is the end.
                    let _gone = self.sender.send(Err(status)).await.is_err();
                    return;
                }
            };
            let quiet = batch.entries.is_empty();
            for stored in &batch.entries {
                let payload = &stored.entry.payload;
                if let Some(update) = self.update(payload)
                    && !self.send(stored.offset.after(), update).await
                {
                    return;
                }
            }
            let reached = batch.next >= self.caught_up_at || quiet;
            if (reached && !caught_up) || quiet {
                caught_up = true;
                let heartbeat = WatchUpdate::Heartbeat { caught_up };
                if !self.send(batch.next, heartbeat).await {
                    return;
                }
            }
        }
    }

    /// What the watcher is told about an entry: nothing about other tenants, or below what was asked for.
    fn update(&self, payload: &[u8]) -> Option<WatchUpdate> {
        let event = decode_incident_event(payload)
            .inspect_err(|error| tracing::error!(error = %error, "an incident cannot be read back"))
            .ok()?;
        if event.tenant() != &self.tenant {
            return None;
        }
        match event {
            IncidentEvent::Merged(merge) => Some(WatchUpdate::Merged(merge)),
            IncidentEvent::Revision(revision) => {
                self.wants(&revision).then_some(WatchUpdate::Revision(revision))
            }
        }
    }

    fn wants(&self, revision: &Revision) -> bool {
        let incident = &revision.incident;
        self.query.min_severity.is_none_or(|least| incident.severity >= least)
            && self.query.cluster.as_ref().is_none_or(|name| incident.clusters.contains(name))
    }

    /// Whether the watcher still listens.
    async fn send(&self, next: Offset, update: WatchUpdate) -> bool {
        let item = WatchItem { resume_token: next.0.to_string(), update };
        self.sender.send(Ok((&item).into())).await.is_ok()
    }
}

/// Where revisions are appended.
pub(crate) const INCIDENTS_PARTITION: Partition = Partition(0);
