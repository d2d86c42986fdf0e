//! What tests of the scanner need: its parts over a store, a clock that they move, and small manifests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use airside_auth::KeyRing;
use airside_bus::{EmbeddedLog, EmbeddedLogOptions, EmbeddedQueue, EmbeddedQueueOptions};
use airside_checks::Terms;
use airside_ports::{Clock, Offset, PartitionSet, Partitioner, ReadLimit, Store, Stream};
use airside_service::peers::PeerLimits;
use airside_service::{CancellationToken, Deps, Health, Peers};
use airside_store::{MemoryStore, SledOptions, SledStore};
use airside_telemetry::Metrics;
use airside_terms::TermsOfTenants;
use airside_types::{Cluster, FindingState, Record, Severity, Tenant, Timestamp};
use airside_wire::finding::{FindingEntry, FindingQuery};
use airside_wire::page::Page;
use airside_wire::scan::{Publication, PublishOutcome, SourceFile};
use airside_wire::{decode_dead_letter, decode_records};
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::api::ScanApi;
use crate::checker::Checker;
use crate::gather::Bounds;
use crate::jobs::Jobs;
use crate::ledger::Ledger;
use crate::notices::Notices;
use crate::options::Options;
use crate::scan::scan_files;
use crate::streams::Streams;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct SetClock(pub(crate) AtomicI64);

impl SetClock {
    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000_000, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// The moment at which tests begin, moved by seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos((1_800_000_000 + seconds) * 1_000_000_000)
}

/// The parts of a scanner, with the ledger's writer running.
#[derive(Debug)]
pub(crate) struct TestScanner {
    pub(crate) deps: Deps,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) ledger: Ledger,
    pub(crate) jobs: Jobs,
    pub(crate) notices: Notices,
    stop: CancellationToken,
    writing: JoinHandle<()>,
}

impl TestScanner {
    pub(crate) async fn in_memory() -> Self {
        Self::over(Arc::new(MemoryStore::new()), &Options::default()).await
    }

    pub(crate) async fn with(options: &Options) -> Self {
        Self::over(Arc::new(MemoryStore::new()), options).await
    }

    pub(crate) async fn over(store: Arc<dyn Store>, options: &Options) -> Self {
        let clock = Arc::new(SetClock(AtomicI64::new(at(0).as_nanos())));
        let deps = deps(store, Arc::<SetClock>::clone(&clock)).await;
        let notices = Notices::new(&deps, options).unwrap();
        let (ledger, writer) = Ledger::new(&deps, notices.clone(), terms(&deps));
        let checker = checker(options, &deps);
        let jobs = Jobs::new(&deps, ledger.clone(), checker, options);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let writing = tokio::spawn(async move { writer.run(&stopped).await.unwrap() });
        Self { deps, clock, ledger, jobs, notices, stop, writing }
    }

    /// The API, by settings of its own.
    pub(crate) fn api(&self, options: &Options) -> ScanApi {
        ScanApi {
            ledger: self.ledger.clone(),
            jobs: self.jobs.clone(),
            checker: checker(options, &self.deps),
            streams: Streams::new(options, self.deps.draining.clone()),
            bounds: Bounds::of(options),
        }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.writing).await.unwrap();
    }

    /// Ends the ledger's writer: nothing can be published any more.
    pub(crate) async fn stop_writing(&self) {
        self.stop.cancel();
        while !self.writing.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Why inputs were set aside, in order.
    pub(crate) async fn set_aside(&self) -> Vec<String> {
        let entries = self.entries(Stream::DeadLetters).await;
        let letters = entries.iter().map(|payload| decode_dead_letter(payload).unwrap());
        letters.map(|letter| letter.reason).collect()
    }

    /// Publishes what a scan of files for a cluster of the default tenant says.
    pub(crate) async fn publish(&self, cluster: &str, files: &[(&str, &str)]) -> PublishOutcome {
        let publication = publication(&Tenant::default(), cluster, files);
        self.ledger.publish(&Tenant::default(), publication).await.unwrap()
    }

    /// All findings of the default tenant in a cluster.
    pub(crate) async fn findings(&self, cluster: &str) -> Vec<FindingEntry> {
        let query = FindingQuery {
            cluster: Some(Cluster::new(cluster).unwrap()),
            page: Page::new(1000, None),
            ..FindingQuery::default()
        };
        self.ledger.list(&Tenant::default(), &query).await.unwrap().0
    }

    /// The finding of a check, of the default cluster; there is one.
    pub(crate) async fn finding_of(&self, check: &str) -> FindingEntry {
        let mut findings = self.findings("default").await;
        findings.retain(|entry| entry.finding.check == check);
        assert_eq!(findings.len(), 1, "{check}: {findings:#?}");
        findings.remove(0)
    }

    /// Every record that was published, in order.
    pub(crate) async fn told(&self) -> Vec<Record> {
        let entries = self.entries(Stream::Configuration).await;
        entries.iter().flat_map(|payload| decode_records(payload).unwrap()).collect()
    }

    async fn entries(&self, stream: Stream) -> Vec<Bytes> {
        let (all, start) = (PartitionSet::range(0, 64), Offset::START);
        let mut reader = self.deps.log.reader(stream, all, start).await.unwrap();
        let end = self.deps.log.end(stream).await.unwrap();
        let (mut entries, mut next) = (Vec::new(), start);
        while next < end {
            let wait = std::time::Duration::from_millis(10);
            for stored in reader.next(ReadLimit::default(), wait).await.unwrap().entries {
                entries.push(stored.entry.payload);
                next = Offset(stored.offset.0 + 1);
            }
        }
        entries
    }
}

fn terms(deps: &Deps) -> TermsOfTenants {
    TermsOfTenants::read(&deps.terms).unwrap()
}

fn checker(options: &Options, deps: &Deps) -> Checker {
    Checker::new(options, Severity::High, terms(deps))
}

/// A scan of files, ready to be published.
pub(crate) fn publication(tenant: &Tenant, cluster: &str, files: &[(&str, &str)]) -> Publication {
    let cluster = Cluster::new(cluster).unwrap();
    let scan = scan_files(&source(files), &Terms::new(tenant, &cluster, Severity::High));
    scan.publication(cluster)
}

pub(crate) fn source(files: &[(&str, &str)]) -> Vec<SourceFile> {
    let file = |(path, content): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        content: (*content).to_owned().into(),
    };
    files.iter().map(file).collect()
}

/// How many findings are in a state.
pub(crate) fn in_state(findings: &[FindingEntry], state: FindingState) -> usize {
    findings.iter().filter(|entry| entry.finding.state == state).count()
}

/// A store on disk.
pub(crate) async fn sled(folder: &Path) -> Arc<SledStore> {
    Arc::new(SledStore::open(folder, SledOptions::default()).await.unwrap())
}

pub(crate) async fn deps(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Deps {
    let options = EmbeddedLogOptions::default();
    let log = EmbeddedLog::open(Arc::clone(&store), Arc::clone(&clock), options).await.unwrap();
    let queue = EmbeddedQueue::open(Arc::clone(&store), EmbeddedQueueOptions::default());
    Deps {
        log: Arc::new(log),
        queue: Arc::new(queue.await.unwrap()),
        live: None,
        terms: Default::default(),
        store,
        data_dir: None,
        clock,
        partitioner: Partitioner::new(64),
        keys: Arc::new(KeyRing::default()),
        peers: Peers::new(&Default::default(), None, PeerLimits::default()).unwrap(),
        metrics: Metrics::new(),
        health: Health::default(),
        draining: CancellationToken::new(),
    }
}

/// A pod that is as privileged as pods can be.
pub(crate) const PRIVILEGED: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: registry.example/web:1
    securityContext: {privileged: true}
";

/// The same pod, less privileged.
pub(crate) const ORDINARY: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: registry.example/web:1
    securityContext: {privileged: false}
";
