//! `airside scan affected`: what a vulnerability affects; and the reading of reports about images.

use std::path::{Path, PathBuf};

use airside_k8s::{Completeness, Graph, Object};
use airside_types::Place;
use airside_vulnerability::join::{AffectedPlace, Cause, affected};
use airside_vulnerability::{Components, Document};
use anyhow::Context;
use serde_json::{Value, json};

use super::inputs::Inputs;
use super::owners::of_files;
use super::render::Rendering;
use crate::cli::{AffectedArguments, OutputFormat};
use crate::command::Outcome;
use crate::command::data::InForce;
use crate::command::manifests::Manifests;
use crate::command::replay::read_text;
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

/// Lists what is affected. Exits with 1 where something is, and with 2 where nobody knows the vulnerability.
pub(super) fn run(arguments: &AffectedArguments) -> anyhow::Result<Outcome> {
    let vulnerability = arguments.cve.as_str();
    let (reports, unreadable) = image_reports(&arguments.vulnerabilities);
    let data = InForce::load(&arguments.data)?;
    let is_known = knows(&data.components, &reports, vulnerability);
    anyhow::ensure!(
        is_known || is_id(vulnerability),
        "`{vulnerability}` is no id of a vulnerability: write it as CVE-2025-1974, \
         GHSA-mgvx-rpfc-9mpv or GO-2025-3521"
    );
    let mut inputs = Inputs::read(&arguments.paths, &Rendering::default());
    inputs.problems.extend(unreadable);
    inputs.find_unreadable();
    for problem in &inputs.problems {
        show::error(problem);
    }
    let documents = inputs.documents();
    let documents = documents.iter().map(|(path, document)| (path.as_str(), document));
    let manifests = Manifests::of(documents);
    let graph = Graph::new(&manifests.objects, Completeness::WholeInput);
    let first = arguments.paths.first().map_or_else(|| Path::new("."), PathBuf::as_path);
    let files = of_files(&inputs, first)?;
    let places = affected(&graph, &reports, &data.components, vulnerability);
    let told: Vec<Told<'_>> = places
        .iter()
        .map(|place| Told {
            affected: place,
            object: manifests.objects.get(place.object),
            place: manifests.place(place.object, &place.field),
            owner: manifests.owner(place.object, &files),
        })
        .collect();
    let of = data.date();
    match arguments.output {
        OutputFormat::Json => {
            let report = json!({
                "vulnerability": vulnerability, "known": is_known, "data_date": of,
                "affected": told.iter().map(Told::json).collect::<Vec<_>>(),
            });
            show::print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        }
        OutputFormat::Text if !is_known => show::print(&format!(
            "{vulnerability} is not known: it is neither in the data on components of {of} \
             (`airside data update --help` says how to renew it) nor in a report given by \
             --vulnerabilities\n"
        ))?,
        OutputFormat::Text if told.is_empty() => show::print(&format!(
            "{vulnerability} is known, and nothing in the input is known to be affected by it \
             (data of {of})\n"
        ))?,
        OutputFormat::Text => show::print(&told.iter().map(Told::text).collect::<String>())?,
    }
    if !inputs.problems.is_empty() || !is_known {
        return Ok(Outcome::Unreadable);
    }
    let is_open = places.iter().any(|place| !place.is_suppressed());
    Ok(if is_open { Outcome::Findings } else { Outcome::Good })
}

/// Whether the data, a report or a statement names a vulnerability.
fn knows(components: &Components, reports: &[Document], name: &str) -> bool {
    let is_meant = |own: &str| own.eq_ignore_ascii_case(name);
    components.advisories().iter().any(|advisory| advisory.is_called(name))
        || reports.iter().any(|report| {
            report.vulnerabilities.iter().any(|it| it.names().any(is_meant))
                || report
                    .statements
                    .iter()
                    .any(|it| it.vulnerability.iter().any(|own| is_meant(own)))
        })
}

/// Whether a text looks like an id of one of the lists of vulnerabilities: parts with a number in the last ones.
fn is_id(text: &str) -> bool {
    let mut parts = text.split(['-', ':']);
    let prefix = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let is_plain =
        |part: &&str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric());
    if prefix.eq_ignore_ascii_case("CVE") {
        return matches!(rest.as_slice(), [year, number]
            if year.len() == 4 && is_number(year) && is_number(number));
    }
    let has_letters = prefix.bytes().any(|it| it.is_ascii_alphabetic());
    let has_number = rest.iter().any(|part| part.bytes().any(|it| it.is_ascii_digit()));
    has_letters && is_plain(&prefix) && has_number && rest.iter().all(is_plain)
}

/// Reads reports, SBOMs and VEX: those that can be read, and what is wrong with the others.
pub(super) fn image_reports(paths: &[PathBuf]) -> (Vec<Document>, Vec<String>) {
    let (mut reports, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match image_report(path) {
            Ok(report) => reports.push(report),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    (reports, problems)
}

fn image_report(path: &Path) -> anyhow::Result<Document> {
    airside_vulnerability::report::parse(
        &read_text(path)?,
        &airside_vulnerability::Limits::default(),
    )
    .with_context(|| format!("`{}` cannot be read", path.display()))
}

/// What is affected, where it stands and whose it is.
struct Told<'t> {
    affected: &'t AffectedPlace<'t>,
    object: Option<&'t Object<'t>>,
    place: Place,
    owner: Option<String>,
}

impl Told<'_> {
    fn text(&self) -> String {
        let container = match &self.affected.container {
            Some(name) => format!(", container `{name}`"),
            None => String::new(),
        };
        let object = self.object.map(ToString::to_string).unwrap_or_default();
        let owner = self.owner.as_deref().map(|owner| format!("  {owner}")).unwrap_or_default();
        format!(
            "{STRONG}{object}{RESET}{container}: {}\n  {PLACE}{}{RESET}{FAINT}{owner}{RESET}\n",
            cause(self.affected),
            self.place,
        )
    }

    fn json(&self) -> Value {
        json!({
            "resource": self.object.map(|it| json!({
                "kind": it.kind(), "namespace": it.namespace(), "name": it.name(),
            })),
            "container": self.affected.container,
            "field": self.affected.field.to_string(),
            "location": {
                "path": self.place.path, "line": self.place.line, "column": self.place.column,
            },
            "owner": self.owner,
            "cause": cause(self.affected),
            "suppressed": self.affected.is_suppressed(),
        })
    }
}

fn cause(place: &AffectedPlace<'_>) -> String {
    match &place.cause {
        Cause::Component { title, version } => format!("{title} {version}"),
        Cause::Image { package, fixed, statement, .. } => {
            let fixed = match fixed.as_slice() {
                [] => "no fix is known".to_owned(),
                versions => format!("fixed in {}", versions.join(", ")),
            };
            let suppressed = statement.filter(|_| place.is_suppressed()).map(|statement| {
                let reason = statement.reason().unwrap_or("no reason is given");
                format!("; not affected by its makers' word: {reason}")
            });
            format!("{package}, {fixed}{}", suppressed.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_other_words() {
        for text in
            ["CVE-2025-1974", "cve-2099-1", "GHSA-mgvx-rpfc-9mpv", "GO-2025-3521", "RHSA-2024:1"]
        {
            assert!(is_id(text), "{text}");
        }
        for text in
            ["foo", "CVE-2025", "CVE-25-1974", "CVE-2025-x", "2025-1974", "a b-1", "", "GHSA"]
        {
            assert!(!is_id(text), "{text}");
        }
    }
}
