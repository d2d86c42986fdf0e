//! How a document is written: each key and value with its bytes in the text, and in which style.
//!
//! Made only for editing; [`crate::places`] keeps less of it for every document that is read. Owns where
//! things stand. What to write there is the business of the modules beside it.

mod json;
mod yaml;

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::limits::Limits;

/// The layout of the documents of a text.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Their outermost values; null documents are left out, as the reader does.
    pub(super) roots: Vec<Node>,
    /// The anchors that an alias names.
    pub(super) used_anchors: BTreeSet<usize>,
}

/// How a list or a map is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// By lines and indentation.
    Block,
    /// In brackets.
    Flow,
    /// One pair in a list without braces: `[a: b]`.
    Pair,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing stands there: null.
    Absent,
    /// A word that means null.
    Null,
    /// Without quotes.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
    /// On lines of its own, after `|` or `>`.
    Block,
}

/// A value in the text.
#[derive(Debug)]
pub(super) struct Node {
    /// The first byte, after anchor and tag. Of a block map its first key, of a block list its first element.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
    /// Its anchor; 0 without one.
    pub(super) anchor: usize,
    /// Whether it has a tag.
    pub(super) is_tagged: bool,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Scalar(Form),
    Alias,
    Map(Style, Vec<Entry>),
    List(Style, Vec<Node>),
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key as Kubernetes reads it; none for what has no plain reading (aliases, tags).
    pub(super) name: Option<String>,
    /// Whether it is `<<`.
    pub(super) is_merge: bool,
    /// The bytes of the key, quotes included.
    pub(super) key: Range<usize>,
    /// The byte after the colon; none where the colon does not follow on the same line (`? key`).
    pub(super) after_colon: Option<usize>,
    pub(super) value: Node,
}

impl Layout {
    /// Reads a text of YAML.
    pub(super) fn of_yaml(text: &str, limits: &Limits) -> Option<Self> {
        yaml::read(text, limits)
    }

    /// Reads a text of JSON values.
    pub(super) fn of_json(text: &str) -> Option<Self> {
        json::read(text)
    }

    /// Whether an alias somewhere repeats the node.
    pub(super) fn is_shared(&self, node: &Node) -> bool {
        node.anchor != 0 && self.used_anchors.contains(&node.anchor)
    }

    /// Whether an alias somewhere repeats the node or something in it.
    pub(super) fn holds_shared(&self, node: &Node) -> bool {
        if self.is_shared(node) {
            return true;
        }
        match &node.content {
            Content::Scalar(_) | Content::Alias => false,
            Content::Map(_, entries) => entries.iter().any(|entry| self.holds_shared(&entry.value)),
            Content::List(_, items) => items.iter().any(|item| self.holds_shared(item)),
        }
    }
}

impl Node {
    pub(super) const fn is_null(&self) -> bool {
        matches!(self.content, Content::Scalar(Form::Absent | Form::Null))
    }

    /// Whether it is a list or a map with nothing in it.
    pub(super) const fn is_empty(&self) -> bool {
        match &self.content {
            Content::Map(_, entries) => entries.is_empty(),
            Content::List(_, items) => items.is_empty(),
            Content::Scalar(_) | Content::Alias => false,
        }
    }

    /// Whether it is written by lines and indentation.
    pub(super) const fn is_block(&self) -> bool {
        matches!(self.content, Content::Map(Style::Block, _) | Content::List(Style::Block, _))
    }
}

impl Entry {
    /// The byte after the last of key and value.
    pub(super) fn end(&self) -> usize {
        self.value.end.max(self.after_colon.unwrap_or(self.key.end))
    }
}

/// Puts a layout together from what a reader meets, one call for each thing.
#[derive(Debug, Default)]
struct Assembly {
    layout: Layout,
    root: Option<Node>,
    open: Vec<Open>,
}

/// A list or map that is still open, with the key that waits for its value.
#[derive(Debug)]
struct Open {
    node: Node,
    pending: Option<Key>,
}

/// A key whose value has not come yet.
#[derive(Debug)]
struct Key {
    name: Option<String>,
    is_merge: bool,
    bytes: Range<usize>,
    after_colon: Option<usize>,
}

impl Assembly {
    /// Whether the next thing is a key of a map.
    fn expects_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open { node: Node { content: Content::Map(..), .. }, pending: None })
        )
    }

    fn key(&mut self, key: Key) {
        if let Some(open) = self.open.last_mut() {
            open.pending = Some(key);
        }
    }

    fn begin(&mut self, node: Node) {
        self.open.push(Open { node, pending: None });
    }

    /// The innermost list or map ends; one in brackets at a byte, another with what is in it.
    fn end(&mut self, bracket: Option<usize>) -> Option<()> {
        let mut node = self.open.pop()?.node;
        let last = match &node.content {
            Content::Map(_, entries) => entries.last().map(Entry::end),
            Content::List(_, items) => items.last().map(|item| item.end),
            Content::Scalar(_) | Content::Alias => None,
        };
        node.end = bracket.or(last).unwrap_or(node.end);
        self.value(node)
    }

    fn value(&mut self, mut node: Node) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match &mut open.node.content {
            Content::List(_, items) => items.push(node),
            Content::Map(_, entries) => {
                let Key { name, is_merge, bytes, after_colon } = open.pending.take()?;
                if matches!(node.content, Content::Scalar(Form::Absent)) && node.anchor == 0 {
                    node.start = after_colon.unwrap_or(node.start);
                    node.end = node.start;
                }
                entries.push(Entry { name, is_merge, key: bytes, after_colon, value: node });
            }
            Content::Scalar(_) | Content::Alias => return None,
        }
        Some(())
    }

    fn finish_document(&mut self) {
        self.open.clear();
        self.layout.roots.extend(self.root.take().filter(|root| !root.is_null()));
    }
}

/// The byte after the colon that follows a key on its line.
fn after_colon(text: &str, key_end: usize) -> Option<usize> {
    let rest = text.get(key_end..)?;
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest.get(blank..)?.starts_with(':').then_some(key_end + blank + 1)
}
