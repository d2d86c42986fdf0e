//! Where live objects stand towards boarding passes: authorised, drifted, or never checked in.
//!
//! The gate asks for one object under review ([`standing`]), a live scan for a whole cluster ([`compare_live`]).

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use airside_types::{BoardingPass, FieldPath, ObjectRef};

use super::compare::{Comparison, NotCompared, compare};
use crate::graph::scaling::{is_autoscaler, scale_target};
use crate::live::Origin;
use crate::object::Object;
use crate::value::Value;

/// Where an object stands; `P` tells which pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<P> {
    /// It is what was checked in, by this pass, as far as it is compared.
    Authorised(P, NotCompared),
    /// It was checked in, but these fields are no longer what they were, or were added.
    Drifted(P, Comparison),
    /// There is no pass for it.
    NeverCheckedIn,
}

/// Where an object stands towards the passes for it. Of several that do not fit, the one that differs least
/// is told.
pub fn standing<P, B>(passes: impl IntoIterator<Item = (P, B)>, object: &Object<'_>) -> Standing<P>
where
    B: Borrow<BoardingPass>,
{
    let mut closest: Option<(P, Comparison)> = None;
    for (told, pass) in passes {
        let found = compare(pass.borrow(), object);
        if found.drifts.is_empty() {
            return Standing::Authorised(told, found.not_compared);
        }
        if closest.as_ref().is_none_or(|(_, least)| found.drifts.len() < least.drifts.len()) {
            closest = Some((told, found));
        }
    }
    closest.map_or(Standing::NeverCheckedIn, |(told, found)| Standing::Drifted(told, found))
}

/// What a cluster looks like beside boarding passes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveComparison {
    /// The objects that somebody applied, or that there is a pass for: the index of the object, and where it
    /// stands towards the pass of that index.
    pub objects: Vec<(usize, Standing<usize>)>,
    /// How many objects were made by controllers for others, and follow them.
    pub owned: usize,
    /// How many objects are the cluster's own.
    pub of_the_cluster: usize,
    /// The passes whose object is not there.
    pub absent: Vec<usize>,
}

/// Compares all objects of a cluster with passes. `is_covered` says of an object whether it would be among the
/// live ones if it existed; passes for others are passed over. The count of pods of what a live autoscaler
/// scales is the autoscaler's, and no drift.
pub fn compare_live(
    passes: &[BoardingPass],
    live: &[Object<'_>],
    is_covered: impl Fn(&ObjectRef) -> bool,
) -> LiveComparison {
    let mut by_object: BTreeMap<(&str, &str, &str), Vec<usize>> = BTreeMap::new();
    for (index, pass) in passes.iter().enumerate() {
        let ObjectRef { group, kind, name, .. } = &pass.object;
        by_object.entry((group, kind, name)).or_default().push(index);
    }
    let claims = ClaimTemplates::of(live);
    let scaled = Scaled::of(live);
    let mut comparison = LiveComparison::default();
    let mut met = BTreeSet::new();
    for (index, object) in live.iter().enumerate() {
        let of_name = by_object.get(&(object.group(), object.kind(), object.name()));
        let candidates: Vec<(usize, &BoardingPass)> = of_name
            .into_iter()
            .flatten()
            .filter_map(|index| Some((*index, passes.get(*index)?)))
            .filter(|(_, pass)| is_for(&pass.object, object.namespace()))
            .collect();
        met.extend(candidates.iter().map(|(index, _)| *index));
        match (candidates.is_empty(), claims.origin(object)) {
            (true, Origin::Owned) => comparison.owned += 1,
            (true, Origin::Cluster) => comparison.of_the_cluster += 1,
            _ => {
                let standing = scaled.without_counts(standing(candidates, object), object);
                comparison.objects.push((index, standing));
            }
        }
    }
    let gone = |index: &usize| {
        let pass = passes.get(*index);
        !met.contains(index) && pass.is_some_and(|pass| is_covered(&pass.object))
    };
    comparison.absent = (0..passes.len()).filter(gone).collect();
    comparison
}

/// The claims that StatefulSets make for their pods, which do not say who made them: by namespace, the beginning
/// of their names.
struct ClaimTemplates<'a>(BTreeSet<(Option<&'a str>, String)>);

impl<'a> ClaimTemplates<'a> {
    fn of(live: &[Object<'a>]) -> Self {
        let sets = live.iter().filter(|it| (it.group(), it.kind()) == ("apps", "StatefulSet"));
        let templates = sets.flat_map(|set| {
            let spec = set.fields().get("spec");
            let templates = spec.and_then(|spec| spec.get("volumeClaimTemplates")?.as_array());
            let names = templates.into_iter().flatten().filter_map(|template| {
                template.get("metadata")?.get("name").and_then(Value::as_str)
            });
            names.map(|name| (set.namespace(), format!("{name}-{}-", set.name())))
        });
        Self(templates.collect())
    }

    fn origin(&self, object: &Object<'a>) -> Origin {
        let is_claim = (object.group(), object.kind()) == ("", "PersistentVolumeClaim");
        let number = object.name().trim_end_matches(|letter: char| letter.is_ascii_digit());
        if is_claim && self.0.contains(&(object.namespace(), number.to_owned())) {
            Origin::Owned
        } else {
            Origin::of(object)
        }
    }
}

/// What live autoscalers scale: namespace, kind and name.
struct Scaled<'a>(BTreeSet<(Option<&'a str>, &'a str, &'a str)>);

impl<'a> Scaled<'a> {
    fn of(live: &[Object<'a>]) -> Self {
        let scalers = live.iter().filter(|it| is_autoscaler(it));
        let targets = scalers.filter_map(|scaler| {
            let (kind, name) = scale_target(scaler)?;
            Some((scaler.namespace(), kind, name))
        });
        Self(targets.collect())
    }

    /// Where an object stands when the count of pods is not asked for, if an autoscaler decides on that.
    fn without_counts<P>(&self, standing: Standing<P>, object: &Object<'_>) -> Standing<P> {
        match standing {
            Standing::Drifted(told, mut found)
                if self.0.contains(&(object.namespace(), object.kind(), object.name())) =>
            {
                let count = FieldPath::of(&["spec", "replicas"]);
                found.drifts.retain(|drift| *drift.field() != count);
                if found.drifts.is_empty() {
                    Standing::Authorised(told, found.not_compared)
                } else {
                    Standing::Drifted(told, found)
                }
            }
            other => other,
        }
    }
}

/// Whether a pass's object may be the one in a namespace: a manifest may leave that to the one who deploys.
pub fn is_for(scanned: &ObjectRef, namespace: Option<&str>) -> bool {
    scanned.namespace.is_none() || scanned.namespace.as_deref() == namespace
}
