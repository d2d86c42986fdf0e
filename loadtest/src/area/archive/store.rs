//! `archive-store`: the same records in an object store, a real server of its protocol on loopback: asked for
//! right after a start, when nothing is kept in memory yet, and again; near, and as far away as a cloud's.

use std::time::{Duration, Instant};

use airside_archive::{AccessKey, Archive, Credentials, ObjectStore, Query, Settings};
use airside_testkit::ObjectStoreServer;
use airside_types::{Tenant, Timestamp};
use anyhow::Context;
use serde_json::{Value, json};

use super::{BEGIN, EACH, Generated, KINDS, Kind, fill};
use crate::area::Run;
use crate::measure::{Process, Stopwatch};
use crate::report::Report;

/// How far away the store is, in time to each answer.
const AWAY: [Duration; 2] = [Duration::ZERO, Duration::from_millis(20)];

pub(in crate::area) fn measure(run: &Run) -> anyhow::Result<Report> {
    let count = run.amount(200_000, 2_000_000);
    let (folder, server) = (tempfile::tempdir()?, ObjectStoreServer::start()?);
    let credentials = Credentials::Key(AccessKey {
        access_key_id: ObjectStoreServer::ACCESS_KEY_ID.to_owned(),
        secret_access_key: ObjectStoreServer::SECRET_ACCESS_KEY.to_owned(),
        session_token: None,
    });
    let store = ObjectStore {
        endpoint: Some(server.endpoint()),
        credentials,
        ..ObjectStore::new("s3://raw/loadtest", "loadtest".parse()?)
    };
    let settings = Settings {
        max_bytes: u64::MAX,
        object_store: Some(store),
        ..Settings::new(folder.path().join("archive"))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (archive, work) = Archive::open(settings.clone()).await?;
        let filling = Stopwatch::start(Process::This)?;
        fill(&archive, &work, count).await?;
        work.settle_all().await?;
        let filled = filling.stop()?;
        let (files, bytes) = archive.files();
        work.run(|| Timestamp::from_nanos(BEGIN), std::future::ready(())).await;
        let report =
            Report::of("archive-store").took(Process::This, "events", count as u64, filled)?;
        let mut asked = Vec::new();
        for away in AWAY {
            server.set_delay(away);
            for kind in KINDS {
                asked.push(ask(&settings, &server, kind, count as i64, away).await?);
            }
        }
        let report = report.with("files", files).with("file_bytes", bytes);
        Ok(report.with("queries", Value::Array(asked)))
    })
}

/// Asks one kind of query of an archive that was just opened.
async fn ask(
    settings: &Settings,
    server: &ObjectStoreServer,
    (kind, asked): Kind,
    count: i64,
    away: Duration,
) -> anyhow::Result<Value> {
    let (archive, work) = Archive::open(settings.clone()).await?;
    let before = server.requests();
    let (mut took, mut found, mut first_after) = (Vec::new(), 0, before);
    for number in 0..EACH {
        let event = Generated::of((number as i64 * 2 + 1) * count / (EACH as i64 * 2));
        let begin = Instant::now();
        let page = archive.query(asked(Query::of(&Tenant::default()), &event)).await?;
        took.push((begin.elapsed().as_secs_f64() * 1e4).round() / 10.0);
        found += page.records.len();
        if number == 0 {
            first_after = server.requests();
        }
    }
    let parts = server.requests().parts - before.parts;
    work.run(|| Timestamp::from_nanos(BEGIN), std::future::ready(())).await;
    let first = took.first().copied().context("nothing was asked")?;
    took.sort_unstable_by(f64::total_cmp);
    Ok(json!({
        "kind": kind,
        "away_ms": away.as_secs_f64() * 1e3,
        "records": found,
        "first_ms": first,
        "median_ms": took.get(EACH / 2).copied().unwrap_or(first),
        "slowest_ms": took.last().copied().unwrap_or(first),
        "first_requests": first_after.parts - before.parts,
        "first_rounds": first_after.rounds - before.rounds,
        "first_bytes": first_after.bytes - before.bytes,
        "requests": parts,
    }))
}
