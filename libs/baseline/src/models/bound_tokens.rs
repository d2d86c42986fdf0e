//! B09 and B10: a token that is bound to a pod, used where the pod is not, or when it is no more.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::TELLING;
use super::sources::is_public;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;

pub(super) static ELSEWHERE: Rule = Rule {
    id: "AUD-B09",
    version: 1,
    title: "A pod's token is used outside of its pod",
    why: "The token lies in the pod and nowhere else: whoever uses it elsewhere has taken it out.",
    next: "Look at how somebody got into the pod, and at all that was done with the token from that address.",
    severity: Severity::High,
    confidence: TELLING,
    tactic: Tactic::CredentialAccess,
    techniques: &[technique("T1528")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};
pub(super) static OUTLIVED: Rule = Rule {
    id: "AUD-B10",
    version: 1,
    title: "A pod's token is used after the pod's end",
    why: "The pod is gone and took its token along, unless somebody had copied it before.",
    next: "Look at what was done with the token and from where, and at what happened in the pod before it ended.",
    severity: Severity::High,
    confidence: TELLING,
    tactic: Tactic::CredentialAccess,
    techniques: &[technique("T1528")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How long after its end a pod may still be heard: programs end in their own time.
const GRACE: i64 = 5 * 60 * 1_000_000_000;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    let bound = observation.pod?;
    let pod = look.shared.pods.get(bound.uid)?;
    let name = &pod.name;
    if let Some(gone) = pod.gone
        && observation.time.as_nanos() > gone.saturating_add(GRACE)
    {
        let after = observation.time.as_nanos().saturating_sub(gone) / 60_000_000_000;
        let seen = format!("used the token of pod {name}, which ended {after} minutes before");
        let usual = "a pod's token ends with the pod".to_owned();
        return Some(Anomaly::of(&OUTLIVED, seen, usual, 1));
    }
    let address = observation.address?;
    if pod.addresses.is_empty() || pod.addresses.contains(&address) {
        return None;
    }
    // Another pod's address is that pod's; one of the internet is nobody's here. Others may be the node's, or a
    // gateway's.
    let other = look.shared.pods.iter().find(|(uid, pod)| {
        &***uid != bound.uid && pod.gone.is_none() && pod.addresses.contains(&address)
    });
    let at = match other {
        Some((_, other)) => format!("the address of pod {}", other.name),
        None if is_public(address) => "an address of the internet".to_owned(),
        None => return None,
    };
    let seen = format!("used the token of pod {name} from {address}, {at}");
    let own: Vec<_> = pod.addresses.iter().map(ToString::to_string).collect();
    let usual = format!("the pod has {}", own.join(", "));
    Some(Anomaly::of(&ELSEWHERE, seen, usual, 1))
}
