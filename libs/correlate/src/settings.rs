//! The figures that joins, scores and bounds use, each with its reason.
//!
//! Owns the values; what they mean in the rules of joining is `joins`' and `story`'s.

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How records become incidents. The defaults are what the recorded scenarios were tuned with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How far apart in time two signals may lie and still be joined.
    pub spans: Spans,
    /// When something that many share stops joining what it touches.
    pub guards: Guards,
    /// How much one incident holds.
    pub caps: Caps,
    /// What makes an incident severe.
    pub scores: Scores,
    /// How long and how many records are kept.
    pub retention: Retention,
}

/// Spans of time. A span of a symmetric join is the longest pause between neighbours, not the length
/// of the whole: an attack goes on as long as its pauses stay below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans {
    /// Between two signals of one pod or container. 6 h: an intruder who waits for the night shift
    /// is still in the same container, and a container says nothing for hours when nothing is wrong.
    pub pod: Duration,
    /// Between two uses of one credential. 24 h: exact identity, and a bound token lives for hours.
    pub credential: Duration,
    /// Between two signals of one user from one address. 1 h: a name and an address are a weaker
    /// identity than a credential; a day of an administrator's work is not one story.
    pub session: Duration,
    /// Between a request that nobody was authenticated for and what else came from its address. 1 h,
    /// as for a session.
    pub address: Duration,
    /// Between two signals of processes on one node outside of pods. 1 h.
    pub node: Duration,
    /// From opening a way into a pod (exec, attach) to what happens in the pod. 1 h: audit logs the
    /// end of a session late or never, and longer sessions are rare.
    pub session_in_pod: Duration,
    /// From creating or changing a workload, role or binding to what its pods do or what it allows.
    /// 24 h: a cron job that was left behind often runs nightly.
    pub creation: Duration,
    /// From issuing a credential to its use. 24 h, as between two uses.
    pub issue: Duration,
    /// From an escape attempt in a pod to what its node does. 1 h.
    pub escape: Duration,
    /// How much the clocks of an API server and a node may differ: a cause may seem this much later
    /// than its effect. 5 s: beyond what NTP leaves, below what separates unrelated events.
    pub clock_skew: Duration,
    /// Between what admission and audit say about one request that no decision-id joins. 5 s.
    pub request: Duration,
    /// Between two detections of one event. 5 s.
    pub event: Duration,
    /// Between a quiet signal and the loud one that it illustrates. 10 min: quiet signals explain
    /// what happened around; they never carry a story on.
    pub illustration: Duration,
    /// How close in time one user must act from two addresses to count as two places at once. 1 h.
    pub two_places: Duration,
}

impl Default for Spans {
    fn default() -> Self {
        Self {
            pod: 6 * HOUR,
            credential: DAY,
            session: HOUR,
            address: HOUR,
            node: HOUR,
            session_in_pod: HOUR,
            creation: DAY,
            issue: DAY,
            escape: HOUR,
            clock_skew: 5 * SECOND,
            request: 5 * SECOND,
            event: 5 * SECOND,
            illustration: 10 * MINUTE,
            two_places: HOUR,
        }
    }
}

/// Bounds that tell what is one actor's from what many share. They look at the whole retained set, so
/// they do not depend on the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// An actor (session or credential) who acted upon more distinct objects than this no longer
    /// joins what it touched: a deployer or operator would glue every attack on what it ever
    /// deployed. 128: above a person's week, below a pipeline's.
    pub objects_of_actor: usize,
    /// An address from which more distinct identities come than this is a proxy or gateway and joins
    /// nothing. 3: a person, a stolen account and what was stolen with it.
    pub callers_of_address: usize,
}

impl Default for Guards {
    fn default() -> Self {
        Self { objects_of_actor: 128, callers_of_address: 3 }
    }
}

/// Bounds of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// The most signals that one incident rests on. What is joined beyond is told as sibling
    /// incidents, cut along time. 512: more than a person reads; bounds the work for one record.
    pub signals: usize,
    /// The most signals that are listed as evidence; the others are counted.
    pub evidence: usize,
    /// The most entities in one role.
    pub entities_in_role: usize,
    /// The most quiet signals that illustrate one loud signal, in each direction of time.
    pub illustrations: usize,
    /// The most root causes.
    pub root_causes: usize,
    /// The most root causes in one object, so that one bad manifest does not hide the others.
    pub root_causes_in_object: usize,
    /// The most pieces of advice.
    pub advice: usize,
    /// The most blind spots shown.
    pub gaps: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            signals: 512,
            evidence: 128,
            entities_in_role: 24,
            illustrations: 16,
            root_causes: 8,
            root_causes_in_object: 3,
            advice: 12,
            gaps: 16,
        }
    }
}

/// Points of a score, in thousandths of a point, and what they mean.
///
/// The unit: a medium detection that its rule is sure of counts one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scores {
    /// The strongest low signal of a tactic. A third of a medium one: three different quiet goals
    /// weigh as much as one that somebody should look at.
    pub low: i64,
    /// The strongest medium signal of a tactic: the unit.
    pub medium: i64,
    /// The strongest high signal of a tactic. By itself enough for a medium incident where its rule
    /// finds it likely (60 %): one step below what the rule says, since nothing supports it.
    pub high: i64,
    /// The strongest critical signal of a tactic. By itself, if its rule is sure, enough for a high
    /// incident.
    pub critical: i64,
    /// Each tactic from the third on. One or two goals are what people and controllers do all day;
    /// a chain of three is what attacks look like.
    pub further_tactic: i64,
    /// Each phase (admission, audit, runtime) from the second on: independent sources agree.
    pub further_phase: i64,
    /// A credential that is bound to a pod is used from an address that is not the pod's: it was
    /// taken away.
    pub credential_abroad: i64,
    /// A user acts from a public address while working from an internal one.
    pub two_places: i64,
    /// What began in a pod went on as its node.
    pub left_the_pod: i64,
    /// From here on an incident is medium: four goals pursued with quiet means, or one high signal.
    /// The busiest harmless session of the scenarios reaches a third of it.
    pub medium_from: i64,
    /// From here on an incident is high.
    pub high_from: i64,
    /// From here on an incident is critical.
    pub critical_from: i64,
}

impl Default for Scores {
    fn default() -> Self {
        Self {
            low: 300,
            medium: 1_000,
            high: 5_000,
            critical: 9_000,
            further_tactic: 1_000,
            further_phase: 500,
            credential_abroad: 3_000,
            two_places: 1_500,
            left_the_pod: 2_000,
            medium_from: 3_000,
            high_from: 7_000,
            critical_from: 11_000,
        }
    }
}

/// What is kept, measured in ingest time against the newest record of the same tenant and cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// How long detections, decisions and gaps are kept: 7 days, the longest pause plus a week end.
    pub signals: Duration,
    /// How long facts, findings and boarding passes are kept: 90 days, since a pod that runs for
    /// months is described once.
    pub context: Duration,
    /// The most detections, decisions and gaps of a tenant's cluster; the newest stay.
    pub max_signals: usize,
    /// The most facts, findings and boarding passes of a tenant's cluster; the newest stay.
    pub max_context: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { signals: 7 * DAY, context: 90 * DAY, max_signals: 1_000_000, max_context: 2_000_000 }
    }
}
