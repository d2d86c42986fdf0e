//! Where each key and value of a document stands in its text.
//!
//! The tree runs beside the document's value and is kept flat, in the order of the text, each node with
//! the size of its subtree: no pointers, and no recursion to walk or to drop it.

use std::collections::BTreeMap;
use std::fmt;

use airside_types::{FieldPath, Step};

use crate::value::Key;

/// A place in a text. The default, line 0, says that the place is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A key among the keys of its document: the same few come again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyNumber(u32);

impl KeyNumber {
    /// For what stands under no key: list elements, and the document itself.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// The place of one value, and of the key that it stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) key: KeyNumber,
    /// Where the key stands; where the value stands when there is no key.
    pub(crate) key_position: Position,
    /// Where the value starts. For a value taken from an anchor, where it is written.
    pub(crate) value_position: Position,
    /// The number of nodes of this value: itself and all that is below.
    pub(crate) size: u32,
}

/// The keys of a document while it is read.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<Key, KeyNumber>);

impl Keys {
    /// A key and its number, the same for each time that it comes.
    pub(crate) fn of(&mut self, name: &str) -> (Key, KeyNumber) {
        if let Some((key, number)) = self.0.get_key_value(name) {
            return (Key::clone(key), *number);
        }
        let key = Key::from(name);
        // A reader's limit on nodes is far below.
        let number = KeyNumber(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.insert(Key::clone(&key), number);
        (key, number)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The places of a whole document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    nodes: Box<[Node]>,
    /// By number.
    keys: Box<[Key]>,
}

impl Places {
    pub(crate) fn new(nodes: Vec<Node>, keys: Keys) -> Self {
        let mut keys: Vec<(Key, KeyNumber)> = keys.0.into_iter().collect();
        keys.sort_unstable_by_key(|(_, number)| number.0);
        let keys = keys.into_iter().map(|(key, _)| key).collect();
        Self { nodes: nodes.into_boxed_slice(), keys }
    }

    /// The places, seen from the document's root.
    pub fn root(&self) -> PlacesView<'_> {
        PlacesView { nodes: &self.nodes, keys: &self.keys }
    }
}

/// The places of a value and of everything below it.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlacesView<'a> {
    /// The value's node first.
    nodes: &'a [Node],
    keys: &'a [Key],
}

impl<'a> PlacesView<'a> {
    /// Where the key of this value stands; the value's own place for a list element and for a document.
    pub fn key_position(&self) -> Position {
        self.nodes.first().map(|node| node.key_position).unwrap_or_default()
    }

    /// Where the value starts.
    pub fn value_position(&self) -> Position {
        self.nodes.first().map(|node| node.value_position).unwrap_or_default()
    }

    /// The places one step down, when that key or element exists.
    pub fn child(&self, step: &Step<'_>) -> Option<Self> {
        match step {
            // Merge keys can leave several nodes under one key: the last one is in force.
            Step::Key(key) => {
                self.children().filter(|child| child.first_key() == Some(key.as_ref())).last()
            }
            Step::Index(index) => {
                self.children().nth(*index).filter(|child| child.first_key().is_none())
            }
        }
    }

    /// Where the deepest existing step of a path stands: the place to look at for a field, and where to
    /// write one that is missing. Keys are preferred to their values, since that is what a reader looks
    /// for.
    pub fn resolve(&self, path: &FieldPath) -> Position {
        self.descend(path).key_position()
    }

    /// The places at the deepest existing step of a path.
    pub fn descend(&self, path: &FieldPath) -> Self {
        let mut view = *self;
        for step in path.steps() {
            match view.child(&step) {
                Some(child) => view = child,
                None => break,
            }
        }
        view
    }

    /// Where keys and values of this value and of everything below it start.
    pub fn positions(&self) -> impl Iterator<Item = Position> + use<'a> {
        self.nodes.iter().flat_map(|node| [node.key_position, node.value_position])
    }

    /// Whether there is nothing below this value.
    pub fn is_leaf(&self) -> bool {
        self.children().next().is_none()
    }

    fn first_key(&self) -> Option<&'a str> {
        let KeyNumber(number) = self.nodes.first()?.key;
        self.keys.get(number as usize).map(AsRef::as_ref)
    }

    fn children(&self) -> impl Iterator<Item = Self> + use<'a> {
        let mut rest = self
            .nodes
            .first()
            .and_then(|node| self.nodes.get(1..node.size as usize))
            .unwrap_or_default();
        let keys = self.keys;
        std::iter::from_fn(move || {
            let size = rest.first()?.size as usize;
            let (child, after) = rest.split_at_checked(size)?;
            rest = after;
            Some(Self { nodes: child, keys })
        })
    }
}
