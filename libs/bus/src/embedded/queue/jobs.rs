//! Which jobs wait, which are worked on and until when. Pure: told the time, it does no IO.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::Id;
use tokio::time::Instant;

/// A job's number of arrival.
pub(super) type Number = u64;

/// One hand-over of a job: a later one of the same job has a higher attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) number: Number,
    pub(super) attempt: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits to be taken.
    Ready,
    /// Is its taker's until then.
    Leased(Instant),
    /// Is to be retried, not before then.
    Delayed(Instant),
    /// Is being removed from the store.
    Settling,
}

#[derive(Debug)]
struct Held {
    id: Id,
    attempts: u32,
    phase: Phase,
}

/// The jobs of one queue.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    held: BTreeMap<Number, Held>,
    ready: BTreeSet<Number>,
    timers: BTreeSet<(Instant, Number)>,
    last: Number,
    /// Places kept for jobs that are being stored.
    reserved: u64,
}

impl Jobs {
    /// Keeps a place and a number for a job that is about to be stored; none when all places are taken.
    pub(super) fn reserve(&mut self, places: u64) -> Option<Number> {
        let taken = u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        if taken.saturating_add(self.reserved) >= places {
            return None;
        }
        self.reserved += 1;
        self.last += 1;
        Some(self.last)
    }

    /// Gives a kept place back.
    pub(super) const fn release(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// Adds a job that is stored.
    pub(super) fn admit(&mut self, number: Number, id: Id, attempts: u32) {
        self.last = self.last.max(number);
        self.held.insert(number, Held { id, attempts, phase: Phase::Ready });
        self.ready.insert(number);
    }

    /// Takes jobs in the order of arrival, until a time.
    pub(super) fn lease(&mut self, max: usize, now: Instant, until: Instant) -> Vec<Lease> {
        self.expire(now);
        let mut leases = Vec::new();
        while leases.len() < max
            && let Some(number) = self.ready.pop_first()
        {
            let Some(held) = self.held.get_mut(&number) else { continue };
            held.attempts = held.attempts.saturating_add(1);
            leases.push(Lease { number, attempt: held.attempts });
            self.enter(number, Phase::Leased(until));
        }
        leases
    }

    fn expire(&mut self, now: Instant) {
        while let Some(&(until, number)) = self.timers.first()
            && until <= now
        {
            self.enter(number, Phase::Ready);
        }
    }

    /// When the next job becomes ready by itself.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(until, _)| *until)
    }

    /// Starts the time limit of a lease anew.
    pub(super) fn extend(&mut self, lease: Lease, until: Instant) -> bool {
        self.end_lease(lease, Phase::Leased(until))
    }

    /// Makes the job of a lease ready, not before a time.
    pub(super) fn retry(&mut self, lease: Lease, after: Instant) -> bool {
        self.end_lease(lease, Phase::Delayed(after))
    }

    /// Makes the job of a lease ready at once.
    pub(super) fn give_back(&mut self, lease: Lease) -> bool {
        self.end_lease(lease, Phase::Ready)
    }

    /// False when the lease is over: it was settled, or its time had passed and the job is somebody else's.
    fn end_lease(&mut self, lease: Lease, phase: Phase) -> bool {
        let held = self.held.get(&lease.number);
        let current = held.is_some_and(|held| {
            held.attempts == lease.attempt && matches!(held.phase, Phase::Leased(_))
        });
        if current {
            self.enter(lease.number, phase);
        }
        current
    }

    /// Keeps everybody from a job that is being removed from the store, whoever has it now, and says which
    /// it is; none when it is gone.
    pub(super) fn begin_settling(&mut self, number: Number) -> Option<Id> {
        let id = self.held.get(&number)?.id;
        self.enter(number, Phase::Settling);
        Some(id)
    }

    /// Ends what [`Self::begin_settling`] began: the job is gone, or ready again.
    pub(super) fn end_settling(&mut self, number: Number, removed: bool) {
        if removed {
            self.held.remove(&number);
        } else {
            self.enter(number, Phase::Ready);
        }
    }

    /// Takes a job out that the store cannot give.
    pub(super) fn remove(&mut self, number: Number) {
        self.enter(number, Phase::Settling);
        self.held.remove(&number);
    }

    fn enter(&mut self, number: Number, phase: Phase) {
        let Some(held) = self.held.get_mut(&number) else { return };
        match held.phase {
            Phase::Ready => {
                self.ready.remove(&number);
            }
            Phase::Leased(until) | Phase::Delayed(until) => {
                self.timers.remove(&(until, number));
            }
            Phase::Settling => {}
        }
        held.phase = phase;
        match phase {
            Phase::Ready => {
                self.ready.insert(number);
            }
            Phase::Leased(until) | Phase::Delayed(until) => {
                self.timers.insert((until, number));
            }
            Phase::Settling => {}
        }
    }
}
