//! The program `airside`, as people run it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Says that whoever runs the tests has built the whole workspace, so that the program is there.
const BUILT: &str = "AIRSIDE_PROGRAM_BUILT";

/// What cargo tells a test of its package. Build scripts that look at it would run again, and most of what the
/// program consists of be built once more.
const TOLD_BY_CARGO: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// The program, built if it may not be: a test binary of one package is built without it.
pub(crate) fn airside_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // The test binary lies in TARGET/debug/deps.
        let own = std::env::current_exe().expect("a test binary");
        let program = own.ancestors().nth(2).expect("a target folder").join("airside");
        if !is_built() {
            build();
        }
        assert!(program.is_file(), "`{}` is not there", program.display());
        program
    })
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says what they have built")]
fn is_built() -> bool {
    std::env::var_os(BUILT).is_some_and(|value| !value.is_empty())
}

fn build() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "airside", "--bin", "airside"]);
    for told in TOLD_BY_CARGO {
        cargo.env_remove(told);
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(built.success(), "the program cannot be built");
}
