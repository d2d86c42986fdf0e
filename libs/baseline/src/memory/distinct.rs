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
        let unset: u32 = self.bits.iter().map(|word| word.count_zeros()).sum();
        let count = usize::try_from(unset).ok().and_then(|unset| COUNTS.get(unset));
        count.copied().unwrap_or_default()
    }
}

/// How many things there were, by how many bits are unset.
static COUNTS: [u32; BITS as usize + 1] = counts();

/// -m ln(unset / m), as the sum of the terms m/m + m/(m-1) + … + m/(unset+1): the same within one.
#[expect(clippy::indexing_slicing, reason = "at compile time, where it would not compile")]
const fn counts() -> [u32; BITS as usize + 1] {
    let mut counts = [0; BITS as usize + 1];
    let (mut unset, mut sum) = (BITS, 0.0);
    while unset > 0 {
        counts[unset as usize] = (sum + 0.5) as u32;
        sum += BITS as f64 / unset as f64;
        unset -= 1;
    }
    // All bits are set: as many as if one were not, at least.
    counts[0] = counts[1];
    counts
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
