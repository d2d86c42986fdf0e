//! The whole path on a real Kubernetes control plane, as a test binary of its own.
//!
//! `KUBE_DIR` names a folder whose `bin` holds kube-apiserver, kube-controller-manager and
//! kube-scheduler; etcd and kubectl come from the PATH. Without it the suite passes and says, past
//! the test runner's capture, that it did not run.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its harness too"
)]

mod accounting;
mod api_client;
mod binaries;
mod cascades;
mod cluster;
mod drift;
mod expected;
mod kubectl;
mod kubelet;
mod live;
mod platform;
mod process;
#[path = "../it/program.rs"]
mod program;
mod relay;
mod stages;
mod story;
mod waiting;

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use binaries::ControlPlaneBinaries;
use tokio::time::Instant;

/// A test, from the first process to the last. Each takes less than a minute on two cores.
const WITHIN: Duration = Duration::from_secs(170);

/// Writes to the process's own stderr: what a test prints is hidden when it passes.
pub(crate) fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "control plane suite: {line}").expect("stderr is open");
}

/// A control plane takes both cores, and one of the tests measures.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a test on the control plane that the environment names, if it does. What has to be built first takes its
/// own time.
fn with_control_plane(build: fn(), test: impl AsyncFnOnce(&ControlPlaneBinaries)) {
    let Some(binaries) = ControlPlaneBinaries::from_environment() else {
        say("DID NOT RUN, KUBE_DIR is not set (see CONTRIBUTING.md)");
        return;
    };
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    build();
    say(&format!("runs with {}", binaries.folder().display()));
    airside_node::runtime().unwrap().block_on(async {
        let started = Instant::now();
        tokio::time::timeout(WITHIN, test(&binaries)).await.expect("the suite took too long");
        say(&format!("took {:.1} s", started.elapsed().as_secs_f64()));
    });
}

#[test]
fn an_attack_on_a_real_cluster_becomes_one_incident() {
    with_control_plane(|| (), async |binaries| story::play(binaries).await);
}

#[test]
fn every_event_is_accounted_for_though_airside_is_killed_three_times() {
    let build = || _ = program::airside_binary();
    with_control_plane(build, async |binaries| accounting::play(binaries).await);
}

#[test]
fn a_session_is_told_once_and_while_it_is_open_where_all_stages_are_logged() {
    with_control_plane(|| (), async |binaries| stages::play(binaries).await);
}

#[test]
fn what_controllers_do_is_grouped_with_the_request_that_they_carry_out() {
    with_control_plane(|| (), async |binaries| cascades::play(binaries).await);
}

#[test]
fn a_change_in_a_live_cluster_is_a_finding_within_a_second() {
    let build = || _ = program::airside_binary();
    with_control_plane(build, async |binaries| live::play(binaries).await);
}

#[test]
fn what_is_added_to_a_live_object_is_drift_and_what_kubernetes_adds_is_none() {
    let build = || _ = program::airside_binary();
    with_control_plane(build, async |binaries| drift::play(binaries).await);
}
