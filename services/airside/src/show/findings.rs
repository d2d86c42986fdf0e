//! Findings on a terminal: by check, each with its source line, as a good compiler tells them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use airside_checks::source_lines::SourceLines;
use airside_k8s::Limits;
use airside_report::{Group, Report, Unreadable};
use airside_types::{Place, Severity, SourceLine};
use airside_wire::scan::SourceFile;

use super::{FAINT, PLACE, RESET, STRONG, clean, severity};

/// How many findings of a check are shown; the rest is counted.
const SHOWN: usize = 12;
/// Longer source lines are cut.
const MAX_LINE: usize = 160;

/// The whole report. Checks below a severity are counted only.
pub fn report(report: &Report<'_>, files: &[SourceFile], least: Severity) -> String {
    let sources = Sources::of(files);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = write(&mut text, report, &sources, least).is_ok();
    text
}

fn write(
    out: &mut String,
    report: &Report<'_>,
    sources: &Sources<'_>,
    least: Severity,
) -> std::fmt::Result {
    for group in report.groups().iter().filter(|group| group.severity >= least) {
        write_group(out, group, sources)?;
    }
    write_unreadable(out, report)?;
    for it in report.ineffective {
        writeln!(out, "\n{PLACE}{}{RESET}  {}", it.place, it.problem)?;
    }
    write_summary(out, report, least)
}

/// What could not be read, file by file; of a file that is broken all over, the first.
fn write_unreadable(out: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let broken: Vec<&Unreadable<'_>> = report.broken().collect();
    for of_file in broken.chunk_by(|one, next| one.place.path == next.place.path) {
        for it in of_file.iter().take(SHOWN) {
            let place = it.place.to_string();
            writeln!(out, "\n{PLACE}{}{RESET}  {}", clean(&place), clean(it.reason))?;
        }
        if let Some(more) = of_file.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            writeln!(out, "{FAINT}… and {more} more in this file; --output json has all{RESET}")?;
        }
    }
    write_foreign(out, report)
}

/// Files that hold something else than Kubernetes objects, and tests of charts, in a line each.
fn write_foreign(out: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let foreign = report.unreadable.iter().filter(|it| it.is_foreign());
    let (tests, others): (Vec<_>, Vec<_>) = foreign.partition(|it| it.is_helm_test());
    write_paths(out, "not all Kubernetes objects", &others)?;
    write_paths(out, "left out, as only `helm test` runs them", &tests)
}

fn write_paths(out: &mut String, what: &str, of: &[&Unreadable<'_>]) -> std::fmt::Result {
    const NAMED: usize = 3;
    let paths: BTreeSet<&str> = of.iter().map(|it| it.place.path.as_ref()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let mut named: Vec<String> =
        paths.iter().take(NAMED).map(|path| clean(path).into_owned()).collect();
    if let Some(more) = paths.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push(format!("{more} more (--output json has all)"));
    }
    writeln!(out, "\n{FAINT}{what}: {}{RESET}", named.join(", "))
}

fn write_group(out: &mut String, group: &Group<'_>, sources: &Sources<'_>) -> std::fmt::Result {
    let (check, style) = (group.check, severity(group.severity));
    writeln!(
        out,
        "\n{style}{}{RESET}{STRONG}: {}{RESET} {FAINT}({}){RESET}",
        group.severity, check.title, check.id
    )?;
    let shown = group.entries.get(..SHOWN.min(group.entries.len())).unwrap_or_default();
    let mut before: Option<&Place> = None;
    for entry in shown {
        let finding = entry.finding;
        // Several findings of one line stand under it together.
        if before != Some(&finding.place) {
            let owner = finding.owner.as_deref().map(|owner| format!("  {owner}"));
            let owner = owner.unwrap_or_default();
            let (place, object) = (finding.place.to_string(), finding.object.to_string());
            let (place, object, owner) = (clean(&place), clean(&object), clean(&owner));
            writeln!(out, "  {PLACE}{place}{RESET}  {FAINT}{object}{owner}{RESET}")?;
            if let Some(line) = sources.line(&finding.place) {
                writeln!(out, "  {FAINT}{:>5} |{RESET} {line}", finding.place.line)?;
            }
        }
        if finding.place.line == 0 {
            writeln!(out, "        {FAINT}{}{RESET}", finding.field)?;
        }
        writeln!(out, "        {style}={RESET} {}", clean(&finding.message))?;
        if let Some(origin) = &finding.origin {
            writeln!(out, "          {FAINT}from{RESET} {}", source_line(origin))?;
        }
        before = Some(&finding.place);
    }
    if group.entries.len() > shown.len() {
        let more = group.entries.len() - shown.len();
        writeln!(out, "  {FAINT}… and {more} more{RESET}")?;
    }
    writeln!(out, "  fix: {}", check.fix)
}

/// A line of a template or of a kustomization's file, and the values that it takes.
pub(super) fn source_line(origin: &SourceLine) -> String {
    let values = origin.values.iter().map(|value| match &value.place {
        Some(place) => {
            format!("`{}` at {PLACE}{}:{}{RESET}", cut(&value.key), place.path, place.line)
        }
        None => format!("`{}`, which no file sets", cut(&value.key)),
    });
    let values: Vec<_> = values.collect();
    let takes = if values.is_empty() { "" } else { ", which takes " };
    format!("{PLACE}{}{RESET}{takes}{}", origin.place, values.join(" and "))
}

fn write_summary(out: &mut String, report: &Report<'_>, least: Severity) -> std::fmt::Result {
    let summary = report.summary();
    let levels: Vec<_> = summary
        .new
        .iter()
        .map(|(level, count)| format!("{}{count} {level}{RESET}", severity(*level)))
        .collect();
    let what = if report.baseline.is_some() { "new findings" } else { "findings" };
    let findings = if levels.is_empty() { format!("no {what}") } else { levels.join(", ") };
    let objects = counted(report.objects.len(), "object");
    match report.files {
        // Live objects stand in no files.
        0 => writeln!(out, "\n{STRONG}{findings}{RESET} in {objects}")?,
        files => {
            let files = counted(files, "file");
            writeln!(out, "\n{STRONG}{findings}{RESET} in {objects} of {files}")?;
        }
    }
    if summary.known > 0 {
        writeln!(out, "{FAINT}{} known before{RESET}", summary.known)?;
    }
    if summary.accepted > 0 {
        writeln!(out, "{FAINT}{} accepted; --output json lists them{RESET}", summary.accepted)?;
    }
    let hidden: usize =
        summary.new.iter().filter(|(level, _)| *level < least).map(|(_, count)| count).sum();
    if hidden > 0 {
        writeln!(out, "{FAINT}{hidden} below {least} not shown: --min-severity info{RESET}")?;
    }
    if let Some(remark) = &report.remark {
        writeln!(out, "{FAINT}{remark}{RESET}")?;
    }
    for it in &report.not_evaluated {
        writeln!(out, "{FAINT}not evaluated: {} ({}){RESET}", it.check, it.reason)?;
    }
    if !report.groups().is_empty() {
        writeln!(out, "{FAINT}`airside explain CHECK` tells why a check matters{RESET}")?;
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The lines of the files that were scanned, without credentials.
struct Sources<'f> {
    files: BTreeMap<&'f str, &'f SourceFile>,
    /// Those of which a line was shown.
    read: RefCell<BTreeMap<&'f str, SourceLines<'f>>>,
}

impl<'f> Sources<'f> {
    fn of(files: &'f [SourceFile]) -> Self {
        let files = files.iter().map(|file| (file.path.as_str(), file)).collect();
        Self { files, read: RefCell::default() }
    }

    fn line(&self, place: &Place) -> Option<String> {
        let (path, file) = self.files.get_key_value(place.path.as_ref())?;
        let mut read = self.read.borrow_mut();
        let lines = read.entry(path).or_insert_with(|| {
            let text = std::str::from_utf8(&file.content).unwrap_or_default();
            SourceLines::of(text, &Limits::of_file_size(text.len()))
        });
        Some(cut(&lines.line(place.line)?))
    }
}

/// The start of a line.
fn cut(text: &str) -> String {
    clean(text).chars().take(MAX_LINE).collect()
}
