//! Adding keys and elements in block style, that is by lines and indentation.

use super::Patch;
use super::layout::{Content, Entry, Node, Style};
use super::sheet::Sheet;
use super::write::BlockStyle;
use crate::value::Value;

/// The indentation where a text shows none.
const USUAL_STEP: usize = 2;

/// The ways to add a key to a block map with entries: at its end, or after its first.
pub(super) fn insert(
    sheet: &Sheet<'_>,
    map: &Node,
    holder: Option<&Entry>,
    entries: &[Entry],
    key: &str,
    value: &Value,
) -> Option<Vec<Patch>> {
    let column = sheet.column(map.start);
    let newline = sheet.line_break();
    let style = style_at(sheet, map, holder);
    let line = format!("{newline}{:column$}{}", "", style.entry(key, value, column, newline));
    let after = |entry: &Entry| {
        let at = sheet.line_end(entry.end());
        vec![(at..at, line.clone())]
    };
    Some(vec![after(entries.last()?), after(entries.first()?)])
}

/// The way to add an element to a block list with elements.
pub(super) fn append(sheet: &Sheet<'_>, items: &[Node], value: &Value) -> Option<Vec<Patch>> {
    let (first, last) = (items.first()?, items.last()?);
    let column = sheet.column(dash_of(sheet, last).or_else(|| dash_of(sheet, first))?);
    let newline = sheet.line_break();
    let item = style_at(sheet, last, None).item(value, column, newline);
    let at = sheet.line_end(last.end);
    Some(vec![vec![(at..at, format!("{newline}{:column$}{item}", ""))]])
}

/// The way to put a list or map below a key whose value is null, `{}` or `[]`. A comment behind it stays
/// on the key's line.
pub(super) fn fill(sheet: &Sheet<'_>, entry: &Entry, value: &Value) -> Option<Patch> {
    let column = sheet.column(entry.key.start);
    let style = style_at(sheet, sheet.root, None);
    let below = style.below(value, column, sheet.line_break());
    let (node, line_end) = (&entry.value, sheet.line_end(entry.end()));
    let before = sheet.slice(0..node.start).trim_end_matches([' ', '\t']).len();
    let before = before.max(entry.after_colon?);
    let comment = sheet.slice(node.end..line_end).trim_end();
    Some(vec![(before..line_end, format!("{comment}{below}"))])
}

/// Whether a key belongs to a map in block style: it begins its line, or what begins it are dashes.
pub(super) fn is_block_key(sheet: &Sheet<'_>, entry: &Entry) -> bool {
    let before = sheet.slice(sheet.line_start(entry.key.start)..entry.key.start);
    before.chars().all(|c| matches!(c, ' ' | '-')) && holds_block_entry(sheet.root, entry)
}

/// Whether an entry is one of a block map somewhere below.
fn holds_block_entry(node: &Node, entry: &Entry) -> bool {
    match &node.content {
        Content::Map(style, entries) => entries.iter().any(|own| {
            let is_own = own.key == entry.key && *style == Style::Block;
            is_own || (encloses(&own.value, entry) && holds_block_entry(&own.value, entry))
        }),
        Content::List(_, items) => {
            items.iter().any(|item| encloses(item, entry) && holds_block_entry(item, entry))
        }
        Content::Scalar(_) | Content::Alias => false,
    }
}

const fn encloses(node: &Node, entry: &Entry) -> bool {
    node.start <= entry.key.start && entry.key.end <= node.end
}

/// The byte of the dash before an element; comments may stand between them.
pub(super) fn dash_of(sheet: &Sheet<'_>, item: &Node) -> Option<usize> {
    let mut before = sheet.slice(0..item.start).trim_end();
    loop {
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let Some(comment) = before.get(line..)?.find('#') else {
            return before.strip_suffix('-').map(str::len);
        };
        before = before.get(..line + comment)?.trim_end();
    }
}

/// How to indent what comes into a map: as its own values are, else as it is, else as the document.
fn style_at(sheet: &Sheet<'_>, node: &Node, holder: Option<&Entry>) -> BlockStyle {
    let mut seen = Seen::default();
    if let Content::Map(Style::Block, entries) = &node.content {
        entries.iter().for_each(|entry| seen.entry(sheet, entry));
    }
    if let Some(holder) = holder {
        seen.entry(sheet, holder);
    }
    seen.node(sheet, sheet.root);
    BlockStyle {
        step: seen.step.unwrap_or(USUAL_STEP),
        indents_dashes: seen.dashes.is_some_and(|step| step > 0),
    }
}

/// The indentation that was seen first.
#[derive(Debug, Default)]
struct Seen {
    step: Option<usize>,
    dashes: Option<usize>,
}

impl Seen {
    fn entry(&mut self, sheet: &Sheet<'_>, entry: &Entry) {
        let key = sheet.column(entry.key.start);
        match &entry.value.content {
            Content::Map(Style::Block, _) => {
                let step = sheet.column(entry.value.start).checked_sub(key);
                self.step = self.step.or_else(|| step.filter(|step| *step > 0));
            }
            Content::List(Style::Block, items) => {
                let dash = items.first().and_then(|item| dash_of(sheet, item));
                let step = dash.and_then(|dash| sheet.column(dash).checked_sub(key));
                self.dashes = self.dashes.or(step);
            }
            _ => {}
        }
    }

    fn node(&mut self, sheet: &Sheet<'_>, node: &Node) {
        if self.step.is_some() && self.dashes.is_some() {
            return;
        }
        match &node.content {
            Content::Map(Style::Block, entries) => {
                for entry in entries {
                    self.entry(sheet, entry);
                    self.node(sheet, &entry.value);
                }
            }
            Content::List(Style::Block, items) => {
                items.iter().for_each(|item| self.node(sheet, item));
            }
            _ => {}
        }
    }
}
