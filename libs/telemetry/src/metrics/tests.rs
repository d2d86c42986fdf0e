//! What Prometheus sees, and that it stays bounded.

use proptest::prelude::*;

use super::*;

#[test]
fn metrics_are_shown_as_documented() {
    let metrics = Metrics::new();
    metrics.counter("airside_audit_ingest_events_total", "Events taken in.").add(3);
    metrics.gauge("airside_log_lag_records", "Records not yet read.").set(-2);
    let by_rule = metrics.counter_by(
        "airside_audit_ingest_detections_total",
        "Detections by rule and severity.",
        &["rule", "severity"],
    );
    by_rule.with(&["R20", "high"]).inc();
    by_rule.with(&["R12", "low"]).inc();
    by_rule.with(&["R20", "high"]).inc();
    let duration = metrics.histogram(
        "airside_admission_review_duration_seconds",
        "Time to answer a review.",
        &[0.1, 1.0],
    );
    duration.observe(0.05);
    duration.observe_duration(std::time::Duration::from_millis(500));
    insta::assert_snapshot!(metrics.encode(), @r#"
    # HELP airside_admission_review_duration_seconds Time to answer a review.
    # TYPE airside_admission_review_duration_seconds histogram
    airside_admission_review_duration_seconds_sum 0.55
    airside_admission_review_duration_seconds_count 2
    airside_admission_review_duration_seconds_bucket{le="0.1"} 1
    airside_admission_review_duration_seconds_bucket{le="1.0"} 2
    airside_admission_review_duration_seconds_bucket{le="+Inf"} 2
    # HELP airside_audit_ingest_detections Detections by rule and severity.
    # TYPE airside_audit_ingest_detections counter
    airside_audit_ingest_detections_total{rule="R12",severity="low"} 1
    airside_audit_ingest_detections_total{rule="R20",severity="high"} 2
    # HELP airside_audit_ingest_events Events taken in.
    # TYPE airside_audit_ingest_events counter
    airside_audit_ingest_events_total 3
    # HELP airside_log_lag_records Records not yet read.
    # TYPE airside_log_lag_records gauge
    airside_log_lag_records -2
    # EOF
    "#);
}

#[test]
fn a_metric_without_labels_is_shown_from_the_start_and_a_family_with_its_first_member() {
    let metrics = Metrics::new();
    metrics.counter("airside_a_total", "A.");
    metrics.counter_by("airside_b_total", "B.", &["rule"]);
    insta::assert_snapshot!(metrics.encode(), @"
    # HELP airside_a A.
    # TYPE airside_a counter
    airside_a_total 0
    # EOF
    ");
}

#[test]
fn the_same_name_is_the_same_metric() {
    let metrics = Metrics::new();
    for metrics in [&metrics, &metrics.clone()] {
        metrics.counter("airside_a_total", "A.").inc();
        metrics.counter_by("airside_b_total", "B.", &["rule"]).with(&["x"]).inc();
        metrics.gauge("airside_c", "C.").inc();
        metrics.histogram("airside_d_seconds", "D.", &[1.0]).observe(0.5);
    }
    assert_eq!(metrics.counter("airside_a_total", "A.").get(), 2);
    assert_eq!(metrics.counter_by("airside_b_total", "B.", &["rule"]).with(&["x"]).get(), 2);
    assert_eq!(metrics.gauge("airside_c", "C.").get(), 2);
    assert!(metrics.encode().contains("airside_d_seconds_count 2\n"));
}

#[test]
fn two_nodes_count_apart() {
    let (one, other) = (Metrics::new(), Metrics::new());
    one.counter("airside_a_total", "A.").inc();
    assert_eq!(other.counter("airside_a_total", "A.").get(), 0);
}

#[test]
fn a_name_taken_by_another_kind_or_other_labels_stays_what_it_was() {
    let metrics = Metrics::new();
    metrics.counter_by("airside_a_total", "A.", &["rule"]).with(&["x"]).inc();
    let before = metrics.encode();
    metrics.gauge("airside_a_total", "A.").set(7);
    metrics.counter("airside_a_total", "A.").add(7);
    metrics.counter_by("airside_a_total", "A.", &["tenant"]).with(&["x"]).add(7);
    assert_eq!(metrics.encode(), before);
}

#[test]
fn what_exceeds_the_capacity_of_a_family_is_counted_as_other() {
    let metrics = Metrics::new();
    let family = metrics.counter_by("airside_a_total", "A.", &["tenant", "rule"]);
    for number in 0..FAMILY_CAPACITY + 100 {
        family.with(&[&format!("tenant-{number}"), "R1"]).inc();
    }
    // Who has a place keeps it.
    family.with(&["tenant-0", "R1"]).inc();
    assert_eq!(family.with(&["tenant-0", "R1"]).get(), 2);
    assert_eq!(family.with(&[OTHER, OTHER]).get(), 100);
    let shown = metrics.encode();
    assert_eq!(shown.matches("\nairside_a_total{").count(), FAMILY_CAPACITY + 1);
    assert!(shown.contains("{tenant=\"other\",rule=\"other\"} 100\n"), "{shown}");
}

#[test]
fn hostile_label_values_are_cut_and_escaped() {
    let metrics = Metrics::new();
    let family = metrics.counter_by("airside_a_total", "A.", &["rule"]);
    family.with(&["say \"hi\"\\\nairside_forged 1"]).inc();
    family.with(&[&"ä".repeat(500)]).inc();
    let shown = metrics.encode();
    assert!(shown.contains(r#"{rule="say \"hi\"\\\nairside_forged 1"} 1"#), "{shown}");
    assert!(shown.contains(&format!("{{rule=\"{}\"}} 1", "ä".repeat(64))), "{shown}");
}

proptest! {
    /// Whatever the values are, each sample is one line and each combination one sample.
    #[test]
    fn label_values_never_break_the_text(values in proptest::collection::btree_set(".{0,20}", 1..20)) {
        let metrics = Metrics::new();
        let family = metrics.counter_by("airside_a_total", "A.", &["rule"]);
        for value in &values {
            family.with(&[value]).inc();
        }
        let shown = metrics.encode();
        // `split`, not `lines`: only a line feed ends a line there.
        let samples = shown.split('\n').filter(|line| line.starts_with("airside_a_total{rule=\""));
        let whole = samples.filter(|line| line.ends_with("\"} 1"));
        prop_assert_eq!(whole.count(), values.len());
        prop_assert_eq!(shown.split('\n').count(), values.len() + 4);
    }
}
