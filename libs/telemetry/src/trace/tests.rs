//! A trace that comes in goes out again, whatever is logged; a malformed one is ignored.

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use super::*;
use crate::subscriber::spans;

const INCOMING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const INCOMING_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Runs a test with Airside's tracing, for this thread only; `log` is what would be logged.
fn traced<T>(log: &str, test: impl FnOnce() -> T) -> T {
    let provider = SdkTracerProvider::builder().build();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let subscriber = tracing_subscriber::registry()
        .with(lines.with_filter(EnvFilter::new(log)))
        .with(spans(&provider));
    with_default(subscriber, test)
}

#[test]
fn a_continued_span_is_in_the_trace_that_came_in() {
    for log in ["off", "warn,airside=info", "trace"] {
        let outgoing = traced(log, || {
            let span = tracing::info_span!("audit_ingest.receive");
            assert!(continue_from(&span, Some(INCOMING)));
            span.in_scope(|| {
                let deeper = tracing::info_span!("detect.evaluate");
                (parent_of_current().unwrap(), deeper.in_scope(parent_of_current).unwrap())
            })
        });
        for trace_parent in [&outgoing.0, &outgoing.1] {
            assert_eq!(trace_id(trace_parent), Some(INCOMING_TRACE), "{log}");
            assert!(trace_parent.ends_with("-01"), "{trace_parent} is sampled as its parent is");
        }
        assert_ne!(outgoing.0, outgoing.1);
        assert_ne!(outgoing.0, INCOMING);
    }
}

#[test]
fn a_trace_that_is_not_sampled_keeps_its_id_and_stays_unsampled() {
    let incoming = INCOMING.replace("-01", "-00");
    let outgoing = traced("info", || {
        let span = tracing::info_span!("audit_ingest.receive");
        assert!(continue_from(&span, Some(&incoming)));
        span.in_scope(parent_of_current).unwrap()
    });
    assert_eq!(trace_id(&outgoing), Some(INCOMING_TRACE));
    assert!(outgoing.ends_with("-00"), "{outgoing}");
}

#[test]
fn without_a_valid_context_a_span_begins_a_trace() {
    traced("info", || {
        for trace_parent in [None, Some("rubbish")] {
            let span = tracing::info_span!("audit_ingest.receive");
            assert!(!continue_from(&span, trace_parent));
            let outgoing = span.in_scope(parent_of_current).unwrap();
            let trace = trace_id(&outgoing).unwrap();
            assert_ne!(trace, INCOMING_TRACE);
        }
    });
}

#[test]
fn a_span_that_was_entered_keeps_its_trace() {
    traced("info", || {
        let span = tracing::info_span!("audit_ingest.receive");
        let before = span.in_scope(parent_of_current);
        assert!(!continue_from(&span, Some(INCOMING)));
        assert_eq!(span.in_scope(parent_of_current), before);
    });
}

#[test]
fn a_dependencys_span_in_between_does_not_cut_the_trace() {
    traced("trace", || {
        let span = tracing::info_span!("audit_ingest.receive");
        continue_from(&span, Some(INCOMING));
        let _entered = span.enter();
        let foreign = tracing::info_span!(target: "h2", "connection");
        let outgoing = foreign.in_scope(parent_of_current).unwrap();
        assert_eq!(trace_id(&outgoing), Some(INCOMING_TRACE));
        let deeper = foreign.in_scope(|| tracing::info_span!("log.append"));
        let outgoing = deeper.in_scope(parent_of_current).unwrap();
        assert_eq!(trace_id(&outgoing), Some(INCOMING_TRACE));
    });
}

#[test]
fn outside_of_spans_and_without_a_subscriber_there_is_no_trace() {
    assert_eq!(parent_of_current(), None);
    assert_eq!(traced("info", parent_of_current), None);
    let span = tracing::info_span!("audit_ingest.receive");
    assert!(!continue_from(&span, Some(INCOMING)));
}

#[test]
fn a_traceparent_is_read_as_the_standard_says() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let span = "00f067aa0ba902b7";
    let zeros = "0".repeat(32);
    for valid in [
        format!("00-{trace}-{span}-00"),
        format!("00-{trace}-{span}-ff"),
        format!("01-{trace}-{span}-01"),
        format!("cc-{trace}-{span}-01-what-the-future-brings"),
    ] {
        assert_eq!(trace_id(&valid), Some(trace), "{valid}");
    }
    for invalid in [
        String::new(),
        "-".repeat(55),
        format!("ff-{trace}-{span}-01"),
        format!("00-{trace}-{span}-01-more"),
        format!("00-{trace}-{span}-01-"),
        format!("00-{trace}-{span}"),
        format!("00-{zeros}-{span}-01"),
        format!("00-{trace}-{}-01", "0".repeat(16)),
        format!("00-{}-{span}-01", trace.to_uppercase()),
        format!("00-{trace}f-{span}-01"),
        format!("0x-{trace}-{span}-01"),
        format!("00-{trace}-{span}-+1"),
        format!(" 00-{trace}-{span}-01"),
        format!("00-{trace}-{span}-01\u{e4}"),
    ] {
        assert_eq!(trace_id(&invalid), None, "{invalid}");
    }
}
