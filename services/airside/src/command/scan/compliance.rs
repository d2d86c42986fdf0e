//! `airside scan --compliance FRAMEWORK`: what manifests show of a benchmark's or standard's controls.

use airside_checks::Terms;
use airside_compliance::{Assessment, Framework, assess, html, json, text};
use anyhow::Context;

use super::inputs::Inputs;
use crate::cli::{ReportFormat, ScanArguments};
use crate::command::Outcome;
use crate::show;

/// Prints the report. Exits with 1 where a control fails.
pub(super) fn run(
    name: &str,
    inputs: &Inputs,
    terms: &Terms<'_>,
    arguments: &ScanArguments,
) -> anyhow::Result<Outcome> {
    let Some(framework) = Framework::find(name) else {
        anyhow::bail!("there is no framework `{name}`; there are\n{}", list().trim_end());
    };
    let checked = inputs.check(terms);
    let assessment = assess(framework, &checked);
    let forms = arguments.reports.iter().map(|(form, path)| (*form, Some(path)));
    // Nothing is written where one of the forms is none.
    let told: Vec<_> = std::iter::once((arguments.output, None))
        .chain(forms)
        .map(|(form, path)| Ok((write(form, &assessment)?, path)))
        .collect::<anyhow::Result<_>>()?;
    for (report, path) in told {
        match path {
            Some(path) => std::fs::write(path, anstream::adapter::strip_str(&report).to_string())
                .with_context(|| format!("`{}` cannot be written", path.display()))?,
            None => show::print(&report)?,
        }
    }
    // With --exit-zero only where nothing at all could be read.
    let counts = !arguments.exit_zero || checked.objects.is_empty();
    if counts && !inputs.problems.is_empty() {
        return Ok(Outcome::Unreadable);
    }
    let fails = assessment.fails() && !arguments.exit_zero;
    Ok(if fails { Outcome::Findings } else { Outcome::Good })
}

fn write(form: ReportFormat, assessment: &Assessment<'_>) -> anyhow::Result<String> {
    Ok(match form {
        ReportFormat::Text => text::text(assessment),
        ReportFormat::Json => serde_json::to_string_pretty(&json::json(assessment))? + "\n",
        ReportFormat::Html => html::html(assessment),
        _ => anyhow::bail!(
            "--compliance tells text, JSON or HTML: give --output or --report as text, json or html"
        ),
    })
}

/// Prints the frameworks that there are.
pub(super) fn print_list() -> anyhow::Result<Outcome> {
    show::print(&list())?;
    Ok(Outcome::Good)
}

fn list() -> String {
    let line = |framework: &Framework| {
        format!("  {:<26}  {} {}\n", framework.id, framework.name, framework.version)
    };
    Framework::all().iter().map(line).collect()
}
