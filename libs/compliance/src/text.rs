//! Plain text: an assessment for a terminal, a line for each control and the evidence below it.

use crate::assess::{Assessment, ControlResult};

/// How many failures of a control are shown; the rest is counted.
const SHOWN: usize = 5;

/// An assessment.
pub fn text(assessment: &Assessment<'_>) -> String {
    let framework = assessment.framework;
    let width = assessment.controls.iter().map(|it| it.control.id.len()).max().unwrap_or_default();
    let mut lines =
        vec![format!("{} {} ({})", framework.name, framework.version, framework.id), String::new()];
    for result in &assessment.controls {
        let (status, control) = (result.status.as_str(), result.control);
        lines.push(format!("{status:<13}  {:<width$}  {}", control.id, control.title));
        lines.extend(notes(result).into_iter().map(|note| format!("{:15}{note}", "")));
    }
    lines.extend([String::new(), conclusion(assessment), String::new()]);
    lines.join("\n")
}

/// What is said below a control.
fn notes(result: &ControlResult<'_>) -> Vec<String> {
    let mut notes: Vec<_> = result.status.reason().map(str::to_owned).into_iter().collect();
    let shown = result.failures.iter().take(SHOWN);
    notes.extend(
        shown.map(|it| format!("{} {}: {} ({})", it.place, it.object, it.message, it.check)),
    );
    if let Some(rest) = result.failures.len().checked_sub(SHOWN).filter(|rest| *rest > 0) {
        notes.push(format!("and {rest} more"));
    }
    if !result.accepted.is_empty() {
        notes.push(format!("accepted: {}", result.accepted.len()));
    }
    if result.is_judged_in_part() {
        let (applied, all) = (result.applied.len(), result.control.checks.len());
        notes.push(format!("{applied} of {all} checks had something to look at, none failed"));
    }
    if let Some(open) = result.open_part() {
        notes.push(format!("not judged: {open}"));
    }
    notes
}

fn conclusion(assessment: &Assessment<'_>) -> String {
    let counts = assessment.counts();
    format!(
        "{} of {} controls that could be judged pass, {} fail; {} not evaluated, {} to be looked at by a person",
        counts.pass,
        counts.pass + counts.fail,
        counts.fail,
        counts.not_evaluated,
        counts.manual,
    )
}
