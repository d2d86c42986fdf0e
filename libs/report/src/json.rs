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
        let findings = || report.entries().map(|it| entry(it, is_compared, &report.facts));
        fields.serialize_entry("findings", &Each(findings))?;
        let ineffective = || {
            let all = report.ineffective.iter();
            all.map(|it| json!({ "location": place(&it.place), "problem": it.problem.to_string() }))
        };
        fields.serialize_entry("ineffective_exceptions", &Each(ineffective))?;
        fields.serialize_entry("left_out", report.left_out)?;
        let not_evaluated = || {
            let all = report.not_evaluated.iter();
            all.map(|it| json!({ "check": it.check, "reason": it.reason }))
        };
        fields.serialize_entry("not_evaluated", &Each(not_evaluated))?;
        fields.serialize_entry("problems", report.problems)?;
        fields.serialize_entry("profile", &selection(report.selection))?;
        let unreadable = || {
            let all = report.unreadable.iter();
            all.map(|it| json!({ "location": place(it.place), "reason": it.reason }))
        };
        fields.serialize_entry("unreadable", &Each(unreadable))?;
        fields.end()
    }
}

fn entry<'a>(entry: Entry<'a>, is_compared: bool, facts: &Facts<'_>) -> FindingForm<'a> {
    let Entry { finding, object, .. } = entry;
    FindingForm {
        fingerprint: Some(entry.id.to_string()),
        origin: finding.origin.as_deref().map(origin::source_line),
        vulnerability: facts.about(&finding.check).map(vulnerability),
        known: is_compared.then_some(entry.is_known),
        ..FindingForm::of(finding, Some(&object.api_version))
    }
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
    json!(FindingForm::of(finding, api_version))
}

/// A finding as it is written. There are many: no values are made of them first.
#[derive(Serialize)]
struct FindingForm<'a> {
    check: &'a str,
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    fix: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<bool>,
    location: PlaceForm<'a>,
    message: &'a str,
    named_field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Value>,
    owner: Option<&'a str>,
    resource: ResourceForm<'a>,
    severity: &'a str,
    techniques: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vulnerability: Option<Value>,
}

impl<'a> FindingForm<'a> {
    fn of(finding: &'a Finding, api_version: Option<&'a str>) -> Self {
        Self {
            check: &finding.check,
            field: finding.field.to_string(),
            fingerprint: None,
            fix: &finding.fix,
            known: None,
            location: place(&finding.place),
            message: &finding.message,
            named_field: finding.named_field.as_deref().unwrap_or_else(|| finding.field.as_str()),
            origin: None,
            owner: finding.owner.as_deref(),
            resource: resource(&finding.object, api_version),
            severity: finding.severity.as_str(),
            techniques: finding.techniques.iter().map(|it| it.id()).collect(),
            vulnerability: None,
        }
    }
}

#[derive(Serialize)]
struct ResourceForm<'a> {
    #[serde(rename = "apiVersion", skip_serializing_if = "Option::is_none")]
    api_version: Option<&'a str>,
    kind: &'a str,
    name: &'a str,
    namespace: Option<&'a str>,
}

fn resource<'a>(object: &'a ObjectRef, api_version: Option<&'a str>) -> ResourceForm<'a> {
    let namespace = object.namespace.as_deref();
    ResourceForm { api_version, kind: &object.kind, name: &object.name, namespace }
}

#[derive(Serialize)]
struct PlaceForm<'a> {
    column: u32,
    line: u32,
    path: &'a str,
}

fn place(place: &Place) -> PlaceForm<'_> {
    PlaceForm { column: place.column, line: place.line, path: &place.path }
}
