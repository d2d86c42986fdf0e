//! Bearers as links of the chain: what the bindings and roles of one allow is asked once for him, and who
//! rests on it is affected only where that changes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use airside_k8s::Object;
use airside_k8s::graph::{Goal, Graph, Key, MeshSettings, OwnSteps, Referent, Standing, Ways, Who};
use airside_k8s::rbac::{Bearer, GROUP, subjects};

use super::objects::Objects;
use super::part::{Asked, Owner};
use super::reads::{self, Askers, Kept};
use super::table::{Table, Words};
use super::touched::Touched;

/// The bearers whom bindings name.
#[derive(Debug, Default)]
pub(super) struct Bearers {
    numbers: BTreeMap<Who, u32>,
    known: Vec<Option<Known>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Known {
    who: Who,
    reads: Box<[Kept]>,
    /// Of what he may read all objects.
    reader: Vec<Referent>,
}

/// Whom a binding names.
pub(super) fn named(object: &Object<'_>) -> BTreeSet<Who> {
    let is_binding =
        object.group() == GROUP && matches!(object.kind(), "RoleBinding" | "ClusterRoleBinding");
    let subjects = is_binding.then(|| subjects(object)).into_iter().flatten();
    subjects.map(|(_, bearer)| Who::of(bearer)).collect()
}

impl Bearers {
    /// Asks again what those allow whom changed bindings name, and those who are touched. Whoever rests on
    /// what has changed is touched then.
    pub(super) fn refresh(
        &mut self,
        named: BTreeSet<Who>,
        objects: &Objects,
        (table, words, settings): (&RefCell<Table>, &Words, &MeshSettings),
        ways: &mut Ways<u32>,
        touched: &mut Touched,
    ) {
        let numbers: BTreeSet<u32> = named.into_iter().map(|who| self.number_of(who)).collect();
        let mut asked = Vec::new();
        for number in numbers.into_iter().chain(std::mem::take(&mut touched.bearers)) {
            let Some(Some(known)) = self.known.get(number as usize) else { continue };
            let bindings = table.borrow().found(Key::bearer(&known.who.seen())).to_vec();
            if bindings.is_empty() {
                self.forget(number, table, ways, touched);
            } else {
                let (who, reads) = ((number, known.who.clone()), known.reads.to_vec());
                asked.push(Asked { who, own: bindings, reads });
            }
        }
        asked.sort_unstable_by_key(|one| one.who.0);
        asked.dedup_by_key(|one| one.who.0);
        let mut answers = Vec::new();
        let owner = Owner::new(objects, table, words, ways, settings);
        owner.answer(
            asked,
            &|graph, _, (_, who)| allowed(graph, who, &owner),
            &mut |one, answer, rests| {
                let reads = reads::note(
                    &mut table.borrow_mut(),
                    reads::of_bearer(one.who.0),
                    &one.reads,
                    rests,
                    Askers::ALL,
                );
                answers.push((one.who.0, answer, reads));
            },
        );
        for (number, (steps, reader), reads) in answers {
            let Some(Some(known)) = self.known.get_mut(number as usize) else { continue };
            known.reads = reads;
            let before = std::mem::replace(&mut known.reader, reader);
            let mut table = table.borrow_mut();
            change_readers(&known.who, &before, &known.reader, &mut table, touched);
            ways.set(&known.who, Some(steps));
        }
    }

    /// The number of a bearer, a new one for one who is not known yet.
    fn number_of(&mut self, who: Who) -> u32 {
        if let Some(number) = self.numbers.get(&who) {
            return *number;
        }
        let known = Some(Known { who: who.clone(), reads: Box::default(), reader: Vec::new() });
        let number = match self.free.pop() {
            Some(number) => {
                if let Some(unused) = self.known.get_mut(number as usize) {
                    *unused = known;
                }
                number
            }
            None => {
                self.known.push(known);
                u32::try_from(self.known.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.numbers.insert(who, number);
        number
    }

    fn forget(
        &mut self,
        number: u32,
        table: &RefCell<Table>,
        ways: &mut Ways<u32>,
        touched: &mut Touched,
    ) {
        let Some(known) = self.known.get_mut(number as usize).and_then(Option::take) else {
            return;
        };
        let mut table = table.borrow_mut();
        reads::forget(&mut table, reads::of_bearer(number), &known.reads);
        change_readers(&known.who, &known.reader, &[], &mut table, touched);
        ways.set(&known.who, None);
        self.numbers.remove(&known.who);
        self.free.push(number);
    }
}

/// What the bindings and roles of a bearer allow him: steps towards other identities, and to read all objects
/// of a kind.
fn allowed(graph: &Graph<'_>, who: &Who, owner: &Owner<'_>) -> (OwnSteps<u32>, Vec<Referent>) {
    let bearer = who.seen();
    let steps = graph.steps_of(bearer);
    // Bindings are told apart by where they lie: files hold several of one name.
    let place = |object: &Object<'_>| std::ptr::from_ref(object.value()).addr();
    let table = owner.table.borrow();
    let slots = table.found(Key::bearer(&bearer)).iter();
    let slots: BTreeMap<usize, u32> =
        slots.filter_map(|slot| Some((place(&owner.objects.object(*slot)?), *slot))).collect();
    let steps = OwnSteps::of(&steps, |binding| slots.get(&place(binding)).copied());
    let reader = match bearer {
        Bearer::ServiceAccount(..) => graph.reads_all_of(bearer),
        Bearer::User(_) | Bearer::Group(_) => Vec::new(),
    };
    (steps, reader)
}

/// Counts a bearer among the readers of all objects of a kind, or no longer.
fn change_readers(
    who: &Who,
    before: &[Referent],
    now: &[Referent],
    table: &mut Table,
    touched: &mut Touched,
) {
    let Bearer::ServiceAccount(namespace, _) = who.seen() else { return };
    for to in before.iter().filter(|to| !now.contains(to)) {
        for key in Key::readers(*to, namespace) {
            touched.before(table, key);
            table.lower(key);
        }
    }
    for to in now.iter().filter(|to| !before.contains(to)) {
        for key in Key::readers(*to, namespace) {
            touched.before(table, key);
            table.raise(key);
        }
    }
}

/// Touches whoever rests on the next step of a standing.
pub(super) fn touch_way(goal: Goal, standing: &Standing<'_>, table: &Table, touched: &mut Touched) {
    touched.readers(table, Key::standing(goal, standing));
    if let Standing::Bearer(Bearer::ServiceAccount(_, name)) = standing {
        touched.readers(table, Key::way_of_account(goal, name));
    }
}
