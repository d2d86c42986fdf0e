//! Generators for scans and jobs.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Scale, cluster, finding, id, list, pass, place, severity, tenant, text, time};
use crate::job::{Job, JobState, ScanJob};
use crate::scan::{
    NotEvaluated, Publication, PublishOutcome, ScanAnswer, ScanReport, ScanRequest, SourceFile,
    Unreadable,
};

pub(in crate::tests) fn scan_request() -> impl Strategy<Value = ScanRequest> + Clone {
    let file = ("[a-z/.]{1,12}", vec(any::<u8>(), 0..30))
        .prop_map(|(path, content)| SourceFile { path, content: content.into() });
    (vec(file, 1..4), cluster(), any::<bool>(), option::of(severity())).prop_map(
        |(files, cluster, publish, failing_severity)| ScanRequest {
            files,
            cluster,
            publish,
            failing_severity,
        },
    )
}

pub(in crate::tests) fn report(scale: Scale) -> impl Strategy<Value = ScanReport> + Clone {
    let unjudged =
        (text(scale), text(scale)).prop_map(|(check, reason)| NotEvaluated { check, reason });
    let unreadable =
        (place(scale), text(scale)).prop_map(|(place, reason)| Unreadable { place, reason });
    (vec(finding(scale), 0..3), vec(pass(scale), 0..3), vec(unjudged, 0..3), vec(unreadable, 0..3))
        .prop_map(|(findings, passes, not_evaluated, unreadable)| ScanReport {
            findings,
            passes,
            not_evaluated,
            unreadable,
        })
}

pub(in crate::tests) fn publication() -> impl Strategy<Value = Publication> + Clone {
    let scale = Scale::Ordinary;
    (cluster(), report(scale), list(scale, text(scale)))
        .prop_map(|(cluster, report, scanned_paths)| Publication { cluster, report, scanned_paths })
}

pub(in crate::tests) fn answer() -> impl Strategy<Value = ScanAnswer> + Clone {
    let outcome = any::<[u64; 5]>().prop_map(|[opened, fixed, gone, unchanged, reappeared]| {
        PublishOutcome { opened, fixed, gone, unchanged, reappeared }
    });
    (report(Scale::Ordinary), option::of(outcome))
        .prop_map(|(report, published)| ScanAnswer { report, published })
}

pub(in crate::tests) fn job() -> impl Strategy<Value = Job> + Clone {
    let state = prop_oneof![
        Just(JobState::Queued),
        Just(JobState::Running),
        (time(), answer())
            .prop_map(|(finished, answer)| JobState::Done { finished, answer: Box::new(answer) }),
        time().prop_map(|finished| JobState::Cancelled { finished }),
        (time(), text(Scale::Ordinary))
            .prop_map(|(finished, error)| JobState::Failed { finished, error }),
    ]
    .boxed();
    (id(), time(), any::<u32>(), state).prop_map(|(id, submitted, attempts, state)| Job {
        id,
        submitted,
        attempts,
        state,
    })
}

pub(in crate::tests) fn scan_job() -> impl Strategy<Value = ScanJob> + Clone {
    (tenant(), scan_request(), time())
        .prop_map(|(tenant, scan, submitted)| ScanJob::new(tenant, scan, submitted))
}
