//! `airside scan --fix`: manifests changed so that they pass. What is told of it is `fixes/account.rs`'s.

mod account;

use std::borrow::Cow;

use airside_checks::Terms;
use airside_checks::fix::{FixedFile, Order, Source, fix};
use airside_checks::remedy::Risk;
use airside_checks::source_lines::SourceLines;
use airside_k8s::yaml::Limits;
use airside_types::redact::REDACTED;
use anyhow::Context;
use similar::TextDiff;

use super::inputs::Inputs;
use super::project::Project;
use crate::cli::{ReportFormat, ScanArguments};
use crate::command::Outcome;
use crate::show;

/// Fixes the files, and says what was fixed and what was not. Exits with 1 where something that fails the
/// scan is left.
pub(super) fn run(
    arguments: &ScanArguments,
    inputs: &Inputs,
    terms: &Terms<'_>,
    project: &Project,
) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        matches!(arguments.output, ReportFormat::Text | ReportFormat::Json),
        "--fix prints text or JSON: give --output text or json"
    );
    anyhow::ensure!(
        arguments.reports.is_empty(),
        "--report tells findings, and --fix changes: scan again without --fix for a report"
    );
    let sources: Vec<_> = inputs
        .files
        .iter()
        .filter_map(|file| {
            let text = std::str::from_utf8(&file.content).ok()?;
            let is_ours = !inputs.passing.contains(&file.path);
            Some(Source { path: &file.path, text, is_ours })
        })
        .collect();
    let risk = if arguments.may_break { Risk::MayBreak } else { Risk::Safe };
    let limits = Limits::default();
    let fixes = fix(&sources, &Order { risk, terms, limits: &limits });
    let is_json = arguments.output == ReportFormat::Json;
    let mut hides = false;
    for file in &fixes.files {
        if !arguments.dry_run {
            std::fs::write(&file.path, &file.text)
                .with_context(|| format!("`{}` cannot be written", file.path))?;
        } else if !is_json {
            let diff = diff(&sources, file);
            hides |= diff.contains(REDACTED);
            show::print(&diff)?;
        }
    }
    if hides {
        show::remark(
            "values of credentials are hidden above, so that it is no patch to apply: run --fix without --dry-run",
        );
    }
    if is_json {
        let patch = |index| fixes.files.get(index).map(|file| diff(&sources, file));
        let account = account::json(&fixes, arguments.dry_run, |at| patch(at).unwrap_or_default());
        show::print_bytes(format!("{}\n", serde_json::to_string_pretty(&account)?).as_bytes())?;
    } else {
        show::print(&account::text(&fixes, arguments.dry_run, project.min_severity))?;
    }
    let fails = fixes.unfixed.iter().any(|it| it.finding.severity >= terms.failing);
    // With --exit-zero only where nothing at all could be read.
    let counts = !arguments.exit_zero || sources.is_empty();
    let is_broken = counts && !inputs.problems.is_empty();
    Ok(match (is_broken, fails && !arguments.exit_zero) {
        (true, _) => Outcome::Unreadable,
        (false, true) => Outcome::Findings,
        (false, false) => Outcome::Good,
    })
}

/// A file's changes, as `patch` and `git apply` take them, where none of the lines shows a credential.
fn diff(sources: &[Source<'_>], file: &FixedFile) -> String {
    let old = sources.iter().find(|source| source.path == file.path);
    let old = shown(old.map(|source| source.text).unwrap_or_default());
    let new = shown(&file.text);
    let diff = TextDiff::from_lines(&old, &new);
    let (from, to) = (format!("a/{}", file.path), format!("b/{}", file.path));
    diff.unified_diff().header(&from, &to).to_string()
}

/// A text without what its credentials are.
fn shown(text: &str) -> String {
    let lines = SourceLines::of(text, &Limits::of_file_size(text.len()));
    let mut shown = String::with_capacity(text.len());
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        match lines.line(number) {
            Some(Cow::Owned(hidden)) => {
                shown.push_str(&hidden);
                shown.push('\n');
            }
            _ => shown.push_str(line),
        }
    }
    shown
}
