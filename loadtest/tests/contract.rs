//! What programs rely on: each area's figures as one JSON object with the same fields, and a clear error
//! where there is nothing to measure. The figures themselves are not judged.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

use std::process::{Command, Output};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_airside-loadtest");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().expect("the program runs")
}

fn report(area: &str) -> Value {
    // Any program with `--version` does for the area that measures its start.
    let output = run(&[area, "--quick", "--output", "json", "--binary", PROGRAM]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{area}: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{area}: {error}"))
}

#[test]
fn an_area_tells_its_figures_beside_a_floor_of_the_same_run() {
    let areas = [
        "scan",
        "recheck",
        "audit",
        "webhook",
        "clusters",
        "admission",
        "runtime",
        "correlate",
        "version",
    ];
    for area in areas {
        tells_its_figures(area);
    }
}

#[test]
fn the_webhook_over_nats_tells_its_figures_too() {
    tells_its_figures("webhook-nats");
}

fn tells_its_figures(area: &str) {
    let report = report(area);
    assert_eq!(report["area"], area);
    let unit = report["work"]["unit"].as_str().unwrap_or_else(|| panic!("{area}: no unit"));
    assert!(report["work"][unit].as_u64() > Some(0), "{area}: {report}");
    for field in ["cpu_seconds", "wall_seconds", "rate_per_cpu_second", "ratio_to_floor"] {
        assert!(report[field].as_f64() > Some(0.0), "{area}: `{field}` in {report}");
    }
    // Many short programs have no peak in common.
    let peak = report["peak_rss_bytes"].as_u64();
    assert!(area == "version" || peak > Some(0), "{area}: {report}");
    assert!(report["floor"]["what"].is_string(), "{area}: {report}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let output = run(&["idle", "--quick", "--binary", "/no/such/airside"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`/no/such/airside` is no program: build it"), "{said}");
}
