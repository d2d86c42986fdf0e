//! A timeline as people read it, and as lines of JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::summary::seconds;
use super::timeline::{Mark, Run, Timeline};
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

/// How many addresses and programs are named.
const SHOWN: usize = 6;

/// Prints a timeline for people.
pub(super) fn text(timeline: &mut Timeline) -> anyhow::Result<()> {
    let head = head(timeline);
    let runs = timeline.runs();
    Ok(show::print_with(|out| {
        out.write_all(head.as_bytes())?;
        runs.iter().try_for_each(|run| out.write_all(line(run).as_bytes()))
    })?)
}

/// Prints a timeline for programs, one object a line.
pub(super) fn json_lines(timeline: &mut Timeline) -> anyhow::Result<()> {
    let runs = timeline.runs();
    Ok(show::print_unstyled_with(|out| {
        runs.iter().try_for_each(|run| writeln!(out, "{}", run_json(run)))
    })?)
}

fn head(timeline: &Timeline) -> String {
    let (addresses, programs) = timeline.means();
    let named = |what: &str, all: &BTreeSet<&str>| {
        let named: Vec<_> = all.iter().take(SHOWN).copied().collect();
        let more = match all.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match named.as_slice() {
            [] => String::new(),
            named => format!("; {what} {}{more}", named.join(", ")),
        }
    };
    let events = timeline.events();
    let plural = if events == 1 { "" } else { "s" };
    let means = named("from", &addresses) + &named("with", &programs);
    let name = show::clean(timeline.subject.name());
    format!(
        "{STRONG}{name}{RESET}  {FAINT}{events} event{plural}{}{RESET}\n\n",
        show::clean(&means)
    )
}

fn line(run: &Run<'_>) -> String {
    let asked = run.asked;
    let first = seconds(run.span.first);
    let mut text = if asked.verb.is_empty() {
        format!("{FAINT}{first}{RESET}  {FAINT}several requests together{RESET}")
    } else {
        let code = asked.code.map(|code| format!("  {code}")).unwrap_or_default();
        let object = show::clean(&asked.object);
        let actor = show::clean(&asked.actor);
        format!(
            "{FAINT}{first}{RESET}  {actor}{}  {STRONG}{} {object}{RESET}{code}",
            acting_as(&asked.acting_as),
            show::clean(&asked.verb),
        )
    };
    for (word, what) in [("from", &asked.address), ("with", &asked.program)] {
        if !what.is_empty() {
            text.push_str(&format!("  {FAINT}{word} {}{RESET}", show::clean(what)));
        }
    }
    if run.count > 1 {
        text.push_str(&format!("  ×{} until {}", run.count, run.span.end()));
    }
    text.push_str(&format!("  {PLACE}{}{RESET}\n", show::clean(&run.place.to_string())));
    for Mark { severity, rule, title, message } in &asked.detections {
        let (style, title) = (show::severity(*severity), show::clean(title));
        text.push_str(&format!(
            "    {style}{severity:<8}{RESET}  {title} {FAINT}({rule}){RESET}\n"
        ));
        text.push_str(&format!("              {}\n", show::clean(message)));
    }
    text
}

fn acting_as(other: &str) -> String {
    if other.is_empty() { String::new() } else { format!(" as {}", show::clean(other)) }
}

fn run_json(run: &Run<'_>) -> Value {
    let asked = run.asked;
    let detections: Vec<_> = asked
        .detections
        .iter()
        .map(|it| {
            json!({
                "rule": it.rule, "title": it.title, "severity": it.severity.as_str(), "message": it.message,
            })
        })
        .collect();
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    json!({
        "first": run.span.first.to_string(),
        "last": run.span.last.to_string(),
        "count": run.count,
        "actor": text(&asked.actor),
        "acting_as": text(&asked.acting_as),
        "verb": text(&asked.verb),
        "object": text(&asked.object),
        "code": asked.code,
        "address": text(&asked.address),
        "program": text(&asked.program),
        "detections": detections,
        "input": { "path": run.place.path, "line": run.place.line },
    })
}
