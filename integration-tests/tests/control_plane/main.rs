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

mod api_client;
mod binaries;
mod cluster;
mod expected;
mod kubectl;
mod kubelet;
mod platform;
mod process;
mod relay;
mod story;
mod waiting;

use std::io::Write;
use std::time::Duration;

use binaries::ControlPlaneBinaries;
use tokio::time::Instant;

/// The whole suite, from the first process to the last. It takes about 20 s on two cores.
const WITHIN: Duration = Duration::from_secs(170);

/// Writes to the process's own stderr: what a test prints is hidden when it passes.
pub(crate) fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "control plane suite: {line}").expect("stderr is open");
}

#[test]
fn an_attack_on_a_real_cluster_becomes_one_incident() {
    let Some(binaries) = ControlPlaneBinaries::from_environment() else {
        say("DID NOT RUN, KUBE_DIR is not set (see CONTRIBUTING.md)");
        return;
    };
    say(&format!("runs with {}", binaries.folder().display()));
    airside_node::runtime().unwrap().block_on(async {
        let started = Instant::now();
        tokio::time::timeout(WITHIN, story::play(&binaries))
            .await
            .expect("the suite took too long");
        say(&format!("took {:.1} s", started.elapsed().as_secs_f64()));
    });
}
