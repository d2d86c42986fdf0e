//! How many bytes of bodies may be in memory at a time.
//!
//! A source that sends faster than the log takes would fill the memory with bodies that wait. Beyond the budget a
//! request is refused before it is read, so that its sender keeps it and comes again. A tenant that sends much leaves room
//! for the others: what it may have is measured by what is free, so that it has most of the budget while it is alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use airside_types::Tenant;

/// Bytes that the bodies of one service may take together. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget {
    used: Arc<Mutex<Used>>,
    bytes: usize,
}

/// What is taken of a budget.
#[derive(Debug, Default)]
struct Used {
    all: usize,
    /// By each tenant that has some of it; what is nobody's is all of one.
    of: BTreeMap<Option<Tenant>, usize>,
}

/// The part of a budget that one body has. Given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    tenant: Option<Tenant>,
    bytes: usize,
}

/// The budget is used up, or what a tenant may have of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// By all together.
    #[error("bodies of {bytes} bytes are being taken already")]
    All {
        /// How many there may be.
        bytes: usize,
    },
    /// By the tenant itself.
    #[error(
        "bodies of {bytes} bytes of this tenant are being taken already, and others need room as well"
    )]
    Share {
        /// How many it has.
        bytes: usize,
    },
}

/// How much a tenant may have with several bodies, measured by what stays free then: alone three quarters of the budget, and
/// beside another that does the same three sevenths. One body of each is taken while there is room.
const TIMES_THE_REST: usize = 3;

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { used: Arc::default(), bytes }
    }

    /// A part of it, of no bytes yet, of which all bodies have the same right.
    pub fn hold(&self) -> Held {
        Held { budget: self.clone(), tenant: None, bytes: 0 }
    }

    /// A part of it, of no bytes yet, for a body of a tenant.
    pub fn hold_for(&self, tenant: &Tenant) -> Held {
        Held { budget: self.clone(), tenant: Some(tenant.clone()), bytes: 0 }
    }

    /// Waits until nobody holds anything of it.
    #[cfg(test)]
    pub(crate) async fn unused(&self) {
        while self.with(|used| used.all > 0) {
            tokio::task::yield_now().await;
        }
    }

    /// How many bytes it has in all.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn with<T>(&self, look: impl FnOnce(&mut Used) -> T) -> T {
        look(&mut self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Used {
    /// Takes so many more for a body that may have some already, if there is room.
    fn take(&mut self, held: &Held, missing: usize) -> Result<(), Exhausted> {
        let all = Exhausted::All { bytes: held.budget.bytes };
        let free = held.budget.bytes.checked_sub(self.all).ok_or(all)?;
        let rest = free.checked_sub(missing).ok_or(all)?;
        let of_tenant = self.of.get(&held.tenant).copied().unwrap_or_default();
        let has_others = of_tenant > held.bytes && held.tenant.is_some();
        if has_others && of_tenant + missing > rest.saturating_mul(TIMES_THE_REST) {
            return Err(Exhausted::Share { bytes: of_tenant });
        }
        self.all += missing;
        self.of.insert(held.tenant.clone(), of_tenant + missing);
        Ok(())
    }

    fn give_back(&mut self, held: &Held) {
        self.all = self.all.saturating_sub(held.bytes);
        if let Some(of_tenant) = self.of.get_mut(&held.tenant) {
            *of_tenant = of_tenant.saturating_sub(held.bytes);
            if *of_tenant == 0 {
                self.of.remove(&held.tenant);
            }
        }
    }
}

impl Held {
    /// Makes it at least as large as so many bytes, or as all of the budget where they are more: whatever a body may be, it
    /// is taken while there is no other.
    pub fn cover_or_all(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.cover(bytes.min(self.budget.bytes))
    }

    /// Makes it at least as large as so many bytes.
    pub fn cover(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let missing = bytes.saturating_sub(self.bytes);
        if missing > 0 {
            self.budget.with(|used| used.take(self, missing))?;
            self.bytes = bytes;
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.with(|used| used.give_back(self));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let budget = Budget::new(10);
        let all = Err(Exhausted::All { bytes: 10 });
        let (mut one, mut other) = (budget.hold(), budget.hold());
        assert_eq!(one.cover(6), Ok(()));
        assert_eq!(one.cover(5), Ok(()), "it has that already");
        assert_eq!(other.cover(5), all);
        assert_eq!(other.cover(4), Ok(()));
        drop(one);
        assert_eq!(other.cover(10), Ok(()));
        assert_eq!(budget.hold().cover(1), all);
        drop(other);
        assert_eq!(budget.hold().cover(10), Ok(()));
        assert_eq!(budget.hold().cover(11), all);
        let mut whole = budget.hold();
        assert_eq!(whole.cover_or_all(11), Ok(()), "more than there is takes all of it");
        assert_eq!(budget.hold().cover_or_all(1), all);
    }

    fn tenant(name: &str) -> Tenant {
        Tenant::new(name).unwrap()
    }

    /// Takes bodies of ten bytes for a tenant until one is refused.
    fn flood(budget: &Budget, of: &str) -> (Vec<Held>, Exhausted) {
        let mut taken = Vec::new();
        loop {
            let mut body = budget.hold_for(&tenant(of));
            match body.cover(10) {
                Ok(()) => taken.push(body),
                Err(refused) => return (taken, refused),
            }
        }
    }

    #[test]
    fn a_tenant_that_sends_much_leaves_room_for_others() {
        let budget = Budget::new(1_000);
        let (loud, refused) = flood(&budget, "loud");
        assert_eq!((loud.len(), refused), (75, Exhausted::Share { bytes: 750 }));
        let (second, _) = flood(&budget, "second");
        assert_eq!(second.len(), 18, "three times of the 70 that stay free are more");
        let mut quiet = budget.hold_for(&tenant("quiet"));
        assert_eq!(quiet.cover(70), Ok(()), "one body of each is taken while there is room");
        assert_eq!(quiet.cover(71), Err(Exhausted::All { bytes: 1_000 }));
        drop((loud, second, quiet));
        assert_eq!(flood(&budget, "loud").0.len(), 75, "all was given back");
    }

    #[test]
    fn two_that_send_much_come_to_have_as_much_of_it() {
        let budget = Budget::new(1_000);
        let (mut first, _) = flood(&budget, "first");
        let mut second = Vec::new();
        // What is done with makes room for whoever comes next.
        for _ in 0..400 {
            if !first.is_empty() {
                first.remove(0);
            }
            second.extend(flood(&budget, "second").0);
            first.extend(flood(&budget, "first").0);
            if !second.is_empty() {
                second.remove(0);
            }
        }
        let shares = [first.len(), second.len()];
        assert!(shares.iter().all(|share| (38..=48).contains(share)), "{shares:?}");
    }

    #[test]
    fn one_body_alone_is_taken_whatever_it_becomes() {
        let budget = Budget::new(1_000);
        let mut body = budget.hold_for(&tenant("one"));
        for bytes in [10, 700, 900, 5_000] {
            assert_eq!(body.cover_or_all(bytes), Ok(()));
        }
        let mut second = budget.hold_for(&tenant("one"));
        assert!(second.cover(1).is_err());
        drop(body);
        assert_eq!(second.cover(500), Ok(()));
        let mut beside = budget.hold_for(&tenant("one"));
        assert_eq!(beside.cover(200), Ok(()));
        assert_eq!(second.cover(600), Err(Exhausted::Share { bytes: 700 }), "it has another one");
        drop(beside);
        assert_eq!(second.cover(1_000), Ok(()));
    }
}
