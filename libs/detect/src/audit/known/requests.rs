//! Requests that come again as they were, but for when and under which number: what rules find in one is worked out once.
//!
//! Controllers, probes and people's scripts ask for the same all day. What rules find follows from the request, which is known
//! by its text, and the profile of its cluster alone; identities, times and places are added for each.

use std::sync::Arc;

use airside_types::{Detection, Id};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::super::Telling;
use super::super::event::Event;
use super::KnownText;

/// How many bytes a request with what is found in it may have; what has more is not kept.
const MAX_WEIGHT: u64 = 64 << 10;
/// What an entry has beside, and each detection beside its texts: a guess.
const ENTRY_BYTES: usize = 256;
const DETECTION_BYTES: usize = 1_024;
/// How many bytes an entry has as a rule.
const USUAL_BYTES: usize = 512;

/// What is known of requests that came more than once.
#[derive(Debug)]
pub(in crate::audit) struct Requests {
    known: Cache<Key, Asked, Weight>,
    /// The heaviest entry that there is room for.
    heaviest: u64,
}

/// By what a request is known: its text, and the number of the profile by which it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::audit) struct Key {
    text: KnownText,
    profile: u64,
}

/// What is known of a request.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Asked {
    /// What was asked and answered, without when and under which number.
    pub(in crate::audit) digest: Id,
    /// Which detections were wanted.
    pub(in crate::audit) telling: Telling,
    /// What rules found, but for what differs where the same comes again; none where that is nothing.
    pub(in crate::audit) found: Option<Arc<[Detection]>>,
}

/// What a look tells.
#[derive(Debug)]
pub(in crate::audit) enum Lookup {
    /// It is known.
    Known(Asked),
    /// Its text is known, and it may be kept when it is worked out.
    Again(Key),
    /// Its text is not known.
    New,
}

impl Requests {
    /// As many as fit into about so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let known = Cache::with_weighter(bytes / USUAL_BYTES, bytes as u64, Weight);
        // A part of the cache takes nothing that would fill nearly all of it.
        let heaviest = (known.shard_capacity() / 10 * 9).min(MAX_WEIGHT);
        Self { known, heaviest }
    }

    /// How many are known.
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }

    /// Looks for the request that an event tells, as it is judged by a profile.
    pub(super) fn look(&self, event: &Event<'_>, profile: u64) -> Lookup {
        let Some(text) = event.known_text else { return Lookup::New };
        let key = Key { text, profile };
        self.known.get(&key).map_or(Lookup::Again(key), Lookup::Known)
    }

    /// Keeps what was worked out of a request.
    pub(super) fn keep(&self, key: Key, asked: Asked) {
        if Weight.weight(&key, &asked) <= self.heaviest {
            self.known.insert(key, asked);
        }
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Key, Asked> for Weight {
    fn weight(&self, _: &Key, asked: &Asked) -> u64 {
        let found: usize = asked.found.iter().flat_map(|all| all.iter()).map(weight_of).sum();
        (ENTRY_BYTES + found) as u64
    }
}

/// About how many bytes a detection has.
fn weight_of(detection: &Detection) -> usize {
    let values = detection.values.iter().map(|it| 64 + it.name.len() + it.value.len());
    DETECTION_BYTES + detection.message.len() + values.sum::<usize>() + detection.links.len() * 256
}

#[cfg(test)]
mod tests {
    use super::super::Known;
    use super::super::tests::told;

    #[test]
    fn requests_are_kept_once_they_come_again_as_far_as_there_is_room() {
        let text = |name: usize| {
            format!(
                r#"{{"auditID":"1","requestReceivedTimestamp":"t","stageTimestamp":"t","verb":"delete","user":{{"username":"dana"}},"objectRef":{{"resource":"namespaces","name":"n{name}"}},"responseStatus":{{"code":200}}}}"#
            )
        };
        let known = Known::of_each(0, 1 << 20);
        let times = [0, 1, 1].map(|_| {
            told(&text(0), Some(&known));
            known.requests()
        });
        assert_eq!(times, [0, 1, 1]);
        for name in 0..1_500 {
            for _ in 0..2 {
                assert_eq!(told(&text(name), Some(&known)), told(&text(name), None));
            }
        }
        assert!(known.requests.known.weight() <= 1 << 18, "{}", known.requests.known.weight());
        assert!(known.requests() > 50, "{}", known.requests());
    }
}
