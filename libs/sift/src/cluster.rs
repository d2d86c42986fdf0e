//! The fold of one cluster.

use std::collections::BTreeSet;

use airside_baseline::ClusterBehaviour;
use airside_detect::audit::{self, declared};
use airside_detect::counting::Counting;
use airside_detect::intake::{Clock, Intake};
use airside_detect::profile::ClusterProfile;
use airside_types::{
    Id, Payload, Reason, Record, Severity, Sighting, SightingBatch, Suppression, Timestamp,
};

use crate::ledger::Ledger;
use crate::roll_up::{RollUps, Standing};
use crate::seen::SeenEvents;
use crate::shared::Part;
use crate::{Change, Limits, Sifted};

/// What is known of a cluster.
#[derive(Debug)]
pub(crate) struct ClusterSift {
    limits: Limits,
    seen: SeenEvents,
    behaviour: ClusterBehaviour,
    counting: Counting,
    /// What is counted, by time.
    counted: BTreeSet<(Timestamp, Id)>,
    rolled: RollUps,
    ledger: Ledger,
    newest: Timestamp,
    folded: u64,
    changes: Vec<Change>,
}

impl ClusterSift {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            seen: SeenEvents::default(),
            behaviour: ClusterBehaviour::new(limits.behaviour),
            counting: Counting::new(limits.counting),
            counted: BTreeSet::new(),
            rolled: RollUps::default(),
            ledger: Ledger::default(),
            newest: Timestamp::EPOCH,
            folded: 0,
            changes: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, mut batch: SightingBatch, profile: &ClusterProfile) -> Sifted {
        let mut sifted = Sifted::default();
        let mut new = Vec::with_capacity(batch.events());
        let mut known = BTreeSet::new();
        for quiet in &batch.quiet {
            let before = new.len();
            new.extend(quiet.events.iter().filter(|id| !self.seen.has(**id) && known.insert(**id)));
            let number = new.len() - before;
            self.ledger.quiet(quiet, number as u64);
            for _ in number..quiet.events.len() {
                self.ledger.seen_before(quiet.last, String::new);
            }
            sifted.left_out += quiet.events.len() as u64;
        }
        let mut sightings = std::mem::take(&mut batch.sightings);
        for sighting in &mut sightings {
            if self.seen.has(sighting.event) || !known.insert(sighting.event) {
                let example = || batch.texts.get(sighting.request.audit_id).to_owned();
                self.ledger.seen_before(sighting.time, example);
                sifted.left_out += 1;
                // How a long request ended is the later word about it, under the same ids.
                if audit::is_end(&audit::event_of(&batch, sighting)) {
                    sifted.revised.append(&mut sighting.records);
                }
                continue;
            }
            new.push(sighting.event);
            self.fold(sighting, &batch, profile, &mut sifted);
        }
        let changes = self.seen.add(batch.ingest_time, new, &self.limits);
        self.changes.extend(changes);
        self.folded += sifted.events;
        self.changes.push(Change::Folded(self.folded));
        sifted.revised.extend(self.rolled.close(self.newest, &self.limits));
        self.forget_counted();
        sifted
    }

    /// Folds an event that did not come before.
    fn fold(
        &mut self,
        sighting: &mut Sighting,
        batch: &SightingBatch,
        profile: &ClusterProfile,
        sifted: &mut Sifted,
    ) {
        sifted.events += 1;
        self.newest = self.newest.max(sighting.time);
        for record in std::mem::take(&mut sighting.records) {
            match &record.payload {
                Payload::Fact(fact) => {
                    self.behaviour.know(fact);
                    sifted.told.push(record);
                }
                _ => self.tell(record, sifted),
            }
        }
        let candidates = std::mem::take(&mut sighting.candidates).into_iter();
        sifted.candidates.extend(candidates.map(|candidate| (sighting.event, candidate)));
        let sighting = &*sighting;
        let event = audit::event_of(batch, sighting);
        if !audit::own::is_answered(&event) {
            return;
        }
        let anomalies = self.behaviour.observe(&audit::observation(sighting, &event, profile));
        if anomalies.is_empty() {
            return;
        }
        let intake = Intake {
            tenant: &batch.tenant,
            cluster: &batch.cluster,
            // The intake has looked at the event's clock.
            clock: Clock::Recorded,
            profile,
            origin: None,
        };
        let records =
            anomalies.iter().filter_map(|it| audit::anomaly(it, sighting, &event, &intake));
        let by = batch.texts.get(sighting.request.authorised);
        for mut record in records.collect::<Vec<_>>() {
            record.ingest_time = batch.ingest_time;
            declared::tell_authorised(&mut record, by);
            self.tell(record, sifted);
        }
    }

    /// Tells a detection and what counting makes of it, unless another stands for it.
    fn tell(&mut self, record: Record, sifted: &mut Sifted) {
        let counted = self.count(&record);
        for mut record in std::iter::once(record).chain(counted) {
            if let Payload::Detection(detection) = &mut record.payload
                && declared::is_authorised(detection)
            {
                // What counts authorised deeds is as authorised as they are.
                detection.severity = Severity::Info;
                self.ledger.detection(Reason::Authorised, record.event_time, detection);
            }
            match self.rolled.take(record, &self.limits) {
                Standing::Told(record) => sifted.told.push(record),
                Standing::RolledUp { record, stands } => {
                    if let Payload::Detection(detection) = &record.payload {
                        self.ledger.detection(Reason::RolledUp, record.event_time, detection);
                    }
                    sifted.rolled_up.push(record);
                    sifted.revised.extend(stands.map(|stands| *stands));
                }
            }
        }
    }

    fn count(&mut self, record: &Record) -> Vec<Record> {
        if !Counting::counts(record) {
            return Vec::new();
        }
        if self.counted.insert((record.event_time, record.id)) {
            self.changes.push(Change::Counted(record.id, Some(Box::new(record.clone()))));
        }
        self.counting.observe(record)
    }

    fn forget_counted(&mut self) {
        let oldest = self.newest.minus(self.limits.counting.horizon);
        while let Some((_, id)) = self.counted.first().filter(|(time, _)| *time < oldest).copied() {
            self.counted.pop_first();
            self.changes.push(Change::Counted(id, None));
        }
    }

    /// How much there is of a part of the state.
    pub(crate) fn size(&self, part: Part) -> usize {
        match part {
            Part::Seen => self.seen.len(),
            Part::Rolled => self.rolled.len(),
            Part::Actors => self.behaviour.actors(),
        }
    }

    /// Gives up some of a part of the state: what is oldest, or was hardly used. Returns what is to be told before it is
    /// gone.
    pub(crate) fn give_up(&mut self, part: Part) -> Vec<Record> {
        match part {
            Part::Seen => self.changes.extend(self.seen.forget_oldest()),
            Part::Rolled => return self.rolled.give_up(),
            Part::Actors => self.behaviour.give_up(),
        }
        Vec::new()
    }

    /// Forgets what has changed: nobody keeps it.
    pub(crate) fn discard_changes(&mut self) {
        self.changes.clear();
        self.rolled.take_changes();
        self.ledger.take_changes();
    }

    pub(crate) fn finish(&mut self) -> Vec<Record> {
        self.rolled.finish()
    }

    pub(crate) const fn folded(&self) -> u64 {
        self.folded
    }

    pub(crate) fn ledger(&self) -> impl Iterator<Item = &Suppression> {
        self.ledger.lines()
    }

    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.changes);
        let behaviour = self.behaviour.take_changed().into_iter();
        changes.extend(behaviour.map(|(key, bytes)| Change::Behaviour(key, bytes)));
        changes.extend(self.rolled.take_changes());
        changes.extend(self.ledger.take_changes());
        changes
    }

    pub(crate) fn restore(&mut self, row: Change) -> Result<(), String> {
        match row {
            Change::Behaviour(key, Some(bytes)) => {
                self.behaviour.restore(key, &bytes).map_err(|error| error.to_string())?;
            }
            Change::Seen(row, Some((time, events))) => self.seen.restore(row, time, &events),
            Change::Counted(id, Some(record)) => {
                self.counted.insert((record.event_time, id));
                self.newest = self.newest.max(record.event_time);
                // What it counted to was told.
                let _told = self.counting.observe(&record);
            }
            Change::Rolled(key, Some(rolled)) => {
                self.newest = self.newest.max(rolled.last);
                self.rolled.restore(key, *rolled);
            }
            Change::Ledger(line) => self.ledger.restore(line),
            Change::Folded(number) => self.folded = number,
            Change::Behaviour(_, None)
            | Change::Seen(_, None)
            | Change::Counted(_, None)
            | Change::Rolled(_, None) => {}
        }
        Ok(())
    }
}
