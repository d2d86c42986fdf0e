//! What becomes of findings while a cluster changes, with a cluster that the test is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use airside_auth::KeyRing;
use airside_bus::{EmbeddedLog, EmbeddedLogOptions, EmbeddedQueue, EmbeddedQueueOptions};
use airside_ports::{
    ClusterError, ClusterFeed, ClusterSnapshot, ListScope, ObjectKind, Partitioner, ReadLimit,
    Store, Stream, Unlisted,
};
use airside_service::peers::PeerLimits;
use airside_service::{Health, Peers, SystemClock};
use airside_store::MemoryStore;
use airside_telemetry::Metrics;
use airside_types::FindingState;
use airside_wire::finding::FindingQuery;
use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::*;

/// A cluster whose watches tell what a test sends; each watch is one channel.
#[derive(Debug, Default)]
struct ToldCluster {
    watches: Mutex<VecDeque<mpsc::UnboundedReceiver<ClusterChange>>>,
}

struct ToldWatch(mpsc::UnboundedReceiver<ClusterChange>);

#[async_trait]
impl ClusterFeed for ToldCluster {
    async fn snapshot(&self, _versions: &[ObjectKind]) -> Result<ClusterSnapshot, ClusterError> {
        Ok(ClusterSnapshot::default())
    }

    async fn watch(&self) -> Result<Box<dyn ClusterWatch>, ClusterError> {
        let next = self.watches.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let next = next.ok_or(ClusterError::Unknown { reason: "no more watches".to_owned() })?;
        Ok(Box::new(ToldWatch(next)))
    }
}

#[async_trait]
impl ClusterWatch for ToldWatch {
    async fn next(&mut self) -> Option<ClusterChange> {
        self.0.recv().await
    }
}

/// A ledger, and a watcher that follows the told cluster.
struct Scene {
    ledger: Ledger,
    deps: Deps,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    watches: Vec<Option<mpsc::UnboundedSender<ClusterChange>>>,
}

impl Scene {
    /// A scene with so many watches, one after the other.
    async fn new(watches: usize) -> Self {
        let (senders, receivers): (Vec<_>, VecDeque<_>) =
            (0..watches).map(|_| mpsc::unbounded_channel()).unzip();
        let feed = Arc::new(ToldCluster { watches: Mutex::new(receivers) });
        let deps = deps(feed).await;
        let (ledger, writer) = Ledger::new(&deps);
        let watcher = Watcher::new(&deps, ledger.clone(), Severity::High, Duration::ZERO).unwrap();
        let stop = CancellationToken::new();
        let (mut tasks, token) = (JoinSet::new(), stop.clone());
        tasks.spawn(async move { watcher.work(&token).await });
        let token = stop.clone();
        tasks.spawn(async move { writer.run(&token).await.unwrap() });
        Self { ledger, deps, tasks, stop, watches: senders.into_iter().map(Some).collect() }
    }

    fn tell(&self, watch: usize, change: ClusterChange) {
        self.watches[watch].as_ref().unwrap().send(change).unwrap();
    }

    fn end(&mut self, watch: usize) {
        self.watches[watch] = None;
    }

    /// How the findings of a check stand, by the name of their object.
    async fn findings(&self, check: &str) -> BTreeMap<String, FindingState> {
        let query = FindingQuery { check: Some(check.to_owned()), ..FindingQuery::default() };
        let (entries, _) = self.ledger.list(&Tenant::default(), &query).await.unwrap();
        let findings = entries.into_iter().map(|it| (it.finding.object.name, it.finding.state));
        findings.collect()
    }

    /// Waits until the findings of `privileged-container` stand like this.
    async fn until(&self, expected: &[(&str, FindingState)]) {
        let expected: BTreeMap<String, FindingState> =
            expected.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect();
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let mut last = BTreeMap::new();
        for _ in 0..4_000 {
            ticks.tick().await;
            last = self.findings("privileged-container").await;
            if last == expected {
                return;
            }
        }
        panic!("{last:?} never became {expected:?}");
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

async fn deps(feed: Arc<dyn ClusterFeed>) -> Deps {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let log =
        EmbeddedLog::open(Arc::clone(&store), Arc::clone(&clock), EmbeddedLogOptions::default());
    let queue = EmbeddedQueue::open(Arc::clone(&store), EmbeddedQueueOptions::default());
    Deps {
        log: Arc::new(log.await.unwrap()),
        queue: Arc::new(queue.await.unwrap()),
        live: Some(LiveCluster { tenant: Tenant::default(), cluster: Cluster::default(), feed }),
        store,
        clock,
        partitioner: Partitioner::new(1),
        keys: Arc::new(KeyRing::default()),
        peers: Peers::new(&BTreeMap::new(), None, PeerLimits::default()).unwrap(),
        metrics: Metrics::new(),
        health: Health::default(),
        draining: CancellationToken::new(),
    }
}

fn scope(kind: &str) -> ListScope {
    let kind = ObjectKind { group: String::new(), version: "v1".to_owned(), kind: kind.to_owned() };
    ListScope { kind, namespace: None }
}

fn pod(name: &str, privileged: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "shop", "uid": name },
        "spec": { "containers": [{
            "name": "main", "image": "app:1", "securityContext": { "privileged": privileged },
        }] },
    })
}

fn listed(pods: &[Value]) -> ClusterChange {
    ClusterChange::Listed { scope: scope("Pod"), objects: pods.to_vec() }
}

const OPEN: FindingState = FindingState::Open;
const FIXED: FindingState = FindingState::Fixed;
const GONE: FindingState = FindingState::Gone;

#[tokio::test]
async fn findings_open_are_fixed_and_gone_as_objects_change() {
    let scene = Scene::new(1).await;
    scene.tell(0, listed(&[pod("a", true), pod("b", false)]));
    scene.tell(0, ClusterChange::Complete);
    scene.until(&[("a", OPEN)]).await;
    scene.tell(0, ClusterChange::Changed(pod("b", true)));
    scene.until(&[("a", OPEN), ("b", OPEN)]).await;
    scene.tell(0, ClusterChange::Changed(pod("a", false)));
    scene.until(&[("a", FIXED), ("b", OPEN)]).await;
    scene.tell(0, ClusterChange::Removed(pod("b", true)));
    scene.until(&[("a", FIXED), ("b", GONE)]).await;
    scene.tell(0, ClusterChange::Changed(pod("b", true)));
    scene.until(&[("a", FIXED), ("b", OPEN)]).await;
    scene.stop().await;
}

#[tokio::test]
async fn what_happened_while_nobody_watched_is_found_by_the_next_list() {
    let mut scene = Scene::new(2).await;
    scene.tell(0, listed(&[pod("a", true), pod("b", true), pod("c", true)]));
    scene.tell(0, ClusterChange::Complete);
    scene.until(&[("a", OPEN), ("b", OPEN), ("c", OPEN)]).await;
    scene.end(0);
    scene.tell(1, listed(&[pod("b", false), pod("c", true)]));
    scene.tell(1, ClusterChange::Complete);
    scene.until(&[("a", GONE), ("b", FIXED), ("c", OPEN)]).await;
    scene.stop().await;
}

#[tokio::test]
async fn what_can_no_longer_be_read_is_not_taken_for_gone() {
    let mut scene = Scene::new(2).await;
    scene.tell(0, listed(&[pod("a", true)]));
    scene.tell(0, ClusterChange::Complete);
    scene.until(&[("a", OPEN)]).await;
    scene.end(0);
    let refused = Unlisted { scope: scope("Pod"), reason: "no".to_owned(), is_refused: true };
    scene.tell(1, ClusterChange::Unlisted(refused));
    let other = ClusterChange::Listed {
        scope: scope("Namespace"),
        objects: vec![json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" },
        })],
    };
    scene.tell(1, other);
    scene.tell(1, ClusterChange::Complete);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while scene.findings("pod-security-not-enforced").await.is_empty() {
        ticks.tick().await;
    }
    scene.until(&[("a", OPEN)]).await;
    scene.stop().await;
}

#[tokio::test]
async fn half_a_picture_is_not_judged_and_nothing_live_gets_a_pass() {
    let scene = Scene::new(1).await;
    scene.tell(0, listed(&[pod("a", true)]));
    scene.tell(0, ClusterChange::Changed(pod("a", false)));
    scene.tell(0, ClusterChange::Changed(pod("b", true)));
    scene.tell(0, ClusterChange::Complete);
    scene.until(&[("b", OPEN)]).await;
    let partitions = scene.deps.partitioner.all();
    let start = airside_ports::Offset::START;
    let mut reader = scene.deps.log.reader(Stream::Configuration, partitions, start).await.unwrap();
    let read = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
    assert!(!read.entries.is_empty());
    for stored in read.entries {
        let records = airside_wire::record::decode_records(&stored.entry.payload).unwrap();
        let is_finding =
            |it: &airside_types::Record| matches!(it.payload, airside_types::Payload::Finding(_));
        assert!(records.iter().all(is_finding));
    }
    scene.stop().await;
}
