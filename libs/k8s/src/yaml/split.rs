//! Splits a text into the parts between `---` lines, as Kubernetes does before it reads any of them.
//!
//! YAML ends every document at such a line, whatever is open, so splitting first loses nothing and keeps
//! a broken document from hiding the ones after it.

/// A part of a text: one document as a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// The part with its `---` line.
    pub(super) text: &'a str,
    /// The line of the text on which the part starts, from 1.
    pub(super) first_line: usize,
}

/// The parts of a text, in order.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut first_line = 1;
    for (number, (offset, line)) in lines(text).enumerate() {
        // Comments and directives before the first `---` belong to the document that it opens.
        if is_separator(line) && offset > start && !only_prologue(text.get(start..offset)) {
            parts.extend(text.get(start..offset).map(|text| Part { text, first_line }));
            start = offset;
            first_line = number + 1;
        }
    }
    parts.extend(text.get(start..).map(|text| Part { text, first_line }));
    parts
}

impl<'a> Part<'a> {
    /// Whether there is nothing to read: blank lines, comments, a bare `---`.
    pub(super) fn is_blank(&self) -> bool {
        lines(self.text).all(|(_, line)| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "---" || line == "..."
        })
    }

    /// The template that Helm names in a comment before the document.
    pub(super) fn template(&self) -> Option<&'a str> {
        lines(self.text)
            .map(|(_, line)| line.trim())
            .take_while(|line| line.is_empty() || line.starts_with('#') || *line == "---")
            .find_map(|line| line.strip_prefix("# Source:"))
            .map(str::trim)
            .filter(|template| !template.is_empty())
    }

    /// The line and column of the first `{{` that stands where only a value can, and so makes the text a
    /// template. `{{` inside quotes or text is common in manifests and no template of theirs.
    pub(super) fn template_action(&self) -> Option<(usize, usize)> {
        lines(self.text).enumerate().find_map(|(number, (_, line))| {
            let mut found = memchr::memmem::find_iter(line.as_bytes(), "{{");
            let at = found.find(|at| line.get(..*at).is_some_and(awaits_value))?;
            Some((self.first_line + number, line.get(..at).map_or(0, count) + 1))
        })
    }

    /// The line of the first mark that git left of a conflict, with the mark.
    pub(super) fn conflict(&self) -> Option<(usize, &'static str)> {
        lines(self.text).enumerate().find_map(|(number, (_, line))| {
            let mut marks = ["<<<<<<<", ">>>>>>>"].into_iter();
            let mark = marks.find(|mark| {
                line.strip_prefix(mark).is_some_and(|rest| rest.starts_with([' ', '\r']))
            })?;
            Some((self.first_line + number, mark))
        })
    }
}

/// Whether only a value can come after the start of a line.
fn awaits_value(before: &str) -> bool {
    let before = before.trim_end();
    before.is_empty()
        || before.ends_with([':', '-', '['])
        || (before.ends_with(',') && before.contains(['[', '{']))
}

fn count(text: &str) -> usize {
    text.chars().count()
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']))
}

fn only_prologue(text: Option<&str>) -> bool {
    text.is_some_and(|text| {
        lines(text).all(|(_, line)| line.trim().is_empty() || line.starts_with(['#', '%']))
    })
}

/// The lines with their offsets, without the line feed.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = (start, rest.get(..end)?);
        start += end + 1;
        Some(line)
    })
}
