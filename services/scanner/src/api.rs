//! The gRPC services of the scanner: scans and findings.

use std::pin::Pin;

use airside_auth::Scope;
use airside_service::Caller;
use airside_types::{Id, Tenant};
use airside_wire::finding::FindingQuery;
use airside_wire::scan::stream::answer_parts;
use airside_wire::scan::{Publication, ScanAnswer, ScanRequest};
use airside_wire::v1::findings_service_server::FindingsService;
use airside_wire::v1::scan_service_server::ScanService;
use airside_wire::{ApiError, ErrorCode, v1};
use bytes::Bytes;
use futures::{Stream, TryStreamExt, stream};
use tonic::{Request, Response, Status, Streaming};

use crate::checker::Checker;
use crate::gather::{Bounds, GatheredPublication, GatheredScan};
use crate::jobs::Jobs;
use crate::ledger::Ledger;
use crate::streams::Streams;

/// Scans on demand, publications and jobs. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct ScanApi {
    pub(crate) ledger: Ledger,
    pub(crate) jobs: Jobs,
    pub(crate) checker: Checker,
    pub(crate) streams: Streams,
    pub(crate) bounds: Bounds,
}

impl ScanApi {
    /// Scans by the exceptions that hold today, and publishes the report where that was asked for.
    async fn carry_out(&self, tenant: &Tenant, scan: ScanRequest) -> Result<ScanAnswer, ApiError> {
        let (publish, cluster) = (scan.publish, scan.cluster.clone());
        let terms = Some(self.checker.told(tenant, scan.failing_severity));
        let turn = self.checker.turn_for_caller().await?;
        let scan = self.checker.check(turn, tenant, scan, self.jobs.now()).await?;
        let published = if publish {
            Some(self.ledger.publish(tenant, scan.publication(cluster)).await?)
        } else {
            None
        };
        Ok(ScanAnswer { report: scan.into_answer(), published, terms })
    }
}

/// A report in parts.
type Answer = Pin<Box<dyn Stream<Item = Result<v1::ScanStreamResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ScanService for ScanApi {
    type ScanStreamStream = Answer;

    async fn scan(
        &self,
        request: Request<v1::ScanRequest>,
    ) -> Result<Response<v1::ScanResponse>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let scan = ScanRequest::try_from(request.into_inner())?;
        let answer = self.carry_out(caller.tenant(), scan).await?;
        Ok(Response::new((&answer).into()))
    }

    /// Answers at once, and scans as the answer is read: so a caller that goes away ends everything, and
    /// nobody on the way takes a long scan for a silent service.
    async fn scan_stream(
        &self,
        request: Request<Streaming<v1::ScanStreamRequest>>,
    ) -> Result<Response<Answer>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let place = self.streams.enter(caller.tenant()).await?;
        let (api, messages) = (self.clone(), request.into_inner());
        let answer = async move {
            let scan = api.streams.gather(messages, GatheredScan::new(api.bounds)).await?;
            let answer = api.carry_out(caller.tenant(), scan).await?;
            // The report holds its place until it is read.
            let parts = answer_parts(answer).map(move |part| {
                let _held = &place;
                Ok(part)
            });
            Ok::<_, Status>(stream::iter(parts))
        };
        Ok(Response::new(Box::pin(stream::once(answer).try_flatten())))
    }

    async fn publish(
        &self,
        request: Request<v1::PublishRequest>,
    ) -> Result<Response<v1::PublishResponse>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let publication = Publication::try_from(request.into_inner())?;
        let outcome =
            self.ledger.publish(caller.tenant(), publication).await.map_err(ApiError::from)?;
        Ok(Response::new(v1::PublishResponse { outcome: Some((&outcome).into()) }))
    }

    async fn publish_stream(
        &self,
        request: Request<Streaming<v1::PublishStreamRequest>>,
    ) -> Result<Response<v1::PublishStreamResponse>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let _place = self.streams.enter(caller.tenant()).await?;
        let gathered = GatheredPublication::new(self.bounds);
        let publication = self.streams.gather(request.into_inner(), gathered).await?;
        let outcome =
            self.ledger.publish(caller.tenant(), publication).await.map_err(ApiError::from)?;
        Ok(Response::new(v1::PublishStreamResponse { outcome: Some((&outcome).into()) }))
    }

    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let scan = request
            .into_inner()
            .scan
            .ok_or_else(|| ApiError::new(ErrorCode::InvalidArgument, "scan: is missing"))?;
        let id = self.jobs.submit(caller.tenant(), ScanRequest::try_from(scan)?).await?;
        Ok(Response::new(v1::SubmitResponse { job_id: Bytes::copy_from_slice(id.as_bytes()) }))
    }

    async fn get_job(
        &self,
        request: Request<v1::GetJobRequest>,
    ) -> Result<Response<v1::GetJobResponse>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let id = Id::try_from(request.into_inner())?;
        let job = self.jobs.get(caller.tenant(), id).await?;
        let job =
            job.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no job {id}")))?;
        Ok(Response::new(v1::GetJobResponse { job: Some((&job).into()) }))
    }

    async fn cancel_job(
        &self,
        request: Request<v1::CancelJobRequest>,
    ) -> Result<Response<v1::CancelJobResponse>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let id = Id::try_from(request.into_inner())?;
        let job = self.jobs.cancel(caller.tenant(), id).await?;
        let job =
            job.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no job {id}")))?;
        Ok(Response::new(v1::CancelJobResponse { job: Some((&job).into()) }))
    }
}

/// Questions about findings.
#[derive(Debug)]
pub(crate) struct FindingsApi {
    ledger: Ledger,
}

impl FindingsApi {
    pub(crate) const fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }
}

#[tonic::async_trait]
impl FindingsService for FindingsApi {
    async fn list_findings(
        &self,
        request: Request<v1::ListFindingsRequest>,
    ) -> Result<Response<v1::ListFindingsResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let query = FindingQuery::try_from(request.into_inner())?;
        let (entries, next) =
            self.ledger.list(caller.tenant(), &query).await.map_err(ApiError::from)?;
        Ok(Response::new(v1::ListFindingsResponse {
            findings: entries.iter().map(Into::into).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn get_finding(
        &self,
        request: Request<v1::GetFindingRequest>,
    ) -> Result<Response<v1::GetFindingResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let id = Id::try_from(request.into_inner())?;
        let entry = self.ledger.get(caller.tenant(), id).await.map_err(ApiError::from)?;
        let entry = entry.ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, format!("there is no finding {id}"))
        })?;
        Ok(Response::new(v1::GetFindingResponse { finding: Some((&entry).into()) }))
    }
}

#[cfg(test)]
mod tests;
