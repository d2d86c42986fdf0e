//! `clusters`: the memory of audit-ingest when one process folds 100 clusters of one tenant, in each of which 100
//! actors work: first a day of ordinary work, then ten minutes of as much as the API servers of a provider send.
//!
//! What the memory holds is the sift's; the events are made, judged and folded one batch after the other, so that
//! nothing else grows. The floor is making the events.

use airside_audit_ingest::{Judging, understand};
use airside_detect::ClusterProfile;
use airside_service::intake::Received;
use airside_sift::{Limits, Sift};
use airside_types::{Cluster, Tenant, Timestamp};
use serde_json::json;

use super::Run;
use crate::measure::{Process, measured};
use crate::report::Report;

const CLUSTERS: u64 = 100;
/// In each cluster.
const ACTORS: u64 = 100;
/// What the issue of this measure allows.
const AT_MOST_BYTES: u64 = 300_000_000;
/// The events of one batch.
const BATCH: u64 = 100;
const HOUR: i64 = 3_600_000_000_000;
/// 2027-02-01.
const BEGINNING: i64 = 1_801_440_000_000_000_000;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let day = Phase { hours: 24, batches: run.amount(2, 100) as u64, first: 0 };
    let rush = Phase { hours: 0, batches: run.amount(2, 300) as u64, first: day.batches };
    let (made, making) = measured(|| day.make(&mut |_, _, _| Ok(())))?;
    let before = Process::This.resident()?;
    let mut sift = Sift::new(Limits::default());
    let judging = Judging::default();
    let mut told = 0;
    let mut fold = |cluster: &Cluster, time, body: String| {
        let received = Received {
            tenant: Tenant::default(),
            cluster: cluster.clone(),
            time,
            body: body.into(),
        };
        let understood = understand(&received, &judging)
            .map_err(|error| anyhow::anyhow!("a batch was refused: {error}"))?;
        anyhow::ensure!(understood.letters.is_empty(), "{:?}", understood.letters.first());
        for mut batch in understood.sightings {
            told += sift.take(&mut batch, ClusterProfile::unknown()).told.len();
            sift.discard_changes();
        }
        Ok(())
    };
    let ((first, after_day), of_day) = measured(|| {
        let events = day.make(&mut fold)?;
        Ok((events, Process::This.resident()?))
    })?;
    let ((second, after_rush), of_rush) = measured(|| {
        let events = rush.make(&mut fold)?;
        Ok((events, Process::This.resident()?))
    })?;
    let mut span = of_day;
    span.cpu += of_rush.cpu;
    span.wall += of_rush.wall;
    let mut report = Report::of("clusters")
        .took(Process::This, "events", first + second, span)?
        .with("clusters", CLUSTERS)
        .with("clusters_known", sift.clusters().count())
        .with("actors", CLUSTERS * ACTORS)
        .with("records_told", told)
        .with(
            "resident_bytes",
            json!({
                "before": before, "after_a_day": after_day, "after_ten_busy_minutes": after_rush,
            }),
        )
        .with("peak_rss_bytes_at_most", AT_MOST_BYTES);
    if let Some(peak) = report.peak_rss_bytes.filter(|peak| *peak > AT_MOST_BYTES) {
        report.failed = Some(format!("{peak} bytes were resident, {AT_MOST_BYTES} are allowed"));
    }
    Ok(report.above("making the events of the day, and nothing else", made, making))
}

/// A stretch of time in which each cluster sends so many batches, evenly.
#[derive(Debug, Clone, Copy)]
struct Phase {
    /// How long it is; none for ten minutes.
    hours: i64,
    batches: u64,
    /// The number of its first batch.
    first: u64,
}

impl Phase {
    /// Makes its events, in the order of time, and hands on each batch. Says how many events it made.
    fn make(
        &self,
        each: &mut dyn FnMut(&Cluster, Timestamp, String) -> anyhow::Result<()>,
    ) -> anyhow::Result<u64> {
        let (begins, lasts) = match self.hours {
            0 => (BEGINNING + 24 * HOUR, HOUR / 6),
            hours => (BEGINNING, hours * HOUR),
        };
        let names = (0..CLUSTERS).map(|number| Cluster::new(&format!("cluster-{number}")));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let apart = lasts / i64::try_from(self.batches.max(1))?;
        for batch in 0..self.batches {
            let time = begins + apart * i64::try_from(batch)?;
            for (name, cluster) in names.iter().zip(0..) {
                let events = (0..BATCH)
                    .map(|number| event(cluster, (self.first + batch) * BATCH + number, time));
                let items = events.collect::<Vec<_>>().join(",");
                let body = format!(
                    r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{items}]}}"#
                );
                each(name, Timestamp::from_nanos(time), body)?;
            }
        }
        Ok(self.batches * BATCH * CLUSTERS)
    }
}

/// The event of a number in a cluster. Each actor has its own namespaces, kinds of objects and address; what it does
/// beside its habits is rare.
fn event(cluster: u64, number: u64, time: i64) -> String {
    let chance = mixed(cluster << 40 | number);
    let actor = chance % ACTORS;
    let is_person = actor < 20;
    let of = |bits: u32, most: u64| (chance >> bits) % most;
    let seldom = of(8, 200) == 0;
    let namespace = if seldom { of(16, 50) } else { (actor + of(16, 3)) % 50 };
    let (resource, group) = match (actor + of(20, 3)) % 6 {
        _ if of(36, 50) == 0 => ("secrets", ""),
        0 => ("pods", ""),
        1 => ("configmaps", ""),
        2 => ("deployments", "apps"),
        3 => ("endpoints", ""),
        4 => ("replicasets", "apps"),
        _ => ("services", ""),
    };
    let verb = match of(24, 10) {
        0..5 => "get",
        5..7 => "list",
        7 => "update",
        8 => "patch",
        _ => "create",
    };
    let (user, groups) = if is_person {
        (format!("person-{actor}@example.com"), "developers".to_owned())
    } else {
        let home = format!("team-{}", actor % 50);
        let user = format!("system:serviceaccount:{home}:robot-{actor}");
        (user, format!("system:serviceaccounts\",\"system:serviceaccounts:{home}"))
    };
    let (agent, address) = if is_person {
        ("kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0", format!("198.51.100.{actor}"))
    } else {
        ("controller/v2.4.0 (linux/amd64)", format!("10.{}.{}.{actor}", cluster % 250, of(28, 2)))
    };
    let when =
        Timestamp::from_nanos(time + i64::try_from(number % BATCH).unwrap_or(0) * 10_000_000);
    let name = format!("thing-{}", of(32, 40));
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{:08x}-0000-4000-8000-{number:012x}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/team-{namespace}/{resource}/{name}","verb":"{verb}","user":{{"username":"{user}","groups":["{groups}","system:authenticated"]}},"sourceIPs":["{address}"],"userAgent":"{agent}","objectRef":{{"resource":"{resource}","apiGroup":"{group}","namespace":"team-{namespace}","name":"{name}","apiVersion":"v1"}},"responseStatus":{{"code":200}},"requestReceivedTimestamp":"{when}","stageTimestamp":"{when}","annotations":{{"authorization.k8s.io/decision":"allow"}}}}"#,
        cluster + 1,
    )
}

/// A number whose bits say nothing of each other (the finish of SplitMix64).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}
