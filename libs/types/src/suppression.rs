//! Suppressions: what was not told, counted by reason, so that nothing is left out in silence.

use crate::sighting::QuietKind;
use crate::time::Timestamp;

/// Why something was not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// An event that is only counted.
    Quiet(QuietKind),
    /// The event was taken in before: a retry, another API server, a file beside the webhook; or it is the end of a
    /// request whose start was told.
    SeenBefore,
    /// The same was told a short while ago, and stands for this one too; or, of what is rare for somebody, enough of the
    /// same kind.
    RolledUp,
    /// A controller did it to carry out what somebody asked for, and the detection of that stands for this one too.
    Cascade,
    /// People declared it as authorised: it is told as such, and alarms nobody.
    Authorised,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::Quiet(QuietKind::Unanswered),
        Self::Quiet(QuietKind::Discovery),
        Self::Quiet(QuietKind::Health),
        Self::Quiet(QuietKind::Lease),
        Self::SeenBefore,
        Self::RolledUp,
        Self::Cascade,
        Self::Authorised,
    ];

    /// The reason's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quiet(kind) => kind.as_str(),
            Self::SeenBefore => "seen-before",
            Self::RolledUp => "rolled-up",
            Self::Cascade => "cascade",
            Self::Authorised => "authorised",
        }
    }

    /// What it means, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Quiet(QuietKind::Unanswered) => {
                "the request was received and not answered yet: its answer is an event of its own"
            }
            Self::Quiet(QuietKind::Discovery) => {
                "clients ask which kinds of objects there are, and were answered"
            }
            Self::Quiet(QuietKind::Health) => "somebody asks whether the API server is well",
            Self::Quiet(QuietKind::Lease) => {
                "nodes and components tell in their Leases that they are alive"
            }
            Self::SeenBefore => {
                "the event was taken in before (a retry, a second API server, a file beside the webhook), or it ends \
                 a request whose start was told"
            }
            Self::RolledUp => {
                "the same was told a short while before, and stands for it (of what is rare for somebody: five of its kind \
                 within the hour)"
            }
            Self::Cascade => {
                "it is part of a cascade: a controller carries out what somebody asked for, and the detection of that \
                 counts it"
            }
            Self::Authorised => "it is declared as authorised, and told as such",
        }
    }
}

/// How often something was not told, for one reason and one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Why.
    pub reason: Reason,
    /// The rule whose detection it was; empty for events.
    pub rule: String,
    /// How often.
    pub count: u64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// One of them, in a sentence; empty for events that are only counted.
    pub example: String,
}
