//! `airside scan affected`: what a vulnerability affects; and the reading of reports about images.

use std::path::PathBuf;

use airside_k8s::{Completeness, Graph, Object};
use airside_vulnerability::Document;
use airside_vulnerability::join::{AffectedPlace, Cause, affected};
use anyhow::Context;
use serde_json::{Value, json};

use super::inputs::Inputs;
use super::render::Rendering;
use crate::cli::{AffectedArguments, OutputFormat};
use crate::command::Outcome;
use crate::command::data::InForce;
use crate::command::replay::read;
use crate::show::{self, FAINT, RESET, STRONG};

/// Lists what is affected. Exits with 1 where something is.
pub(super) fn run(arguments: &AffectedArguments) -> anyhow::Result<Outcome> {
    let mut inputs = Inputs::read(&arguments.paths, &Rendering::default());
    inputs.find_unreadable();
    for problem in &inputs.problems {
        show::error(problem);
    }
    let reports = image_reports(&arguments.vulnerabilities)?;
    let documents = inputs.documents();
    let contents: Vec<_> = documents.iter().map(|(_, document)| document.contents()).collect();
    let objects: Vec<Object<'_>> =
        contents.iter().flat_map(|contents| &contents.objects).map(|it| it.object).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let data = InForce::load(&arguments.data)?;
    let places = affected(&graph, &reports, &data.components, &arguments.cve);
    match arguments.output {
        OutputFormat::Json => {
            let all: Vec<_> = places.iter().map(|place| place_json(&graph, place)).collect();
            let report = json!({ "vulnerability": arguments.cve, "affected": all });
            show::print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        }
        OutputFormat::Text => show::print(&text(&graph, &places, &arguments.cve))?,
    }
    if !inputs.problems.is_empty() {
        return Ok(Outcome::Unreadable);
    }
    let is_open = places.iter().any(|place| !place.is_suppressed());
    Ok(if is_open { Outcome::Findings } else { Outcome::Good })
}

/// Reads reports, SBOMs and VEX.
pub(super) fn image_reports(paths: &[PathBuf]) -> anyhow::Result<Vec<Document>> {
    let limits = airside_vulnerability::Limits::default();
    paths
        .iter()
        .map(|path| {
            let text = String::from_utf8(read(path)?)
                .with_context(|| format!("`{}` is no UTF-8", path.display()))?;
            airside_vulnerability::report::parse(&text, &limits)
                .with_context(|| format!("`{}` cannot be read", path.display()))
        })
        .collect()
}

fn text(graph: &Graph<'_>, places: &[AffectedPlace<'_>], vulnerability: &str) -> String {
    if places.is_empty() {
        return format!("nothing in the input is known to be affected by {vulnerability}\n");
    }
    let line = |place: &AffectedPlace<'_>| {
        let container = match &place.container {
            Some(name) => format!(", container `{name}`"),
            None => String::new(),
        };
        format!(
            "{STRONG}{}{RESET}{container}: {} {FAINT}({}){RESET}\n",
            owner(graph, place),
            cause(place),
            place.field
        )
    };
    places.iter().map(line).collect()
}

fn owner(graph: &Graph<'_>, place: &AffectedPlace<'_>) -> String {
    graph.objects().get(place.object).map(ToString::to_string).unwrap_or_default()
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

fn place_json(graph: &Graph<'_>, place: &AffectedPlace<'_>) -> Value {
    let object = graph.objects().get(place.object);
    json!({
        "resource": object.map(|it| json!({
            "kind": it.kind(), "namespace": it.namespace(), "name": it.name(),
        })),
        "container": place.container,
        "field": place.field.to_string(),
        "cause": cause(place),
        "suppressed": place.is_suppressed(),
    })
}
