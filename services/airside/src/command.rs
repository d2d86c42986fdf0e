//! Carrying out the commands: one module each, and the exit statuses that they share.

mod access;
mod authorised;
mod cases;
mod catalogue;
mod completions;
mod config;
pub mod connect;
mod data;
mod demo;
mod detect;
mod explain;
mod findings;
mod grant_use;
pub(crate) mod incidents;
mod manifests;
mod node;
mod policy;
mod raw;
pub mod replay;
mod rules;
mod scan;
mod verify;

pub(crate) use scan::parse_report;

use std::process::ExitCode;

use crate::cli::{Cli, Command};

/// How a command ended, when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is well: 0.
    Good,
    /// Findings reached the failing severity: 1.
    Findings,
    /// An input could not be read; the rest was carried out: 2.
    Unreadable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Good => Self::SUCCESS,
            Outcome::Findings => Self::from(1),
            Outcome::Unreadable => Self::from(2),
        }
    }
}

/// Carries out a command line.
pub fn run(cli: Cli) -> ExitCode {
    match carry_out(cli.command) {
        Ok(outcome) => outcome.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{}error:{} {error:#}", crate::show::ERROR, crate::show::RESET);
            ExitCode::from(2)
        }
    }
}

fn carry_out(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Up(arguments) => node::up(&arguments),
        Command::Run(arguments) => node::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments.command),
        Command::Checks(arguments) => catalogue::checks(&arguments),
        Command::Data(arguments) => data::run(&arguments.command),
        Command::Profiles => catalogue::profiles(),
        Command::Explain { check, output } => explain::run(&check, output),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Authorised(arguments) => authorised::run(&arguments.command),
        Command::Detect(arguments) => detect::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Findings(arguments) => findings::run(arguments.command),
        Command::Incidents(arguments) => incidents::run(arguments.command),
        Command::Raw(arguments) => raw::run(arguments.command),
        Command::Access(arguments) => access::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// Whether the reader of our output went away, as `head` does: no error of ours.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
