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

use std::io::Write;
use std::path::{Path, PathBuf};

/// A folder with the binaries of a control plane.
#[derive(Debug)]
struct ControlPlaneBinaries {
    folder: PathBuf,
}

impl ControlPlaneBinaries {
    /// What `KUBE_DIR` names, `None` when it is unset.
    ///
    /// # Panics
    /// When it is set and a binary is missing: a wrong folder must not look like a passed suite.
    #[expect(clippy::disallowed_methods, reason = "the one setting of this test binary")]
    fn from_environment() -> Option<Self> {
        let folder = Path::new(&std::env::var_os("KUBE_DIR")?).join("bin");
        for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            assert!(folder.join(name).is_file(), "KUBE_DIR: {} has no {name}", folder.display());
        }
        Some(Self { folder })
    }
}

/// Writes to the process's own stderr: what a test prints is hidden when it passes.
fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "{line}").expect("stderr is open");
}

#[test]
fn an_attack_on_a_real_cluster_becomes_one_incident() {
    let Some(binaries) = ControlPlaneBinaries::from_environment() else {
        say("control plane suite: DID NOT RUN, KUBE_DIR is not set (see CONTRIBUTING.md)");
        return;
    };
    say(&format!("control plane suite: runs with {}", binaries.folder.display()));
    // The scenario comes here. Until it does, a run with binaries must not look like a passed one.
    panic!("no scenario drives the control plane yet");
}
