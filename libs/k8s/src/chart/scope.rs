//! What `.` and variables stand for at each point of a template.
//!
//! `with` and `range` change what `.` is, variables keep what it was; each is a value of the chart, what the
//! template is given, or something that is not followed.

use super::action::Word;
use super::values::{Path, PathStep};

/// How deep blocks may be within each other.
const MAX_DEPTH: usize = 64;

/// What a path or variable stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Meaning {
    /// What the template is given: `.Values` and the rest.
    #[default]
    Root,
    /// A value.
    Value(Path),
    /// Something else.
    Other,
}

/// A block that is open.
#[derive(Debug)]
struct Block {
    /// What `.` is outside.
    dot: Meaning,
    /// How many variables there are outside.
    variables: usize,
    is_defined_elsewhere: bool,
    /// Where the lines of a `range` begin.
    loop_start: Option<usize>,
}

/// What is known at one point of a template.
#[derive(Debug, Default)]
pub(super) struct Scope {
    dot: Meaning,
    variables: Vec<(String, Meaning)>,
    blocks: Vec<Block>,
}

impl Scope {
    /// Whether no block is open.
    pub(super) fn is_closed(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether what follows is written where it stands, and not where something includes it.
    pub(super) fn is_written_here(&self) -> bool {
        !self.blocks.iter().any(|block| block.is_defined_elsewhere)
    }

    /// `if`; none where blocks are too deep, as for all that open one.
    pub(super) fn open_if(&mut self) -> Option<()> {
        self.open(self.dot.clone(), false, None)
    }

    /// `define` and `block`.
    pub(super) fn open_define(&mut self) -> Option<()> {
        self.open(Meaning::Other, true, None)
    }

    /// `with`, perhaps with a variable.
    pub(super) fn open_with(&mut self, words: &[Word<'_>]) -> Option<()> {
        let (variable, dot) = self.bound(words);
        self.open(dot.clone(), false, None)?;
        self.variables.extend(variable.map(|name| (name, dot)));
        Some(())
    }

    /// `range`, perhaps with variables, whose lines begin at a position.
    pub(super) fn open_range(&mut self, words: &[Word<'_>], start: usize) -> Option<()> {
        let assigned = words.iter().position(|word| *word == Word::Assign);
        let before = words.get(..assigned.unwrap_or(0)).unwrap_or_default();
        let names = before.iter().filter_map(|word| match word {
            Word::Path(name) => Some((*name).to_owned()),
            _ => None,
        });
        let ranged = words.get(assigned.map_or(0, |at| at + 1)..).unwrap_or_default();
        let element = match self.meaning_of(ranged) {
            Meaning::Value(mut path) => {
                path.push(PathStep::Each);
                Meaning::Value(path)
            }
            Meaning::Root | Meaning::Other => Meaning::Other,
        };
        self.open(element.clone(), false, Some(start))?;
        // Of two variables the first one is the position or key.
        self.variables.extend(names.map(|name| (name, Meaning::Other)));
        if let (Some(_), Some((_, last))) = (assigned, self.variables.last_mut()) {
            *last = element;
        }
        Some(())
    }

    /// `else`, perhaps with `with`.
    pub(super) fn otherwise(&mut self, words: &[Word<'_>]) -> Option<()> {
        self.dot = self.blocks.last()?.dot.clone();
        if let [Word::Name("with"), rest @ ..] = words {
            self.dot = self.bound(rest).1;
        }
        Some(())
    }

    /// `end`: where the lines of a `range` began, if it was one. None where no block is open.
    pub(super) fn close(&mut self) -> Option<Option<usize>> {
        let block = self.blocks.pop()?;
        self.dot = block.dot;
        self.variables.truncate(block.variables);
        Some(block.loop_start)
    }

    /// `$name := …` and `$name = …`
    pub(super) fn assign(&mut self, name: &str, words: &[Word<'_>]) {
        let meaning = self.meaning_of(words);
        // A variable that is set again may be either afterwards.
        match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, known)) if *known != meaning => *known = Meaning::Other,
            Some(_) => {}
            None => self.variables.push((name.to_owned(), meaning)),
        }
    }

    /// The value that a path stands for, where it is one of the chart's.
    pub(super) fn value(&self, path: &str) -> Option<Path> {
        match self.meaning(path) {
            Meaning::Value(path) if !path.is_empty() => Some(path),
            _ => None,
        }
    }

    fn open(&mut self, dot: Meaning, elsewhere: bool, loop_start: Option<usize>) -> Option<()> {
        if self.blocks.len() >= MAX_DEPTH {
            return None;
        }
        let dot = std::mem::replace(&mut self.dot, dot);
        let variables = self.variables.len();
        self.blocks.push(Block { dot, variables, is_defined_elsewhere: elsewhere, loop_start });
        Some(())
    }

    /// The variable that `with` sets, and what it works on.
    fn bound(&self, words: &[Word<'_>]) -> (Option<String>, Meaning) {
        match words {
            [Word::Path(name), Word::Assign, rest @ ..] => {
                (Some((*name).to_owned()), self.meaning_of(rest))
            }
            _ => (None, self.meaning_of(words)),
        }
    }

    /// What words give, where that is a path, perhaps with a default.
    fn meaning_of(&self, words: &[Word<'_>]) -> Meaning {
        match words {
            [Word::Path(path)] => self.meaning(path),
            [Word::Path(path), Word::Pipe, Word::Name("default"), ..] => self.meaning(path),
            _ => Meaning::Other,
        }
    }

    fn meaning(&self, path: &str) -> Meaning {
        let (start, keys) = match path.strip_prefix('$') {
            None => (self.dot.clone(), path),
            Some(rest) => {
                let (name, keys) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                let named = |(known, _): &&(String, Meaning)| known.get(1..) == Some(name);
                match self.variables.iter().rev().find(named) {
                    _ if name.is_empty() => (Meaning::Root, keys),
                    Some((_, meaning)) => (meaning.clone(), keys),
                    None => (Meaning::Other, keys),
                }
            }
        };
        let mut keys = keys.split('.').filter(|key| !key.is_empty());
        let mut path = match start {
            Meaning::Value(path) => path,
            Meaning::Other => return Meaning::Other,
            Meaning::Root => match keys.next() {
                None => return Meaning::Root,
                Some("Values") => Path::new(),
                Some(_) => return Meaning::Other,
            },
        };
        path.extend(keys.map(|key| PathStep::Key(key.to_owned())));
        Meaning::Value(path)
    }
}
