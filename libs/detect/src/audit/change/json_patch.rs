//! JSON patches (RFC 6902): the part of the object that their operations build.
//!
//! The object itself is not known, so an element of a list is known by its index as it is at that moment, from the
//! beginning or, as the API server reads `-1`, from the end. Later insertions and removals move it. What is moved or copied from elsewhere in the object is looked up in
//! the object after the patch; where there is none, that the patch does so is told.

use std::collections::BTreeMap;

use airside_k8s::{Map, Value};
use airside_types::FieldPath;

use super::Why;
use super::decode::MAX_DEPTH;

/// How many operations are read: an API server takes no more in one patch.
pub(super) const MAX_OPERATIONS: usize = 10_000;

/// How many elements of lists all operations together may go through. A part that is copied or moved counts as
/// [`OF_PART`]. An API server takes 3 MiB of copies in one patch; a copy of copies doubles with each operation.
const MAX_EFFORT: usize = 100_000_000;
/// What a part takes that is copied or moved, in elements that are gone through.
const OF_PART: usize = 100;

/// A patch, applied to an object of which nothing is known.
#[derive(Debug)]
pub(super) struct Patch {
    root: Node,
    pub(super) removed: Vec<FieldPath>,
    moves_unknown: bool,
    unread: Option<Why>,
    /// What is left of [`MAX_EFFORT`].
    effort: usize,
}

/// A part of the object.
#[derive(Debug, Clone)]
enum Node {
    /// Something that was moved here from a part of the object that is not known.
    Unknown,
    /// A text, a number, a truth value, or nothing.
    Scalar(Value),
    /// Fields; all of them, or those that the patch touches.
    Map { fields: BTreeMap<String, Self>, is_whole: bool },
    /// Elements with their places; all of them, or those that the patch touches.
    List { elements: Vec<(Place, Self)>, is_whole: bool },
}

/// Where an element is in a list. Where the length is known, all are known from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// From the beginning: 0 is the first.
    At(usize),
    /// From the end: 1 is the last.
    Last(usize),
}

impl Place {
    /// The place that a step names, as Go's `strconv.Atoi` reads it; none where it is no number.
    fn named(step: &str) -> Option<Self> {
        let digits = step.strip_prefix(['-', '+']).unwrap_or(step);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| digits.parse().ok()).flatten()?;
        Some(match number {
            back @ 1.. if step.starts_with('-') => Self::Last(back),
            index => Self::At(index),
        })
    }

    /// The same in a list of a length, where that is known.
    const fn in_list_of(self, length: Option<usize>) -> Self {
        match (self, length) {
            (Self::Last(back), Some(length)) => Self::At(length.saturating_sub(back)),
            (place, _) => place,
        }
    }

    /// How elements are ordered.
    const fn order(self) -> (bool, usize) {
        match self {
            Self::At(index) => (false, index),
            Self::Last(back) => (true, usize::MAX - back),
        }
    }
}

/// Whether a value goes before the element at its index, or takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Added,
    Replaced,
}

impl Patch {
    /// Applies operations in their order.
    pub(super) fn of(operations: &[Value]) -> Self {
        let nothing = Node::Scalar(Value::Null);
        let mut patch = Self {
            root: nothing,
            removed: Vec::new(),
            moves_unknown: false,
            unread: None,
            effort: MAX_EFFORT,
        };
        if operations.len() > MAX_OPERATIONS {
            patch.unread = Some(Why::Long);
        }
        for operation in operations.iter().take(MAX_OPERATIONS) {
            if patch.effort == 0 {
                patch.unread.get_or_insert(Why::Long);
                break;
            }
            patch.apply(operation);
        }
        patch
    }

    /// Whether it moves or copies what it does not say.
    pub(super) fn moves_unknown(&self) -> bool {
        self.moves_unknown
    }

    /// The part of the object that it sets, and what of that is not known. What was moved is looked up in the
    /// object after it.
    pub(super) fn settled(&self, after: Option<&Value>) -> (Value, Option<Why>) {
        let mut is_lost = false;
        let set = self.root.settled(after, &mut is_lost);
        let set = if set.is_null() { Value::Object(Map::new()) } else { set };
        (set, self.unread.or_else(|| is_lost.then_some(Why::Moved)))
    }

    fn apply(&mut self, operation: &Value) {
        let text = |key| operation.get(key).and_then(Value::as_str).unwrap_or_default();
        let (Some(path), Some(from)) = (steps(text("path")), steps(text("from"))) else {
            self.unread = Some(Why::Deep);
            return;
        };
        let passed = self.root.passed(&path).saturating_add(self.root.passed(&from));
        self.effort = self.effort.saturating_sub(passed);
        let value = || Node::whole(operation.get("value").unwrap_or(&Value::Null));
        match text("op") {
            "add" => self.put(&path, value(), How::Added),
            "replace" => {
                // What is emptied is not there any more. Nobody empties with `add` but where nothing was.
                if operation.get("value").is_some_and(is_empty) {
                    self.removed.push(shown(&path));
                }
                self.put(&path, value(), How::Replaced);
            }
            "remove" => drop(self.take(&path)),
            "move" => {
                let taken = self.take(&from);
                self.put_moved(&path, taken);
            }
            "copy" => {
                let found = self.root.find(&from);
                let size = found.map_or(0, |found| found.size_up_to(self.effort / OF_PART + 1));
                if size > self.effort / OF_PART {
                    self.effort = 0;
                    return;
                }
                let copied = found.cloned().unwrap_or(Node::Unknown);
                self.put_moved(&path, copied);
            }
            _ => {}
        }
    }

    fn put_moved(&mut self, path: &[String], node: Node) {
        // To look whether it is whole is to look at all of it.
        let size = node.size_up_to(self.effort / OF_PART + 1);
        self.effort = self.effort.saturating_sub(size * OF_PART);
        if path.len() + node.depth() > MAX_DEPTH {
            self.unread = Some(Why::Deep);
            return;
        }
        let node = if node.is_whole() { node } else { Node::Unknown };
        self.moves_unknown |= matches!(node, Node::Unknown);
        self.put(path, node, How::Added);
    }

    fn put(&mut self, path: &[String], node: Node, how: How) {
        let Some((last, above)) = path.split_last() else {
            self.root = node;
            return;
        };
        let mut place = &mut self.root;
        for step in above {
            if matches!(place, Node::Unknown) {
                self.unread = Some(Why::Moved);
            }
            place = place.child(step);
        }
        if matches!(place, Node::Unknown) {
            self.unread = Some(Why::Moved);
        }
        place.put(last, node, how);
    }

    /// Takes out what is at a path.
    fn take(&mut self, path: &[String]) -> Node {
        self.removed.push(shown(path));
        let Some((last, above)) = path.split_last() else { return Node::Unknown };
        let Some(parent) = self.root.find_mut(above) else { return Node::Unknown };
        parent.take(last)
    }
}

impl Node {
    fn whole(value: &Value) -> Self {
        match value {
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (key.to_owned(), Self::whole(value)));
                Self::Map { fields: fields.collect(), is_whole: true }
            }
            Value::Array(elements) => {
                let elements = elements.iter().enumerate();
                let elements =
                    elements.map(|(index, value)| (Place::At(index), Self::whole(value)));
                Self::List { elements: elements.collect(), is_whole: true }
            }
            scalar => Self::Scalar(scalar.clone()),
        }
    }

    fn is_whole(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Scalar(_) => true,
            Self::Map { fields, is_whole } => *is_whole && fields.values().all(Self::is_whole),
            Self::List { elements, is_whole } => {
                *is_whole && elements.iter().all(|(_, element)| element.is_whole())
            }
        }
    }

    /// The parts below it.
    fn below(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::Unknown | Self::Scalar(_) => Box::new(std::iter::empty()),
            Self::Map { fields, .. } => Box::new(fields.values()),
            Self::List { elements, .. } => Box::new(elements.iter().map(|(_, element)| element)),
        }
    }

    /// How many parts it has, itself included; no more than so many are counted.
    fn size_up_to(&self, most: usize) -> usize {
        let mut open = vec![self];
        let mut size = 0;
        while let Some(node) = open.pop().filter(|_| size < most) {
            size += 1;
            open.extend(node.below().take(most));
        }
        size
    }

    /// How many steps lead to its deepest part. Nothing is deeper than what was read and the paths, [`MAX_DEPTH`] each.
    fn depth(&self) -> usize {
        self.below().map(|below| below.depth() + 1).max().unwrap_or(0)
    }

    /// How many elements of lists are gone through on a path: an element is found by its index as it is now.
    fn passed(&self, path: &[String]) -> usize {
        let (mut passed, mut node) = (0_usize, Some(self));
        for step in path {
            let Some(here) = node else { break };
            if let Self::List { elements, .. } = here {
                passed = passed.saturating_add(elements.len());
            }
            node = here.get(step);
        }
        passed
    }

    /// Makes a map or a list of what is neither: a number or `-` means a list.
    fn open(&mut self, step: &str) {
        if matches!(self, Self::Unknown | Self::Scalar(_)) {
            *self = if step == "-" || Place::named(step).is_some() {
                Self::List { elements: Vec::new(), is_whole: false }
            } else {
                Self::Map { fields: BTreeMap::new(), is_whole: false }
            };
        }
    }

    /// What is one step down; it is made where nothing is known of it.
    #[expect(clippy::indexing_slicing, reason = "the index was found, or has just been filled")]
    fn child(&mut self, step: &str) -> &mut Self {
        const NOTHING: Node = Node::Scalar(Value::Null);
        self.open(step);
        match self {
            Self::Map { fields, .. } => fields.entry(step.to_owned()).or_insert(NOTHING),
            Self::List { elements, is_whole } => {
                let length = is_whole.then_some(elements.len());
                // An API server refuses to go on below `-`, which is no element yet.
                let place = Place::named(step).unwrap_or(Place::Last(1)).in_list_of(length);
                let known = elements.iter().position(|(own, _)| *own == place);
                let at = known.unwrap_or_else(|| {
                    elements.push((place, NOTHING));
                    elements.len() - 1
                });
                &mut elements[at].1
            }
            other => other,
        }
    }

    fn get_mut(&mut self, step: &str) -> Option<&mut Self> {
        match self {
            Self::Map { fields, .. } => fields.get_mut(step),
            Self::List { elements, is_whole } => {
                let place = Place::named(step)?.in_list_of(is_whole.then_some(elements.len()));
                elements.iter_mut().find(|(own, _)| *own == place).map(|(_, element)| element)
            }
            _ => None,
        }
    }

    fn get(&self, step: &str) -> Option<&Self> {
        match self {
            Self::Map { fields, .. } => fields.get(step),
            Self::List { elements, is_whole } => {
                let place = Place::named(step)?.in_list_of(is_whole.then_some(elements.len()));
                elements.iter().find(|(own, _)| *own == place).map(|(_, element)| element)
            }
            _ => None,
        }
    }

    fn find(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| node.get(step))
    }

    fn find_mut(&mut self, path: &[String]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, step| node.get_mut(step))
    }

    fn put(&mut self, step: &str, node: Self, how: How) {
        self.open(step);
        match self {
            Self::Map { fields, .. } => drop(fields.insert(step.to_owned(), node)),
            Self::List { elements, is_whole } => {
                // What is added is counted in the list as it is with it.
                let length = elements.len() + usize::from(how == How::Added);
                let length = is_whole.then_some(length);
                let place = Place::named(step).unwrap_or(Place::Last(1)).in_list_of(length);
                if how == How::Replaced {
                    elements.retain(|(own, _)| *own != place);
                } else {
                    moved(elements, place, |number| number.saturating_add(1));
                }
                elements.push((place, node));
            }
            _ => {}
        }
    }

    fn take(&mut self, step: &str) -> Self {
        let taken = match self {
            Self::Map { fields, .. } => fields.remove(step),
            Self::List { elements, is_whole } => {
                let length = is_whole.then_some(elements.len());
                Place::named(step).map(|place| place.in_list_of(length)).and_then(|place| {
                    let at = elements.iter().position(|(own, _)| *own == place);
                    let taken = at.map(|at| elements.remove(at).1);
                    moved(elements, place, |number| number.saturating_sub(1));
                    taken
                })
            }
            _ => None,
        };
        taken.unwrap_or(Self::Unknown)
    }

    fn settled(&self, after: Option<&Value>, is_lost: &mut bool) -> Value {
        match self {
            Self::Unknown => {
                *is_lost |= after.is_none();
                after.cloned().unwrap_or_default()
            }
            Self::Scalar(value) => value.clone(),
            Self::Map { fields, .. } => {
                let fields = fields.iter().map(|(key, node)| {
                    let below = after.and_then(|after| after.get(key.as_str()));
                    (key.as_str(), node.settled(below, is_lost))
                });
                Value::Object(fields.collect::<Map>())
            }
            Self::List { elements, .. } => {
                let mut ordered: Vec<_> = elements.iter().collect();
                ordered.sort_by_key(|(place, _)| place.order());
                let length = after.and_then(Value::as_array).map_or(0, <[Value]>::len);
                let settled = ordered.into_iter().map(|(place, node)| {
                    let at = match *place {
                        Place::At(index) => Some(index),
                        Place::Last(back) => length.checked_sub(back),
                    };
                    let below = at.and_then(|at| after?.get(at));
                    node.settled(below, is_lost)
                });
                settled.collect::<Vec<_>>().into()
            }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

/// Moves the elements from a place on: those behind it, or before it where it is counted from the end.
fn moved(elements: &mut [(Place, Node)], from: Place, by: impl Fn(usize) -> usize) {
    for (place, _) in elements {
        match (place, from) {
            (Place::At(own), Place::At(from)) | (Place::Last(own), Place::Last(from))
                if *own >= from =>
            {
                *own = by(*own);
            }
            _ => {}
        }
    }
}

/// The steps of a pointer; none where it leads too deep.
fn steps(pointer: &str) -> Option<Vec<String>> {
    let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    let steps: Vec<_> = steps.take(MAX_DEPTH + 1).collect();
    (steps.len() <= MAX_DEPTH).then_some(steps)
}

fn shown(path: &[String]) -> FieldPath {
    path.iter().fold(FieldPath::root(), |path, step| match Place::named(step) {
        Some(Place::At(index)) => path.index(index),
        Some(Place::Last(_)) | None => path.key(step),
    })
}
