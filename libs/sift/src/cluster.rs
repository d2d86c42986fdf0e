//! The fold of one cluster.

use std::ops::Range;

use airside_baseline::{ClusterBehaviour, Rare};
use airside_detect::audit::{self, Cause, Deed, Hand, Request, declared};
use airside_detect::counting::{Answered, Counting};
use airside_detect::intake::{Clock, Intake};
use airside_detect::profile::ClusterProfile;
use airside_types::{
    Fact, Id, Payload, Reason, Record, Severity, Sighting, SightingBatch, Suppression, Timestamp,
    UsedGrant,
};

use crate::cascade::{Cascades, Shown};
use crate::grants::Grants;
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
    rolled: RollUps,
    cascades: Cascades,
    grants: Grants,
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
            rolled: RollUps::default(),
            cascades: Cascades::new(limits.cascades),
            grants: Grants::default(),
            ledger: Ledger::default(),
            newest: Timestamp::EPOCH,
            folded: 0,
            changes: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, batch: &mut SightingBatch, profile: &ClusterProfile) -> Sifted {
        let mut sifted = Sifted::default();
        if batch.events() == 0 {
            // Somebody tells the time.
            sifted.told.extend(self.silence(batch, profile));
            return sifted;
        }
        self.behaviour.heard(batch.ingest_time, batch.events() as u64);
        let mut new = Vec::with_capacity(batch.events());
        for quiet in &batch.quiet {
            let before = new.len();
            new.extend(quiet.events.iter().filter(|id| !self.seen.came_before(**id)));
            let number = new.len() - before;
            self.ledger.quiet(quiet, number as u64);
            for _ in number..quiet.events.len() {
                self.ledger.seen_before(quiet.last, String::new);
            }
            sifted.left_out += quiet.events.len() as u64;
        }
        self.use_quietly(batch);
        let mut sightings = std::mem::take(&mut batch.sightings);
        for sighting in &mut sightings {
            if self.seen.came_before(sighting.event) {
                let example = || batch.texts.get(sighting.request.audit_id).to_owned();
                self.ledger.seen_before(sighting.time, example);
                sifted.left_out += 1;
                // How a long request ended is the later word about it, under the same ids.
                if audit::is_end(&audit::event_of(batch, sighting)) {
                    sifted.revised.append(&mut sighting.records);
                }
                continue;
            }
            new.push(sighting.event);
            self.fold(sighting, batch, profile, &mut sifted);
        }
        batch.sightings = sightings;
        let changes = self.seen.add(batch.ingest_time, new, &self.limits);
        self.changes.extend(changes);
        self.folded += sifted.events;
        self.changes.push(Change::Folded(self.folded));
        sifted.revised.extend(self.rolled.close(self.newest, &self.limits));
        self.forget_counted();
        sifted
    }

    /// Notes what quiet events needed, such as leases that elect leaders. No fact tells it: they are many and say
    /// nothing of anybody.
    fn use_quietly(&mut self, batch: &SightingBatch) {
        let Some(last) = batch.quiet.iter().map(|quiet| quiet.last).max() else { return };
        for reason in &batch.quiet_reasons {
            self.grants.note_use(batch.texts.get(*reason), None, last);
        }
    }

    /// What is told of a cluster from which nothing arrives any more.
    fn silence(&mut self, batch: &SightingBatch, profile: &ClusterProfile) -> Option<Record> {
        let since = self.behaviour.silent_since();
        let anomaly = self.behaviour.elapsed(batch.ingest_time)?;
        let (tenant, cluster) = (&batch.tenant, &batch.cluster);
        let clock = Clock::Live(batch.ingest_time);
        let intake = Intake { tenant, cluster, clock, profile, origin: None };
        audit::silence(&anomaly, since, &intake)
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
        let records = std::mem::take(&mut sighting.records);
        let candidates = std::mem::take(&mut sighting.candidates).into_iter();
        sifted.candidates.extend(candidates.map(|candidate| (sighting.event, candidate)));
        let sighting = &*sighting;
        let event = audit::event_of(batch, sighting);
        let intake = intake(batch, profile);
        if !audit::own::is_answered(&event) {
            records.into_iter().for_each(|record| self.tell(record, &InCascade::None, sifted));
            return;
        }
        let by = batch.texts.get(sighting.request.authorised);
        let reason = batch.texts.get(sighting.request.reason);
        let used = self.grants.take(reason, &event.user.username, sighting.time);
        let request = Request::new(&event, profile);
        let (part, written) = self.part((sighting, &request, by), &records);
        for fact in used.into_iter().chain(written) {
            let mut record = audit::fact(fact, &intake);
            record.ingest_time = batch.ingest_time;
            sifted.told.push(record);
        }
        let answered = Answered { sighting, request: &request, records: &[], batch };
        let completed = self.look(&Answered { records: &records, ..answered }, &intake);
        for record in records {
            match &record.payload {
                Payload::Fact(fact) => {
                    self.behaviour.know(fact);
                    sifted.told.push(record);
                }
                _ => self.tell(record, &part, sifted),
            }
        }
        let rare = self.rare(&answered, &completed, &intake, sifted);
        for record in completed {
            self.tell(record, &part, sifted);
        }
        for (record, stands) in rare {
            if stands {
                self.stood_for(record, sifted);
            } else {
                self.tell(record, &part, sifted);
            }
        }
    }

    /// What is rare about an event, which completed these; and of each whether a rule that was told stands for it. Counts what
    /// says nothing new.
    fn rare(
        &mut self,
        answered: &Answered<'_, '_>,
        completed: &[Record],
        intake: &Intake<'_>,
        sifted: &mut Sifted,
    ) -> Vec<(Record, bool)> {
        let Answered { sighting, request, batch, .. } = *answered;
        let by = batch.texts.get(sighting.request.authorised);
        let images = audit::images(sighting, batch);
        let observation = audit::observation(sighting, request, &images);
        let Rare { told, beyond } = self.behaviour.observe_all(&observation);
        for anomaly in &beyond {
            // Those that its actor raised within the hour and that were told stand for it.
            let example = || audit::anomaly(anomaly, sighting, request, intake);
            self.ledger.anomaly(anomaly.rule, sighting.time, example);
        }
        sifted.beyond += beyond.len() as u64;
        let told = told.into_iter().filter_map(|anomaly| {
            let mut record = audit::anomaly(&anomaly, sighting, request, intake)?;
            record.ingest_time = batch.ingest_time;
            declared::tell_authorised(&mut record, by);
            let said = (anomaly.rule, anomaly.severity);
            Some((record, self.counting.stands_for(said, answered, completed)))
        });
        told.collect()
    }

    /// Which part an event has in a cascade, and what it tells of who wrote its object.
    fn part<'e>(
        &mut self,
        (sighting, request, by): (&Sighting, &Request<'e>, &'e str),
        records: &[Record],
    ) -> (InCascade, Option<Fact>) {
        let Some(deed) = audit::deed(sighting, request, by).filter(Deed::writes) else {
            return (InCascade::None, None);
        };
        let shown = Shown::of(records, &deed);
        let written = self.cascades.learn(&deed, &shown);
        let part = match self.cascades.cause(&deed, &shown) {
            Some(cause) => InCascade::CarriesOut(cause),
            None if deed.hand == Hand::Own => InCascade::Asks(deed.event),
            None => InCascade::None,
        };
        (part, written)
    }

    /// What rules over several requests say now that this one came.
    fn look(&mut self, answered: &Answered<'_, '_>, intake: &Intake<'_>) -> Vec<Record> {
        let Answered { sighting, batch, .. } = answered;
        let by = batch.texts.get(sighting.request.authorised);
        let mut told = self.counting.look(answered, intake);
        for record in &mut told {
            record.ingest_time = batch.ingest_time;
            declared::tell_authorised(record, by);
        }
        told
    }

    /// Tells a detection and what counting makes of it, unless another stands for it.
    fn tell(&mut self, mut record: Record, part: &InCascade, sifted: &mut Sifted) {
        if let (InCascade::CarriesOut(cause), Payload::Detection(detection)) =
            (part, &mut record.payload)
        {
            audit::tell_cause(detection, cause);
            declared::tell_authorised(&mut record, &cause.authorised);
        }
        let counted = self.count(&record);
        for mut record in std::iter::once(record).chain(counted) {
            if let Payload::Detection(detection) = &mut record.payload
                && declared::is_authorised(detection)
            {
                // What counts authorised deeds is as authorised as they are.
                detection.severity = Severity::Info;
                self.ledger.detection(Reason::Authorised, record.event_time, detection);
            }
            if let Some(record) = self.carry_out(record, part, sifted) {
                self.roll_up(record, part, sifted);
            }
        }
    }

    /// Counts what carries a request out in what was told of that; gives back what nothing stands for.
    fn carry_out(
        &mut self,
        mut record: Record,
        part: &InCascade,
        sifted: &mut Sifted,
    ) -> Option<Record> {
        let InCascade::CarriesOut(cause) = part else { return Some(record) };
        let Some(stands) = self.rolled.carried_out(cause.event, &record, &self.limits) else {
            return Some(record);
        };
        if let Payload::Detection(detection) = &mut record.payload {
            self.ledger.detection(Reason::Cascade, record.event_time, detection);
            audit::tell_counted(detection);
        }
        sifted.carried_out.push(record);
        sifted.revised.extend(stands.map(|stands| *stands));
        None
    }

    fn roll_up(&mut self, record: Record, part: &InCascade, sifted: &mut Sifted) {
        match self.rolled.take(record, part.asked(), &self.limits) {
            Standing::Told(record) => sifted.told.push(record),
            Standing::RolledUp { record, stands } => {
                sifted.revised.extend(stands.map(|stands| *stands));
                self.stood_for(record, sifted);
            }
        }
    }

    /// Notes that another detection stands for one.
    fn stood_for(&mut self, record: Record, sifted: &mut Sifted) {
        if let Payload::Detection(detection) = &record.payload {
            self.ledger.detection(Reason::RolledUp, record.event_time, detection);
        }
        sifted.rolled_up.push(record);
    }

    fn count(&mut self, record: &Record) -> Vec<Record> {
        if !Counting::counts(record) {
            return Vec::new();
        }
        let is_known = self.counting.has(record);
        let completed = self.counting.observe(record);
        if !is_known && self.counting.has(record) {
            self.changes.push(Change::Counted(record.id, Some(Box::new(record.clone()))));
        }
        self.note_forgotten();
        completed
    }

    fn forget_counted(&mut self) {
        self.counting.forget_counted(self.newest.minus(self.limits.counting.horizon));
        self.note_forgotten();
    }

    /// What is counted no more need not be kept.
    fn note_forgotten(&mut self) {
        let forgotten = self.counting.take_forgotten().into_iter();
        self.changes.extend(forgotten.map(|id| Change::Counted(id, None)));
    }

    /// How much there is of a part of the state.
    pub(crate) fn size(&self, part: Part) -> usize {
        match part {
            Part::Seen => self.seen.len(),
            Part::Rolled => self.rolled.len(),
            Part::Actors => self.behaviour.actors(),
            Part::Cascades => self.cascades.len(),
            Part::AuditIds => self.counting.audit_ids(),
            Part::Counted => self.counting.counted(),
        }
    }

    /// Gives up some of a part of the state: what is oldest, or was hardly used. Returns what is to be told before it is
    /// gone.
    pub(crate) fn give_up(&mut self, part: Part) -> Vec<Record> {
        match part {
            Part::Seen => self.changes.extend(self.seen.forget_oldest()),
            Part::Rolled => return self.rolled.give_up(),
            Part::Actors => self.behaviour.give_up(),
            Part::Cascades => self.cascades.give_up(),
            Part::AuditIds => self.counting.give_up_audit_ids(),
            Part::Counted => {
                self.counting.give_up_counted();
                self.note_forgotten();
            }
        }
        Vec::new()
    }

    /// Forgets what has changed: nobody keeps it.
    pub(crate) fn discard_changes(&mut self) {
        self.changes.clear();
        self.counting.discard_changed();
        self.rolled.take_changes();
        self.cascades.take_changes();
        self.grants.take_changes();
        self.ledger.take_changes();
    }

    pub(crate) fn finish(&mut self) -> Vec<Record> {
        self.rolled.finish()
    }

    /// From when until when the time is worth telling, if nothing arrives.
    pub(crate) fn awaits_silence(&self) -> Range<Timestamp> {
        self.behaviour.awaits_silence()
    }

    /// A number that differs whenever the used grants differ.
    pub(crate) const fn version_of_grants(&self) -> u64 {
        self.grants.version()
    }

    /// Which bindings allowed requests, and whether there were more than can be remembered.
    pub(crate) fn used_grants(&self) -> (Vec<UsedGrant>, bool) {
        (self.grants.used(), self.grants.is_full())
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
        let windows = self.counting.take_changed().into_iter();
        changes.extend(windows.map(|(key, bytes)| Change::Window(key, bytes)));
        changes.extend(self.rolled.take_changes());
        changes.extend(self.cascades.take_changes());
        changes.extend(self.grants.take_changes());
        changes.extend(self.ledger.take_changes());
        changes
    }

    pub(crate) fn restore(&mut self, row: Change) -> Result<(), String> {
        match row {
            Change::Behaviour(key, Some(bytes)) => {
                self.behaviour.restore(key, &bytes).map_err(|error| error.to_string())?;
            }
            Change::Seen(row, Some((time, events))) => self.seen.restore(row, time, &events),
            Change::Counted(_, Some(record)) => {
                self.newest = self.newest.max(record.event_time);
                // What it counted to was told.
                let _told = self.counting.observe(&record);
                self.note_forgotten();
            }
            Change::Window(key, Some(bytes)) => self.counting.restore(key, &bytes)?,
            Change::Rolled(key, Some(rolled)) => {
                self.newest = self.newest.max(rolled.last);
                self.rolled.restore(key, *rolled);
            }
            Change::Cascade(key, Some(bytes)) => {
                self.newest = self.newest.max(self.cascades.restore(key, &bytes)?);
            }
            Change::Grant(_, Some(bytes)) => self.grants.restore(&bytes)?,
            Change::Ledger(line) => self.ledger.restore(line),
            Change::Folded(number) => self.folded = number,
            Change::Behaviour(_, None)
            | Change::Seen(_, None)
            | Change::Counted(_, None)
            | Change::Window(_, None)
            | Change::Rolled(_, None)
            | Change::Cascade(_, None)
            | Change::Grant(_, None) => {}
        }
        Ok(())
    }
}

/// Which part an event has in a cascade.
enum InCascade {
    /// None, as far as is known.
    None,
    /// Somebody wants something, which controllers may carry out: the event.
    Asks(Id),
    /// A controller carries out what somebody asked for.
    CarriesOut(Cause),
}

impl InCascade {
    /// The event by which the cascade began.
    const fn asked(&self) -> Option<Id> {
        match self {
            Self::None => None,
            Self::Asks(event) => Some(*event),
            Self::CarriesOut(cause) => Some(cause.event),
        }
    }
}

/// What is known of a batch's events beside them. The intake has looked at their clocks.
fn intake<'b>(batch: &'b SightingBatch, profile: &'b ClusterProfile) -> Intake<'b> {
    let clock = Clock::Recorded;
    Intake { tenant: &batch.tenant, cluster: &batch.cluster, clock, profile, origin: None }
}
