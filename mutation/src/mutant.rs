//! A mutant: one condition of the catalogue, broken in one way.

use proc_macro2::Span;

/// One change to the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// The file, relative to the sources of the crate.
    pub(crate) file: String,
    /// Where the condition stands, counted from 1.
    pub(crate) line: usize,
    /// What is changed, and into what.
    pub(crate) change: String,
    /// A name or a number, which may be there for the words of a report only.
    pub(crate) is_literal: bool,
    /// Part of how the switches are built in, and no change that could be noticed.
    pub(crate) is_scaffold: bool,
}

/// All mutants. A number is an index, counted from 1: 0 means that none is on.
#[derive(Debug, Default)]
pub(crate) struct Mutants(Vec<Mutant>);

impl Mutants {
    /// Adds a change to a condition at a place, and gives its number.
    pub(crate) fn add(&mut self, file: &str, at: Span, change: String) -> u32 {
        self.push(file, at, change, (false, false))
    }

    /// Adds a change to a literal.
    pub(crate) fn add_literal(&mut self, file: &str, at: Span, change: String) -> u32 {
        self.push(file, at, change, (true, false))
    }

    /// Adds a place that can be left as it was, but is no mutant.
    pub(crate) fn add_scaffold(&mut self, file: &str, at: Span) -> u32 {
        self.push(file, at, String::new(), (false, true))
    }

    fn push(
        &mut self,
        file: &str,
        at: Span,
        change: String,
        (is_literal, is_scaffold): (bool, bool),
    ) -> u32 {
        let (file, line) = (file.to_owned(), at.start().line);
        self.0.push(Mutant { file, line, change, is_literal, is_scaffold });
        self.end() - 1
    }

    /// The first number that is not given yet.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.0.len() + 1).unwrap_or(u32::MAX)
    }

    /// Every mutant with its number, scaffolds left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Mutant)> {
        (1..).zip(&self.0).filter(|(_, mutant)| !mutant.is_scaffold)
    }
}
