//! Incidents: one attack (or one misuse) as one object.

use crate::attack::{Tactic, Technique};
use crate::detection::{Link, Phase, Repeats};
use crate::entity::ObjectRef;
use crate::field_path::FieldPath;
use crate::gap::Gap;
use crate::id::Id;
use crate::place::Place;
use crate::record::Source;
use crate::severity::Severity;
use crate::tenancy::{Cluster, Tenant};
use crate::time::Timestamp;

/// What the attacker did for one goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The goal.
    pub tactic: Tactic,
    /// The techniques seen for it.
    pub techniques: Vec<Technique>,
    /// The first evidence of it.
    pub first: Timestamp,
    /// The last evidence of it.
    pub last: Timestamp,
}

/// One signal that the incident rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The record's id.
    pub record: Id,
    /// Which source saw it.
    pub source: Source,
    /// Where in the journey it was seen.
    pub phase: Phase,
    /// When it happened.
    pub time: Timestamp,
    /// The rule that fired, or the verdict of the decision (`admission/allow`).
    pub rule: String,
    /// What happened, in one sentence.
    pub summary: String,
    /// How bad it is by itself.
    pub severity: Severity,
    /// The source's own identity of the event (auditID, request uid …).
    pub native_id: String,
    /// The file and line that it was read from, where it came from a file.
    pub origin: Option<Place>,
    /// The event, by the identity under which its raw record is kept; none where nobody keeps it.
    pub event: Option<Id>,
    /// How often the same was seen again, where it was.
    pub repeats: Option<Repeats>,
}

/// A weakness that let the attack happen, in the manifest line where it could have been stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootCause {
    /// The check that failed.
    pub check: String,
    /// Its severity.
    pub severity: Severity,
    /// The object that holds the weakness.
    pub object: ObjectRef,
    /// The field.
    pub field: FieldPath,
    /// The file, line and column.
    pub place: Place,
    /// What is wrong there.
    pub message: String,
    /// What to change.
    pub fix: String,
    /// How the incident leads there, from the live entity to the manifest, one step each.
    pub lineage: Vec<String>,
}

/// One term of a score, in milli-points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreTerm {
    /// What it is for.
    pub reason: String,
    /// How much it adds.
    pub points: i64,
}

/// One attack (or one misuse): what happened, who did it, what it rests on, where it could have been
/// stopped. A function of the set of records; a late record gives a new revision of the same incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The current id. Old ids keep resolving: see `aliases`.
    pub id: Id,
    /// Every id that this incident has or had, sorted; the current one among them.
    pub aliases: Vec<Id>,
    /// Whose it is.
    pub tenant: Tenant,
    /// The clusters that it touches, sorted.
    pub clusters: Vec<Cluster>,
    /// A digest of everything below: equal content has equal hashes, so a consumer can skip repeats.
    pub content_hash: Id,
    /// How bad it is.
    pub severity: Severity,
    /// The sum of the terms, in milli-points.
    pub score: i64,
    /// Why the score is what it is.
    pub terms: Vec<ScoreTerm>,
    /// What happened, in one line.
    pub title: String,
    /// The first evidence.
    pub first_seen: Timestamp,
    /// The last evidence.
    pub last_seen: Timestamp,
    /// The attacker's goals in the order in which they were pursued.
    pub stages: Vec<Stage>,
    /// Who and what is involved, the actors first.
    pub entities: Vec<Link>,
    /// What it rests on, in the order of time.
    pub evidence: Vec<Evidence>,
    /// Where it could have been stopped, the most severe first.
    pub root_causes: Vec<RootCause>,
    /// What to do, the most urgent first.
    pub advice: Vec<String>,
    /// Blind spots during the incident.
    pub gaps: Vec<Gap>,
}
