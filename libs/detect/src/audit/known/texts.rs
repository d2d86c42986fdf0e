//! Texts of events that come again but for a number and two times: what they say is read once.
//!
//! An API server writes the same request in the same words. So a text that is another's but for what stands between the
//! quotes of `auditID`, `requestReceivedTimestamp` and `stageTimestamp` says what that says but for these three, and ends
//! where that ends: it need not be taken apart.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;
use memchr::memmem::Finder;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use self_cell::self_cell;

use super::super::event::Event;
use super::bodies::SECRET;
use super::{CameOnce, KnownText};
use crate::json::scan;

/// The longest text that is kept, in bytes.
const MAX_BYTES: usize = 4 << 10;
/// What an entry has beside its text: an event, and about as much as its lists take.
const ENTRY_BYTES: usize = size_of::<Event<'_>>() + 384;
/// How many bytes a text has in memory, for each one of it: some of its event's texts are written otherwise than they stand.
const BYTES_FOR_ONE: usize = 2;
/// How many bytes an entry has as a rule.
const USUAL_BYTES: usize = 3 << 10;

/// What stands before the values that differ each time, in the order in which API servers write them, and whoever sorts keys.
const KEYS: [&str; 3] =
    [r#""auditID":""#, r#""requestReceivedTimestamp":""#, r#""stageTimestamp":""#];

/// The texts that came more than once.
#[derive(Debug)]
pub(in crate::audit) struct Texts {
    known: Cache<u64, Kept, Weight>,
    /// The longest text that there is room for.
    longest: usize,
    once: CameOnce,
    hashes: RandomState,
    keys: [Finder<'static>; 3],
    /// Tells numbers of these texts from those of others.
    own: u64,
    /// How many were kept so far.
    kept: AtomicU64,
}

impl Texts {
    /// As many as fit into about so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let known = Cache::with_weighter(bytes / USUAL_BYTES, bytes as u64, Weight);
        // A part of the cache takes nothing that would fill nearly all of it.
        let part = usize::try_from(known.shard_capacity()).unwrap_or(bytes) / 10 * 9;
        let longest = (part.saturating_sub(ENTRY_BYTES) / BYTES_FOR_ONE).min(MAX_BYTES);
        let hashes = RandomState::default();
        let own = hashes.hash_one(longest);
        let keys = KEYS.map(Finder::new);
        Self { known, longest, once: CameOnce::new(), hashes, keys, own, kept: AtomicU64::new(0) }
    }

    /// How many are known.
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }

    /// Looks for the text of the event with which a text begins.
    pub(in crate::audit) fn look<'t>(&self, text: &'t str) -> Look<'t> {
        // No text that is kept is longer, and what follows may be all of a body.
        let beginning = text.get(..text.floor_char_boundary(self.longest)).unwrap_or_default();
        let Some(parts) = Parts::of(beginning, &self.keys) else { return Look::NotKept };
        let hash = self.hash(parts.before);
        let kept = self.known.get(&hash).filter(|kept| parts.begins_with(&kept.parts()));
        match kept {
            Some(kept) => Look::Known(Recalled { kept, parts }),
            None => Look::Unknown(Unknown { parts, hash }),
        }
    }

    /// Keeps a text that came before, of an event that was read from it.
    pub(in crate::audit) fn note(
        &self,
        unknown: &Unknown<'_>,
        text: &str,
        event: &Event<'_>,
    ) -> Option<KnownText> {
        let Unknown { parts, hash } = unknown;
        let behind = text.get(parts.head()..).filter(|_| text.len() <= self.longest)?;
        let came_before = self.once.came_before(hash ^ self.hash([behind]));
        if !came_before || !parts.are_of(event) || has_secret(event) {
            return None;
        }
        let text: Arc<str> = text.into();
        let told = Told::try_new(Arc::clone(&text), |text| Event::parse(text)).ok()?;
        let number = KnownText { of: self.own, number: self.kept.fetch_add(1, Ordering::Relaxed) };
        let (told, lengths) = (Arc::new(told), parts.lengths());
        self.known.insert(*hash, Kept { text, told, number, lengths });
        Some(number)
    }

    fn hash<const N: usize>(&self, parts: [&str; N]) -> u64 {
        let mut hasher = self.hashes.build_hasher();
        parts.iter().for_each(|part| hasher.write(part.as_bytes()));
        hasher.finish()
    }
}

/// Whether an event has a body that is nobody's to keep.
fn has_secret(event: &Event<'_>) -> bool {
    let has_body = event.request_object.is_some() || event.response_object.is_some();
    has_body && event.object_ref.as_ref().is_some_and(|it| SECRET.contains(&&*it.resource))
}

/// What a look tells.
#[derive(Debug)]
pub(in crate::audit) enum Look<'t> {
    /// It is known.
    Known(Recalled<'t>),
    /// It may be noted once it is read.
    Unknown(Unknown<'t>),
    /// It is not to be kept.
    NotKept,
}

/// A text that is not known.
#[derive(Debug)]
pub(in crate::audit) struct Unknown<'t> {
    parts: Parts<'t>,
    hash: u64,
}

/// An event whose text came before, but for three values.
#[derive(Debug)]
pub(in crate::audit) struct Recalled<'t> {
    kept: Kept,
    parts: Parts<'t>,
}

impl Recalled<'_> {
    /// The event.
    pub(in crate::audit) fn event(&self) -> Event<'_> {
        let [audit_id, received, reached] = self.parts.values;
        Event {
            audit_id: audit_id.into(),
            request_received: received.into(),
            stage_reached: reached.into(),
            known_text: Some(self.kept.number),
            ..Event::like(self.kept.told.borrow_dependent())
        }
    }

    /// How long its text is.
    pub(in crate::audit) fn bytes(&self) -> usize {
        self.parts.head() + self.kept.parts().behind.len()
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<u64, Kept> for Weight {
    fn weight(&self, _: &u64, kept: &Kept) -> u64 {
        (ENTRY_BYTES + kept.text.len() * BYTES_FOR_ONE) as u64
    }
}

self_cell! {
    /// A text, and the event that it tells.
    struct Told {
        owner: Arc<str>,
        #[covariant]
        dependent: Event,
    }

    impl {Debug}
}

/// A text that came more than once. What a look needs lies close by: most of what it costs is to wait for memory.
#[derive(Debug, Clone)]
struct Kept {
    text: Arc<str>,
    told: Arc<Told>,
    number: KnownText,
    /// How long what stands before each value is, and the value.
    lengths: [(usize, usize); 3],
}

impl Kept {
    fn parts(&self) -> Parts<'_> {
        let mut rest = &*self.text;
        let mut next = |bytes: usize| {
            let (part, behind) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
            rest = behind;
            part
        };
        let both = self.lengths.map(|(before, value)| (next(before), next(value)));
        Parts { before: both.map(|it| it.0), values: both.map(|it| it.1), behind: rest }
    }
}

/// A text at the three values that differ each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts<'t> {
    /// What stands before each.
    before: [&'t str; 3],
    /// The auditID, and the two times.
    values: [&'t str; 3],
    /// What stands behind the last one, and after the event, as far as it was looked at.
    behind: &'t str,
}

impl<'t> Parts<'t> {
    /// The parts of a text, if the three values stand in it.
    fn of(text: &'t str, keys: &[Finder<'static>; 3]) -> Option<Self> {
        let mut rest = text;
        let mut next = |key: &Finder<'static>| {
            let start = key.find(rest.as_bytes())? + key.needle().len();
            let (before, behind) = rest.split_at_checked(start)?;
            let (value, behind) = behind.split_at_checked(scan::plain(behind.as_bytes()))?;
            rest = behind;
            behind.starts_with('"').then_some((before, value))
        };
        let [audit_id, received, reached] = keys;
        let both = [next(audit_id)?, next(received)?, next(reached)?];
        Some(Self { before: both.map(|it| it.0), values: both.map(|it| it.1), behind: rest })
    }

    /// How long what stands before each value is, and the value.
    fn lengths(&self) -> [(usize, usize); 3] {
        let [first, second, third] = self.before.map(str::len);
        let [audit_id, received, reached] = self.values.map(str::len);
        [(first, audit_id), (second, received), (third, reached)]
    }

    /// How long it is up to the last value.
    fn head(&self) -> usize {
        self.before.iter().chain(&self.values).map(|part| part.len()).sum()
    }

    /// Whether it begins with another one, but for the values.
    fn begins_with(&self, other: &Self) -> bool {
        self.before == other.before && self.behind.starts_with(other.behind)
    }

    /// Whether the values are those that an event has.
    fn are_of(&self, event: &Event<'_>) -> bool {
        let fields: [&str; 3] = [&event.audit_id, &event.request_received, &event.stage_reached];
        // The same place, and not only the same words: a key may come twice.
        fields.into_iter().zip(self.values).all(|(field, value)| std::ptr::eq(field, value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::super::read;
    use super::super::Known;
    use super::*;

    /// An event that has everything.
    const WHOLE: &str = r#"{"level":"RequestResponse","auditID":"1","stage":"ResponseComplete","requestURI":"/api/v1/a","verb":"create","user":{"username":"ada","uid":"u","groups":["g","h"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=1"],"authentication.kubernetes.io/pod-name":["p"],"authentication.kubernetes.io/pod-uid":["pu"],"authentication.kubernetes.io/node-name":["n"],"authentication.kubernetes.io/node-uid":["nu"]}},"impersonatedUser":{"username":"bob","groups":["i"]},"authenticationMetadata":{"impersonationConstraint":"impersonate:user-info"},"sourceIPs":["10.0.0.1","10.0.0.2"],"userAgent":"kubectl/v1","objectRef":{"resource":"pods","namespace":"shop","name":"web","uid":"ou","apiGroup":"x","subresource":"exec"},"responseStatus":{"code":201,"status":"Failure","reason":"r","message":"m"},"requestObject":{"a":"b"},"responseObject":{"c":"d"},"requestReceivedTimestamp":"2026-11-20T10:00:00Z","stageTimestamp":"2026-11-20T10:00:01Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"why","authentication.kubernetes.io/issued-credential-id":"JTI=2","pod-security.kubernetes.io/audit-violations":"v","validation.policy.admission.k8s.io/validation_failure":"f","w/decision-id":"d"},"p_enrichment":{"e":"f"}}"#;

    /// What is read of an input, and how many of its events were known before.
    fn read(text: &str, known: Option<&Known>) -> (Vec<String>, usize) {
        let (mut all, mut known_before) = (Vec::new(), 0);
        let mut each = |item: read::Item<'_, '_>| {
            let event = item.event.map(|event| {
                known_before += usize::from(event.known_text.is_some());
                Event { known_text: None, ..event.clone() }
            });
            all.push(format!("{:?} {event:?}", std::str::from_utf8(item.bytes)));
        };
        match known {
            Some(known) => read::record_among(known, 1, text.as_bytes(), &mut each),
            None => read::record(1, text.as_bytes(), &mut each),
        }
        (all, known_before)
    }

    /// Every text and number of a document changed, one at a time, with where it stands.
    fn changed(value: &Value, at: &str) -> Vec<(String, Value)> {
        let within = |key: &str, part: &Value| changed(part, &format!("{at}/{key}"));
        match value {
            Value::Object(members) => members
                .iter()
                .flat_map(|(key, part)| {
                    within(key, part).into_iter().map(move |(at, part)| {
                        let mut members = members.clone();
                        members.insert(key.clone(), part);
                        (at, Value::Object(members))
                    })
                })
                .collect(),
            Value::Array(parts) => (0..parts.len())
                .flat_map(|index| {
                    within(&index.to_string(), &parts[index]).into_iter().map(move |(at, part)| {
                        let mut parts = parts.clone();
                        parts[index] = part;
                        (at, Value::Array(parts))
                    })
                })
                .collect(),
            Value::String(text) => vec![(at.to_owned(), Value::String(format!("{text}+")))],
            _ => vec![(at.to_owned(), Value::from(299))],
        }
    }

    #[test]
    fn a_text_is_known_where_nothing_of_it_differs_but_its_number_and_times() {
        let whole: Value = serde_json::from_str(WHOLE).unwrap();
        let variants = changed(&whole, "");
        let mut same = Vec::new();
        for (at, event) in &variants {
            let known = Known::default();
            let text = whole.to_string();
            assert_eq!((read(&text, Some(&known)).1, read(&text, Some(&known)).1), (0, 1));
            let text = event.to_string();
            let (told, known_before) = read(&text, Some(&known));
            assert_eq!(told, read(&text, None).0, "{at}");
            if known_before > 0 {
                same.push(at.as_str());
            }
        }
        assert_eq!(same, ["/auditID", "/requestReceivedTimestamp", "/stageTimestamp"]);
        assert!(variants.len() > 40, "{}", variants.len());
    }

    #[test]
    fn what_is_known_changes_nothing_that_is_read() {
        let times = r#""requestReceivedTimestamp":"T1","stageTimestamp":"T2""#;
        let user = r#""verb":"get","requestURI":"/a","user":{"username":"ada"}"#;
        let plain = format!(r#"{{"auditID":"N",{user},{times}}}"#);
        let cases = [
            plain.clone(),
            format!("{plain}{plain}"),
            format!("[{plain},{plain}]"),
            format!(r#"{{"kind":"EventList","items":[{plain}, {plain} ,{{"no":1}}]}}"#),
            format!("{plain} "),
            format!("{plain},"),
            plain.trim_end_matches('}').to_owned(),
            plain.replace(r#""T2""#, r#""T2"#),
            // The same key twice, and within others.
            format!(r#"{{"auditID":"N","auditID":"x",{user},{times}}}"#),
            format!(r#"{{"auditID":"x","auditID":"N",{user},{times}}}"#),
            format!(r#"{{"auditID":"N",{user},{times},"auditID":"N"}}"#),
            format!(r#"{{"auditID":"N",{user},{times},"stageTimestamp":"x"}}"#),
            format!(r#"{{"auditID":"N",{user},{times},"timestamp":"x"}}"#),
            format!(r#"{{"auditID":"N",{user},"requestObject":{{"a":1,{times}}},{times}}}"#),
            format!(r#"{{"a":{{"auditID":"N",{times}}},{user},"auditID":"x",{times}}}"#),
            format!(r#"{{"a":{{"auditID":"N",{times}}},"auditID":"x",{times},{user}}}"#),
            // What has escapes, or is no text.
            format!(r#"{{"auditID":"\u0041N",{user},{times}}}"#),
            format!(r#"{{"auditID":"\"N",{user},{times}}}"#),
            format!(r#"{{"auditID": "N", {user}, {times}}}"#),
            format!(r#"{{"auditID":null,{user},{times}}}"#),
            format!(r#"{{"userAgent":"\"auditID\":\"N\"",{user},"auditID":"N",{times}}}"#),
            format!(r#"{{"verb":"\u0067et","auditID":"N","requestURI":"/a",{times}}}"#),
            // Otherwise sorted, and with more behind.
            format!(r#"{{"auditID":"N",{times},{user},"annotations":{{"a":"b"}}}}"#),
            format!(r#"{{"stageTimestamp":"T2","auditID":"N",{user}}}"#),
            // Carried by something that knows of addresses.
            format!(r#"{{"p_enrichment":{{"ipinfo":{{}}}},"auditID":"N",{user},{times}}}"#),
        ];
        let known = Known::default();
        let values = ["1", "2", "", "33", "\u{1F600}", "a,b}", "\u{7}"];
        let mut known_before = 0;
        for id in values {
            for time in ["2026-11-20T10:00:00.000001Z", "soon"] {
                for case in &cases {
                    let text = case.replace('N', id).replace("T1", time).replace("T2", "later");
                    let (told, known) = read(&text, Some(&known));
                    assert_eq!(told, read(&text, None).0, "{text}");
                    known_before += known;
                }
            }
        }
        assert!(known_before > 100, "{known_before}");
    }

    #[test]
    fn long_texts_and_bodies_of_secrets_are_not_kept() {
        let long = WHOLE.replace("/api/v1/a", &"a".repeat(MAX_BYTES));
        let secret = WHOLE.replace(r#""resource":"pods""#, r#""resource":"secrets""#);
        let read_only =
            secret.replace(r#""requestObject":{"a":"b"},"responseObject":{"c":"d"},"#, "");
        let is_kept = |text: &str| {
            let known = Known::default();
            (0..3).for_each(|_| assert_eq!(read(text, Some(&known)).0, read(text, None).0));
            known.texts() > 0
        };
        assert_eq!([&long, &secret, &read_only].map(|text| is_kept(text)), [false, false, true]);
    }

    /// Otherwise what is long would be walked over once for each of the small things before it.
    #[test]
    fn of_a_text_no_more_is_looked_at_than_may_be_kept() {
        let known = Known::default();
        let is_looked_at = |id: &str| {
            let text = WHOLE.replace(r#""auditID":"1""#, &format!(r#""auditID":"{id}""#));
            matches!(known.texts.look(&text), Look::Unknown(_))
        };
        assert!(is_looked_at("2"));
        assert!(!is_looked_at(&"2".repeat(MAX_BYTES)));
        assert!(!is_looked_at(&"\u{e9}".repeat(MAX_BYTES / 2)));
    }

    #[test]
    fn texts_are_kept_as_far_as_there_is_room() {
        let known = Known::of_each(0, 1 << 20);
        for name in 0..1_500 {
            let text = WHOLE.replace("/api/v1/a", &format!("/api/v1/{name}"));
            (0..3).for_each(|_| assert_eq!(read(&text, Some(&known)).0, read(&text, None).0));
        }
        assert!(known.texts.known.weight() <= 1 << 20, "{}", known.texts.known.weight());
        assert!(known.texts() > 100, "{}", known.texts());
    }

    proptest! {
        /// Texts of parts that make keys and values and what is nearly one.
        #[test]
        fn whatever_is_read_again_reads_the_same(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just(r#""auditID":""#), Just(r#""requestReceivedTimestamp":""#), Just(r#""stageTimestamp":""#),
                    Just(r#"","#), Just("\\"), Just("1"), Just("{"), Just("}"), Just(r#""verb":"get","#),
                    Just(r#""requestURI":"/a","#), Just(r#""x":{"#), Just("},"), Just(r#""requestObject":"#),
                ],
                0..24,
            ),
            values in proptest::collection::vec("[a-z0-9\\\\\"}]{0,3}", 3),
        ) {
            let known = Known::default();
            let beginning = r#"{"verb":"get","requestURI":"/b","auditID":"a","#;
            let text = format!("{beginning}{}}}", parts.concat());
            for value in &values {
                let text = text.replace('1', value);
                prop_assert_eq!(read(&text, Some(&known)).0, read(&text, None).0);
            }
        }
    }
}
