//! The program `airside`, as people run it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program, built if it is not: a test binary is built without it.
pub(crate) fn airside_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "airside", "--bin", "airside"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the program cannot be built");
        // The test binary lies in TARGET/debug/deps.
        let own = std::env::current_exe().expect("a test binary");
        own.ancestors().nth(2).expect("a target folder").join("airside")
    })
}
