//! The control plane's programs: where they are, and which flags they know.
//!
//! Owns the suite's one setting. What the programs are started with is `cluster`'s.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with the binaries of a control plane.
#[derive(Debug)]
pub(crate) struct ControlPlaneBinaries {
    folder: PathBuf,
}

impl ControlPlaneBinaries {
    /// What `KUBE_DIR` names, `None` when it is unset.
    ///
    /// # Panics
    /// When it is set and a binary is missing: a wrong folder must not look like a passed suite.
    #[expect(clippy::disallowed_methods, reason = "the one setting of this test binary")]
    pub(crate) fn from_environment() -> Option<Self> {
        let folder = Path::new(&std::env::var_os("KUBE_DIR")?).join("bin");
        for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            assert!(folder.join(name).is_file(), "KUBE_DIR: {} has no {name}", folder.display());
        }
        Some(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of them.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a program says about its flags: some came and went between the versions.
    pub(crate) fn help(&self, name: &str) -> String {
        let output = Command::new(self.program(name)).arg("--help").output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }
}
