//! SARIF 2.1.0, which code hosts and editors show beside the source line.

use std::collections::BTreeMap;

use airside_checks::{Accepted, Check, catalogue, teach};
use airside_types::{Finding, Place, Severity};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::each::Each;
use crate::{Entry, Report, Sources, json, lesson};

/// The name of the root of the work tree, as code hosts know it.
const ROOT: &str = "%SRCROOT%";

/// What may not stand in the path of a URI.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The whole report as a SARIF log with one run.
pub fn report<'a>(report: &'a Report<'a>) -> impl Serialize + 'a {
    let run = Run { report, rules: Rules::of(report) };
    Log { schema: "https://json.schemastore.org/sarif-2.1.0.json", runs: [run], version: "2.1.0" }
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'a>; 1],
    version: &'static str,
}

struct Run<'a> {
    report: &'a Report<'a>,
    rules: Rules,
}

impl Serialize for Run<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { report, rules } = self;
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("columnKind", "unicodeCodePoints")?;
        let invocation = json!({
            "executionSuccessful": !report.is_incomplete(),
            "toolExecutionNotifications": notifications(report),
        });
        fields.serialize_entry("invocations", &[invocation])?;
        if let Some(tree) = &report.sources.work_tree {
            let uri = format!("file://{}/", encoded(tree.root.trim_end_matches('/')));
            fields.serialize_entry("originalUriBaseIds", &json!({ ROOT: { "uri": uri } }))?;
        }
        let accepted = || report.accepted.iter().map(|it| self.accepted(it));
        let results = || report.entries().map(|entry| self.result(&entry)).chain(accepted());
        fields.serialize_entry("results", &Each(results))?;
        let driver = json!({
            "name": "Airside", "semanticVersion": report.version,
            "rules": rules.checks.iter().map(|check| rule(check)).collect::<Vec<_>>(),
        });
        fields.serialize_entry("tool", &json!({ "driver": driver }))?;
        fields.end()
    }
}

impl Run<'_> {
    fn result(&self, entry: &Entry<'_>) -> Value {
        let mut result = self.described(entry.finding);
        if let Some(fields) = result.as_object_mut() {
            let prints = json!({ "airsideFinding/v1": entry.id.to_string() });
            fields.insert("partialFingerprints".to_owned(), prints);
            if self.report.baseline.is_some() {
                let state = if entry.is_known { "unchanged" } else { "new" };
                fields.insert("baselineState".to_owned(), json!(state));
            }
        }
        result
    }

    fn accepted(&self, accepted: &Accepted) -> Value {
        let mut result = self.described(&accepted.finding);
        // What is accepted at the finding's own place stands in a report or a statement beside the manifests.
        let is_outside = accepted.place == accepted.finding.place;
        let suppression = match is_outside {
            true => json!([{
                "kind": "external", "status": "accepted", "justification": accepted.reason,
            }]),
            false => json!([{
                "kind": "inSource", "status": "accepted", "justification": accepted.reason,
                "location": location(&accepted.place, &self.report.sources),
            }]),
        };
        if let Some(fields) = result.as_object_mut() {
            fields.insert("suppressions".to_owned(), suppression);
        }
        result
    }

    /// A result with what a report knows of its vulnerability.
    fn described(&self, finding: &Finding) -> Value {
        let mut result = self.rules.result(finding, &self.report.sources);
        let vulnerability = self.report.facts.about(&finding.check);
        if let (Some(vulnerability), Some(fields)) = (vulnerability, result.as_object_mut()) {
            let properties = fields.entry("properties").or_insert_with(|| json!({}));
            if let Some(properties) = properties.as_object_mut() {
                let facts = json::vulnerability(vulnerability);
                properties.insert("vulnerability".to_owned(), facts);
            }
        }
        result
    }
}

/// The checks that have results, by their index.
struct Rules {
    checks: Vec<&'static Check>,
    index: BTreeMap<&'static str, usize>,
}

impl Rules {
    fn of(report: &Report<'_>) -> Self {
        let mut rules = Self { checks: Vec::new(), index: BTreeMap::new() };
        let accepted = report.accepted.iter().map(|it| &it.finding);
        for finding in report.findings.iter().chain(accepted) {
            if let Some(check) = catalogue::find(&finding.check)
                && !rules.index.contains_key(check.id)
            {
                rules.index.insert(check.id, rules.checks.len());
                rules.checks.push(check);
            }
        }
        rules
    }

    fn result(&self, finding: &Finding, sources: &Sources) -> Value {
        // What was rendered is in no repository: people look at the line that they can change.
        let mut location = location(finding.source_place(), sources);
        if let Some(fields) = location.as_object_mut() {
            let object = json!([{
                "kind": "resource",
                "fullyQualifiedName": format!("{} {}", finding.object, finding.field).trim_end(),
            }]);
            fields.insert("logicalLocations".to_owned(), object);
        }
        let rule = catalogue::find(&finding.check).and_then(|check| self.index.get(check.id));
        let mut result = json!({
            // A vulnerability of an image has its name behind the rule's: a hierarchical id.
            "ruleId": finding.check, "ruleIndex": rule.map_or_else(|| json!(-1), |index| json!(index)),
            "level": level(finding.severity),
            "message": { "text": format!("{}: {}. {}", finding.object, finding.message, finding.fix) },
            "locations": [location],
            "relatedLocations": related(finding, sources),
        });
        if let (Some(owner), Some(fields)) = (&finding.owner, result.as_object_mut()) {
            fields.insert("properties".to_owned(), json!({ "owner": owner }));
        }
        result
    }
}

/// The values of a chart that a finding depends on.
fn related(finding: &Finding, sources: &Sources) -> Vec<Value> {
    let values = finding.origin.iter().flat_map(|origin| &origin.values);
    let places = values.filter_map(|value| {
        let mut location = location(value.place.as_ref()?, sources);
        let message = json!({ "text": format!("{} is set here", value.key) });
        location.as_object_mut()?.insert("message".to_owned(), message);
        Some(location)
    });
    places.collect()
}

fn rule(check: &'static Check) -> Value {
    let mut tags = vec!["security".to_owned(), check.category.as_str().to_owned()];
    tags.extend(check.techniques.iter().map(|technique| technique.id().to_owned()));
    tags.extend(check.controls.iter().map(|control| (*control).to_owned()));
    let mut links = teach::lesson(check).references.into_iter().filter_map(|it| it.url);
    let mut rule = json!({
        "id": check.id,
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": check.why },
        "help": {
            "text": format!("{}\n\n{}", check.why, check.fix),
            "markdown": lesson::markdown(check),
        },
        "defaultConfiguration": { "level": level(check.severity) },
        "properties": {
            "tags": tags, "precision": "high",
            "security-severity": security_severity(check.severity),
        },
    });
    if let (Some(url), Some(fields)) = (links.next(), rule.as_object_mut()) {
        fields.insert("helpUri".to_owned(), json!(url));
    }
    rule
}

fn notifications(report: &Report<'_>) -> Vec<Value> {
    let unreadable = report.unreadable.iter().map(|it| {
        json!({
            "level": if it.is_foreign() { "note" } else { "warning" },
            "message": { "text": it.reason },
            "locations": [location(it.place, &report.sources)],
        })
    });
    let problems = report.problems.iter();
    let problems = problems.map(|text| json!({ "level": "error", "message": { "text": text } }));
    let not_evaluated = report.not_evaluated.iter().map(|it| {
        let text = format!("{} was not evaluated: {}", it.check, it.reason);
        json!({ "level": "note", "message": { "text": text } })
    });
    let ineffective = report.ineffective.iter().map(|it| {
        json!({
            "level": "warning", "message": { "text": it.problem.to_string() },
            "locations": [location(&it.place, &report.sources)],
        })
    });
    let remark = report.remark.iter();
    let remark = remark.map(|text| json!({ "level": "note", "message": { "text": text } }));
    problems.chain(unreadable).chain(not_evaluated).chain(ineffective).chain(remark).collect()
}

/// A place, in the file that stands for what was rendered, as it is seen from the root of the work tree.
fn location(place: &Place, sources: &Sources) -> Value {
    let instead = sources.instead_of(&place.path);
    let mut region = json!({ "startLine": if instead.is_some() { 1 } else { place.line.max(1) } });
    if let (true, None, Some(fields)) = (place.column > 0, instead, region.as_object_mut()) {
        fields.insert("startColumn".to_owned(), json!(place.column));
    }
    let path = instead.unwrap_or(&place.path);
    let artifact = match sources.below_root(path) {
        Some(path) => json!({ "uri": encoded(&path), "uriBaseId": ROOT }),
        None => json!({ "uri": encoded(path) }),
    };
    json!({ "physicalLocation": { "artifactLocation": artifact, "region": region } })
}

fn encoded(path: &str) -> String {
    utf8_percent_encode(path, NOT_IN_PATH).to_string()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number by which code hosts sort: critical from 9, high from 7, medium from 4.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}
