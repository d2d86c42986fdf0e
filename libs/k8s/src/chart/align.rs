//! Lays a rendered text beside its template: which line of the template rendered which line of the text.
//!
//! The best way through the template's lines is searched for each document: forwards, and back to the start
//! of a loop. A line has an origin where every way that is as good as the best one gives it the same.

use super::template::{Line, Part, Template};

/// How many pairs of lines are compared for one text, at most.
const MAX_PAIRS: usize = 1 << 22;
/// What a line that nothing can have written costs.
const UNMATCHED: f32 = 3.0;
/// What going back to the start of a loop costs.
const LOOP: f32 = 1.0;
/// What a line within a block is worth: less than anything that stands in the template.
const WITHIN_BLOCK: f32 = 0.25;
/// The most that a text of the template counts.
const MAX_TEXT: usize = 24;
/// A way that is worse than the best by more than this is no other possibility.
const MARGIN: f32 = 1.0;
const NEVER: f32 = f32::NEG_INFINITY;

/// What wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The template's line itself, with what its actions give.
    Line,
    /// An action of the line that writes several lines.
    Block,
}

/// The origin of a rendered line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aligned {
    /// The line, as its position in [`Template::lines`].
    pub(super) line: usize,
    /// What of it.
    pub(super) kind: Kind,
}

/// The origin of each line of a rendered text. None where the text is too large.
pub(super) fn align(template: &Template, rendered: &str) -> Option<Vec<Option<Aligned>>> {
    let lines: Vec<&str> = rendered.lines().collect();
    let mut origins = vec![None; lines.len()];
    let mut from = 0;
    let mut pairs = 0_usize;
    while from < lines.len() {
        let rest = lines.get(from..).unwrap_or_default();
        let length = rest.iter().position(|line| is_separator(line)).unwrap_or(rest.len());
        let document: Vec<(usize, &str)> = rest
            .iter()
            .take(length)
            .enumerate()
            .map(|(at, line)| (from + at, *line))
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with("# Source: "))
            .collect();
        pairs = pairs.saturating_add(document.len().saturating_mul(template.lines.len()));
        if pairs > MAX_PAIRS {
            return None;
        }
        for ((at, _), origin) in document.iter().zip(align_document(template, &document)) {
            if let Some(slot) = origins.get_mut(*at) {
                *slot = origin;
            }
        }
        from += length + 1;
    }
    Some(origins)
}

fn is_separator(line: &str) -> bool {
    line.trim_end() == "---"
}

/// What the ways up to a rendered line are worth, for each line of the template.
#[derive(Debug, Clone)]
struct Row {
    /// Where the template's line wrote it.
    line: Vec<f32>,
    /// Where a block of the template's line did.
    block: Vec<f32>,
    /// The best of both, and of nothing having written it.
    best: Vec<f32>,
}

fn align_document(template: &Template, document: &[(usize, &str)]) -> Vec<Option<Aligned>> {
    let lines: Vec<Worth<'_>> = template.lines.iter().map(Worth::of).collect();
    let mut rows: Vec<Row> = Vec::with_capacity(document.len());
    for (_, text) in document {
        let entered = match rows.last() {
            Some(above) => entered(&above.best, template),
            None => vec![0.0; lines.len()],
        };
        rows.push(row(&lines, text, rows.last(), &entered));
    }
    let total = rows.last().map_or(NEVER, |row| max(&row.best));
    // From the end: what the rest is worth after each line of the template.
    let mut after = vec![0.0; lines.len()];
    let mut origins = vec![None; document.len()];
    for (at, (_, text)) in document.iter().enumerate().rev() {
        if let (Some(row), Some(slot)) = (rows.get(at), origins.get_mut(at)) {
            *slot = only_origin(row, &after, total);
        }
        after = before(&lines, text, &after, template);
    }
    origins
}

/// The one origin of all ways that are as good as the best.
fn only_origin(row: &Row, after: &[f32], total: f32) -> Option<Aligned> {
    let ways = row.line.iter().zip(&row.block).zip(&row.best).zip(after).enumerate();
    let mut only: Option<Aligned> = None;
    for (line, (((own, block), best), after)) in ways {
        let is_good = |worth: f32| worth + after >= total - MARGIN;
        let found = match (is_good(*own), is_good(*block)) {
            (true, false) => Aligned { line, kind: Kind::Line },
            (false, true) => Aligned { line, kind: Kind::Block },
            (true, true) => return None,
            // Nothing wrote it, on a way that is as good.
            (false, false) if is_good(*best) => return None,
            (false, false) => continue,
        };
        if only.replace(found).is_some() {
            return None;
        }
    }
    only
}

fn row(lines: &[Worth<'_>], text: &str, above: Option<&Row>, entered: &[f32]) -> Row {
    let mut row =
        Row { line: Vec::new(), block: Vec::new(), best: Vec::with_capacity(lines.len()) };
    for (at, (line, entered)) in lines.iter().zip(entered).enumerate() {
        let stayed = above.and_then(|above| above.best.get(at)).copied().unwrap_or(NEVER);
        let own = line.text(text) + entered;
        let begun = if line.begins_with_block { entered.max(stayed) } else { stayed };
        let block = line.block(text) + begun;
        let lost = if above.is_some() { stayed } else { *entered } - UNMATCHED;
        row.line.push(own);
        row.block.push(block);
        row.best.push(own.max(block).max(lost));
    }
    row
}

/// The best way into each line of the template: from one before it, or from one of the same loop.
fn entered(above: &[f32], template: &Template) -> Vec<f32> {
    let mut best = NEVER;
    let mut entered = Vec::with_capacity(above.len());
    for worth in above {
        entered.push(best);
        best = best.max(*worth);
    }
    for lines in &template.loops {
        let mut best = NEVER;
        for at in lines.clone().rev() {
            best = best.max(above.get(at).copied().unwrap_or(NEVER));
            if let Some(slot) = entered.get_mut(at) {
                *slot = slot.max(best - LOOP);
            }
        }
    }
    entered
}

/// What a rendered line and those after it are worth, seen from each line of the template before it.
fn before(lines: &[Worth<'_>], text: &str, after: &[f32], template: &Template) -> Vec<f32> {
    let own: Vec<f32> =
        lines.iter().zip(after).map(|(line, after)| line.text(text) + after).collect();
    let block: Vec<f32> =
        lines.iter().zip(after).map(|(line, after)| line.block(text) + after).collect();
    // Into a line from elsewhere: by its text, or by a block that it begins with.
    let into: Vec<f32> = lines
        .iter()
        .zip(own.iter().zip(&block))
        .map(|(line, (own, block))| if line.begins_with_block { own.max(*block) } else { *own })
        .collect();
    let mut worth = vec![NEVER; lines.len()];
    let mut best = NEVER;
    for at in (0..lines.len()).rev() {
        let here = [block.get(at), after.get(at)].map(|it| it.copied().unwrap_or(NEVER));
        let [block, lost] = here;
        if let Some(slot) = worth.get_mut(at) {
            *slot = best.max(block).max(lost - UNMATCHED);
        }
        best = best.max(into.get(at).copied().unwrap_or(NEVER));
    }
    for lines in &template.loops {
        let mut best = NEVER;
        for at in lines.clone() {
            best = best.max(into.get(at).copied().unwrap_or(NEVER) - LOOP);
            if let Some(slot) = worth.get_mut(at) {
                *slot = slot.max(best);
            }
        }
    }
    worth
}

fn max(values: &[f32]) -> f32 {
    values.iter().copied().fold(NEVER, f32::max)
}

/// A line of the template as a pattern.
struct Worth<'t> {
    indent: Option<usize>,
    /// The parts before a block that begins on a line of its own.
    head: &'t [Part],
    /// The least indentation of the lines of its block, where it has one.
    block: Option<usize>,
    begins_with_block: bool,
}

impl<'t> Worth<'t> {
    fn of(line: &'t Line) -> Self {
        let on_new_line = |part: &Part| matches!(part, Part::Written(it) if it.on_new_line);
        let cut = line.parts.iter().position(on_new_line).unwrap_or(line.parts.len());
        let head = line.parts.get(..cut).unwrap_or_default();
        let block = line.parts.iter().find_map(|part| match part {
            Part::Written(it) if it.is_block => Some(it.indent),
            _ => None,
        });
        // What goes on below a key of the line itself is further in than the key.
        let block = block.map(|least| least.max(line.indent.map_or(0, |own| own + 1)));
        let begins_with_block = matches!(line.parts.first(), Some(Part::Written(_)));
        let head = if begins_with_block && line.parts.len() == 1 { &[] } else { head };
        Self { indent: line.indent, head, block, begins_with_block }
    }

    /// What it is worth that the template's line wrote this one.
    fn text(&self, text: &str) -> f32 {
        let indent = text.len() - text.trim_start().len();
        if self.head.is_empty() || self.indent.is_some_and(|own| own != indent) {
            return NEVER;
        }
        matched(self.head, text.trim()).map_or(NEVER, worth)
    }

    /// What it is worth that a block of the template's line wrote this one.
    fn block(&self, text: &str) -> f32 {
        let indent = text.len() - text.trim_start().len();
        match self.block {
            Some(least) if indent >= least => WITHIN_BLOCK,
            _ => NEVER,
        }
    }
}

/// How much of a text is the template's: letters and digits, and whether that is all.
#[derive(Clone, Copy)]
struct Matched {
    letters: usize,
    is_all: bool,
}

#[expect(clippy::cast_precision_loss, reason = "at most 24")]
fn worth(matched: Matched) -> f32 {
    let letters = matched.letters.min(MAX_TEXT) as f32;
    1.0 + letters + if matched.is_all { 4.0 } else { 0.0 }
}

/// Whether parts can have written a text: their texts stand in it in this order, from its beginning and to
/// its end.
fn matched(parts: &[Part], text: &str) -> Option<Matched> {
    let mut rest = text;
    let mut letters = 0;
    let mut is_all = true;
    let mut is_open = false;
    for (at, part) in parts.iter().enumerate() {
        let Part::Text(own) = part else {
            is_open = true;
            is_all = false;
            continue;
        };
        let own = if at == 0 { own.trim_start() } else { own.as_str() };
        let is_last = at + 1 == parts.len();
        // What an action writes may be empty, and with it the blank before it.
        let own = if is_last { own.trim_end() } else { own };
        rest = match (is_open, is_last) {
            (true, true) => rest.strip_suffix(own).map(|_| ""),
            (true, false) => rest.find(own).and_then(|found| rest.get(found + own.len()..)),
            (false, true) => rest.strip_prefix(own).filter(|rest| rest.is_empty()),
            (false, false) => {
                let shortened = || (rest == own.trim_end()).then_some("");
                rest.strip_prefix(own).or_else(shortened)
            }
        }?;
        letters += own.chars().filter(|letter| letter.is_alphanumeric()).count();
        is_open = false;
    }
    Some(Matched { letters, is_all })
}
