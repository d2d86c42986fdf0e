//! What becomes of findings while a cluster changes, with a cluster that the test is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use airside_k8s::{Value, json};
use airside_ports::{
    ClusterError, ClusterFeed, ClusterSnapshot, ListScope, ObjectKind, Sample, Unlisted,
};
use airside_terms::TermsOfTenants;
use airside_types::{Cluster, FindingState, Payload, Tenant};
use airside_wire::v1;
use airside_wire::v1::used_grants_service_server::{
    SERVICE_NAME as USED_GRANTS, UsedGrantsService, UsedGrantsServiceServer,
};
use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::testing::TestScanner;

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

    async fn metrics(&self, _names: &[&str]) -> Result<Vec<Sample>, ClusterError> {
        Ok(Vec::new())
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

/// A scanner, and a watcher that follows the told cluster.
struct Scene {
    scanner: TestScanner,
    watching: JoinHandle<()>,
    stop: CancellationToken,
    watches: Vec<Option<mpsc::UnboundedSender<ClusterChange>>>,
}

impl Scene {
    /// A scene with so many watches, one after the other.
    async fn new(watches: usize) -> Self {
        Self::over(watches, TestScanner::in_memory().await)
    }

    fn over(watches: usize, scanner: TestScanner) -> Self {
        let (senders, receivers): (Vec<_>, VecDeque<_>) =
            (0..watches).map(|_| mpsc::unbounded_channel()).unzip();
        let feed = Arc::new(ToldCluster { watches: Mutex::new(receivers) });
        let live = LiveCluster { tenant: Tenant::default(), cluster: Cluster::default(), feed };
        let deps = Deps { live: Some(live), ..scanner.deps.clone() };
        let ledger = scanner.ledger.clone();
        let terms = TermsOfTenants::read(&deps.terms).unwrap();
        let watcher = Watcher::new(&deps, ledger, &terms, Severity::High, Duration::ZERO).unwrap();
        let stop = CancellationToken::new();
        let token = stop.clone();
        let watching = tokio::spawn(async move { watcher.work(&token).await });
        Self { scanner, watching, stop, watches: senders.into_iter().map(Some).collect() }
    }

    fn tell(&self, watch: usize, change: ClusterChange) {
        self.watches[watch].as_ref().unwrap().send(change).unwrap();
    }

    fn end(&mut self, watch: usize) {
        self.watches[watch] = None;
    }

    /// How the findings of a check stand, by the name of their object.
    async fn findings(&self, check: &str) -> BTreeMap<String, FindingState> {
        let mut entries = self.scanner.findings("default").await;
        entries.retain(|it| it.finding.check == check);
        entries.into_iter().map(|it| (it.finding.object.name.clone(), it.finding.state)).collect()
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

    async fn stop(self) {
        self.stop.cancel();
        self.watching.await.unwrap();
        self.scanner.stop().await;
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

/// Audit-ingest, as far as the scanner asks it: `alive` was used for forty days. So often it does not know yet.
struct Told {
    silent: std::sync::atomic::AtomicU32,
}

impl Told {
    fn after(silent: u32, scene: &Scene) {
        let told = UsedGrantsServiceServer::new(Self { silent: silent.into() });
        let routes = tonic::service::Routes::new(told);
        scene.scanner.deps.peers.register_local(USED_GRANTS, routes);
    }
}

#[tonic::async_trait]
impl UsedGrantsService for Told {
    async fn list_used_grants(
        &self,
        _request: tonic::Request<v1::ListUsedGrantsRequest>,
    ) -> Result<tonic::Response<v1::ListUsedGrantsResponse>, tonic::Status> {
        use std::sync::atomic::Ordering::SeqCst;
        if self.silent.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(tonic::Status::unavailable("not read yet"));
        }
        let day = |day: i64| day * 86_400_000_000_000;
        let used = v1::UsedGrant {
            binding_kind: "ClusterRoleBinding".to_owned(),
            binding: "alive".to_owned(),
            role_kind: "ClusterRole".to_owned(),
            role: "edit".to_owned(),
            subject_kind: "User".to_owned(),
            subject: "ada".to_owned(),
            first_unix_nanos: day(20_000),
            last_unix_nanos: day(20_040),
            ..v1::UsedGrant::default()
        };
        Ok(tonic::Response::new(v1::ListUsedGrantsResponse {
            since_unix_nanos: Some(used.first_unix_nanos),
            grants: vec![used],
            incomplete: false,
        }))
    }
}

fn binding(name: &str) -> ClusterChange {
    ClusterChange::Changed(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": { "name": name, "creationTimestamp": "2020-01-01T00:00:00Z" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit" },
        "subjects": [{ "kind": "User", "name": "ada" }],
    }))
}

#[tokio::test]
async fn a_binding_that_audit_ingest_knows_as_needed_by_nobody_is_a_finding() {
    let scene = Scene::new(1).await;
    Told::after(1, &scene);
    ["alive", "left"].into_iter().for_each(|name| scene.tell(0, binding(name)));
    scene.tell(0, listed(&[pod("a", true)]));
    scene.tell(0, ClusterChange::Complete);
    scene.until(&[("a", OPEN)]).await;
    let found = scene.findings("unused-binding").await;
    assert_eq!(found, BTreeMap::from([("left".to_owned(), OPEN)]));
    scene.stop().await;
}

#[tokio::test]
async fn a_watch_that_begins_while_audit_ingest_is_silent_takes_no_binding_for_fixed() {
    let store = Arc::new(airside_store::MemoryStore::new());
    let options = crate::options::Options::default();
    let scene = Scene::over(1, TestScanner::over(store.clone(), &options).await);
    Told::after(0, &scene);
    ["alive", "left", "dropped"].into_iter().for_each(|name| scene.tell(0, binding(name)));
    scene.tell(0, listed(&[pod("a", true)]));
    scene.tell(0, ClusterChange::Complete);
    scene.until(&[("a", OPEN)]).await;
    scene.stop().await;

    // The scanner starts again, and nobody is there who could be asked.
    let scene = Scene::over(1, TestScanner::over(store, &options).await);
    let other = ClusterChange::Listed {
        scope: ListScope {
            kind: ObjectKind {
                group: "rbac.authorization.k8s.io".to_owned(),
                version: "v1".to_owned(),
                kind: "ClusterRoleBinding".to_owned(),
            },
            namespace: None,
        },
        objects: Vec::new(),
    };
    scene.tell(0, other);
    ["alive", "left"].into_iter().for_each(|name| scene.tell(0, binding(name)));
    scene.tell(0, listed(&[pod("a", false)]));
    scene.tell(0, ClusterChange::Complete);
    scene.until(&[("a", FIXED)]).await;
    let found = scene.findings("unused-binding").await;
    let expected = [("dropped".to_owned(), GONE), ("left".to_owned(), OPEN)];
    assert_eq!(found, BTreeMap::from(expected));
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
    let told = scene.scanner.told().await;
    assert!(!told.is_empty());
    assert!(told.iter().all(|it| matches!(it.payload, Payload::Finding(_))), "{told:#?}");
    scene.stop().await;
}
