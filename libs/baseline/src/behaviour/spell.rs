//! Ten minutes of an actor: what it does in them, by features, and how such times of it usually go.
//!
//! Which features are unusual together, and when that is told, is `models/points.rs`'s.

use serde::{Deserialize, Serialize};

use crate::memory::{Heights, Levels, Scores};

/// What a spell is measured by. Each only grows while a spell lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    /// Deeds that are new for the actor.
    New = 0,
    /// Deeds that none of its kind has done: of a verb, a kind of object and a namespace.
    Rare = 1,
    /// Requests that were refused, or failed.
    Failures = 2,
    /// Requests.
    Requests = 3,
    /// Different deeds.
    Variety = 4,
    /// An hour of the day at which it is not active, or does not write.
    Hour = 5,
    /// The largest event.
    Size = 6,
    /// Deeds that write.
    Writes = 7,
    /// Deeds that give access, run commands, or read credentials.
    Dangerous = 8,
    /// A tool that people type into.
    ByHand = 9,
    /// An address of a network that is new for it.
    Place = 10,
}

impl Feature {
    /// Its place among levels.
    pub(crate) const fn place(self) -> usize {
        self as usize
    }
}

/// What an actor does within ten minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spell {
    /// Tens of minutes since the epoch.
    pub(crate) window: u32,
    pub(crate) requests: u32,
    pub(crate) failures: u16,
    pub(crate) new: u16,
    pub(crate) rare: u16,
    pub(crate) writes: u16,
    pub(crate) dangerous: u16,
    /// A bit for each deed: of more than some dozens two share one.
    pub(crate) deeds: u64,
    /// The largest event, in KiB.
    pub(crate) size: u32,
    pub(crate) is_off_hours: bool,
    pub(crate) is_by_hand: bool,
    pub(crate) is_elsewhere: bool,
    /// The features, by bit, of which another model told in this spell.
    pub(crate) told_of: u16,
    /// How far it was told: not, as something low, and as something medium.
    pub(crate) told: Told,
}

/// How far a spell was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Told {
    #[default]
    Not,
    Low,
    Medium,
}

impl Spell {
    /// How high its features are.
    pub(crate) fn levels(&self) -> Levels {
        let counted = |count: u16| match count {
            0 => 0,
            1 => 1,
            2 | 3 => 2,
            _ => 3,
        };
        // Each level is four times as high as the one below.
        let fourfold = |count: u32, first: u32| match count / first {
            0 => 0,
            1..4 => 1,
            4..16 => 2,
            _ => 3,
        };
        [
            counted(self.new),
            counted(self.rare),
            match self.failures {
                0 => 0,
                1 | 2 => 1,
                3..8 => 2,
                _ => 3,
            },
            fourfold(self.requests, 16),
            // Each twice as many as the one below.
            match self.deeds.count_ones() {
                0..4 => 0,
                4..8 => 1,
                8..16 => 2,
                _ => 3,
            },
            u8::from(self.is_off_hours),
            fourfold(self.size, 16),
            fourfold(self.writes.into(), 1),
            counted(self.dangerous),
            u8::from(self.is_by_hand),
            u8::from(self.is_elsewhere),
        ]
    }

    /// Whether it may be higher in something than it was before a request.
    pub(crate) fn may_be_higher(&self, before: &Self) -> bool {
        let alike = Self { requests: self.requests, ..*before };
        *self != alike || matches!(self.requests, 16 | 64 | 256)
    }

    /// The hour of the day, of which it is a sixth.
    pub(crate) const fn hour_of_day(&self) -> u32 {
        self.window / 6 % 24
    }
}

/// The spells of an actor: this one, and how they usually go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spells {
    pub(crate) now: Spell,
    pub(crate) usual: Heights,
    /// The most that any came to, in sixteenths of a bit; it fades.
    pub(crate) highest: u32,
    /// At which hours of the day it was active, and wrote, a bit for each; and at which before what is old faded.
    hours: [u32; 2],
    old_hours: [u32; 2],
}

/// Of how many spells all is remembered; of older ones half. Two weeks of one who never rests.
const MOST: u16 = 2_000;

impl Spells {
    /// Begins a new spell; the one before becomes part of what is usual.
    pub(crate) fn begin(&mut self, window: u32) {
        if self.now.requests > 0 {
            let hour = 1 << self.now.hour_of_day();
            let [active, wrote] = &mut self.hours;
            *active |= hour;
            if self.now.writes > 0 {
                *wrote |= hour;
            }
            if self.usual.close(&self.now.levels(), MOST) {
                self.old_hours = std::mem::take(&mut self.hours);
                self.highest -= self.highest / 8;
            }
        }
        self.now = Spell { window, ..Spell::default() };
    }

    /// Whether it is never active at this hour of the day, nor at those beside it; of one who writes whether it never
    /// writes then. Who never did has no hours for it.
    pub(crate) fn is_off_hours(&self, writes: bool) -> bool {
        let kind = usize::from(writes);
        let of_kind =
            [self.hours, self.old_hours].into_iter().filter_map(|it| it.get(kind).copied());
        let hours = of_kind.fold(0, |all, hours| all | hours);
        let hour = self.now.hour_of_day();
        let near = [hour + 23, hour, hour + 1].map(|hour| 1 << (hour % 24));
        hours != 0 && near.into_iter().all(|hour: u32| hours & hour == 0)
    }

    /// Trusts what was seen less: whose spells these are has changed for a reason.
    pub(crate) fn doubt(&mut self) {
        self.usual.divide(4);
    }
}

/// How the spells of a class go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfClass {
    pub(crate) usual: Heights,
    pub(crate) scores: Scores,
}

/// Of how many spells of a class all is remembered.
const MOST_OF_CLASS: u16 = 60_000;

impl OfClass {
    /// Takes in a spell that is over, with what it came to if its actor was known.
    pub(crate) fn close(&mut self, spell: &Spell, score: Option<u32>) {
        self.usual.close(&spell.levels(), MOST_OF_CLASS);
        if let Some(score) = score {
            self.scores.add(score);
        }
    }
}
