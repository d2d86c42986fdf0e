//! Generators for scans and jobs.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Scale, cluster, finding, id, list, object, pass, place, severity, tenant, text, time};
use crate::job::{Job, JobState, ScanJob};
use crate::scan::{
    AcceptedFailure, IneffectiveException, JudgedObject, NotEvaluated, Publication, PublishOutcome,
    ScanAnswer, ScanReport, ScanRequest, ScanTerms, SourceFile, Unreadable,
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
    let told = (
        vec(finding(scale), 0..3),
        vec(pass(scale), 0..3),
        vec(unjudged, 0..3),
        vec(unreadable, 0..3),
    );
    (told, beside(scale)).prop_map(
        |((findings, passes, not_evaluated, unreadable), (objects, accepted, ineffective))| {
            ScanReport {
                findings,
                passes,
                not_evaluated,
                unreadable,
                objects,
                accepted,
                ineffective,
            }
        },
    )
}

type Beside = (Vec<JudgedObject>, Vec<AcceptedFailure>, Vec<IneffectiveException>);

/// What only the answer to a scan tells.
fn beside(scale: Scale) -> impl Strategy<Value = Beside> + Clone {
    let object = (object(scale), text(scale), place(scale), any::<u32>()).prop_map(
        |(object, api_version, place, findings)| JudgedObject {
            object,
            api_version,
            place,
            findings,
        },
    );
    let accepted = (finding(scale), text(scale), option::of(time()), place(scale)).prop_map(
        |(finding, reason, until, place)| AcceptedFailure { finding, reason, until, place },
    );
    let ineffective = (place(scale), text(scale))
        .prop_map(|(place, problem)| IneffectiveException { place, problem });
    (vec(object, 0..3), vec(accepted, 0..3), vec(ineffective, 0..3))
}

fn terms() -> impl Strategy<Value = ScanTerms> + Clone {
    let scale = Scale::Ordinary;
    let severities = vec((text(scale), severity()), 0..3);
    (text(scale), vec(text(scale), 0..3), severities, severity()).prop_map(
        |(profile, left_out, severities, fail_on)| ScanTerms {
            profile,
            left_out,
            severities,
            fail_on,
        },
    )
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
    (report(Scale::Ordinary), option::of(outcome), option::of(terms()))
        .prop_map(|(report, published, terms)| ScanAnswer { report, published, terms })
}

pub(in crate::tests) fn job() -> impl Strategy<Value = Job> + Clone {
    let state = prop_oneof![
        Just(JobState::Queued),
        Just(JobState::Running),
        (time(), answer()).prop_map(|(finished, answer)| {
            // A job keeps what a scan saw, and not by which terms.
            let answer = Box::new(ScanAnswer { terms: None, ..answer });
            JobState::Done { finished, answer }
        }),
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
