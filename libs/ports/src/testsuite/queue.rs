//! What every work queue does.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airside_types::Id;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{SOON, poll_once};
use crate::{Delivery, Headers, Job, Queue, QueueError, QueueName};

/// What the suite asks of a queue's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// How long a delivery is its taker's.
    pub visibility: Duration,
    /// How many jobs a queue holds.
    pub max_jobs: u64,
}

/// How the suite gets a queue.
#[async_trait]
pub trait QueueHarness: Sized + Send {
    /// How long a take waits that is to find nothing.
    const QUIET: Duration;
    /// A time limit of deliveries, short enough to be waited for; several times [`Self::QUIET`].
    const VISIBILITY: Duration;
    /// Starts empty queues.
    async fn start(limits: QueueLimits) -> Self;
    /// The queue that runs now.
    fn queue(&self) -> Arc<dyn Queue>;
    /// Closes the queue, and what it runs on, and opens it anew on the same data.
    async fn restart(&mut self);
}

/// Makes the tests of the queue port for a [`QueueHarness`].
#[macro_export]
macro_rules! queue_conformance {
    ($harness:ty, #[$test:meta]) => {
        $crate::conformance_tests!(
            $crate::testsuite::queue,
            $harness,
            #[$test],
            [
                a_job_that_is_done_is_not_delivered_again,
                jobs_come_in_their_order_and_no_more_than_asked_for,
                a_dropped_delivery_comes_again,
                a_delivery_that_is_not_settled_in_time_comes_again,
                a_late_done_is_final,
                a_retry_waits,
                an_extended_delivery_stays_its_takers,
                a_waiting_taker_wakes,
                a_dropped_take_loses_nothing,
                takers_do_not_share_a_job,
                a_full_queue_refuses_and_keeps_what_it_has,
                the_same_job_is_kept_once_while_it_is_there,
                too_large_a_job_is_refused,
                a_restart_loses_nothing,
            ]
        );
    };
}

const QUEUE: QueueName = QueueName::ScanJobs;
const PATIENT: QueueLimits = QueueLimits { visibility: Duration::from_secs(300), max_jobs: 1000 };

fn job(name: &str) -> Job {
    Job {
        id: Id::builder("suite job").text(name).finish(),
        headers: Headers {
            message: "suite.v1".to_owned(),
            trace_parent: Some("00-1-2-01".to_owned()),
        },
        payload: Bytes::copy_from_slice(name.as_bytes()),
    }
}

async fn enqueue(queue: &dyn Queue, names: &[&str]) {
    for name in names {
        queue.enqueue(QUEUE, job(name)).await.unwrap();
    }
}

fn name(delivery: &Delivery) -> &str {
    std::str::from_utf8(&delivery.job.payload).unwrap()
}

/// Takes one job that has to come.
async fn one(queue: &dyn Queue) -> Delivery {
    let mut taken = queue.take(QUEUE, 1, SOON).await.unwrap();
    assert_eq!(taken.len(), 1, "no job came");
    taken.remove(0)
}

/// Takes so many jobs that have to come.
async fn several(queue: &dyn Queue, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let more = queue.take(QUEUE, count - taken.len(), SOON).await.unwrap();
        assert!(!more.is_empty(), "only {} of {count} jobs came", taken.len());
        taken.extend(more);
    }
    taken
}

async fn nothing_comes<H: QueueHarness>(queue: &dyn Queue) {
    let taken = queue.take(QUEUE, 10, H::QUIET).await.unwrap();
    assert!(taken.is_empty(), "{taken:?} came");
}

/// A job comes as it was given, once, and is gone when it is done.
pub async fn a_job_that_is_done_is_not_delivered_again<H: QueueHarness>() {
    let harness = H::start(QueueLimits { visibility: H::VISIBILITY, ..PATIENT }).await;
    let queue = harness.queue();
    nothing_comes::<H>(&*queue).await;
    enqueue(&*queue, &["a"]).await;
    let delivery = one(&*queue).await;
    assert_eq!((&delivery.job, delivery.attempt), (&job("a"), 1));
    nothing_comes::<H>(&*queue).await;
    delivery.done().await.unwrap();
    let taken = queue.take(QUEUE, 1, H::VISIBILITY + H::QUIET).await.unwrap();
    assert!(taken.is_empty(), "{taken:?} was done");
}

/// Jobs come roughly in their order, which for one taker is their order.
pub async fn jobs_come_in_their_order_and_no_more_than_asked_for<H: QueueHarness>() {
    let harness = H::start(PATIENT).await;
    let queue = harness.queue();
    enqueue(&*queue, &["a", "b", "c", "d", "e"]).await;
    let mut names = Vec::new();
    while names.len() < 5 {
        let taken = queue.take(QUEUE, 2, SOON).await.unwrap();
        assert!((1..=2).contains(&taken.len()), "{taken:?}");
        for delivery in taken {
            names.push(name(&delivery).to_owned());
            delivery.done().await.unwrap();
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

/// A delivery that is dropped, as by a worker that panics, comes again with the attempts counted.
pub async fn a_dropped_delivery_comes_again<H: QueueHarness>() {
    let harness = H::start(QueueLimits { visibility: H::VISIBILITY, ..PATIENT }).await;
    let queue = harness.queue();
    enqueue(&*queue, &["a"]).await;
    for attempt in 1..=4 {
        let delivery = one(&*queue).await;
        assert_eq!((name(&delivery), delivery.attempt), ("a", attempt));
    }
}

/// A taker that forgets its delivery loses it when the time limit has passed, not before.
pub async fn a_delivery_that_is_not_settled_in_time_comes_again<H: QueueHarness>() {
    let harness = H::start(QueueLimits { visibility: H::VISIBILITY, ..PATIENT }).await;
    let queue = harness.queue();
    enqueue(&*queue, &["a"]).await;
    let started = Instant::now();
    let forgotten = one(&*queue).await;
    let again = one(&*queue).await;
    assert!(started.elapsed() >= H::VISIBILITY, "came again after {:?}", started.elapsed());
    assert_eq!((name(&again), again.attempt), ("a", 2));
    // Letting the old one go does not take the job from its new taker.
    drop(forgotten);
    nothing_comes::<H>(&*queue).await;
    again.done().await.unwrap();
}

/// Done is done, also when it is said after the time limit and while another taker has the job.
pub async fn a_late_done_is_final<H: QueueHarness>() {
    let harness = H::start(QueueLimits { visibility: H::VISIBILITY, ..PATIENT }).await;
    let queue = harness.queue();
    enqueue(&*queue, &["a"]).await;
    let slow = one(&*queue).await;
    let other = one(&*queue).await;
    slow.done().await.unwrap();
    drop(other);
    let taken = queue.take(QUEUE, 1, H::VISIBILITY + H::QUIET).await.unwrap();
    assert!(taken.is_empty(), "{taken:?} was done");
    enqueue(&*queue, &["a"]).await;
    assert_eq!(one(&*queue).await.attempt, 1);
}

/// A job that is to be retried later comes later, and others come in the meantime.
pub async fn a_retry_waits<H: QueueHarness>() {
    let harness = H::start(PATIENT).await;
    let queue = harness.queue();
    let pause = 2 * H::QUIET;
    enqueue(&*queue, &["a", "b"]).await;
    let started = Instant::now();
    one(&*queue).await.retry(pause).await.unwrap();
    let between = one(&*queue).await;
    assert_eq!((name(&between), between.attempt), ("b", 1));
    between.done().await.unwrap();
    let again = one(&*queue).await;
    assert!(started.elapsed() >= pause, "came again after {:?}", started.elapsed());
    assert_eq!((name(&again), again.attempt), ("a", 2));
    again.retry(Duration::ZERO).await.unwrap();
    assert_eq!(one(&*queue).await.attempt, 3);
}

/// A worker that says that it is still at it keeps its job.
pub async fn an_extended_delivery_stays_its_takers<H: QueueHarness>() {
    let harness = H::start(QueueLimits { visibility: H::VISIBILITY, ..PATIENT }).await;
    let queue = harness.queue();
    enqueue(&*queue, &["a"]).await;
    let delivery = one(&*queue).await;
    for _ in 0..4 {
        let taken = queue.take(QUEUE, 1, H::VISIBILITY / 2).await.unwrap();
        assert!(taken.is_empty(), "an extended job came again");
        delivery.extend().await.unwrap();
    }
    assert_eq!(one(&*queue).await.attempt, 2, "without extending it comes again");
}

/// A taker that waits is woken by a job, not by the end of its wait.
pub async fn a_waiting_taker_wakes<H: QueueHarness>() {
    let harness = H::start(PATIENT).await;
    let queue = harness.queue();
    for text in ["one", "two"] {
        let started = Instant::now();
        let mut waiting = pin!(queue.take(QUEUE, 5, 10 * SOON));
        assert!(poll_once(waiting.as_mut()).await.is_pending());
        let enqueued = [text];
        let (taken, ()) = tokio::join!(waiting, enqueue(&*queue, &enqueued));
        let taken = taken.unwrap();
        assert_eq!(taken.iter().map(name).collect::<Vec<_>>(), [text]);
        assert!(started.elapsed() < SOON, "woke after {:?}", started.elapsed());
        for delivery in taken {
            delivery.done().await.unwrap();
        }
    }
}

/// A take that is dropped at any point takes no job with it.
pub async fn a_dropped_take_loses_nothing<H: QueueHarness>() {
    let harness = H::start(QueueLimits { visibility: H::VISIBILITY, ..PATIENT }).await;
    let queue = harness.queue();
    let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    for (polls, name) in names.iter().enumerate() {
        enqueue(&*queue, &[name]).await;
        let mut dropped = pin!(queue.take(QUEUE, 1, SOON));
        for _ in 0..polls {
            if poll_once(dropped.as_mut()).await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let mut found = BTreeSet::new();
    while found.len() < names.len() {
        let delivery = one(&*queue).await;
        assert!(found.insert(name(&delivery).to_owned()), "{delivery:?} came after it was done");
        delivery.done().await.unwrap();
    }
}

/// Takers beside each other never have the same job at once, and all jobs are done.
pub async fn takers_do_not_share_a_job<H: QueueHarness>() {
    const JOBS: usize = 40;
    let harness = H::start(PATIENT).await;
    let names: Vec<String> = (0..JOBS).map(|number| number.to_string()).collect();
    let at_work = Arc::new(Mutex::new(BTreeSet::new()));
    let done = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (queue, at_work, done) = (harness.queue(), Arc::clone(&at_work), Arc::clone(&done));
        tasks.spawn(async move {
            while done.lock().unwrap().len() < JOBS {
                for delivery in queue.take(QUEUE, 3, H::QUIET).await.unwrap() {
                    let name = name(&delivery).to_owned();
                    assert!(at_work.lock().unwrap().insert(name.clone()), "{name} is at work");
                    tokio::task::yield_now().await;
                    at_work.lock().unwrap().remove(&name);
                    delivery.done().await.unwrap();
                    done.lock().unwrap().push(name);
                }
            }
        });
    }
    let queue = harness.queue();
    for name in &names {
        enqueue(&*queue, &[name]).await;
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let mut done = std::mem::take(&mut *done.lock().unwrap());
    done.sort_by_key(|name| name.parse::<usize>().unwrap());
    assert_eq!(done, names);
}

/// A queue at its bound refuses, jobs at work included, and takes jobs again when some are done.
pub async fn a_full_queue_refuses_and_keeps_what_it_has<H: QueueHarness>() {
    let harness = H::start(QueueLimits { max_jobs: 3, ..PATIENT }).await;
    let queue = harness.queue();
    enqueue(&*queue, &["a", "b", "c"]).await;
    let first = one(&*queue).await;
    match queue.enqueue(QUEUE, job("d")).await {
        Err(QueueError::Full { queue: QUEUE, limit: 3 }) => {}
        other => panic!("{other:?}"),
    }
    // A repeat takes no place, so it is not refused.
    enqueue(&*queue, &["b"]).await;
    first.done().await.unwrap();
    enqueue(&*queue, &["d"]).await;
    let rest = several(&*queue, 3).await;
    assert_eq!(rest.iter().map(name).collect::<Vec<_>>(), ["b", "c", "d"]);
    // All places are taken, by jobs at work: that is no error of the taker's.
    nothing_comes::<H>(&*queue).await;
    for delivery in rest {
        delivery.done().await.unwrap();
    }
    nothing_comes::<H>(&*queue).await;
}

/// The same id is one job while it waits and while it is worked on, and a new job afterwards.
pub async fn the_same_job_is_kept_once_while_it_is_there<H: QueueHarness>() {
    let harness = H::start(PATIENT).await;
    let queue = harness.queue();
    for _ in 0..2 {
        enqueue(&*queue, &["a", "a"]).await;
        let repeats = (queue.enqueue(QUEUE, job("a")), queue.enqueue(QUEUE, job("a")));
        let repeats = tokio::join!(repeats.0, repeats.1);
        repeats.0.unwrap();
        repeats.1.unwrap();
        let delivery = one(&*queue).await;
        enqueue(&*queue, &["a"]).await;
        nothing_comes::<H>(&*queue).await;
        assert_eq!(delivery.attempt, 1);
        delivery.done().await.unwrap();
        nothing_comes::<H>(&*queue).await;
    }
}

/// A job above the queue's bound is refused with both sizes.
pub async fn too_large_a_job_is_refused<H: QueueHarness>() {
    const BYTES: usize = 20 << 20;
    let harness = H::start(PATIENT).await;
    let queue = harness.queue();
    let large = Job { payload: Bytes::from(vec![0; BYTES]), ..job("large") };
    match queue.enqueue(QUEUE, large).await {
        Err(QueueError::TooLarge { bytes, limit_bytes, .. }) => {
            assert!(bytes >= BYTES && limit_bytes < BYTES);
        }
        other => panic!("{other:?}"),
    }
    enqueue(&*queue, &["a"]).await;
    assert_eq!(name(&one(&*queue).await), "a");
}

/// After a restart, what was not done comes, with its attempts counted on, and what was done does not.
pub async fn a_restart_loses_nothing<H: QueueHarness>() {
    let mut harness = H::start(QueueLimits { visibility: H::VISIBILITY, ..PATIENT }).await;
    let queue = harness.queue();
    enqueue(&*queue, &["done", "at work", "waiting"]).await;
    one(&*queue).await.done().await.unwrap();
    let at_work = one(&*queue).await;
    drop(queue);
    harness.restart().await;
    let queue = harness.queue();
    let mut found: Vec<(String, u32)> = several(&*queue, 2)
        .await
        .iter()
        .map(|delivery| (name(delivery).to_owned(), delivery.attempt))
        .collect();
    found.sort();
    assert_eq!(found, [("at work".to_owned(), 2), ("waiting".to_owned(), 1)]);
    drop(at_work);
    // Kept once: the restart remembers the ids.
    enqueue(&*queue, &["waiting"]).await;
    let mut again: Vec<Delivery> = several(&*queue, 2).await;
    again.sort_by_key(|delivery| name(delivery).to_owned());
    assert_eq!(again.iter().map(name).collect::<Vec<_>>(), ["at work", "waiting"]);
    nothing_comes::<H>(&*queue).await;
}
