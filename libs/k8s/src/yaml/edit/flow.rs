//! Adding keys and elements in flow style, that is in brackets. JSON is flow style throughout.

use super::layout::{Content, Entry, Node};
use super::sheet::Sheet;
use super::write::FlowStyle;
use super::{Patch, Syntax};
use crate::value::Value;

/// The way to add a key to a flow map with entries.
pub(super) fn insert(
    sheet: &Sheet<'_>,
    map: &Node,
    entries: &[Entry],
    key: &str,
    value: &Value,
) -> Option<Vec<Patch>> {
    let last = entries.last()?;
    let style = style_of(sheet, entries);
    let own_lines = sheet.is_first_on_line(last.key.start);
    let text = if own_lines && style.is_quoted {
        let indentation = sheet.indentation(last.key.start);
        let step = step_of(sheet, map, indentation);
        style.expanded(value, indentation, step, sheet.line_break())
    } else {
        style.inline(value)
    };
    let text = format!("{}{text}", style.key(key));
    Some(vec![add_after(sheet, map, last.key.start, last.end(), &text, style)])
}

/// The way to add an element to a flow list with elements.
pub(super) fn append(
    sheet: &Sheet<'_>,
    list: &Node,
    items: &[Node],
    value: &Value,
) -> Option<Vec<Patch>> {
    let last = items.last()?;
    let style = FlowStyle {
        is_quoted: sheet.syntax == Syntax::Json
            || sheet.slice(last.start..last.end).starts_with('"'),
        space_after_colon: true,
        space_after_comma: items.len() < 2
            || items.first().is_some_and(|first| has_space_after_comma(sheet, first.end)),
    };
    let own_lines = sheet.is_first_on_line(last.start);
    let text = if own_lines && style.is_quoted {
        let indentation = sheet.indentation(last.start);
        let step = step_of(sheet, list, indentation);
        style.expanded(value, indentation, step, sheet.line_break())
    } else {
        style.inline(value)
    };
    Some(vec![add_after(sheet, list, last.start, last.end, &text, style)])
}

/// The ways to put a list or map where null, `{}` or `[]` stands.
pub(super) fn fill(
    sheet: &Sheet<'_>,
    node: &Node,
    entry: Option<&Entry>,
    value: &Value,
) -> Vec<Patch> {
    let quoted_key = entry.is_some_and(|entry| sheet.slice(entry.key.clone()).starts_with('"'));
    let is_quoted = sheet.syntax == Syntax::Json || quoted_key;
    let style = FlowStyle { is_quoted, ..FlowStyle::YAML };
    let on_own_line = entry.is_some_and(|entry| sheet.is_first_on_line(entry.key.start));
    let text = if is_quoted && on_own_line && sheet.syntax == Syntax::Json {
        let indentation = sheet.indentation(node.start);
        let step = if indentation.is_empty() { "  " } else { step_in(sheet, indentation) };
        style.expanded(value, indentation, step, sheet.line_break())
    } else {
        style.inline(value)
    };
    let glued =
        sheet.slice(0..node.start).chars().next_back().is_some_and(|c| c == ':' || c == '-');
    let space = if glued && node.start == node.end { " " } else { "" };
    vec![vec![(node.start..node.end, format!("{space}{text}"))]]
}

/// Adds a piece after the last one, on a line of its own where that one has one.
fn add_after(
    sheet: &Sheet<'_>,
    holder: &Node,
    last_start: usize,
    last_end: usize,
    text: &str,
    style: FlowStyle,
) -> Patch {
    let line_end = sheet.line_end(last_end);
    let closes_below = line_end < holder.end.saturating_sub(1);
    if !(sheet.is_first_on_line(last_start) && closes_below) {
        return vec![(last_end..last_end, format!("{}{text}", style.comma()))];
    }
    let (newline, indentation) = (sheet.line_break(), sheet.indentation(last_start));
    let has_comma = sheet.slice(last_end..line_end).trim_start().starts_with(',');
    if has_comma {
        return vec![(line_end..line_end, format!("{newline}{indentation}{text},"))];
    }
    // A comment behind the last piece stays behind it.
    let line = format!("{newline}{indentation}{text}");
    if line_end == last_end {
        return vec![(last_end..last_end, format!(",{line}"))];
    }
    vec![(last_end..last_end, ",".to_owned()), (line_end..line_end, line)]
}

fn style_of(sheet: &Sheet<'_>, entries: &[Entry]) -> FlowStyle {
    let first = entries.first();
    let spaced = first.and_then(|entry| entry.after_colon).is_none_or(|at| {
        sheet.text.get(at..).is_some_and(|rest| rest.starts_with(char::is_whitespace))
    });
    FlowStyle {
        is_quoted: sheet.syntax == Syntax::Json
            || first.is_some_and(|entry| sheet.slice(entry.key.clone()).starts_with('"')),
        space_after_colon: spaced,
        space_after_comma: match entries {
            [first, _, ..] => has_space_after_comma(sheet, first.end()),
            _ => spaced,
        },
    }
}

fn has_space_after_comma(sheet: &Sheet<'_>, end: usize) -> bool {
    let rest = sheet.text.get(end..).unwrap_or_default().trim_start();
    rest.strip_prefix(',').is_none_or(|rest| rest.starts_with(char::is_whitespace))
}

/// What a line of content is indented by beyond the line of its bracket.
fn step_of<'a>(sheet: &Sheet<'a>, holder: &Node, indentation: &'a str) -> &'a str {
    let outer = sheet.indentation(holder.start);
    indentation.strip_prefix(outer).filter(|step| !step.is_empty()).unwrap_or("  ")
}

/// What the document's outermost keys are indented by.
fn step_in<'a>(sheet: &Sheet<'a>, otherwise: &'a str) -> &'a str {
    match &sheet.root.content {
        Content::Map(_, entries) => {
            let first = entries.first().map(|entry| sheet.indentation(entry.key.start));
            first.filter(|step| !step.is_empty()).unwrap_or(otherwise)
        }
        _ => otherwise,
    }
}
