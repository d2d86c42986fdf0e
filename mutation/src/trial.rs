//! Tries every mutant, in a process that is ended and followed by another where a mutant does not end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context as _;

use crate::scratch::Built;

/// How long one mutant may take over all its examples. They take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the process may take until its first mutant.
const START: Duration = Duration::from_secs(120);

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// An example says something else.
    Killed,
    /// No example notices, and only the words of a report are others.
    Reworded,
    /// No example notices.
    Lives,
}

/// What became of a mutant, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) fate: Fate,
    /// The checks that reach it.
    pub(crate) checks: BTreeSet<String>,
}

/// Tries all mutants: outcomes by number.
///
/// # Errors
/// The program cannot be started, or examples do not hold even without a mutant.
pub(crate) fn try_all(built: &Built, examples: &Path) -> anyhow::Result<BTreeMap<u32, Outcome>> {
    let mut outcomes = BTreeMap::new();
    let end = built.mutants.end();
    let mut from = 1;
    while from < end {
        from = try_from(built, examples, from, &mut outcomes)?;
    }
    Ok(outcomes)
}

/// Tries mutants until one does not end; gives the number to go on with.
fn try_from(
    built: &Built,
    examples: &Path,
    from: u32,
    outcomes: &mut BTreeMap<u32, Outcome>,
) -> anyhow::Result<u32> {
    let end = built.mutants.end();
    let mut child = Command::new(&built.program)
        .arg(examples)
        .args([from.to_string(), end.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", built.program.display()))?;
    let lines = lines(&mut child)?;
    let mut next = from;
    while next < end {
        let patience = if next == from { START } else { PATIENCE };
        match lines.recv_timeout(patience) {
            Ok(line) => {
                let (number, outcome) =
                    read(&line).with_context(|| format!("not understood: {line}"))?;
                outcomes.insert(number, outcome);
                next = number + 1;
            }
            Err(RecvTimeoutError::Disconnected)
                if next == from && child.wait()?.code().is_some_and(|code| code != 0) =>
            {
                anyhow::bail!(
                    "examples cannot be tried, or do not hold without a mutant; see above"
                );
            }
            // It loops, or has taken its process down.
            Err(_) => {
                outcomes.insert(next, Outcome { fate: Fate::Killed, checks: BTreeSet::new() });
                next += 1;
                break;
            }
        }
    }
    child.kill().and_then(|()| child.wait()).context("the process cannot be ended")?;
    Ok(next)
}

/// The lines that the process writes, complete ones only.
fn lines(child: &mut Child) -> anyhow::Result<mpsc::Receiver<String>> {
    const WAITING: usize = 1_000;
    let pipe = child.stdout.take().context("the process has no output")?;
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = String::new();
        while pipe.read_line(&mut line).is_ok_and(|length| length > 0) && line.ends_with('\n') {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

fn read(line: &str) -> Option<(u32, Outcome)> {
    let mut words = line.split_whitespace();
    let number = words.next()?.parse().ok()?;
    let fate = match words.next()? {
        "killed" => Fate::Killed,
        "words" => Fate::Reworded,
        _ => Fate::Lives,
    };
    Some((number, Outcome { fate, checks: words.map(str::to_owned).collect() }))
}
