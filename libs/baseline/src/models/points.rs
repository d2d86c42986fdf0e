//! B15: ten minutes in which several things are unusual at once, none of which is told by itself.
//!
//! Every feature of a spell is measured against the actor's own spells, and against its kind's while little is known
//! of it; how rare each is adds up over groups that have nothing to do with each other. Half-space trees or a cut
//! forest over all actors would have to hold the shape of each actor's life in one space: what is normal for one is
//! far out for another, a tree of its own for each costs a hundred times as much as these counts, and cuts by chance do
//! not say why. What trees know beside that, which features go together, is asked of the scores: what a release
//! brings about at once, it brought about before, and only what goes beyond all spells of the actor, and all but a few
//! of its kind, is told.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use super::first_seen::Deed;
use crate::anomaly::{Anomaly, counted, highest_of};
use crate::behaviour::{Feature, Look, OfClass, Spell, Spells, Told, minute};
use crate::memory::Levels;
use crate::observation::{Class, Outcome, Weight};

pub(super) static RULE: Rule = Rule {
    id: "AUD-B15",
    version: 1,
    title: "Several things about an actor are unusual at once",
    why: "Whoever uses somebody else's account keeps below what stands out, in one thing. In all things at once that takes knowing the account's owner.",
    next: "Read the requests of those ten minutes one after the other; ask the account's owner whether they are theirs.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::InitialAccess,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// Features that come of the same thing: of each group that which is rarest counts. Who is busier than ever also changes
/// more, and who does something new also does more that is dangerous.
const GROUPS: [&[Feature]; 7] = [
    &[Feature::New, Feature::Rare, Feature::Dangerous],
    &[Feature::Requests, Feature::Variety, Feature::Writes],
    &[Feature::Failures],
    &[Feature::Hour],
    &[Feature::Size],
    &[Feature::ByHand],
    &[Feature::Place],
];

/// After how many spells an actor is known.
const KNOWN: u16 = 100;
/// After how many spells of known actors a class is.
const CLASS_KNOWN: u32 = 500;
/// Of how many spells of its kind one may have come to as much.
const ONE_OF: u32 = 1_000;
/// A bit is sixteen.
const BIT: u32 = 16;
/// How rare something must be to count as unusual: 1 of 32 spells.
const UNUSUAL: u32 = 5 * BIT;
/// How many groups must be, and how much all must come to: one of a million, if they had nothing to do with each other.
const GROUPS_AT_LEAST: usize = 3;
const TOLD_FROM: u32 = 20 * BIT;
/// What is told as medium: more groups, each 1 of 128, and one of a thousand million.
const STRONG: u32 = 7 * BIT;
const STRONG_AT_LEAST: usize = 4;
const MEDIUM_FROM: u32 = 30 * BIT;

/// Begins a new spell if the one before is over.
pub(super) fn begin(look: &mut Look<'_, '_>) {
    let window = minute(look.observation.time) / 10;
    let class = look.observation.actor.class;
    if class == Class::Anonymous || window <= look.actor.spells.now.window {
        return;
    }
    let spells = &mut look.actor.spells;
    if spells.now.requests > 0 {
        let of_class = look.shared.spells.entry(class, usize::MAX, OfClass::default);
        let score = (spells.usual.times() >= KNOWN)
            .then(|| Unusual::of(spells, &spells.now.levels(), of_class, 0).score);
        of_class.close(&spells.now, score);
        spells.highest = spells.highest.max(score.unwrap_or_default());
    }
    spells.begin(window);
}

pub(super) fn look(look: &mut Look<'_, '_>, deed: Deed, found: &[Anomaly]) -> Option<Anomaly> {
    let class = look.observation.actor.class;
    if class == Class::Anonymous {
        return None;
    }
    let spells = &mut look.actor.spells;
    let before = spells.now;
    take(look.observation.outcome, deed, &mut spells.now);
    spells.now.size = spells.now.size.max(look.observation.bytes / 1024);
    spells.now.is_by_hand |= look.observation.client.is_by_hand;
    if spells.now.requests == 1 || spells.now.writes == 1 {
        spells.now.is_off_hours |= spells.is_off_hours(spells.now.writes > 0);
    }
    let told = found.iter().flat_map(|anomaly| features_of(anomaly.rule));
    spells.now.told_of |= told.fold(0, |bits, feature| bits | bit(*feature));
    let is_known = spells.usual.times() >= KNOWN && spells.now.told < Told::Medium;
    if !is_known || !spells.now.may_be_higher(&before) {
        return None;
    }
    let levels = spells.now.levels();
    if levels == before.levels() {
        return None;
    }
    let of_class = look.shared.spells.get(&class)?;
    let unusual = Unusual::of(spells, &levels, of_class, spells.now.told_of);
    let (alike, of) = of_class.scores.as_high(unusual.score);
    let is_rare = of >= CLASS_KNOWN && alike.saturating_mul(ONE_OF) <= of;
    let tells = unusual.tells();
    // What gets worse is told once more.
    if unusual.score <= spells.highest || !is_rare || tells <= spells.now.told {
        return None;
    }
    spells.now.told = tells;
    let spells = &*spells;
    let times = spells.usual.times();
    let seen = format!(
        "was unusual in {} ways at once within ten minutes: {}",
        unusual.groups.len(),
        unusual.told(spells, &levels)
    );
    let usual = format!(
        "in {times} such times it never was so unusual, and in {of} of its kind {alike} were"
    );
    let anomaly = Anomaly::of(&RULE, seen, usual, highest_of(times.into()));
    Some(if tells == Told::Medium { anomaly.at(Severity::Medium) } else { anomaly })
}

/// Takes a request into a spell.
fn take(outcome: Outcome, deed: Deed, spell: &mut Spell) {
    let count = |number: &mut u16, is: bool| *number = number.saturating_add(u16::from(is));
    spell.requests = spell.requests.saturating_add(1);
    count(&mut spell.failures, outcome != Outcome::Done);
    let Some(key) = deed.key else { return };
    spell.deeds |= 1 << (key % 64);
    count(&mut spell.new, deed.of_actor.is_some());
    count(&mut spell.rare, deed.is_new_for_all);
    count(&mut spell.writes, deed.weight >= Weight::Writes);
    count(&mut spell.dangerous, deed.weight == Weight::Dangerous);
}

/// What is unusual about a spell.
struct Unusual {
    /// The rarest feature of each group that is unusual, with how rare it is; the rarest first.
    groups: Vec<(u32, Feature)>,
    /// What all come to.
    score: u32,
}

impl Unusual {
    /// What is unusual, but for the features that are told already.
    fn of(spells: &Spells, levels: &Levels, of_class: &OfClass, told: u16) -> Self {
        let rarest = |group: &&[Feature]| {
            // Of what was told nothing else of its group is told: it comes of the same thing.
            if group.iter().any(|feature| told & bit(*feature) != 0) {
                return None;
            }
            let rarity = |feature: &Feature| {
                let level = levels.get(feature.place()).copied().unwrap_or_default();
                (spells.usual.rarity(feature.place(), level, &of_class.usual), *feature)
            };
            group.iter().map(rarity).max_by_key(|(rarity, _)| *rarity)
        };
        let mut groups: Vec<_> = GROUPS.iter().filter_map(rarest).collect();
        groups.retain(|(rarity, _)| *rarity >= UNUSUAL);
        groups.sort_by_key(|(rarity, _)| std::cmp::Reverse(*rarity));
        let score = groups.iter().map(|(rarity, _)| rarity).sum();
        Self { groups, score }
    }

    /// How far it is to be told.
    fn tells(&self) -> Told {
        let strong = self.groups.iter().filter(|(rarity, _)| *rarity >= STRONG).count();
        if strong >= STRONG_AT_LEAST && self.score >= MEDIUM_FROM {
            Told::Medium
        } else if self.groups.len() >= GROUPS_AT_LEAST && self.score >= TOLD_FROM {
            Told::Low
        } else {
            Told::Not
        }
    }

    /// Each with how often it is so.
    fn told(&self, spells: &Spells, levels: &Levels) -> String {
        let each = self.groups.iter().map(|(_, feature)| {
            let level = levels.get(feature.place()).copied().unwrap_or_default();
            let alike = spells.usual.as_high(feature.place(), level);
            let often = match alike {
                0 => "never before".to_owned(),
                _ => format!("in {alike} of them"),
            };
            format!("{} ({often})", worded(*feature, &spells.now))
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// A feature of a spell in words.
fn worded(feature: Feature, spell: &Spell) -> String {
    match feature {
        Feature::New => format!("{} new for it", counted(spell.new.into(), "deed")),
        Feature::Rare => {
            format!("{} that none of its kind did", counted(spell.rare.into(), "deed"))
        }
        Feature::Failures => format!("{} in vain", counted(spell.failures.into(), "request")),
        Feature::Requests => counted(spell.requests, "request"),
        Feature::Variety => format!("{} different deeds", spell.deeds.count_ones()),
        Feature::Hour => format!("{}:00 UTC, which is not its hour", spell.hour_of_day()),
        Feature::Size => format!("an event of {} KiB", spell.size),
        Feature::Writes => counted(spell.writes.into(), "change"),
        Feature::Dangerous => counted(spell.dangerous.into(), "dangerous deed"),
        Feature::ByHand => "a tool that people type into".to_owned(),
        Feature::Place => "a network that is new for it".to_owned(),
    }
}

const fn bit(feature: Feature) -> u16 {
    1 << feature.place()
}

/// Of which features a model tells.
fn features_of(rule: &str) -> &'static [Feature] {
    match rule {
        "AUD-B01" | "AUD-B17" | "AUD-B18" | "AUD-B19" | "AUD-B22" => &[Feature::New],
        "AUD-B02" | "AUD-B08" | "AUD-B09" | "AUD-B11" | "AUD-B12" => &[Feature::Place],
        "AUD-B03" | "AUD-B06" => &[Feature::Requests],
        "AUD-B04" | "AUD-B05" => &[Feature::Failures],
        "AUD-B07" | "AUD-B14" => &[Feature::Dangerous],
        "AUD-B13" => &[Feature::ByHand],
        "AUD-B16" => &[Feature::Variety],
        "AUD-B20" => &[Feature::Hour],
        "AUD-B26" => &[Feature::Size],
        _ => &[],
    }
}
