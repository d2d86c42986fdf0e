//! The questions about incidents: list, get by any id, and watch. How a watch goes on is `watch.rs`'.

use std::sync::Arc;

use airside_auth::Scope;
use airside_ports::{Log, Partition};
use airside_service::{Caller, CancellationToken, Deps};
use airside_types::{Id, Incident};
use airside_wire::incident::{IncidentQuery, WatchQuery};
use airside_wire::v1::incidents_service_server::IncidentsService;
use airside_wire::{ApiError, ErrorCode, v1};
use tonic::{Request, Response, Status};

use crate::view::View;
use crate::watch;

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

#[tonic::async_trait]
impl IncidentsService for IncidentsApi {
    type WatchIncidentsStream = watch::Updates;

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
            .all(caller.tenant())?
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
        let revision = self.view.resolve(caller.tenant(), id)?.ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, format!("there is no incident {id}"))
        })?;
        Ok(Response::new(v1::GetIncidentResponse { incident: Some(revision.as_ref().into()) }))
    }

    async fn watch_incidents(
        &self,
        request: Request<v1::WatchIncidentsRequest>,
    ) -> Result<Response<watch::Updates>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let query = WatchQuery::try_from(request.into_inner())?;
        let tenant = caller.tenant().clone();
        let watch =
            watch::open(&self.log, &self.view, tenant, query, self.draining.clone()).await?;
        Ok(Response::new(watch))
    }
}

fn matches_query(incident: &Incident, query: &IncidentQuery) -> bool {
    query.min_severity.is_none_or(|least| incident.severity >= least)
        && query.cluster.as_ref().is_none_or(|cluster| incident.clusters.contains(cluster))
        && query.since.is_none_or(|since| incident.last_seen >= since)
}

/// Where revisions are appended.
pub(crate) const INCIDENTS_PARTITION: Partition = Partition(0);
