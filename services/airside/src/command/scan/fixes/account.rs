//! The account of `--fix`: which files changed, and place by place what was fixed, what was not and why, and
//! what is new; for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use airside_checks::fix::{Fixed, Outcome, Unfixed};
use airside_k8s::yaml::edit::Edit;
use airside_report::json;
use airside_types::{Finding, Severity};
use serde_json::{Value, json as value};

use crate::show::{FAINT, GOOD, PLACE, RESET, STRONG, clean};

/// The account for people. What was not fixed is told by check and reason, each place by itself; below a
/// severity it is counted only.
pub(super) fn text(outcome: &Outcome, is_dry: bool, least: Severity) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = write(&mut text, outcome, is_dry, least).is_ok();
    text
}

fn write(out: &mut String, outcome: &Outcome, is_dry: bool, least: Severity) -> std::fmt::Result {
    let verb = if is_dry { "would be fixed" } else { "fixed" };
    for file in &outcome.files {
        let count = counted(changes(outcome, &file.path), "change");
        writeln!(out, "{GOOD}{verb}{RESET}  {STRONG}{}{RESET}  {count}", clean(&file.path))?;
        let mut own = outcome.fixed.iter().filter(|it| *it.finding.place.path == *file.path);
        own.try_for_each(|it| write_fixed(out, it))?;
    }
    let is_elsewhere =
        |it: &&Fixed| !outcome.files.iter().any(|file| *it.finding.place.path == *file.path);
    let mut elsewhere = outcome.fixed.iter().filter(is_elsewhere).peekable();
    if elsewhere.peek().is_some() {
        writeln!(out, "{GOOD}{verb}{RESET}  by changes of other files")?;
    }
    elsewhere.try_for_each(|it| write_fixed(out, it))?;
    let (told, hidden): (Vec<_>, Vec<_>) =
        outcome.unfixed.iter().partition(|it| it.finding.severity >= least);
    let mut groups: BTreeMap<(&str, String), Vec<&Unfixed>> = BTreeMap::new();
    for it in told {
        groups.entry((&it.finding.check, it.reason.why())).or_default().push(it);
    }
    for ((check, why), all) in groups {
        writeln!(out, "not fixed  {STRONG}{check}{RESET}  {}", clean(&why))?;
        for it in all {
            let (object, edits) = (it.finding.object.to_string(), listed(it.reason.edits()));
            let what = if edits.is_empty() { object } else { format!("{object}: {edits}") };
            writeln!(out, "  {}  {FAINT}{}{RESET}", place(&it.finding), clean(&what))?;
        }
    }
    for it in &outcome.introduced {
        writeln!(out, "new  {}  {} ({})", place(it), clean(&it.message), it.check)?;
    }
    let (fixed, left) = (outcome.fixed.len(), outcome.unfixed.len());
    let files = counted(outcome.files.len(), "file");
    let new = match outcome.introduced.len() {
        0 => String::new(),
        count => format!(", {count} new"),
    };
    let changed = if is_dry { "would change" } else { "changed" };
    writeln!(out, "\n{STRONG}{fixed} {verb}, {left} left{new}{RESET}; {files} {changed}")?;
    if !hidden.is_empty() {
        let count = hidden.len();
        writeln!(out, "{FAINT}{count} left below {least} not shown: --min-severity info{RESET}")?;
    }
    Ok(())
}

fn write_fixed(out: &mut String, it: &Fixed) -> std::fmt::Result {
    let edits = listed(&it.edits);
    let how = if edits.is_empty() { "by another change" } else { &edits };
    writeln!(out, "  {}  {}  {FAINT}{}{RESET}", place(&it.finding), it.finding.check, clean(how))
}

/// The account for programs; `patch` tells the patch of the file with this path.
pub(super) fn json(outcome: &Outcome, is_dry: bool, patch: impl Fn(usize) -> String) -> Value {
    let edits = |edits: &[Edit]| edits.iter().map(ToString::to_string).collect::<Vec<_>>();
    let files = outcome.files.iter().enumerate().map(|(index, file)| {
        value!({ "path": file.path, "changes": changes(outcome, &file.path), "patch": patch(index) })
    });
    let fixed =
        outcome.fixed.iter().map(|it| with(&it.finding, [("edits", edits(&it.edits).into())]));
    let not_fixed = outcome.unfixed.iter().map(|it| {
        let reason = ("reason", it.reason.why().into());
        with(&it.finding, [reason, ("edits", edits(it.reason.edits()).into())])
    });
    value!({
        "dry_run": is_dry,
        "files": files.collect::<Vec<_>>(),
        "fixed": fixed.collect::<Vec<_>>(),
        "not_fixed": not_fixed.collect::<Vec<_>>(),
        "new": outcome.introduced.iter().map(|it| json::finding(it, None)).collect::<Vec<_>>(),
    })
}

fn with<const N: usize>(finding: &Finding, more: [(&str, Value); N]) -> Value {
    let mut finding = json::finding(finding, None);
    if let Some(fields) = finding.as_object_mut() {
        fields.extend(more.map(|(key, value)| (key.to_owned(), value)));
    }
    finding
}

/// How many changes a file got.
fn changes(outcome: &Outcome, path: &str) -> usize {
    let of_file = outcome.fixed.iter().filter(|it| *it.finding.place.path == *path);
    of_file.map(|it| it.edits.len()).sum()
}

fn listed(edits: &[Edit]) -> String {
    edits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn place(finding: &Finding) -> String {
    format!("{PLACE}{}{RESET}", clean(&finding.place.to_string()))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
