//! What was done, in a few words: signals grouped into deeds that a sentence can hold.
//!
//! Owns the table of deeds. A deed is known by ATT&CK technique and by what it was done to, so that
//! rules of every source lead to the same words.

use std::sync::Arc;

use airside_types::{Phase, Timestamp};

use super::Case;
use crate::keyed::Keyed;
use crate::signal::Signal;

/// One kind of deed.
struct Kind {
    /// Base ids of techniques that are this deed.
    techniques: &'static [&'static str],
    /// The kinds of targets that it needs; none for deeds without a target.
    on: &'static [&'static str],
    /// What was done to one target; `{}` is the target.
    to_one: &'static str,
    /// What was done to several; `{}` is their number.
    to_many: &'static str,
    /// Whether it is only known to have happened where a sensor saw it: elsewhere the same technique
    /// is a configuration that would allow it.
    only_running: bool,
}

const fn kind(
    techniques: &'static [&'static str],
    on: &'static [&'static str],
    to_one: &'static str,
    to_many: &'static str,
) -> Kind {
    Kind { techniques, on, to_one, to_many, only_running: false }
}

const fn plain(techniques: &'static [&'static str], words: &'static str) -> Kind {
    kind(techniques, &[], words, words)
}

const fn running(techniques: &'static [&'static str], words: &'static str) -> Kind {
    Kind { only_running: true, ..plain(techniques, words) }
}

const RIGHTS: &[&str] = &["ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role"];
const WORKLOADS: &[&str] =
    &["Pod", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController"];

/// The deeds, those first that tell most about an incident. A signal is the first that fits.
const KINDS: &[Kind] = &[
    plain(&["T1496"], "mined cryptocurrency"),
    plain(&["T1485", "T1489"], "destroyed data or services"),
    plain(&["T1041", "T1567"], "sent data out"),
    running(&["T1611"], "reached out of the container to its node"),
    kind(&["T1552", "T1555", "T1528"], &["Secret"], "read {}", "read {} secrets"),
    kind(&["T1053", "T1610"], &["CronJob", "Job"], "created {}", "created {} jobs"),
    kind(&["T1098"], RIGHTS, "changed rights with {}", "changed {} roles and bindings"),
    kind(&["T1610"], WORKLOADS, "deployed {}", "deployed {} workloads"),
    kind(
        &["T1098", "T1528"],
        &["ServiceAccount"],
        "took a token of {}",
        "took tokens of {} accounts",
    ),
    kind(&["T1565", "T1557"], &["ConfigMap"], "changed {}", "changed {} config maps"),
    plain(&["T1562"], "weakened defences"),
    kind(&["T1609"], &["Pod"], "opened a session in {}", "opened sessions in {} pods"),
    plain(&["T1098", "T1543", "T1546", "T1136", "T1505", "T1053", "T1525"], "left a way back in"),
    plain(&["T1550", "T1078"], "used a credential that is not theirs"),
    plain(&["T1552", "T1555", "T1528"], "read credentials"),
    plain(&["T1105"], "fetched tools"),
    plain(&["T1070"], "removed traces"),
    plain(&["T1190"], "exploited an application"),
    plain(&["T1059"], "ran commands in a container"),
    plain(&["T1613", "T1069", "T1083", "T1046", "T1087", "T1595"], "looked around"),
];

/// What happened, grouped.
#[derive(Debug)]
pub(super) struct Deed {
    /// How much it tells: lower tells more.
    pub(super) rank: usize,
    /// When it happened first.
    pub(super) first: Timestamp,
    /// Past tense, without a subject.
    pub(super) words: String,
    /// What it was done to, in the order of time.
    pub(super) targets: Vec<Arc<Keyed>>,
}

/// The deeds of a case in the order of their rank.
pub(super) fn deeds(case: &Case<'_>) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = Vec::new();
    for signal in &case.signals {
        let Some((rank, targets)) = classify(signal) else { continue };
        let at = deeds.iter().position(|deed| deed.rank == rank);
        let deed = match at.and_then(|at| deeds.get_mut(at)) {
            Some(deed) => deed,
            None => {
                let first = signal.time();
                let deed = Deed { rank, first, words: String::new(), targets: Vec::new() };
                deeds.push(deed);
                let Some(deed) = deeds.last_mut() else { continue };
                deed
            }
        };
        for target in targets {
            if deed.targets.iter().all(|seen| seen.name_key() != target.name_key()) {
                deed.targets.push(Arc::clone(target));
            }
        }
    }
    for deed in &mut deeds {
        deed.words = words(deed);
    }
    deeds.sort_by_key(|deed| deed.rank);
    deeds
}

/// The deed of a signal. What was refused did not happen, and what controllers do is a consequence.
fn classify(signal: &Arc<Signal>) -> Option<(usize, Vec<&Arc<Keyed>>)> {
    if signal.is_refused() || signal.parties.is_shared() {
        return None;
    }
    KINDS.iter().enumerate().find_map(|(rank, kind)| {
        let elsewhere = kind.only_running && signal.phase != Phase::Runtime;
        if elsewhere || !signal.has_technique(kind.techniques) {
            return None;
        }
        let named = signal.parties.targets.iter().filter(|target| !target.name().is_empty());
        let fitting: Vec<&Arc<Keyed>> =
            named.filter(|target| kind.on.contains(&target.kind())).collect();
        (kind.on.is_empty() || !fitting.is_empty()).then_some((rank, fitting))
    })
}

fn words(deed: &Deed) -> String {
    let Some(kind) = KINDS.get(deed.rank) else { return String::new() };
    match deed.targets.as_slice() {
        [one] => kind.to_one.replace("{}", &one.to_string()),
        several => kind.to_many.replace("{}", &several.len().to_string()),
    }
}
