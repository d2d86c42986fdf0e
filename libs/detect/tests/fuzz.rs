//! Fuzzing of the decoders: seeds from `tests/corpus`, changed again and again by a generator whose seed is
//! fixed, so that each run is the same run.
//!
//! The ordinary tests take a second or two for each decoder. By hand, for hours:
//! `AIRSIDE_FUZZ_SECONDS=3600 cargo test --release -p airside-detect --test fuzz`. What it finds becomes a file
//! of the corpus, or a test beside the code.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use airside_detect::audit::own::Found;
use airside_detect::audit::{Known, Request, Telling, indexed, read, records, redacted, sight};
use airside_detect::authorised::Authorised;
use airside_detect::runtime::RuntimeSource;
use airside_detect::{Clock, ClusterProfile, Intake};
use airside_types::{Cluster, SightingBatch, Tenant, Timestamp};

/// How many inputs a decoder gets in an ordinary run.
const ROUNDS: u64 = 3_000;

/// The longest input, in bytes: what grows is cut.
const LONGEST: usize = 16 << 10;

#[test]
fn audit_events_and_their_envelopes() {
    fuzz(&seeds("audit"), |bytes, intake| {
        let (mut items, mut contained) = (0, Vec::new());
        read::input(bytes, &mut |item| {
            items += 1;
            contained.push(item.line);
            if let Ok(event) = item.event {
                assert!(event.is_event());
                records(event, intake);
            }
        });
        assert!(items > 0 || says_nothing(bytes), "an input is an event or a letter");
    });
}

/// What is known of inputs that came before is taken from them where they come again, or nearly.
#[test]
fn audit_events_that_came_before() {
    let known = Known::default();
    let times = r#""requestReceivedTimestamp":"2026-11-20T10:00:00Z","stageTimestamp":"2026-11-20T10:00:01Z"}"#;
    let examples = airside_detect::audit::rules().filter_map(|rule| rule.examples.as_ref());
    let seeds: Vec<_> = examples
        .filter_map(|it| it.fires.strip_suffix('}'))
        .map(|text| text.replacen('{', r#"{"auditID":"1","#, 1) + "," + times)
        .map(String::into_bytes)
        .collect();
    let read = |bytes: &[u8], known: Option<&Known>| {
        let mut all = Vec::new();
        let mut each = |item: read::Item<'_, '_>| {
            let event = item.event.map(|it| {
                let mut event = it.clone();
                event.known_text = None;
                event
            });
            all.push(format!("{} {:?} {event:?}", item.line, item.bytes));
        };
        match known {
            Some(known) => read::input_among(known, bytes, &mut each),
            None => read::input(bytes, &mut each),
        }
        all
    };
    fuzz(&seeds, |bytes, _| {
        let alone = read(bytes, None);
        for _ in 0..3 {
            assert_eq!(read(bytes, Some(&known)), alone);
        }
    });
    assert!(known.texts() > 100, "{}", known.texts());
}

/// From the events on which rules fire, and those on which they do not: what is made of an event on its way.
#[test]
fn audit_events_that_rules_look_for() {
    let examples = airside_detect::audit::rules().filter_map(|rule| rule.examples.as_ref());
    let seeds: Vec<_> =
        examples.flat_map(|it| [it.fires, it.quiet]).map(|it| it.as_bytes().to_vec()).collect();
    let authorised = Authorised::default();
    fuzz(&seeds, |bytes, intake| {
        let mut batch =
            SightingBatch::new(intake.tenant.clone(), intake.cluster.clone(), Timestamp::EPOCH);
        read::input(bytes, &mut |item| {
            let Ok(event) = item.event else { return };
            let request = Request::new(event, intake.profile);
            indexed(&request, intake);
            let by = (Telling::All, &authorised);
            sight((&request, item.bytes.len()), intake, by, Found::default(), &mut batch);
        });
        drop(redacted(bytes));
    });
}

/// Whether an input has nothing but space, or a list without anything in it.
fn says_nothing(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let dense: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    dense.is_empty() || dense.windows(2).any(|pair| pair == b"[]")
}

#[test]
fn falco_alerts() {
    fuzz(&seeds("falco"), |bytes, intake| drop(RuntimeSource::Falco.read(bytes, intake)));
}

#[test]
fn tetragon_events() {
    fuzz(&seeds("tetragon"), |bytes, intake| drop(RuntimeSource::Tetragon.read(bytes, intake)));
}

/// Gives a decoder every seed and then changed ones, and shows the input on which it panics.
fn fuzz(seeds: &[Vec<u8>], decoder: impl Fn(&[u8], &Intake<'_>)) {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake {
        tenant: &tenant,
        cluster: &cluster,
        clock: Clock::Recorded,
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let run = |input: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| decoder(input, &intake)));
        assert!(outcome.is_ok(), "the decoder panics on: {}", input.escape_ascii());
    };
    seeds.iter().for_each(|seed| run(seed));
    let end = asked_for().map(|time| Instant::now() + time);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for round in 0.. {
        if end.map_or(round >= ROUNDS, |end| Instant::now() >= end) {
            break;
        }
        run(&changed(seeds, &mut chance));
    }
}

/// How long somebody wants each decoder to be tried.
#[expect(clippy::disallowed_methods, reason = "the caller names the time")]
fn asked_for() -> Option<Duration> {
    let seconds = std::env::var("AIRSIDE_FUZZ_SECONDS").ok()?;
    let seconds = seconds.parse().expect("AIRSIDE_FUZZ_SECONDS is a number of seconds");
    Some(Duration::from_secs(seconds))
}

fn seeds(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// What JSON is made of, what envelopes write, and what breaks texts.
const WORDS: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"\n",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"[Truncated...]",
    b"\"items\":[",
    b"{\"level\":",
    b"{\"kind\":\"Event\",",
    b"\"data\":\"",
    b"\0",
];

/// A seed with a few changes.
fn changed(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(5) {
        let at = chance.below(bytes.len() + 1);
        let longest = 1 + chance.below(200);
        let length = chance.below(longest).min(bytes.len() - at);
        match chance.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => drop(bytes.splice(at..at, WORDS[chance.below(WORDS.len())].iter().copied())),
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let copy = bytes[at..at + length].to_vec();
                let to = chance.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
            4 => bytes.truncate(at),
            5 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len());
                drop(bytes.splice(at.., other[from..].iter().copied()));
            }
            _ => {
                let word = WORDS[chance.below(WORDS.len())];
                drop(bytes.splice(at..at + length, word.iter().copied()));
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Xorshift: chance that is the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound.max(1)
    }
}
