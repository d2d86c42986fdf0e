//! Which bindings of the watched cluster are needed: audit-ingest is asked, who knows it.
//!
//! It is asked and not read from the facts on the log (`used-by`): these do not say since when use is looked at, nor that
//! something was forgotten, and one answer an hour is less than a read model of all facts. Owns when to ask again.

use std::sync::Arc;
use std::time::Duration;

use airside_checks::GrantUse;
use airside_service::retry::Backoff;
use airside_service::{Deps, LiveCluster, Peers};
use airside_types::{Cluster, Tenant};
use airside_wire::used_grant::UsedGrants;
use airside_wire::v1::ListUsedGrantsRequest;
use airside_wire::v1::used_grants_service_client::UsedGrantsServiceClient;
use airside_wire::v1::used_grants_service_server::SERVICE_NAME;
use tokio::time::Instant;
use tonic::{Code, Status};

/// How often it is asked: uses are known to the hour.
const EVERY: Duration = Duration::from_hours(1);
/// How often while nobody answers.
const EVERY_IN_SILENCE: Duration = Duration::from_mins(1);
/// For how long the first check waits for an answer. Without one it says nothing of bindings.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// For how long the last answer counts while nobody answers. What is told of use is of 30 days, so that a day is little;
/// afterwards nothing is known, and findings stay as they are.
const KEPT: Duration = Duration::from_hours(24);

/// The last answer, and when to ask again. It outlives a watch of the cluster.
#[derive(Debug)]
pub(super) struct Word {
    known: Option<Arc<GrantUse>>,
    answered: Instant,
    next: Instant,
}

impl Word {
    /// Nobody was asked yet.
    pub(super) fn none() -> Self {
        let now = Instant::now();
        Self { known: None, answered: now, next: now }
    }

    /// What is known.
    pub(super) fn known(&self) -> Option<Arc<GrantUse>> {
        self.known.clone()
    }

    /// When to ask again.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    fn take(&mut self, answer: Option<Option<Arc<GrantUse>>>, now: Instant) {
        match answer {
            Some(known) => {
                *self = Self { known, answered: now, next: now + EVERY };
            }
            None => {
                self.next = now + EVERY_IN_SILENCE;
                if now >= self.answered + KEPT {
                    self.known = None;
                }
            }
        }
    }
}

/// Asks for one cluster.
#[derive(Debug)]
pub(super) struct Usage {
    peers: Peers,
    tenant: Tenant,
    cluster: Cluster,
}

impl Usage {
    pub(super) fn new(deps: &Deps, live: &LiveCluster) -> Self {
        let (tenant, cluster) = (live.tenant.clone(), live.cluster.clone());
        Self { peers: deps.peers.clone(), tenant, cluster }
    }

    /// Asks before the first check of a watch, where that is due; again within [`FIRST_WAIT`] while nobody is there.
    pub(super) async fn first(&self, word: &mut Word) {
        if Instant::now() < word.next {
            return;
        }
        let (mut backoff, end) = (Backoff::default(), Instant::now() + FIRST_WAIT);
        loop {
            match self.ask().await {
                Err(status) if status.code() == Code::Unavailable && Instant::now() < end => {
                    tokio::time::sleep(backoff.wait()).await;
                }
                answer => return self.take(answer, word),
            }
        }
    }

    /// Asks once more.
    pub(super) async fn again(&self, word: &mut Word) {
        self.take(self.ask().await, word);
    }

    fn take(&self, answer: Result<Option<Arc<GrantUse>>, Status>, word: &mut Word) {
        let answer = answer.inspect_err(|status| {
            let (cluster, error) = (&self.cluster, status.message());
            tracing::warn!(%cluster, error, "which bindings of a cluster are needed cannot be asked");
        });
        word.take(answer.ok(), Instant::now());
    }

    async fn ask(&self) -> Result<Option<Arc<GrantUse>>, Status> {
        if !self.peers.offer(SERVICE_NAME) {
            return Ok(None);
        }
        let channel = self.peers.channel(SERVICE_NAME, &self.tenant);
        let request = ListUsedGrantsRequest { cluster: self.cluster.as_str().to_owned() };
        let mut client =
            UsedGrantsServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER);
        let answer = client.list_used_grants(request).await?.into_inner();
        let used = UsedGrants::try_from(answer)
            .map_err(|error| Status::internal(format!("the answer cannot be read: {error}")))?;
        let known = |since| GrantUse::new(since, &used.grants, used.incomplete);
        Ok(used.since.map(known).map(Arc::new))
    }
}

/// The largest answer, in bytes: some thousand bindings with long names.
const MAX_ANSWER: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_keeps_the_last_word_for_a_day_and_asks_each_minute() {
        let used = Some(Arc::new(GrantUse::new(airside_types::Timestamp::EPOCH, &[], false)));
        let mut word = Word::none();
        let began = Instant::now();
        word.take(Some(used.clone()), began);
        assert_eq!((word.known(), word.next()), (used.clone(), began + EVERY));
        let (before, after) = (began + KEPT - EVERY_IN_SILENCE, began + KEPT);
        word.take(None, before);
        assert_eq!((word.known(), word.next()), (used, before + EVERY_IN_SILENCE));
        word.take(None, after);
        assert_eq!(word.known(), None);
    }
}
