//! What new data says of manifests and the old did not: each vulnerability with what it affects, by owner.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use airside_checks::owner::Owners;
use airside_k8s::yaml::{Limits, Parsed, parse_bytes};
use airside_k8s::{Completeness, Graph, Located, Object};
use airside_types::{FieldPath, Place};
use airside_vulnerability::join::{AffectedPlace, Cause, affected};
use airside_vulnerability::{Advisory, Components};

use crate::command::Outcome;
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
    let manifests = Manifests::of(&parsed);
    let graph = Graph::new(&manifests.objects, Completeness::WholeInput);
    let owners = Owners::new(&manifests.objects, &files);
    let mut by_owner: BTreeMap<Option<String>, String> = BTreeMap::new();
    for advisory in changed(old, new) {
        let key = |place: &AffectedPlace<'_>| (place.object, place.field.clone());
        let known: BTreeSet<_> = affected(&graph, &[], old, &advisory.id).iter().map(key).collect();
        for place in affected(&graph, &[], new, &advisory.id) {
            let of_object =
                manifests.objects.get(place.object).zip(manifests.located.get(place.object));
            if let Some((object, (path, _))) = of_object.filter(|_| !known.contains(&key(&place))) {
                let text = by_owner.entry(owners.of(object, path)).or_default();
                write_place(
                    text,
                    advisory,
                    object,
                    &place,
                    &manifests.place(place.object, &place.field),
                )?;
            }
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

/// The objects of the files, each with where it stands.
struct Manifests<'p> {
    objects: Vec<Object<'p>>,
    located: Vec<(&'p str, Located<'p>)>,
}

impl<'p> Manifests<'p> {
    fn of(parsed: &'p [(&'p str, Parsed)]) -> Self {
        let mut manifests = Self { objects: Vec::new(), located: Vec::new() };
        for (path, parsed) in parsed {
            for located in parsed.documents.iter().flat_map(|document| document.contents().objects)
            {
                manifests.objects.push(located.object);
                manifests.located.push((path, located));
            }
        }
        manifests
    }

    fn place(&self, object: usize, field: &FieldPath) -> Place {
        let place = self.located.get(object).map(|(path, located)| {
            let position = located.places.resolve(field);
            Place { path: Arc::from(*path), line: position.line, column: position.column }
        });
        place.unwrap_or_default()
    }
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
