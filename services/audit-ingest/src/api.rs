//! What is known of clusters over gRPC: what was not told and why, and which bindings were used.

use std::sync::Arc;

use airside_auth::Scope;
use airside_service::Caller;
use airside_wire::suppression::{SuppressionQuery, to_wire};
use airside_wire::v1;
use airside_wire::v1::suppressions_service_server::SuppressionsService;
use airside_wire::v1::used_grants_service_server::UsedGrantsService;
use tonic::{Request, Response, Status};

use crate::owner::LedgerView;

/// Questions about the ledger.
#[derive(Debug)]
pub(crate) struct SuppressionsApi {
    ledger: Arc<LedgerView>,
}

impl SuppressionsApi {
    pub(crate) const fn new(ledger: Arc<LedgerView>) -> Self {
        Self { ledger }
    }
}

#[tonic::async_trait]
impl SuppressionsService for SuppressionsApi {
    async fn list_suppressions(
        &self,
        request: Request<v1::ListSuppressionsRequest>,
    ) -> Result<Response<v1::ListSuppressionsResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let query = SuppressionQuery::try_from(request.into_inner())
            .map_err(airside_wire::ApiError::from)?;
        let counted = self.ledger.of(caller.tenant(), query.cluster.as_ref());
        let suppressions = counted.iter().flat_map(|(cluster, counted)| {
            counted.suppressions.iter().map(|line| to_wire(cluster, line))
        });
        let clusters = counted.iter().map(|(cluster, counted)| v1::FoldedEvents {
            cluster: cluster.as_str().to_owned(),
            folded: counted.folded,
        });
        let (suppressions, clusters) = (suppressions.collect(), clusters.collect());
        Ok(Response::new(v1::ListSuppressionsResponse { suppressions, clusters }))
    }
}

/// Questions about used grants.
#[derive(Debug)]
pub(crate) struct UsedGrantsApi {
    known: Arc<LedgerView>,
}

impl UsedGrantsApi {
    pub(crate) const fn new(known: Arc<LedgerView>) -> Self {
        Self { known }
    }
}

#[tonic::async_trait]
impl UsedGrantsService for UsedGrantsApi {
    async fn list_used_grants(
        &self,
        request: Request<v1::ListUsedGrantsRequest>,
    ) -> Result<Response<v1::ListUsedGrantsResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let cluster = airside_wire::used_grant::cluster_of(request.get_ref())
            .map_err(airside_wire::ApiError::from)?;
        let used = self.known.used_grants(&(caller.tenant().clone(), cluster));
        let used = used.ok_or_else(|| {
            Status::unavailable(
                "what was used is not read yet, or another node owns the partitions",
            )
        })?;
        Ok(Response::new(used.as_ref().into()))
    }
}
