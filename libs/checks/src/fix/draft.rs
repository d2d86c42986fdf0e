//! A draft: the texts after some of the remedies, judged again.
//!
//! Owns how attempts become edits; which are left out is `settle.rs`'.

use std::collections::{BTreeMap, BTreeSet};

use airside_k8s::fields::at;
use airside_k8s::yaml::edit::{Edit, Editor, Refusal};
use airside_types::{FieldPath, Finding};

use super::plan::{Attempt, Key, Located, Plan, judge, read, removals};
use super::{Order, Reason, Source};
use crate::remedy::{Remedy, remedy};

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// The edits were made; none where the change was there already.
    Made(Vec<Edit>),
    /// They were not.
    NotMade(Reason),
}

/// The texts after some of the remedies.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) texts: Vec<String>,
    /// By attempt.
    pub(super) steps: BTreeMap<usize, Step>,
    /// The findings that did not stand before.
    pub(super) introduced: Vec<Finding>,
    /// The findings that still stand.
    pub(super) remaining: BTreeSet<Key>,
}

impl Draft {
    /// The texts as they are.
    pub(super) fn nothing(sources: &[Source<'_>], plan: &Plan) -> Self {
        Self {
            texts: sources.iter().map(|source| source.text.to_owned()).collect(),
            steps: BTreeMap::new(),
            introduced: Vec::new(),
            remaining: plan.findings.iter().map(|located| located.key.clone()).collect(),
        }
    }

    /// Makes the attempts that are not left out, and judges the result.
    pub(super) fn make(
        sources: &[Source<'_>],
        order: &Order<'_>,
        plan: &Plan,
        is_left_out: impl Fn(usize) -> bool,
    ) -> Self {
        let mut by_file: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, attempt) in plan.attempts.iter().enumerate() {
            if !is_left_out(index) {
                by_file.entry(attempt.home.file).or_default().push(index);
            }
        }
        let mut texts: Vec<String> = sources.iter().map(|source| source.text.to_owned()).collect();
        let mut steps = BTreeMap::new();
        for (file, attempts) in by_file {
            let Some(text) = texts.get_mut(file) else { continue };
            *text = edit_file(text, order, plan, &attempts, &mut steps);
        }
        let files = read(sources, texts.iter().map(String::as_str), order);
        let known = moved(plan, &steps);
        let mut draft =
            Self { texts: Vec::new(), steps, introduced: Vec::new(), remaining: BTreeSet::new() };
        for Located { finding, key } in judge(&files, order) {
            match known.get(&key) {
                Some(before) => _ = draft.remaining.insert((*before).clone()),
                None => draft.introduced.push(finding),
            }
        }
        draft.texts = texts;
        draft
    }
}

/// The findings of before, by where they are now: elements of lists that are removed move those behind them.
fn moved<'p>(plan: &'p Plan, steps: &BTreeMap<usize, Step>) -> BTreeMap<Key, &'p Key> {
    let mut removed: BTreeMap<usize, Vec<&FieldPath>> = BTreeMap::new();
    for (index, step) in steps {
        let (Some(located), Step::Made(edits)) = (finding_of(plan, *index), step) else { continue };
        let paths = edits.iter().filter_map(|edit| match edit {
            Edit::Remove(path) => Some(path),
            _ => None,
        });
        removed.entry(located.key.0).or_default().extend(paths);
    }
    let now = |key: &Key| {
        let (object, check, field) = key;
        let removed = removed.get(object).map(Vec::as_slice).unwrap_or_default();
        (*object, check.clone(), after_removals(field, removed))
    };
    // What moves into a place is found there before what was in it and is gone.
    let mut known: BTreeMap<Key, &Key> = BTreeMap::new();
    for key in plan.findings.iter().map(|located| &located.key) {
        let place = now(key);
        if place.2 != key.2 || !known.contains_key(&place) {
            known.insert(place, key);
        }
    }
    known
}

/// A field after elements of lists are removed; itself where it is removed with one.
fn after_removals(field: &FieldPath, removed: &[&FieldPath]) -> FieldPath {
    if removed.iter().any(|path| path.contains(field)) {
        return field.clone();
    }
    let mut above = FieldPath::root();
    let mut moved = FieldPath::root();
    for step in field.steps() {
        match step {
            airside_types::Step::Key(key) => {
                (above, moved) = (above.key(&key), moved.key(&key));
            }
            airside_types::Step::Index(index) => {
                let before = (0..index).filter(|it| removed.contains(&&above.index(*it))).count();
                (above, moved) = (above.index(index), moved.index(index - before));
            }
        }
    }
    moved
}

pub(super) fn finding_of(plan: &Plan, attempt: usize) -> Option<&Located> {
    plan.findings.get(plan.attempts.get(attempt)?.finding)
}

/// A text after attempts; as it was where that cannot be read as it is meant.
fn edit_file(
    text: &str,
    order: &Order<'_>,
    plan: &Plan,
    attempts: &[usize],
    steps: &mut BTreeMap<usize, Step>,
) -> String {
    let mut editor = match Editor::new(text, order.limits) {
        Ok(editor) => editor,
        Err(refusal) => {
            refuse_all(attempts, &refusal, steps);
            return text.to_owned();
        }
    };
    let mut late = Vec::new();
    for index in attempts {
        let (Some(attempt), Some(located)) = (plan.attempts.get(*index), finding_of(plan, *index))
        else {
            continue;
        };
        if attempt.is_late {
            late.push((*index, attempt, located));
            continue;
        }
        let step = step(&mut editor, attempt, &located.finding, order, Turn::First);
        if let Step::NotMade(Reason::NotMechanical(_)) = step {
            late.push((*index, attempt, located));
        }
        steps.insert(*index, step);
    }
    for (index, attempt, located) in late {
        steps.insert(index, step(&mut editor, attempt, &located.finding, order, Turn::Second));
    }
    editor.finish().unwrap_or_else(|| {
        refuse_all(attempts, &Refusal::Unsupported(FieldPath::root()), steps);
        text.to_owned()
    })
}

fn refuse_all(attempts: &[usize], refusal: &Refusal, steps: &mut BTreeMap<usize, Step>) {
    for index in attempts {
        steps.insert(*index, Step::NotMade(Reason::Refused(refusal.clone())));
    }
}

/// When an attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    /// After all others: indices of lists may have moved since.
    Second,
}

/// Makes one attempt. The remedy is asked for again, since remedies before it changed the object.
fn step(
    editor: &mut Editor<'_>,
    attempt: &Attempt,
    finding: &Finding,
    order: &Order<'_>,
    turn: Turn,
) -> Step {
    let home = &attempt.home;
    let object = editor.value(home.document).and_then(|document| at(document, &home.base));
    let Some(object) = object else {
        return Step::NotMade(Reason::Refused(Refusal::NoDocument(home.document)));
    };
    let edits = match remedy(&finding.check, object, &finding.field) {
        Err(need) => return Step::NotMade(Reason::NotMechanical(need)),
        Ok(Remedy { edits, risk }) if risk > order.risk => {
            return Step::NotMade(Reason::MayBreak(edits));
        }
        Ok(Remedy { edits, .. }) if turn == Turn::Second && removals(&edits).is_some() => {
            return Step::NotMade(Reason::NotMechanical(
                "needs another change first: fix once more",
            ));
        }
        Ok(Remedy { edits, .. }) => edits,
    };
    let before = object.clone();
    let in_document: Vec<Edit> = edits.iter().map(|edit| edit.below(&home.base)).collect();
    if let Err(refusal) = editor.apply_all(home.document, &in_document) {
        return Step::NotMade(Reason::Refused(refusal));
    }
    let after = editor.value(home.document).and_then(|document| at(document, &home.base));
    Step::Made(if after == Some(&before) { Vec::new() } else { edits })
}
