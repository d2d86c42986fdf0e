//! HTML: one page that needs nothing else, to keep or to send.

use airside_checks::Check;
use airside_checks::teach::{Kustomization, Lesson, lesson};
use airside_types::Severity;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{Group, Report, lesson};

/// How many findings of a check are listed; the rest is counted.
const SHOWN: usize = 200;

const STYLE: &str = "
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1rem; }
h1 { font-size: 1.6rem; margin: 0; } .faint { opacity: .7; }
.counts { display: flex; gap: .75rem; flex-wrap: wrap; margin: 1rem 0 2rem; }
.count { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem;
  padding: .5rem 1rem; min-width: 5rem; } .count b { display: block; font-size: 1.5rem; }
details { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .5rem;
  margin: .5rem 0; padding: .5rem 1rem; } summary { cursor: pointer; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .75rem .25rem 0;
  vertical-align: top; } code, pre { font: .9em ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; background: color-mix(in srgb, currentColor 7%, transparent);
  border-radius: .5rem; }
.critical, .high { color: light-dark(#b3261e, #ff8a80); } .medium { color: light-dark(#8a5300, #ffb74d); }
.low { color: light-dark(#1a5fb4, #82b1ff); } .info { opacity: .7; }
";

/// The whole report.
pub fn report(report: &Report<'_>) -> String {
    let summary = report.summary();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Airside scan" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Airside scan" }
                p .faint {
                    (report.objects.len()) " objects of " (report.files) " files; "
                    (summary.known) " findings known before, " (summary.accepted) " accepted; Airside "
                    (report.version)
                }
                @if let Some(remark) = &report.remark { p .faint { (remark) } }
                @if report.is_incomplete() {
                    p .high { "Something could not be read and was not checked." }
                    ul { @for problem in report.problems { li { (problem) } } }
                }
                div .counts {
                    @for severity in Severity::ALL.into_iter().rev() {
                        @let count = summary.new.iter().find(|(it, _)| *it == severity);
                        div .count {
                            b class=(severity.as_str()) { (count.map_or(0, |(_, count)| *count)) }
                            (severity)
                        }
                    }
                }
                @for group in report.groups() { (section(&group)) }
                (accepted(report))
                (open_questions(report))
            }
        }
    };
    page.into_string()
}

fn section(group: &Group<'_>) -> Markup {
    let check = group.check;
    html! {
        details id=(check.id) {
            summary {
                b class=(group.severity.as_str()) { (group.severity) } " " (check.title) " "
                span .faint { code { (check.id) } " × " (group.entries.len()) }
            }
            p { (check.why) }
            p { b { "Fix. " } (check.fix) }
            table {
                tr { th { "Where" } th { "Object" } th { "What" } th { "Owner" } }
                @for entry in group.entries.iter().take(SHOWN) {
                    tr {
                        td { code { (entry.finding.source_place()) } }
                        td { (entry.finding.object) }
                        td { (entry.finding.message) }
                        td { (entry.finding.owner.as_deref().unwrap_or_default()) }
                    }
                }
            }
            @if group.entries.len() > SHOWN {
                p .faint { "… and " (group.entries.len() - SHOWN) " more" }
            }
            (taught(check))
        }
    }
}

/// What the check teaches: attacks, the fix in three forms, references.
fn taught(check: &'static Check) -> Markup {
    let Lesson { attacks, yaml, applied, helm, kustomize, references } = lesson(check);
    html! {
        details {
            summary { "How it is attacked" }
            ul { @for it in &attacks { li { (lesson::attack(it)) } } }
        }
        details {
            summary { "The fix in YAML" }
            pre { (lesson::diff(&yaml)) }
        }
        details {
            summary { "The fix as Helm values" }
            (form(helm.as_deref().map_err(|reason| *reason)))
        }
        details {
            summary { "The fix as a kustomization" }
            @let text = kustomize.as_ref().map(Kustomization::text);
            (form(text.as_deref().map_err(|reason| **reason)))
        }
        @for it in &applied { p { (it) } }
        p {
            "Read on: "
            @for (index, it) in references.iter().enumerate() {
                @if index > 0 { ", " }
                @if let Some(url) = &it.url { a href=(url) { (it.title) } } @else { (it.title) }
            }
        }
    }
}

fn form(form: Result<&str, &str>) -> Markup {
    html! {
        @match form {
            Ok(text) => pre { (text) },
            Err(reason) => p { (reason) },
        }
    }
}

fn accepted(report: &Report<'_>) -> Markup {
    html! {
        @if !report.accepted.is_empty() {
            h2 { "Accepted" }
            table {
                tr { th { "Check" } th { "Object" } th { "Reason" } th { "Accepted at" } }
                @for it in report.accepted {
                    tr {
                        td { code { (it.finding.check) } }
                        td { (it.finding.object) }
                        td {
                            (it.reason)
                            @if let Some(until) = it.until { span .faint { " (until " (until) ")" } }
                        }
                        td { code { (it.place) } }
                    }
                }
            }
        }
    }
}

fn open_questions(report: &Report<'_>) -> Markup {
    html! {
        @if !(report.not_evaluated.is_empty() && report.unreadable.is_empty() && report.ineffective.is_empty()) {
            h2 { "Not decided" }
            ul {
                @for it in &report.not_evaluated { li { code { (it.check) } ": " (it.reason) } }
                @for it in &report.unreadable { li { code { (it.place) } ": " (it.reason) } }
                @for it in report.ineffective { li { code { (it.place) } ": " (it.problem) } }
            }
        }
    }
}
