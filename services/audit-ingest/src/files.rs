//! Audit logs on this machine: followed, understood like batches, and left off at what is durable.
//!
//! A line is told again after a crash, and changes nothing then: what it becomes has the same ids.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use airside_ports::{Batch, Keyspace};
use airside_service::intake::{Received, Understood};
use airside_service::retry::Backoff;
use airside_service::{CancellationToken, Deps, HttpError};
use airside_types::{Cluster, Tenant};
use anyhow::Context;
use axum::http::StatusCode;
use bytes::Bytes;

use crate::follow::{Follower, Lines, Position};
use crate::options::FileOptions;
use crate::raw::Raws;
use crate::{Judging, Sender, Webhook, add, lost};

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
        if matches!(tokio::fs::try_exists(&self.file.path).await, Ok(false)) {
            let path = self.file.path.display();
            tracing::warn!(%path, "the audit log is not there: it is read as soon as it is");
        }
        while !stop.is_cancelled() {
            let wait = match self.step(&mut follower, &webhook, &deps, &stop).await {
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
        stop: &CancellationToken,
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
        if !self.is_admitted(webhook, stop).await {
            return Ok(false);
        }
        let next = lines.next;
        self.keep(lines, webhook, deps).await?;
        let mut batch = Batch::default();
        batch.put(POSITIONS, self.key(), next.encode());
        deps.store.commit(batch).await?;
        Ok(true)
    }

    /// Waits until there is room for what was read, with the file open: a rotated one may be gone by then. False where the
    /// token is cancelled first.
    async fn is_admitted(&self, webhook: &Webhook, stop: &CancellationToken) -> bool {
        let mut is_told = false;
        while let Err(refused) = webhook.intake.admit(&self.tenant).await {
            if !is_told {
                let path = self.file.path.display();
                tracing::warn!(%path, error = %refused, "the audit log waits");
                is_told = true;
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(self.poll) => {}
            }
        }
        true
    }

    /// Makes durable what is missing before lines, and the lines. A line that the log never takes is set aside: it would hold
    /// up all that come after it.
    async fn keep(&self, lines: Lines, webhook: &Webhook, deps: &Deps) -> anyhow::Result<()> {
        let Lines { bytes, gap, .. } = lines;
        if let Some(gap) = gap {
            let record = lost::record(gap, (&self.tenant, &self.cluster), deps.clock.now());
            let missing = Understood { records: vec![record], ..Understood::default() };
            webhook.keep(missing, Raws::nowhere()).await?;
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let keep = |lines| self.keep_part(lines, webhook, deps);
        for (line, error) in keep_divided(bytes, keep).await? {
            let letter = crate::letter(&self.received(line.clone(), deps), &error.message, &line);
            let aside = Understood { inputs: 1, letters: vec![letter], ..Understood::default() };
            webhook.keep(aside, Raws::nowhere()).await?;
        }
        Ok(())
    }

    async fn keep_part(
        &self,
        lines: Bytes,
        webhook: &Webhook,
        deps: &Deps,
    ) -> Result<(), HttpError> {
        let whole = self.received(lines, deps);
        let judging = Arc::clone(&webhook.judging);
        let mut raws = webhook.raw.room(&whole);
        let decode = move |received: &Received| {
            let understood = each_line(received, &judging, &mut raws);
            Ok::<_, HttpError>((understood, raws))
        };
        let (understood, raws) = webhook.intake.understand(whole, decode).await?;
        webhook.keep(understood, raws).await
    }

    fn received(&self, body: Bytes, deps: &Deps) -> Received {
        let (tenant, cluster) = (self.tenant.clone(), self.cluster.clone());
        Received { tenant, cluster, time: deps.clock.now(), body }
    }

    fn key(&self) -> Vec<u8> {
        let path: &Path = &self.file.path;
        let parts = [self.tenant.as_str(), self.cluster.as_str(), &path.to_string_lossy()];
        parts.join("\0").into_bytes()
    }
}

/// Keeps lines, in halves where the log does not take them together. Gives the lines that it does not take by themselves,
/// with why: trying again would not help.
async fn keep_divided<K, F>(lines: Bytes, keep: K) -> Result<Vec<(Bytes, HttpError)>, HttpError>
where
    K: Fn(Bytes) -> F,
    F: Future<Output = Result<(), HttpError>>,
{
    let (mut waiting, mut refused) = (vec![lines], Vec::new());
    while let Some(mut part) = waiting.pop() {
        match keep(part.clone()).await {
            Ok(()) => {}
            Err(error) if error.status != StatusCode::PAYLOAD_TOO_LARGE => return Err(error),
            Err(error) => match middle(&part) {
                Some(middle) => {
                    waiting.push(part.split_off(middle));
                    waiting.push(part);
                }
                None => refused.push((part, error)),
            },
        }
    }
    Ok(refused)
}

/// The beginning of the line that is nearest to the middle of several lines; none of one line.
fn middle(lines: &[u8]) -> Option<usize> {
    let half = lines.len() / 2;
    let (first, second) = lines.split_at_checked(half)?;
    let before = memchr::memrchr(b'\n', first).map(|end| end + 1);
    let after = memchr::memchr(b'\n', second).map(|end| half + end + 1);
    before.or(after).filter(|middle| *middle < lines.len())
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
    use std::cell::RefCell;

    use airside_types::Timestamp;

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

    /// What is kept of lines one by one, and what is set aside, by a log that takes so many bytes at a time.
    async fn kept(lines: &str, most: usize) -> (Vec<String>, Vec<String>) {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        let taken = RefCell::new(Vec::new());
        let keep = async |part: Bytes| {
            if part.len() > most {
                return Err(HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
            }
            taken.borrow_mut().push(text(&part));
            Ok(())
        };
        let refused = keep_divided(Bytes::from(lines.to_owned()), keep).await.unwrap();
        let refused = refused.iter().map(|(line, _)| text(line)).collect();
        (taken.into_inner(), refused)
    }

    /// A chunk that is refused for its size was tried again for ever, and the file was followed no further.
    #[tokio::test]
    async fn of_lines_that_the_log_does_not_take_together_only_those_too_large_for_it_are_set_aside()
     {
        let long = "x".repeat(100);
        for (lines, taken, refused) in [
            ("a\nb\n".to_owned(), vec!["a\nb\n"], vec![]),
            (format!("a\n{long}\nb\n"), vec!["a\n", "b\n"], vec![format!("{long}\n")]),
            (format!("{long}\n{long}\nb"), vec!["b"], vec![format!("{long}\n"); 2]),
            (long.clone(), vec![], vec![long.clone()]),
            (format!("\n\n{long}\n"), vec!["\n\n"], vec![format!("{long}\n")]),
        ] {
            assert_eq!(
                kept(&lines, 20).await,
                (taken.iter().map(|it| (*it).to_owned()).collect(), refused),
                "{lines}"
            );
        }
        let many: String = (0..100).map(|number| format!("{number}\n")).collect();
        let (taken, refused) = kept(&many, 20).await;
        assert_eq!((taken.concat(), refused.len()), (many, 0), "all of it, in its order");
    }

    #[tokio::test]
    async fn what_may_be_taken_later_is_neither_divided_nor_set_aside() {
        let asked = RefCell::new(0);
        let later = async |_: Bytes| {
            *asked.borrow_mut() += 1;
            Err(HttpError::unavailable("later"))
        };
        let error = keep_divided(Bytes::from("a\nb\n"), later).await.unwrap_err();
        assert_eq!((error.status, asked.into_inner()), (StatusCode::SERVICE_UNAVAILABLE, 1));
    }
}
