//! B14: other kinds of verbs than usual.
//!
//! The distance between the shares lately and usually (total variation: half of the summed differences): no share is
//! divided by another, so that a verb that never came is no infinity.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B14",
    version: 1,
    title: "An actor reads and writes otherwise than usual",
    why: "A program that only watched and now deletes is no longer the same.",
    next: "Look at what the new verbs were used on, and whether the program was released anew.",
    severity: Severity::Info,
    confidence: RARE,
    tactic: Tactic::Execution,
    techniques: &[technique("T1078"), technique("T1609")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// After how many requests the usual shares are known.
const KNOWN: u32 = 1000;
const APART: f32 = 0.7;
const LATELY: f32 = 1.0 / 40.0;
const USUALLY: f32 = 1.0 / 2000.0;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let kind = kind_of(look.observation.request.verb)?;
    let mix = &mut look.actor.mix;
    let was_apart = distance(&mix.recent, &mix.usual) > APART;
    mix.number = mix.number.saturating_add(1);
    let usually = USUALLY.max(1.0 / mix.number.min(KNOWN) as f32);
    for (index, (recent, usual)) in mix.recent.iter_mut().zip(&mut mix.usual).enumerate() {
        let share = f32::from(u8::from(index == kind));
        *recent += LATELY * (share - *recent);
        *usual += usually * (share - *usual);
    }
    let apart = distance(&mix.recent, &mix.usual);
    if mix.number < KNOWN || apart <= APART || was_apart {
        return None;
    }
    let seen = format!("does mostly {} of late", KINDS.get(largest(&mix.recent))?);
    let usual = format!("of {} requests most were {}", mix.number, KINDS.get(largest(&mix.usual))?);
    Some(Anomaly::of(&RULE, seen, usual, highest(apart)))
}

const KINDS: [&str; 6] = ["get", "list and watch", "create", "update", "delete", "other verbs"];

fn kind_of(verb: &str) -> Option<usize> {
    Some(match verb {
        "" => return None,
        "get" => 0,
        "list" | "watch" => 1,
        "create" => 2,
        "update" | "patch" => 3,
        "delete" | "deletecollection" => 4,
        _ => 5,
    })
}

fn distance(one: &[f32; 6], other: &[f32; 6]) -> f32 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).sum::<f32>() / 2.0
}

fn largest(shares: &[f32; 6]) -> usize {
    let largest = shares.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
    largest.map(|(index, _)| index).unwrap_or_default()
}

/// The share of the usual that is as it is lately.
fn highest(apart: f32) -> u32 {
    ((1.0 - apart) * 100_000.0) as u32
}
