//! The scan's own form, for scripts.

mod origin;

use airside_checks::Selection;
use airside_k8s::boarding_pass::statement;
use airside_types::{Finding, ObjectRef, Place};
use serde_json::{Value, json};

use crate::Report;
pub(crate) use origin::envelope;

/// The whole report as one object.
pub fn report(report: &Report<'_>) -> Value {
    let findings: Vec<_> = report
        .entries()
        .map(|entry| {
            let mut finding = finding(entry.finding, Some(&entry.object.api_version));
            if let Some(fields) = finding.as_object_mut() {
                fields.insert("fingerprint".to_owned(), json!(entry.id.to_string()));
                if let Some(origin) = &entry.finding.origin {
                    fields.insert("origin".to_owned(), origin::source_line(origin));
                }
                if report.baseline.is_some() {
                    fields.insert("known".to_owned(), json!(entry.is_known));
                }
            }
            finding
        })
        .collect();
    let passes: Vec<_> = report
        .passes
        .iter()
        .map(|pass| {
            json!({
                "digest": pass.digest.to_string(), "verdict": pass.verdict.as_str(),
                "location": place(&pass.place), "template": pass.template,
                "resource": resource(&pass.object, None),
                "origin": pass.origin.as_deref().map(statement::origin),
                "rules": pass.rules.as_ref().map(statement::rules),
                "accepted": pass.accepted.iter().map(statement::accepted).collect::<Vec<_>>(),
                "envelope": pass.attestation.as_ref().map(envelope),
            })
        })
        .collect();
    let accepted: Vec<_> = report
        .accepted
        .iter()
        .map(|it| {
            json!({
                "check": it.finding.check, "severity": it.finding.severity.as_str(),
                "message": it.finding.message, "location": place(&it.finding.place),
                "resource": resource(&it.finding.object, None),
                "reason": it.reason, "until": it.until.map(|until| until.to_string()),
                "accepted_at": place(&it.place),
            })
        })
        .collect();
    let ineffective = report
        .ineffective
        .iter()
        .map(|it| json!({ "location": place(&it.place), "problem": it.problem.to_string() }));
    let not_evaluated =
        report.not_evaluated.iter().map(|it| json!({ "check": it.check, "reason": it.reason }));
    let unreadable = report
        .unreadable
        .iter()
        .map(|it| json!({ "location": place(it.place), "reason": it.reason }));
    json!({
        "findings": findings, "boarding_passes": passes, "accepted": accepted,
        "ineffective_exceptions": ineffective.collect::<Vec<_>>(),
        "not_evaluated": not_evaluated.collect::<Vec<_>>(),
        "unreadable": unreadable.collect::<Vec<_>>(),
        "profile": selection(report.selection),
    })
}

fn selection(selection: &Selection) -> Value {
    let severities = selection.severities().iter();
    let severities: serde_json::Map<_, _> = severities
        .map(|(check, severity)| ((*check).to_owned(), json!(severity.as_str())))
        .collect();
    json!({
        "name": selection.profile(), "left_out": selection.left_out(), "severities": severities,
    })
}

/// A finding, with the API version of its object where that is known.
pub fn finding(finding: &Finding, api_version: Option<&str>) -> Value {
    let techniques: Vec<_> = finding.techniques.iter().map(|it| it.id()).collect();
    json!({
        "check": finding.check, "severity": finding.severity.as_str(),
        "message": finding.message, "field": finding.field.to_string(), "fix": finding.fix,
        "techniques": techniques, "location": place(&finding.place),
        "resource": resource(&finding.object, api_version), "owner": finding.owner,
    })
}

fn resource(object: &ObjectRef, api_version: Option<&str>) -> Value {
    let mut resource =
        json!({ "kind": object.kind, "namespace": object.namespace, "name": object.name });
    if let (Some(version), Some(fields)) = (api_version, resource.as_object_mut()) {
        fields.insert("apiVersion".to_owned(), json!(version));
    }
    resource
}

fn place(place: &Place) -> Value {
    json!({ "path": place.path, "line": place.line, "column": place.column })
}
