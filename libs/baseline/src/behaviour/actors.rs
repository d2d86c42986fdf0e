//! What is remembered of one actor, of its class, and of the cluster as a whole.

use std::collections::BTreeMap;
use std::net::IpAddr;

use airside_types::{Entity, Fact, Relation, Timestamp};
use serde::{Deserialize, Serialize};

use super::spell::{OfClass, Spells};
use crate::memory::{Distinct, Hour, Kept, Key, Pairs, Peak, Seen, key_of_number};
use crate::observation::Class;

/// One actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ActorMemory {
    pub(crate) class: Class,
    pub(crate) first: Hour,
    pub(crate) last: Hour,
    /// What it did: verb, resource, namespace.
    pub(crate) deeds: Seen,
    /// In how many namespaces it did each of them.
    pub(crate) spread: BTreeMap<Key, u8>,
    /// From which networks.
    pub(crate) places: Seen,
    /// With which tools.
    pub(crate) tools: Seen,
    /// The version of its tool.
    pub(crate) version: Key,
    /// Which bindings allowed it.
    pub(crate) grants: Seen,
    /// What it was refused.
    pub(crate) refused: Seen,
    /// What followed what.
    pub(crate) steps: Seen,
    pub(crate) previous: Key,
    /// Which of the last steps were new, the latest in the lowest bit.
    pub(crate) new_steps: u32,
    pub(crate) requests: Counter,
    pub(crate) breadth: Breadth,
    pub(crate) secrets: Breadth,
    /// How many more new things it was refused than allowed.
    pub(crate) doubts: i16,
    pub(crate) mix: Mix,
    /// What it read for the first time, fading.
    pub(crate) curiosity: f32,
    /// In how many weeks it was active at each hour of the week; of persons.
    pub(crate) hours: Option<Box<[u8]>>,
    pub(crate) active_hours: u32,
    pub(crate) rhythms: BTreeMap<Key, Rhythm>,
    told: BTreeMap<String, (Hour, u8)>,
    /// How its times go; kept behind the rest, since what was kept before it was known has none.
    #[serde(skip)]
    pub(crate) spells: Spells,
}

/// Requests within a minute.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) window: u32,
    pub(crate) count: u32,
    pub(crate) peak: Peak,
}

/// Different things within ten minutes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Breadth {
    pub(crate) distinct: Distinct,
    pub(crate) peak: Peak,
}

/// The shares of kinds of verbs, lately and usually.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Mix {
    pub(crate) recent: [f32; 6],
    pub(crate) usual: [f32; 6],
    pub(crate) number: u32,
}

/// The intervals between requests that are alike.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Rhythm {
    pub(crate) last: i64,
    pub(crate) interval: f32,
    pub(crate) deviation: f32,
    pub(crate) number: u32,
}

/// Of how many deeds it is remembered in how many namespaces an actor did them.
const SPREADS: usize = 64;

impl ActorMemory {
    pub(crate) fn new(class: Class, now: Hour) -> Self {
        Self {
            class,
            first: now,
            last: now,
            deeds: Seen::new(256),
            spread: BTreeMap::new(),
            places: Seen::new(64),
            tools: Seen::new(16),
            version: 0,
            grants: Seen::new(32),
            refused: Seen::new(64),
            steps: Seen::new(256),
            previous: 0,
            new_steps: 0,
            requests: Counter::default(),
            breadth: Breadth::new(),
            secrets: Breadth::new(),
            doubts: 0,
            mix: Mix::default(),
            curiosity: 0.0,
            hours: None,
            active_hours: 0,
            rhythms: BTreeMap::new(),
            told: BTreeMap::new(),
            spells: Spells::default(),
        }
    }

    /// Takes in that it did something in one more namespace; in how many it had done it before.
    pub(crate) fn spreads(&mut self, deed: Key) -> u8 {
        if self.spread.len() >= SPREADS && !self.spread.contains_key(&deed) {
            return 0;
        }
        let namespaces = self.spread.entry(deed).or_default();
        let before = *namespaces;
        *namespaces = namespaces.saturating_add(1);
        before
    }

    /// How much is known of it.
    pub(crate) fn occasions(&self) -> u32 {
        self.deeds.occasions()
    }

    /// Whether it may raise another anomaly of a model within this hour.
    pub(crate) fn may_tell(&mut self, rule: &str, now: Hour, per_hour: u8) -> bool {
        let (hour, number) = self.told.entry(rule.to_owned()).or_insert((now, 0));
        if *hour != now {
            (*hour, *number) = (now, 0);
        }
        *number = number.saturating_add(1);
        *number <= per_hour
    }
}

impl Breadth {
    const fn new() -> Self {
        Self { distinct: Distinct::new(), peak: Peak::NONE }
    }
}

/// What the actors of a class do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClassMemory {
    pub(crate) deeds: Seen,
    pub(crate) places: Seen,
    pub(crate) tools: Seen,
}

impl Default for ClassMemory {
    fn default() -> Self {
        Self { deeds: Seen::new(4096), places: Seen::new(1024), tools: Seen::new(256) }
    }
}

impl ClassMemory {
    /// Whether it has changed since the last call.
    pub(super) fn take_changed(&mut self) -> bool {
        let all = [&mut self.deeds, &mut self.places, &mut self.tools];
        let [deeds, places, tools] = all.map(Seen::take_changed);
        deeds || places || tools
    }
}

/// What is known of the cluster as a whole.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) classes: BTreeMap<Class, ClassMemory>,
    /// Who reads a Secret.
    pub(crate) readers: Kept<Key, Seen>,
    /// From where credentials are used.
    pub(crate) credentials: Kept<Key, Vec<Use>>,
    /// By whom they were issued.
    pub(crate) issued: Kept<Key, Issue>,
    /// Pods by uid.
    pub(crate) pods: Kept<Box<str>, Pod>,
    /// Failed authentication by address.
    pub(crate) failures: Kept<IpAddr, Failures>,
    /// The size of events of a kind.
    pub(crate) sizes: Kept<Key, Peak>,
    /// How the times of a class go.
    pub(crate) spells: Kept<Class, OfClass>,
    /// Which service accounts have to do with which kinds of objects.
    pub(crate) resources: Pairs,
    /// In which namespaces which images run.
    pub(crate) images: Pairs,
    pub(crate) pace: Pace,
    /// It was not kept since it changed.
    pub(crate) pace_changed: bool,
}

/// A use of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Use {
    pub(crate) address: IpAddr,
    pub(crate) tool: Key,
    /// The first time, in nanoseconds.
    pub(crate) since: i64,
    /// The last time, in nanoseconds.
    pub(crate) last: i64,
}

/// The issue of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issue {
    pub(crate) by: Box<str>,
    pub(crate) from: Option<IpAddr>,
    pub(crate) time: i64,
    pub(crate) is_told: bool,
}

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pod {
    pub(crate) name: Box<str>,
    pub(crate) addresses: Vec<IpAddr>,
    /// When it ended, in nanoseconds.
    pub(crate) gone: Option<i64>,
}

/// Failed authentication from one address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failures {
    pub(crate) score: f32,
    pub(crate) number: u32,
    pub(crate) last: Hour,
    pub(crate) told: Hour,
}

/// How the log goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pace {
    /// The last event, in nanoseconds.
    pub(crate) last: i64,
    /// The longest pause so far, in nanoseconds.
    pub(crate) longest: i64,
    pub(crate) events: u64,
    pub(crate) is_told: bool,
    /// When the clock was looked at last, and since when it is without being away for long, in nanoseconds.
    pub(crate) looked: i64,
    pub(crate) listening: i64,
}

impl Pace {
    /// Since when nothing was heard that would have been heard, in nanoseconds.
    pub(crate) fn since(&self) -> i64 {
        self.last.max(self.listening)
    }
}

impl Shared {
    /// Takes in where pods run and when they end.
    pub(crate) fn know(&mut self, fact: &Fact, most: usize) {
        let Entity::Object(object) = &fact.subject else { return };
        let (Some(uid), "Pod") = (object.uid.as_deref(), object.kind.as_str()) else { return };
        let pod = self.pods.entry(uid.into(), most, Pod::default);
        if pod.name.is_empty() {
            pod.name = object.name.as_str().into();
        }
        if let (Relation::HasAddress, Entity::Address { ip }) = (fact.relation, &fact.object)
            && let Ok(address) = ip.parse()
            && !pod.addresses.contains(&address)
            && pod.addresses.len() < 4
        {
            pod.addresses.push(address);
        }
        if let (Relation::Exists, Some(until)) = (fact.relation, fact.until) {
            pod.gone = Some(until.as_nanos());
        }
    }
}

/// The network of an address, by its first bits; of IPv6 by twice as many.
pub(crate) fn network(address: IpAddr, bits: u32) -> Key {
    let (address, length, bits) = match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32, bits),
        IpAddr::V6(address) => (u128::from(address), 128, 2 * bits),
    };
    let kept = address.checked_shr(length - bits.min(length)).unwrap_or_default();
    // How long the network is, and of which kind, stands before it.
    key_of_number("network", kept | u128::from(length + bits) << 112)
}

/// A moment in nanoseconds as minutes since the epoch.
pub(crate) fn minute(time: Timestamp) -> u32 {
    u32::try_from(time.as_nanos() / 60_000_000_000).unwrap_or_default()
}
