//! Further examples of checks, beside the two of every entry: how they are written and what they say.
//!
//! They lie in `libs/checks/examples`, a file for each family. An example starts with comments that name
//! checks and verdicts, and holds what these checks say of the objects below:
//!
//! ```yaml
//! # fails: host-path, sensitive-host-path x2
//! # passes: container-runtime-socket
//! # says: host-path: spec.volumes[0].hostPath.path: volume `data`
//! # Why this is worth an example.
//! apiVersion: v1
//! ```
//!
//! `says` is a part of a failure: its field, `: `, and its words. `fails` may have a count, `passes` means that the check met something, `undecided` that the input lacks
//! something, and `alone` that one object alone, as admission sees it, leaves the check undecided.
//! Reading the files is the caller's: the catalogue's tests hold them, and the mutation check counts on them.

use std::collections::BTreeMap;

use airside_k8s::{Completeness, Limits, yaml};

use crate::evaluate::{Evaluation, evaluate};

/// What a check says of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It fails so many times.
    Fails(usize),
    /// It met something to look at, and nothing is wrong.
    Passes,
    /// It could not be decided.
    Undecided,
    /// It could not be decided from one object alone, as admission sees it.
    UndecidedAlone,
}

/// Manifests, and what some checks say of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example<'a> {
    /// The line of the file on which it starts, counted from 1.
    pub line: usize,
    /// The verdicts, by the check's id.
    pub verdicts: BTreeMap<&'a str, Verdict>,
    /// Parts of failures, each with the check's id.
    pub words: Vec<(&'a str, &'a str)>,
    /// The manifests, comments included.
    pub text: &'a str,
}

/// Why an example cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExampleError {
    /// A verdict that is not `id` or, after `fails`, `id x2`.
    #[error("line {line}: `{item}` is no check, nor a check with a count such as `host-path x2`")]
    Verdict {
        /// The line of the file, counted from 1.
        line: usize,
        /// What stands there.
        item: String,
    },
    /// Manifests that are no YAML, or no Kubernetes objects.
    #[error("no manifests: {0}")]
    Manifests(String),
}

/// Reads a file of examples.
///
/// # Errors
/// A verdict that cannot be read.
pub fn read(file: &str) -> Result<Vec<Example<'_>>, ExampleError> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    let (mut start, mut in_head) = (0, false);
    let mut end = 0;
    for (index, line) in file.split_inclusive('\n').enumerate() {
        let (verdicts, words) = (verdicts_of(line), words_of(line));
        let is_head = verdicts.is_some() || words.is_some();
        if is_head && !in_head {
            start = end;
            let (verdicts, words) = (BTreeMap::new(), Vec::new());
            examples.push(Example { line: index + 1, verdicts, words, text: "" });
        }
        in_head = is_head;
        end += line.len();
        let Some(example) = examples.last_mut() else { continue };
        example.text = file.get(start..end).unwrap_or_default();
        example.words.extend(words);
        for (item, verdict) in verdicts.into_iter().flatten() {
            let verdict = verdict
                .ok_or_else(|| ExampleError::Verdict { line: index + 1, item: item.to_owned() })?;
            let id = item.split(' ').next().unwrap_or_default();
            example.verdicts.insert(id, verdict);
        }
    }
    Ok(examples)
}

/// The check and the part of its failure that a line gives.
fn words_of(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("# says: ")?.trim_end().split_once(": ")
}

/// The items of a line that gives verdicts; no verdict for one that cannot be read.
fn verdicts_of(line: &str) -> Option<Vec<(&str, Option<Verdict>)>> {
    let (word, items) = line.strip_prefix("# ")?.split_once(':')?;
    let read = |item: &str| match (word, item.split_once(' ')) {
        ("fails", None) => Some(Verdict::Fails(1)),
        ("fails", Some((_, times))) => {
            times.strip_prefix('x')?.parse().ok().filter(|times| *times > 1).map(Verdict::Fails)
        }
        ("passes", None) => Some(Verdict::Passes),
        ("undecided", None) => Some(Verdict::Undecided),
        ("alone", None) => Some(Verdict::UndecidedAlone),
        _ => None,
    };
    let is_head = matches!(word, "fails" | "passes" | "undecided" | "alone");
    is_head.then(|| items.split(',').map(str::trim).map(|item| (item, read(item))).collect())
}

impl Example<'_> {
    /// Whether a check says what is expected of it.
    ///
    /// # Errors
    /// What is no YAML or no Kubernetes object.
    pub fn holds(&self, check: &str, expected: Verdict) -> Result<bool, ExampleError> {
        Ok(match expected {
            Verdict::UndecidedAlone => {
                let said = verdicts(self.text, Completeness::SingleObject)?;
                said.get(check) == Some(&Verdict::Undecided)
            }
            _ => verdicts(self.text, Completeness::WholeInput)?.get(check) == Some(&expected),
        })
    }

    /// Whether a failure of a check holds a text in its field and words.
    ///
    /// # Errors
    /// What is no YAML or no Kubernetes object.
    pub fn says(&self, check: &str, words: &str) -> Result<bool, ExampleError> {
        let failures = evaluation(self.text, Completeness::WholeInput)?.failures;
        let mut own = failures.iter().filter(|failure| failure.check.id == check);
        Ok(own.any(|failure| format!("{}: {}", failure.field, failure.message).contains(words)))
    }
}

/// What the checks that met something say of manifests, by id.
///
/// # Errors
/// What is no YAML or no Kubernetes object.
pub fn verdicts(
    manifests: &str,
    completeness: Completeness,
) -> Result<BTreeMap<&'static str, Verdict>, ExampleError> {
    let evaluation = evaluation(manifests, completeness)?;
    let mut verdicts: BTreeMap<_, _> =
        evaluation.applied.iter().map(|id| (*id, Verdict::Passes)).collect();
    for undecided in &evaluation.not_evaluated {
        verdicts.insert(undecided.check.id, Verdict::Undecided);
    }
    for failure in &evaluation.failures {
        let verdict = verdicts.entry(failure.check.id).or_insert(Verdict::Passes);
        *verdict = match *verdict {
            Verdict::Fails(times) => Verdict::Fails(times + 1),
            _ => Verdict::Fails(1),
        };
    }
    Ok(verdicts)
}

fn evaluation(manifests: &str, completeness: Completeness) -> Result<Evaluation, ExampleError> {
    let parsed = yaml::parse(manifests, &Limits::default());
    if let Some(error) = parsed.errors.first() {
        return Err(ExampleError::Manifests(error.to_string()));
    }
    let contents: Vec<_> = parsed.documents.iter().map(yaml::Document::contents).collect();
    if let Some(foreign) = contents.iter().flat_map(|contents| &contents.foreign).next() {
        return Err(ExampleError::Manifests(format!("{}: {}", foreign.position, foreign.reason)));
    }
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
    Ok(evaluate(&objects, completeness))
}
