//! What is known of events that came before, so that it need not be worked out again: what their texts say ([`texts`]), what
//! rules find in the requests that they tell ([`requests`]), and what bodies say that come again within others ([`bodies`]).
//!
//! Nothing here changes what is told; it is kept for what came at least twice, within a bounded room.

use std::sync::atomic::{AtomicU64, Ordering};

use super::event::Event;

mod bodies;
mod requests;
mod texts;

pub(super) use bodies::{Bodies, Body, Written};
use requests::Requests;
pub(super) use requests::{Asked, Key, Lookup};
pub(super) use texts::Look;
use texts::Texts;

/// What is known of texts and bodies that came more than once. One may serve all tenants: what it says of an event is
/// what anybody would read and work out from it.
#[derive(Debug)]
pub struct Known {
    bodies: Bodies,
    pub(super) texts: Texts,
    requests: Requests,
}

/// The number under which an event's text is known, to those texts of which it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownText {
    of: u64,
    number: u64,
}

impl Known {
    /// As much as fits into about so many bytes: a third of them for bodies, the rest for whole events.
    pub fn new(bytes: usize) -> Self {
        Self::of_each(bytes / 3, bytes / 3 * 2)
    }

    /// The same, with so many bytes for bodies, and so many for whole events.
    pub fn of_each(bodies: usize, events: usize) -> Self {
        let (texts, requests) = (events / 4 * 3, events / 4);
        Self {
            bodies: Bodies::new(bodies),
            texts: Texts::new(texts),
            requests: Requests::new(requests),
        }
    }

    /// How many texts of events are known.
    pub fn texts(&self) -> usize {
        self.texts.known()
    }

    /// How many bodies are known.
    pub fn bodies(&self) -> usize {
        self.bodies.known()
    }

    /// How many requests are known.
    pub fn requests(&self) -> usize {
        self.requests.known()
    }

    /// What is known where requests are judged by a profile, to which the owner of this gave a number: no two profiles have the
    /// same one, ever.
    pub const fn by(&self, profile: u64) -> KnownBy<'_> {
        KnownBy { known: self, profile }
    }
}

impl Default for Known {
    /// 20 MiB.
    fn default() -> Self {
        Self::new(20 << 20)
    }
}

/// What is known of requests that are judged by one profile.
#[derive(Debug, Clone, Copy)]
pub struct KnownBy<'k> {
    known: &'k Known,
    profile: u64,
}

impl<'k> KnownBy<'k> {
    /// All that is known, by whatever profile.
    pub const fn all(self) -> &'k Known {
        self.known
    }

    pub(super) const fn bodies(self) -> &'k Bodies {
        &self.known.bodies
    }

    /// What is known of an event's request.
    pub(super) fn look(self, event: &Event<'_>) -> Lookup {
        self.known.requests.look(event, self.profile)
    }

    /// Keeps what was worked out of a request that came before.
    pub(super) fn keep(self, key: Key, asked: Asked) {
        self.known.requests.keep(key, asked);
    }
}

/// The hashes of what came once: most of it never comes again, and is not worth its room.
#[derive(Debug)]
struct CameOnce(Box<[AtomicU64]>);

/// Of how much it is known that it came once. Must be a power of two.
const ONCE: usize = 1 << 16;

impl CameOnce {
    fn new() -> Self {
        Self((0..ONCE).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether something came before, as far as that is still known; it did from now on.
    fn came_before(&self, hash: u64) -> bool {
        let hash = hash | 1;
        let at = usize::try_from(hash >> 1).unwrap_or_default() & (ONCE - 1);
        self.0.get(at).is_some_and(|slot| slot.swap(hash, Ordering::Relaxed) == hash)
    }
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Tenant};

    use super::super::{Request, read, rules, told_by};
    use super::*;
    use crate::intake::{Clock, Intake};
    use crate::profile::ClusterProfile;

    pub(super) fn told(text: &str, known: Option<&Known>) -> String {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
        let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
        let mut told = Vec::new();
        match known {
            Some(known) => read::record_among(known, 1, text.as_bytes(), &mut |item| {
                let request = Request::new(item.event.unwrap(), profile).among(known.by(0));
                told.extend(told_by(&request, &intake));
            }),
            None => {
                let event = Event::parse(text).unwrap();
                told = told_by(&Request::new(&event, profile), &intake);
            }
        }
        format!("{told:#?}")
    }

    #[test]
    fn what_is_known_changes_nothing_that_is_told() {
        let examples = rules().filter_map(|rule| rule.examples);
        let texts: Vec<_> = examples.flat_map(|it| [it.fires, it.quiet]).collect();
        // Everything comes again, and by somebody else, under another name, and as another deed.
        let others = [
            ("", ""),
            (r#""username":"dana""#, r#""username":"system:serviceaccount:shop:web""#),
            (r#""name":"#, r#""name":"x","was":"#),
            (r#""namespace":"shop""#, r#""namespace":"kube-system""#),
            (r#""verb":"create""#, r#""verb":"update""#),
            (r#""verb":"update""#, r#""verb":"patch""#),
            (r#""resource":"pods""#, r#""resource":"podtemplates""#),
            (r#""code":201"#, r#""code":403"#),
        ];
        let known = Known::default();
        let of_bodies_alone = Known::of_each(16 << 20, 0);
        for time in 0..3 {
            for text in &texts {
                for (from, to) in others {
                    let text = text.replacen(from, to, 1);
                    // The same at another time.
                    let text = text.replacen(
                        '{',
                        &format!(r#"{{"auditID":"{time}","requestReceivedTimestamp":"2026-11-20T10:00:0{time}Z","stageTimestamp":"2026-11-20T10:00:0{time}Z","#),
                        1,
                    );
                    let alone = told(&text, None);
                    assert_eq!(told(&text, Some(&known)), alone, "{text}");
                    assert_eq!(told(&text, Some(&of_bodies_alone)), alone, "{text}");
                }
            }
        }
        assert!(known.bodies() > 100, "{}", known.bodies());
        assert!(known.requests() > 500, "{}", known.requests());
        assert_eq!(of_bodies_alone.requests(), 0);
    }
}
