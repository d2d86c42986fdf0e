//! Watching a live cluster: what changes in it changes its findings, within a moment.
//!
//! Owns when to check again, and trying again what fails. What the cluster holds is `live`'s, what is said of it
//! `rechecked`'s, what becomes of findings the ledger's.

mod published;
mod rechecked;
mod unused;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use airside_checks::{GrantUse, Passes, Terms, grant_use};
use airside_ports::{Clock, ClusterChange, ClusterWatch};
use airside_service::retry::Backoff;
use airside_service::{CancellationToken, Deps, LiveCluster};
use airside_terms::{TermsInForce, TermsOfTenants};
use airside_types::{Finding, Severity};
use anyhow::Context;
use tokio::time::Instant;

use crate::ledger::Ledger;
use crate::live::{LiveObjects, Replaced};

use self::rechecked::{Rechecked, ToPublish};
use self::usage::{Usage, Word};

/// Keeps the findings of one live cluster.
#[derive(Debug)]
pub(crate) struct Watcher {
    live: LiveCluster,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    terms: Arc<TermsInForce>,
    failing: Severity,
    settle: Duration,
    usage: Usage,
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
        let usage = Usage::new(deps, &live);
        Some(Self { live, ledger, clock, terms, failing, settle, usage })
    }

    /// Follows the cluster until told to stop.
    pub(crate) async fn work(&self, stop: &CancellationToken) {
        let (mut backoff, mut word) = (Backoff::default(), Word::none());
        let cluster = &self.live.cluster;
        while !stop.is_cancelled() {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow(&mut backoff, &mut word) => ended,
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
    async fn follow(&self, backoff: &mut Backoff, word: &mut Word) -> anyhow::Result<()> {
        let mut watch = self.live.feed.watch().await?;
        let mut picture = Picture::default();
        until_complete(watch.as_mut(), &mut picture).await?;
        self.usage.first(word).await;
        picture.used = word.known();
        picture.unused = self.ledger.open_of_live(&self.live, grant_use::CHECK).await?;
        let mut due = Some(Instant::now());
        loop {
            let change = tokio::select! {
                biased;
                () = at(due) => None,
                () = tokio::time::sleep_until(word.next()) => {
                    self.usage.again(word).await;
                    picture.used = word.known();
                    None
                }
                change = watch.next() => match change {
                    Some(change) => Some(change),
                    None => return Ok(()),
                },
            };
            match change {
                Some(change) => {
                    if picture.apply(change) {
                        due.get_or_insert_with(|| Instant::now() + self.settle);
                    }
                }
                None => {
                    picture = self.check(picture).await?;
                    backoff.reset();
                    due = None;
                }
            }
        }
    }

    /// Checks what has changed, and publishes what is different from before; the first time everything, since the
    /// ledger may know of findings from before the start.
    async fn check(&self, mut picture: Picture) -> anyhow::Result<Picture> {
        let started = Instant::now();
        let LiveCluster { tenant, cluster, .. } = self.live.clone();
        let (settings, failing, today) = (Arc::clone(&self.terms), self.failing, self.clock.now());
        // Pure computation, at first perhaps of a hundred thousand objects.
        let checked = tokio::task::spawn_blocking(move || {
            let terms = settings.on(&tenant, &cluster, failing, today);
            let used = picture.used.clone();
            let terms = Terms { passes: Passes::None, grant_use: used.as_deref(), ..terms };
            let to_publish = picture.check(&terms);
            (picture, to_publish)
        });
        let (picture, to_publish) = checked.await.context("a check ended unexpectedly")?;
        let LiveCluster { tenant, cluster, .. } = &self.live;
        let outcome = match to_publish {
            ToPublish::Everything(publication) => self.ledger.publish(tenant, publication).await?,
            ToPublish::Difference(revision) => self.ledger.revise(tenant, revision).await?,
        };
        tracing::info!(
            %cluster,
            objects = picture.objects.len(),
            opened = outcome.opened,
            fixed = outcome.fixed,
            gone = outcome.gone,
            milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "a live cluster was checked"
        );
        Ok(picture)
    }
}

/// What is known of the cluster, and what was said of it.
#[derive(Default)]
struct Picture {
    objects: LiveObjects,
    /// What has changed since the last check.
    replaced: Replaced,
    /// Which bindings are needed, where somebody knows.
    used: Option<Arc<GrantUse>>,
    /// What was open of them before the first check, for as long as nobody knows.
    unused: Vec<Finding>,
    /// None before the first check.
    rechecked: Option<Rechecked>,
}

impl Picture {
    /// Takes over a change. True when something is to be checked again.
    fn apply(&mut self, change: ClusterChange) -> bool {
        tell_unlisted(&change);
        self.objects.apply(change, &mut self.replaced);
        !self.replaced.is_empty()
    }

    fn check(&mut self, terms: &Terms<'_>) -> ToPublish {
        let replaced = std::mem::take(&mut self.replaced);
        match &mut self.rechecked {
            Some(rechecked) => {
                ToPublish::Difference(rechecked.revise(&self.objects, replaced, terms))
            }
            None => {
                let (rechecked, publication) =
                    Rechecked::first(&self.objects, std::mem::take(&mut self.unused), terms);
                self.rechecked = Some(rechecked);
                ToPublish::Everything(publication)
            }
        }
    }
}

/// Takes what the watch tells until the picture is complete: half a cluster would be judged wrongly.
async fn until_complete(watch: &mut dyn ClusterWatch, picture: &mut Picture) -> anyhow::Result<()> {
    loop {
        match watch.next().await.context("the watch ended before everything was listed")? {
            ClusterChange::Complete => return Ok(()),
            change => _ = picture.apply(change),
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
