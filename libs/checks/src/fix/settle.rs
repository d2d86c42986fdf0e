//! Settling: which attempts are given up, so that those that are left bring nothing as bad as what they remove.
//!
//! A draft with all attempts is judged. What is wrong with it is led back to single attempts: they are left
//! out, and the result is judged again. Each object is searched by itself, many in one draft, so that one
//! takes nothing from the others. Owns the search and its bounds; a draft is `draft.rs`'.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Finding, Severity};

use super::draft::{Draft, Step, finding_of};
use super::plan::{Located, Plan};
use super::{Order, Reason, Source};

/// How often single attempts are searched for. After that, all that may have brought a finding are given up
/// together: each search costs some check-ins of the whole input.
const SEARCHES: usize = 16;

/// How often a draft is made better at all. After that, the floor is what is left.
const ROUNDS: usize = 32;

/// A draft that is good, and why attempts are not in it.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) draft: Draft,
    pub(super) given_up: BTreeMap<usize, Reason>,
}

/// Settles on a draft. What it may not give up is what the floor has made: a draft that is good without all
/// others.
pub(super) fn settle(
    sources: &[Source<'_>],
    order: &Order<'_>,
    plan: &Plan,
    floor: Option<Settled>,
) -> Settled {
    let nothing = || Settled { draft: Draft::nothing(sources, plan), given_up: BTreeMap::new() };
    let floor = floor.unwrap_or_else(nothing);
    let mut search = Search {
        sources,
        order,
        plan,
        floor: &floor.draft,
        given_up: BTreeMap::new(),
        acquitted: BTreeSet::new(),
    };
    for round in 0..ROUNDS {
        let draft = search.draft(&[]);
        let mut wrong = search.without_effect(&draft);
        if wrong.is_empty() {
            wrong = search.blamed(&draft, round < SEARCHES);
        }
        if wrong.is_empty() {
            return Settled { given_up: search.given_up, draft };
        }
        search.given_up.extend(wrong);
    }
    let mut given_up = floor.given_up;
    for index in 0..plan.attempts.len() {
        if !is_made(&floor.draft, index) {
            given_up.entry(index).or_insert_with(|| Reason::Introduces(Vec::new()));
        }
    }
    Settled { given_up, draft: floor.draft }
}

/// A finding that the floor does not have.
#[derive(Debug, Clone, PartialEq)]
struct Trouble {
    finding: Finding,
    /// Only attempts for findings that are no worse are asked about.
    level: Severity,
    /// Its object, check and field in the old text, where the floor had fixed it.
    comes_back: Option<Located>,
}

impl Trouble {
    fn stands_in(&self, draft: &Draft) -> bool {
        match &self.comes_back {
            Some(located) => draft.remaining.contains(&located.key),
            None => draft.introduced.iter().any(|other| is_same(&self.finding, other)),
        }
    }

    fn name(&self) -> String {
        let Finding { check, object, field, place, .. } = &self.finding;
        format!("{}\n{object:?}\n{check}\n{field}", place.path)
    }
}

struct Search<'s> {
    sources: &'s [Source<'s>],
    order: &'s Order<'s>,
    plan: &'s Plan,
    floor: &'s Draft,
    given_up: BTreeMap<usize, Reason>,
    /// Troubles that stand as well without any attempt that is no worse.
    acquitted: BTreeSet<String>,
}

impl Search<'_> {
    /// The draft without those that are given up, and some more.
    fn draft(&self, left_out: &[usize]) -> Draft {
        let left_out: BTreeSet<usize> = left_out.iter().copied().collect();
        let is_left_out =
            |index: usize| left_out.contains(&index) || self.given_up.contains_key(&index);
        Draft::make(self.sources, self.order, self.plan, is_left_out)
    }

    /// Whether the attempt changes something, and may be given up.
    fn is_open(&self, draft: &Draft, attempt: usize) -> bool {
        is_made(draft, attempt) && !is_made(self.floor, attempt)
    }

    /// The attempts whose finding still stands.
    fn without_effect(&self, draft: &Draft) -> BTreeMap<usize, Reason> {
        let edits_in_vain = |(index, step): (&usize, &Step)| match step {
            Step::Made(edits) if self.is_open(draft, *index) => {
                let located = finding_of(self.plan, *index)?;
                let stands = draft.remaining.contains(&located.key);
                stands.then(|| (*index, Reason::NoEffect(edits.clone())))
            }
            _ => None,
        };
        draft.steps.iter().filter_map(edits_in_vain).collect()
    }

    /// The attempts that bring findings as bad as their own: of the worst of these findings one attempt for
    /// each object, or all that are asked about where there is no time to search.
    fn blamed(&mut self, draft: &Draft, searches: bool) -> BTreeMap<usize, Reason> {
        let mut troubles = self.troubles(draft);
        let levels: BTreeSet<Severity> = troubles.iter().map(|trouble| trouble.level).collect();
        for level in levels.into_iter().rev() {
            let suspects = self.suspects(draft, level);
            if suspects.is_empty() {
                continue;
            }
            let without = self.draft(&suspects);
            let here = troubles.extract_if(.., |trouble| trouble.level == level);
            let (others, caused): (Vec<_>, Vec<_>) =
                here.partition(|trouble| trouble.stands_in(&without));
            self.acquitted.extend(others.iter().map(Trouble::name));
            if !caused.is_empty() {
                return self.culprits(caused, suspects, searches);
            }
        }
        BTreeMap::new()
    }

    /// What is new, and what was fixed before and is no longer.
    fn troubles(&self, draft: &Draft) -> Vec<Trouble> {
        let is_new =
            |finding: &&Finding| !self.floor.introduced.iter().any(|other| is_same(finding, other));
        let new = draft.introduced.iter().filter(is_new).map(|finding| Trouble {
            finding: finding.clone(),
            level: finding.severity,
            comes_back: None,
        });
        let is_back = |located: &&Located| {
            draft.remaining.contains(&located.key) && !self.floor.remaining.contains(&located.key)
        };
        let back = self.plan.findings.iter().filter(is_back).map(|located| Trouble {
            finding: located.finding.clone(),
            level: Severity::Critical,
            comes_back: Some(located.clone()),
        });
        new.chain(back).filter(|trouble| !self.acquitted.contains(&trouble.name())).collect()
    }

    /// The open attempts for findings that are no worse than this.
    fn suspects(&self, draft: &Draft, level: Severity) -> Vec<usize> {
        let is_suspect = |index: &usize| {
            self.is_open(draft, *index)
                && finding_of(self.plan, *index).is_some_and(|it| it.finding.severity <= level)
        };
        draft.steps.keys().copied().filter(is_suspect).collect()
    }

    /// Who brought what is caused by some of the suspects: by those of its own object where that is enough.
    fn culprits(
        &self,
        mut caused: Vec<Trouble>,
        suspects: Vec<usize>,
        searches: bool,
    ) -> BTreeMap<usize, Reason> {
        let of_object = |finding: &Finding| -> Vec<usize> {
            let is_own = |index: &usize| {
                finding_of(self.plan, *index).is_some_and(|it| has_one_object(&it.finding, finding))
            };
            suspects.iter().copied().filter(is_own).collect()
        };
        let mut hunts: Vec<(Trouble, Vec<usize>)> = Vec::new();
        for trouble in &caused {
            // Two findings of an object may have one cause: the second is looked at when the first is gone.
            if searches && hunts.iter().any(|(it, _)| has_one_object(&it.finding, &trouble.finding))
            {
                continue;
            }
            hunts.push((trouble.clone(), of_object(&trouble.finding)));
        }
        let own: Vec<usize> = hunts.iter().flat_map(|(_, own)| own).copied().collect();
        let without = self.draft(&own);
        hunts.retain(|(trouble, own)| !own.is_empty() && !trouble.stands_in(&without));
        if hunts.is_empty() {
            hunts.push((caused.swap_remove(0), suspects));
        }
        if searches {
            self.halve(&mut hunts);
        }
        let reason =
            |trouble: &Trouble| Reason::Introduces(vec![trouble.finding.check.to_string()]);
        let blamed = hunts.iter().flat_map(|(trouble, suspects)| {
            suspects.iter().map(move |index| (*index, reason(trouble)))
        });
        blamed.collect()
    }

    /// Leaves one suspect for each finding, without which it does not appear.
    fn halve(&self, hunts: &mut [(Trouble, Vec<usize>)]) {
        while hunts.iter().any(|(_, suspects)| suspects.len() > 1) {
            let half = |suspects: &[usize]| suspects.len().div_ceil(2);
            let first = |(_, suspects): &(Trouble, Vec<usize>)| {
                suspects.iter().take(half(suspects)).copied().collect::<Vec<_>>()
            };
            let left_out: Vec<usize> = hunts.iter().flat_map(first).collect();
            let without = self.draft(&left_out);
            for (trouble, suspects) in hunts.iter_mut() {
                let second = suspects.split_off(half(suspects));
                if !second.is_empty() && trouble.stands_in(&without) {
                    *suspects = second;
                }
            }
        }
    }
}

fn is_made(draft: &Draft, attempt: usize) -> bool {
    matches!(draft.steps.get(&attempt), Some(Step::Made(edits)) if !edits.is_empty())
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    one.check == other.check && one.field == other.field && has_one_object(one, other)
}

fn has_one_object(one: &Finding, other: &Finding) -> bool {
    one.object == other.object && one.place.path == other.place.path
}
