//! `archive`: raw records appended to an archive on the disk, sealed, and asked for.
//!
//! The floor of appending is a file to which the same bytes are appended, made durable as often. Queries tell
//! their time on the wall, the median and the slowest of several with different values.

pub(super) mod store;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use airside_archive::{Archive, Batch, Field, Housekeeping, Query, Row, Settings, Texts};
use airside_types::{Cluster, Id, Tenant, Timestamp};
use anyhow::Context;
use serde_json::{Value, json};

use super::Run;
use crate::measure::{Process, Span, Stopwatch, measured};
use crate::report::Report;

/// Events of one batch: what an API server sends at most.
const BATCH: usize = 400;
/// Batches that are on their way at a time.
const SENDERS: usize = 4;
/// The first event's time, and the time from one event to the next: ten million in eleven days.
const BEGIN: i64 = 1_767_225_600_000_000_000;
const STEP: i64 = 100_000_000;

const PEOPLE: u64 = 300;
const ACCOUNTS: u64 = 4_000;
const NAMESPACES: u64 = 200;
const NAMES: u64 = 50_000;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let count = run.amount(200_000, 10_000_000);
    let folder = tempfile::tempdir()?;
    let floor = floor(folder.path(), count)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let settings =
            Settings { max_bytes: u64::MAX, ..Settings::new(folder.path().join("archive")) };
        let (archive, work) = Archive::open(settings).await?;
        let filling = Stopwatch::start(Process::This)?;
        let raw_bytes = fill(&archive, &work, count).await?;
        let filled = filling.stop()?;
        let report = Report::of("archive").took(Process::This, "events", count as u64, filled)?;
        let queries = ask_all(&archive, count as i64).await?;
        let (files, bytes) = archive.files();
        let report = report
            .with("raw_bytes", raw_bytes)
            .with("files", files)
            .with("file_bytes", bytes)
            .with(
                "raw_to_file_bytes",
                (raw_bytes as f64 / bytes.max(1) as f64 * 10.0).round() / 10.0,
            )
            .with("queries", queries);
        work.run(|| Timestamp::from_nanos(BEGIN), std::future::ready(())).await;
        Ok(report.above("appending the same bytes to one file", count as u64, floor))
    })
}

/// Appends all events, and seals them on the way.
async fn fill(archive: &Archive, work: &Housekeeping, count: usize) -> anyhow::Result<u64> {
    let batches = count.div_ceil(BATCH);
    let mut raw_bytes = 0;
    let mut first = 0;
    while first < batches {
        let mut sending = tokio::task::JoinSet::new();
        for batch in first..batches.min(first + SENDERS) {
            let archive = archive.clone();
            sending.spawn(async move {
                let (batch, bytes) = batch_of(batch * BATCH, count);
                archive.append(batch).await.map(|()| bytes)
            });
        }
        while let Some(sent) = sending.join_next().await {
            raw_bytes += sent??;
        }
        work.seal_all().await;
        first += SENDERS;
    }
    archive.close_segment().await;
    // What follows is appended after the segment was closed; it is of another tenant.
    archive.append(batch_of_another()?).await?;
    work.seal_all().await;
    Ok(raw_bytes)
}

fn batch_of(first: usize, count: usize) -> (Batch, u64) {
    let taken = Timestamp::from_nanos(BEGIN + first as i64 * STEP);
    let mut batch = Batch::new(&Tenant::default(), &Cluster::default(), taken);
    let mut bytes = 0;
    for number in first..count.min(first + BATCH) {
        let event = Generated::of(number as i64);
        let raw = event.raw();
        bytes += raw.len() as u64;
        event.push(&mut batch, raw.as_bytes());
    }
    (batch, bytes)
}

fn batch_of_another() -> anyhow::Result<Batch> {
    let mut batch = Batch::new(&Tenant::new("another")?, &Cluster::default(), Timestamp::EPOCH);
    batch.push(&Row::default());
    Ok(batch)
}

/// An event as API servers log them at level Metadata.
struct Generated {
    number: i64,
    actor: String,
    verb: &'static str,
    resource: &'static str,
    namespace: String,
    name: String,
    address: String,
    audit_id: String,
}

impl Generated {
    /// The event with this number: always the same.
    fn of(number: i64) -> Self {
        let mut dice = Dice(number.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let actor = match dice.below(10) {
            0 => format!("user-{}@example.org", dice.rare(PEOPLE)),
            1 | 2 => format!("system:node:node-{}", dice.below(100)),
            _ => {
                let account = dice.rare(ACCOUNTS);
                format!("system:serviceaccount:team-{}:app-{account}", account % NAMESPACES)
            }
        };
        let verbs = ["get", "get", "list", "watch", "update", "patch", "create", "delete"];
        let resources =
            ["pods", "configmaps", "secrets", "deployments", "leases", "endpointslices"];
        let of = |list: &[&'static str], number: u64| {
            list.get(number as usize % list.len()).copied().unwrap_or_default()
        };
        Self {
            number,
            actor,
            verb: of(&verbs, dice.below(8)),
            resource: of(&resources, dice.below(6)),
            namespace: format!("team-{}", dice.rare(NAMESPACES)),
            name: format!("object-{}", dice.rare(NAMES)),
            address: format!("10.{}.{}.{}", dice.below(4), dice.below(64), dice.below(250)),
            audit_id: format!("{:016x}-{:016x}", dice.next(), dice.next()),
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_nanos(BEGIN + self.number * STEP)
    }

    fn id(&self) -> Id {
        Id::builder("loadtest").number(self.number).finish()
    }

    fn raw(&self) -> String {
        let Self { actor, verb, resource, namespace, name, address, audit_id, .. } = self;
        let time = self.time();
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{audit_id}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/{namespace}/{resource}/{name}","verb":"{verb}","user":{{"username":"{actor}","uid":"{audit_id}","groups":["system:serviceaccounts","system:serviceaccounts:{namespace}","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI={audit_id}"],"authentication.kubernetes.io/node-name":["node-7"],"authentication.kubernetes.io/pod-name":["{name}-0"]}}}},"sourceIPs":["{address}"],"userAgent":"app/v0.0.0 (linux/amd64) kubernetes/$Format","objectRef":{{"resource":"{resource}","namespace":"{namespace}","name":"{name}","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"{time}","stageTimestamp":"{time}","annotations":{{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"{namespace}/app\" of Role \"app\" to ServiceAccount \"app/{namespace}\""}}}}"#
        )
    }

    fn push(&self, batch: &mut Batch, raw: &[u8]) {
        let texts = Texts {
            audit_id: &self.audit_id,
            stage: "ResponseComplete",
            actor: &self.actor,
            verb: self.verb,
            resource: self.resource,
            namespace: &self.namespace,
            name: &self.name,
            address: &self.address,
            user_agent: "app/v0.0.0 (linux/amd64) kubernetes/$Format",
            ..Texts::default()
        };
        batch.push(&Row { event: self.id(), time: self.time(), code: 200, texts, raw });
    }
}

/// Numbers that look like chance and are the same in each run (xorshift).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    /// Small numbers often, large ones rarely.
    fn rare(&mut self, bound: u64) -> u64 {
        let bound = self.below(bound) + 1;
        let bound = self.below(bound) + 1;
        self.below(bound)
    }
}

/// How many queries of each kind.
const EACH: usize = 7;

type Kind = (&'static str, fn(Query, &Generated) -> Query);

const KINDS: [Kind; 10] = [
    ("event", |query, it| query.event(it.id())),
    ("audit_id", |query, it| query.text(Field::AuditId, &it.audit_id)),
    ("time", |query, it| query.until(it.time())),
    ("hour", |query, it| {
        query.from(it.time()).until(it.time().plus(Duration::from_hours(1))).limit(1000)
    }),
    ("actor", |query, it| query.text(Field::Actor, &it.actor)),
    ("actor_verb", |query, it| query.text(Field::Actor, &it.actor).text(Field::Verb, "delete")),
    ("object", |query, it| {
        let query = query.text(Field::Resource, it.resource).text(Field::Namespace, &it.namespace);
        query.text(Field::Name, &it.name)
    }),
    ("address", |query, it| query.text(Field::Address, &it.address)),
    ("verb_and_code", |query, _| query.text(Field::Verb, "delete").code(403)),
    ("nobody", |query, _| query.text(Field::Actor, "system:serviceaccount:team-1:nobody")),
];

async fn ask_all(archive: &Archive, count: i64) -> anyhow::Result<Value> {
    let mut all = Vec::new();
    for (kind, asked) in KINDS {
        let mut took = Vec::new();
        let mut found = 0;
        let watch = Stopwatch::start(Process::This)?;
        for number in 0..EACH {
            // Spread over the whole time, the middle included.
            let event = Generated::of((number as i64 * 2 + 1) * count / (EACH as i64 * 2));
            let begin = Instant::now();
            let page = archive.query(asked(Query::of(&Tenant::default()), &event)).await?;
            took.push(begin.elapsed());
            found += page.records.len();
        }
        took.sort_unstable();
        let Span { cpu, .. } = watch.stop()?;
        let millis = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        let median = took.get(EACH / 2).copied().context("nothing was asked")?;
        all.push(json!({
            "kind": kind,
            "records": found,
            "median_ms": millis(median),
            "slowest_ms": millis(took.last().copied().unwrap_or(median)),
            "cpu_ms": millis(cpu / u32::try_from(EACH)?),
        }));
    }
    Ok(Value::Array(all))
}

/// The same bytes to one file, made durable once for each round of senders.
fn floor(folder: &Path, count: usize) -> anyhow::Result<Span> {
    let path = folder.join("floor");
    let mut file = File::create(&path)?;
    let ((), span) = measured(|| {
        for first in (0..count).step_by(BATCH * SENDERS) {
            for number in first..count.min(first + BATCH * SENDERS) {
                file.write_all(Generated::of(number as i64).raw().as_bytes())?;
            }
            file.sync_data()?;
        }
        Ok(())
    })?;
    std::fs::remove_file(path)?;
    Ok(span)
}
