//! Edits of a manifest's text by path, that keep comments and layout.
//!
//! An edit is first made on the value, then in the text, and the text is read again: unless it then means
//! exactly the edited value and all other documents mean what they did, the edit is refused and nothing
//! changes. So a gap in how this module writes YAML can cost a fix, never a manifest.

mod block;
mod change;
mod flow;
mod layout;
mod remove;
mod set;
mod sheet;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::ops::Range;

use airside_types::FieldPath;

use crate::value::Value;

use self::layout::Layout;
use self::sheet::Sheet;
use super::limits::Limits;
use super::split::parts;
use super::{events, json, parse};

/// What to change in a document. Paths start at the document's root.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Give a field this value. The field and the maps around it are made where they are missing or null;
    /// a list or map with content is not replaced.
    Set(FieldPath, Value),
    /// Add this value to the end of a list, which is made where it is missing or null.
    Append(FieldPath, Value),
    /// Remove a key with its value, or an element of a list. What is not there needs no removal.
    Remove(FieldPath),
}

impl Edit {
    /// The field that is changed.
    pub const fn path(&self) -> &FieldPath {
        match self {
            Self::Set(path, _) | Self::Append(path, _) | Self::Remove(path) => path,
        }
    }

    /// The same change of a value that lies below a path.
    #[must_use]
    pub fn below(&self, base: &FieldPath) -> Self {
        let joined = |path: &FieldPath| base.join(path);
        match self {
            Self::Set(path, value) => Self::Set(joined(path), value.clone()),
            Self::Append(path, value) => Self::Append(joined(path), value.clone()),
            Self::Remove(path) => Self::Remove(joined(path)),
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(path, value) => write!(f, "set {path} to {value}"),
            Self::Append(path, value) => write!(f, "add {value} to {path}"),
            Self::Remove(path) => write!(f, "remove {path}"),
        }
    }
}

/// A value in block style, as an edit would write it into a file of its own.
pub(super) fn written(value: &Value) -> String {
    write::BlockStyle { step: 2, indents_dashes: false }.document(value)
}

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The text has documents that cannot be read.
    #[error("the file cannot be read as a whole ({0}): correct that first")]
    Unreadable(super::YamlError),
    /// There is no such document.
    #[error("the file has no document {0}")]
    NoDocument(usize),
    /// The path leads through a text, a number or a list where it needs a map, or past a list's end.
    #[error("`{0}` cannot be reached: what is above it is of another type")]
    NoSuchPlace(FieldPath),
    /// A list or map with content would be replaced.
    #[error("`{0}` has content that would be lost")]
    WouldReplace(FieldPath),
    /// An alias repeats the value in other places, which would change as well.
    #[error(
        "`{0}` is written once and repeated by an alias: changing it would change other places"
    )]
    Aliased(FieldPath),
    /// The value comes from a merge key.
    #[error("`{0}` comes from a merge key (`<<`): changing it would change other places")]
    Merged(FieldPath),
    /// The line belongs to a template.
    #[error("line {0} has template braces: change the template where it is written")]
    Template(usize),
    /// The line is indented with tabs.
    #[error("line {0} is indented with tabs")]
    Tabs(usize),
    /// The place is written in a way that this module cannot change safely.
    #[error("`{0}` is written in a way that cannot be changed safely by a program")]
    Unsupported(FieldPath),
}

/// A text that is being edited.
#[derive(Debug, Clone)]
pub struct Editor<'l> {
    limits: &'l Limits,
    has_mark: bool,
    syntax: Syntax,
    parts: Vec<Part>,
    /// For each document its part, and its index there.
    index: Vec<(usize, usize)>,
}

/// A piece of the text that can be read by itself.
#[derive(Debug, Clone)]
struct Part {
    text: String,
    documents: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Yaml,
    Json,
}

/// Pieces of text in place of ranges of bytes: in order, none overlapping another.
type Patch = Vec<(Range<usize>, String)>;

impl<'l> Editor<'l> {
    /// Opens a text. All of its documents must be readable.
    pub fn new(text: &str, limits: &'l Limits) -> Result<Self, Refusal> {
        if let Some(error) = parse(text, limits).errors.into_iter().next() {
            return Err(Refusal::Unreadable(error));
        }
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let is_json = json::looks_like_json(bare) && json::parse(bare, limits).errors.is_empty();
        let syntax = if is_json { Syntax::Json } else { Syntax::Yaml };
        let texts = match syntax {
            Syntax::Json => vec![bare],
            Syntax::Yaml => parts(bare).into_iter().map(|part| part.text).collect(),
        };
        let parts: Vec<Part> = texts
            .into_iter()
            .map(|text| Part {
                text: text.to_owned(),
                documents: syntax.values(text, limits).unwrap_or_default(),
            })
            .collect();
        let index = parts.iter().enumerate().flat_map(|(part, content)| {
            (0..content.documents.len()).map(move |document| (part, document))
        });
        let index = index.collect();
        Ok(Self { limits, has_mark: bare.len() < text.len(), syntax, parts, index })
    }

    /// The value of a document, by its index among those that [`parse`] gives.
    pub fn value(&self, document: usize) -> Option<&Value> {
        let (part, index) = *self.index.get(document)?;
        self.parts.get(part)?.documents.get(index)
    }

    /// Makes an edit. After an error the text is what it was.
    pub fn apply(&mut self, document: usize, edit: &Edit) -> Result<(), Refusal> {
        self.apply_all(document, std::slice::from_ref(edit))
    }

    /// Makes several edits of a document, or none of them.
    pub fn apply_all(&mut self, document: usize, edits: &[Edit]) -> Result<(), Refusal> {
        let unknown = Refusal::NoDocument(document);
        let (number, index) = *self.index.get(document).ok_or_else(|| unknown.clone())?;
        let mut part = self.parts.get(number).ok_or(unknown)?.clone();
        for edit in edits {
            part = part
                .edited(index, edit, self.syntax, self.limits)
                .map_err(|refusal| refusal.on_line_after(self.lines_before(number)))?;
        }
        if let Some(place) = self.parts.get_mut(number) {
            *place = part;
        }
        Ok(())
    }

    /// The text as it is now.
    pub fn text(&self) -> String {
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        self.parts.iter().fold(mark.to_owned(), |text, part| text + &part.text)
    }

    /// The text, read once more as a whole; none where it does not mean what the edits say.
    pub fn finish(&self) -> Option<String> {
        let text = self.text();
        let parsed = parse(&text, self.limits);
        let meant = self.parts.iter().flat_map(|part| &part.documents);
        let is_meant = parsed.errors.is_empty()
            && parsed.documents.iter().map(|document| &document.value).eq(meant);
        is_meant.then_some(text)
    }

    fn lines_before(&self, part: usize) -> usize {
        self.parts.iter().take(part).map(|part| part.text.matches('\n').count()).sum()
    }
}

impl Refusal {
    /// The refusal in a part of a text that starts after so many lines.
    fn on_line_after(self, lines: usize) -> Self {
        match self {
            Self::Template(line) => Self::Template(line + lines),
            Self::Tabs(line) => Self::Tabs(line + lines),
            other => other,
        }
    }
}

impl Syntax {
    /// What a text means; none where it cannot be read.
    fn values(self, text: &str, limits: &Limits) -> Option<Vec<Value>> {
        let parsed = match self {
            Self::Yaml => events::parse(text, limits),
            Self::Json => json::parse(text, limits),
        };
        let values = parsed.documents.into_iter().map(|document| document.value).collect();
        parsed.errors.is_empty().then_some(values)
    }
}

impl Part {
    /// The part after an edit.
    fn edited(
        &self,
        index: usize,
        edit: &Edit,
        syntax: Syntax,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let unsupported = || Refusal::Unsupported(edit.path().clone());
        let old = self.documents.get(index).ok_or(Refusal::NoDocument(index))?;
        let new = change::applied(old, edit)?;
        if new == *old {
            return Ok(self.clone());
        }
        let layout = match syntax {
            Syntax::Yaml => Layout::of_yaml(&self.text, limits),
            Syntax::Json => Layout::of_json(&self.text),
        };
        let layout = layout.ok_or_else(unsupported)?;
        let root = layout.roots.get(index).ok_or_else(unsupported)?;
        if layout.roots.len() != self.documents.len() {
            return Err(unsupported());
        }
        let sheet = Sheet { text: &self.text, layout: &layout, root, syntax };
        let mut documents = self.documents.clone();
        if let Some(document) = documents.get_mut(index) {
            *document = new;
        }
        for patch in sheet.patches(edit, old)? {
            sheet.check_lines(&patch)?;
            let Some(text) = patched(&self.text, &patch) else { continue };
            if syntax.values(&text, limits).is_some_and(|values| values == documents) {
                return Ok(Self { text, documents });
            }
        }
        Err(unsupported())
    }
}

fn patched(text: &str, patch: &Patch) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for (range, replacement) in patch {
        result.push_str(text.get(from..range.start)?);
        result.push_str(replacement);
        from = range.end;
    }
    result.push_str(text.get(from..)?);
    Some(result)
}
