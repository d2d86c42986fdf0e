//! `cargo mutation`: breaks every condition of the checks, or of the rules for audit events, one at a time, and
//! counts how many of them their own examples notice.
//!
//! Owns the command line and the order of the steps: a copy of the crate (`subject.rs`) with a switch at each
//! condition (`instrument.rs`), one build of it (`scratch.rs`), a trial of every mutant (`trial.rs`), and the
//! figures (`report.rs`).

mod instrument;
mod mutant;
mod report;
mod scratch;
mod subject;
mod trial;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use subject::Subject;

/// Breaks every condition of checks or rules and counts how many their examples notice.
#[derive(Debug, Parser)]
#[command(name = "cargo mutation", version, about, max_term_width = 100)]
struct Cli {
    /// What is broken
    #[arg(value_enum, default_value_t = Subject::Checks)]
    subject: Subject,
    /// List the survivors of files whose path holds this [default: those of all files]
    #[arg(long, value_name = "TEXT", default_value = "")]
    file: String,
    /// Least share of mutants that have to be noticed, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 92.0)]
    least: f64,
    /// Say of each check or rule how many mutants reach it and how many live
    #[arg(long)]
    by_entry: bool,
    /// Where the copy is built [default: a folder beside this program]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match carry_out(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to tell when standard error is gone.
            drop(writeln!(std::io::stderr(), "cargo mutation: error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn carry_out(cli: &Cli) -> anyhow::Result<bool> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."));
    let folder = match &cli.folder {
        Some(folder) => folder.clone(),
        None => std::env::current_exe()?.with_file_name(cli.subject.copy()),
    };
    let built = scratch::build(cli.subject, workspace, &folder)?;
    let outcomes = trial::try_all(&built, &workspace.join(cli.subject.folder()).join("examples"))?;
    let report = report::Report::new(&built, &outcomes);
    let mut out = std::io::stdout().lock();
    report.write(&mut out, &cli.file, cli.by_entry.then(|| cli.subject.noun()))?;
    Ok(report.share() >= cli.least)
}
