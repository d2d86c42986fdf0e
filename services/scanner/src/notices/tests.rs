//! Who is told what, by real receivers of HTTP on loopback, from a scanner that watches a cluster.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use airside_config::Secret;
use airside_k8s::{Value, json};
use airside_ports::{
    ClusterChange, ClusterError, ClusterFeed, ClusterSnapshot, ClusterWatch, KeyRange, ListScope,
    ObjectKind, Order, Sample,
};
use airside_service::{CancellationToken, LiveCluster, Mounts, Service, ServiceContext};
use airside_store::MemoryStore;
use airside_terms::TermsOfTenants;
use airside_types::{FindingState, TermFiles};
use airside_wire::finding::FindingQuery;
use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::ledger::Ledger;
use crate::options::RouteOptions;
use crate::testing::{self, PRIVILEGED, TestScanner};
use crate::{Options, Scanner};

/// The longest that a test waits for a notice.
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiver on loopback, which answers as it is told, then with 200.
struct Receiver {
    url: String,
    taken: mpsc::UnboundedReceiver<(String, Value)>,
}

#[derive(Clone)]
struct Answers {
    statuses: Arc<Mutex<Vec<StatusCode>>>,
    taken: mpsc::UnboundedSender<(String, Value)>,
}

async fn take(State(answers): State<Answers>, headers: HeaderMap, body: String) -> StatusCode {
    let id = headers["airside-notice-id"].to_str().unwrap().to_owned();
    answers.taken.send((id, serde_json::from_str(&body).unwrap())).unwrap();
    answers.statuses.lock().unwrap().pop().unwrap_or(StatusCode::OK)
}

impl Receiver {
    async fn answering(statuses: &[StatusCode]) -> Self {
        let (sender, taken) = mpsc::unbounded_channel();
        let statuses = Arc::new(Mutex::new(statuses.iter().rev().copied().collect()));
        let state = Answers { statuses, taken: sender };
        let router = Router::new().route("/hooks/secret", post(take)).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/secret", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, taken }
    }

    async fn new() -> Self {
        Self::answering(&[]).await
    }

    async fn next(&mut self) -> (String, Value) {
        tokio::time::timeout(PATIENCE, self.taken.recv()).await.expect("a notice").unwrap()
    }

    fn route(&self, owner: Option<&str>) -> RouteOptions {
        RouteOptions {
            url: Secret::new(self.url.as_str()),
            owner: owner.map(str::to_owned),
            tenant: "default".to_owned(),
            min_severity: "high".to_owned(),
        }
    }
}

/// A cluster in which nothing changes.
#[derive(Debug)]
struct StillCluster(Vec<Value>);

struct StillWatch(Vec<ClusterChange>);

#[async_trait]
impl ClusterFeed for StillCluster {
    async fn snapshot(&self, _versions: &[ObjectKind]) -> Result<ClusterSnapshot, ClusterError> {
        Ok(ClusterSnapshot::default())
    }

    async fn metrics(&self, _names: &[&str]) -> Result<Vec<Sample>, ClusterError> {
        Ok(Vec::new())
    }

    async fn watch(&self) -> Result<Box<dyn ClusterWatch>, ClusterError> {
        let kind = ObjectKind {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            kind: "Deployment".to_owned(),
        };
        let scope = ListScope { kind, namespace: None };
        let listed = ClusterChange::Listed { scope, objects: self.0.clone() };
        Ok(Box::new(StillWatch(vec![ClusterChange::Complete, listed])))
    }
}

#[async_trait]
impl ClusterWatch for StillWatch {
    async fn next(&mut self) -> Option<ClusterChange> {
        match self.0.pop() {
            Some(change) => Some(change),
            None => std::future::pending().await,
        }
    }
}

fn deployment(name: &str, team: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": name, "uid": name, "labels": { "team": team } },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{
                    "name": name, "image": image, "securityContext": { "privileged": true },
                }] },
            },
        },
    })
}

/// The scanner service as a node runs it, over a store that outlives it.
struct Life {
    ledger: Ledger,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Life {
    async fn begin(store: &Arc<MemoryStore>, data: Option<PathBuf>, options: Options) -> Self {
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
        let mut deps = testing::deps(store, Arc::new(airside_service::SystemClock)).await;
        let ingress = "registry.k8s.io/ingress-nginx/controller:v90.0.0";
        let objects = vec![
            deployment("controller", "edge", ingress),
            deployment("web", "shop", "registry.example/web:1.2.3"),
            deployment("lost", "nobody-routes-this", "registry.example/lost:1.2.3"),
        ];
        let feed = Arc::new(StillCluster(objects));
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        deps.live = Some(LiveCluster { tenant, cluster, feed });
        deps.terms.default = TermFiles { vulnerability_data: data, ..TermFiles::default() };
        let mut mounts = Mounts::default();
        let scanner = Scanner::build(options, deps.clone(), &mut mounts).await.unwrap();
        let stop = CancellationToken::new();
        let ready = deps.health.register("scanner");
        let context = ServiceContext { shutdown: stop.clone(), ready };
        let running = tokio::spawn(async move { scanner.run(context).await.unwrap() });
        let (ledger, _) = Ledger::new(
            &deps,
            Notices::new(&deps, &Options::default()).unwrap(),
            TermsOfTenants::built_in(),
        );
        Self { ledger, stop, running }
    }

    /// Waits until the one finding of a check is fixed.
    async fn until_fixed(&self, check: &str) {
        let query = FindingQuery {
            state: Some(FindingState::Fixed),
            check: Some(check.to_owned()),
            ..FindingQuery::default()
        };
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let fixed = async {
            while self.ledger.list(&Tenant::default(), &query).await.unwrap().0.is_empty() {
                ticks.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, fixed).await.expect("the finding is fixed");
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

/// Vulnerability data with these vulnerabilities of ingress-nginx.
fn data(folder: &Path, name: &str, ids: &[&str]) -> Option<PathBuf> {
    let advisory = |id: &&str| {
        json!({
            "id": id, "summary": "Runs what it is sent.", "published": "2099-01-01",
            "source": "https://example.com", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "affected": [{
                "component": "ingress-nginx", "ranges": [{ "introduced": "0", "fixed": "99.0.0" }],
            }],
        })
    };
    let component = json!({
        "name": "ingress-nginx", "title": "ingress-nginx", "images": ["ingress-nginx/controller"],
    });
    let file = json!({
        "format": 1, "date": "2099-01-01", "note": "", "components": [component],
        "advisories": ids.iter().map(advisory).collect::<Vec<_>>(),
    });
    std::fs::write(folder.join(name), file.to_string()).unwrap();
    Some(folder.join(name))
}

/// Each finding of a notice: what is new and of which check.
fn told(notice: &Value) -> Vec<String> {
    let findings = notice["findings"].as_array().unwrap().iter();
    let line =
        |it: &Value| format!("{} {}", it["news"].as_str().unwrap(), it["check"].as_str().unwrap());
    findings.map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_vulnerability_data_is_told_to_the_owning_team_in_one_notice_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (mut edge, mut shop, mut others) =
        (Receiver::new().await, Receiver::new().await, Receiver::new().await);
    let routes = vec![edge.route(Some("EDGE")), others.route(None), shop.route(Some("shop"))];
    let options = || Options { routes: routes.clone(), ..Options::default() };
    let store = Arc::new(MemoryStore::new());

    let life = Life::begin(&store, None, options()).await;
    for (receiver, owner) in
        [(&mut edge, "EDGE"), (&mut shop, "shop"), (&mut others, "nobody-routes-this")]
    {
        let (_, notice) = receiver.next().await;
        assert_eq!(notice["owner"], owner, "{notice}");
        assert!(told(&notice).contains(&"opened privileged-container".to_owned()), "{notice}");
        assert!(!notice.to_string().contains("CVE-2099"), "{notice}");
    }
    life.end().await;

    let (one, two) = ("CVE-2099-0001", "CVE-2099-0002");
    for (file, ids, expected) in [
        ("one.json", &[one][..], vec!["opened vulnerable-component"]),
        ("two.json", &[one, two][..], vec!["changed vulnerable-component"]),
        // What is mended is no news.
        ("none.json", &[][..], vec![]),
        ("back.json", &[one][..], vec!["reappeared vulnerable-component"]),
    ] {
        let life = Life::begin(&store, data(folder.path(), file, ids), options()).await;
        if expected.is_empty() {
            life.until_fixed("vulnerable-component").await;
        } else {
            let (id, notice) = edge.next().await;
            assert_eq!(notice["id"], id.as_str());
            assert_eq!(
                (notice["owner"].as_str(), told(&notice)),
                (Some("EDGE"), expected.iter().map(|it| (*it).to_owned()).collect())
            );
            let text = notice["text"].as_str().unwrap();
            assert!(ids.iter().all(|id| text.contains(id)), "{text}");
            let resource = &notice["findings"][0]["resource"];
            assert_eq!(
                (&resource["kind"], &resource["name"]),
                (&json!("Deployment"), &json!("controller"))
            );
        }
        life.end().await;
        let waiting = store.scan(NOTICES, KeyRange::all(), Order::Ascending, 10).await.unwrap();
        assert!(waiting.is_empty(), "{file}");
    }
    for receiver in [&mut edge, &mut shop, &mut others] {
        assert!(receiver.taken.try_recv().is_err());
    }
}

/// Publishes a privileged pod of a team to a scanner with one route, and runs what delivers.
struct Post {
    scanner: TestScanner,
    stop: CancellationToken,
    delivering: JoinHandle<()>,
}

impl Post {
    async fn of(route: RouteOptions) -> Self {
        let options = Options { routes: vec![route], ..Options::default() };
        let scanner = TestScanner::with(&options).await;
        let (notices, stop) = (scanner.notices.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let delivering = tokio::spawn(async move { notices.deliver(&stopped).await });
        Self { scanner, stop, delivering }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.delivering.await.unwrap();
        self.scanner.stop().await;
    }
}

#[tokio::test]
async fn a_notice_is_sent_again_as_the_same_until_it_is_taken_and_keeps_its_order() {
    let mut receiver = Receiver::answering(&[StatusCode::SERVICE_UNAVAILABLE]).await;
    let post = Post::of(receiver.route(None)).await;
    post.scanner.publish("one", &[("web.yaml", PRIVILEGED)]).await;
    post.scanner.clock.pass_seconds(1);
    post.scanner.publish("two", &[("web.yaml", PRIVILEGED)]).await;
    let (first, again, next) =
        (receiver.next().await, receiver.next().await, receiver.next().await);
    assert_eq!(first, again);
    assert_eq!((&first.1["cluster"], &next.1["cluster"]), (&json!("one"), &json!("two")));
    assert_ne!(first.0, next.0);
    post.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_set_aside_and_the_rest_goes_on() {
    let mut receiver = Receiver::answering(&[StatusCode::NOT_FOUND]).await;
    let post = Post::of(receiver.route(None)).await;
    post.scanner.publish("one", &[("web.yaml", PRIVILEGED)]).await;
    post.scanner.clock.pass_seconds(1);
    post.scanner.publish("two", &[("web.yaml", PRIVILEGED)]).await;
    let (first, next) = (receiver.next().await, receiver.next().await);
    assert_eq!((&first.1["cluster"], &next.1["cluster"]), (&json!("one"), &json!("two")));
    let expected = "the route of all others refuses it: the receiver answered 404 Not Found";
    assert_eq!(post.scanner.set_aside().await, [expected]);
    post.stop().await;
}

#[tokio::test]
async fn what_is_too_old_when_nobody_answers_is_set_aside_and_the_address_is_not_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/secret", listener.local_addr().unwrap());
    drop(listener);
    let mut route = Receiver::new().await.route(None);
    route.url = Secret::new(url);
    let post = Post::of(route).await;
    post.scanner.publish("one", &[("web.yaml", PRIVILEGED)]).await;
    post.scanner.clock.pass_seconds(24 * 3600);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let aside = async {
        loop {
            ticks.tick().await;
            let letters = post.scanner.set_aside().await;
            if let Some(reason) = letters.into_iter().next() {
                return reason;
            }
        }
    };
    let reason = tokio::time::timeout(PATIENCE, aside).await.expect("a dead letter");
    assert!(reason.starts_with("the route of all others did not take it in time: "), "{reason}");
    assert!(!reason.contains("secret"), "{reason}");
    post.stop().await;
}

#[tokio::test]
async fn a_scan_tells_each_owner_once_the_most_severe_first_within_bounds() {
    let mut receiver = Receiver::new().await;
    let post =
        Post::of(RouteOptions { min_severity: "info".to_owned(), ..receiver.route(None) }).await;
    let pods: Vec<(String, String)> = (0..60)
        .map(|number| {
            let team = format!("labels: {{team: {}}}, namespace: shop", ["a", "b"][number % 2]);
            (format!("{number}.yaml"), PRIVILEGED.replace("namespace: shop", &team))
        })
        .collect();
    let files: Vec<_> = pods.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let opened = post.scanner.publish("default", &files).await.opened;
    let (_, first) = receiver.next().await;
    let (_, second) = receiver.next().await;
    let mut owners = [&first, &second].map(|it| it["owner"].as_str().unwrap());
    owners.sort_unstable();
    assert_eq!(owners, ["a", "b"]);
    let count = |notice: &Value, key: &str| notice[key].as_u64().unwrap();
    assert_eq!(count(&first, "opened") + count(&second, "opened"), opened);
    assert_eq!(told(&first).len() as u64 + count(&first, "left_out"), count(&first, "opened"));
    assert_eq!(told(&first).len(), 50);
    assert_eq!(first["findings"][0]["severity"], "high");
    // The same once more is no news.
    post.scanner.publish("default", &files).await;
    post.stop().await;
    assert!(receiver.taken.try_recv().is_err());
}

#[test]
fn a_finding_goes_to_its_owners_routes_or_to_that_for_all_others_of_its_tenant() {
    let route = |tenant: &str, owner: Option<&str>| RouteOptions {
        url: Secret::new("https://hooks.example/x"),
        owner: owner.map(str::to_owned),
        tenant: tenant.to_owned(),
        min_severity: "medium".to_owned(),
    };
    let options = [
        route("default", Some("edge")),
        route("default", None),
        route("other", Some("edge")),
        route("other", Some("shop")),
        route("default", Some("@org/edge")),
    ];
    let routes = routes(&options).unwrap();
    let told = |tenant: &str, owner: Option<&str>, severity: airside_types::Severity| {
        let publication = testing::publication(&Tenant::default(), "a", &[("x", PRIVILEGED)]);
        let mut finding = publication.report.findings[0].clone();
        finding.owner = owner.map(str::to_owned);
        finding.severity = severity;
        let tenant = Tenant::new(tenant).unwrap();
        let chosen = route::of_finding(routes.iter(), &tenant, &finding);
        chosen.into_iter().map(|(index, _)| index).collect::<Vec<_>>()
    };
    use airside_types::Severity::{High, Low};
    for (tenant, owner, severity, expected) in [
        ("default", Some("edge"), High, vec![0]),
        ("default", Some("@Edge"), High, vec![0]),
        ("default", Some("@org/edge @edge"), High, vec![0, 4]),
        ("default", Some("shop"), High, vec![1]),
        ("default", None, High, vec![1]),
        ("default", Some("edge"), Low, vec![]),
        ("other", Some("shop"), High, vec![3]),
        // There is no route for all others of this tenant, and those of another tenant are none of its business.
        ("other", None, High, vec![]),
        ("third", Some("edge"), High, vec![]),
    ] {
        assert_eq!(told(tenant, owner, severity), expected, "{tenant} {owner:?} {severity}");
    }
}

#[test]
fn a_route_that_cannot_be_used_is_refused_and_its_address_is_not_repeated() {
    let good = || RouteOptions {
        url: Secret::new("https://hooks.example/token-1234"),
        owner: None,
        tenant: "default".to_owned(),
        min_severity: "high".to_owned(),
    };
    let url = |url: &str| RouteOptions { url: Secret::new(url), ..good() };
    for (wrong, expected) in [
        (url("hooks.example/token-1234"), "`url` is no address: write https://HOST/PATH"),
        (url("ftp://hooks.example/token-1234"), "`url` is no address"),
        (RouteOptions { owner: Some(" ".to_owned()), ..good() }, "`owner` is empty"),
        (RouteOptions { tenant: "A".to_owned(), ..good() }, "`A` is no tenant name"),
        (RouteOptions { min_severity: "huge".to_owned(), ..good() }, "huge"),
    ] {
        let error = format!("{:#}", routes(&[good(), wrong]).unwrap_err());
        assert!(error.starts_with("route 2 of `scanner.routes` is not usable: "), "{error}");
        assert!(error.contains(expected) && !error.contains("token-1234"), "{error}");
    }
}
