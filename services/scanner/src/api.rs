//! The gRPC services of the scanner: scans and findings.

use airside_auth::Scope;
use airside_checks::Terms;
use airside_service::Caller;
use airside_types::{Id, Severity, Timestamp};
use airside_wire::finding::FindingQuery;
use airside_wire::scan::{Publication, ScanAnswer, ScanRequest};
use airside_wire::v1::findings_service_server::FindingsService;
use airside_wire::v1::scan_service_server::ScanService;
use airside_wire::{ApiError, ErrorCode, v1};
use bytes::Bytes;
use tonic::{Request, Response, Status};

use crate::jobs::Jobs;
use crate::ledger::Ledger;
use crate::scan::scan_files;

/// Scans on demand, publications and jobs.
#[derive(Debug)]
pub(crate) struct ScanApi {
    ledger: Ledger,
    jobs: Jobs,
    failing_severity: Severity,
}

impl ScanApi {
    pub(crate) const fn new(ledger: Ledger, jobs: Jobs, failing_severity: Severity) -> Self {
        Self { ledger, jobs, failing_severity }
    }
}

#[tonic::async_trait]
impl ScanService for ScanApi {
    async fn scan(
        &self,
        request: Request<v1::ScanRequest>,
    ) -> Result<Response<v1::ScanResponse>, Status> {
        let caller = Caller::of(&request, Scope::Scan)?;
        let scan = ScanRequest::try_from(request.into_inner())?;
        let answer =
            carry_out(&self.ledger, &caller, scan, self.failing_severity, self.jobs.now()).await?;
        Ok(Response::new((&answer).into()))
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
}

/// Scans by the exceptions that hold today, and publishes the report where that was asked for.
pub(crate) async fn carry_out(
    ledger: &Ledger,
    caller: &Caller,
    scan: ScanRequest,
    failing_severity: Severity,
    today: Timestamp,
) -> Result<ScanAnswer, ApiError> {
    let (publish, cluster) = (scan.publish, scan.cluster.clone());
    let failing = scan.failing_severity.unwrap_or(failing_severity);
    let tenant = caller.tenant().clone();
    // Checking is pure computation, perhaps of many megabytes.
    let scanned = tokio::task::spawn_blocking(move || {
        scan_files(
            &scan.files,
            &Terms { today: Some(today), ..Terms::new(&tenant, &scan.cluster, failing) },
        )
    });
    let scan = scanned
        .await
        .map_err(|_| ApiError::new(ErrorCode::Internal, "the scan ended unexpectedly"))?;
    let published = if publish {
        Some(ledger.publish(caller.tenant(), scan.publication(cluster)).await?)
    } else {
        None
    };
    Ok(ScanAnswer { report: scan.report, published })
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
