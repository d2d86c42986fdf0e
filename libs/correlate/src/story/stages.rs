//! The attacker's goals, in the order in which they were pursued.

use airside_types::{Stage, Tactic};

use super::Case;

/// One stage for each tactic, in the order of its first evidence.
pub(super) fn stages(case: &Case<'_>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for signal in &case.signals {
        let known = stages.iter_mut().find(|stage| stage.tactic == signal.tactic);
        let techniques = signal.techniques.iter().copied();
        match known {
            Some(stage) => {
                stage.last = signal.time();
                for technique in techniques {
                    if !stage.techniques.contains(&technique) {
                        stage.techniques.push(technique);
                    }
                }
            }
            None => stages.push(Stage {
                tactic: signal.tactic,
                techniques: techniques.collect(),
                first: signal.time(),
                last: signal.time(),
            }),
        }
    }
    stages
}

/// The tactics that loud signals served.
pub(super) fn tactics(case: &Case<'_>) -> Vec<Tactic> {
    let served = |tactic: &Tactic| case.signals.iter().any(|signal| signal.tactic == *tactic);
    Tactic::ALL.into_iter().filter(served).collect()
}
