//! B11: a token that somebody had issued is used from somewhere else than where it was asked for.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::TELLING;
use super::credentials::is_near;
use crate::anomaly::Anomaly;
use crate::behaviour::{Issue, Look};
use crate::memory::key;
use crate::observation::Class;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B11",
    version: 1,
    title: "A token that was asked for is used elsewhere",
    why: "Who has a token made for an account may give it away: it then works wherever it is.",
    next: "Look at who asked for the token and why, at what was done with it, and end it by deleting what it is bound to.",
    severity: Severity::Medium,
    confidence: TELLING,
    tactic: Tactic::CredentialAccess,
    techniques: &[technique("T1528")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    // Kubelets and controllers have tokens made for the pods that use them.
    if let Some(issued) = observation.issued
        && matches!(observation.actor.class, Class::Person | Class::Account)
    {
        let issue = Issue {
            by: observation.actor.name.into(),
            from: observation.address,
            time: observation.time.as_nanos(),
            is_told: false,
        };
        let most = look.limits.things;
        look.shared.issued.insert(key("credential", &[issued]), most, issue);
    }
    let used = key("credential", &[observation.credential?]);
    let issue = look.shared.issued.get(&used)?;
    let (from, address) = (issue.from?, observation.address?);
    if issue.is_told || is_near(from, address) {
        return None;
    }
    let issue = look.shared.issued.get_mut(&used)?;
    issue.is_told = true;
    let by = &issue.by;
    let seen = format!("used from {address} a token that {by} had asked for from {from}");
    let usual = "who asks for a token uses it where he is".to_owned();
    Some(Anomaly::of(&RULE, seen, usual, 5000))
}
