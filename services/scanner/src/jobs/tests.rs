//! Jobs from the queue: done once in effect however often they are delivered, and kept within bounds.

use std::time::Duration;

use airside_config::Interval;
use airside_ports::Delivery;
use airside_types::{Cluster, FindingState};
use airside_wire::scan::SourceFile;

use super::*;
use crate::options::Options;
use crate::testing::{PRIVILEGED, TestScanner, at, source};

fn scan(files: &[(&str, &str)]) -> ScanRequest {
    let cluster = Cluster::default();
    ScanRequest { files: source(files), cluster, publish: true, failing_severity: None }
}

fn tenant() -> Tenant {
    Tenant::default()
}

async fn take(scanner: &TestScanner) -> Option<Delivery> {
    scanner.deps.queue.take(QUEUE, 1, Duration::from_millis(10)).await.unwrap().pop()
}

async fn state(scanner: &TestScanner, id: Id) -> JobState {
    scanner.jobs.get(&tenant(), id).await.unwrap().expect("a job").state
}

/// Takes deliveries and settles them until there are none.
async fn work_off(scanner: &TestScanner) {
    while let Some(delivery) = take(scanner).await {
        scanner.jobs.settle(delivery).await;
    }
}

#[tokio::test]
async fn a_job_waits_runs_and_has_a_result() {
    let scanner = TestScanner::in_memory().await;
    let id = scanner.jobs.submit(&tenant(), scan(&[("web.yaml", PRIVILEGED)])).await.unwrap();
    assert_eq!(state(&scanner, id).await, JobState::Queued);
    work_off(&scanner).await;
    let JobState::Done { finished, answer } = state(&scanner, id).await else { panic!("not done") };
    assert_eq!(finished, at(0));
    let opened = answer.published.unwrap().opened;
    assert_eq!(opened, answer.report.findings.len() as u64);
    assert_eq!(scanner.findings("default").await.len() as u64, opened);
    let stranger = Tenant::new("stranger").unwrap();
    assert_eq!(scanner.jobs.get(&stranger, id).await.unwrap(), None);
    scanner.stop().await;
}

#[tokio::test]
async fn a_job_that_is_delivered_again_has_no_second_effect() {
    let scanner = TestScanner::in_memory().await;
    let id = scanner.jobs.submit(&tenant(), scan(&[("web.yaml", PRIVILEGED)])).await.unwrap();
    let delivery = take(&scanner).await.expect("a delivery");
    let (job, attempt) = (delivery.job.clone(), delivery.attempt);
    scanner.jobs.settle(delivery).await;
    let (done, told) = (state(&scanner, id).await, scanner.told().await);

    // Its worker died before it could say so: the same payload comes once more, while the finding was fixed.
    scanner.clock.pass_seconds(60);
    scanner.publish("default", &[("web.yaml", "")]).await;
    scanner.deps.queue.enqueue(QUEUE, job).await.unwrap();
    let again = take(&scanner).await.expect("a second delivery");
    assert_eq!(again.attempt, attempt);
    scanner.jobs.settle(again).await;
    assert_eq!(state(&scanner, id).await, done);
    let findings = scanner.findings("default").await;
    assert!(findings.iter().all(|entry| entry.finding.state != FindingState::Open));
    assert!(scanner.told().await.len() > told.len(), "only the fixes were told");
    assert!(take(&scanner).await.is_none());
    scanner.stop().await;
}

#[tokio::test]
async fn the_same_scan_is_one_job_while_it_waits_and_is_done_anew_afterwards() {
    let scanner = TestScanner::in_memory().await;
    let request = scan(&[("web.yaml", PRIVILEGED)]);
    let first = scanner.jobs.submit(&tenant(), request.clone()).await.unwrap();
    scanner.clock.pass_seconds(5);
    assert_eq!(scanner.jobs.submit(&tenant(), request.clone()).await.unwrap(), first);
    assert_eq!(scanner.jobs.get(&tenant(), first).await.unwrap().unwrap().submitted, at(0));
    let delivery = take(&scanner).await.expect("one delivery");
    assert!(take(&scanner).await.is_none(), "one job");
    scanner.jobs.settle(delivery).await;

    assert_eq!(scanner.jobs.submit(&tenant(), request).await.unwrap(), first);
    assert_eq!(state(&scanner, first).await, JobState::Queued);
    work_off(&scanner).await;
    let JobState::Done { answer, .. } = state(&scanner, first).await else { panic!("not done") };
    assert_eq!(answer.published.unwrap().opened, 0, "everything was known");
    scanner.stop().await;
}

#[tokio::test]
async fn a_waiting_job_can_be_taken_back_and_one_that_ended_cannot() {
    let scanner = TestScanner::in_memory().await;
    let id = scanner.jobs.submit(&tenant(), scan(&[("web.yaml", PRIVILEGED)])).await.unwrap();
    let cancelled = scanner.jobs.cancel(&tenant(), id).await.unwrap().expect("a job");
    assert_eq!(cancelled.state, JobState::Cancelled { finished: at(0) });
    work_off(&scanner).await;
    assert_eq!(state(&scanner, id).await, cancelled.state);
    assert_eq!(scanner.findings("default").await, []);
    let error = scanner.jobs.cancel(&tenant(), id).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::FailedPrecondition);
    assert_eq!(scanner.jobs.cancel(&tenant(), Id::from_bytes([7; 16])).await.unwrap(), None);
    scanner.stop().await;
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_fails_its_job_and_publishes_nothing() {
    let scanner = TestScanner::in_memory().await;
    // Each path of 4000 bytes stands in every finding and pass of its object.
    let path = |file: usize| format!("{}{file}.yaml", "p".repeat(4000));
    let content = bytes::Bytes::from_static(PRIVILEGED.as_bytes());
    let files = (0..200).map(|file| SourceFile { path: path(file), content: content.clone() });
    let request = ScanRequest { files: files.collect(), ..scan(&[]) };
    let id = scanner.jobs.submit(&tenant(), request).await.unwrap();
    let delivery = take(&scanner).await.expect("a delivery");
    scanner.jobs.settle(delivery).await;
    let JobState::Failed { error, .. } = state(&scanner, id).await else { panic!("not failed") };
    assert!(error.starts_with("the report is too large to be kept"), "{error}");
    assert!(error.ends_with("use ScanStream"), "{error}");
    assert_eq!(scanner.findings("default").await, []);
    assert!(take(&scanner).await.is_none(), "it is not tried again");
    scanner.stop().await;
}

#[tokio::test]
async fn ended_jobs_make_room_and_waiting_ones_do_not() {
    let options = Options { jobs_per_tenant: 2, ..Options::default() };
    let scanner = TestScanner::with(&options).await;
    let submit = async |file: &str| {
        scanner.clock.pass_seconds(1);
        scanner.jobs.submit(&tenant(), scan(&[(file, PRIVILEGED)])).await
    };
    let kept = async |id| scanner.jobs.get(&tenant(), id).await.unwrap().is_some();
    let first = submit("1.yaml").await.unwrap();
    work_off(&scanner).await;
    let second = submit("2.yaml").await.unwrap();
    let third = submit("3.yaml").await.unwrap();
    assert_eq!((kept(first).await, kept(second).await, kept(third).await), (false, true, true));
    let error = submit("4.yaml").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    assert!(error.message.contains("`scanner.jobs_per_tenant`"), "{error}");
    let stranger = Tenant::new("stranger").unwrap();
    assert!(scanner.jobs.submit(&stranger, scan(&[("4.yaml", PRIVILEGED)])).await.is_ok());
    scanner.stop().await;
}

#[tokio::test]
async fn old_jobs_are_forgotten_and_not_carried_out() {
    let options = Options { job_age: Interval::from_secs(100), ..Options::default() };
    let scanner = TestScanner::with(&options).await;
    let id = scanner.jobs.submit(&tenant(), scan(&[("web.yaml", PRIVILEGED)])).await.unwrap();
    scanner.clock.pass_seconds(101);
    scanner.jobs.history.sweep(scanner.clock.now()).await.unwrap();
    assert_eq!(scanner.jobs.get(&tenant(), id).await.unwrap(), None);
    work_off(&scanner).await;
    assert_eq!(scanner.findings("default").await, []);
    assert_eq!(scanner.jobs.get(&tenant(), id).await.unwrap(), None);
    scanner.stop().await;
}

#[tokio::test]
async fn what_is_no_job_is_set_aside_and_a_job_that_is_given_up_says_why() {
    let options = Options { job_attempts: 1, ..Options::default() };
    let scanner = TestScanner::with(&options).await;
    let headers = Headers { message: "scan-job.v1".to_owned(), trace_parent: None };
    let payload = bytes::Bytes::from_static(b"nonsense");
    let nonsense = QueuedJob { id: Id::from_bytes([9; 16]), headers, payload };
    scanner.deps.queue.enqueue(QUEUE, nonsense).await.unwrap();
    work_off(&scanner).await;

    let id = scanner.jobs.submit(&tenant(), scan(&[("web.yaml", PRIVILEGED)])).await.unwrap();
    scanner.stop_writing().await;
    work_off(&scanner).await;
    let error = "the scanner is stopping: try again".to_owned();
    assert_eq!(state(&scanner, id).await, JobState::Failed { finished: at(0), error });
    let reasons = scanner.set_aside().await;
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].starts_with("the bytes are no scan job"), "{reasons:?}");
    assert_eq!(reasons[1], "the scanner is stopping: try again");
}
