//! Which rules an event can meet: each rule is filed under the demand that fewest others share.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use airside_detect::audit::{Event, own};

use crate::demand::{Demand, Dimension};

/// Rules by what they demand. Tables are looked into, never walked through.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    by_resource_and_verb: HashMap<String, HashMap<String, Vec<u32>>>,
    by_value: BTreeMap<Dimension, HashMap<String, Vec<u32>>>,
    others: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    /// The demands that remain to be asked.
    demands: Vec<(Dimension, BTreeSet<String>)>,
    /// The rule names no stage: it looks at answers.
    answers_only: bool,
}

/// Where a rule may be filed. The first is taken where several are shared alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shelf {
    ResourceAndVerb,
    Value(Dimension),
}

/// The most pairs of a resource and a verb under which one rule is filed. With more of them it is filed by the one or by
/// the other, and asked about what remains.
const MAX_PAIRS_OF_RULE: usize = 1_000;
/// The most pairs of all rules together. Those for which no room is left are filed like those with too many.
const MAX_PAIRS: usize = 100_000;

const SHELVES: [Shelf; 6] = [
    Shelf::ResourceAndVerb,
    Shelf::Value(Dimension::Name),
    Shelf::Value(Dimension::Username),
    Shelf::Value(Dimension::Namespace),
    Shelf::Value(Dimension::Resource),
    Shelf::Value(Dimension::Verb),
];

impl Index {
    /// Files rules, each by its place in the list.
    pub(crate) fn of(demands: &[&Demand]) -> Self {
        let mut room = MAX_PAIRS;
        let shelves: Vec<_> = demands.iter().map(|it| shelves_of(it, &mut room)).collect();
        let mut shared: BTreeMap<(Shelf, String, String), usize> = BTreeMap::new();
        for (demand, shelf) in
            demands.iter().zip(&shelves).flat_map(|(it, all)| all.iter().map(move |s| (it, *s)))
        {
            for (first, second) in labels(shelf, demand).unwrap_or_default() {
                *shared.entry((shelf, first, second)).or_default() += 1;
            }
        }
        let mut index = Self::default();
        for (number, (demand, shelves)) in demands.iter().zip(&shelves).enumerate() {
            let crowd = |shelf: &Shelf| {
                let of_label = |(first, second)| shared.get(&(*shelf, first, second)).copied();
                let labels = labels(*shelf, demand)?;
                labels.into_iter().filter_map(of_label).max().map(|most| (most, *shelf))
            };
            let shelf = shelves.iter().filter_map(crowd).min().map(|(_, shelf)| shelf);
            index.file(u32::try_from(number).unwrap_or(u32::MAX), demand, shelf);
        }
        index
    }

    fn file(&mut self, number: u32, demand: &Demand, shelf: Option<Shelf>) {
        let remaining = Dimension::ALL.into_iter().filter(|dimension| match shelf {
            Some(Shelf::ResourceAndVerb) => {
                !matches!(dimension, Dimension::Resource | Dimension::Verb)
            }
            Some(Shelf::Value(filed)) => *dimension != filed,
            None => true,
        });
        let demands = remaining
            .filter_map(|dimension| Some((dimension, demand.on(dimension)?.clone())))
            .collect();
        let answers_only = demand.on(Dimension::Stage).is_none();
        self.entries.push(Entry { demands, answers_only });
        let Some(shelf) = shelf else { return self.others.push(number) };
        for (first, second) in labels(shelf, demand).unwrap_or_default() {
            let place = match shelf {
                Shelf::ResourceAndVerb => {
                    self.by_resource_and_verb.entry(first).or_default().entry(second)
                }
                Shelf::Value(dimension) => self.by_value.entry(dimension).or_default().entry(first),
            };
            place.or_default().push(number);
        }
    }

    /// The rules whose demands an event meets, in the order of the list.
    pub(crate) fn candidates(&self, event: &Event<'_>) -> Vec<usize> {
        let is_answered = LazyCell::new(|| own::is_answered(event));
        let mut found = Vec::new();
        let mut take = |numbers: &[u32]| {
            let numbers = numbers.iter().map(|number| *number as usize);
            found.extend(numbers.filter(|it| {
                self.entries.get(*it).is_some_and(|it| it.allows(event, &is_answered))
            }));
        };
        let lower = |dimension: Dimension| lower(dimension.of(event));
        if let Some(by_verb) = self.by_resource_and_verb.get(&*lower(Dimension::Resource)) {
            by_verb.get(&*lower(Dimension::Verb)).into_iter().for_each(|it| take(it));
        }
        for (dimension, table) in &self.by_value {
            table.get(&*lower(*dimension)).into_iter().for_each(|it| take(it));
        }
        take(&self.others);
        found.sort_unstable();
        found
    }
}

impl Entry {
    fn allows(&self, event: &Event<'_>, is_answered: &dyn Deref<Target = bool>) -> bool {
        let is_met = |(dimension, values): &(Dimension, BTreeSet<String>)| {
            values.contains(&*lower(dimension.of(event)))
        };
        self.demands.iter().all(is_met) && (!self.answers_only || **is_answered)
    }
}

/// The shelves where a demand may stand. Its pairs are taken from the room that is left for pairs.
fn shelves_of(demand: &Demand, room: &mut usize) -> Vec<Shelf> {
    let count = |dimension| demand.on(dimension).map_or(0, BTreeSet::len);
    let pairs = count(Dimension::Resource).saturating_mul(count(Dimension::Verb));
    let is_paired = pairs <= MAX_PAIRS_OF_RULE.min(*room);
    if is_paired {
        *room -= pairs;
    }
    SHELVES.into_iter().filter(|it| is_paired || *it != Shelf::ResourceAndVerb).collect()
}

/// The labels under which a demand stands on a shelf; none if it does not belong there.
fn labels(shelf: Shelf, demand: &Demand) -> Option<Vec<(String, String)>> {
    match shelf {
        Shelf::Value(dimension) => {
            Some(demand.on(dimension)?.iter().map(|it| (it.clone(), String::new())).collect())
        }
        Shelf::ResourceAndVerb => {
            let (resources, verbs) = (demand.on(Dimension::Resource)?, demand.on(Dimension::Verb)?);
            let pairs = resources
                .iter()
                .flat_map(|resource| verbs.iter().map(|verb| (resource.clone(), verb.clone())));
            Some(pairs.collect())
        }
    }
}

/// In lower case, as Sigma compares.
fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::Values;

    /// Demands one of so many resources and one of so many verbs.
    fn demand(resources: usize, verbs: usize) -> Demand {
        let named = |count: usize| -> BTreeSet<String> {
            (0..count).map(|number| format!("v{number}")).collect()
        };
        let mut values = Box::<Values>::default();
        for (place, dimension) in values.iter_mut().zip(Dimension::ALL) {
            *place = match dimension {
                Dimension::Resource => Some(named(resources)),
                Dimension::Verb => Some(named(verbs)),
                _ => None,
            };
        }
        Demand::Values(values)
    }

    /// How many places there are by a resource and a verb.
    fn pairs(demands: &[Demand]) -> usize {
        let demands: Vec<&Demand> = demands.iter().collect();
        let index = Index::of(&demands);
        let by_verb = index.by_resource_and_verb.values().flat_map(HashMap::values);
        by_verb.map(Vec::len).sum()
    }

    #[test]
    fn rules_are_filed_by_pairs_up_to_the_bounds_of_one_and_of_all() {
        assert_eq!(pairs(&[demand(25, 40)]), 1_000);
        assert_eq!(pairs(&[demand(25, 41)]), 0);
        assert_eq!(pairs(&[demand(4_900, 4_900)]), 0);
        assert_eq!(pairs(&vec![demand(25, 40); 150]), 100_000);
    }
}
