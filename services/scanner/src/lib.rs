//! The scanner service: manifests become findings and boarding passes, and a live cluster findings.
//!
//! Owns the findings of every tenant and cluster with their life cycle (open, fixed, gone, and open again), the boarding
//! passes, and scan jobs. What is wrong with a manifest is `airside-checks`'.

mod api;
mod catalogue;
mod checker;
mod gather;
mod jobs;
mod ledger;
mod live;
mod notices;
mod options;
mod scan;
mod streams;
#[cfg(test)]
mod testing;
mod watch;

use airside_ports::QueueName;
use airside_service::{CancellationToken, Deps, Mounts, Service, ServiceContext};
use airside_terms::TermsOfTenants;
use airside_types::Severity;
use airside_wire::v1::catalogue_service_server::CatalogueServiceServer;
use airside_wire::v1::findings_service_server::FindingsServiceServer;
use airside_wire::v1::scan_service_server::ScanServiceServer;
use anyhow::Context;
use async_trait::async_trait;

use crate::api::{FindingsApi, ScanApi};
use crate::catalogue::CatalogueApi;
use crate::checker::Checker;
use crate::gather::Bounds;
use crate::jobs::Jobs;
use crate::ledger::{Ledger, Writer};
pub use crate::live::LiveObjects;
use crate::notices::Notices;
pub use crate::options::{Options, RouteOptions};
pub use crate::scan::{Scan, check_files, scan_files, scan_files_within};
use crate::streams::Streams;
use crate::watch::Watcher;

/// The queue of scans that somebody handed in.
const QUEUE: QueueName = QueueName::ScanJobs;

/// The scanner service.
#[derive(Debug)]
pub struct Scanner {
    writer: Writer,
    jobs: Jobs,
    watcher: Option<Watcher>,
    notices: Notices,
}

#[async_trait]
impl Service for Scanner {
    const NAME: &'static str = "scanner";
    const ABOUT: &'static str = "checks manifests and keeps their findings";
    type Options = Options;

    async fn build(options: Options, deps: Deps, mounts: &mut Mounts) -> anyhow::Result<Self> {
        let failing: Severity =
            options.failing_severity.parse().context("`scanner.failing_severity` is not usable")?;
        let terms = TermsOfTenants::read(&deps.terms).context("`terms` cannot be used")?;
        let notices = Notices::new(&deps, &options)?;
        let (ledger, writer) = Ledger::new(&deps, notices.clone(), terms.clone());
        let checker = Checker::new(&options, failing, terms.clone());
        let jobs = Jobs::new(&deps, ledger.clone(), checker.clone(), &options);
        let settle = options.settle.as_duration();
        let watcher = Watcher::new(&deps, ledger.clone(), &terms, failing, settle);
        let max_message = usize::try_from(options.max_request.as_u64())?;
        let api = ScanApi {
            ledger: ledger.clone(),
            jobs: jobs.clone(),
            checker,
            streams: Streams::new(&options, deps.draining.clone()),
            bounds: Bounds::of(&options),
        };
        let scans = ScanServiceServer::new(api)
            .max_decoding_message_size(max_message)
            .max_encoding_message_size(max_message);
        mounts.grpc(&deps, scans);
        mounts.grpc(&deps, FindingsServiceServer::new(FindingsApi::new(ledger)));
        mounts.grpc(&deps, CatalogueServiceServer::new(CatalogueApi::new(terms)));
        Ok(Self { writer, jobs, watcher, notices })
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        let stop_writing = CancellationToken::new();
        let writing = self.writer.run(&stop_writing);
        tokio::pin!(writing);
        let watching = async {
            if let Some(watcher) = &self.watcher {
                watcher.work(&context.shutdown).await;
            }
        };
        let work = async {
            let stop = &context.shutdown;
            tokio::join!(self.jobs.work(stop), watching, self.notices.deliver(stop))
        };
        context.ready.ready();
        tokio::select! {
            written = &mut writing => return Ok(written?),
            ((), (), ()) = work => {}
        }
        // The last job may still publish, so the writer goes last.
        stop_writing.cancel();
        Ok(writing.await?)
    }
}
