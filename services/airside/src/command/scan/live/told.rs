//! What a comparison of live objects with manifests says, for people and for programs.

use std::fmt::Write;

use airside_k8s::boarding_pass::{LiveComparison, Standing, current};
use airside_k8s::{Object, Value, json};
use airside_types::redact::{REDACTED, redact};
use airside_types::{BoardingPass, FieldPath, ObjectRef, Place, Revision, Step};

use super::Manifests;
use crate::show::{ERROR, FAINT, GOOD, PLACE, RESET, STRONG};

/// Longer values are cut.
const MAX_VALUE: usize = 80;
/// How much of a commit's name people see.
const SHORT_COMMIT: usize = 12;

/// A comparison with all that it is told by.
pub(super) struct Told<'a> {
    pub(super) comparison: &'a LiveComparison,
    pub(super) live: &'a [Object<'a>],
    pub(super) passes: &'a [BoardingPass],
    pub(super) manifests: &'a Manifests,
}

/// A field that is not what the manifest says.
struct Drift<'a> {
    field: &'a FieldPath,
    place: Option<Place>,
    manifest: String,
    live: String,
}

impl Told<'_> {
    /// For people: what is wrong last, where they look first.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for rank in 0..=2 {
            for (index, standing) in &self.comparison.objects {
                if rank_of(standing) == rank {
                    self.object(&mut text, *index, standing);
                }
            }
        }
        for pass in self.comparison.absent.iter().filter_map(|index| self.passes.get(*index)) {
            line(
                &mut text,
                &format!("{STRONG}not in the cluster{RESET}"),
                &pass.object,
                &pass.place,
            );
        }
        self.summary(&mut text);
        text
    }

    fn object(&self, text: &mut String, index: usize, standing: &Standing<usize>) {
        let Some(object) = self.live.get(index) else { return };
        let named = object.object_ref();
        match standing {
            Standing::NeverCheckedIn => {
                push(text, &format!("{ERROR}never checked in{RESET}  {named}"));
            }
            Standing::Authorised(pass) => {
                let Some(place) = self.passes.get(*pass).map(|pass| &pass.place) else { return };
                let by = match self.revision(*pass) {
                    Some(revision) => format!("{GOOD}authorised{RESET} by {}", shown(revision)),
                    None => format!("{GOOD}authorised{RESET}"),
                };
                line(text, &by, &named, place);
            }
            Standing::Drifted(pass, fields) => {
                let Some(place) = self.passes.get(*pass).map(|pass| &pass.place) else { return };
                let from = match self.revision(*pass) {
                    Some(revision) => format!("{ERROR}drifted{RESET} from {}", shown(revision)),
                    None => format!("{ERROR}drifted{RESET}"),
                };
                line(text, &from, &named, place);
                for drift in self.drifts(object, *pass, fields) {
                    let Drift { field, place, manifest, live } = drift;
                    let place = place.map(|place| format!("  {PLACE}{place}{RESET}"));
                    let place = place.unwrap_or_default();
                    push(text, &format!("    {field}: {manifest}, now {live}{place}"));
                }
            }
        }
    }

    /// The commit that a pass was made at.
    fn revision(&self, pass: usize) -> Option<&Revision> {
        self.passes.get(pass)?.origin.as_ref()?.revision.as_ref()
    }

    fn drifts<'f>(
        &self,
        object: &Object<'_>,
        pass: usize,
        fields: &'f [FieldPath],
    ) -> Vec<Drift<'f>> {
        let Some(of_pass) = self.passes.get(pass) else { return Vec::new() };
        let located = self.manifests.located(pass);
        let drift = |field: &'f FieldPath| {
            let position = located.as_ref().map(|it| it.places.resolve(field));
            Drift {
                field,
                place: position.map(|it| Place {
                    path: of_pass.place.path.clone(),
                    line: it.line,
                    column: it.column,
                }),
                manifest: value(field, located.as_ref().and_then(|it| it.object.at(field))),
                live: value(field, current(of_pass, field, object)),
            }
        };
        fields.iter().map(drift).collect()
    }

    fn summary(&self, text: &mut String) {
        let LiveComparison { objects, owned, of_the_cluster, absent } = self.comparison;
        let count = |rank| objects.iter().filter(|(_, it)| rank_of(it) == rank).count();
        push(
            text,
            &format!(
                "\n{STRONG}{} authorised, {} drifted, {} never checked in{RESET}, {} not in the cluster",
                count(0),
                count(2),
                count(1),
                absent.len()
            ),
        );
        push(
            text,
            &format!(
                "{FAINT}{owned} belong to other objects and follow them; {of_the_cluster} are the \
                 cluster's own{RESET}"
            ),
        );
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let objects = self.comparison.objects.iter().filter_map(|(index, standing)| {
            let object = self.live.get(*index)?;
            let mut told = json!({ "resource": resource(&object.object_ref()) });
            let (standing, pass, fields): (_, _, &[FieldPath]) = match standing {
                Standing::Authorised(pass) => ("authorised", Some(*pass), &[]),
                Standing::Drifted(pass, fields) => ("drifted", Some(*pass), fields),
                Standing::NeverCheckedIn => ("never-checked-in", None, &[]),
            };
            let fields_of_told = told.as_object_mut()?;
            fields_of_told.insert("standing".to_owned(), json!(standing));
            if let Some((index, pass)) =
                pass.and_then(|index| Some((index, self.passes.get(index)?)))
            {
                let revision = self.revision(index);
                let drifted = self.drifts(object, index, fields);
                fields_of_told.extend([
                    ("manifest".to_owned(), place(&pass.place)),
                    ("commit".to_owned(), json!(revision.map(|it| &it.commit))),
                    ("committed".to_owned(), json!(revision.map(|it| !it.is_dirty))),
                    ("drifted".to_owned(), drifted.iter().map(Drift::json).collect()),
                ]);
            }
            Some(told)
        });
        let absent = self.comparison.absent.iter().filter_map(|index| {
            let pass = self.passes.get(*index)?;
            Some(json!({ "resource": resource(&pass.object), "manifest": place(&pass.place) }))
        });
        json!({
            "objects": objects.collect::<Vec<_>>(),
            "not_in_the_cluster": absent.collect::<Vec<_>>(),
            "owned": self.comparison.owned,
            "of_the_cluster": self.comparison.of_the_cluster,
        })
    }
}

impl Drift<'_> {
    fn json(&self) -> Value {
        json!({
            "field": self.field.to_string(), "location": self.place.as_ref().map(place),
            "manifest": self.manifest, "live": self.live,
        })
    }
}

/// What needs attention comes last.
const fn rank_of(standing: &Standing<usize>) -> u8 {
    match standing {
        Standing::Authorised(_) => 0,
        Standing::NeverCheckedIn => 1,
        Standing::Drifted(..) => 2,
    }
}

fn line(text: &mut String, what: &str, object: &ObjectRef, place: &Place) {
    push(text, &format!("{what}  {object}  {PLACE}{place}{RESET}"));
}

fn push(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(text, "{line}").is_ok();
}

fn shown(revision: &Revision) -> String {
    let short: String = revision.commit.chars().take(SHORT_COMMIT).collect();
    let is_dirty = revision.is_dirty;
    if is_dirty { format!("{short} with changes that are not committed") } else { short }
}

/// A value as people may see it: cut, without control characters, and never a credential.
fn value(field: &FieldPath, value: Option<&Value>) -> String {
    let text = match value {
        None => return "nothing".to_owned(),
        Some(Value::String(text)) => text.to_string(),
        Some(other) => other.to_string(),
    };
    let name = match field.steps().last() {
        Some(Step::Key(key)) => key.into_owned(),
        _ => String::new(),
    };
    if redact(&format!("{name}={text}")).contains(REDACTED) {
        return "a credential".to_owned();
    }
    let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
    let cut: String = text.chars().take(MAX_VALUE).map(clean).collect();
    if cut.len() < text.len() { format!("`{cut}…`") } else { format!("`{cut}`") }
}

fn resource(object: &ObjectRef) -> Value {
    json!({
        "group": object.group, "kind": object.kind,
        "namespace": object.namespace, "name": object.name,
    })
}

fn place(place: &Place) -> Value {
    json!({ "path": place.path, "line": place.line, "column": place.column })
}
