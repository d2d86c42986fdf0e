//! The rules in force, and which of them fire on an event.

use std::collections::{BTreeMap, BTreeSet};

use airside_detect::audit::{Event, own};
use airside_detect::{Intake, RuleInfo};
use airside_types::{Id, Place, Record};

use crate::compile::{Compiled, Rule};
use crate::correlation::{Definition, candidates};
use crate::demand::Demand;
use crate::found::{Match, Values};
use crate::index::Index;
use crate::problem::Problem;
use crate::read::read;
use crate::told::{MAX_TOLD, Room, tell_of_rest, weight_of};
use crate::view::View;

/// Rules, compiled and filed by what they demand.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    correlations: Vec<Definition>,
    /// Where they are among these, by what they mean.
    by_key: BTreeMap<Id, usize>,
    places: Vec<Place>,
    index: Index,
}

impl RuleSet {
    /// Reads the rules of files, each with its path and text. What is wrong is told in the order of the files; a rule
    /// with an error is left out, and keeps none of the others out.
    pub fn read<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut sources = Vec::new();
        for (path, text) in files {
            sources.extend(read(path, text, &mut problems));
        }
        let Compiled { rules, correlations, problems, .. } = Compiled::of(&sources, problems);
        let demands: Vec<&Demand> = rules.iter().map(|rule| &rule.demand).collect();
        let index = Index::of(&demands);
        let (correlations, places): (Vec<Definition>, _) = correlations.into_iter().unzip();
        let by_key = correlations.iter().enumerate().map(|(number, it)| (it.key, number)).collect();
        (Self { rules, correlations, by_key, places, index }, problems)
    }

    /// Whether no rule is in force.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.correlations.is_empty()
    }

    /// The rules in force with their places: detection rules, then correlation rules.
    pub fn listed(&self) -> impl Iterator<Item = (&RuleInfo, &Place)> {
        let rules = self.rules.iter().map(|rule| (&rule.info, &rule.place));
        rules.chain(self.correlations.iter().map(|it| &it.info).zip(&self.places))
    }

    /// Whether a rule, by its id, only serves correlation rules and does not fire by itself.
    pub fn only_correlates(&self, id: &str) -> bool {
        self.rules.iter().any(|rule| rule.info.id == id && !rule.stands_alone)
    }

    /// The rule that is meant by an id, name or title.
    pub fn find(&self, name: &str) -> Option<&RuleInfo> {
        let is_meant = |info: &&RuleInfo| info.id.eq_ignore_ascii_case(name) || info.title == name;
        let named = self.rules.iter().find(|rule| rule.names.iter().any(|it| it == name));
        named.map(|rule| &rule.info).or_else(|| self.listed().map(|(info, _)| info).find(is_meant))
    }

    /// The detection of one rule, even of one that only serves correlation rules.
    pub(crate) fn alone(&self, id: &str, event: &Event<'_>, intake: &Intake<'_>) -> Vec<Record> {
        let view = View::new(event);
        let mut values = Values::of(&view);
        let matches = self.matches(&view).filter(|it| it.rule.info.id == id);
        matches.map(|it| it.record(&mut values, intake)).collect()
    }

    /// What one event tells: the detections of rules that stand alone, and what correlation rules count of it, for
    /// [`crate::Correlating::count`]. Of very many of them the first, and how many more there are.
    pub fn judge(&self, event: &Event<'_>, intake: &Intake<'_>) -> own::Found {
        if self.is_empty() {
            return own::Found::default();
        }
        let view = View::new(event);
        let (mut values, mut room) = (Values::of(&view), Room::of_detections());
        let mut found = own::Found::default();
        let (mut ids, mut untold) = (BTreeSet::new(), 0);
        for it in self.matches(&view) {
            ids.insert(it.rule.info.id.as_str());
            if !it.rule.stands_alone {
                continue;
            }
            let may_be_told = found.records.len() < MAX_TOLD && !room.is_full();
            let record = may_be_told.then(|| it.record(&mut values, intake));
            match record.filter(|it| room.take(weight_of(it))) {
                Some(record) => found.records.push(record),
                None => untold += 1,
            }
        }
        let mut room = Room::of_candidates(&room);
        let (counted, uncounted) =
            candidates(&self.correlations, &ids, (&mut values, &mut room), intake);
        found.candidates = counted;
        tell_of_rest(&mut found, untold, uncounted);
        found
    }

    /// The correlation rule that means this.
    pub(crate) fn correlation(&self, key: Id) -> Option<&Definition> {
        self.correlations.get(*self.by_key.get(&key)?)
    }

    pub(crate) fn correlations(&self) -> &[Definition] {
        &self.correlations
    }

    /// The rules that an event satisfies, in the order of the files. Each is asked when its turn comes.
    pub(crate) fn matches<'s>(&'s self, view: &'s View<'_>) -> impl Iterator<Item = Match<'s>> {
        self.index
            .candidates(view.event())
            .into_iter()
            .filter_map(move |number| Match::of(self.rules.get(number)?, view))
    }
}
