//! `airside raw`: the raw audit events that a platform keeps, asked for or read from the files of an archive.

use std::time::Duration;

use airside_archive::Query;
use airside_audit_ingest::raw_query;
use airside_ports::Clock;
use airside_service::SystemClock;
use airside_types::{Cluster, Id, Tenant, Timestamp};
use airside_wire::limits::MAX_PAGE_SIZE;
use airside_wire::page::Page;
use airside_wire::raw::{GatheredRecords, RawEntry, RawQuery, Shown};
use airside_wire::v1::raw_records_service_client::RawRecordsServiceClient;
use airside_wire::v1::{GetRawRecordsRequest, QueryRawRecordsRequest};
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::{OutputFormat, RawCommand, RawQueryArguments, RawSourceArguments, span};
use crate::client::connect;
use crate::command::Outcome;
use crate::command::incidents::said;
use crate::show;

mod archive;

use archive::each_of_archive;

pub(super) fn run(command: RawCommand) -> anyhow::Result<Outcome> {
    match command {
        RawCommand::Get { id, output, source } => get(&id, output, &source)?,
        RawCommand::Query(arguments) => query(&arguments)?,
    }
    Ok(Outcome::Good)
}

fn get(id: &str, output: OutputFormat, source: &RawSourceArguments) -> anyhow::Result<()> {
    // What people have at hand is often the one that the API server wrote.
    anyhow::ensure!(
        !id.contains('-'),
        "`{id}` is an auditID, which a client can choose: `airside raw query --audit-id {id}` finds what has it"
    );
    let id: Id = id.parse()?;
    let entries = match &source.archive {
        Some(place) => {
            let query = Query::of(&tenant(source)?).event(id);
            let mut entries = Vec::new();
            let keep = |entry| {
                entries.push(entry);
                Ok(())
            };
            each_of_archive(place, source, &query, usize::MAX, keep)?;
            anyhow::ensure!(!entries.is_empty(), "no raw record of event {id} is kept");
            entries
        }
        None => airside_node::runtime()?.block_on(get_from_platform(id, source))?,
    };
    let text = match output {
        OutputFormat::Json => {
            let all: Vec<_> = entries.iter().map(entry_json).collect();
            serde_json::to_string_pretty(&all)? + "\n"
        }
        OutputFormat::Text => entries.iter().map(show::raw_record::whole).collect(),
    };
    Ok(show::print(&text)?)
}

async fn get_from_platform(id: Id, source: &RawSourceArguments) -> anyhow::Result<Vec<RawEntry>> {
    let mut client = RawRecordsServiceClient::new(connect(&source.server).await?);
    let answer = client.get_raw_records(GetRawRecordsRequest::from(id)).await.map_err(said)?;
    let (mut parts, mut gathered) = (answer.into_inner(), GatheredRecords::default());
    while let Some(part) = parts.message().await.map_err(said)? {
        gathered.take(part)?;
    }
    Ok(gathered.finish())
}

fn query(arguments: &RawQueryArguments) -> anyhow::Result<()> {
    let asked = asked(arguments, SystemClock.now())?;
    let limit = if arguments.limit == 0 { usize::MAX } else { arguments.limit };
    let mut printed = 0;
    let mut print = |entry: RawEntry| {
        printed += 1;
        let text = match arguments.output {
            OutputFormat::Json => entry_json(&entry).to_string() + "\n",
            OutputFormat::Text => show::raw_record::line(&entry),
        };
        Ok(show::print(&text)?)
    };
    match &arguments.source.archive {
        Some(place) => {
            let query = raw_query(&asked, &tenant(&arguments.source)?);
            each_of_archive(place, &arguments.source, &query, limit, &mut print)?;
        }
        None => {
            let asking = each_of_platform(asked, arguments, limit, &mut print);
            airside_node::runtime()?.block_on(asking)?;
        }
    }
    if printed == 0 {
        show::remark("no such raw events are kept");
    } else if printed == limit {
        show::remark(&format!("the latest {limit}: --limit prints more"));
    }
    Ok(())
}

async fn each_of_platform(
    mut asked: RawQuery,
    arguments: &RawQueryArguments,
    limit: usize,
    mut print: impl FnMut(RawEntry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let channel = connect(&arguments.source.server).await?;
    let mut client = RawRecordsServiceClient::new(channel);
    let (mut left, mut token) = (limit, None);
    while left > 0 {
        asked.page = Page::new(left.min(MAX_PAGE_SIZE), token);
        let request = QueryRawRecordsRequest::from(&asked);
        let answer = client.query_raw_records(request).await.map_err(said)?.into_inner();
        for record in answer.records.into_iter().take(left) {
            left -= 1;
            print(record.try_into()?)?;
        }
        if answer.next_page_token.is_empty() {
            break;
        }
        token = Some(answer.next_page_token);
    }
    Ok(())
}

fn tenant(source: &RawSourceArguments) -> anyhow::Result<Tenant> {
    let named = source.tenant.as_deref().map(Tenant::new).transpose();
    Ok(named.context("--tenant is not usable")?.unwrap_or_default())
}

fn asked(arguments: &RawQueryArguments, now: Timestamp) -> anyhow::Result<RawQuery> {
    let (since, until) = span((arguments.since, arguments.until), now)?;
    let cluster = arguments.cluster.as_deref().map(Cluster::new).transpose();
    // As Kubernetes writes it: pods/exec.
    let (resource, subresource) = match arguments.resource.as_deref() {
        Some(text) => match text.split_once('/') {
            Some((resource, subresource)) => {
                (Some(resource.to_owned()), Some(subresource.to_owned()))
            }
            None => (Some(text.to_owned()), None),
        },
        None => (None, None),
    };
    Ok(RawQuery {
        cluster: cluster.context("--cluster is not usable")?,
        from: since,
        // The query's own end is the first moment that is not asked for.
        until: until.map(|until| until.plus(Duration::from_nanos(1))),
        audit_id: arguments.audit_id.clone(),
        actor: arguments.actor.clone(),
        impersonated: arguments.impersonated.clone(),
        verb: arguments.verb.clone(),
        group: arguments.group.clone(),
        resource,
        subresource,
        namespace: arguments.namespace.clone(),
        name: arguments.name.clone(),
        address: arguments.address.clone(),
        code: arguments.code,
        with_raw: arguments.output == OutputFormat::Json,
        page: Page::default(),
    })
}

/// A raw event for programs. The raw text is a text, so that it is to the byte what was sent.
fn entry_json(entry: &RawEntry) -> Value {
    let shown = match entry.raw {
        Shown::AsItCame(_) => "as-it-came",
        Shown::Redacted(_) => "redacted",
        Shown::Unreadable => "unreadable",
        Shown::LeftOut => "left-out",
    };
    json!({
        "event": entry.event.to_string(),
        "cluster": entry.cluster.as_str(),
        "time": entry.time.to_string(),
        "taken": entry.taken.to_string(),
        "code": entry.code,
        "audit_id": entry.audit_id,
        "stage": entry.stage,
        "actor": entry.actor,
        "impersonated": entry.impersonated,
        "verb": entry.verb,
        "group": entry.group,
        "resource": entry.resource,
        "subresource": entry.subresource,
        "namespace": entry.namespace,
        "name": entry.name,
        "address": entry.address,
        "user_agent": entry.user_agent,
        "raw_bytes": entry.raw_bytes,
        "shown": shown,
        "raw": String::from_utf8_lossy(entry.raw.bytes()),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    /// What is asked for by an argument each, under the names of today and those of earlier versions.
    #[test]
    fn the_times_that_are_asked_for_are_part_of_it() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let now = at("2026-11-27T12:00:00Z");
        for (arguments, from, until) in [
            (
                ["--since=2026-11-26", "--until=2026-11-26"],
                "2026-11-26T00:00:00Z",
                "2026-11-27T00:00:00Z",
            ),
            (
                ["--from=2026-11-26T08:00:00Z", "--to=2026-11-26T09:00:00Z"],
                "2026-11-26T08:00:00Z",
                "2026-11-26T09:00:00.000000001Z",
            ),
            (
                ["--since=2h", "--until=1h"],
                "2026-11-27T10:00:00Z",
                "2026-11-27T11:00:00.000000001Z",
            ),
        ] {
            let asked = asked_by(arguments, now).unwrap();
            assert_eq!((asked.from, asked.until), (Some(at(from)), Some(at(until))));
        }
        let error = asked_by(["--since=1h", "--until=2h"], now).unwrap_err().to_string();
        assert!(error.starts_with("--since 2026-11-27T11:00:00Z is later than --until"), "{error}");
    }

    fn asked_by(arguments: [&str; 2], now: Timestamp) -> anyhow::Result<RawQuery> {
        let line = ["airside", "raw", "query"].into_iter().chain(arguments);
        let Command::Raw(arguments) = Cli::parse_from(line).command else { unreachable!() };
        let RawCommand::Query(query) = arguments.command else { unreachable!() };
        asked(&query, now)
    }
}
