//! HTML: an assessment as one page that needs nothing else, to keep or to send.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assess::{Assessment, ControlResult};

/// How many failures of a control are listed; the rest is counted.
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
  vertical-align: top; } code { font: .9em ui-monospace, monospace; }
.fail { color: light-dark(#b3261e, #ff8a80); } .pass { color: light-dark(#1b6e33, #81c995); }
.not-evaluated { color: light-dark(#8a5300, #ffb74d); } .manual { opacity: .7; }
";

/// An assessment.
pub fn html(assessment: &Assessment<'_>) -> String {
    let framework = assessment.framework;
    let counts = assessment.counts();
    let counts = [
        ("pass", "pass", counts.pass),
        ("fail", "fail", counts.fail),
        ("not-evaluated", "not evaluated", counts.not_evaluated),
        ("manual", "by a person", counts.manual),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (framework.name) " " (framework.version) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (framework.name) " " (framework.version) }
                p .faint { (framework.source) }
                div .counts {
                    @for (class, name, count) in counts {
                        div .count { b class=(class) { (count) } (name) }
                    }
                }
                @for result in &assessment.controls { (control(result)) }
            }
        }
    };
    page.into_string()
}

fn control(result: &ControlResult<'_>) -> Markup {
    let status = result.status.as_str();
    html! {
        details id=(result.control.id) {
            summary {
                b class=(status) { (status) } " " code { (result.control.id) } " " (result.control.title)
                @if !result.failures.is_empty() { span .faint { " × " (result.failures.len()) } }
            }
            @if let Some(reason) = result.status.reason() { p { (reason) } }
            @if let Some(open) = result.open_part() { p { b { "Not judged. " } (open) } }
            (failures(result))
            (accepted(result))
            @if !result.applied.is_empty() {
                p .faint {
                    (result.applied.len()) " of " (result.control.checks.len())
                    " checks had something to look at: "
                    @for check in &result.applied { code { (check.id) } " " }
                }
            }
        }
    }
}

fn failures(result: &ControlResult<'_>) -> Markup {
    html! {
        @if !result.failures.is_empty() {
            table {
                tr { th { "Where" } th { "Object" } th { "What" } th { "Check" } }
                @for it in result.failures.iter().take(SHOWN) {
                    tr {
                        td { code { (it.place) } }
                        td { (it.object) }
                        td { (it.message) }
                        td { code { (it.check) } }
                    }
                }
            }
            @if result.failures.len() > SHOWN {
                p .faint { "… and " (result.failures.len() - SHOWN) " more" }
            }
        }
    }
}

fn accepted(result: &ControlResult<'_>) -> Markup {
    html! {
        @if !result.accepted.is_empty() {
            h4 { "Accepted" }
            table {
                tr { th { "Check" } th { "Object" } th { "Reason" } th { "Accepted at" } }
                @for it in result.accepted.iter().take(SHOWN) {
                    tr {
                        td { code { (it.finding.check) } }
                        td { (it.finding.object) }
                        td { (it.reason) }
                        td { code { (it.place) } }
                    }
                }
            }
        }
    }
}
