//! Everything that one actor did, or that was done to one object, in the order of time.
//!
//! The same request again and again is told once, with how often and until when; detections stand with the requests
//! that they are about. What is told is a function of the set of events, in whatever order they were read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use airside_detect::Intake;
use airside_detect::audit::{self, Event};
use airside_types::{Detection, Id, Payload, Place, Record, Severity, Timestamp};

use super::subject::Subject;
use super::summary::Span;

/// After how long without it the same request is told again.
const PAUSE: Duration = Duration::from_mins(10);
/// How many events are kept in mind; what comes after them is counted.
const MOST_EVENTS: usize = 4_000_000;
/// How many different requests are told apart.
const MOST_REQUESTS: usize = 300_000;
/// How much is shown of what a client calls itself, in characters.
const MOST_OF_PROGRAM: usize = 60;

/// What was gathered so far.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) subject: Subject,
    requests: BTreeMap<Asked, Vec<Seen>>,
    events: usize,
    /// How many events there was no room for.
    pub(super) left_out: u64,
    /// The file of the last event, which most share.
    path: Arc<str>,
}

/// A request, or a detection that is about several: what is the same in each repetition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Asked {
    pub(super) actor: String,
    /// Whom the actor acts as.
    pub(super) acting_as: String,
    pub(super) verb: String,
    /// The object, the collection, or the path.
    pub(super) object: String,
    pub(super) code: Option<u16>,
    pub(super) address: String,
    pub(super) program: String,
    pub(super) detections: Vec<Mark>,
}

/// A detection in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) severity: Severity,
    pub(super) rule: String,
    pub(super) title: String,
    pub(super) message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    time: Timestamp,
    place: Place,
    /// Of a request that stays open: which one it is, and whether this is its end.
    open: Option<(Id, bool)>,
}

/// The same request, some times.
#[derive(Debug)]
pub(super) struct Run<'t> {
    pub(super) asked: &'t Asked,
    pub(super) count: usize,
    pub(super) span: Span,
    /// Where the first one is written.
    pub(super) place: &'t Place,
}

impl Timeline {
    /// Nothing yet.
    pub(super) fn of(subject: Subject) -> Self {
        Self { subject, requests: BTreeMap::new(), events: 0, left_out: 0, path: "".into() }
    }

    /// Takes in an event, with the detections that were found with it and are asked for.
    pub(super) fn event(&mut self, event: &Event<'_>, intake: &Intake<'_>, found: &[&Record]) {
        // An answer tells all that a request's receipt does.
        if event.stage == "RequestReceived" {
            return;
        }
        let Some(origin) = intake.origin else { return };
        if *self.path != *origin.path {
            self.path = origin.path.into();
        }
        let place = Place { path: Arc::clone(&self.path), line: origin.line, column: 0 };
        let time = event.time().unwrap_or(Timestamp::EPOCH);
        let is_of_event = |it: &&Detection| it.origin.as_ref() == Some(&place);
        let own = found.iter().filter_map(|it| detection(it)).filter(is_of_event);
        if self.subject.has(event, intake) || own.clone().any(|it| self.subject.is_linked_to(it)) {
            let asked = Asked { detections: own.map(Mark::of).collect(), ..asked(event, intake) };
            let open = audit::open_request(event, intake);
            self.take(asked, Seen { time, place: place.clone(), open });
        }
        // What several events say together is about others as well, which came before.
        let others = found
            .iter()
            .filter(|it| detection(it).is_some_and(|it| it.origin.as_ref() != Some(&place)));
        others.for_each(|record| self.detection(record));
    }

    /// Takes in a detection that is about several events, at the time of the one that it names.
    pub(super) fn detection(&mut self, record: &Record) {
        let Some(found) = detection(record).filter(|it| self.subject.is_linked_to(it)) else {
            return;
        };
        let asked = Asked { detections: vec![Mark::of(found)], ..Asked::default() };
        let place = found.origin.clone().unwrap_or_default();
        self.take(asked, Seen { time: record.event_time, place, open: None });
    }

    fn take(&mut self, asked: Asked, seen: Seen) {
        let is_known = self.requests.contains_key(&asked);
        if self.events >= MOST_EVENTS || (!is_known && self.requests.len() >= MOST_REQUESTS) {
            self.left_out += 1;
            return;
        }
        self.events += 1;
        self.requests.entry(asked).or_default().push(seen);
    }

    /// Leaves one event of each request that stays open: its start and its end are one deed. The one with which something
    /// was found stays, and else the start. To be called when all was taken in.
    pub(super) fn join_ends(&mut self) {
        let worth = |asked: &Asked, is_end: bool| (!asked.detections.is_empty(), !is_end);
        let mut best: BTreeMap<Id, (bool, bool)> = BTreeMap::new();
        for (asked, seen) in &self.requests {
            for (id, is_end) in seen.iter().filter_map(|seen| seen.open) {
                let best = best.entry(id).or_default();
                *best = (*best).max(worth(asked, is_end));
            }
        }
        for (asked, seen) in &mut self.requests {
            seen.retain(|it| {
                it.open.is_none_or(|(id, is_end)| best.get(&id) == Some(&worth(asked, is_end)))
            });
        }
        self.requests.retain(|_, seen| !seen.is_empty());
        self.events = self.requests.values().map(Vec::len).sum();
    }

    /// How many events are in it.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// In the order of time.
    pub(super) fn runs(&mut self) -> Vec<Run<'_>> {
        for seen in self.requests.values_mut() {
            seen.sort();
        }
        let mut runs = Vec::new();
        for (asked, seen) in &self.requests {
            let mut last: Option<Run<'_>> = None;
            for Seen { time, place, .. } in seen {
                match &mut last {
                    Some(run) if run.span.last.distance(*time) <= PAUSE => {
                        run.count += 1;
                        run.span.take(*time);
                    }
                    _ => {
                        let run = Run { asked, count: 1, span: Span::at(*time), place };
                        runs.extend(last.replace(run));
                    }
                }
            }
            runs.extend(last);
        }
        runs.sort_by_key(|run| (run.span.first, run.place, run.asked));
        runs
    }

    /// What is different in the requests: addresses, and programs.
    pub(super) fn means(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let texts = |of: fn(&Asked) -> &str| {
            self.requests.keys().map(of).filter(|text| !text.is_empty()).collect()
        };
        (texts(|it| &it.address), texts(|it| &it.program))
    }
}

impl Mark {
    fn of(detection: &Detection) -> Self {
        Self {
            severity: detection.severity,
            rule: detection.rule.clone(),
            title: detection.title.clone(),
            message: detection.message.clone(),
        }
    }
}

const fn detection(record: &Record) -> Option<&Detection> {
    match &record.payload {
        Payload::Detection(detection) => Some(detection),
        _ => None,
    }
}

fn asked(event: &Event<'_>, intake: &Intake<'_>) -> Asked {
    let name = &*event.user.username;
    let program = event.user_agent.split(' ').next().unwrap_or_default();
    let program: String = program.chars().take(MOST_OF_PROGRAM).collect();
    Asked {
        actor: if name.is_empty() { "nobody authenticated".to_owned() } else { name.to_owned() },
        acting_as: event
            .impersonated_user
            .as_ref()
            .map(|it| it.username.to_string())
            .unwrap_or_default(),
        verb: event.verb.to_string(),
        object: object(event, intake),
        code: event.response_status.code,
        address: audit::address(event, intake).map(|it| it.to_string()).unwrap_or_default(),
        program: airside_types::redact::redact(&program),
        detections: Vec::new(),
    }
}

/// What a request is about: `pods/exec shop/web-0`, `secrets shop`, or a path.
fn object(event: &Event<'_>, intake: &Intake<'_>) -> String {
    let Some(target) = &event.object_ref else {
        let path = event.request_uri.split('?').next().unwrap_or_default();
        return path.chars().take(400).collect();
    };
    let mut text = target.resource.to_string();
    if !target.subresource.is_empty() {
        text.push('/');
        text.push_str(&target.subresource);
    }
    let named = if target.name.is_empty() { audit::target(event, intake) } else { None };
    let name = named.as_ref().map_or(&*target.name, |entity| entity.name());
    let place = [&*target.namespace, name];
    let place: Vec<_> = place.into_iter().filter(|part| !part.is_empty()).collect();
    if !place.is_empty() {
        text.push(' ');
        text.push_str(&place.join("/"));
    }
    text
}
