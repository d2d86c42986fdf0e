//! The score: how bad an incident is, term by term, in whole thousandths of a point.

use std::sync::Arc;

use airside_types::{ScoreTerm, Severity};

use super::{Case, places, stages};
use crate::joins::is_authorised;
use crate::keyed::Keyed;
use crate::signal::Signal;

/// The terms, each with a reason that a person understands. Their sum is the score.
pub(super) fn terms(case: &Case<'_>) -> Vec<ScoreTerm> {
    let scores = &case.settings.scores;
    let mut terms = Vec::new();
    let tactics = stages::tactics(case);
    for tactic in &tactics {
        let serving = case.signals.iter().filter(|signal| signal.tactic == *tactic);
        let points = |signal: &Signal| weight(case, signal) * signal.confidence() / 1_000;
        // The earliest of the strongest: `max_by_key` would take the last.
        let best = serving.min_by_key(|signal| (-points(signal), signal.time(), signal.id()));
        if let Some(best) = best {
            let sure = best.confidence() / 10;
            let reason = format!(
                "{tactic}: {} ({}, {}, {sure} % sure)",
                best.title(),
                best.rule(),
                best.severity
            );
            terms.push(ScoreTerm { reason, points: points(best) });
        }
    }
    let further = whole(tactics.len().saturating_sub(2));
    if further > 0 {
        let reason = format!("{} different goals pursued by joined signals", tactics.len());
        terms.push(ScoreTerm { reason, points: further * scores.further_tactic });
    }
    let phases = case.phases();
    let further = whole(phases.len().saturating_sub(1));
    if further > 0 {
        let names: Vec<&str> = phases.iter().map(|phase| phase.as_str()).collect();
        let reason = format!("seen independently by {}", names.join(" and "));
        terms.push(ScoreTerm { reason, points: further * scores.further_phase });
    }
    terms.extend(special_terms(case));
    terms
}

/// What only the joined view shows.
fn special_terms(case: &Case<'_>) -> Vec<ScoreTerm> {
    let scores = &case.settings.scores;
    let mut terms = Vec::new();
    if let Some([pod, address]) = places::credentials_abroad(case).into_iter().next() {
        let reason = format!(
            "the credential of {pod} was used from {}, which is not the pod's address",
            address.name()
        );
        terms.push(ScoreTerm { reason, points: scores.credential_abroad });
    }
    if let Some([user, here, there]) = places::users_in_two_places(case).into_iter().next() {
        let reason =
            format!("{user} acts from {} while working from {}", here.name(), there.name());
        terms.push(ScoreTerm { reason, points: scores.two_places });
    }
    if let Some(node) = left_for(case) {
        let reason = format!("what began in a pod went on as {node}");
        terms.push(ScoreTerm { reason, points: scores.left_the_pod });
    }
    terms
}

/// The node that acts after an escape attempt in a pod.
fn left_for(case: &Case<'_>) -> Option<Arc<Keyed>> {
    case.signals.iter().find(|signal| signal.is_escape())?;
    case.signals.iter().find_map(|signal| signal.parties.node.clone())
}

/// What a signal weighs. A change that had gone through the check-in weighs little, however risky the
/// configuration is: its findings say so already, and who made it did what was agreed.
fn weight(case: &Case<'_>, signal: &Signal) -> i64 {
    let scores = &case.settings.scores;
    let authorised = |target: &Arc<Keyed>| is_authorised(signal, target, case.known, case.settings);
    match signal.severity {
        Severity::Info => 0,
        _ if signal.parties.targets.iter().any(authorised) => scores.low,
        Severity::Low => scores.low,
        Severity::Medium => scores.medium,
        Severity::High => scores.high,
        Severity::Critical => scores.critical,
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What a score means.
pub(super) fn severity(case: &Case<'_>, score: i64) -> Severity {
    let scores = &case.settings.scores;
    match score {
        score if score >= scores.critical_from => Severity::Critical,
        score if score >= scores.high_from => Severity::High,
        score if score >= scores.medium_from => Severity::Medium,
        _ => Severity::Low,
    }
}
