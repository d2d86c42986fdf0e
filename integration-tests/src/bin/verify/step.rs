//! The steps of `cargo verify`: what each is called, needs and runs.
//!
//! Owns the cargo command lines and nothing else. A step inherits the terminal, so that cargo's
//! own messages appear as they are; only the tests' output is read on its way through, for its
//! closing line.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::closing_line::{self, Runner};
use crate::nats_server;

/// Tells the tests that they need not build the program themselves.
const PROGRAM_BUILT: &str = "AIRSIDE_PROGRAM_BUILT";

/// One step. The order of the variants is the order in which steps run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Brings what the tests need.
    Tools,
    /// The format of the sources.
    Format,
    /// The lints.
    Clippy,
    /// All tests, the architecture's rules among them.
    Tests,
    /// The documentation.
    Docs,
}

/// What the steps work with, and what one leaves for the next.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The cargo that runs us.
    pub(crate) cargo: OsString,
    /// The workspace's root.
    pub(crate) workspace: PathBuf,
    /// Where downloaded tools may be kept.
    pub(crate) cache: PathBuf,
    /// The nats-server for the tests: given by the caller, or brought by `Step::Tools`.
    pub(crate) nats_server: Option<PathBuf>,
    /// Whether a person watches: colours are asked for where output goes through a pipe.
    pub(crate) colour: bool,
}

impl Step {
    pub(crate) const ALL: [Self; 5] =
        [Self::Tools, Self::Format, Self::Clippy, Self::Tests, Self::Docs];

    /// The word for `--only` and the summary.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Format => "fmt",
            Self::Clippy => "clippy",
            Self::Tests => "test",
            Self::Docs => "doc",
        }
    }

    /// One line for people.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Tools => "nats-server for the tests, from the Python registry, into the cache",
            Self::Format => "cargo fmt --all --check",
            Self::Clippy => "cargo clippy --workspace --all-targets, warnings denied",
            Self::Tests => {
                "all tests of the workspace and the dependency rules, by cargo nextest or cargo test"
            }
            Self::Docs => "cargo doc --workspace --no-deps, warnings denied",
        }
    }

    /// The steps that have to run before this one.
    pub(crate) const fn needs(self) -> Option<Self> {
        match self {
            Self::Tests => Some(Self::Tools),
            _ => None,
        }
    }

    /// Runs the step and waits for it: a remark for the summary.
    ///
    /// # Errors
    /// Why it failed, in a form that makes sense without the output above it.
    pub(crate) fn run(self, bench: &mut Bench) -> Result<String, String> {
        match self {
            Self::Tools => {
                let brought = nats_server::bring(bench.nats_server.as_deref(), &bench.cache)?;
                let remark = format!("nats-server {}", brought.version);
                println!("{remark} at {}", brought.program.display());
                bench.nats_server = Some(brought.program);
                Ok(remark)
            }
            Self::Format => plain(bench.cargo(&["fmt", "--all", "--check"])),
            // Not --all-features: tests of the workspace switch on every feature that is used, and
            // another feature set would build the dependencies once more.
            Self::Clippy => plain(bench.cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])),
            Self::Tests => tests(bench),
            Self::Docs => {
                let mut command = bench.cargo(&["doc", "--workspace", "--no-deps"]);
                command.env("RUSTDOCFLAGS", "-D warnings");
                plain(command)
            }
        }
    }
}

impl Bench {
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.args(arguments).current_dir(&self.workspace);
        command
    }

    /// cargo-nextest where it is installed, else cargo's own runner.
    fn runner(&self) -> Runner {
        let mut probe = self.cargo(&["nextest", "--version"]);
        match probe.stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Runner::Nextest,
            _ => Runner::Libtest,
        }
    }
}

/// Runs a command whose output nobody but the person reads.
fn plain(mut command: Command) -> Result<String, String> {
    let status = command.status().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if status.success() { Ok(String::new()) } else { Err(status.to_string()) }
}

/// Runs all tests and reports the runner's own closing line.
fn tests(bench: &Bench) -> Result<String, String> {
    let runner = bench.runner();
    let colour = if bench.colour { "always" } else { "never" };
    // Each runner writes results to one of the two pipes; the other one stays the terminal's.
    let mut command = match runner {
        Runner::Nextest => {
            let mut command = bench.cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
            command.args(["--color", colour]).stderr(Stdio::piped());
            command
        }
        Runner::Libtest => {
            let mut command = bench.cargo(&["test", "--workspace", "--no-fail-fast"]);
            command.args(["--", "--color", colour]).stdout(Stdio::piped());
            command
        }
    };
    // With the workspace's tests the program is built as well.
    command.env(PROGRAM_BUILT, "1");
    if let Some(program) = &bench.nats_server {
        command.env(nats_server::VARIABLE, program);
    }
    let mut child =
        command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let mut closing = closing_line::Watch::new(runner);
    let copied = match (child.stdout.take(), child.stderr.take()) {
        (Some(pipe), _) => copy(pipe, std::io::stdout(), &mut closing),
        (None, Some(pipe)) => copy(pipe, std::io::stderr(), &mut closing),
        (None, None) => Ok(()),
    };
    let status = child.wait().map_err(|error| format!("cannot wait for the tests: {error}"))?;
    copied.map_err(|error| format!("the output of the tests cannot be passed on: {error}"))?;
    let remark = closing.finish().unwrap_or_else(|| "no test ran".to_owned());
    if status.success() { Ok(remark) } else { Err(remark) }
}

/// Passes the runner's output on, line by line, and shows each line to `closing`.
fn copy(
    from: impl Read,
    mut to: impl Write,
    closing: &mut closing_line::Watch,
) -> std::io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        closing.see(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(())
}
