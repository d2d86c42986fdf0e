//! Looking around: who goes through a cluster, by the shape of it.

use std::time::Duration;

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::super::deed::{Deed, Marks};
use super::{Counted, Over, client, listed};
use crate::audit::{Actor, Outcome, kind};
use crate::rule::{PLAUSIBLE, WEAK};

/// What makes [`calls_of_a_tool`] more than a look around.
const OWN_RIGHTS: &str = "all of its own rights";

pub(super) static RULES: &[Counted] = &[
    Counted {
        rule: Rule {
            id: "AUD-R10",
            version: 1,
            title: "Cluster looked through, one kind after the other",
            why: "Where things run, how the cluster is divided and who has which rights is what an intruder learns first; for the daily work one of these is enough.",
            next: "Ask the identity's owner; look at what it did next, and whether a pod's token was used by hand.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613")],
            equivalents: &["elastic:Kubernetes Multi-Resource Discovery"],
            source: Source::Audit,
            examples: None,
        },
        on: &[
            Marks::READS.and(Marks::LAYOUT).and(Marks::DONE),
            Marks::READS.and(Marks::LAYOUT).and(Marks::REFUSED),
        ],
        whose: client,
        over: Over::Different {
            // Controllers list every kind that they watch whenever they start.
            thing: |deed| deed.is_by_hand().then(|| kind::of(deed.request.resource()).to_owned()),
            at_least: 3,
            among: None,
        },
        span: Duration::from_mins(1),
        again: Duration::from_hours(1),
        // The number of objects, against what is usual; the kinds say it without that.
        stands_for: &["AUD-B06"],
        severity: |deed, _| {
            let is_script = deed.request.client().is_script();
            match (deed.is_of_account(), is_script) {
                // A shell in a container.
                (true, true) => Severity::Medium,
                (true, false) | (false, true) => Severity::Low,
                // Somebody on call looks at everything at once.
                (false, false) => Severity::Info,
            }
        },
        deed: |texts| format!("looked through {}", listed(texts)),
    },
    Counted {
        rule: Rule {
            id: "AUD-R11-calls",
            version: 1,
            title: "Calls of a tool that looks for ways on",
            why: "Such tools ask for all rights, try out pods without making them, and list secrets and bindings, one after the other; what they call themselves does not matter.",
            next: "Follow the identity and address through the log; look into the pod whose token was used, and at what the answers offered.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1613"), technique("T1069.003")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: &[
            Marks::OWN_RIGHTS.and(Marks::CREATES),
            Marks::PODS.and(Marks::CREATES),
            Marks::READS.and(Marks::SECRETS),
            Marks::READS.and(Marks::RIGHTS),
            Marks::READS.and(Marks::NODES),
        ],
        whose: client,
        over: Over::Different { thing: calls_of_a_tool, at_least: 3, among: Some(OWN_RIGHTS) },
        span: Duration::from_mins(2),
        again: Duration::from_hours(1),
        stands_for: &[],
        severity: |deed, _| match (deed.is_of_account(), deed.request.client().is_by_hand()) {
            (true, true) => Severity::High,
            (false, true) if deed.request.client().is_script() => Severity::Medium,
            // Consoles ask for people what they may see, and show it.
            (true, false) => Severity::Low,
            (false, _) => Severity::Info,
        },
        deed: |texts| format!("asked within two minutes for {}", listed(texts)),
    },
    Counted {
        rule: Rule {
            id: "AUD-R11-matrix",
            version: 1,
            title: "Every right tried by itself",
            why: "Asking for each verb of each kind is what tools do that draw a matrix of what a stolen credential is good for.",
            next: "Look at the next requests of this identity: an intruder uses what was granted. For a service account, look into its pods.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1069.003"), technique("T1613")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: &[Marks::OWN_RIGHTS.and(Marks::CREATES).and(Marks::DONE)],
        whose: client,
        over: Over::Different {
            // What it asked is in the body; that it asked, here.
            thing: |deed| {
                let asks = deed.request.resource() == "selfsubjectaccessreviews";
                asks.then(|| deed.sighting.event.to_string())
            },
            at_least: 30,
            among: None,
        },
        span: Duration::from_mins(1),
        again: Duration::from_hours(1),
        stands_for: &[],
        severity: |deed, _| match (deed.is_of_account(), deed.request.client().is_by_hand()) {
            (true, true) => Severity::Medium,
            (true, false) => Severity::Low,
            (false, _) => Severity::Info,
        },
        deed: |texts| format!("asked {} times within a minute what it may do", texts.len()),
    },
];

fn calls_of_a_tool(deed: &Deed<'_, '_>) -> Option<String> {
    let request = deed.request;
    let is_list = request.verb() == "list";
    let is_tried = matches!(request.outcome(), Outcome::DryRun | Outcome::Forbidden);
    let what = match request.resource() {
        "selfsubjectrulesreviews" => OWN_RIGHTS,
        "pods" if is_tried => "pods that were only tried out",
        "secrets" if is_list => "secrets",
        "roles" | "clusterroles" | "rolebindings" | "clusterrolebindings" if is_list => {
            "roles and bindings"
        }
        "nodes" if is_list => "nodes",
        _ => return None,
    };
    let counts = matches!(request.actor(), Actor::User(_) | Actor::ServiceAccount { .. });
    counts.then(|| what.to_owned())
}
