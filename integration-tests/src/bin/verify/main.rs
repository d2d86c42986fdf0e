//! `cargo verify`: everything that has to hold before a change is proposed, by one command.
//!
//! Owns the command line, the order of the steps and the summary. What a step runs is in
//! `step.rs`; how nats-server is brought is in `nats_server.rs`. Uses the standard library only, so
//! that it builds in a second on a fresh clone. A failed step does not stop the later ones.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

mod arguments;
mod closing_line;
mod nats_server;
mod step;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use arguments::Request;
use step::{Bench, Step};

fn main() -> ExitCode {
    match arguments::parse(std::env::args().skip(1)) {
        Ok(Request::Help) => {
            print!("{}", arguments::help());
            ExitCode::SUCCESS
        }
        Ok(Request::List) => {
            for step in Step::ALL {
                println!("{:<7} {}", step.name(), step.about());
            }
            ExitCode::SUCCESS
        }
        Ok(Request::Run(steps)) => run(&steps),
        Err(complaint) => {
            eprintln!("verify: {complaint}\n\n{}", arguments::help());
            ExitCode::from(2)
        }
    }
}

/// What became of one step, for the summary.
struct Row {
    step: Step,
    time: Duration,
    /// A remark on success, the reason on failure.
    result: Result<String, String>,
}

fn run(steps: &[Step]) -> ExitCode {
    let mut bench = bench();
    let mut rows = Vec::with_capacity(steps.len());
    for &step in steps {
        println!("\n==> {}: {}", step.name(), step.about());
        let start = Instant::now();
        let result = step.run(&mut bench);
        if let Err(reason) = &result {
            eprintln!("verify: {} failed: {reason}", step.name());
        }
        rows.push(Row { step, time: start.elapsed(), result });
    }
    print_summary(&rows);
    let failed: Vec<_> =
        rows.iter().filter(|row| row.result.is_err()).map(|row| row.step.name()).collect();
    if failed.is_empty() {
        println!("verify: passed");
        ExitCode::SUCCESS
    } else {
        println!("verify: {} of {} steps failed: {}", failed.len(), rows.len(), failed.join(", "));
        ExitCode::FAILURE
    }
}

fn print_summary(rows: &[Row]) {
    println!("\n==> summary");
    for Row { step, time, result } in rows {
        let (word, remark) = match result {
            Ok(remark) => ("ok", remark),
            Err(reason) => ("FAILED", reason),
        };
        let first_line = remark.lines().next().unwrap_or_default();
        let line =
            format!("{:<7} {word:<6} {:>7.1} s  {first_line}", step.name(), time.as_secs_f64());
        println!("{}", line.trim_end());
    }
}

/// The surroundings of a run. This is the one place of the program that reads the environment.
#[expect(clippy::disallowed_methods, reason = "the main file of a program reads its environment")]
fn bench() -> Bench {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    // Cargo sets the first while it runs us; the second serves a binary that is started by hand.
    let package = set("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let workspace = Path::new(&package).parent().map(Path::to_path_buf).unwrap_or_default();
    Bench {
        cargo: set("CARGO").unwrap_or_else(|| "cargo".into()),
        workspace,
        cache: set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")))
            .unwrap_or_else(std::env::temp_dir),
        nats_server: set(nats_server::VARIABLE).map(PathBuf::from),
        colour: std::io::stderr().is_terminal() && set("NO_COLOR").is_none(),
    }
}
