//! Turns the mutants of the copied rules on, one after the other, and tells which examples notice.
//!
//! `try-mutants EXAMPLES FROM TO` writes a line for each mutant from FROM up to TO: its number, `killed` or
//! `lives`, or `words` if the rules say the same in other words, and the rules that reach it. A mutant that loops or
//! aborts leaves its line unfinished: who started this program ends it and goes on with the next.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use airside_detect::audit::own::Found;
use airside_detect::audit::{self, Event, Telling};
use airside_detect::authorised::Authorised;
use airside_detect::counting::{self, Answered, Counting, Limits};
use airside_detect::profile::AddressFeed;
use airside_detect::{Clock, ClusterProfile, Intake, Provider, mutant};
use airside_types::{Cluster, Detection, Payload, Record, SightingBatch, Tenant, Timestamp};

// In the copy, and where this file itself is tested.
#[cfg_attr(not(test), path = "audit/tests/example.rs")]
#[cfg_attr(test, path = "../../../libs/detect/src/audit/tests/example.rs")]
mod example;
#[cfg_attr(not(test), path = "counting/tests/sequence.rs")]
#[cfg_attr(test, path = "../../../libs/detect/src/counting/tests/sequence.rs")]
mod sequence;

use example::{Example, Known, says};
use sequence::Sequence;

/// What a rule looks at.
enum Asked {
    /// One event.
    Event(String),
    /// Several, one after the other.
    Sequence(Vec<String>),
}

/// An event or several, and what a rule has to say of it.
struct Case {
    asked: Asked,
    /// Read anew for each mutant, as reading addresses decides too.
    profile: Known,
    expected: Expected,
}

enum Expected {
    Fires(bool),
    /// The severity.
    Weighs(String),
    /// A part of what it says.
    Says(String),
}

impl Case {
    fn holds(&self, rule: &str) -> bool {
        let found = self.detections();
        let mut of_rule = found.iter().filter(|it| it.rule == rule);
        match &self.expected {
            Expected::Fires(fires) => of_rule.next().is_some() == *fires,
            Expected::Weighs(severity) => of_rule.any(|it| it.severity.as_str() == severity),
            Expected::Says(words) => of_rule.any(|it| says(it, words)),
        }
    }

    fn detections(&self) -> Vec<Detection> {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let (clock, profile) = (Clock::Recorded, &self.profile.profile());
        let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
        let records = match &self.asked {
            Asked::Event(text) => audit::records(&Event::parse(text).expect("an event"), &intake),
            Asked::Sequence(events) => counted(events, &intake),
        };
        let detections = records.into_iter().filter_map(|record| match record.payload {
            Payload::Detection(detection) => Some(detection),
            _ => None,
        });
        detections.collect()
    }
}

/// What rules over several requests say.
fn counted(events: &[String], intake: &Intake<'_>) -> Vec<Record> {
    let (tenant, cluster) = (intake.tenant.clone(), intake.cluster.clone());
    let mut batch = SightingBatch::new(tenant, cluster, Timestamp::EPOCH);
    for text in events {
        let event = Event::parse(text).expect("an event");
        let judging = (Telling::ToCorrelate, &Authorised::default());
        let request = audit::Request::new(&event, intake.profile);
        audit::sight((&request, text.len()), intake, judging, Found::default(), &mut batch);
    }
    let mut counting = Counting::new(Limits::default());
    let mut told = Vec::new();
    for sighting in &batch.sightings {
        let (event, records) = (audit::event_of(&batch, sighting), &sighting.records);
        told.extend(records.iter().flat_map(|record| counting.observe(record)));
        let request = audit::Request::new(&event, intake.profile);
        let answered = Answered { sighting, request: &request, records, batch: &batch };
        told.extend(counting.look(&answered, intake));
    }
    told
}

/// What is shown of detections, without which rule it was.
fn words(case: &Case) -> Vec<String> {
    case.detections()
        .into_iter()
        .map(|it| format!("{} {:?} {:?}", it.message, it.values, it.links))
        .collect()
}

/// Whether a mutant changes nothing but words, in as many detections.
fn changes_words(
    mutant: u32,
    rules: &[&'static str],
    cases: &BTreeMap<&'static str, Vec<Case>>,
    turn: &dyn Fn(&'static str) -> &'static str,
) -> bool {
    let mut is_other = false;
    for rule in rules {
        mutant::only(turn(rule));
        for case in cases.get(rule).map(Vec::as_slice).unwrap_or_default() {
            mutant::turn_on(0);
            let before = words(case);
            mutant::turn_on(mutant);
            let after = words(case);
            if before.len() != after.len() {
                return false;
            }
            is_other |= before != after;
        }
    }
    is_other
}

fn cases(folder: &str) -> BTreeMap<&'static str, Vec<Case>> {
    let mut cases: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for rule in audit::rules() {
        let examples = rule.examples.expect("two examples");
        let case = |event: &str, fires| {
            let profile = Known::default();
            let asked = Asked::Event(event.to_owned());
            Case { asked, profile, expected: Expected::Fires(fires) }
        };
        cases.insert(rule.id, vec![case(examples.fires, true), case(examples.quiet, false)]);
    }
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("examples can be read");
        for line in text.lines() {
            let example: Example<'_> = serde_json::from_str(line).expect("an example");
            let fires = example.fires.iter().map(|id| ((*id).to_owned(), Expected::Fires(true)));
            let quiet = example.quiet.iter().map(|id| ((*id).to_owned(), Expected::Fires(false)));
            let says = example.says.into_iter().map(|(id, words)| (id, Expected::Says(words)));
            let weighs =
                example.weighs.into_iter().map(|(id, severity)| (id, Expected::Weighs(severity)));
            for (id, expected) in fires.chain(quiet).chain(says).chain(weighs) {
                let of_rule = audit::rules().find(|rule| rule.id == id).map(|rule| rule.id);
                let of_rule = of_rule.and_then(|id| cases.get_mut(id));
                let of_rule = of_rule.unwrap_or_else(|| panic!("{}: no rule {id}", file.display()));
                let asked = Asked::Event(example.event.get().to_owned());
                of_rule.push(Case { asked, profile: example.profile.clone(), expected });
            }
        }
    }
    cases
}

/// The cases of the rules over several requests, which lie beside the examples.
fn sequences(folder: &str, cases: &mut BTreeMap<&'static str, Vec<Case>>) {
    let known: BTreeSet<&'static str> = counting::rules().map(|rule| rule.id).collect();
    let folder = std::path::Path::new(folder).with_file_name("sequences");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("sequences can be read");
        for line in text.lines() {
            let sequence: Sequence = serde_json::from_str(line).expect("a sequence");
            assert!(!sequence.why.is_empty(), "why?");
            let events = sequence.events();
            let fires = sequence.fires.into_iter().map(|id| (id, Expected::Fires(true)));
            let quiet = sequence.quiet.into_iter().map(|id| (id, Expected::Fires(false)));
            let says = sequence.says.into_iter().map(|(id, words)| (id, Expected::Says(words)));
            let weighs =
                sequence.weighs.into_iter().map(|(id, severity)| (id, Expected::Weighs(severity)));
            for (id, expected) in fires.chain(quiet).chain(says).chain(weighs) {
                let id = known.get(id.as_str()).unwrap_or_else(|| panic!("no rule {id}"));
                let (asked, profile) = (Asked::Sequence(events.clone()), Known::default());
                cases.entry(id).or_default().push(Case { asked, profile, expected });
            }
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, from, to] = arguments.as_slice() else { panic!("EXAMPLES FROM TO") };
    try_mutants(folder, from.parse().expect("FROM"), to.parse().expect("TO"));
}

/// Tries the mutants with these numbers, none if the second is that of the first.
pub(crate) fn try_mutants(folder: &str, from: u32, to: u32) {
    let mut cases = cases(folder);
    sequences(folder, &mut cases);
    let mut reached: BTreeMap<u32, Vec<&'static str>> = BTreeMap::new();
    let mut together: BTreeSet<&'static str> = BTreeSet::new();
    for (rule, cases) in &cases {
        // Some rules tell what others have left alone or have read: they are asked together with all.
        mutant::only(rule);
        if !cases.iter().all(|case| case.holds(rule)) {
            together.insert(*rule);
        }
        let turn = |rule| if together.contains(rule) { mutant::ALL } else { rule };
        mutant::only(turn(*rule));
        let mut wrong = Vec::new();
        let met: BTreeSet<u32> = mutant::recorded(|| {
            wrong.extend(cases.iter().filter(|case| !case.holds(rule)).map(
                |case| match &case.asked {
                    Asked::Event(event) => event.clone(),
                    Asked::Sequence(events) => events.join("\n"),
                },
            ));
        });
        if let Some(event) = wrong.first() {
            eprintln!("the examples of {rule} do not hold without any mutant: {event}");
            std::process::exit(2);
        }
        met.into_iter().for_each(|mutant| reached.entry(mutant).or_default().push(rule));
    }
    let turn = |rule: &'static str| if together.contains(rule) { mutant::ALL } else { rule };
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout();
    for mutant in from..to {
        write!(out, "{mutant} ").and_then(|()| out.flush()).expect("somebody reads");
        let rules = reached.get(&mutant).map(Vec::as_slice).unwrap_or_default();
        mutant::turn_on(mutant);
        let is_killed = rules.iter().any(|rule| {
            mutant::only(turn(rule));
            let of_rule = cases.get(rule).map(Vec::as_slice).unwrap_or_default();
            !catch_unwind(AssertUnwindSafe(|| of_rule.iter().all(|case| case.holds(rule))))
                .unwrap_or(false)
        });
        let word = match is_killed {
            true => "killed",
            false if changes_words(mutant, rules, &cases, &turn) => "words",
            false => "lives",
        };
        mutant::turn_on(0);
        writeln!(out, "{word} {}", rules.join(" ")).expect("somebody reads");
    }
}
