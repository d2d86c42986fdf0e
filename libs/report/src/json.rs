//! The scan's own form, for scripts.

mod origin;

use airside_checks::{Accepted, Selection};
use airside_k8s::boarding_pass::statement;
use airside_types::{BoardingPass, Finding, ObjectRef, Place};
use airside_vulnerability::join::Facts;
use airside_vulnerability::report::Vulnerability;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::each::Each;
use crate::{Entry, Report};
pub(crate) use origin::envelope;

/// The whole report as one object.
pub fn report<'a>(report: &'a Report<'a>) -> impl Serialize + 'a {
    Whole(report)
}

struct Whole<'a>(&'a Report<'a>);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(report) = *self;
        let is_compared = report.baseline.is_some();
        let mut fields = serializer.serialize_map(None)?;
        let accepted = || report.accepted.iter().map(|it| accepted(it, &report.facts));
        fields.serialize_entry("accepted", &Each(accepted))?;
        fields.serialize_entry("boarding_passes", &Each(|| report.passes.iter().map(pass)))?;
        let findings = || report.entries().map(|it| entry(&it, is_compared, &report.facts));
        fields.serialize_entry("findings", &Each(findings))?;
        let ineffective = || {
            let all = report.ineffective.iter();
            all.map(|it| json!({ "location": place(&it.place), "problem": it.problem.to_string() }))
        };
        fields.serialize_entry("ineffective_exceptions", &Each(ineffective))?;
        let not_evaluated = || {
            let all = report.not_evaluated.iter();
            all.map(|it| json!({ "check": it.check, "reason": it.reason }))
        };
        fields.serialize_entry("not_evaluated", &Each(not_evaluated))?;
        fields.serialize_entry("profile", &selection(report.selection))?;
        let unreadable = || {
            let all = report.unreadable.iter();
            all.map(|it| json!({ "location": place(it.place), "reason": it.reason }))
        };
        fields.serialize_entry("unreadable", &Each(unreadable))?;
        fields.end()
    }
}

fn entry(entry: &Entry<'_>, is_compared: bool, facts: &Facts<'_>) -> Value {
    let mut finding = finding(entry.finding, Some(&entry.object.api_version));
    if let Some(fields) = finding.as_object_mut() {
        fields.insert("fingerprint".to_owned(), json!(entry.id.to_string()));
        if let Some(origin) = &entry.finding.origin {
            fields.insert("origin".to_owned(), origin::source_line(origin));
        }
        if let Some(vulnerability) = facts.about(&entry.finding.check) {
            fields.insert("vulnerability".to_owned(), self::vulnerability(vulnerability));
        }
        if is_compared {
            fields.insert("known".to_owned(), json!(entry.is_known));
        }
    }
    finding
}

fn pass(pass: &BoardingPass) -> Value {
    json!({
        "digest": pass.digest.to_string(), "verdict": pass.verdict.as_str(),
        "location": place(&pass.place), "template": pass.template,
        "resource": resource(&pass.object, None),
        "origin": pass.origin.as_deref().map(statement::origin),
        "rules": pass.rules.as_ref().map(statement::rules),
        "accepted": pass.accepted.iter().map(statement::accepted).collect::<Vec<_>>(),
        "envelope": pass.attestation.as_ref().map(envelope),
    })
}

fn accepted(accepted: &Accepted, facts: &Facts<'_>) -> Value {
    json!({
        "check": accepted.finding.check, "severity": accepted.finding.severity.as_str(),
        "message": accepted.finding.message, "location": place(&accepted.finding.place),
        "resource": resource(&accepted.finding.object, None),
        "reason": accepted.reason, "until": accepted.until.map(|until| until.to_string()),
        "accepted_at": place(&accepted.place),
        "vulnerability": facts.about(&accepted.finding.check).map(vulnerability),
    })
}

/// What a report knows of a vulnerability: EPSS from 0 to 1, null where it says nothing.
pub(crate) fn vulnerability(vulnerability: &Vulnerability) -> Value {
    json!({
        "id": vulnerability.id, "aliases": vulnerability.aliases,
        "package": vulnerability.package.name, "version": vulnerability.package.version,
        "fixed": vulnerability.fixed, "cvss": vulnerability.score,
        "known_exploited": vulnerability.known_exploited, "epss": vulnerability.epss,
        "source": vulnerability.source,
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
