//! The title: one sentence that says who did what.

use super::Case;
use super::deeds::{Deed, deeds};

/// How many deeds a sentence holds.
const MOST_DEEDS: usize = 3;

/// Who did what, such as `User alice (from 192.0.2.7) opened a session in Pod shop/cart and read
/// Secret shop/keys`: the deeds that tell most, in the order in which they happened.
pub(super) fn title(case: &Case<'_>) -> String {
    let mut told: Vec<Deed> = deeds(case).into_iter().take(MOST_DEEDS).collect();
    told.sort_by_key(|deed| (deed.first, deed.rank));
    let phrases: Vec<&str> = told.iter().map(|deed| deed.words.as_str()).collect();
    let subject = subject(case);
    match phrases.as_slice() {
        [] => format!("{subject}: {}", strongest_title(case)),
        [one] => format!("{subject} {one}"),
        [most @ .., last] => format!("{subject} {} and {last}", most.join(", ")),
    }
}

/// The person behind it where one is known, else the pod, service account or node.
fn subject(case: &Case<'_>) -> String {
    let person = case.signals.iter().find_map(|signal| {
        let user = signal.parties.users().next()?;
        let from = signal.parties.address.as_ref();
        Some(from.map_or_else(|| user.to_string(), |from| format!("{user} (from {})", from.name())))
    });
    let pod = || case.signals.iter().find_map(|signal| case.pod_of(signal));
    let other = || case.signals.iter().find_map(|signal| signal.parties.principal().cloned());
    let from = || case.signals.iter().find_map(|signal| signal.parties.address.clone());
    person
        .or_else(|| pod().map(|pod| pod.to_string()))
        .or_else(|| other().map(|other| other.to_string()))
        .or_else(|| from().map(|from| format!("Somebody at {}", from.name())))
        .unwrap_or_else(|| "Somebody".to_owned())
}

/// For what no deed describes: the words of the rule that weighs most.
fn strongest_title(case: &Case<'_>) -> String {
    let weight = |signal: &&std::sync::Arc<crate::signal::Signal>| {
        (std::cmp::Reverse(signal.severity), signal.time(), signal.id())
    };
    case.signals.iter().min_by_key(weight).map(|signal| signal.title()).unwrap_or_default()
}
