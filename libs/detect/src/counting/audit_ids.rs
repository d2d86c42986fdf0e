//! One auditID, two requests: a client chooses its id freely, and who drops what comes again under one id can be made to
//! drop what matters.

use std::collections::VecDeque;
use std::time::Duration;

use airside_baseline::evidence::digest;
use airside_baseline::recent::{Recent, RowNumber};
use airside_types::attack::technique;
use airside_types::{Id, Rule, Severity, Source, Tactic, Timestamp};
use serde::{Deserialize, Serialize};

use super::deed::Deed;
use crate::audit::Firing;
use crate::rule::LIKELY;

pub(super) static RULE: Rule = Rule {
    id: "AUD-R88-again",
    version: 1,
    title: "One auditID for different requests",
    why: "The API server takes the id from a header as the client sends it, and makes one that never comes again where there is none; whoever sends his own wants two requests to be taken for one.",
    next: "Read both requests in the archive, whatever other tools show of them; look at everything of that identity and address.",
    severity: Severity::Medium,
    confidence: LIKELY,
    tactic: Tactic::DefenseEvasion,
    techniques: &[technique("T1562"), technique("T1036")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// For how long an id is known. An API server sends a batch again for four minutes at most.
const KNOWN_FOR: Duration = Duration::from_mins(10);
/// The most requests that are kept as one row.
const MOST_OF_ROW: usize = 1024;

/// The ids of the last minutes, and what was asked under each.
#[derive(Debug, Default)]
pub(super) struct AuditIds {
    /// Digests of the id and of what was asked.
    asked: Recent<u64, u64>,
    /// The rows by age, the youngest last.
    rows: VecDeque<Row>,
    /// The row that was not kept yet: its key, and its last moment.
    open: Option<(Id, i64)>,
    changed: Vec<(Id, bool)>,
}

/// A row of ids.
#[derive(Debug, Clone, Copy)]
struct Row {
    key: Id,
    /// The last moment, in nanoseconds since the Unix epoch.
    last: i64,
    number: RowNumber,
}

/// What was asked under some ids, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// The last moment, in nanoseconds since the Unix epoch.
    last: i64,
    /// Digests of the id and of what was asked.
    of: Vec<(u64, u64)>,
}

/// That an id was told.
const TOLD: u64 = 0;

impl AuditIds {
    /// Takes a request in; fires for the second that has the same id and asks for something else.
    pub(super) fn look(&mut self, deed: &Deed<'_, '_>, most: usize) -> Option<Firing> {
        let request = deed.request;
        let audit_id = &*request.event().audit_id;
        if audit_id.is_empty() {
            return None;
        }
        // What is created may have its name from the answer, which not every stage has.
        let name = if request.verb() == "create" { "" } else { request.name() };
        let asked = digest(&[
            deed.user(),
            request.verb(),
            request.group(),
            request.resource(),
            request.subresource(),
            request.namespace(),
            name,
            request.path(),
        ]);
        let id = digest(&[audit_id]);
        match self.asked.get(id) {
            None => {
                self.add(deed, (id, asked), most);
                None
            }
            Some(known) if known == asked || known == TOLD => None,
            Some(_) => {
                self.add(deed, (id, TOLD), most);
                let deed = format!("asked to {} under the id of another request", deed.asked());
                Some(Firing::new(deed).with("auditID", audit_id))
            }
        }
    }

    fn add(&mut self, deed: &Deed<'_, '_>, (id, asked): (u64, u64), most: usize) {
        let time = deed.sighting.time.as_nanos();
        self.asked.put(id, asked);
        let (_, last) = self.open.get_or_insert((deed.sighting.event, time));
        *last = time.max(*last);
        if self.asked.open_len() >= MOST_OF_ROW {
            self.close(most);
        }
    }

    /// Ends the row that is open, and forgets the oldest of those that are too old or too many.
    fn close(&mut self, most: usize) {
        let Some(((key, last), number)) = self.open.take().zip(self.asked.close()) else { return };
        let oldest = Timestamp::from_nanos(last).minus(KNOWN_FOR).as_nanos();
        self.rows.push_back(Row { key, last, number });
        self.changed.push((key, true));
        while self.rows.front().is_some_and(|it| it.last < oldest || self.asked.len() > most) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(row) = self.rows.pop_front() else { return };
        self.changed.push((row.key, false));
        self.asked.forget(row.number);
    }

    /// How many ids are known.
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    /// Forgets the oldest row.
    pub(super) fn give_up(&mut self, most: usize) {
        if self.rows.is_empty() {
            self.close(most);
        }
        self.forget_oldest();
    }

    /// The rows that have changed since the last call; without a value those that are gone.
    pub(super) fn take_changed(&mut self, most: usize) -> Vec<(Id, Option<Asked>)> {
        self.close(most);
        let changed = std::mem::take(&mut self.changed);
        let row = |key: Id| self.rows.iter().rev().find(|it| it.key == key);
        let kept = |row: &Row| Asked { last: row.last, of: self.asked.row(row.number).to_vec() };
        changed
            .into_iter()
            .map(|(key, is_there)| (key, row(key).filter(|_| is_there).map(kept)))
            .collect()
    }

    /// Forgets what has changed: nobody keeps it.
    pub(super) fn discard_changed(&mut self, most: usize) {
        self.close(most);
        self.changed.clear();
    }

    /// Takes a row back.
    pub(super) fn restore(&mut self, key: Id, row: &Asked) {
        for (id, asked) in &row.of {
            if *asked == TOLD {
                self.asked.put(*id, *asked);
            } else {
                self.asked.add(*id, *asked);
            }
        }
        let Some(number) = self.asked.close() else { return };
        let at = self.rows.partition_point(|it| it.last <= row.last);
        self.rows.insert(at, Row { key, last: row.last, number });
    }
}
