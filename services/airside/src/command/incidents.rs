//! `airside incidents`: list, show and watch the incidents of a running platform.

use airside_types::{Id, Incident, Severity};
use airside_wire::incident::{IncidentQuery, WatchItem, WatchQuery, WatchUpdate};
use airside_wire::page::Page;
use airside_wire::v1::incidents_service_client::IncidentsServiceClient;
use airside_wire::v1::{GetIncidentRequest, ListIncidentsRequest, WatchIncidentsRequest};
use anyhow::Context;

use crate::cli::{IncidentsCommand, OutputFormat, ServerArguments};
use crate::client::{ApiChannel, connect};
use crate::command::Outcome;
use crate::command::replay::incident_json;
use crate::show;

/// How many incidents are asked for at a time.
const PAGE: usize = 100;

pub(super) fn run(command: IncidentsCommand) -> anyhow::Result<Outcome> {
    let runtime = airside_node::runtime()?;
    runtime.block_on(async {
        match command {
            IncidentsCommand::List { min_severity, output, server } => {
                list(min_severity, output, &server).await
            }
            IncidentsCommand::Show { id, output, server } => show(&id, output, &server).await,
            IncidentsCommand::Watch { min_severity, resume, output, server } => {
                tokio::select! {
                    watched = watch(min_severity, resume, output, &server) => watched,
                    interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
                }
            }
        }
    })?;
    Ok(Outcome::Good)
}

/// Every incident at least this severe, page by page.
pub(super) async fn fetch_all(
    client: &mut IncidentsServiceClient<ApiChannel>,
    min_severity: Severity,
) -> anyhow::Result<Vec<Incident>> {
    let mut incidents = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = Page::new(PAGE, Some(page_token));
        let query = IncidentQuery { min_severity: Some(min_severity), page, ..Default::default() };
        let answer = client
            .list_incidents(ListIncidentsRequest::from(&query))
            .await
            .map_err(said)?
            .into_inner();
        for incident in answer.incidents {
            incidents.push(Incident::try_from(incident)?);
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(incidents);
        }
    }
}

async fn list(
    min_severity: Severity,
    output: OutputFormat,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let mut client = IncidentsServiceClient::new(connect(server).await?);
    let incidents = fetch_all(&mut client, min_severity).await?;
    if output == OutputFormat::Json {
        let all: Vec<_> = incidents.iter().map(incident_json).collect();
        return Ok(show::print(&format!("{}\n", serde_json::to_string_pretty(&all)?))?);
    }
    if incidents.is_empty() {
        show::remark(&format!("no incidents of severity {min_severity} or above"));
    }
    let lines: String = incidents.iter().map(|it| show::incident::line(it) + "\n").collect();
    Ok(show::print(&lines)?)
}

async fn show(id: &str, output: OutputFormat, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = IncidentsServiceClient::new(connect(server).await?);
    let id = match id.parse::<Id>() {
        Ok(id) => id,
        Err(error) => by_beginning(&mut client, id).await?.ok_or(error)?,
    };
    let answer =
        client.get_incident(GetIncidentRequest::from(id)).await.map_err(said)?.into_inner();
    let incident = answer.incident.context("the platform answered without an incident")?;
    let incident = Incident::try_from(incident)?;
    let text = match output {
        OutputFormat::Json => serde_json::to_string_pretty(&incident_json(&incident))? + "\n",
        OutputFormat::Text => show::incident::whole(&incident),
    };
    Ok(show::print(&text)?)
}

/// The one incident whose id begins like this.
async fn by_beginning(
    client: &mut IncidentsServiceClient<ApiChannel>,
    beginning: &str,
) -> anyhow::Result<Option<Id>> {
    let wanted = beginning.to_ascii_lowercase();
    if wanted.len() < 4 {
        return Ok(None);
    }
    let all = fetch_all(client, Severity::Info).await?;
    let mut ids = all
        .iter()
        .flat_map(|incident| incident.aliases.iter().map(move |alias| (*alias, incident.id)))
        .filter(|(alias, _)| alias.to_string().starts_with(&wanted))
        .map(|(_, id)| id);
    let first = ids.next();
    anyhow::ensure!(
        ids.all(|id| Some(id) == first),
        "several incidents begin with `{beginning}`: give more digits"
    );
    Ok(first)
}

async fn watch(
    min_severity: Severity,
    resume: Option<String>,
    output: OutputFormat,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let mut client = IncidentsServiceClient::new(connect(server).await?);
    let query =
        WatchQuery { resume_token: resume, min_severity: Some(min_severity), cluster: None };
    let mut stream = client
        .watch_incidents(WatchIncidentsRequest::from(&query))
        .await
        .map_err(said)?
        .into_inner();
    let mut resumable = String::new();
    while let Some(message) = stream.message().await.map_err(said)? {
        let WatchItem { resume_token, update } = WatchItem::try_from(message)?;
        let line = match output {
            OutputFormat::Text => update_text(&update),
            OutputFormat::Json => update_json(&update, &resume_token, &resumable),
        };
        resumable = resume_token;
        if let Some(line) = line {
            show::print(&format!("{line}\n"))?;
        }
    }
    Ok(())
}

fn update_text(update: &WatchUpdate) -> Option<String> {
    use show::{FAINT, RESET};
    Some(match update {
        WatchUpdate::Revision(revision) => {
            let line = show::incident::line(&revision.incident);
            format!("{line}  {FAINT}revision {}{RESET}", revision.revision)
        }
        WatchUpdate::Merged(merge) => {
            format!("{FAINT}incident {} became part of {}{RESET}", merge.old, merge.into)
        }
        WatchUpdate::Heartbeat { .. } => return None,
    })
}

/// A line of JSON; of a heartbeat only where it tells another place to resume than what came before it.
fn update_json(update: &WatchUpdate, token: &str, before: &str) -> Option<String> {
    let line = match update {
        WatchUpdate::Revision(revision) => {
            let mut incident = incident_json(&revision.incident);
            if let Some(fields) = incident.as_object_mut() {
                fields.insert("revision".to_owned(), revision.revision.into());
                fields.insert("resume_token".to_owned(), token.into());
            }
            incident
        }
        WatchUpdate::Merged(merge) => serde_json::json!({
            "merged": merge.old.to_string(), "into": merge.into.to_string(), "resume_token": token,
        }),
        WatchUpdate::Heartbeat { .. } if token == before => return None,
        WatchUpdate::Heartbeat { caught_up } => {
            serde_json::json!({ "caught_up": caught_up, "resume_token": token })
        }
    };
    Some(line.to_string())
}

/// What the platform said, without gRPC's wrapping.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(crate) fn said(status: tonic::Status) -> anyhow::Error {
    match status.code() {
        tonic::Code::Unauthenticated => {
            anyhow::anyhow!("the platform does not know the API key: {}", status.message())
        }
        tonic::Code::NotFound => anyhow::anyhow!("{}", status.message()),
        code => anyhow::anyhow!("the platform answered {code:?}: {}", status.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_where_to_resume_also_when_nothing_else_is_told() {
        let heartbeat = WatchUpdate::Heartbeat { caught_up: true };
        let line = update_json(&heartbeat, "90", "1");
        assert_eq!(line.as_deref(), Some(r#"{"caught_up":true,"resume_token":"90"}"#));
        assert_eq!(update_json(&heartbeat, "90", "90"), None);
        assert_eq!(update_text(&heartbeat), None);
    }
}
