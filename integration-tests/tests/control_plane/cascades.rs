//! Twelve people work on a real cluster, beside each other and on the same objects one after the other; what its
//! controllers do to carry that out is grouped with the right one of them.
//!
//! Owns what is done, and the labels: whose an event is follows from the names in it and the time, not from owners.

use std::collections::BTreeMap;
use std::time::Duration;

use airside_types::{Id, Timestamp};
use airside_week::grouping::Grouping;
use serde_json::Value;

use crate::binaries::ControlPlaneBinaries;
use crate::cluster::{ALL_CONTROLLERS, Caller, Cluster, Stages};
use crate::kubelet::Kubelet;
use crate::{say, waiting};

/// How many of the controllers' events that belong to somebody are grouped with them, and how many of those that are
/// grouped rightly: K8NTEXT's figure is 95 %.
const RECALL: f64 = 0.95;
const PRECISION: f64 = 0.98;
/// Where no bodies are kept, names and times alone tell it.
const BARE_RECALL: f64 = 0.8;
/// How long controllers may take until nothing more happens.
const SETTLED: Duration = Duration::from_secs(60);

/// Who does something, and with which objects: by how their names begin, or in which namespace they are.
struct Step {
    user: &'static str,
    marker: &'static str,
    namespace: bool,
}

const fn on(user: &'static str, marker: &'static str) -> Step {
    Step { user, marker, namespace: false }
}

const STEPS: &[Step] = &[
    Step { user: "ana", marker: "market", namespace: true },
    Step { user: "ana", marker: "depot", namespace: true },
    on("ben", "cart"),
    on("cleo", "cart-api"),
    on("dan", "ingest"),
    on("eva", "ledger"),
    on("finn", "agent"),
    on("gil", "cart"),
    on("hana", "cart-api"),
    on("ivo", "cart"),
    on("jun", "cart-api"),
    Step { user: "kim", marker: "depot", namespace: true },
];

const PEOPLE: [&str; 11] =
    ["ana", "ben", "cleo", "dan", "eva", "finn", "gil", "hana", "ivo", "jun", "kim"];

/// A workload of pods that do nothing.
fn workload(kind: &str, namespace: &str, name: &str, more: &str) -> String {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let (selector, restart) = match kind {
        "Job" => (String::new(), "restartPolicy: Never, "),
        _ => (format!("selector: {{ matchLabels: {{ app: {name} }} }}, "), ""),
    };
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{ namespace: {namespace}, name: {name} }}\nspec: {{ {selector}{more}template: {{ metadata: {{ labels: {{ app: {name} }} }}, spec: {{ {restart}containers: [{{ name: {name}, image: registry.example/{name}:1 }}] }} }} }}\n"
    )
}

fn namespace(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{ name: {name} }}\n---\n")
}

/// Plays all steps and holds the groups against the labels.
pub(crate) async fn play(binaries: &ControlPlaneBinaries) {
    let folder = tempfile::tempdir().unwrap();
    let callers: Vec<Caller> = (1..)
        .zip(PEOPLE)
        .map(|(number, user)| Caller::new(user, "system:masters", [127, 0, 2, number]))
        .collect();
    let with = (callers.as_slice(), ALL_CONTROLLERS, Stages::Answered);
    let cluster = Cluster::start_with(binaries, folder.path(), None, with).await;
    let _node = Kubelet::join(&cluster).await;
    let mut people = BTreeMap::new();
    for caller in &callers {
        people.insert(caller.user, cluster.kubectl(caller).await);
    }
    let apply = async |user: &str, manifests: String| people[user].apply(&manifests).await;
    let run = async |user: &str, command: &str| {
        people[user].must(&command.split(' ').collect::<Vec<_>>(), "").await
    };

    apply("ana", namespace("market") + &namespace("depot")).await;
    settled(&cluster).await;
    let replicas = "replicas: 2, ";
    let set = "serviceName: ledger, podManagementPolicy: Parallel, replicas: 2, ";
    tokio::join!(
        apply("ben", workload("Deployment", "market", "cart", replicas)),
        apply("cleo", workload("Deployment", "market", "cart-api", replicas)),
        apply("dan", workload("Job", "depot", "ingest", "parallelism: 2, ")),
        apply("eva", workload("StatefulSet", "depot", "ledger", set)),
        apply("finn", workload("DaemonSet", "depot", "agent", "")),
    );
    settled(&cluster).await;
    tokio::join!(
        run("gil", "scale -n market deployment/cart --replicas=4"),
        run("hana", "set image -n market deployment/cart-api *=registry.example/cart-api:2"),
    );
    settled(&cluster).await;
    let pods = run("jun", "get pods -n market -l app=cart-api -o name").await;
    let delete = format!("delete -n market {} --wait=false", pods.lines().next().unwrap());
    tokio::join!(run("ivo", "delete -n market deployment/cart --wait=false"), run("jun", &delete),);
    settled(&cluster).await;
    run("kim", "delete namespace depot --wait=false").await;
    settled(&cluster).await;

    let log = cluster.audit_log();
    let bare: Vec<_> = log.iter().map(without_bodies).collect();
    for (what, events, recall) in [("", &log, RECALL), (" without bodies", &bare, BARE_RECALL)] {
        let score = Score::of(events, &log);
        say(&format!("cascades{what}: {}", score.told()));
        assert!(score.belong > 60, "{}", score.told());
        let holds = score.recall() >= recall && score.precision() >= PRECISION;
        assert!(holds, "{what}: {}\n{}", score.told(), score.wrong.join("\n"));
    }
}

/// The event as it is where the audit policy keeps no bodies.
fn without_bodies(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(fields) = event.as_object_mut() {
        fields.remove("requestObject");
        fields.remove("responseObject");
    }
    event
}

/// Waits until nobody writes any more.
async fn settled(cluster: &Cluster) {
    let mut before = 0;
    let mut since = 0;
    waiting::eventually("the cluster is at rest", SETTLED, async || {
        let is_write = |event: &&Value| !matches!(text(event, "/verb"), "get" | "list" | "watch");
        let writes = cluster.audit_log().iter().filter(is_write).count();
        since = if writes == before { since + 1 } else { 0 };
        before = writes;
        // Fifteen questions of a tenth of a second without an answer that differs.
        if since >= 15 { Ok(()) } else { Err(format!("{writes} writes")) }
    })
    .await;
}

fn text<'v>(event: &'v Value, at: &str) -> &'v str {
    event.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn is_of_the_cluster(user: &str) -> bool {
    user.starts_with("system:serviceaccount:kube-system:")
        || user.starts_with("system:kube-")
        || user.starts_with("system:node:")
}

/// How well events are grouped.
#[derive(Debug, Default)]
struct Score {
    events: usize,
    /// The events of controllers that belong to somebody's action.
    belong: usize,
    right: usize,
    grouped: usize,
    actions: usize,
    wrong: Vec<String>,
}

impl Score {
    /// The events as they are grouped, and the same with all that labels need.
    fn of(events: &[Value], log: &[Value]) -> Self {
        let started: Vec<Option<Timestamp>> = STEPS.iter().map(|step| began(log, step)).collect();
        let mut grouping = Grouping::default();
        // Whose each action is.
        let mut whose: BTreeMap<Id, String> = BTreeMap::new();
        let mut score = Self { events: log.len(), ..Self::default() };
        for (event, whole) in events.iter().zip(log) {
            let user = text(event, "/user/username");
            for grouped in grouping.take(&event.to_string()) {
                if PEOPLE.contains(&user)
                    && let (Some(event), Some(action)) = (grouped.event, grouped.action)
                    && event == action
                {
                    whose.insert(action, user.to_owned());
                }
                let told = grouped.action.and_then(|action| whose.get(&action));
                if is_of_the_cluster(user) {
                    score.take(event, label(whole, &started), told.map(String::as_str));
                }
            }
        }
        score.actions = whose.len();
        score
    }

    fn take(&mut self, event: &Value, label: Option<&str>, told: Option<&str>) {
        self.belong += usize::from(label.is_some());
        self.grouped += usize::from(told.is_some());
        if label == told {
            self.right += usize::from(label.is_some());
        } else {
            self.wrong.push(format!(
                "{label:?} but {told:?}: {} {} {}",
                text(event, "/user/username"),
                text(event, "/verb"),
                text(event, "/requestURI"),
            ));
        }
    }

    fn recall(&self) -> f64 {
        self.right as f64 / self.belong.max(1) as f64
    }

    fn precision(&self) -> f64 {
        self.right as f64 / self.grouped.max(1) as f64
    }

    fn told(&self) -> String {
        let Self { events, belong, grouped, actions, .. } = self;
        let (recall, precision) = (self.recall(), self.precision());
        format!(
            "{events} events; {belong} of controllers belong to somebody's action, {grouped} are grouped into {actions}; recall {recall:.3}, precision {precision:.3}"
        )
    }
}

/// When somebody began with a step.
fn began(log: &[Value], step: &Step) -> Option<Timestamp> {
    let own = log.iter().filter(|event| {
        let writes = !matches!(text(event, "/verb"), "get" | "list" | "watch");
        writes && text(event, "/user/username") == step.user && step.has(event)
    });
    own.filter_map(time).min()
}

fn time(event: &Value) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text(event, "/requestReceivedTimestamp")).ok()
}

impl Step {
    /// Whether an event is about the objects of the step.
    fn has(&self, event: &Value) -> bool {
        if self.namespace {
            let of = [text(event, "/objectRef/namespace"), text(event, "/objectRef/name")];
            return of.contains(&self.marker);
        }
        marker(event) == Some(self.marker)
    }
}

/// The longest marker with which the name of an event's object begins.
fn marker(event: &Value) -> Option<&'static str> {
    let names = [
        "/objectRef/name",
        "/responseObject/metadata/name",
        "/requestObject/metadata/generateName",
    ];
    let name = names.map(|at| text(event, at)).into_iter().find(|name| !name.is_empty())?;
    let begins = |marker: &str| {
        name.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let markers = STEPS.iter().filter(|step| !step.namespace).map(|step| step.marker);
    markers.filter(|marker| begins(marker)).max_by_key(|marker| marker.len())
}

/// Whose an event is: of those who began before it with what it is about, who began last.
fn label(event: &Value, started: &[Option<Timestamp>]) -> Option<&'static str> {
    let at = time(event)?;
    let begun = STEPS.iter().zip(started).filter_map(|(step, began)| {
        let began = (*began)?;
        (began <= at && step.has(event)).then_some((began, step.user))
    });
    begun.max().map(|(_, user)| user)
}
