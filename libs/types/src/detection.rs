//! Detections: events that a rule finds worth telling.

use std::fmt;
use std::str::FromStr;

use crate::attack::{Tactic, Technique};
use crate::entity::Entity;
use crate::id::Id;
use crate::place::Place;
use crate::severity::Severity;
use crate::shared::SharedList;
use crate::time::Timestamp;

/// How sure a rule is, in thousandths: 1000 is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confidence(u16);

impl Confidence {
    /// Certain.
    pub const CERTAIN: Self = Self(1000);

    /// From thousandths; more than 1000 counts as 1000.
    pub const fn per_mille(value: u16) -> Self {
        Self(if value > 1000 { 1000 } else { value })
    }

    /// In thousandths.
    pub const fn as_per_mille(self) -> u16 {
        self.0
    }
}

/// The part that an entity plays in a detection or decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkRole {
    /// Who did it: the user, service account, or the pod whose process it was.
    Actor,
    /// What was acted upon.
    Target,
    /// The means: credential, source address, process.
    Means,
    /// The role or binding that allowed it.
    Grant,
    /// The surroundings: node, namespace, image.
    Context,
    /// What caused it: who wrote the object that a controller carries out, and that object.
    Cause,
}

impl LinkRole {
    /// All roles.
    pub const ALL: [Self; 6] =
        [Self::Actor, Self::Target, Self::Means, Self::Grant, Self::Context, Self::Cause];

    /// The role's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Target => "target",
            Self::Means => "means",
            Self::Grant => "grant",
            Self::Context => "context",
            Self::Cause => "cause",
        }
    }
}

/// The text names no member of a closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}")]
pub struct UnknownName {
    /// What was expected.
    pub what: &'static str,
    /// The beginning of what was read.
    pub text: String,
}

impl UnknownName {
    /// An error about a text that names no `what`.
    pub fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.chars().take(40).collect() }
    }
}

impl FromStr for LinkRole {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownName::new("part of an entity in a detection", text))
    }
}

/// An entity and the part that it plays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The part.
    pub role: LinkRole,
    /// The entity.
    pub entity: Entity,
}

impl Link {
    /// An entity in a role.
    pub const fn new(role: LinkRole, entity: Entity) -> Self {
        Self { role, entity }
    }
}

/// Where in the journey of a deployment something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// In manifests, before deployment.
    Configuration,
    /// At the gate.
    Admission,
    /// In the control plane's audit log.
    Audit,
    /// In the running workload.
    Runtime,
}

impl Phase {
    /// All phases, in the order of a deployment's journey.
    pub const ALL: [Self; 4] = [Self::Configuration, Self::Admission, Self::Audit, Self::Runtime];

    /// The phase's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Admission => "admission",
            Self::Audit => "audit",
            Self::Runtime => "runtime",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| UnknownName::new("phase", text))
    }
}

/// A value that made a rule fire, redacted where it looks like a credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedValue {
    /// The field of the event, as its source spells it.
    pub name: String,
    /// The value.
    pub value: String,
}

/// An event that a rule finds worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// The rule's id, such as `AUD-R24`.
    pub rule: String,
    /// The rule's version: higher replaces lower for the same event.
    pub rule_version: u32,
    /// What happened, as a short title.
    pub title: String,
    /// What happened in this event, in one sentence.
    pub message: String,
    /// How bad it is by itself.
    pub severity: Severity,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// The attacker's goal that it serves.
    pub tactic: Tactic,
    /// ATT&CK techniques, the most specific first.
    pub techniques: Vec<Technique>,
    /// Where in the journey it was seen.
    pub phase: Phase,
    /// Who and what is involved.
    pub links: SharedList<Link>,
    /// The values that fired the rule.
    pub values: SharedList<NamedValue>,
    /// The source's own identity of the event: an auditID, a Falco event's time and rule.
    pub native_id: String,
    /// The file and line that it was read from, where it came from a file.
    pub origin: Option<Place>,
    /// The event, by the identity under which its raw record is kept; none where nobody keeps it.
    pub event: Option<Id>,
    /// The same again, where it happened more than once: this one stands for all of them.
    pub repeats: Option<Repeats>,
}

/// How often the same was seen again. The detection that stands for all of them is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repeats {
    /// How often, the first one included: at least 2.
    pub count: u64,
    /// When it was seen last.
    pub last: Timestamp,
    /// How many of them controllers did, to carry out what the first one asked for: fewer than `count`.
    pub carried_out: u64,
}

impl Detection {
    /// The entities in a role.
    pub fn linked(&self, role: LinkRole) -> impl Iterator<Item = &Entity> {
        self.links.iter().filter(move |link| link.role == role).map(|link| &link.entity)
    }
}
