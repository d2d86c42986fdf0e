//! Where an edit lands in the layout, and the choice of how to write it there.

use airside_types::{FieldPath, Step};

use crate::fields::below;
use crate::value::{Map, Value};

use super::layout::{Content, Entry, Form, Node, Style};
use super::sheet::Sheet;
use super::{Patch, Refusal, Syntax, block, flow, write};

/// The way along a path as far as it is written.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// From the root to the deepest value that exists.
    pub(super) nodes: Vec<&'a Node>,
    /// For each of these the entry of its map that it is the value of.
    pub(super) entries: Vec<Option<&'a Entry>>,
    /// The steps that lead on to what does not exist.
    pub(super) rest: Vec<Step<'a>>,
}

impl<'a> Found<'a> {
    /// The deepest value that exists, with the entry that it is the value of.
    pub(super) fn last(&self) -> Option<(&'a Node, Option<&'a Entry>)> {
        Some((*self.nodes.last()?, *self.entries.last()?))
    }

    /// The same for the value that it lies in.
    pub(super) fn parent(&self) -> Option<(&'a Node, Option<&'a Entry>)> {
        let above = self.nodes.len().checked_sub(2)?;
        Some((*self.nodes.get(above)?, *self.entries.get(above)?))
    }
}

/// Walks down a path. Refuses what aliases and merge keys make appear in more than one place.
pub(super) fn find<'a>(
    sheet: &Sheet<'a>,
    path: &'a FieldPath,
    old: &Value,
) -> Result<Found<'a>, Refusal> {
    let mut found = Found { nodes: vec![sheet.root], entries: vec![None], rest: Vec::new() };
    let mut node = sheet.root;
    let mut value = Some(old);
    let mut steps = path.steps();
    while let Some(step) = steps.next() {
        if sheet.layout.is_shared(node) || matches!(node.content, Content::Alias) {
            return Err(Refusal::Aliased(path.clone()));
        }
        let has_merge = match &node.content {
            Content::Map(_, entries) => entries.iter().any(|entry| entry.is_merge),
            _ => false,
        };
        value = value.and_then(|value| below(value, &step));
        match child(node, &step) {
            Some((below, entry)) => {
                found.nodes.push(below);
                found.entries.push(entry);
                node = below;
            }
            None if has_merge && value.is_some() => return Err(Refusal::Merged(path.clone())),
            None => {
                found.rest = std::iter::once(step).chain(steps).collect();
                break;
            }
        }
    }
    if sheet.layout.is_shared(node) {
        return Err(Refusal::Aliased(path.clone()));
    }
    Ok(found)
}

fn child<'a>(node: &'a Node, step: &Step<'_>) -> Option<(&'a Node, Option<&'a Entry>)> {
    match (step, &node.content) {
        (Step::Key(key), Content::Map(_, entries)) => entries
            .iter()
            .rfind(|entry| entry.name.as_deref() == Some(key.as_ref()))
            .map(|entry| (&entry.value, Some(entry))),
        (Step::Index(index), Content::List(_, items)) => items.get(*index).map(|item| (item, None)),
        _ => None,
    }
}

/// The ways to give a field a value.
pub(super) fn set(
    sheet: &Sheet<'_>,
    path: &FieldPath,
    found: &Found<'_>,
    value: &Value,
) -> Result<Vec<Patch>, Refusal> {
    let unsupported = || Refusal::Unsupported(path.clone());
    let (node, entry) = found.last().ok_or_else(unsupported)?;
    if let Some((first, below)) = found.rest.split_first() {
        let Step::Key(key) = first else { return Err(unsupported()) };
        let value = nested(below, value).ok_or_else(unsupported)?;
        return insert(sheet, node, entry, key, &value).ok_or_else(unsupported);
    }
    if node.is_tagged {
        return Err(unsupported());
    }
    let replaces_plainly = !matches!(value, Value::Object(map) if !map.is_empty())
        && !matches!(value, Value::Array(list) if !list.is_empty());
    match (&node.content, replaces_plainly) {
        (_, true) => replace(sheet, found, value).ok_or_else(unsupported),
        (Content::Scalar(Form::Block), false) => Err(unsupported()),
        (Content::Scalar(_) | Content::Alias, false) => {
            fill(sheet, node, entry, value).ok_or_else(unsupported)
        }
        (Content::Map(..) | Content::List(..), false) if node.is_empty() => {
            fill(sheet, node, entry, value).ok_or_else(unsupported)
        }
        _ => Err(unsupported()),
    }
}

/// The ways to add an element to a list.
pub(super) fn append(
    sheet: &Sheet<'_>,
    path: &FieldPath,
    found: &Found<'_>,
    value: &Value,
) -> Result<Vec<Patch>, Refusal> {
    let unsupported = || Refusal::Unsupported(path.clone());
    let (node, entry) = found.last().ok_or_else(unsupported)?;
    let as_list = Value::from(vec![value.clone()]);
    if !found.rest.is_empty() || node.is_null() {
        return set(sheet, path, found, &as_list);
    }
    let patches = match &node.content {
        Content::List(_, items) if items.is_empty() => fill(sheet, node, entry, &as_list),
        Content::List(Style::Block, items) => block::append(sheet, items, value),
        Content::List(Style::Flow, items) => flow::append(sheet, node, items, value),
        Content::Alias => return Err(Refusal::Aliased(path.clone())),
        _ => None,
    };
    patches.ok_or_else(unsupported)
}

/// The value that leads over keys to another one; none for a step into a list.
fn nested(steps: &[Step<'_>], value: &Value) -> Option<Value> {
    steps.iter().rev().try_fold(value.clone(), |value, step| match step {
        Step::Key(key) => Some(Value::Object(Map::from_iter([(key.to_string(), value)]))),
        Step::Index(_) => None,
    })
}

/// Adds a key to what exists: a map, or nothing yet.
fn insert(
    sheet: &Sheet<'_>,
    node: &Node,
    entry: Option<&Entry>,
    key: &str,
    value: &Value,
) -> Option<Vec<Patch>> {
    match &node.content {
        Content::Map(Style::Block, entries) => {
            block::insert(sheet, node, entry, entries, key, value)
        }
        Content::Map(Style::Flow, entries) if !entries.is_empty() => {
            flow::insert(sheet, node, entries, key, value)
        }
        Content::Map(Style::Flow, _) | Content::Scalar(Form::Absent | Form::Null) => {
            let map = Value::Object(Map::from_iter([(key.to_owned(), value.clone())]));
            fill(sheet, node, entry, &map)
        }
        _ => None,
    }
}

/// Puts a list or map with content where null, `{}` or `[]` stands.
fn fill(
    sheet: &Sheet<'_>,
    node: &Node,
    entry: Option<&Entry>,
    value: &Value,
) -> Option<Vec<Patch>> {
    let mut patches = Vec::new();
    if let Some(entry) = entry
        && sheet.syntax == Syntax::Yaml
        && block::is_block_key(sheet, entry)
        && entry.after_colon.is_some()
    {
        patches.extend(block::fill(sheet, entry, value));
    }
    patches.extend(flow::fill(sheet, node, entry, value));
    Some(patches)
}

/// Puts a scalar (or `{}`, `[]`) in the place of what stands there.
fn replace(sheet: &Sheet<'_>, found: &Found<'_>, value: &Value) -> Option<Vec<Patch>> {
    let (node, _) = found.last()?;
    let form = match &node.content {
        Content::Scalar(form) => Some(*form),
        _ => None,
    };
    let in_block = found.parent().is_none_or(|(parent, _)| parent.is_block());
    let text = match sheet.syntax {
        Syntax::Json => value.to_string(),
        Syntax::Yaml => write::scalar_like(value, form, in_block),
    };
    let (from, to) = (node.start, node.end);
    let glued = sheet.slice(0..from).chars().next_back().is_some_and(|c| !c.is_whitespace());
    let space = if form == Some(Form::Absent) && glued { " " } else { "" };
    Some(vec![vec![(from..to, format!("{space}{text}"))]])
}
