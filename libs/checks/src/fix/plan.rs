//! The plan: which findings there are, where their objects stand, and which remedies to try in which order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use airside_k8s::yaml::edit::Edit;
use airside_k8s::yaml::parse;
use airside_k8s::{Document, Value};
use airside_types::{FieldPath, Finding, Step};

use super::{Order, Reason, Source};
use crate::check_in::{CheckIn, InputFile, check_in};
use crate::exception::{Comment, comments};
use crate::remedy::remedy;

/// What tells a finding from others: its object by order, check and field.
pub(super) type Key = (usize, String, FieldPath);

/// A finding with its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located {
    pub(super) finding: Finding,
    pub(super) key: Key,
}

/// Where an object stands.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// The index of its file.
    pub(super) file: usize,
    /// The index of its document in the file.
    pub(super) document: usize,
    /// The path from the document to it.
    pub(super) base: FieldPath,
}

/// A remedy to try.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The index of the finding.
    pub(super) finding: usize,
    /// Where its object stands.
    pub(super) home: Home,
    /// Whether there is no remedy unless one for another finding makes it possible.
    pub(super) is_late: bool,
}

/// What to do, in which order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) findings: Vec<Located>,
    /// In the order in which they are tried.
    pub(super) attempts: Vec<Attempt>,
    /// Why findings are not tried.
    pub(super) reasons: BTreeMap<usize, Reason>,
}

impl Plan {
    pub(super) fn new(sources: &[Source<'_>], order: &Order<'_>) -> Self {
        let texts = sources.iter().map(|source| source.text);
        let files = read(sources, texts, order);
        let homes: Vec<(Home, &Value)> = files.iter().enumerate().flat_map(homes).collect();
        let findings = judge(&files, order);
        let mut plan = Self { findings, attempts: Vec::new(), reasons: BTreeMap::new() };
        let mut attempts = Vec::new();
        for (index, Located { finding, key }) in plan.findings.iter().enumerate() {
            let Some((home, object)) = homes.get(key.0) else { continue };
            let answer = remedy(&finding.check, object, &finding.field);
            let reason = match answer {
                Err(need) => Reason::NotMechanical(need),
                Ok(_) if sources.get(home.file).is_none_or(|source| !source.is_ours) => {
                    Reason::NotOurs
                }
                Ok(remedy) if remedy.risk > order.risk => Reason::MayBreak(remedy.edits),
                Ok(remedy) => {
                    let home = home.clone();
                    let attempt = Attempt { finding: index, home, is_late: false };
                    attempts.push((removals(&remedy.edits), attempt));
                    continue;
                }
            };
            if let (Reason::NotMechanical(_), true) = (&reason, is_ours(sources, home)) {
                let attempt = Attempt { finding: index, home: home.clone(), is_late: true };
                attempts.push((None, attempt));
            }
            plan.reasons.insert(index, reason);
        }
        attempts.sort_by(|(one, _), (other, _)| one.cmp(other));
        plan.attempts = attempts.into_iter().map(|(_, attempt)| attempt).collect();
        plan
    }
}

fn is_ours(sources: &[Source<'_>], home: &Home) -> bool {
    sources.get(home.file).is_some_and(|source| source.is_ours)
}

/// Elements of lists are removed after all else and from the end, so that no index of another remedy
/// moves.
pub(super) fn removals(edits: &[Edit]) -> Option<Reverse<FieldPath>> {
    let is_element = |path: &FieldPath| matches!(path.steps().last(), Some(Step::Index(_)));
    edits.iter().find_map(|edit| match edit {
        Edit::Remove(path) if is_element(path) => Some(Reverse(path.clone())),
        _ => None,
    })
}

/// A file as it was read.
#[derive(Debug)]
pub(super) struct ReadFile<'a> {
    path: &'a str,
    documents: Vec<Document>,
    comments: Vec<Comment>,
}

/// Reads texts as the files of the input.
pub(super) fn read<'a, 't>(
    sources: &[Source<'a>],
    texts: impl Iterator<Item = &'t str>,
    order: &Order<'_>,
) -> Vec<ReadFile<'a>> {
    let file = |(source, text): (&Source<'a>, &str)| ReadFile {
        path: source.path,
        documents: parse(text, order.limits).documents,
        comments: comments(source.path, text),
    };
    sources.iter().zip(texts).map(file).collect()
}

/// The findings that nobody has accepted.
pub(super) fn judge(files: &[ReadFile<'_>], order: &Order<'_>) -> Vec<Located> {
    let files: Vec<InputFile<'_>> = files
        .iter()
        .map(|ReadFile { path, documents, comments }| InputFile { path, documents, comments })
        .collect();
    let CheckIn { objects, findings, .. } = check_in(&files, order.terms);
    let mut owner = vec![0; findings.len()];
    for (index, object) in objects.iter().enumerate() {
        owner.get_mut(object.findings.clone()).unwrap_or_default().fill(index);
    }
    let located = |(finding, owner): (Finding, usize)| Located {
        key: (owner, finding.check.to_string(), finding.field.clone()),
        finding,
    };
    findings.into_iter().zip(owner).map(located).collect()
}

/// The objects of a file, in the order in which they are checked in.
fn homes<'f>((file, content): (usize, &'f ReadFile<'_>)) -> Vec<(Home, &'f Value)> {
    let of_document = |(document, content): (usize, &'f Document)| {
        let objects = content.contents().objects.into_iter();
        objects.map(move |one| {
            let home = Home { file, document, base: one.path() };
            (home, one.object.value())
        })
    };
    content.documents.iter().enumerate().flat_map(of_document).collect()
}
