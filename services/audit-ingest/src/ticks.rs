//! The time, told to the owner of clusters from which nothing arrives: how else would it notice?
//!
//! It goes through the log as a batch without events, so that what the owner makes of it follows from the log alone,
//! whoever reads it again. Once a silence was told nothing more is to be said until something arrives, and no time is told:
//! each tick brings the cluster's state into memory, and a cluster may be gone for good.

use std::sync::Arc;
use std::time::Duration;

use airside_ports::Clock;
use airside_service::{CancellationToken, Deps};
use airside_types::{SightingBatch, Timestamp};
use tokio::time::MissedTickBehavior;

use crate::owner::LedgerView;

/// How often the time is told, and how long nothing has to have arrived.
const EVERY: Duration = Duration::from_mins(1);

/// Tells the time until the service stops.
pub(crate) async fn tell(clusters: Arc<LedgerView>, deps: Deps, shutdown: CancellationToken) {
    let publisher = deps.publisher();
    let mut minutes = tokio::time::interval(EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = minutes.tick() => {}
        }
        let ticks = ticks(&clusters, deps.clock.as_ref());
        if let Err(error) = publisher.publish_sightings(&ticks).await {
            // The next minute is told again. A silence in between is told late.
            tracing::warn!(%error, "the time cannot be told");
        }
    }
}

/// What tells the time of clusters that may have fallen silent.
fn ticks(clusters: &LedgerView, clock: &dyn Clock) -> Vec<SightingBatch> {
    let now: Timestamp = clock.now();
    let silent = clusters.silent(now, EVERY).into_iter();
    silent.map(|(tenant, cluster)| SightingBatch::new(tenant, cluster, now)).collect()
}

#[cfg(test)]
mod tests {
    use airside_detect::profile::ClusterProfile;
    use airside_ports::testsuite::SetClock;
    use airside_sift::{ClusterKey, Limits, Sift};
    use airside_types::{Cluster, Id, Payload, QuietKind, Tenant};

    use super::*;
    use crate::owner::Counted;

    /// A cluster whose events arrive as its last one did, and the clock.
    struct World {
        sift: Sift,
        view: LedgerView,
        clock: SetClock,
        key: ClusterKey,
    }

    impl World {
        fn new() -> Self {
            let key = (Tenant::default(), Cluster::default());
            let (sift, view) = (Sift::new(Limits::default()), LedgerView::default());
            Self { sift, view, clock: SetClock::default(), key }
        }

        /// What the owner makes of a batch.
        fn apply(&mut self, mut batch: SightingBatch) -> Vec<String> {
            let sifted = self.sift.take(&mut batch, ClusterProfile::unknown());
            let awaits_silence = self.sift.awaits_silence(&self.key);
            let counted = Counted { folded: 0, awaits_silence, suppressions: Vec::new() };
            self.view.set(self.key.clone(), counted);
            let told = sifted.told.into_iter().filter_map(|record| match record.payload {
                Payload::Detection(detection) => Some(detection.message),
                _ => None,
            });
            told.collect()
        }

        /// Events arrive.
        fn hear(&mut self, events: i64) {
            let now = self.clock.now();
            let mut batch = SightingBatch::new(self.key.0.clone(), self.key.1.clone(), now);
            for number in 0..events {
                let event = Id::builder("test").number(now.as_nanos()).number(number).finish();
                batch.count(QuietKind::Lease, event, now);
            }
            self.apply(batch);
        }

        /// A minute passes, and the time is told to whom it has to be.
        fn minute(&mut self) -> Vec<String> {
            self.clock.set(self.clock.now().plus(EVERY));
            let ticks = ticks(&self.view, &self.clock).into_iter();
            ticks.flat_map(|batch| self.apply(batch)).collect()
        }
    }

    #[test]
    fn a_cluster_that_falls_silent_is_told_by_the_clock_alone() {
        let mut world = World::new();
        for _ in 0..100 {
            world.hear(100);
            assert_eq!(world.minute(), [""; 0]);
        }
        let told: Vec<_> = (0..30).flat_map(|_| world.minute()).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("has told nothing for 6 minutes"), "{told:?}");
    }

    #[test]
    fn of_a_cluster_that_is_gone_the_time_is_told_no_longer_until_it_comes_back() {
        let mut world = World::new();
        for _ in 0..100 {
            world.hear(100);
            world.minute();
        }
        while world.minute().is_empty() {}
        assert_eq!(ticks(&world.view, &world.clock), [], "its silence was told");
        world.minute();
        assert_eq!(ticks(&world.view, &world.clock), []);
        world.hear(100);
        let told: Vec<_> = (0..30).flat_map(|_| world.minute()).collect();
        assert_eq!(told.len(), 1, "it fell silent again: {told:?}");
    }

    #[test]
    fn of_a_cluster_of_which_too_little_was_heard_the_time_is_told_for_an_hour() {
        let mut world = World::new();
        world.hear(100);
        let mut told = 0;
        for _ in 0..600 {
            told += ticks(&world.view, &world.clock).len();
            world.minute();
        }
        assert_eq!(told, 60);
    }

    #[test]
    fn what_was_not_heard_while_nobody_looked_is_no_pause_of_the_cluster() {
        let mut world = World::new();
        world.hear(4_000);
        // The platform is down for a night, and the cluster is heard before the time is told.
        world.clock.set(world.clock.now().plus(EVERY * 720));
        for _ in 0..100 {
            world.hear(100);
            world.minute();
        }
        let told: Vec<_> = (0..30).flat_map(|_| world.minute()).collect();
        assert!(told[0].contains("has told nothing for 6 minutes"), "{told:?}");
    }

    #[test]
    fn the_time_is_told_only_where_nothing_arrives() {
        let mut world = World::new();
        world.hear(1);
        assert_eq!(ticks(&world.view, &world.clock), []);
        world.minute();
        assert_eq!(ticks(&world.view, &world.clock).len(), 1);
    }
}
