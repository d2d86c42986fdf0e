//! Markdown for pull requests: what is new, by check, short enough for a comment.

use std::fmt::Write;

use airside_checks::teach::lesson;

use crate::lesson::link;
use crate::{Group, Report};

/// How many findings of a check are listed; the rest is counted.
const SHOWN: usize = 10;
/// How many bytes the details may have: code hosts refuse longer comments.
const MAX_BYTES: usize = 60_000;

/// The whole report.
pub fn report(report: &Report<'_>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = write(&mut text, report).is_ok();
    text
}

fn write(out: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let summary = report.summary();
    let sign = match (report.fails(), report.is_incomplete()) {
        (true, _) => "❌",
        (false, true) => "⚠️",
        (false, false) => "✅",
    };
    writeln!(out, "## {sign} Airside scan\n")?;
    if report.is_incomplete() {
        writeln!(out, "Something could not be read and was not checked: see below.\n")?;
    }
    let what = if report.baseline.is_some() { "new findings" } else { "findings" };
    if summary.new.is_empty() {
        writeln!(out, "No {what} in {} objects of {} files.", report.objects.len(), report.files)?;
    } else {
        writeln!(out, "| severity | {what} |\n|---|---:|")?;
        for (severity, count) in &summary.new {
            writeln!(out, "| {severity} | {count} |")?;
        }
    }
    if summary.known + summary.accepted > 0 {
        let counts = [(summary.known, "known before"), (summary.accepted, "accepted")];
        let told: Vec<_> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        writeln!(out, "\n{}.", told.join(", "))?;
    }
    let owners = report.owners();
    if owners.keys().any(Option::is_some) {
        writeln!(out, "\n| owner | {what} |\n|---|---:|")?;
        for (owner, count) in &owners {
            writeln!(out, "| {} | {count} |", escaped(owner.unwrap_or("nobody")))?;
        }
    }
    if let Some(remark) = &report.remark {
        writeln!(out, "\n{}.", escaped(remark))?;
    }
    let groups = report.groups();
    let mut left_out = 0;
    for group in &groups {
        let mut details = String::new();
        write_group(&mut details, group)?;
        if out.len() + details.len() > MAX_BYTES {
            left_out += 1;
        } else {
            out.push_str(&details);
        }
    }
    if left_out > 0 {
        writeln!(out, "\n… and {left_out} more checks: run `airside scan` for all.")?;
    }
    write_problems(out, report)
}

fn write_group(out: &mut String, group: &Group<'_>) -> std::fmt::Result {
    let check = group.check;
    writeln!(
        out,
        "\n<details><summary><b>{}</b> {} (<code>{}</code>, {})</summary>\n",
        group.severity,
        escaped(check.title),
        check.id,
        group.entries.len()
    )?;
    writeln!(out, "{}\n\n**Fix.** {}\n", escaped(check.why), escaped(check.fix))?;
    let links: Vec<_> = lesson(check).references.iter().filter_map(link).collect();
    writeln!(out, "Read on: {}; `airside explain {}`.\n", links.join(", "), check.id)?;
    for entry in group.entries.iter().take(SHOWN) {
        let finding = entry.finding;
        writeln!(
            out,
            "- `{}` {}: {}{}",
            finding.source_place().to_string().replace('`', "'"),
            escaped(&finding.object.to_string()),
            escaped(&finding.message),
            finding.owner.as_deref().map(|it| format!(" ({})", escaped(it))).unwrap_or_default()
        )?;
    }
    if let Some(more) = group.entries.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(out, "- … and {more} more")?;
    }
    writeln!(out, "\n</details>")
}

fn write_problems(out: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let unreadable = report.unreadable.iter().map(|it| (it.place, it.reason.to_owned()));
    let ineffective = report.ineffective.iter().map(|it| (&it.place, it.problem.to_string()));
    let problems: Vec<_> = unreadable.chain(ineffective).collect();
    if problems.len() + report.problems.len() > 0 {
        writeln!(out, "\n### Not as meant\n")?;
    }
    for problem in report.problems.iter().take(SHOWN) {
        writeln!(out, "- {}", escaped(problem))?;
    }
    for (place, problem) in problems.iter().take(SHOWN) {
        writeln!(out, "- `{}` {}", place.to_string().replace('`', "'"), escaped(problem))?;
    }
    if let Some(more) = problems.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(out, "- … and {more} more")?;
    }
    Ok(())
}

/// Text that a manifest brought, so that it stays text.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '@' => escaped.extend(['\\', letter]),
            '\n' | '\r' => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
