//! `airside findings`: list and show the findings that a running platform keeps.

use std::cmp::Reverse;
use std::path::Path;

use airside_checks::catalogue;
use airside_types::{Cluster, FindingState, Id, Place, Severity, Timestamp};
use airside_wire::finding::{FindingEntry, FindingQuery};
use airside_wire::limits::MAX_PAGE_SIZE;
use airside_wire::page::Page;
use airside_wire::v1::findings_service_client::FindingsServiceClient;
use airside_wire::v1::{GetFindingRequest, ListFindingsRequest};
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::{FindingsCommand, FindingsListArguments, ListedState, OutputFormat};
use crate::client::{ApiChannel, connect};
use crate::command::Outcome;
use crate::command::incidents::said;
use crate::command::scan::paths::shown;
use crate::show;

pub(super) fn run(command: FindingsCommand) -> anyhow::Result<Outcome> {
    airside_node::runtime()?.block_on(async {
        match command {
            FindingsCommand::List(arguments) => list(&arguments).await,
            FindingsCommand::Show { id, output, server } => {
                let mut client = FindingsServiceClient::new(connect(&server).await?);
                print_one(&find(&mut client, &id).await?, output)
            }
        }
    })?;
    Ok(Outcome::Good)
}

async fn list(arguments: &FindingsListArguments) -> anyhow::Result<()> {
    let query = query(arguments)?;
    let mut client = FindingsServiceClient::new(connect(&arguments.server).await?);
    let mut entries = fetch_all(&mut client, query).await?;
    entries.sort_by_cached_key(order);
    if arguments.output == OutputFormat::Json {
        let all: Vec<_> = entries.iter().map(entry_json).collect();
        return Ok(show::print(&format!("{}\n", serde_json::to_string_pretty(&all)?))?);
    }
    if entries.is_empty() {
        show::remark("no such findings: `airside scan --publish` sends what it finds");
    }
    let lines: String = entries.iter().map(show::kept_finding::line).collect();
    show::print(&lines)?;
    let outdated = entries.iter().filter(|entry| entry.outdated).count();
    if outdated > 0 {
        show::remark(&format!(
            "{outdated} of these were judged by other checks or older vulnerability data than the platform has: \
             scan their manifests again with `airside scan --publish`"
        ));
    }
    Ok(())
}

fn query(arguments: &FindingsListArguments) -> anyhow::Result<FindingQuery> {
    let state = match arguments.state {
        ListedState::Open | ListedState::Reappeared => Some(FindingState::Open),
        ListedState::Fixed => Some(FindingState::Fixed),
        ListedState::Gone => Some(FindingState::Gone),
        ListedState::All => None,
    };
    let check = arguments.check.as_ref().map(|name| {
        catalogue::find(name).map_or_else(|| name.clone(), |check| check.id.to_owned())
    });
    let cluster = arguments.cluster.as_deref().map(Cluster::new).transpose();
    Ok(FindingQuery {
        state,
        min_severity: Some(arguments.min_severity),
        check,
        path: arguments.path.as_deref().map(|path| shown(Path::new(path))),
        cluster: cluster.context("--cluster is not usable")?,
        reappeared: arguments.state == ListedState::Reappeared,
        page: Page::default(),
    })
}

/// Every finding that fits, page by page.
async fn fetch_all(
    client: &mut FindingsServiceClient<ApiChannel>,
    mut query: FindingQuery,
) -> anyhow::Result<Vec<FindingEntry>> {
    let (mut entries, mut token) = (Vec::new(), None);
    loop {
        query.page = Page::new(MAX_PAGE_SIZE, token);
        let request = ListFindingsRequest::from(&query);
        let answer = client.list_findings(request).await.map_err(said)?.into_inner();
        for entry in answer.findings {
            entries.push(FindingEntry::try_from(entry)?);
        }
        if answer.next_page_token.is_empty() {
            return Ok(entries);
        }
        token = Some(answer.next_page_token);
    }
}

/// The finding with this id, or the one whose id begins like this.
async fn find(
    client: &mut FindingsServiceClient<ApiChannel>,
    id: &str,
) -> anyhow::Result<FindingEntry> {
    if let Ok(id) = id.parse::<Id>() {
        let answer = client.get_finding(GetFindingRequest::from(id)).await.map_err(said)?;
        let entry = answer.into_inner().finding.context("the platform gave no finding")?;
        return Ok(entry.try_into()?);
    }
    let wanted = id.to_ascii_lowercase();
    anyhow::ensure!(wanted.len() >= 4, "`{id}` is no id: give at least its first 4 digits");
    let mut fitting = fetch_all(client, FindingQuery::default()).await?;
    fitting.retain(|entry| entry.id.to_string().starts_with(&wanted));
    anyhow::ensure!(fitting.len() < 2, "several findings begin with `{id}`: give more digits");
    fitting.pop().with_context(|| format!("no finding begins with `{id}`"))
}

fn print_one(entry: &FindingEntry, output: OutputFormat) -> anyhow::Result<()> {
    let text = match output {
        OutputFormat::Json => serde_json::to_string_pretty(&entry_json(entry))? + "\n",
        OutputFormat::Text => show::kept_finding::whole(entry),
    };
    Ok(show::print(&text)?)
}

/// The most severe first, then by place.
fn order(entry: &FindingEntry) -> (Reverse<Severity>, Cluster, Place, Id) {
    let finding = &entry.finding;
    (Reverse(finding.severity), entry.cluster.clone(), finding.place.clone(), entry.id)
}

/// A finding as a scan reports it, with its history.
fn entry_json(entry: &FindingEntry) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let mut value = airside_report::json::finding(&entry.finding, None);
    let history = json!({
        "fingerprint": entry.id.to_string(),
        "cluster": entry.cluster.as_str(),
        "state": entry.finding.state.as_str(),
        "state_since": entry.state_since.to_string(),
        "first_seen": entry.first_seen.to_string(),
        "last_seen": entry.last_seen.to_string(),
        "closed_at": time(entry.closed_at),
        "reappeared": entry.reappeared,
        "reappeared_at": time(entry.reappeared_at),
        "judged_by": entry.judged_by.as_ref().map(|it| json!({
            "version": it.version, "catalogue": it.catalogue.to_string(),
            "vulnerability_data": it.vulnerability_data,
        })),
        "outdated": entry.outdated,
    });
    if let (Some(fields), Value::Object(history)) = (value.as_object_mut(), history) {
        fields.extend(history);
    }
    value
}
