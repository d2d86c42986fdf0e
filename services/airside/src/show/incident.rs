//! An incident as people read it on a terminal: what happened, who, why we think so, what to change.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write;

use airside_types::{Evidence, Incident, LinkRole, RootCause, Timestamp};

use super::{FAINT, PLACE, RESET, STRONG, severity};

/// How many lines of evidence are shown; the rest is counted.
const SHOWN_EVIDENCE: usize = 20;
/// How many entities of a role are shown.
const SHOWN_ENTITIES: usize = 8;

/// One line for lists and watches.
pub fn line(incident: &Incident) -> String {
    format!(
        "{} {}  {}{:<8}{RESET}  {}  {}",
        day(incident.last_seen),
        time_of_day(incident.last_seen),
        severity(incident.severity),
        incident.severity,
        short(incident),
        incident.title,
    )
}

/// The first digits of the id: enough to tell incidents apart, and accepted by `incidents show`.
pub fn short(incident: &Incident) -> String {
    incident.id.to_string().chars().take(12).collect()
}

/// The whole incident.
pub fn whole(incident: &Incident) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = write_whole(&mut text, incident).is_ok();
    text
}

fn write_whole(out: &mut String, incident: &Incident) -> std::fmt::Result {
    let level = severity(incident.severity);
    writeln!(out, "{level}{}{RESET}  {STRONG}{}{RESET}", incident.severity, incident.title)?;
    let clusters: Vec<_> = incident.clusters.iter().map(ToString::to_string).collect();
    writeln!(
        out,
        "{FAINT}incident {}  cluster {}  {} to {}{RESET}",
        incident.id,
        clusters.join(", "),
        incident.first_seen,
        incident.last_seen
    )?;
    write_stages(out, incident)?;
    write_entities(out, incident)?;
    write_evidence(out, &incident.evidence)?;
    write_causes(out, &incident.root_causes)?;
    write_score(out, incident)?;
    if !incident.advice.is_empty() {
        writeln!(out, "\n{STRONG}What to do{RESET}")?;
        for (number, advice) in incident.advice.iter().enumerate() {
            writeln!(out, "  {}. {advice}", number + 1)?;
        }
    }
    Ok(())
}

fn write_stages(out: &mut String, incident: &Incident) -> std::fmt::Result {
    writeln!(out, "\n{STRONG}Stages{RESET}")?;
    for stage in &incident.stages {
        let techniques: Vec<_> = stage
            .techniques
            .iter()
            .map(|technique| format!("{} {}", technique.id(), technique.name()))
            .collect();
        writeln!(
            out,
            "  {}  {:<21} {}",
            time_of_day(stage.first),
            stage.tactic,
            techniques.join("; ")
        )?;
    }
    Ok(())
}

fn write_entities(out: &mut String, incident: &Incident) -> std::fmt::Result {
    writeln!(out, "\n{STRONG}Who and what{RESET}")?;
    for role in LinkRole::ALL {
        let names: Vec<_> = incident
            .entities
            .iter()
            .filter(|link| link.role == role)
            .map(|link| link.entity.to_string())
            .collect();
        if names.is_empty() {
            continue;
        }
        let more = names.len().saturating_sub(SHOWN_ENTITIES);
        let shown: Vec<_> = names.into_iter().take(SHOWN_ENTITIES).collect();
        write!(out, "  {:<9}{}", role.as_str(), shown.join(", "))?;
        writeln!(out, "{}", if more > 0 { format!(" and {more} more") } else { String::new() })?;
    }
    Ok(())
}

fn write_evidence(out: &mut String, evidence: &[Evidence]) -> std::fmt::Result {
    writeln!(out, "\n{STRONG}Evidence{RESET}")?;
    for item in most_telling(evidence) {
        writeln!(
            out,
            "  {}  {:<9} {}{:<8}{RESET} {} {FAINT}({}){RESET}",
            time_of_day(item.time),
            item.phase,
            severity(item.severity),
            item.severity,
            item.summary,
            item.rule
        )?;
    }
    if evidence.len() > SHOWN_EVIDENCE {
        writeln!(out, "  … and {} more, less severe", evidence.len() - SHOWN_EVIDENCE)?;
    }
    Ok(())
}

/// The most severe signals, of each phase that saw something at least one, in the order of time.
fn most_telling(evidence: &[Evidence]) -> Vec<&Evidence> {
    let mut telling: Vec<_> = evidence.iter().enumerate().collect();
    telling.sort_by_key(|(position, item)| (Reverse(item.severity), *position));
    let mut seen = BTreeSet::new();
    let (mut first, others): (Vec<_>, Vec<_>) =
        telling.into_iter().partition(|(_, item)| seen.insert(item.phase));
    let room = SHOWN_EVIDENCE.saturating_sub(first.len());
    first.extend(others.into_iter().take(room));
    let mut telling = first;
    telling.sort_by_key(|(position, _)| *position);
    telling.into_iter().map(|(_, item)| item).collect()
}

fn write_causes(out: &mut String, causes: &[RootCause]) -> std::fmt::Result {
    writeln!(out, "\n{STRONG}Where it could have been stopped{RESET}")?;
    if causes.is_empty() {
        return writeln!(
            out,
            "  no finding in a manifest that was checked in bears on it; `airside scan --publish` checks in"
        );
    }
    for cause in causes {
        writeln!(
            out,
            "  {PLACE}{}{RESET}  {}{}{RESET}  {} {FAINT}({}){RESET}",
            cause.place,
            severity(cause.severity),
            cause.severity,
            cause.message,
            cause.check
        )?;
        writeln!(out, "      fix: {}", cause.fix)?;
        for step in &cause.lineage {
            writeln!(out, "      {FAINT}{step}{RESET}")?;
        }
    }
    Ok(())
}

fn write_score(out: &mut String, incident: &Incident) -> std::fmt::Result {
    writeln!(out, "\n{STRONG}Score {}{RESET}", points(incident.score))?;
    for term in &incident.terms {
        writeln!(out, "  {:>7}  {}", points(term.points), term.reason)?;
    }
    for gap in &incident.gaps {
        writeln!(
            out,
            "  blind spot: {} lost events from {} to {} ({})",
            gap.source, gap.from, gap.until, gap.reason
        )?;
    }
    Ok(())
}

/// Milli-points with one decimal.
fn points(milli: i64) -> String {
    format!("{}.{}", milli / 1000, (milli.unsigned_abs() % 1000) / 100)
}

/// `YYYY-MM-DD` of a time.
fn day(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..10).unwrap_or(&text).to_owned()
}

/// `HH:MM:SS` of a time.
pub fn time_of_day(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(11..19).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use airside_types::{Id, Phase, Severity, Source};

    use super::*;

    fn evidence(number: u8, source: Source, phase: Phase, severity: Severity) -> Evidence {
        Evidence {
            record: Id::builder("test").bytes(&[number]).finish(),
            source,
            phase,
            time: Timestamp::from_nanos(i64::from(number)),
            rule: format!("rule-{number}"),
            summary: String::new(),
            severity,
            native_id: String::new(),
            origin: None,
            event: None,
            repeats: None,
        }
    }

    #[test]
    fn the_most_severe_is_shown_and_something_of_each_phase() {
        let mut all = vec![evidence(0, Source::Admission, Phase::Admission, Severity::Low)];
        all.push(evidence(1, Source::Admission, Phase::Admission, Severity::Medium));
        all.extend((2..40).map(|number| {
            let severity = if number < 10 { Severity::Medium } else { Severity::High };
            evidence(number, Source::Audit, Phase::Audit, severity)
        }));
        let shown: Vec<_> = most_telling(&all).into_iter().map(|it| it.rule.as_str()).collect();
        let expected: Vec<_> =
            std::iter::once(1).chain(10..29).map(|number| format!("rule-{number}")).collect();
        assert_eq!(shown, expected);
    }
}
