//! Watching a live cluster: what changes in it changes its findings, within a moment.
//!
//! Owns when to check again, and trying again what fails. What the cluster holds is `live`'s, what becomes of
//! findings is the ledger's.

mod published;

use std::sync::Arc;
use std::time::Duration;

use airside_ports::{Clock, ClusterChange, ClusterWatch};
use airside_service::retry::Backoff;
use airside_service::{CancellationToken, Deps, LiveCluster};
use airside_terms::{TermsInForce, TermsOfTenants};
use airside_types::{Cluster, Severity, Tenant, Timestamp};
use anyhow::Context;
use tokio::time::Instant;

use crate::ledger::Ledger;
use crate::live::LiveObjects;
use crate::scan::Scan;

use self::published::Published;

/// Keeps the findings of one live cluster.
#[derive(Debug)]
pub(crate) struct Watcher {
    live: LiveCluster,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    terms: Arc<TermsInForce>,
    failing: Severity,
    settle: Duration,
}

impl Watcher {
    /// The watcher of the node's cluster, where it has one. A check waits for `settle` after the first of some
    /// changes, so that a burst of them is one.
    pub(crate) fn new(
        deps: &Deps,
        ledger: Ledger,
        terms: &TermsOfTenants,
        failing: Severity,
        settle: Duration,
    ) -> Option<Self> {
        let clock = Arc::clone(&deps.clock);
        let live = deps.live.clone()?;
        let terms = Arc::clone(terms.of(&live.tenant));
        let failing = terms.fail_on.unwrap_or(failing);
        Some(Self { live, ledger, clock, terms, failing, settle })
    }

    /// Follows the cluster until told to stop.
    pub(crate) async fn work(&self, stop: &CancellationToken) {
        let mut backoff = Backoff::default();
        let cluster = &self.live.cluster;
        while !stop.is_cancelled() {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow(&mut backoff) => ended,
            };
            match ended {
                Ok(()) => tracing::info!(%cluster, "the watch of a cluster ended, beginning again"),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(%cluster, error, "a cluster cannot be watched, trying again");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(backoff.wait()) => {}
            }
        }
    }

    /// One watch, from its lists to its end.
    async fn follow(&self, backoff: &mut Backoff) -> anyhow::Result<()> {
        let mut watch = self.live.feed.watch().await?;
        let mut objects = LiveObjects::default();
        until_complete(watch.as_mut(), &mut objects).await?;
        let mut published = None;
        let mut due = Some(Instant::now());
        loop {
            let change = tokio::select! {
                biased;
                () = at(due) => None,
                change = watch.next() => match change {
                    Some(change) => Some(change),
                    None => return Ok(()),
                },
            };
            match change {
                Some(change) => {
                    tell_unlisted(&change);
                    if objects.apply(change) {
                        due.get_or_insert_with(|| Instant::now() + self.settle);
                    }
                }
                None => {
                    (objects, published) = self.check(objects, published).await?;
                    backoff.reset();
                    due = None;
                }
            }
        }
    }

    /// Checks what the cluster holds, and publishes what is different from before; the first time everything, since
    /// the ledger may know of findings from before the start.
    async fn check(
        &self,
        objects: LiveObjects,
        published: Option<Published>,
    ) -> anyhow::Result<(LiveObjects, Option<Published>)> {
        let started = Instant::now();
        let is_first = published.is_none();
        let LiveCluster { tenant, cluster, .. } = self.live.clone();
        let (terms, failing, today) = (Arc::clone(&self.terms), self.failing, self.clock.now());
        // Pure computation, perhaps of a hundred thousand objects.
        let checked = tokio::task::spawn_blocking(move || {
            let scan = recheck(&objects, &terms, &tenant, &cluster, failing, today);
            let before = published.unwrap_or_default();
            let difference = before.difference(&scan, &objects, &tenant, &cluster);
            (objects, scan, difference)
        });
        let (objects, scan, difference) = checked.await.context("a check ended unexpectedly")?;
        let LiveCluster { tenant, cluster, .. } = &self.live;
        let outcome = if is_first {
            self.ledger.publish(tenant, scan.publication(cluster.clone())).await?
        } else {
            self.ledger.revise(tenant, difference.revision).await?
        };
        tracing::info!(
            %cluster,
            objects = objects.len(),
            opened = outcome.opened,
            fixed = outcome.fixed,
            gone = outcome.gone,
            milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "a live cluster was checked"
        );
        Ok((objects, Some(difference.published)))
    }
}

/// What the checks say of the cluster as it is now.
fn recheck(
    objects: &LiveObjects,
    terms: &TermsInForce,
    tenant: &Tenant,
    cluster: &Cluster,
    failing: Severity,
    today: Timestamp,
) -> Scan {
    objects.scan(&terms.on(tenant, cluster, failing, today))
}

/// Takes what the watch tells until the picture is complete: half a cluster would be judged wrongly.
async fn until_complete(
    watch: &mut dyn ClusterWatch,
    objects: &mut LiveObjects,
) -> anyhow::Result<()> {
    loop {
        match watch.next().await.context("the watch ended before everything was listed")? {
            ClusterChange::Complete => return Ok(()),
            change => {
                tell_unlisted(&change);
                objects.apply(change);
            }
        }
    }
}

fn tell_unlisted(change: &ClusterChange) {
    if let ClusterChange::Unlisted(unlisted) = change {
        let (scope, reason) = (&unlisted.scope, unlisted.reason.as_str());
        tracing::warn!(%scope, reason, "a kind of a live cluster is not judged");
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
