//! Asks a graph of a part of the objects, and makes the part larger until it holds all that the answer
//! rests on.
//!
//! Why that is right: an answer of the graph is a function of the objects that its notes name, and of facts
//! that the owner of all objects answers. What is asked first is the same in the part and in the whole; if
//! the part holds what it names, so is the answer, and with it what is asked next. So a run of which every
//! note is within the part is the run over the whole.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use airside_k8s::Object;
use airside_k8s::graph::{Goal, Graph, Key, MeshSettings, Read, Standing, Step, Ways, Whole, Word};

use super::objects::Objects;
use super::reads::{Askers, Kept};
use super::table::{Table, Words};

/// Beyond this share of the objects the graph is made of all: 1/4.
const LARGE: usize = 4;

/// All objects, as the graph of a part asks them.
pub(super) struct Owner<'w> {
    pub(super) objects: &'w Objects,
    pub(super) table: &'w RefCell<Table>,
    pub(super) words: &'w Words,
    pub(super) ways: &'w Ways<u32>,
    pub(super) settings: &'w MeshSettings,
    notes: RefCell<Vec<(Read, Askers)>>,
    asking: Cell<Askers>,
}

/// Somebody whose answer is sought.
#[derive(Debug)]
pub(super) struct Asked<N> {
    pub(super) who: N,
    /// The objects that he is about, by slot.
    pub(super) own: Vec<u32>,
    /// What his last answer rested on, as far as it is asked for again.
    pub(super) reads: Vec<Kept>,
}

/// Takes an answer, and what it rests on.
type Done<'d, N, T> = dyn FnMut(Asked<N>, T, &[Rest]) + 'd;

/// A key that an answer rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) key: Key,
    /// Whether the part must hold its objects.
    pub(super) is_held: bool,
    /// Who asked for it.
    pub(super) by: Askers,
}

impl<'w> Owner<'w> {
    pub(super) const fn new(
        objects: &'w Objects,
        table: &'w RefCell<Table>,
        words: &'w Words,
        ways: &'w Ways<u32>,
        settings: &'w MeshSettings,
    ) -> Self {
        Self {
            objects,
            table,
            words,
            ways,
            settings,
            notes: RefCell::new(Vec::new()),
            asking: Cell::new(Askers::ITSELF),
        }
    }

    /// Answers all who ask. `ask` puts the question for one of them: it is given the graph and where the
    /// first of his own objects stands in it. `done` takes the answer and what it rests on. Returns how many
    /// objects the last graph held.
    pub(super) fn answer<N, T>(
        &self,
        mut asked: Vec<Asked<N>>,
        ask: &dyn Fn(&Graph<'_>, usize, &N) -> T,
        done: &mut Done<'_, N, T>,
    ) -> usize {
        let mut part = BTreeSet::new();
        for one in &asked {
            part.extend(one.own.iter().copied());
            let table = self.table.borrow();
            let known = one.reads.iter().filter(|read| read.is_held());
            part.extend(known.flat_map(|read| table.found_by_number(read.number())).copied());
        }
        let mut held = 0;
        while !asked.is_empty() {
            let is_whole = part.len() > self.objects.len() / LARGE;
            let slots = self.ordered(&part, is_whole);
            let objects: Vec<Object<'_>> =
                slots.iter().filter_map(|slot| self.objects.object(*slot)).collect();
            let mut places: Vec<(u32, usize)> = slots.iter().copied().zip(0..).collect();
            places.sort_unstable();
            held = objects.len();
            let graph = Graph::of_part(&objects, self);
            let (mut again, mut lacking) = (Vec::new(), Vec::new());
            for one in asked {
                self.notes.borrow_mut().clear();
                let first = one.own.first().and_then(|own| {
                    let at = places.binary_search_by_key(own, |(slot, _)| *slot).ok()?;
                    places.get(at).map(|(_, index)| *index)
                });
                let answer = ask(&graph, first.unwrap_or_default(), &one.who);
                let rests = self.rests();
                // What others lack is in the graph of the next round only.
                let lacks = if is_whole { Vec::new() } else { self.lacking(&part, &rests) };
                if lacks.is_empty() {
                    done(one, answer, &rests);
                } else {
                    lacking.extend(lacks);
                    again.push(one);
                }
            }
            part.extend(lacking);
            asked = again;
        }
        held
    }

    /// Runs somebody's part of the question. Returns whether it has led to notes, which are his.
    pub(super) fn watch(&self, asker: Askers, run: &mut dyn FnMut()) -> bool {
        let before = self.notes.borrow().len();
        let whole = self.asking.replace(asker);
        run();
        self.asking.set(whole);
        self.notes.borrow().len() != before
    }

    fn ordered(&self, part: &BTreeSet<u32>, is_whole: bool) -> Vec<u32> {
        if is_whole {
            return self.objects.in_order().collect();
        }
        self.in_order(part.iter().copied().collect())
    }

    fn in_order(&self, mut slots: Vec<u32>) -> Vec<u32> {
        slots.sort_by_key(|slot| self.objects.get(*slot).map(|(identity, _)| identity));
        slots
    }

    /// What the notes since the last question name: each key once, in order.
    fn rests(&self) -> Vec<Rest> {
        let mut rests = Vec::new();
        for (note, by) in self.notes.borrow().iter() {
            let (keys, is_held) = match note {
                Read::All(keys) => (keys.as_slice(), true),
                Read::Fact(keys) => (keys.as_slice(), false),
                Read::Selected(lists) => (self.rarest(lists), true),
                Read::AnySelected(lists) => (self.rarest(lists), false),
            };
            rests.extend(keys.iter().map(|key| Rest { key: *key, is_held, by: *by }));
        }
        rests.sort_unstable_by_key(|rest| rest.key);
        rests.dedup_by(|later, first| {
            let is_same = later.key == first.key;
            if is_same {
                first.is_held |= later.is_held;
                first.by = first.by.and(later.by);
            }
            is_same
        });
        rests
    }

    /// The list that the fewest objects are found by.
    fn rarest<'l>(&self, lists: &'l [Vec<Key>]) -> &'l [Key] {
        let table = self.table.borrow();
        let count =
            |keys: &&Vec<Key>| keys.iter().map(|key| table.found(*key).len()).sum::<usize>();
        lists.iter().min_by_key(count).map(Vec::as_slice).unwrap_or_default()
    }

    /// The objects that an answer rests on and a part does not hold.
    fn lacking(&self, part: &BTreeSet<u32>, rests: &[Rest]) -> Vec<u32> {
        let table = self.table.borrow();
        let held = rests.iter().filter(|rest| rest.is_held);
        let slots = held.flat_map(|rest| table.found(rest.key)).copied();
        slots.filter(|slot| !part.contains(slot)).collect()
    }
}

impl std::fmt::Debug for Owner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").field("objects", &self.objects.len()).finish_non_exhaustive()
    }
}

impl Whole for Owner<'_> {
    fn note(&self, read: Read) {
        self.notes.borrow_mut().push((read, self.asking.get()));
    }

    fn has_any(&self, keys: &[Key]) -> bool {
        let table = self.table.borrow();
        keys.iter().any(|key| table.count(*key) > 0)
    }

    fn mentions_beside(&self, name: Word, itself: bool) -> bool {
        self.words.count(name) > u32::from(itself)
    }

    fn has_selected(&self, lists: &[Vec<Key>], is_such: &dyn Fn(&Object<'_>) -> bool) -> bool {
        let keys = self.rarest(lists);
        let table = self.table.borrow();
        let mut found = keys.iter().flat_map(|key| table.found(*key));
        found.any(|slot| self.objects.object(*slot).is_some_and(|object| is_such(&object)))
    }

    fn selected(&self, lists: &[Vec<Key>]) -> Vec<Object<'_>> {
        let table = self.table.borrow();
        let found = self.rarest(lists).iter().flat_map(|key| table.found(*key)).copied();
        let slots = self.in_order(found.collect());
        slots.into_iter().filter_map(|slot| self.objects.object(slot)).collect()
    }

    fn mesh_settings(&self) -> &MeshSettings {
        self.settings
    }

    fn next_step(&self, goal: Goal, standing: Standing<'_>) -> Option<Step<'_>> {
        let (step, binding) = self.ways.next(goal, &standing)?;
        let binding = binding.and_then(|slot| self.objects.object(slot));
        Some(Step { binding, ..step })
    }

    fn first_account(&self, goal: Goal, name: &str) -> Option<Standing<'_>> {
        self.ways.first_account(goal, name)
    }
}
