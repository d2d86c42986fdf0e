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
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tonic::{Code, Status};

/// How often it is asked: uses are known to the hour.
const EVERY: Duration = Duration::from_hours(1);
/// For how long the first check waits for an answer. Without one it would tell what is open as fixed.
const FIRST_WAIT: Duration = Duration::from_mins(1);

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

    /// When to ask again.
    pub(super) fn times(&self) -> Interval {
        let mut times = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        times
    }

    /// What is known at first; none where nobody is there to be asked, or answers in time.
    pub(super) async fn first(&self) -> Option<Arc<GrantUse>> {
        let (mut backoff, end) = (Backoff::default(), Instant::now() + FIRST_WAIT);
        loop {
            match self.ask().await {
                Ok(known) => return known,
                Err(status) if status.code() == Code::Unavailable && Instant::now() < end => {
                    tokio::time::sleep(backoff.wait()).await;
                }
                Err(status) => {
                    self.warn(&status);
                    return None;
                }
            }
        }
    }

    /// What is known now; what was known before where nobody answers.
    pub(super) async fn again(&self, before: Option<Arc<GrantUse>>) -> Option<Arc<GrantUse>> {
        self.ask().await.unwrap_or_else(|status| {
            self.warn(&status);
            before
        })
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

    fn warn(&self, status: &Status) {
        let (cluster, error) = (&self.cluster, status.message());
        tracing::warn!(%cluster, error, "which bindings of a cluster are needed is not known");
    }
}

/// The largest answer, in bytes: some thousand bindings with long names.
const MAX_ANSWER: usize = 16 << 20;
