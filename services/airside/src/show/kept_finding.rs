//! Findings that a platform keeps, as people read them on a terminal: a line each, or one with its history.

use std::fmt::Write;

use airside_types::FindingState;
use airside_wire::finding::FindingEntry;

use super::findings::source_line;
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
    if let Some(origin) = &finding.origin {
        writeln!(out, "  from {}", source_line(origin))?;
    }
    writeln!(out, "  fix: {}", clean(&finding.fix))?;
    writeln!(out, "  cluster {}", entry.cluster)?;
    writeln!(out, "  {} since {}", state(entry), entry.state_since)?;
    writeln!(out, "  first seen {}, last seen {}", entry.first_seen, entry.last_seen)?;
    if let Some(by) = &entry.judged_by {
        let data = by.vulnerability_data.as_deref().unwrap_or("an unknown day");
        let catalogue: String = by.catalogue.to_string().chars().take(12).collect();
        writeln!(
            out,
            "  judged by catalogue {catalogue} ({}), vulnerability data of {data}",
            by.version
        )?;
    }
    if entry.outdated {
        writeln!(
            out,
            "  the platform has other checks or later data now: scan the manifests again"
        )?;
    }
    if let Some(closed) = entry.closed_at {
        writeln!(out, "  last fixed or gone {closed}")?;
    }
    if let Some(reappeared) = entry.reappeared_at {
        writeln!(out, "  came back {} ×, last {reappeared}", entry.reappeared)?;
    }
    Ok(())
}

/// What a manifest holds must not steer the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use airside_types::{
        Cluster, FieldPath, Finding, Id, Knowledge, ObjectRef, Place, Severity, Timestamp,
    };
    use insta::assert_snapshot;

    use std::sync::Arc;

    use super::*;

    fn entry(state: FindingState, reappeared: u32) -> FindingEntry {
        let day = |day: i64| Timestamp::from_nanos((1_767_225_600 + 86_400 * day) * 1_000_000_000);
        let finding = Finding {
            check: "privileged-container".into(),
            severity: Severity::Critical,
            state,
            object: Arc::new(ObjectRef {
                group: String::new(),
                kind: "Pod".to_owned(),
                namespace: Some("shop".to_owned()),
                name: "web".to_owned(),
                uid: None,
            }),
            field: FieldPath::root(),
            message: "container web is\u{1b}[2Jprivileged".to_owned(),
            fix: "Take privileged out.".into(),
            place: Place { path: "web.yaml".into(), line: 8, column: 21 },
            techniques: Vec::new(),
            origin: None,
            owner: None,
            named_field: None,
        };
        FindingEntry {
            id: Id::from_bytes([0xab; 16]),
            cluster: Cluster::default(),
            finding,
            first_seen: day(0),
            state_since: day(4),
            last_seen: day(6),
            reappeared,
            reappeared_at: (reappeared > 0).then(|| day(4)),
            closed_at: (reappeared > 0).then(|| day(2)),
            judged_by: (reappeared > 1).then(|| Knowledge {
                version: "0.1.0".to_owned(),
                catalogue: Id::from_bytes([0xcd; 16]),
                vulnerability_data: Some("2026-01".to_owned()),
            }),
            outdated: reappeared > 1,
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_line_tells_whether_a_finding_came_back_and_does_not_steer_the_terminal() {
        let lines: String = [
            entry(FindingState::Open, 0),
            entry(FindingState::Open, 1),
            entry(FindingState::Fixed, 1),
        ]
        .iter()
        .map(line)
        .collect();
        assert_snapshot!(plain(&lines), @r"
        critical  open        abababababab  web.yaml:8:21  container web is [2Jprivileged (privileged-container)
        critical  reappeared  abababababab  web.yaml:8:21  container web is [2Jprivileged (privileged-container)
        critical  fixed       abababababab  web.yaml:8:21  container web is [2Jprivileged (privileged-container)
        ");
    }

    #[test]
    fn one_finding_is_shown_with_its_history() {
        assert_snapshot!(plain(&whole(&entry(FindingState::Open, 2))), @r"
        critical  container web is [2Jprivileged
        finding abababababababababababababababab  check privileged-container
          web.yaml:8:21  Pod shop/web
          fix: Take privileged out.
          cluster default
          reappeared since 2026-01-05T00:00:00Z
          first seen 2026-01-01T00:00:00Z, last seen 2026-01-07T00:00:00Z
          judged by catalogue cdcdcdcdcdcd (0.1.0), vulnerability data of 2026-01
          the platform has other checks or later data now: scan the manifests again
          last fixed or gone 2026-01-03T00:00:00Z
          came back 2 ×, last 2026-01-05T00:00:00Z
        ");
    }
}
