//! Images from where none came before: by evidence, so that the first of a cluster says nothing, and a place where
//! something new comes every day says nothing either.

use std::time::Duration;

use airside_baseline::evidence::Known;
use airside_types::attack::technique;
use airside_types::{Id, Payload, Record, Rule, Severity, Source, Tactic, Timestamp};

use super::deed::Deed;
use super::rows::{Aged, Rows};
use crate::audit::Firing;
use crate::rule::WEAK;

/// A rule about what is new.
#[derive(Debug)]
struct New {
    rule: Rule,
    /// Under which heading a request's images are remembered.
    heading: fn(&Deed<'_, '_>) -> String,
    /// What of an image is remembered.
    part: fn(&str) -> &str,
    severity: fn(&Deed<'_, '_>) -> Severity,
    /// The anomalies that would say the same again of the same request, and no more.
    stands_for: &'static [&'static str],
}

/// The wider ones first: what is new there is new in the others as well, and told once.
static RULES: &[New] = &[
    New {
        rule: Rule {
            id: "AUD-R50",
            version: 1,
            title: "Image from a registry that the cluster has not used before",
            why: "What a cluster runs comes from the same few registries all its life; an attacker's tools come from wherever anybody may push.",
            next: "Who owns the registry and what the image does; whether the pipeline that owns the workload knows of it.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Execution,
            techniques: &[technique("T1610"), technique("T1204.003")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        heading: |_| "cluster".to_owned(),
        part: registry,
        severity: |deed| match (deed.is_by_hand(), deed.is_of_account()) {
            (true, true) => Severity::Medium,
            _ => Severity::Low,
        },
        stands_for: &[],
    },
    New {
        rule: Rule {
            id: "AUD-R50-namespace",
            version: 1,
            title: "Image that the namespace has not run before",
            why: "A new application is a new image, and so is a tool that somebody brings along.",
            next: "Whether the namespace's owner knows of it; what else the same identity changed.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::Execution,
            techniques: &[technique("T1610"), technique("T1204.003")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        heading: |deed| format!("namespace {}", deed.request.namespace()),
        part: repository,
        severity: |deed| if deed.is_by_hand() { Severity::Low } else { Severity::Info },
        // That the image was at home elsewhere is more than that it was not here: told as low it is told.
        stands_for: &["AUD-B17"],
    },
];

/// How rare something new has to be, by a million: about fifty occasions without anything new, or more with.
const RARE: u32 = 20_000;
/// The most things under a heading.
const CAPACITY: u16 = 256;
/// What was not seen for so long is forgotten.
const HORIZON: Duration = Duration::from_hours(60 * 24);

impl Aged for Known {
    fn last(&self) -> Timestamp {
        Self::last(self)
    }
}

/// The rules of this kind.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().map(|new| &new.rule)
}

/// Whether one of these, which a request completed, says what an anomaly of such a severity would say.
pub(super) fn stands_for((anomaly, severity): (&str, Severity), completed: &[Record]) -> bool {
    completed.iter().any(|record| {
        let Payload::Detection(told) = &record.payload else { return false };
        let stands = |new: &New| new.rule.id == told.rule && new.stands_for.contains(&anomaly);
        told.severity >= severity && RULES.iter().any(stands)
    })
}

/// Takes a request in, and tells what is new about its images.
pub(super) fn look(
    known: &mut Rows<Known>,
    deed: &Deed<'_, '_>,
    most: usize,
) -> Option<(&'static Rule, Firing)> {
    let images: Vec<&str> = deed.images().collect();
    if images.is_empty() {
        return None;
    }
    let mut told = None;
    for new in RULES {
        let key = Id::builder("first-seen").text(new.rule.id).text(&(new.heading)(deed)).finish();
        let mut row = known.get(key).cloned().unwrap_or_else(|| Known::new(CAPACITY));
        let time = deed.sighting.time;
        let found: Vec<_> = images
            .iter()
            .filter_map(|image| Some((*image, row.see((new.part)(image), time)?)))
            .filter(|(_, new)| new.per_million <= RARE)
            .collect();
        if row.take_changed() {
            known.put(key, row, HORIZON, most);
        }
        if let (None, Some((image, by))) = (&told, found.first()) {
            let firing = Firing::new(format!("brought image {image} with {}", deed.object()))
                .at((new.severity)(deed))
                .with("image", image)
                .with("occasions", &by.occasions.to_string())
                .with("per-million", &by.per_million.to_string());
            told = Some((&new.rule, firing));
        }
    }
    told
}

/// The registry of an image. A first segment is one by its dot, its port, or as the host itself.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    }
}

/// The image without its tag and digest.
pub(crate) fn repository(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let tag = name.get(last..).and_then(|last| last.find(':'));
    tag.and_then(|tag| name.get(..last + tag)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_and_repositories_are_told_apart() {
        for (image, of, name) in [
            ("nginx", "docker.io", "nginx"),
            ("shop/web:2", "docker.io", "shop/web"),
            ("ghcr.io/shop/web@sha256:00", "ghcr.io", "ghcr.io/shop/web"),
            ("localhost:5000/web:1@sha256:00", "localhost:5000", "localhost:5000/web"),
            ("localhost/web", "localhost", "localhost/web"),
        ] {
            assert_eq!((registry(image), repository(image)), (of, name), "{image}");
        }
    }
}
