//! Rules that fire on what several events say together, within a time.
//!
//! A rule is one entry of a list in `counting/rules`: its text and mapping, the requests that it looks at, whose
//! requests it puts together, and how. There are a few ways to put requests together, each a file: so many
//! `different` things within a time; one thing `in_order` after another; and `each` observation of a full window,
//! for rules whose every part is evidence. Rules that need a memory of their own are a file each: which images were
//! `first_seen`, which Secrets whose pods use (`pod_secrets`), what was asked under an auditID (`audit_ids`), and which
//! objects are parameters of admission policies (`policy_parameters`).
//! Examples of all are sequences of events in `libs/detect/sequences`.
//!
//! What rarity says of one actor is `airside-baseline`'s. A rule and an anomaly that would tell the same do not both: the
//! rule's entry names the anomalies that it [`stands_for`](Counting::stands_for) once it was told, so that what needs no
//! history is told as soon as it shows, and the rest by what is usual. What is new about an image stands for what is rare
//! about it at the same request alone. Failed logins of one address (row R05) are told by
//! AUD-B05 alone, which is a leaky bucket by itself.
//!
//! Memory is rows, each of a rule and a key, bounded by [`Limits`] and kept one by one.

mod audit_ids;
mod deed;
mod different;
mod each;
mod first_seen;
mod in_order;
mod pod_secrets;
mod policy_parameters;
mod rows;
mod rules;
#[cfg(test)]
mod tests;
mod windows;

use std::borrow::Cow;
use std::time::Duration;

use airside_baseline::evidence::Known;
use airside_types::{Id, Record, Rule, Severity, Sighting, SightingBatch, TextRef, Timestamp};

use serde::{Deserialize, Serialize};

use crate::audit::{Firing, Request, of_sighting};
use crate::intake::Intake;
use audit_ids::{Asked, AuditIds};
use deed::Deed;
pub use each::Limits;
pub(crate) use first_seen::repository;
use pod_secrets::Account;
use policy_parameters::{Parameters, Said};
use rows::{Aged, Rows};
use rules::{Counted, Over};
use windows::{Row, Thing};

/// The rules that count.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let counted = rules::all().map(|counted| &counted.rule);
    let own = [&audit_ids::RULE, &pod_secrets::RULE, &policy_parameters::RULE]
        .into_iter()
        .chain(first_seen::rules());
    each::rules().chain(counted).chain(own)
}

/// A request that was answered, with what it told by itself.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a, 'e> {
    /// Its words.
    pub sighting: &'a Sighting,
    /// The same as a request.
    pub request: &'a Request<'e>,
    /// Its detections and facts.
    pub records: &'a [Record],
    /// The batch that has the texts.
    pub batch: &'a SightingBatch,
}

/// A row of the state: its bytes, or none when it is gone.
pub type Changed = (Id, Option<Vec<u8>>);

/// The state of counting.
#[derive(Debug)]
pub struct Counting {
    limits: Limits,
    each: each::Each,
    windows: Rows<Row>,
    images: Rows<Known>,
    accounts: Rows<Account>,
    parameters: Parameters,
    audit_ids: AuditIds,
}

/// A row as it is kept.
#[derive(Debug, Serialize, Deserialize)]
enum Kept<'k> {
    Window(Cow<'k, Row>),
    Images(Cow<'k, Known>),
    Account(Cow<'k, Account>),
    Asked(Cow<'k, Asked>),
    Parameters(Cow<'k, Said>),
}

/// How many things a detection names.
const MAX_NAMED: usize = 12;

impl Counting {
    /// Nothing observed yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            each: each::Each::new(limits),
            windows: Rows::new(),
            images: Rows::new(),
            accounts: Rows::new(),
            parameters: Parameters::new(),
            audit_ids: AuditIds::default(),
        }
    }

    /// Of how many requests the auditID is known.
    pub fn audit_ids(&self) -> usize {
        self.audit_ids.len()
    }

    /// Forgets some of the auditIDs, the oldest.
    pub fn give_up_audit_ids(&mut self) {
        self.audit_ids.give_up(self.limits.audit_ids);
    }

    /// Whether a rule counts this record, each of whose windows is evidence.
    pub fn counts(record: &Record) -> bool {
        each::Each::counts(record)
    }

    /// Takes a record in, and returns the detections that it completes: for itself and for earlier ones.
    /// Records that no rule counts change nothing.
    pub fn observe(&mut self, record: &Record) -> Vec<Record> {
        self.each.observe(record)
    }

    /// How many records are counted whose every one is evidence.
    pub fn counted(&self) -> usize {
        self.each.len()
    }

    /// Whether such a record is counted.
    pub fn has(&self, record: &Record) -> bool {
        self.each.has(record)
    }

    /// Counts no more what is older than a time.
    pub fn forget_counted(&mut self, oldest: Timestamp) {
        self.each.forget_beyond(oldest);
    }

    /// Counts a tenth of them no more, the oldest.
    pub fn give_up_counted(&mut self) {
        self.each.give_up();
    }

    /// The records that are counted no more since the last call.
    pub fn take_forgotten(&mut self) -> Vec<Id> {
        self.each.take_forgotten()
    }

    /// Takes a request in, and returns what it completes. What is authorised adds to no window, and is learnt from.
    pub fn look(&mut self, answered: &Answered<'_, '_>, intake: &Intake<'_>) -> Vec<Record> {
        let deed = Deed::new(answered);
        let is_authorised = answered.sighting.request.authorised != TextRef::default();
        let looking = rules::all().filter(|counted| counted.on.iter().any(|on| deed.is(*on)));
        let looking = looking.filter(|_| !is_authorised);
        let mut told = Vec::new();
        for counted in looking {
            told.extend(self.fold(counted, &deed).map(|firing| (&counted.rule, firing)));
        }
        let again = self.audit_ids.look(&deed, self.limits.audit_ids);
        told.extend(again.map(|firing| (&audit_ids::RULE, firing)));
        let most = self.limits.windows;
        let unused = pod_secrets::look(&mut self.accounts, &deed, most);
        told.extend(unused.map(|firing| (&pod_secrets::RULE, firing)));
        told.extend(first_seen::look(&mut self.images, &deed, most));
        let weakened = self.parameters.look(&deed, is_authorised);
        told.extend(weakened.map(|firing| (&policy_parameters::RULE, firing)));
        let record =
            |(rule, firing)| of_sighting(rule, firing, answered.sighting, answered.request, intake);
        told.into_iter().map(record).collect()
    }

    fn fold(&mut self, counted: &Counted, deed: &Deed<'_, '_>) -> Option<Firing> {
        let (part, text) = counted.over.part(deed)?;
        let (key, time) = (counted.key(deed)?, deed.sighting.time);
        let known = self.windows.get(key);
        if known.is_some_and(|row| row.told_near(time, counted.again).is_some()) {
            return None;
        }
        let mut row = known.cloned().unwrap_or_default();
        let thing = Thing::new(part, &text, time, deed.weight());
        row.add(thing.clone(), counted.span);
        let full = match &counted.over {
            Over::Different { at_least, among, .. } => {
                different::full(&row, &thing, (*at_least, *among), counted.span)
            }
            Over::InOrder { .. } => in_order::pair(&row, &thing, counted.span),
        };
        let firing = full.map(|things| {
            let severity = (counted.severity)(deed, &things);
            row.tell(time, severity);
            let texts: Vec<&str> = things.iter().map(|it| &*it.text).collect();
            let named = texts.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
            Firing::new((counted.deed)(&texts))
                .at(severity)
                .with("counted", &counted.over.counted(&texts, counted.span))
                .with("together", &named)
        });
        self.windows.put(key, row, self.limits.horizon, self.limits.windows);
        firing
    }

    /// Whether a rule that was told says what an anomaly of such a severity would say at a request, which completed
    /// these: that is told no more.
    pub fn stands_for(
        &self,
        (anomaly, severity): (&str, Severity),
        answered: &Answered<'_, '_>,
        completed: &[Record],
    ) -> bool {
        if first_seen::stands_for((anomaly, severity), completed) {
            return true;
        }
        let deed = Deed::new(answered);
        let mut standing = rules::all().filter(|counted| counted.stands_for.contains(&anomaly));
        standing.any(|counted| {
            let row = counted.key(&deed).and_then(|key| self.windows.get(key));
            row.and_then(|row| row.told_near(answered.sighting.time, counted.again))
                .is_some_and(|told| told >= severity)
        })
    }

    /// The rows that have changed since the last call. Those of what is observed are the records themselves.
    pub fn take_changed(&mut self) -> Vec<Changed> {
        let mut all = Vec::new();
        changed(&mut self.windows, Kept::Window, &mut all);
        changed(&mut self.images, Kept::Images, &mut all);
        changed(&mut self.accounts, Kept::Account, &mut all);
        changed(self.parameters.rows(), Kept::Parameters, &mut all);
        for (key, row) in self.audit_ids.take_changed(self.limits.audit_ids) {
            all.push((key, row.and_then(|row| bytes(&Kept::Asked(Cow::Owned(row))))));
        }
        all
    }

    /// Forgets what has changed: nobody keeps it.
    pub fn discard_changed(&mut self) {
        self.windows.take_changed();
        self.images.take_changed();
        self.accounts.take_changed();
        self.parameters.rows().take_changed();
        self.audit_ids.discard_changed(self.limits.audit_ids);
    }

    /// Takes a row back as it was kept; says why where it is not one of this version.
    pub fn restore(&mut self, key: Id, bytes: &[u8]) -> Result<(), String> {
        match postcard::from_bytes(bytes).map_err(|error| error.to_string())? {
            Kept::Window(row) => self.windows.restore(key, row.into_owned()),
            Kept::Images(row) => self.images.restore(key, row.into_owned()),
            Kept::Account(row) => self.accounts.restore(key, row.into_owned()),
            Kept::Asked(row) => self.audit_ids.restore(key, &row),
            Kept::Parameters(row) => self.parameters.restore(key, row.into_owned()),
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.windows.len() + self.images.len() + self.accounts.len() + self.parameters.len()
    }
}

/// Adds the rows of a table that have changed.
fn changed<'r, V: Aged + Clone>(
    rows: &'r mut Rows<V>,
    kept: fn(Cow<'r, V>) -> Kept<'r>,
    all: &mut Vec<Changed>,
) {
    let rows = rows.take_changed().into_iter();
    all.extend(rows.map(|(key, row)| (key, row.and_then(|row| bytes(&kept(Cow::Borrowed(row)))))));
}

/// What cannot be written is forgotten.
fn bytes(row: &Kept<'_>) -> Option<Vec<u8>> {
    postcard::to_stdvec(row).ok()
}

impl Over {
    /// What a request adds, and to which part.
    fn part(&self, deed: &Deed<'_, '_>) -> Option<(u8, String)> {
        match self {
            Self::Different { thing, .. } => Some((in_order::FIRST, thing(deed)?)),
            Self::InOrder { first, then } => first(deed)
                .map(|text| (in_order::FIRST, text))
                .or_else(|| Some((in_order::THEN, then(deed)?))),
        }
    }

    fn counted(&self, texts: &[&str], span: Duration) -> String {
        let within = within(span);
        match self {
            Self::Different { .. } => format!("{} different {within}", texts.len()),
            Self::InOrder { .. } => format!("one after the other {within}"),
        }
    }
}

/// A time, as people say it.
fn within(span: Duration) -> String {
    match span.as_secs() {
        3600 => "within an hour".to_owned(),
        60 => "within a minute".to_owned(),
        seconds => format!("within {} minutes", seconds / 60),
    }
}
