//! How many different things within a time, about.
//!
//! Linear counting (Whang, Vander-Zanden and Taylor 1990): each thing sets one bit of a small map, and the share of
//! bits that are still unset tells how many things there were. Exact enough (within a tenth) up to some thousands.

use serde::{Deserialize, Serialize};

use super::Key;

const WORDS: usize = 16;
const BITS: u32 = 64 * WORDS as u32;

/// The different things of one window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Distinct {
    window: u32,
    bits: [u64; WORDS],
}

impl Distinct {
    pub(crate) const fn new() -> Self {
        Self { window: 0, bits: [0; WORDS] }
    }

    /// Takes something in, and tells how many different things this window has had; with the number of the one
    /// before if a new window has begun.
    pub(crate) fn add(&mut self, thing: Key, window: u32) -> (u32, Option<u32>) {
        let mut before = None;
        if window > self.window {
            before = Some(self.count()).filter(|count| *count > 0);
            *self = Self { window, bits: [0; WORDS] };
        }
        let bit = thing % u64::from(BITS);
        let word = usize::try_from(bit / 64).unwrap_or_default();
        if let Some(word) = self.bits.get_mut(word) {
            *word |= 1 << (bit % 64);
        }
        (self.count(), before)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        let unset = self.bits.iter().map(|word| word.count_zeros()).sum::<u32>().max(1);
        // -m ln(unset / m), as the sum of the terms m/m + m/(m-1) + … + m/(unset+1): the same within one.
        let m = f64::from(BITS);
        let sum: f64 = (unset + 1..=BITS).map(|left| m / f64::from(left)).sum();
        sum.round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::super::key;
    use super::*;

    #[test]
    fn it_counts_within_a_tenth() {
        for number in [1_u32, 5, 40, 300, 2000] {
            let mut distinct = Distinct::new();
            for round in 0..3 {
                for thing in 0..number {
                    distinct.add(key("t", &[&thing.to_string()]), 1 + round / 3);
                }
            }
            let error = f64::from(distinct.count().abs_diff(number)) / f64::from(number);
            assert!(error <= 0.1, "{number}: {}", distinct.count());
        }
    }

    #[test]
    fn a_new_window_starts_anew_and_tells_the_one_before() {
        let mut distinct = Distinct::new();
        assert_eq!(distinct.add(1, 1), (1, None));
        assert_eq!(distinct.add(2, 1), (2, None));
        assert_eq!(distinct.add(3, 2), (1, Some(2)));
    }
}
