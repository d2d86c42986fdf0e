//! Computing scans for callers and jobs: off the async runtime, and only so many at a time.
//!
//! What a scan says is `scan`'s.

use std::sync::Arc;
use std::time::Duration;

use airside_k8s::Limits;
use airside_terms::TermsOfTenants;
use airside_types::{Severity, Tenant, Timestamp};
use airside_wire::scan::{ScanRequest, ScanTerms};
use airside_wire::{ApiError, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::options::Options;
use crate::scan::{Scan, scan_files_within};

/// Computes scans. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Checker {
    turns: Arc<Semaphore>,
    at_a_time: usize,
    longest_wait: Duration,
    failing_severity: Severity,
    limits: Limits,
    terms: TermsOfTenants,
}

/// The right to compute one scan.
pub(crate) type Turn = OwnedSemaphorePermit;

impl Checker {
    pub(crate) fn new(
        options: &Options,
        failing_severity: Severity,
        terms: TermsOfTenants,
    ) -> Self {
        let at_a_time = options.concurrent_scans.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            turns: Arc::new(Semaphore::new(at_a_time)),
            at_a_time,
            longest_wait: options.scan_wait.as_duration(),
            failing_severity,
            limits: Limits::of_file_size(options.max_file_size.as_usize()),
            terms,
        }
    }

    /// From which severity on a finding fails its object, for a tenant's scan that asks for one or for none.
    fn failing(&self, tenant: &Tenant, asked: Option<Severity>) -> Severity {
        asked.or(self.terms.of(tenant).fail_on).unwrap_or(self.failing_severity)
    }

    /// By which terms a tenant's scan is carried out, for whoever asked for it.
    pub(crate) fn told(&self, tenant: &Tenant, asked: Option<Severity>) -> ScanTerms {
        let selection = &self.terms.of(tenant).selection;
        let severities = selection.severities().iter();
        ScanTerms {
            profile: selection.profile().to_owned(),
            left_out: selection.left_out().iter().map(|check| (*check).to_owned()).collect(),
            severities: severities.map(|(check, it)| ((*check).to_owned(), *it)).collect(),
            fail_on: self.failing(tenant, asked),
        }
    }

    /// Waits for a turn, however long it takes.
    pub(crate) async fn turn(&self) -> Result<Turn, ApiError> {
        let permit = Arc::clone(&self.turns).acquire_owned().await;
        permit.map_err(|_| ApiError::new(ErrorCode::Unavailable, "the scanner is closed"))
    }

    /// Waits for a turn as long as a caller may be left waiting.
    pub(crate) async fn turn_for_caller(&self) -> Result<Turn, ApiError> {
        match tokio::time::timeout(self.longest_wait, self.turn()).await {
            Ok(turn) => turn,
            Err(_) => Err(ApiError::new(
                ErrorCode::ResourceExhausted,
                format!(
                    "`scanner.concurrent_scans` ({}) were under way for {:?}: try again later",
                    self.at_a_time, self.longest_wait
                ),
            )),
        }
    }

    /// Checks files by the terms of their tenant, with the exceptions that hold on a day. The turn ends with the
    /// computation, also when nobody waits for it any more.
    pub(crate) async fn check(
        &self,
        turn: Turn,
        tenant: &Tenant,
        scan: ScanRequest,
        today: Timestamp,
    ) -> Result<Scan, ApiError> {
        let terms = Arc::clone(self.terms.of(tenant));
        let failing = self.failing(tenant, scan.failing_severity);
        let (tenant, limits) = (tenant.clone(), self.limits.clone());
        let computed = tokio::task::spawn_blocking(move || {
            let terms = terms.on(&tenant, &scan.cluster, failing, today);
            let computed = scan_files_within(&limits, &scan.files, &terms);
            drop(turn);
            computed
        });
        computed
            .await
            .map_err(|_| ApiError::new(ErrorCode::Internal, "the scan ended unexpectedly"))
    }
}
