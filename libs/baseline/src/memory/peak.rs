//! How high a number usually goes, and when it goes far beyond.
//!
//! Keeps the highest of the past, which fades, with mean and spread of the windows that had anything. Something is a
//! surge where it is far above all of them: the highest by a factor, the mean by a multiple of the spread. Of
//! `n` windows alike, the next is the highest of all with a chance of 1 in `n + 1`, whatever the
//! distribution is; that is the rarity that is told.

use serde::{Deserialize, Serialize};

/// The usual height of a number.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Peak {
    windows: u32,
    highest: f32,
    mean: f32,
    /// The mean of squared distances from the mean.
    spread: f32,
}

/// A number far beyond what is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Surge {
    /// The highest so far.
    pub(crate) highest: u32,
    /// Of how many windows.
    pub(crate) windows: u32,
}

/// The highest fades by so much with each window: after a thousand windows a half.
const FADING: f32 = 0.9993;
/// Older windows weigh less from this many on.
const MEMORY: u32 = 500;
/// How many spreads above the mean a surge is.
const SPREADS: f32 = 6.0;

impl Peak {
    /// Nothing known yet.
    pub(crate) const NONE: Self = Self { windows: 0, highest: 0.0, mean: 0.0, spread: 0.0 };

    /// Takes in the number that a window came to.
    pub(crate) fn close(&mut self, number: u32) {
        let number = number as f32;
        self.windows = self.windows.saturating_add(1);
        let share = 1.0 / self.windows.min(MEMORY) as f32;
        let distance = number - self.mean;
        self.mean += share * distance;
        self.spread += share * (distance * (number - self.mean) - self.spread);
        self.highest = (self.highest * FADING).max(number);
    }

    /// Whether a number of the running window is a surge: above `times` the highest, of at least `evidence`
    /// windows.
    pub(crate) fn surge(&self, number: u32, times: f32, evidence: u32) -> Option<Surge> {
        let height = number as f32;
        // Counts spread at least as those of rare events do.
        let spread = self.spread.max(self.mean).max(1.0).sqrt();
        let is_surge = self.windows >= evidence
            && height > times * self.highest
            && height > SPREADS.mul_add(spread, self.mean);
        is_surge.then_some(Surge { highest: self.highest.round() as u32, windows: self.windows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_far_above_all_windows_is_a_surge() {
        let mut peak = Peak::default();
        for window in 0..100 {
            assert_eq!(peak.surge(1000, 3.0, 30).is_some(), window >= 30, "{window}");
            peak.close(10 + window % 5);
        }
        assert_eq!(peak.surge(1000, 3.0, 30), Some(Surge { highest: 14, windows: 100 }));
        assert_eq!(peak.surge(30, 3.0, 30), None);
        assert_eq!(peak.surge(43, 3.0, 30), Some(Surge { highest: 14, windows: 100 }));
    }

    #[test]
    fn who_varies_much_must_vary_more() {
        let mut peak = Peak::default();
        (0..100).for_each(|window| peak.close(if window % 10 == 0 { 400 } else { 2 }));
        assert_eq!(peak.surge(500, 1.0, 30), None, "within six spreads");
        assert!(peak.surge(1300, 3.0, 30).is_some());
    }

    #[test]
    fn an_old_height_fades() {
        let mut peak = Peak::default();
        peak.close(1000);
        (0..3000).for_each(|_| peak.close(10));
        assert!(peak.surge(600, 2.0, 30).is_some());
    }
}
