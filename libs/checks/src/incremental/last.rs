//! The last run over an object: which of its checks say the same again.
//!
//! An object that has not changed is looked at by the same checks in every run: what a check looks at first
//! rests on the object alone. So a check keeps its number among those that look.

use std::cell::Cell;

use super::outcome::{Outcome, address};
use super::part::Owner;
use super::reads::Askers;
use crate::check::Check;
use crate::evaluate::Memory;

/// The last run over an object that has not changed since; nothing is recalled of one that has.
pub(super) struct Last<'l, 'w> {
    /// The checks that looked, by address, with their number.
    looking: Option<Vec<(usize, usize)>>,
    /// Who is asked again.
    again: Askers,
    owner: &'l Owner<'w>,
    /// How many checks have looked so far.
    looked: Cell<usize>,
}

impl<'l, 'w> Last<'l, 'w> {
    pub(super) fn new(outcome: Option<&Outcome>, again: Askers, owner: &'l Owner<'w>) -> Self {
        let looking = outcome.map(|outcome| {
            let numbered = outcome.looking().iter().map(|check| address(check)).zip(0..);
            let mut looking: Vec<_> = numbered.collect();
            looking.sort_unstable();
            looking
        });
        Self { looking, again, owner, looked: Cell::new(0) }
    }

    fn asker(&self, check: &'static Check) -> Option<Askers> {
        let looking = self.looking.as_deref().unwrap_or_default();
        let at = looking.binary_search_by_key(&address(check), |(address, _)| *address).ok()?;
        looking.get(at).map(|(_, number)| Askers::check(*number))
    }
}

impl Memory for Last<'_, '_> {
    fn recalls(&self, check: &'static Check) -> bool {
        self.looking.is_some() && self.asker(check).is_none_or(|asker| !self.again.has_any(asker))
    }

    fn watch(&self, check: &'static Check, run: &mut dyn FnMut()) -> bool {
        let asker = self.asker(check).unwrap_or_else(|| Askers::check(self.looked.get()));
        let has_looked = self.owner.watch(asker, run);
        self.looked.set(self.looked.get() + usize::from(has_looked));
        has_looked
    }
}
