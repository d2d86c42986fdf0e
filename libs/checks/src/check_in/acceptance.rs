//! Which failures are accepted: exceptions in comments first, then in annotations, then the given ones.
//!
//! Each exception is held to what it covers: one that has expired, or that covers nothing, is told. Only of a
//! comment in a file that a kustomization took it is not told that it covers nothing: what one overlay patches
//! away another one has.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::graph::PodNode;
use airside_types::{FieldPath, Finding, Place, Timestamp};

use super::{FileOrigin, Source, Terms};
use crate::exception::{Annotated, Comment, Exception, Ineffective, Problem, annotated};

/// The exceptions of a check-in, and what has become of them.
pub(super) struct Acceptance<'a> {
    terms: &'a Terms<'a>,
    /// Exceptions in comments, by the file and line that they are about.
    comments: Comments<'a>,
    /// The same of files that were rendered from, by the file and line that a finding comes from.
    lost: Comments<'a>,
    given: Vec<Tried<&'a Exception>>,
    ineffective: Vec<Ineffective>,
}

type Comments<'a> = BTreeMap<(Arc<str>, u32), Vec<Tried<&'a Exception>>>;

/// An exception, and whether anything met it.
struct Tried<E> {
    exception: E,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Expired,
}

impl<E> Tried<E> {
    const fn new(exception: E) -> Self {
        Self { exception, outcome: None }
    }
}

impl<'a> Acceptance<'a> {
    /// The exceptions in comments, and those that are given.
    pub(super) fn new(all: impl Iterator<Item = &'a Comment>, terms: &'a Terms<'a>) -> Self {
        let mut ineffective = Vec::new();
        let comments = by_line(all, &mut ineffective);
        let origins = terms.origins.into_iter().flat_map(BTreeMap::values);
        let lost = origins.flat_map(FileOrigin::lost_comments);
        let lost = by_line(lost, &mut ineffective);
        let given = terms.exceptions.iter().map(Tried::new).collect();
        Self { terms, comments, lost, given, ineffective }
    }

    /// The exceptions as far as one object meets them.
    pub(super) fn of_object<'s>(
        &'s mut self,
        source: &Source<'a>,
        pods: &'s [PodNode<'a>],
    ) -> OfObject<'s, 'a> {
        let specs: Vec<_> = pods.iter().map(|pod| &pod.spec).collect();
        let annotated = annotated(&source.located, source.path, &specs, &mut self.ineffective);
        OfObject { pods, annotated: annotated.into_iter().map(Tried::new).collect(), all: self }
    }

    /// What had no effect, by place.
    pub(super) fn finish(mut self) -> Vec<Ineffective> {
        let tried = self.comments.values().flatten().chain(&self.given);
        let without_effect: Vec<_> =
            tried.filter_map(|it| ineffective(it.exception, it.outcome)).collect();
        self.ineffective.extend(without_effect);
        let lost = self.lost.values().flatten().filter(|it| it.outcome.is_some());
        self.ineffective.extend(lost.filter_map(|it| ineffective(it.exception, it.outcome)));
        self.ineffective.sort_by(|left, right| {
            let place = |it: &Ineffective| (it.place.path.clone(), it.place.line, it.place.column);
            place(left).cmp(&place(right))
        });
        // A file may be read by itself and for kustomizations.
        self.ineffective.dedup();
        self.ineffective
    }
}

/// The exceptions as far as one object meets them.
pub(super) struct OfObject<'s, 'a> {
    pods: &'s [PodNode<'a>],
    annotated: Vec<Tried<Annotated>>,
    all: &'s mut Acceptance<'a>,
}

impl OfObject<'_, '_> {
    /// The exception that accepts a finding, if there is one.
    pub(super) fn accepting(&mut self, finding: &Finding) -> Option<Exception> {
        let line_of = |place: &Place| (Arc::clone(&place.path), place.line);
        let place = line_of(&finding.place);
        let source = finding.origin.as_ref().map(|origin| line_of(&origin.place));
        let lost = source.and_then(|source| self.all.lost.get_mut(&source));
        let is_about_none = self.annotated.is_empty()
            && self.all.given.is_empty()
            && lost.is_none()
            && !self.all.comments.contains_key(&place);
        if is_about_none {
            return None;
        }
        let today = self.all.terms.today;
        let container = container_of(self.pods, &finding.field);
        let mut accepting = None;
        let mut meet = |exception: &Exception, outcome: &mut Option<Outcome>| {
            if accepting.is_some() || !exception.covers(finding, container) {
                return;
            }
            if exception.is_expired(today) {
                outcome.get_or_insert(Outcome::Expired);
            } else {
                *outcome = Some(Outcome::Accepted);
                accepting = Some(exception.clone());
            }
        };
        let on_line = self.all.comments.get_mut(&place);
        for tried in on_line.into_iter().chain(lost).flatten() {
            meet(tried.exception, &mut tried.outcome);
        }
        for tried in &mut self.annotated {
            if tried.exception.is_about(&finding.field) {
                meet(&tried.exception.exception, &mut tried.outcome);
            }
        }
        for tried in &mut self.all.given {
            meet(tried.exception, &mut tried.outcome);
        }
        accepting
    }

    /// Tells which exceptions of the object had no effect.
    pub(super) fn finish(self) {
        let annotated = self.annotated.iter();
        let without_effect =
            annotated.filter_map(|it| ineffective(&it.exception.exception, it.outcome));
        self.all.ineffective.extend(without_effect);
    }
}

/// Exceptions in comments by the line that they are about; what is none is told.
fn by_line<'a>(
    comments: impl Iterator<Item = &'a Comment>,
    ineffective: &mut Vec<Ineffective>,
) -> Comments<'a> {
    let mut by_line = Comments::new();
    for comment in comments {
        match &comment.exception {
            Ok(exception) => {
                let line = (Arc::clone(&comment.place.path), comment.line);
                by_line.entry(line).or_default().push(Tried::new(exception));
            }
            Err(problem) => ineffective
                .push(Ineffective { place: comment.place.clone(), problem: problem.clone() }),
        }
    }
    by_line
}

fn ineffective(exception: &Exception, outcome: Option<Outcome>) -> Option<Ineffective> {
    let check = exception.to_string();
    let problem = match (outcome, exception.last_day()) {
        (Some(Outcome::Accepted), _) => return None,
        (Some(Outcome::Expired), Some(day)) => Problem::Expired { check, day },
        _ => match exception.scope.path_without_file() {
            Some(path) => Problem::NoFile { check, path: path.to_owned() },
            None => Problem::Unused { check },
        },
    };
    Some(Ineffective { place: exception.place.clone(), problem })
}

/// The first of some exceptions that accepts a finding of an object with these pods on a day; none where there is
/// none.
pub fn accepted_by<'e>(
    exceptions: &'e [Exception],
    finding: &Finding,
    pods: &[PodNode<'_>],
    today: Timestamp,
) -> Option<&'e Exception> {
    let container = container_of(pods, &finding.field);
    let accepts = |it: &&Exception| it.covers(finding, container) && !it.is_expired(Some(today));
    exceptions.iter().find(accepts)
}

/// The name of the container that a field belongs to.
fn container_of<'a>(pods: &[PodNode<'a>], field: &FieldPath) -> Option<&'a str> {
    pods.iter()
        .flat_map(|pod| &pod.spec.containers)
        .find(|container| container.path.contains(field))
        .map(|container| container.name())
}
