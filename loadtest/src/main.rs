//! The entry point of `airside-loadtest`: what to measure, with how much, and how to print it.
//!
//! Figures, not tests: nothing here passes or fails but what `week` and `cascades` find and what memory `clusters` takes.
//! Each area measures a floor in the same run, and the ratio of the two is what can be compared between machines and between days.

mod area;

mod child;
mod corpus;
mod load;
mod measure;
mod own;
mod pipeline;
mod report;
mod serve;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::area::{Area, Run};

/// Measures Airside: CPU seconds, memory and latency, each beside a floor of the same run.
#[derive(Debug, Parser)]
#[command(name = "airside-loadtest", version, about, max_term_width = 100)]
struct Cli {
    /// What to measure
    #[arg(value_enum, value_name = "AREA")]
    area: Area,
    /// Less of everything: ends within 30 s
    #[arg(long)]
    quick: bool,
    /// Folder of manifests, audit logs and scenarios of others, where an area can use them; without it the
    /// project's own recordings, multiplied
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// The binary to measure, for `idle` and `version` [default: `airside` beside this program]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Another week than the usual one, for `week`: each number is a life of its own
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How to print the figures
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    /// Where a server that this program starts keeps its data
    #[arg(long, value_name = "DIR", hide = true)]
    folder: Option<PathBuf>,
    /// Which NATS servers such a server uses
    #[arg(long, value_name = "URL", hide = true)]
    nats: Option<String>,
    /// Whether such a server folds what it takes in
    #[arg(long, hide = true)]
    owner: bool,
}

/// How the figures are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = cli.output;
    let Cli { area, quick, corpus, binary, seed, output: _, folder, nats, owner } = cli;
    let run = Run { quick, corpus, binary, seed, folder, nats, owner };
    match area.carry_out(&run).and_then(|report| {
        let Some(report) = report else { return Ok(None) };
        let text = match format {
            OutputFormat::Json => serde_json::to_string(&report)? + "\n",
            OutputFormat::Text => report.to_string(),
        };
        std::io::stdout().write_all(text.as_bytes())?;
        Ok(report.failed)
    }) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failed)) => {
            // Nobody is left to tell when standard error is gone.
            drop(writeln!(std::io::stderr(), "airside-loadtest: {failed}"));
            ExitCode::from(1)
        }
        Err(error) => {
            // Nobody is left to tell when standard error is gone.
            drop(writeln!(std::io::stderr(), "airside-loadtest: error: {error:#}"));
            ExitCode::from(2)
        }
    }
}
