//! What new data says of manifests and the old did not: each vulnerability with what it affects, by owner.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use airside_checks::owner::Owners;
use airside_k8s::yaml::{Limits, Parsed, parse_bytes};
use airside_k8s::{Completeness, Graph, Object};
use airside_types::Place;
use airside_vulnerability::join::{AffectedPlace, Cause, affected};
use airside_vulnerability::{Advisory, Components};

use crate::command::Outcome;
use crate::command::manifests::Manifests;
use crate::command::scan::{Inputs, Rendering, of_files};
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

/// Prints what is newly affected. Exits with 1 where something is.
pub(super) fn run(
    paths: &[PathBuf],
    old: &Components,
    new: &Components,
) -> anyhow::Result<Outcome> {
    let mut inputs = Inputs::read(paths, &Rendering::default());
    inputs.find_unreadable();
    for problem in &inputs.problems {
        show::error(problem);
    }
    let first = paths.first().map_or_else(|| Path::new("."), PathBuf::as_path);
    let files = of_files(&inputs, first)?;
    let parsed: Vec<(&str, Parsed)> = inputs
        .files
        .iter()
        .map(|file| (file.path.as_str(), parse_bytes(&file.content, &Limits::default())))
        .collect();
    let documents = parsed
        .iter()
        .flat_map(|(path, parsed)| parsed.documents.iter().map(|document| (*path, document)));
    let manifests = Manifests::of(documents);
    let graph = Graph::new(&manifests.objects, Completeness::WholeInput);
    let owners = Owners::new(&manifests.objects, &files);
    let mut by_owner: BTreeMap<Option<String>, String> = BTreeMap::new();
    for advisory in changed(old, new) {
        let key = |place: &AffectedPlace<'_>| (place.object, place.field.clone());
        let known: BTreeSet<_> = affected(&graph, &[], old, &advisory.id).iter().map(key).collect();
        for place in affected(&graph, &[], new, &advisory.id) {
            let object = manifests.objects.get(place.object);
            let Some(object) = object.filter(|_| !known.contains(&key(&place))) else { continue };
            let at = manifests.place(place.object, &place.field);
            let text = by_owner.entry(owners.of(object, &at.path)).or_default();
            write_place(text, advisory, object, &place, &at)?;
        }
    }
    let section = |(owner, text): (&Option<String>, &String)| {
        format!("\n{STRONG}{}{RESET}\n{text}", owner.as_deref().unwrap_or("without an owner"))
    };
    let told: String = by_owner.iter().map(section).collect();
    let nothing = "nothing in the manifests is newly affected\n";
    show::print(if told.is_empty() { nothing } else { &told })?;
    Ok(match (inputs.problems.is_empty(), by_owner.is_empty()) {
        (false, _) => Outcome::Unreadable,
        (true, false) => Outcome::Findings,
        (true, true) => Outcome::Good,
    })
}

/// The advisories that are new or not what they were, in the order of the data.
fn changed<'d>(old: &Components, new: &'d Components) -> Vec<&'d Advisory> {
    let known: BTreeMap<&str, &Advisory> =
        old.advisories().iter().map(|advisory| (advisory.id.as_str(), advisory)).collect();
    let is_news = |advisory: &&Advisory| known.get(advisory.id.as_str()) != Some(advisory);
    new.advisories().iter().filter(is_news).collect()
}

fn write_place(
    out: &mut String,
    advisory: &Advisory,
    object: &Object<'_>,
    affected: &AffectedPlace<'_>,
    place: &Place,
) -> std::fmt::Result {
    let severity = advisory.severity();
    let style = severity.map(show::severity).unwrap_or_default();
    let level = severity.map(|it| format!(" {it}")).unwrap_or_default();
    let Cause::Component { title, version } = &affected.cause else { return Ok(()) };
    let summary = advisory.summary.trim();
    writeln!(out, "  {style}{}{level}{RESET}: {title} {version}: {summary}", advisory.id)?;
    writeln!(out, "    {PLACE}{place}{RESET}  {FAINT}{object}{RESET}")
}
