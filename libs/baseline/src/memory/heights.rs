//! How high each feature of an actor's times goes, and how rare it is that several go so high at once.
//!
//! A time has a level from 0 to 3 for each feature. Of each feature it is counted in how many times it was how high at
//! least: the share of those is how rare that is, and where features have to do nothing with each other, their rarities
//! add up as bits. Whether they do is not taken for granted: what they add up to is compared with what all times
//! before came to ([`Scores`]). All in whole numbers, so that every machine tells the same.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many features a time has.
const FEATURES: usize = 11;
/// How high each of them is, 3 at most.
pub(crate) type Levels = [u8; FEATURES];

const HIGHEST: usize = 3;
/// What others of a kind did counts as so many times of one's own.
const OF_OTHERS: u64 = 20;

/// How often each feature was how high.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heights {
    times: u16,
    /// In how many times it was at 1, 2 and 3 at least.
    at_least: [[u16; HIGHEST]; FEATURES],
}

impl Heights {
    /// Takes in a time that is over. From so many on what is old weighs half; whether that happened.
    pub(crate) fn close(&mut self, levels: &Levels, most: u16) -> bool {
        let fades = self.times >= most;
        if fades {
            self.divide(2);
        }
        self.times = self.times.saturating_add(1);
        for (counts, level) in self.at_least.iter_mut().zip(levels) {
            for count in counts.iter_mut().take(usize::from(*level)) {
                *count = count.saturating_add(1);
            }
        }
        fades
    }

    /// Trusts what was seen less.
    pub(crate) fn divide(&mut self, by: u16) {
        let by = by.max(1);
        self.times /= by;
        self.at_least.as_flattened_mut().iter_mut().for_each(|count| *count /= by);
    }

    /// How many times are known.
    pub(crate) const fn times(&self) -> u16 {
        self.times
    }

    /// In how many of them a feature was so high at least.
    pub(crate) fn as_high(&self, feature: usize, level: u8) -> u16 {
        let Some(below) = usize::from(level).checked_sub(1) else { return self.times };
        let count = self.at_least.get(feature).and_then(|counts| counts.get(below));
        count.copied().unwrap_or_default()
    }

    /// How rare it is that a feature is so high, in sixteenths of a bit. What others of its kind do speaks as well, the less
    /// the more is known of this one.
    pub(crate) fn rarity(&self, feature: usize, level: u8, of_others: &Self) -> u32 {
        if level == 0 {
            return 0;
        }
        let times = u64::from(of_others.times) + 2;
        let alike = u64::from(of_others.as_high(feature, level)) + 1;
        let own = u64::from(self.as_high(feature, level)) * times + OF_OTHERS * alike;
        let all = (u64::from(self.times) + OF_OTHERS) * times;
        sixteenths(all).saturating_sub(sixteenths(own))
    }
}

/// How many bytes they are kept as.
const BYTES: usize = 2 + 2 * HIGHEST * FEATURES;

/// As one run of bytes: they are kept with their actor whenever it does something, and number by number that takes five
/// times as long.
impl Serialize for Heights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = [0; BYTES];
        let numbers = std::iter::once(&self.times).chain(self.at_least.as_flattened());
        for (two, number) in bytes.as_chunks_mut().0.iter_mut().zip(numbers) {
            *two = number.to_le_bytes();
        }
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Heights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: &[u8] = Deserialize::deserialize(deserializer)?;
        if bytes.len() != BYTES {
            return Err(D::Error::invalid_length(bytes.len(), &"the counts of all features"));
        }
        let mut heights = Self::default();
        let numbers =
            std::iter::once(&mut heights.times).chain(heights.at_least.as_flattened_mut());
        for (two, number) in bytes.as_chunks().0.iter().zip(numbers) {
            *number = u16::from_le_bytes(*two);
        }
        Ok(heights)
    }
}

/// How many times came to how many bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scores {
    times: u32,
    /// By whole bits.
    at: [u32; 32],
    above: u32,
}

/// From so many times on what is old weighs half.
const SCORES: u32 = 60_000;

impl Scores {
    /// Takes in what a time came to, in sixteenths of a bit.
    pub(crate) fn add(&mut self, score: u32) {
        if self.times >= SCORES {
            // What came once stays known.
            self.at.iter_mut().for_each(|count| *count = count.div_ceil(2));
            self.above = self.above.div_ceil(2);
            self.times = self.above.saturating_add(self.at.iter().sum());
        }
        self.times = self.times.saturating_add(1);
        let at = usize::try_from(score / 16).ok().and_then(|bits| self.at.get_mut(bits));
        *at.unwrap_or(&mut self.above) += 1;
    }

    /// How many times came to as many whole bits at least, and of how many.
    pub(crate) fn as_high(&self, score: u32) -> (u32, u32) {
        let bits = usize::try_from(score / 16).unwrap_or(usize::MAX);
        let within: u32 = self.at.iter().skip(bits).sum();
        (within.saturating_add(self.above), self.times)
    }
}

/// The logarithm of a number to base 2, in sixteenths; a line between the powers of two, which is off by a tenth at most.
const fn sixteenths(number: u64) -> u32 {
    if number == 0 {
        return 0;
    }
    let whole = number.ilog2();
    let fraction = (number << (63 - whole) >> 59) as u32 & 15;
    whole * 16 + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(first: u8) -> Levels {
        let mut levels = Levels::default();
        levels[0] = first;
        levels
    }

    #[test]
    fn what_was_seldom_so_high_is_rare_and_what_often_was_is_not() {
        let mut heights = Heights::default();
        for time in 0..1000 {
            heights.close(
                &levels([0, 1, 2][usize::from(time % 2 == 0) + usize::from(time % 100 == 0)]),
                u16::MAX,
            );
        }
        assert_eq!([1, 2, 3].map(|level| heights.as_high(0, level)), [500, 10, 0]);
        let bits = [1, 2, 3].map(|level| heights.rarity(0, level, &heights) / 16);
        assert_eq!(bits, [1, 6, 15], "half, a hundredth, and what never was in two thousand times");
        assert_eq!(heights.rarity(0, 0, &heights), 0);
    }

    #[test]
    fn of_whom_little_is_known_others_speak() {
        let (mut others, nobody) = (Heights::default(), Heights::default());
        (0..1000).for_each(|_| _ = others.close(&levels(3), u16::MAX));
        assert_eq!(nobody.rarity(0, 3, &others), 0);
        let mut own = Heights::default();
        (0..1000).for_each(|_| _ = own.close(&levels(0), u16::MAX));
        assert_eq!(own.rarity(0, 3, &others) / 16, 5);
    }

    #[test]
    fn what_is_old_fades() {
        let mut heights = Heights::default();
        (0..100).for_each(|_| _ = heights.close(&levels(1), 100));
        assert!(heights.close(&levels(0), 100));
        assert_eq!((heights.times(), heights.as_high(0, 1)), (51, 50));
    }

    #[test]
    fn scores_are_counted_from_the_top() {
        let mut scores = Scores::default();
        (0..40).for_each(|bits| scores.add(16 * bits));
        assert_eq!(
            [0, 16 * 20, 16 * 35].map(|it| scores.as_high(it)),
            [(40, 40), (20, 40), (8, 40)]
        );
        (0..SCORES).for_each(|_| scores.add(0));
        assert_eq!(scores.as_high(16 * 20), (16, 30_056));
    }

    #[test]
    fn logarithms_are_whole_at_powers_of_two() {
        assert_eq!([0, 1, 2, 3, 4, 1024].map(sixteenths), [0, 0, 16, 24, 32, 160]);
    }
}
