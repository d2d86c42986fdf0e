//! A live cluster of two thousand objects: scanned, compared with its manifests, and followed.
//!
//! Owns what is in the cluster, what changes, and how fast that has to be known. Everything is read with the role
//! that Airside ships.

mod objects;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use airside_cluster::{ClusterOptions, KubeCluster};
use airside_ports::{ClusterFeed, Sample};
use airside_types::{
    Cluster as ClusterName, FieldPath, Finding, FindingState, Id, ObjectRef, Place, Severity,
    Tenant,
};
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::objects::{COUNT, Placed, deployment, manifests, namespaces, objects};
use crate::api_client::ApiClient;
use crate::binaries::ControlPlaneBinaries;
use crate::cluster::{Cluster, SETUP};
use crate::platform::Airside;
use crate::program::airside_binary;
use crate::{say, waiting};

/// The role that Airside ships.
const ROLE: &str = include_str!("../../../deploy/cluster-reader.yaml");
/// The service account of that file.
const ACCOUNT: &str = "/api/v1/namespaces/airside/serviceaccounts/airside/token";
/// Where an API server sends its audit events, of which it loses all.
const NOWHERE: &str = "apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: 'https://127.0.0.1:1/events'}}]
contexts: [{name: nowhere, context: {cluster: nowhere}}]
current-context: nowhere
";
/// How long an API server may try to hand on an event before it counts it as lost.
const LOST_WITHIN: Duration = Duration::from_secs(40);
/// How long the first picture of the cluster may take.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);
/// From a change to its finding.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// How long one finding is waited for; the machine may be busy with something else.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many objects are created at a time.
const AT_A_TIME: usize = 8;
/// How many changes are measured at most.
const CHANGES: usize = 10;

/// Fills a cluster, and holds Airside to what it has to know of it.
pub(crate) async fn play(binaries: &ControlPlaneBinaries) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("reader.kubeconfig");
    let airside = Airside::start_watching(folder.path(), &kubeconfig).await;
    let cluster = Cluster::start(binaries, folder.path(), Some(NOWHERE), &[]).await;
    let repository = folder.path().join("repository");
    fill(&cluster, &repository).await;
    let mut setup = cluster.api_client(&SETUP, "setup").await;
    let token = reader(&mut setup).await;
    std::fs::rename(cluster.kubeconfig(&token), &kubeconfig).unwrap();

    a_scan_shows_findings(&kubeconfig);
    a_comparison_tells_the_commit(&kubeconfig, &repository);
    // Known from the first picture on.
    until(&airside, finding_id(0, "writable-root-filesystem"), FindingState::Open, KNOWN_WITHIN)
        .await;
    changes_are_findings(&airside, &mut setup).await;
    let privileged = finding_id(0, "privileged-container");
    setup.send(Method::PUT, &path(0), &deployment(0, false)).await.unwrap();
    until(&airside, privileged, FindingState::Fixed, PATIENCE).await;
    let privileged = finding_id(1, "privileged-container");
    setup.send(Method::PUT, &path(1), &deployment(1, true)).await.unwrap();
    until(&airside, privileged, FindingState::Open, PATIENCE).await;
    a_comparison_tells_drift(&kubeconfig, &repository);
    lost_events_are_counted(&kubeconfig).await;
    setup.send(Method::DELETE, &path(1), &Value::Null).await.unwrap();
    until(&airside, privileged, FindingState::Gone, PATIENCE).await;

    airside.stop().await;
}

/// Creates the objects from manifests that are committed.
async fn fill(cluster: &Cluster, repository: &Path) {
    std::fs::create_dir(repository).unwrap();
    std::fs::write(repository.join("apps.yaml"), manifests()).unwrap();
    git(repository, &["init", "--quiet"]);
    git(repository, &["add", "."]);
    let who = ["-c", "user.name=it", "-c", "user.email=it@shop.example"];
    git(repository, &[&who[..], &["commit", "--quiet", "--message", "apps"]].concat());
    let kubectl = cluster.kubectl(&SETUP).await;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: airside}\n---\n";
    kubectl.apply(&(namespace.to_owned() + ROLE)).await;
    let started = Instant::now();
    create(cluster, namespaces()).await;
    create(cluster, objects()).await;
    say(&format!("{COUNT} objects created in {:.1} s", started.elapsed().as_secs_f64()));
}

/// Creates objects, some at a time.
async fn create(cluster: &Cluster, objects: Vec<Placed>) {
    let mut creating = JoinSet::new();
    for share in objects.chunks(objects.len().div_ceil(AT_A_TIME)).map(<[Placed]>::to_vec) {
        let mut setup = cluster.api_client(&SETUP, "setup").await;
        creating.spawn(async move {
            for (path, object) in share {
                setup.send(Method::POST, &path, &object).await.unwrap();
            }
        });
    }
    while let Some(created) = creating.join_next().await {
        created.unwrap();
    }
}

/// A token of the service account that reads.
async fn reader(setup: &mut ApiClient) -> String {
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": { "audiences": [], "expirationSeconds": 3600 },
    });
    let answer = setup.send(Method::POST, ACCOUNT, &request).await.unwrap();
    answer["status"]["token"].as_str().unwrap().to_owned()
}

fn a_scan_shows_findings(kubeconfig: &Path) {
    let started = Instant::now();
    let (text, remarks) = scan(kubeconfig, &["--exit-zero"]);
    let summary = text.lines().find(|line| line.contains(" objects")).unwrap();
    say(&format!("scan: {summary} in {:.1} s", started.elapsed().as_secs_f64()));
    let objects = summary.rsplit_once(" in ").unwrap().1.split(' ').next().unwrap();
    assert!(objects.parse::<usize>().unwrap() >= COUNT, "{summary}");
    assert!(text.contains("live:/deployment.apps/team-0/app-0  Deployment team-0/app-0"), "{text}");
    // How old the built-in vulnerability data is may be told; that something was refused, not.
    let refused: Vec<_> = remarks.lines().filter(|it| !it.contains("airside data")).collect();
    assert_eq!(refused, [""; 0], "the role that is shipped is enough");
}

fn a_comparison_tells_the_commit(kubeconfig: &Path, repository: &Path) {
    let told = comparison(kubeconfig, repository);
    let objects = told["objects"].as_array().unwrap();
    let head = git(repository, &["rev-parse", "HEAD"]);
    let authorised = objects.iter().filter(|it| {
        it["standing"] == "authorised" && it["commit"] == head.trim() && it["committed"] == true
    });
    assert_eq!(authorised.count(), COUNT);
    let mut others: Vec<String> = objects
        .iter()
        .filter(|it| it["standing"] != "authorised")
        .map(|it| format!("{} {}", it["standing"], it["resource"]["name"]))
        .collect();
    others.sort();
    others.dedup();
    // What was set up for Airside itself stands in no manifest of the repository.
    assert_eq!(
        others,
        [
            r#""never-checked-in" "airside""#,
            r#""never-checked-in" "airside-cluster-reader""#,
            r#""never-checked-in" "airside-secret-names-reader""#,
        ]
    );
    assert_eq!(told["not_in_the_cluster"], json!([]));
}

fn a_comparison_tells_drift(kubeconfig: &Path, repository: &Path) {
    let told = comparison(kubeconfig, repository);
    let drifted = told["objects"].as_array().unwrap().iter().filter(|it| {
        it["standing"] == "drifted"
            && it["resource"]["name"] == deployment(1, false)["metadata"]["name"]
    });
    let drifted: Vec<&Value> = drifted.flat_map(|it| it["drifted"].as_array().unwrap()).collect();
    assert_eq!(drifted.len(), 1, "{drifted:?}");
    let field = "spec.template.spec.containers[0].securityContext.privileged";
    assert_eq!(drifted[0]["field"], field);
    assert_eq!(
        (&drifted[0]["manifest"], &drifted[0]["live"]),
        (&json!("`false`"), &json!("`true`"))
    );
}

/// What an API server could not hand on is in its metrics, under the names that audit-ingest asks for.
async fn lost_events_are_counted(kubeconfig: &Path) {
    let kubeconfig = Some(kubeconfig.to_owned());
    let cluster = KubeCluster::new(ClusterOptions { kubeconfig, ..ClusterOptions::default() });
    let (lost, started) = ("apiserver_audit_error_total", "process_start_time_seconds");
    let samples = waiting::eventually("events are lost", LOST_WITHIN, async || {
        let samples = cluster.metrics(&[lost, started]).await.map_err(|error| error.to_string())?;
        let is_counted = samples.iter().any(|it| it.name == lost && it.value > 0.0);
        is_counted.then_some(samples.clone()).ok_or_else(|| format!("{samples:?}"))
    });
    let samples = samples.await;
    let value = |name: &str, has: fn(&Sample) -> bool| {
        let found = samples.iter().find(|it| it.name == name && has(it));
        found.unwrap_or_else(|| panic!("{name}: {samples:?}")).value
    };
    let events = value(lost, |it| it.labels.contains("webhook"));
    assert!(value(started, |_| true) > 0.0, "{samples:?}");
    say(&format!("{events} events are lost"));
}

/// Deployments are made privileged, one after the other. Each has to be told, and the quickest within a second:
/// where the machine did something else in between, what this process itself did in the meantime counts.
async fn changes_are_findings(airside: &Airside, setup: &mut ApiClient) {
    let mut quickest = PATIENCE;
    for number in (0..CHANGES).map(|change| change * 5) {
        let (started, cpu) = (Instant::now(), cpu_time());
        setup.send(Method::PUT, &path(number), &deployment(number, true)).await.unwrap();
        until(airside, finding_id(number, "privileged-container"), FindingState::Open, PATIENCE)
            .await;
        let (latency, cpu) = (started.elapsed(), cpu_time() - cpu);
        say(&format!("told after {} ms, {} ms of CPU", latency.as_millis(), cpu.as_millis()));
        quickest = quickest.min(latency).min(cpu);
        if quickest < TOLD_WITHIN && number > 0 {
            return;
        }
    }
    panic!("no change was told within {} s: the quickest took {quickest:?}", TOLD_WITHIN.as_secs());
}

async fn until(airside: &Airside, id: Id, state: FindingState, within: Duration) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let found = tokio::time::timeout(within, async {
        loop {
            ticks.tick().await;
            if airside.finding(id).await.is_some_and(|finding| finding.state == state) {
                return;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("finding {id} is not {state} within {within:?}"));
}

/// The fingerprint of what a check says of a deployment's security context.
fn finding_id(number: usize, check: &str) -> Id {
    let object = deployment(number, false);
    let (namespace, name) = (&object["metadata"]["namespace"], &object["metadata"]["name"]);
    let (namespace, name) = (namespace.as_str().unwrap(), name.as_str().unwrap());
    let field = FieldPath::of(&["spec", "template", "spec", "containers"]).index(0);
    let key = match check {
        "privileged-container" => "privileged",
        _ => "readOnlyRootFilesystem",
    };
    let container = object["spec"]["template"]["spec"]["containers"][0]["name"].as_str().unwrap();
    let named = format!("spec.template.spec.containers[name={container}].securityContext.{key}");
    let finding = Finding {
        check: check.to_owned().into(),
        severity: Severity::Info,
        state: FindingState::Open,
        object: ObjectRef::named("apps", "Deployment", Some(namespace), name).into(),
        field: field.key("securityContext").key(key),
        message: String::new(),
        fix: "".into(),
        place: Place {
            path: format!("live:/deployment.apps/{namespace}/{name}").into(),
            ..Place::default()
        },
        techniques: Vec::new(),
        origin: None,
        owner: None,
        named_field: Some(named.into()),
    };
    finding.id(&Tenant::default(), &ClusterName::default())
}

/// Where a deployment is in the API.
fn path(number: usize) -> String {
    let object = deployment(number, false);
    let (namespace, name) = (&object["metadata"]["namespace"], &object["metadata"]["name"]);
    let (namespace, name) = (namespace.as_str().unwrap(), name.as_str().unwrap());
    format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
}

fn comparison(kubeconfig: &Path, repository: &Path) -> Value {
    let repository = repository.to_str().unwrap();
    let (text, remarks) = scan(kubeconfig, &["--exit-zero", "--output", "json", repository]);
    assert_eq!(remarks, "");
    serde_json::from_str(&text).unwrap()
}

/// What `airside scan --live` prints: results, and remarks.
pub(crate) fn scan(kubeconfig: &Path, arguments: &[&str]) -> (String, String) {
    let output = Command::new(airside_binary())
        .args(["scan", "--live", "--kubeconfig"])
        .arg(kubeconfig)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    (stdout, stderr)
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What this process has used of the processors so far, in steps of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|index| fields[*index].parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
