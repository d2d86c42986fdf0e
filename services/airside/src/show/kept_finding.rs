//! Findings that a platform keeps, as people read them on a terminal: a line each, or one with its history.

use std::fmt::Write;

use airside_types::FindingState;
use airside_wire::finding::FindingEntry;

use super::{FAINT, PLACE, RESET, STRONG, severity};

/// The state as it is shown: an open finding that came back is `reappeared`.
pub fn state(entry: &FindingEntry) -> &'static str {
    match entry.finding.state {
        FindingState::Open if entry.reappeared > 0 => "reappeared",
        state => state.as_str(),
    }
}

/// One line for lists.
pub fn line(entry: &FindingEntry) -> String {
    let finding = &entry.finding;
    let id: String = entry.id.to_string().chars().take(12).collect();
    format!(
        "{}{:<8}{RESET}  {:<10}  {FAINT}{id}{RESET}  {PLACE}{}{RESET}  {} {FAINT}({}){RESET}\n",
        severity(finding.severity),
        finding.severity,
        state(entry),
        finding.place,
        clean(&finding.message),
        finding.check,
    )
}

/// The whole finding.
pub fn whole(entry: &FindingEntry) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = write_whole(&mut text, entry).is_ok();
    text
}

fn write_whole(out: &mut String, entry: &FindingEntry) -> std::fmt::Result {
    let finding = &entry.finding;
    let level = severity(finding.severity);
    writeln!(
        out,
        "{level}{}{RESET}  {STRONG}{}{RESET}",
        finding.severity,
        clean(&finding.message)
    )?;
    writeln!(out, "{FAINT}finding {}  check {}{RESET}", entry.id, finding.check)?;
    writeln!(out, "  {PLACE}{}{RESET}  {}", finding.place, finding.object)?;
    writeln!(out, "  fix: {}", clean(&finding.fix))?;
    writeln!(out, "  cluster {}", entry.cluster)?;
    writeln!(out, "  {} since {}", state(entry), entry.state_since)?;
    writeln!(out, "  first seen {}, last seen {}", entry.first_seen, entry.last_seen)?;
    if let Some(closed) = entry.closed_at {
        writeln!(out, "  last fixed or gone {closed}")?;
    }
    if let Some(reappeared) = entry.reappeared_at {
        writeln!(out, "  came back {} times, last {reappeared}", entry.reappeared)?;
    }
    Ok(())
}

/// What a manifest holds must not steer the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
