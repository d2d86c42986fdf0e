//! The figures: survivors by file and line, shares by file and by check, and the total.

use std::collections::BTreeMap;
use std::io::Write;

use crate::mutant::Mutant;
use crate::scratch::Built;
use crate::trial::{Fate, Outcome};

/// How many mutants there are, and how many were noticed.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: usize,
    killed: usize,
}

impl Count {
    fn add(&mut self, is_killed: bool) {
        self.all += 1;
        self.killed += usize::from(is_killed);
    }

    /// In percent.
    fn share(self) -> f64 {
        // Exact: nobody has 2^52 mutants.
        if self.all == 0 { 100.0 } else { 100.0 * self.killed as f64 / self.all as f64 }
    }
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    survivors: Vec<(&'a Mutant, &'a Outcome)>,
    by_file: BTreeMap<&'a str, Count>,
    by_check: BTreeMap<&'a str, Count>,
    total: Count,
    left_out: usize,
    /// Literals that only reports show.
    words: usize,
}

impl<'a> Report<'a> {
    pub(crate) fn new(built: &'a Built, outcomes: &'a BTreeMap<u32, Outcome>) -> Self {
        let mut report = Self {
            survivors: Vec::new(),
            by_file: BTreeMap::new(),
            by_check: BTreeMap::new(),
            total: Count::default(),
            left_out: 0,
            words: 0,
        };
        for (number, mutant) in built.mutants.iter() {
            if built.left_out.contains(&number) {
                report.left_out += 1;
                continue;
            }
            let Some(outcome) = outcomes.get(&number) else { continue };
            // A condition that only shows in the words of a report still lives; a literal is no condition.
            if mutant.is_literal && outcome.fate == Fate::Reworded {
                report.words += 1;
                continue;
            }
            let is_killed = outcome.fate == Fate::Killed;
            report.total.add(is_killed);
            report.by_file.entry(&mutant.file).or_default().add(is_killed);
            for check in &outcome.checks {
                report.by_check.entry(check).or_default().add(is_killed);
            }
            if !is_killed {
                report.survivors.push((mutant, outcome));
            }
        }
        report
    }

    /// The share of mutants that were noticed, in percent.
    pub(crate) fn share(&self) -> f64 {
        self.total.share()
    }

    /// Writes survivors of files whose path holds a text, and all figures.
    pub(crate) fn write(
        &self,
        out: &mut impl Write,
        file: &str,
        by_entry: Option<&str>,
    ) -> std::io::Result<()> {
        for (mutant, outcome) in self.survivors.iter().filter(|(it, _)| it.file.contains(file)) {
            let reached = match outcome.checks.len() {
                0 => "no example gets there".to_owned(),
                1..=3 => outcome.checks.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
                count => format!("{count} of them"),
            };
            writeln!(out, "{}:{}: {} ({reached})", mutant.file, mutant.line, mutant.change)?;
        }
        if let Some(noun) = by_entry {
            writeln!(out, "\nmutants  killed   share  {noun}")?;
            for (check, count) in &self.by_check {
                row(out, *count, check)?;
            }
        }
        writeln!(out, "\nmutants  killed   share  file")?;
        for (name, count) in &self.by_file {
            row(out, *count, name)?;
        }
        row(out, self.total, "in total")?;
        writeln!(
            out,
            "not counted: {} literals that only reports show, {} changes that cannot be built",
            self.words, self.left_out
        )
    }
}

fn row(out: &mut impl Write, count: Count, name: &str) -> std::io::Result<()> {
    writeln!(out, "{:>7} {:>7} {:>6.1}%  {name}", count.all, count.killed, count.share())
}
