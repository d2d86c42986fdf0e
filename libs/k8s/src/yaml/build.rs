//! Builds a document's value and places from what a reader meets, one call for each thing.
//!
//! No recursion: open lists and maps lie on a stack whose height is bounded, and what aliases repeat is
//! counted against the same budget as what is written.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Problem, YamlError};
use super::limits::Limits;
use crate::places::{KeyNumber, Keys, Node, Places, Position};
use crate::value::build::OpenMap;
use crate::value::{Key, Value};

/// The longest piece of a key that an error shows.
const SHOWN_CHARS: usize = 60;

/// What an anchor stands for.
struct Anchored {
    value: Value,
    nodes: Vec<Node>,
    height: usize,
}

/// A key whose value has not come yet.
struct PendingKey {
    name: Key,
    number: KeyNumber,
    position: Position,
    is_merge: bool,
}

/// A list or map that is still open.
struct Frame {
    content: Content,
    /// The index of its node.
    start: usize,
    anchor: usize,
    /// The levels below it, itself counted.
    height: usize,
}

enum Content {
    List(Vec<Value>),
    Map {
        entries: OpenMap,
        pending: Option<PendingKey>,
        /// Keys that came by a merge: the map itself may give them once more.
        merged: BTreeSet<Key>,
    },
}

/// The state of one text; [`Builder::reset`] starts the next document.
pub(super) struct Builder<'l> {
    limits: &'l Limits,
    /// Nodes made since the text's start.
    spent: usize,
    nodes: Vec<Node>,
    keys: Keys,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Anchored>,
    root: Option<Value>,
    /// The keys that the document gives twice.
    duplicates: Vec<YamlError>,
}

impl<'l> Builder<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            spent: 0,
            nodes: Vec::new(),
            keys: Keys::default(),
            frames: Vec::new(),
            anchors: BTreeMap::new(),
            root: None,
            duplicates: Vec::new(),
        }
    }

    /// Forgets the document, not the budget.
    pub(super) fn reset(&mut self) {
        self.nodes.clear();
        self.keys.clear();
        self.frames.clear();
        self.anchors.clear();
        self.root = None;
        self.duplicates.clear();
    }

    /// The finished document; none where it is empty.
    pub(super) fn finish(&mut self) -> Option<(Value, Places)> {
        let value = self.root.take().filter(|value| !value.is_null());
        let (nodes, keys) = (std::mem::take(&mut self.nodes), std::mem::take(&mut self.keys));
        value.map(|value| (value, Places::new(nodes, keys)))
    }

    /// The keys that the document gives twice, where the second stands.
    pub(super) fn duplicates(&mut self) -> impl Iterator<Item = YamlError> {
        std::mem::take(&mut self.duplicates).into_iter()
    }

    /// Whether the next thing is a key of a map.
    pub(super) fn expects_key(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame { content: Content::Map { pending: None, .. }, .. })
        )
    }

    /// A key; its value comes next.
    pub(super) fn key(&mut self, name: &str, position: Position) {
        let (name, number) = self.keys.of(name);
        self.set_pending(PendingKey { name, number, position, is_merge: false });
    }

    /// The key `<<`; what to merge comes next.
    pub(super) fn merge_key(&mut self, position: Position) {
        let (name, number) = (Key::default(), KeyNumber::NONE);
        self.set_pending(PendingKey { name, number, position, is_merge: true });
    }

    fn set_pending(&mut self, key: PendingKey) {
        if let Some(Frame { content: Content::Map { pending, .. }, .. }) = self.frames.last_mut() {
            *pending = Some(key);
        }
    }

    /// A value that is no list and no map.
    pub(super) fn scalar(
        &mut self,
        value: Value,
        anchor: usize,
        at: Position,
    ) -> Result<(), YamlError> {
        let start = self.open_node(at)?;
        self.close_value(value, start, anchor, 0)
    }

    /// A list starts; its elements come next.
    pub(super) fn begin_list(&mut self, anchor: usize, at: Position) -> Result<(), YamlError> {
        self.begin(Content::List(Vec::new()), anchor, at)
    }

    /// A map starts; its keys and values come next.
    pub(super) fn begin_map(&mut self, anchor: usize, at: Position) -> Result<(), YamlError> {
        let content =
            Content::Map { entries: OpenMap::default(), pending: None, merged: BTreeSet::new() };
        self.begin(content, anchor, at)
    }

    fn begin(&mut self, content: Content, anchor: usize, at: Position) -> Result<(), YamlError> {
        if self.expects_key() {
            return Err(YamlError::new(at, Problem::KeyIsNoText));
        }
        self.check_depth(1, at)?;
        let start = self.open_node(at)?;
        self.frames.push(Frame { content, start, anchor, height: 1 });
        Ok(())
    }

    /// The innermost list or map ends.
    pub(super) fn end(&mut self) -> Result<(), YamlError> {
        let Some(Frame { content, start, anchor, height }) = self.frames.pop() else {
            return Ok(());
        };
        let value = match content {
            Content::List(elements) => Value::Array(elements.into_boxed_slice()),
            Content::Map { entries, .. } => Value::Object(entries.close()),
        };
        self.close_value(value, start, anchor, height)
    }

    /// What an anchor stands for, once more.
    pub(super) fn alias(&mut self, anchor: usize, at: Position) -> Result<(), YamlError> {
        let unknown = || YamlError::new(at, Problem::UnknownAnchor);
        let (size, height) =
            self.anchors.get(&anchor).map(|a| (a.nodes.len(), a.height)).ok_or_else(unknown)?;
        self.spend(size, at)?;
        self.check_depth(height, at)?;
        let expects_key = self.expects_key();
        let anchored = self.anchors.get(&anchor).ok_or_else(unknown)?;
        let value = anchored.value.clone();
        if expects_key {
            let key = super::scalar::key_text(value)
                .ok_or_else(|| YamlError::new(at, Problem::KeyIsNoText))?;
            self.key(&key, at);
            return Ok(());
        }
        let start = self.nodes.len();
        self.nodes.extend_from_slice(&anchored.nodes);
        let (key, key_position) = self.pending_name(at);
        if let Some(node) = self.nodes.get_mut(start) {
            node.key = key;
            node.key_position = key_position;
        }
        self.attach(value, start, height)
    }

    fn check_depth(&self, more: usize, at: Position) -> Result<(), YamlError> {
        if self.frames.len() + more > self.limits.max_depth {
            return Err(YamlError::new(at, Problem::TooDeep(self.limits.max_depth)));
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, at: Position) -> Result<(), YamlError> {
        self.spent += nodes;
        if self.spent > self.limits.max_nodes {
            return Err(YamlError::new(at, Problem::TooManyNodes(self.limits.max_nodes)));
        }
        Ok(())
    }

    /// The key that the next value stands under, and its place.
    fn pending_name(&self, otherwise: Position) -> (KeyNumber, Position) {
        match self.frames.last() {
            Some(Frame { content: Content::Map { pending: Some(key), .. }, .. }) => {
                (key.number, key.position)
            }
            _ => (KeyNumber::NONE, otherwise),
        }
    }

    fn open_node(&mut self, value_position: Position) -> Result<usize, YamlError> {
        self.spend(1, value_position)?;
        let (key, key_position) = self.pending_name(value_position);
        self.nodes.push(Node { key, key_position, value_position, size: 1 });
        Ok(self.nodes.len() - 1)
    }

    fn close_value(
        &mut self,
        value: Value,
        start: usize,
        anchor: usize,
        height: usize,
    ) -> Result<(), YamlError> {
        let size = self.nodes.len() - start;
        if let Some(node) = self.nodes.get_mut(start) {
            node.size = u32::try_from(size).unwrap_or(u32::MAX);
        }
        if anchor != 0 {
            let nodes = self.nodes.get(start..).unwrap_or_default().to_vec();
            let at = nodes.first().map(|node| node.value_position).unwrap_or_default();
            self.spend(nodes.len(), at)?;
            self.anchors.insert(anchor, Anchored { value: value.clone(), nodes, height });
        }
        self.attach(value, start, height)
    }

    /// Puts a finished value into the list or map that is open, or makes it the document.
    fn attach(&mut self, value: Value, start: usize, height: usize) -> Result<(), YamlError> {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(value);
            return Ok(());
        };
        frame.height = frame.height.max(height + 1);
        match &mut frame.content {
            Content::List(elements) => elements.push(value),
            Content::Map { entries, pending, merged } => match pending.take() {
                Some(key) if key.is_merge => {
                    let nodes = self.nodes.split_off(start);
                    let spliced = merge(entries, merged, value, &nodes)
                        .ok_or_else(|| YamlError::new(key.position, Problem::BadMerge))?;
                    self.nodes.extend(spliced);
                }
                Some(key) => {
                    let position = key.position;
                    if entries.contains(&key.name) && !merged.remove(&key.name) {
                        let shown = key.name.chars().take(SHOWN_CHARS).collect();
                        let problem = Problem::DuplicateKey(shown);
                        self.duplicates.push(YamlError::new(position, problem));
                    }
                    entries.insert(key.name, value);
                }
                None => {}
            },
        }
        Ok(())
    }
}

/// Merges a map, or the maps of a list, into a map, as go-yaml v2 does: what is merged overrides what the
/// map gave before, and of a list the first has the last word. Returns the nodes to add to the map.
fn merge(
    entries: &mut OpenMap,
    merged: &mut BTreeSet<Key>,
    value: Value,
    nodes: &[Node],
) -> Option<Vec<Node>> {
    let below = nodes.get(1..)?;
    let mut sources = Vec::new();
    match value {
        Value::Object(map) => sources.push((map, below)),
        Value::Array(list) => {
            let mut rest = below;
            for element in list {
                let Value::Object(map) = element else { return None };
                let (own, after) = rest.split_at_checked(rest.first()?.size as usize)?;
                sources.push((map, own.get(1..)?));
                rest = after;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    }
    let mut spliced = Vec::new();
    for (map, own) in sources.into_iter().rev() {
        for (key, value) in map {
            merged.insert(Key::clone(&key));
            entries.insert(key, value);
        }
        spliced.extend_from_slice(own);
    }
    Some(spliced)
}
