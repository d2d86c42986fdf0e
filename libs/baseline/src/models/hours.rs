//! B20: a person at work at an hour at which that person never is.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;
use crate::observation::{Class, Outcome, Weight};

pub(super) static RULE: Rule = Rule {
    id: "AUD-B20",
    version: 1,
    title: "A person does something dangerous at an unusual hour",
    why: "People have hours. Whoever uses their account does not keep them.",
    next: "Ask the person; look at the address, and at what else was done at that hour.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::InitialAccess,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

const WEEK: u32 = 7 * 24;
/// In how many hours a person must have been seen.
const KNOWN: u32 = 60;
/// Over how many weeks.
const WEEKS: u32 = 3;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    if observation.actor.class != Class::Person || observation.outcome != Outcome::Done {
        return None;
    }
    let (now, actor) = (look.now, &mut *look.actor);
    let of_week = now % WEEK;
    let hours = actor.hours.get_or_insert_with(|| vec![0; WEEK as usize].into());
    let near = (WEEK - 2..=WEEK + 2).map(|by| (of_week + by) % WEEK);
    let alike: u32 =
        near.filter_map(|hour| hours.get(hour as usize)).map(|number| u32::from(*number)).sum();
    if let Some(number) =
        hours.get_mut(of_week as usize).filter(|_| actor.last < now || actor.active_hours == 0)
    {
        *number = number.saturating_add(1);
        actor.active_hours = actor.active_hours.saturating_add(1);
    }
    let is_known = actor.active_hours > KNOWN && now.saturating_sub(actor.first) > WEEKS * WEEK;
    if alike > 0 || !is_known || observation.request.weight() < Weight::Dangerous {
        return None;
    }
    let known = actor.active_hours;
    let seen = format!("did `{}` at an unusual hour", observation.request.told());
    let usual =
        format!("in {known} hours of work it was never at work within two hours of this one");
    Some(Anomaly::of(&RULE, seen, usual, 1_000_000 / (known + 1)))
}
