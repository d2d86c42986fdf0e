//! What a comparison of live objects with manifests says, for people and for programs.

mod field;

use std::fmt::Write;

use airside_k8s::boarding_pass::{Drift, LiveComparison, NotCompared, Standing};
use airside_k8s::{Object, Value, json};
use airside_types::{BoardingPass, ObjectRef, Place, Revision};

use self::field::Shown;
use super::Manifests;
use crate::show::{ERROR, FAINT, GOOD, PLACE, RESET, STRONG};

/// How much of a commit's name people see.
const SHORT_COMMIT: usize = 12;

/// A comparison with all that it is told by.
pub(super) struct Told<'a> {
    pub(super) comparison: &'a LiveComparison,
    pub(super) live: &'a [Object<'a>],
    pub(super) passes: &'a [BoardingPass],
    pub(super) manifests: &'a Manifests,
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
            Standing::Authorised(pass, not_compared) => {
                let Some(place) = self.passes.get(*pass).map(|pass| &pass.place) else { return };
                let by = match self.revision(*pass) {
                    Some(revision) => format!("{GOOD}authorised{RESET} by {}", shown(revision)),
                    None => format!("{GOOD}authorised{RESET}"),
                };
                line(text, &by, &named, place);
                not_compared_text(text, not_compared);
            }
            Standing::Drifted(pass, comparison) => {
                let Some(place) = self.passes.get(*pass).map(|pass| &pass.place) else { return };
                let from = match self.revision(*pass) {
                    Some(revision) => format!("{ERROR}drifted{RESET} from {}", shown(revision)),
                    None => format!("{ERROR}drifted{RESET}"),
                };
                line(text, &from, &named, place);
                let shown = self.shown(object, *pass, &comparison.drifts);
                shown.iter().for_each(|it| push(text, &it.text()));
                not_compared_text(text, &comparison.not_compared);
            }
        }
    }

    /// The commit that a pass was made at.
    fn revision(&self, pass: usize) -> Option<&Revision> {
        self.passes.get(pass)?.origin.as_ref()?.revision.as_ref()
    }

    fn shown<'f>(&self, object: &Object<'_>, pass: usize, drifts: &'f [Drift]) -> Vec<Shown<'f>> {
        let Some(of_pass) = self.passes.get(pass) else { return Vec::new() };
        let located = self.manifests.located(pass);
        let manifest = located.as_ref().map(|it| (it, of_pass.place.path.as_ref()));
        drifts.iter().map(|drift| Shown::of(drift, object, manifest)).collect()
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
        let not_compared = self.not_compared();
        if !not_compared.is_empty() {
            push(text, &format!("not compared: {}", not_compared.join("; ")));
        }
    }

    /// What was not looked at, of all objects together.
    fn not_compared(&self) -> Vec<String> {
        let all = || self.comparison.objects.iter().filter_map(|(_, it)| not_compared(it));
        let credentials: usize = all().map(|it| it.credentials).sum();
        let contents = all().filter(|it| it.content).count();
        let additions = all().filter(|it| it.additions).count();
        let told = [
            ("values of credentials", credentials),
            ("contents of Secrets, of which only the metadata is read", contents),
            (
                "objects with fields that their manifests do not set, in kinds whose defaults are \
                 not known",
                additions,
            ),
        ];
        let told = told.into_iter().filter(|(_, count)| *count > 0);
        told.map(|(what, count)| format!("{what}: {count}")).collect()
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let objects = self.comparison.objects.iter().filter_map(|(index, standing)| {
            let object = self.live.get(*index)?;
            let mut told = json!({ "resource": resource(&object.object_ref()) });
            let not_compared = not_compared(standing).copied().unwrap_or_default();
            let (standing, pass, drifts): (_, _, &[Drift]) = match standing {
                Standing::Authorised(pass, _) => ("authorised", Some(*pass), &[]),
                Standing::Drifted(pass, comparison) => ("drifted", Some(*pass), &comparison.drifts),
                Standing::NeverCheckedIn => ("never-checked-in", None, &[]),
            };
            let fields_of_told = told.as_object_mut()?;
            fields_of_told.insert("standing".to_owned(), json!(standing));
            if let Some((index, pass)) =
                pass.and_then(|index| Some((index, self.passes.get(index)?)))
            {
                let revision = self.revision(index);
                let drifted = self.shown(object, index, drifts);
                fields_of_told.extend([
                    ("manifest".to_owned(), place(&pass.place)),
                    ("commit".to_owned(), json!(revision.map(|it| &it.commit))),
                    ("committed".to_owned(), json!(revision.map(|it| !it.is_dirty))),
                    ("drifted".to_owned(), drifted.iter().map(Shown::json).collect()),
                    ("not_compared".to_owned(), not_compared_json(&not_compared)),
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

const fn not_compared(standing: &Standing<usize>) -> Option<&NotCompared> {
    match standing {
        Standing::Authorised(_, not_compared) => Some(not_compared),
        Standing::Drifted(_, comparison) => Some(&comparison.not_compared),
        Standing::NeverCheckedIn => None,
    }
}

/// Credentials are told with their object; what is the same for whole kinds, once below all.
fn not_compared_text(text: &mut String, not_compared: &NotCompared) {
    let credentials =
        NotCompared { credentials: not_compared.credentials, ..NotCompared::default() };
    if !credentials.is_nothing() {
        push(text, &format!("    {FAINT}not compared: {credentials}{RESET}"));
    }
}

fn not_compared_json(not_compared: &NotCompared) -> Value {
    json!({
        "credentials": not_compared.credentials, "content": not_compared.content,
        "additions": not_compared.additions,
    })
}

/// What needs attention comes last.
const fn rank_of(standing: &Standing<usize>) -> u8 {
    match standing {
        Standing::Authorised(..) => 0,
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

fn resource(object: &ObjectRef) -> Value {
    json!({
        "group": object.group, "kind": object.kind,
        "namespace": object.namespace, "name": object.name,
    })
}

fn place(place: &Place) -> Value {
    json!({ "path": place.path, "line": place.line, "column": place.column })
}
