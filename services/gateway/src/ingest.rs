//! Records that partners hand in: judged one by one, durable before the answer.

use std::sync::Arc;

use airside_auth::Scope;
use airside_ports::Clock;
use airside_service::publisher::PublishError;
use airside_service::{Caller, Deps, Publisher};
use airside_wire::ingest::read_request;
use airside_wire::v1::ingest_service_server::IngestService;
use airside_wire::{ApiError, ErrorCode, v1};
use tonic::{Request, Response, Status};

/// The gRPC service for partners.
#[derive(Debug)]
pub(crate) struct Ingest {
    publisher: Publisher,
    clock: Arc<dyn Clock>,
}

impl Ingest {
    pub(crate) fn new(deps: &Deps) -> Self {
        Self { publisher: deps.publisher(), clock: Arc::clone(&deps.clock) }
    }
}

#[tonic::async_trait]
impl IngestService for Ingest {
    async fn ingest(
        &self,
        request: Request<v1::IngestRequest>,
    ) -> Result<Response<v1::IngestResponse>, Status> {
        let caller = Caller::of(&request, Scope::Ingest)?;
        let (statements, rejected) = read_request(request.into_inner())?;
        let now = self.clock.now();
        let records: Vec<_> = statements
            .into_iter()
            .map(|statement| statement.into_record(caller.tenant(), now))
            .collect();
        let accepted = records.len() as u64;
        self.publisher.publish(records).await.map_err(|error| {
            let code = match &error {
                PublishError::Log(_) => ErrorCode::Unavailable,
                PublishError::Encode(_) => ErrorCode::InvalidArgument,
            };
            ApiError::new(code, error.to_string())
        })?;
        let rejected = rejected.iter().map(Into::into).collect();
        Ok(Response::new(v1::IngestResponse { accepted, rejected }))
    }
}
