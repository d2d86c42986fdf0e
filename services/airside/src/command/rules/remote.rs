//! `airside rules set` and `airside rules get`: people's own rules on a running platform.

use std::path::PathBuf;

use airside_types::RuleFile;
use airside_wire::rules::{OwnRule, RuleProblem};
use airside_wire::v1::rules_service_client::RulesServiceClient;
use airside_wire::v1::{ListRulesRequest, SetRulesRequest};
use serde_json::json;

use super::{OwnRules, line, tell};
use crate::cli::{OutputFormat, ServerArguments};
use crate::client::connect;
use crate::command::Outcome;
use crate::command::incidents::said;
use crate::show;

/// Sets the rules of files and folders.
pub(super) fn set(
    paths: &[PathBuf],
    dry_run: bool,
    server: &ServerArguments,
) -> anyhow::Result<Outcome> {
    let own = OwnRules::read(paths);
    if own.errors().next().is_some() {
        own.errors().for_each(|problem| show::error(&problem));
        show::remark("nothing was set");
        return Ok(own.outcome());
    }
    let files: Vec<_> = own.files.iter().map(Into::into).collect();
    let done = match (dry_run, files.is_empty()) {
        (true, _) => "they can be set",
        (false, true) => "no rules are set any more: there was none in what was given",
        (false, false) => "in force from the next event on",
    };
    let request = SetRulesRequest { files, dry_run };
    let answer = airside_node::runtime()?.block_on(async {
        let mut client = RulesServiceClient::new(connect(server).await?);
        client.set_rules(request).await.map_err(said)
    })?;
    let answer = answer.into_inner();
    let mut is_wrong = false;
    for problem in answer.problems {
        let problem = RuleProblem::try_from(problem)?;
        is_wrong |= problem.is_error;
        tell(&format!("{}: {}", problem.place, problem.text), problem.is_error);
    }
    if is_wrong {
        show::remark("nothing was set");
        return Ok(Outcome::Unreadable);
    }
    print_rules(&own_rules(answer.rules)?)?;
    show::remark(done);
    Ok(Outcome::Good)
}

/// Lists the rules in force.
pub(super) fn get(output: OutputFormat, server: &ServerArguments) -> anyhow::Result<Outcome> {
    let answer = airside_node::runtime()?.block_on(async {
        let mut client = RulesServiceClient::new(connect(server).await?);
        client.list_rules(ListRulesRequest {}).await.map_err(said)
    })?;
    let answer = answer.into_inner();
    let rules = own_rules(answer.rules)?;
    match output {
        OutputFormat::Text if rules.is_empty() => {
            show::remark("no own rules are in force: `airside rules set PATH` sets some");
        }
        OutputFormat::Text => print_rules(&rules)?,
        OutputFormat::Json => {
            let files = answer.files.into_iter().map(RuleFile::try_from);
            let files = files.collect::<Result<Vec<_>, _>>()?;
            let told = json!({
                "rules": rules.iter().map(rule_json).collect::<Vec<_>>(),
                "files": files.iter().map(|it| json!({ "path": it.path, "text": it.text })).collect::<Vec<_>>(),
            });
            show::print(&(serde_json::to_string_pretty(&told)? + "\n"))?;
        }
    }
    Ok(Outcome::Good)
}

fn own_rules(rules: Vec<airside_wire::v1::OwnRule>) -> anyhow::Result<Vec<OwnRule>> {
    Ok(rules.into_iter().map(OwnRule::try_from).collect::<Result<_, _>>()?)
}

fn print_rules(rules: &[OwnRule]) -> anyhow::Result<()> {
    let lines = rules.iter().map(|it| line(&it.id, (it.severity, it.only_correlates), &it.place));
    Ok(show::print(&lines.collect::<String>())?)
}

fn rule_json(rule: &OwnRule) -> serde_json::Value {
    json!({
        "id": rule.id, "title": rule.title, "severity": rule.severity.as_str(),
        "place": rule.place.to_string(), "only_correlates": rule.only_correlates,
    })
}
