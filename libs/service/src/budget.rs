//! How many bytes of bodies may be in memory at a time.
//!
//! A source that sends faster than the log takes would fill the memory with bodies that wait. Beyond the budget a
//! request is refused before it is read, so that its sender keeps it and comes again.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that the bodies of one service may take together. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    bytes: usize,
}

/// The part of a budget that one body has. Given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// The budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bodies of {bytes} bytes are being taken already")]
pub struct Exhausted {
    bytes: usize,
}

/// Budgets are counted in pieces of this size, so that every size fits a semaphore.
const PIECE: usize = 1024;

impl Budget {
    /// A budget of so many bytes; at least one piece of 1 KiB.
    pub fn new(bytes: usize) -> Self {
        let pieces = (bytes / PIECE).clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(pieces)), bytes: pieces * PIECE }
    }

    /// A part of it, of no bytes yet.
    pub fn hold(&self) -> Held {
        Held { budget: self.clone(), permit: None, bytes: 0 }
    }

    /// Waits until nobody holds anything of it.
    #[cfg(test)]
    pub(crate) async fn unused(&self) {
        let all = u32::try_from(self.bytes / PIECE).unwrap();
        drop(self.free.acquire_many(all).await.unwrap());
    }

    /// How many bytes it has in all.
    pub const fn bytes(&self) -> usize {
        self.bytes
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
        let missing = bytes.saturating_sub(self.bytes).div_ceil(PIECE);
        if missing == 0 {
            return Ok(());
        }
        let exhausted = Exhausted { bytes: self.budget.bytes };
        let pieces = u32::try_from(missing).map_err(|_| exhausted)?;
        let free = Arc::clone(&self.budget.free);
        let more = free.try_acquire_many_owned(pieces).map_err(|_| exhausted)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        self.bytes += missing * PIECE;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let budget = Budget::new(10 * PIECE);
        let (mut one, mut other) = (budget.hold(), budget.hold());
        assert_eq!(one.cover(6 * PIECE), Ok(()));
        assert_eq!(one.cover(5 * PIECE), Ok(()), "it has that already");
        assert_eq!(other.cover(5 * PIECE), Err(Exhausted { bytes: 10 * PIECE }));
        assert_eq!(other.cover(4 * PIECE), Ok(()));
        drop(one);
        assert_eq!(other.cover(10 * PIECE), Ok(()));
        assert!(budget.hold().cover(1).is_err());
        drop(other);
        assert_eq!(budget.hold().cover(10 * PIECE), Ok(()));
        assert!(budget.hold().cover(11 * PIECE).is_err());
        let mut all = budget.hold();
        assert_eq!(all.cover_or_all(11 * PIECE), Ok(()), "more than there is takes all of it");
        assert!(budget.hold().cover_or_all(1).is_err());
    }
}
