//! Removing keys and elements. Comments around them stay; those within and behind them go with them.

use std::ops::Range;

use airside_types::FieldPath;

use super::block::dash_of;
use super::layout::{Content, Entry, Node, Style};
use super::set::Found;
use super::sheet::Sheet;
use super::{Patch, Refusal};

/// The way to remove a key or an element.
pub(super) fn remove(
    sheet: &Sheet<'_>,
    path: &FieldPath,
    found: &Found<'_>,
) -> Result<Vec<Patch>, Refusal> {
    let unsupported = || Refusal::Unsupported(path.clone());
    let (node, entry) = found.last().ok_or_else(unsupported)?;
    let (parent, holder) = found.parent().ok_or_else(unsupported)?;
    if sheet.layout.holds_shared(node) {
        return Err(Refusal::Aliased(path.clone()));
    }
    let patch = match (&parent.content, entry) {
        (Content::Map(style, entries), Some(entry)) => {
            let pieces: Vec<Range<usize>> =
                entries.iter().map(|entry| entry.key.start..entry.end()).collect();
            let index = entries.iter().position(|own| own.key == entry.key);
            let index = index.ok_or_else(unsupported)?;
            match style {
                Style::Block => from_block(sheet, holder, parent, &pieces, index, "{}"),
                Style::Flow => from_flow(sheet, parent, &pieces, index),
                Style::Pair => None,
            }
        }
        (Content::List(style, items), None) => {
            let index = items.iter().position(|item| std::ptr::eq(item, node));
            let index = index.ok_or_else(unsupported)?;
            let pieces: Option<Vec<Range<usize>>> = match style {
                Style::Block => {
                    items.iter().map(|item| Some(dash_of(sheet, item)?..item.end)).collect()
                }
                _ => Some(items.iter().map(|item| item.start..item.end).collect()),
            };
            let pieces = pieces.ok_or_else(unsupported)?;
            match style {
                Style::Block => from_block(sheet, holder, parent, &pieces, index, "[]"),
                Style::Flow | Style::Pair => from_flow(sheet, parent, &pieces, index),
            }
        }
        _ => None,
    };
    patch.map(|patch| vec![patch]).ok_or_else(unsupported)
}

/// Removes one of the pieces of a list or map in block style; the last one leaves `{}` or `[]`.
fn from_block(
    sheet: &Sheet<'_>,
    holder: Option<&Entry>,
    parent: &Node,
    pieces: &[Range<usize>],
    index: usize,
    empty: &str,
) -> Option<Patch> {
    let piece = pieces.get(index)?.clone();
    let whole_lines = sheet.line_start(piece.start)..sheet.next_line(piece.end);
    let begins_line = sheet.is_first_on_line(piece.start);
    if pieces.len() == 1 {
        return Some(match holder.and_then(|holder| holder.after_colon) {
            Some(colon) if begins_line => {
                vec![(colon..colon, format!(" {empty}")), (whole_lines, String::new())]
            }
            _ => vec![(parent.start..piece.end, empty.to_owned())],
        });
    }
    if begins_line {
        return Some(vec![(whole_lines, String::new())]);
    }
    // The first key after a dash: the next one takes its place.
    let next = pieces.get(index + 1)?;
    let between = sheet.slice(piece.end..next.start);
    between.trim().is_empty().then(|| vec![(piece.start..next.start, String::new())])
}

/// Removes one of the pieces between brackets, with a comma.
fn from_flow(
    sheet: &Sheet<'_>,
    parent: &Node,
    pieces: &[Range<usize>],
    index: usize,
) -> Option<Patch> {
    let piece = pieces.get(index)?;
    let range = if let Some(next) = pieces.get(index + 1) {
        piece.start..next.start
    } else if let Some(before) = index.checked_sub(1).and_then(|before| pieces.get(before)) {
        before.end..piece.end
    } else {
        parent.start + 1..parent.end.saturating_sub(1)
    };
    let outside = [sheet.slice(range.start..piece.start), sheet.slice(piece.end..range.end)];
    let only_comma = outside.iter().all(|text| text.chars().all(|c| c.is_whitespace() || c == ','));
    only_comma.then(|| vec![(range, String::new())])
}
