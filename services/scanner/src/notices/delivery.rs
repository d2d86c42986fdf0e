//! Delivering notices: for each route one after the other, again and again until its receiver takes them.
//!
//! A receiver may get a notice again when an answer is lost: the header `Airside-Notice-Id` tells that it is the same.
//! What is refused, too old or more than may wait is set aside as a dead letter.

use std::sync::atomic::Ordering;
use std::time::Duration;

use airside_ports::{Batch, KeyRange, Order};
use airside_service::CancellationToken;
use airside_service::outbound::Posted;
use airside_service::outbox::OutboxError;
use airside_service::retry::Backoff;
use airside_types::{DeadLetter, Timestamp};
use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{NOTICES, Notices, Sending};

/// Tells that a notice is the same, when it comes again.
const NOTICE_ID: HeaderName = HeaderName::from_static("airside-notice-id");
/// How many notices may wait for one route; beyond that the oldest is set aside.
const MAX_WAITING: usize = 1000;
/// How many keys are read at a time.
const PAGE: usize = 64;
/// Where the time stands in a key, and the notice's id.
const TIME: std::ops::Range<usize> = 16..24;
/// The waits between attempts.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How long a stop waits for a receiver's answer.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// A notice that waits.
struct Waiting {
    key: Vec<u8>,
    body: Bytes,
}

impl Notices {
    /// Delivers until told to stop. What is not delivered then waits for the next start.
    pub(crate) async fn deliver(&self, stop: &CancellationToken) {
        if let Err(error) = self.recover().await {
            tracing::warn!(error = %error, "notices of an earlier life cannot be looked through");
        }
        let each = self.inner.routes.iter().map(|sending| self.deliver_all(sending, stop));
        join_all(each).await;
        stop.cancelled().await;
    }

    /// Counts what an earlier life left, and sets aside what is for routes that there are no more.
    async fn recover(&self) -> Result<(), OutboxError> {
        let mut range = KeyRange::all();
        loop {
            let page =
                self.inner.store.scan(NOTICES, range.clone(), Order::Ascending, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range.from = [&last[..], &[0]].concat();
            for (key, body) in page {
                let mut routes = self.inner.routes.iter();
                match routes.find(|it| key.starts_with(it.route.id.as_bytes())) {
                    Some(sending) => _ = sending.waiting.fetch_add(1, Ordering::Relaxed),
                    None => {
                        let waiting = Waiting { key: key.to_vec(), body };
                        self.set_aside(&waiting, "its route is no longer in the settings").await?;
                    }
                }
            }
        }
    }

    async fn deliver_all(&self, sending: &Sending, stop: &CancellationToken) {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        while !stop.is_cancelled() {
            let step = self.deliver_next(sending);
            tokio::pin!(step);
            let step = tokio::select! {
                step = &mut step => step,
                () = stop.cancelled() => {
                    // One that is under way need not come again with the next start.
                    return drop(tokio::time::timeout(LAST_WAIT, step).await);
                }
            };
            match step {
                Ok(Step::Done) => backoff.reset(),
                Ok(Step::Nothing) => tokio::select! {
                    () = stop.cancelled() => return,
                    () = sending.wake.notified() => {}
                },
                Ok(Step::Again) => self.wait(backoff.wait(), stop).await,
                Err(error) => {
                    tracing::warn!(error = %error, "notices cannot be read, removed or set aside, trying again");
                    self.wait(backoff.wait(), stop).await;
                }
            }
        }
    }

    async fn wait(&self, wait: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    async fn deliver_next(&self, sending: &Sending) -> Result<Step, OutboxError> {
        let range = KeyRange::prefix(sending.route.id.as_bytes());
        let first = self.inner.store.scan(NOTICES, range, Order::Ascending, 1).await?;
        let Some((key, body)) = first.into_iter().next() else {
            // The count may be too high: what was staged need not have been committed.
            sending.waiting.store(0, Ordering::Relaxed);
            return Ok(Step::Nothing);
        };
        let waiting = Waiting { key: key.to_vec(), body };
        let owner = sending.route.name();
        if sending.waiting.load(Ordering::Relaxed) > MAX_WAITING {
            let reason = format!("more than {MAX_WAITING} notices wait for the route of {owner}");
            self.set_aside(&waiting, &reason).await?;
        } else {
            match self.post(sending, &waiting).await {
                Posted::Taken => self.remove(&waiting, "delivered").await?,
                Posted::Refused(reason) => {
                    let reason = format!("the route of {owner} refuses it: {reason}");
                    self.set_aside(&waiting, &reason).await?;
                }
                Posted::Failed(reason) if self.is_too_old(&waiting) => {
                    let reason = format!("the route of {owner} did not take it in time: {reason}");
                    self.set_aside(&waiting, &reason).await?;
                }
                Posted::Failed(reason) => {
                    tracing::warn!(owner, reason, "a notice cannot be delivered, trying again");
                    return Ok(Step::Again);
                }
            }
        }
        let one_less = |waiting: usize| Some(waiting.saturating_sub(1));
        let _before = sending.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        Ok(Step::Done)
    }

    async fn post(&self, sending: &Sending, waiting: &Waiting) -> Posted {
        let Some(outbound) = &self.inner.outbound else {
            return Posted::Failed("there is no client".to_owned());
        };
        let id = waiting.key.get(TIME.end..).unwrap_or_default();
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut headers = HeaderMap::new();
        headers.extend(HeaderValue::from_str(&id).ok().map(|id| (NOTICE_ID, id)));
        outbound.post(&sending.route.address, headers, waiting.body.clone()).await
    }

    fn is_too_old(&self, waiting: &Waiting) -> bool {
        let time = waiting.key.get(TIME).and_then(|bytes| bytes.try_into().ok());
        let nanos = i64::try_from(time.map(u64::from_be_bytes).unwrap_or_default());
        let written = Timestamp::from_nanos(nanos.unwrap_or(i64::MAX));
        written.plus(self.inner.longest) <= self.inner.clock.now()
    }

    async fn set_aside(&self, waiting: &Waiting, reason: &str) -> Result<(), OutboxError> {
        let now = self.inner.clock.now();
        let letter = DeadLetter::new("notices", reason, &waiting.body, now);
        self.inner.dead_letters.set_aside(&[letter]).await?;
        self.remove(waiting, "set-aside").await
    }

    async fn remove(&self, waiting: &Waiting, outcome: &str) -> Result<(), OutboxError> {
        let mut batch = Batch::new();
        batch.delete(NOTICES, waiting.key.clone());
        self.inner.store.commit(batch).await?;
        self.inner.counted.with(&[outcome]).inc();
        Ok(())
    }
}

/// What one turn of a route did.
enum Step {
    /// A notice is done with.
    Done,
    /// None waits.
    Nothing,
    /// The receiver did not take one: later again.
    Again,
}
