//! Audit logs on this machine: followed, understood like batches, and left off at what is durable.
//!
//! A line is told again after a crash, and changes nothing then: what it becomes has the same ids.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use airside_ports::{Batch, Keyspace};
use airside_service::intake::{Received, Understood};
use airside_service::retry::Backoff;
use airside_service::{CancellationToken, Deps};
use airside_types::{Cluster, Tenant};
use anyhow::Context;

use crate::follow::{Follower, Lines, Position};
use crate::options::FileOptions;
use crate::raw::Raws;
use crate::{Judging, Sender, Webhook, add};

/// How far each file was read, by tenant, cluster and path.
const POSITIONS: Keyspace = Keyspace::new("audit-ingest.files");

/// A file, with whose it is.
#[derive(Debug)]
pub(crate) struct Followed {
    tenant: Tenant,
    cluster: Cluster,
    file: FileOptions,
    longest: usize,
    poll: Duration,
}

impl Followed {
    pub(crate) fn new(file: FileOptions, longest: usize, poll: Duration) -> anyhow::Result<Self> {
        let path = file.path.display();
        let tenant = Tenant::new(&file.tenant)
            .with_context(|| format!("the tenant of `audit-ingest.files` {path}"))?;
        let cluster = Cluster::new(&file.cluster)
            .with_context(|| format!("the cluster of `audit-ingest.files` {path}"))?;
        Ok(Self { tenant, cluster, file, longest, poll })
    }

    /// Follows the file until the token is cancelled.
    pub(crate) async fn run(self, webhook: Webhook, deps: Deps, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        let mut follower = None;
        while !stop.is_cancelled() {
            let wait = match self.step(&mut follower, &webhook, &deps).await {
                Ok(true) => {
                    backoff.reset();
                    continue;
                }
                Ok(false) => self.poll,
                Err(error) => {
                    let path = self.file.path.display();
                    tracing::warn!(%path, error = format!("{error:#}"), "the audit log is not taken, trying again");
                    // What was read and is not durable is read again.
                    follower = None;
                    backoff.wait()
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Takes what has come since; false where nothing has.
    async fn step(
        &self,
        follower: &mut Option<Follower>,
        webhook: &Webhook,
        deps: &Deps,
    ) -> anyhow::Result<bool> {
        let follower = match follower {
            Some(follower) => follower,
            None => {
                let stored = deps.store.get(POSITIONS, &self.key()).await?;
                let start = stored.and_then(|bytes| Position::decode(&bytes));
                follower.insert(Follower::new(self.file.path.clone(), self.longest, start))
            }
        };
        let Some(lines) = follower.next().await.context("it cannot be read")? else {
            return Ok(false);
        };
        let next = lines.next;
        self.keep(lines, webhook, deps).await?;
        let mut batch = Batch::default();
        batch.put(POSITIONS, self.key(), next.encode());
        deps.store.commit(batch).await?;
        Ok(true)
    }

    async fn keep(&self, lines: Lines, webhook: &Webhook, deps: &Deps) -> anyhow::Result<()> {
        let received = |body| Received {
            tenant: self.tenant.clone(),
            cluster: self.cluster.clone(),
            time: deps.clock.now(),
            body,
        };
        let whole = received(lines.bytes);
        let judging = Arc::clone(&webhook.judging);
        let mut raws = webhook.raw.room(&whole);
        let decode = move |received: &Received| {
            let understood = each_line(received, &judging, &mut raws);
            Ok::<_, airside_service::HttpError>((understood, raws))
        };
        let (understood, raws) = webhook.intake.understand(whole, decode).await?;
        webhook.keep(understood, raws).await?;
        Ok(())
    }

    fn key(&self) -> Vec<u8> {
        let path: &Path = &self.file.path;
        let parts = [self.tenant.as_str(), self.cluster.as_str(), &path.to_string_lossy()];
        parts.join("\0").into_bytes()
    }
}

/// What the lines tell, each by itself: one that is broken costs no other.
fn each_line(received: &Received, judging: &Judging, raws: &mut Raws) -> Understood {
    let mut all = Understood::default();
    let mut rest = received.body.clone();
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', &rest).map_or(rest.len(), |end| end + 1);
        let line = Received { body: rest.split_to(end), ..received.clone() };
        if line.body.trim_ascii().is_empty() {
            continue;
        }
        if let Err(error) = add(&line, judging, Sender::ApiServer, &mut all, raws) {
            all.letters.push(crate::letter(&line, &error.message, &line.body));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use airside_types::Timestamp;
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_broken_line_costs_no_other() {
        let exec = r#"{"kind":"Event","verb":"create","user":{"username":"ada"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}}"#;
        let text = format!("{exec}\nnot json\n\n{exec}\n{{\"half\":");
        let received = Received {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            time: Timestamp::EPOCH,
            body: Bytes::from(text),
        };
        let all = each_line(&received, &Judging::default(), &mut Raws::nowhere());
        assert_eq!((all.inputs, all.sightings[0].events(), all.letters.len()), (4, 2, 2));
    }
}
