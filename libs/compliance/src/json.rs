//! JSON: an assessment with all its evidence, for programs.

use airside_types::Finding;
use serde_json::{Value, json};

use crate::assess::{Assessment, ControlResult};

/// An assessment.
pub fn json(assessment: &Assessment<'_>) -> Value {
    let framework = assessment.framework;
    let counts = assessment.counts();
    let controls: Vec<_> = assessment.controls.iter().map(control).collect();
    json!({
        "framework": {
            "id": framework.id,
            "name": framework.name,
            "version": framework.version,
            "source": framework.source,
        },
        "summary": {
            "pass": counts.pass,
            "fail": counts.fail,
            "not_evaluated": counts.not_evaluated,
            "manual": counts.manual,
        },
        "controls": controls,
    })
}

fn control(result: &ControlResult<'_>) -> Value {
    let ids = |checks: &[&airside_checks::Check]| -> Vec<_> {
        checks.iter().map(|check| check.id).collect()
    };
    let accepted = result.accepted.iter().map(|it| {
        let mut evidence = evidence(&it.finding);
        if let Some(fields) = evidence.as_object_mut() {
            fields.insert("reason".to_owned(), json!(it.reason));
        }
        evidence
    });
    json!({
        "id": result.control.id,
        "title": result.control.title,
        "status": result.status.as_str(),
        "reason": result.status.reason(),
        "open_part": result.open_part(),
        "checks": ids(&result.control.checks),
        "applied_checks": ids(&result.applied),
        "failures": result.failures.iter().map(|it| evidence(it)).collect::<Vec<_>>(),
        "accepted": accepted.collect::<Vec<_>>(),
    })
}

fn evidence(finding: &Finding) -> Value {
    let Finding { object, place, .. } = finding;
    json!({
        "check": finding.check,
        "severity": finding.severity.as_str(),
        "message": finding.message,
        "field": finding.field.to_string(),
        "location": {"path": place.path, "line": place.line, "column": place.column},
        "resource": {"kind": object.kind, "namespace": object.namespace, "name": object.name},
    })
}
