//! Refusals: who is told no, again and again, from one address.

use std::time::Duration;

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::super::deed::{Deed, Marks};
use super::{Counted, Over, address, listed};
use crate::audit::Actor;
use crate::rule::PLAUSIBLE;

pub(super) static RULES: &[Counted] = &[
    Counted {
        rule: Rule {
            id: "AUD-R04",
            version: 1,
            title: "One path after the other tried without a credential",
            why: "Whoever has business at the API server has a credential, and asks for what it is for; who has none and tries many paths is looking for one that is open.",
            next: "Look which of the requests of that address were allowed, and whether it came back with a credential; from inside, find the pod or machine that has the address.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Reconnaissance,
            techniques: &[technique("T1595.003"), technique("T1613")],
            equivalents: &[
                "elastic:Kubernetes Potential Endpoint Permission Enumeration Attempt by Anonymous User Detected",
            ],
            source: Source::Audit,
            examples: None,
        },
        on: &[Marks::REFUSED],
        whose: address,
        over: Over::Different { thing: tried_without_credential, at_least: 5, among: None },
        span: Duration::from_mins(5),
        again: Duration::from_hours(1),
        stands_for: &["AUD-B05"],
        // The internet tries whatever answers it.
        severity: |deed, _| {
            if is_from_outside(deed) { Severity::Low } else { Severity::Medium }
        },
        deed: |texts| format!("was refused {} different requests: {}", texts.len(), listed(texts)),
    },
    Counted {
        rule: Rule {
            id: "AUD-R06",
            version: 1,
            title: "Refused again and again from the internet",
            why: "A credential that is used from outside, and for what it may not do, is in the hands of somebody who does not know it.",
            next: "Ask whether the address belongs to whoever the credential is for; look at what the same address was allowed, and end the credential if nobody knows it.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613"), technique("T1078")],
            // Panther's Kubernetes.Multiple.403.PublicIP fires on each single event and leaves the number to its threshold.
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: &[Marks::REFUSED],
        whose: address,
        over: Over::Different { thing: refused_from_outside, at_least: 5, among: None },
        span: Duration::from_mins(10),
        again: Duration::from_hours(1),
        // By the actor and over any time; by the address here, and at once.
        stands_for: &["AUD-B04"],
        severity: |deed, _| {
            let client = deed.request.client();
            // People try out what their rights are for with their own tools, and a pipeline outside fails as a whole.
            let is_stolen = client.is_script() || deed.is_of_account() && client.is_by_hand();
            if is_stolen { Severity::Medium } else { Severity::Low }
        },
        deed: |texts| format!("was refused {} different requests: {}", texts.len(), listed(texts)),
    },
];

fn is_from_outside(deed: &Deed<'_, '_>) -> bool {
    let address = deed.request.source_address();
    address.is_some_and(|ip| deed.request.profile().is_foreign(ip))
}

/// A client whose token has run out fails with everything that it asks for; only who writes requests himself is
/// known to try without one.
fn tried_without_credential(deed: &Deed<'_, '_>) -> Option<String> {
    let counts = match deed.request.actor() {
        Actor::Anonymous => true,
        Actor::Unauthenticated => deed.request.client().is_script(),
        Actor::Component(_) | Actor::Node(_) | Actor::ServiceAccount { .. } | Actor::User(_) => {
            false
        }
    };
    counts.then(|| deed.asked())
}

fn refused_from_outside(deed: &Deed<'_, '_>) -> Option<String> {
    let counts = matches!(deed.request.actor(), Actor::User(_) | Actor::ServiceAccount { .. })
        && deed.request.is_denied_by_authorization()
        && is_from_outside(deed);
    counts.then(|| format!("{} as {}", deed.asked(), deed.user()))
}
