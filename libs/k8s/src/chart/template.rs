//! A template's lines: what each writes itself, and which values its actions write.

use super::action::{Action, Word, arguments};
use super::scope::Scope;
use super::values::Path;

/// The largest template that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// A template, as far as it writes something.
#[derive(Debug, Clone, Default)]
pub(super) struct Template {
    /// The lines that may write something, in their order.
    pub(super) lines: Vec<Line>,
    /// The lines within each `range`, as a range of `lines`.
    pub(super) loops: Vec<std::ops::Range<usize>>,
}

/// A line that may write something.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// The line of the template, from 1.
    pub(super) number: u32,
    /// How far the line is indented, where it begins with a text of its own.
    pub(super) indent: Option<usize>,
    /// Texts and actions, as they follow each other.
    pub(super) parts: Vec<Part>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A text that stands in the template.
    Text(String),
    /// What an action writes.
    Written(Written),
}

/// What an action writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Written {
    /// The values that it takes.
    pub(super) paths: Vec<Path>,
    /// Whether it may write several lines.
    pub(super) is_block: bool,
    /// Whether it writes the YAML of its one value, unchanged.
    pub(super) is_yaml: bool,
    /// Whether it begins with a line break, and how far its lines are indented.
    pub(super) on_new_line: bool,
    /// The least indentation of its lines.
    pub(super) indent: usize,
}

impl Line {
    /// The values that the line's actions take.
    pub(super) fn inline(&self) -> Vec<&Path> {
        let written = self.parts.iter().filter_map(|part| match part {
            Part::Written(written) => Some(written),
            Part::Text(_) => None,
        });
        written.flat_map(|written| &written.paths).collect()
    }

    /// The value whose YAML is all that the line writes.
    pub(super) fn block(&self) -> Option<&Path> {
        match self.parts.as_slice() {
            [Part::Written(Written { is_yaml: true, paths, .. })] => paths.first(),
            // `key: {{- toYaml .Values.x | nindent 4 }}`
            [Part::Text(_), Part::Written(written)] if written.is_yaml && written.on_new_line => {
                written.paths.first()
            }
            _ => None,
        }
    }

    /// The key that the line begins with, where that is a text of its own.
    pub(super) fn key(&self) -> Option<&str> {
        let Some(Part::Text(text)) = self.parts.first() else { return None };
        let (key, rest) = text.trim_start().split_once(':')?;
        let ends = rest.is_empty() || rest.starts_with(' ');
        (ends && !key.contains([' ', '"', '\''])).then_some(key)
    }

    /// Whether the line is a key, and nothing that is its value.
    pub(super) fn is_bare_key(&self) -> bool {
        match self.parts.as_slice() {
            [Part::Text(text)] => text.trim_end().ends_with(':'),
            _ => false,
        }
    }

    /// Whether a mapping of this indentation is over at this line.
    pub(super) fn ends_mapping(&self, indent: usize) -> bool {
        let is_separator = matches!(self.parts.first(), Some(Part::Text(text)) if text == "---");
        is_separator || self.indent.is_some_and(|own| own < indent)
    }
}

/// Reads a template from its beginning.
struct Reader {
    template: Template,
    line: Line,
    /// Whether an action stands before what comes next on the line.
    is_behind_action: bool,
    scope: Scope,
}

impl Template {
    /// Reads a template; none where it is too large, or its actions cannot be read.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut reader = Reader {
            template: Self::default(),
            line: Line { number: 1, ..Line::default() },
            is_behind_action: false,
            scope: Scope::default(),
        };
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            reader.text(rest.get(..at)?);
            let inside = rest.get(at + 2..)?;
            let length = end_of_action(inside)?;
            let action = inside.get(..length)?;
            reader.action(action)?;
            reader.is_behind_action = true;
            reader.line_breaks(action);
            rest = inside.get(length + 2..)?;
        }
        reader.text(rest);
        reader.end_line();
        reader.scope.is_closed().then_some(reader.template)
    }
}

/// The length of an action up to its closing braces.
fn end_of_action(text: &str) -> Option<usize> {
    let body = text.strip_prefix('-').unwrap_or(text).trim_start();
    if body.starts_with("/*") {
        let end = text.find("*/")?;
        return text.get(end..)?.find("}}").map(|at| end + at);
    }
    let mut quote = None;
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some('"' | '\'') if letter == '\\' => is_escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '`' | '\'') => quote = Some(letter),
            None if letter == '}' && text.get(at..)?.starts_with("}}") => return Some(at),
            None => {}
        }
    }
    None
}

impl Reader {
    fn text(&mut self, text: &str) {
        let mut lines = text.split('\n');
        if let Some(first) = lines.next() {
            self.piece(first);
        }
        for line in lines {
            self.end_line();
            self.line.number += 1;
            self.piece(line);
        }
    }

    fn piece(&mut self, text: &str) {
        if text.trim().is_empty() || !self.scope.is_written_here() {
            return;
        }
        let text = text.trim_end_matches('\r');
        if self.line.parts.is_empty() && !self.is_behind_action {
            self.line.indent = Some(text.len() - text.trim_start().len());
        }
        self.line.parts.push(Part::Text(text.to_owned()));
    }

    /// The line breaks within an action, which are not written.
    fn line_breaks(&mut self, action: &str) {
        let breaks = action.bytes().filter(|byte| *byte == b'\n').count();
        if breaks > 0 {
            self.end_line();
            self.line.number += u32::try_from(breaks).unwrap_or(u32::MAX);
        }
    }

    fn end_line(&mut self) {
        let next = Line { number: self.line.number, ..Line::default() };
        self.is_behind_action = false;
        let line = std::mem::replace(&mut self.line, next);
        if !line.parts.is_empty() {
            self.template.lines.push(line);
        }
    }

    fn action(&mut self, text: &str) -> Option<()> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let text = text.strip_suffix('-').unwrap_or(text).trim();
        let at = self.template.lines.len();
        match Action::read(text)? {
            Action::Nothing => {}
            Action::If => self.scope.open_if()?,
            Action::Define => self.scope.open_define()?,
            Action::With(words) => self.scope.open_with(&words)?,
            Action::Range(words) => self.scope.open_range(&words, at)?,
            Action::Else(words) => self.scope.otherwise(&words)?,
            Action::End => {
                if let Some(start) = self.scope.close()? {
                    // The line that the `end` stands on may be written by the loop as well.
                    let end = at + usize::from(!self.line.parts.is_empty());
                    self.template.loops.push(start..end);
                }
            }
            Action::Assign(name, words) => self.scope.assign(name, &words),
            Action::Write(words) => self.write(&words),
        }
        Some(())
    }

    fn write(&mut self, words: &[Word<'_>]) {
        if !self.scope.is_written_here() {
            return;
        }
        let paths: Vec<Path> =
            arguments(words).into_iter().filter_map(|path| self.scope.value(path)).collect();
        let names = |name: &str| words.contains(&Word::Name(name));
        let number = |name: &str| {
            let at = words.iter().position(|word| *word == Word::Name(name))?;
            match words.get(at + 1)? {
                Word::Number(number) => number.parse().ok(),
                _ => None,
            }
        };
        let only_yaml = words.iter().all(|word| match word {
            Word::Name(name) => {
                matches!(
                    *name,
                    "toYaml" | "nindent" | "indent" | "tpl" | "default" | "trim" | "omit" | "pick"
                )
            }
            _ => true,
        });
        let indent: Option<usize> = number("nindent").or_else(|| number("indent"));
        let is_first = self.line.parts.is_empty();
        let is_block = is_first
            || ["toYaml", "include", "template", "tpl", "nindent", "indent"].into_iter().any(names);
        self.line.parts.push(Part::Written(Written {
            is_yaml: names("toYaml") && only_yaml && paths.len() == 1,
            paths,
            is_block,
            on_new_line: names("nindent"),
            indent: indent.unwrap_or(0),
        }));
    }
}
