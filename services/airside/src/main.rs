//! The entry point of `airside`: parses the command line and turns errors into exit statuses.

use std::process::ExitCode;

use airside::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    airside::command::run(Cli::parse())
}
