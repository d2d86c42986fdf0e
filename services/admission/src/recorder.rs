//! Recording decisions: in the background, in order, again until it succeeds.
//!
//! An answer waits a little for its decision to be durable. When the log is away for longer, decisions wait in
//! a bounded queue; what no longer fits is counted and becomes a gap, so that nobody takes silence for peace.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use airside_ports::Clock;
use airside_service::retry::Backoff;
use airside_service::{CancellationToken, Deps, Publisher};
use airside_telemetry::metrics::Counter;
use airside_types::{Cluster, Gap, Payload, Record, Source, Tenant, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

/// How many decisions may wait for the log.
const WAITING: usize = 4096;
/// How many decisions are published at a time.
const TOGETHER: usize = 256;

/// A decision on its way to the log.
#[derive(Debug)]
struct Waiting {
    record: Record,
    span: tracing::Span,
    durable: oneshot::Sender<()>,
}

type Lost = Arc<Mutex<BTreeMap<(Tenant, Cluster), Gap>>>;

/// Where the webhook hands its decisions.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    queue: mpsc::Sender<Waiting>,
    lost: Lost,
    late: Counter,
    dropped: Counter,
}

/// Publishes decisions until it is told to stop.
#[derive(Debug)]
pub(crate) struct Recorder {
    queue: mpsc::Receiver<Waiting>,
    publisher: Publisher,
    clock: Arc<dyn Clock>,
    lost: Lost,
}

/// The two ends of recording.
pub(crate) fn new(deps: &Deps) -> (Recording, Recorder) {
    let (sender, queue) = mpsc::channel(WAITING);
    let lost = Lost::default();
    let recording = Recording {
        queue: sender,
        lost: Arc::clone(&lost),
        late: deps.metrics.counter(
            "airside_admission_late_records_total",
            "Decisions that were answered before they were durable",
        ),
        dropped: deps.metrics.counter(
            "airside_admission_dropped_records_total",
            "Decisions that could not be recorded, because the log was away for too long",
        ),
    };
    let publisher = deps.publisher();
    (recording, Recorder { queue, publisher, clock: Arc::clone(&deps.clock), lost })
}

impl Recording {
    /// Hands a decision over and waits for it to be durable, at most this long.
    pub(crate) async fn record(&self, record: Record, wait: Duration) {
        let (durable, done) = oneshot::channel();
        let waiting = Waiting { record, span: tracing::Span::current(), durable };
        if let Err(refused) = self.queue.try_send(waiting) {
            self.dropped.inc();
            self.lose(&refused.into_inner().record);
            return;
        }
        if tokio::time::timeout(wait, done).await.is_err() {
            self.late.inc();
        }
    }

    fn lose(&self, record: &Record) {
        let key = (record.tenant.clone(), record.cluster.clone());
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = lost.entry(key).or_insert_with(|| Gap {
            source: Source::Admission,
            origin: String::new(),
            from: record.event_time,
            until: record.event_time,
            lost: Some(0),
            reason: "the log was away for so long that decisions could not wait".to_owned(),
        });
        gap.until = gap.until.max(record.event_time);
        gap.lost = gap.lost.map(|count| count.saturating_add(1));
    }
}

impl Recorder {
    /// Publishes what waits; after the stop, what still waits, as far as the log takes it.
    pub(crate) async fn run(mut self, stop: &CancellationToken) {
        let mut together = Vec::with_capacity(TOGETHER);
        loop {
            let taken = tokio::select! {
                biased;
                taken = self.queue.recv_many(&mut together, TOGETHER) => taken,
                () = stop.cancelled() => {
                    self.queue.close();
                    self.queue.recv_many(&mut together, TOGETHER).await
                }
            };
            if taken == 0 {
                return;
            }
            for waiting in together.drain(..) {
                let span = waiting.span.clone();
                if !self.publish(waiting, stop).instrument(span).await {
                    tracing::error!("decisions are lost: the log is away and the node stops");
                    return;
                }
            }
            self.tell_gaps().await;
        }
    }

    /// Publishes one decision, again until the log takes it; gives up only while stopping.
    async fn publish(&self, waiting: Waiting, stop: &CancellationToken) -> bool {
        let mut backoff = Backoff::default();
        while let Err(error) = self.publisher.publish(vec![waiting.record.clone()]).await {
            if stop.is_cancelled() {
                return false;
            }
            tracing::warn!(error = %error, "a decision cannot be recorded, trying again");
            tokio::time::sleep(backoff.wait()).await;
        }
        // Whoever waited may have answered already.
        let _answered = waiting.durable.send(()).is_err();
        true
    }

    /// Tells of decisions that were lost, now that the log is back.
    async fn tell_gaps(&self) {
        let lost = std::mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner));
        let now = self.clock.now();
        let records: Vec<_> =
            lost.into_iter().map(|(whose, gap)| record_of(whose, gap, now)).collect();
        if records.is_empty() {
            return;
        }
        if let Err(error) = self.publisher.publish(records).await {
            tracing::error!(error = %error, "a gap in the decisions cannot be recorded");
        }
    }
}

fn record_of((tenant, cluster): (Tenant, Cluster), gap: Gap, now: Timestamp) -> Record {
    Record {
        id: Record::gap_id(&tenant, &cluster, &gap),
        source: Source::Admission,
        event_time: gap.until,
        ingest_time: now,
        payload: Payload::Gap(gap),
        tenant,
        cluster,
    }
}
