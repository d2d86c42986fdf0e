//! The simulation: an agenda of what happens when, and the log that comes of it.

use std::collections::BTreeMap;

use airside_types::Timestamp;

use crate::attacks::{self, Planted};
use crate::cluster::Cluster;
use crate::event::{Asked, HOUR, MINUTE, Micros, SECOND};
use crate::{autoscaling, delivery, machinery, people, upgrade, upkeep};

/// How much of a week, and of what cluster.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The same seed gives the same week.
    pub seed: u64,
    /// How many days; the first is a Monday.
    pub days: u32,
    /// How many worker nodes; three of the control plane come besides.
    pub workers: usize,
    /// Whether attacks are planted.
    pub attacks: bool,
    /// How many times more seldom than it does machinery asks what it asks all the time; 1 is as it does.
    pub seldom: u32,
}

impl Plan {
    /// Seven days of a cluster of medium size: more than a million events.
    pub const WEEK: Self = Self { seed: 7, days: 7, workers: 14, attacks: false, seldom: 1 };
}

type Act = Box<dyn FnOnce(&mut Week, Micros)>;

/// A week that passes.
pub struct Week {
    pub(crate) plan: Plan,
    pub(crate) cluster: Cluster,
    pub(crate) start: Micros,
    pub(crate) planted: Vec<Planted>,
    agenda: BTreeMap<(Micros, u64), Act>,
    /// Lines that are not written yet, by when they will be.
    waiting: BTreeMap<(Micros, u64), String>,
    count: u64,
    hour: u32,
}

impl std::fmt::Debug for Week {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Week")
            .field("plan", &self.plan)
            .field("hour", &self.hour)
            .finish_non_exhaustive()
    }
}

impl Week {
    /// A week that has not begun.
    pub fn new(plan: Plan) -> Self {
        // A Monday.
        let start = Timestamp::parse_rfc3339("2026-11-16T00:00:00Z").unwrap_or(Timestamp::EPOCH);
        let start = start.as_nanos() / 1000;
        let mut week = Self {
            plan,
            cluster: Cluster::new(plan.seed, plan.workers),
            start,
            planted: Vec::new(),
            agenda: BTreeMap::new(),
            waiting: BTreeMap::new(),
            count: 0,
            hour: 0,
        };
        machinery::begin(&mut week);
        autoscaling::begin(&mut week);
        delivery::begin(&mut week);
        people::begin(&mut week);
        upkeep::begin(&mut week);
        upgrade::begin(&mut week);
        if plan.attacks {
            attacks::begin(&mut week);
        }
        week
    }

    /// The lines of the log of the next hour, in the order in which they were written; none after the last day.
    pub fn next_hour(&mut self) -> Option<Vec<String>> {
        if self.hour >= self.plan.days * 24 {
            return None;
        }
        self.hour += 1;
        let end = self.start + i64::from(self.hour) * HOUR;
        while let Some(next) = self.agenda.first_entry().filter(|it| it.key().0 < end) {
            let ((at, _), act) = next.remove_entry();
            act(self, at);
        }
        let later = self.waiting.split_off(&(end, 0));
        Some(std::mem::replace(&mut self.waiting, later).into_values().collect())
    }

    /// The attacks that were planted so far.
    pub fn planted(&self) -> &[Planted] {
        &self.planted
    }

    /// Something happens then.
    pub(crate) fn at(&mut self, when: Micros, act: impl FnOnce(&mut Self, Micros) + 'static) {
        self.count += 1;
        self.agenda.insert((when, self.count), Box::new(act));
    }

    /// Something happens on a day of the week, from 0, at an hour and a minute.
    pub(crate) fn on(
        &mut self,
        day: u32,
        time: (u32, u32),
        act: impl FnOnce(&mut Self, Micros) + 'static,
    ) {
        let when = self.start + i64::from(day * 24 + time.0) * HOUR + i64::from(time.1) * MINUTE;
        self.at(when, act);
    }

    /// Something happens again and again, about every so long.
    pub(crate) fn every(&mut self, period: Micros, act: impl FnMut(&mut Self, Micros) + 'static) {
        let phase = self.chance_micros(period);
        self.again(self.start + phase, period, act);
    }

    /// What machinery asks all the time, about every so long.
    pub(crate) fn routine(&mut self, period: Micros, act: impl FnMut(&mut Self, Micros) + 'static) {
        self.every(self.seldom(period), act);
    }

    /// A span of time between two of the same requests of machinery.
    pub(crate) fn seldom(&self, period: Micros) -> Micros {
        period * i64::from(self.plan.seldom)
    }

    fn again(
        &mut self,
        when: Micros,
        period: Micros,
        mut act: impl FnMut(&mut Self, Micros) + 'static,
    ) {
        self.at(when, move |week, at| {
            act(week, at);
            let jitter = week.chance_micros(period / 20 + 1);
            week.again(at + period + jitter, period, act);
        });
    }

    /// A span of time below a bound.
    pub(crate) fn chance_micros(&mut self, bound: Micros) -> Micros {
        i64::try_from(self.cluster.chance.below(u64::try_from(bound).unwrap_or(1))).unwrap_or(0)
    }

    /// Whether something happens that happens in so many of a thousand cases.
    pub(crate) fn happens(&mut self, per_mille: u64) -> bool {
        self.cluster.chance.happens(per_mille)
    }

    /// A request, answered within milliseconds; what stays open is told when it starts as well. Returns when it was
    /// answered.
    pub(crate) fn ask(&mut self, at: Micros, asked: &Asked<'_>) -> Micros {
        let latency = 1_500 + self.chance_micros(12_000);
        match (asked.verb, asked.target.subresource) {
            _ if asked.code >= 400 => self.write(at, at + latency, "ResponseComplete", asked, None),
            ("watch", _) => {
                let lasts = self.seldom(5 * MINUTE) + self.chance_micros(5 * MINUTE);
                self.open(at, latency, lasts, asked)
            }
            (_, "exec" | "attach" | "portforward") => {
                let lasts = 5 * SECOND + self.chance_micros(6 * MINUTE);
                self.open(at, latency, lasts, asked)
            }
            _ => self.write(at, at + latency, "ResponseComplete", asked, None),
        }
    }

    fn open(&mut self, at: Micros, latency: Micros, lasts: Micros, asked: &Asked<'_>) -> Micros {
        let id = self.cluster.chance.uuid();
        self.write(at, at + latency, "ResponseStarted", asked, Some(&id));
        self.write(at, at + lasts, "ResponseComplete", asked, Some(&id))
    }

    fn write(
        &mut self,
        at: Micros,
        reached: Micros,
        stage: &str,
        asked: &Asked<'_>,
        id: Option<&str>,
    ) -> Micros {
        let id = id.map_or_else(|| self.cluster.chance.uuid(), str::to_owned);
        self.count += 1;
        let line = asked.line(&id, stage, at, reached);
        self.waiting.insert((reached, self.count), line);
        reached
    }
}
