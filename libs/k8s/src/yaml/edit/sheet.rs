//! One document's text with its layout: lines, columns and indentation, and which patches an edit may take.

use std::ops::Range;

use super::layout::{Layout, Node};
use super::{Edit, Patch, Refusal, Syntax, remove, set};
use crate::value::Value;

/// One document with its layout: what patches are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sheet<'a> {
    pub(super) text: &'a str,
    pub(super) layout: &'a Layout,
    pub(super) root: &'a Node,
    pub(super) syntax: Syntax,
}

impl<'a> Sheet<'a> {
    /// The ways to write an edit, the best first.
    pub(super) fn patches(&self, edit: &Edit, old: &Value) -> Result<Vec<Patch>, Refusal> {
        let found = set::find(self, edit.path(), old)?;
        match edit {
            Edit::Set(path, value) => set::set(self, path, &found, value),
            Edit::Append(path, value) => set::append(self, path, &found, value),
            Edit::Remove(path) => remove::remove(self, path, &found),
        }
    }

    /// Refuses lines that are not what they seem.
    pub(super) fn check_lines(&self, patch: &Patch) -> Result<(), Refusal> {
        for (range, text) in patch {
            // Lines that are added behind a line leave it as it is.
            if range.is_empty()
                && text.starts_with(self.line_break())
                && range.end == self.line_end(range.end)
            {
                continue;
            }
            let lines = self.line_start(range.start)..self.line_end(range.end);
            let number = |at: usize| self.slice(0..lines.start + at).matches('\n').count() + 1;
            let touched = self.slice(lines.clone());
            if let Some(at) = touched.find("{{") {
                return Err(Refusal::Template(number(at)));
            }
            let indentation = touched.len() - touched.trim_start_matches([' ', '\t']).len();
            if self.syntax == Syntax::Yaml
                && touched.get(..indentation).unwrap_or("").contains('\t')
            {
                return Err(Refusal::Tabs(number(0)));
            }
        }
        Ok(())
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The first byte of the line that a byte is on.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.slice(0..at).rfind('\n').map_or(0, |at| at + 1)
    }

    /// The byte after the last of the line that a byte is on, without its line break.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let line = rest.find('\n').map_or(rest, |end| rest.get(..end).unwrap_or_default());
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// The byte after the line break of the line that a byte is on.
    pub(super) fn next_line(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.find('\n').map_or(self.text.len(), |end| at + end + 1)
    }

    /// The column of a byte in characters, from 0.
    pub(super) fn column(&self, at: usize) -> usize {
        self.slice(self.line_start(at)..at).chars().count()
    }

    /// The spaces and tabs at the start of the line that a byte is on.
    pub(super) fn indentation(&self, at: usize) -> &'a str {
        let line = self.slice(self.line_start(at)..self.line_end(at));
        line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
    }

    /// Whether nothing but spaces stands before a byte on its line.
    pub(super) fn is_first_on_line(&self, at: usize) -> bool {
        self.slice(self.line_start(at)..at).trim_matches([' ', '\t']).is_empty()
    }

    /// The line break of this text.
    pub(super) fn line_break(&self) -> &'static str {
        let first = self.text.find('\n').and_then(|at| self.text.get(..at));
        if first.is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }
    }
}
