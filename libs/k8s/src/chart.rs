//! Helm charts as text: from a line of what a template rendered to the line of the template, and from
//! there to the values that the line takes.
//!
//! Nothing is executed. A template's actions are read (`action`, `scope`, `template`), the rendered text is laid
//! beside the template's (`align`), and where exactly one line of the template can have rendered a line,
//! that is its origin; where several can, there is none. `values` finds the values' own lines.

mod action;
mod align;
mod scope;
mod template;
#[cfg(test)]
mod tests;
mod values;

use airside_types::{FieldPath, Place, SourceLine, Step};

use crate::value::Value;

use self::align::{Aligned, Kind, align};
use self::template::{Line, Template};
pub use self::values::{Values, ValuesFile};
use crate::places::PlacesView;
use crate::yaml::{Limits, parse};

/// What a chart's `Chart.yaml` says of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChartName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it is only for other charts to use, and renders nothing itself.
    pub is_library: bool,
}

impl ChartName {
    /// Reads a `Chart.yaml`; none where it names no chart.
    pub fn read(text: &str) -> Option<Self> {
        let parsed = parse(text, &Limits::default());
        let chart = &parsed.documents.first()?.value;
        let said = |key: &str| chart.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            name: said("name")?,
            version: said("version").unwrap_or_default(),
            is_library: said("type").as_deref() == Some("library"),
        })
    }
}

/// A template beside what it rendered.
#[derive(Debug, Clone)]
pub struct RenderedTemplate {
    path: String,
    template: Template,
    /// For each line of the rendered text, from the first.
    lines: Vec<Option<Aligned>>,
    values: Values,
}

impl RenderedTemplate {
    /// Lays a rendered text, of one or more documents, beside the template of this path. None where either is
    /// too large for that, or the template's actions cannot be read.
    pub fn new(path: &str, template: &str, rendered: &str, values: Values) -> Option<Self> {
        let template = Template::parse(template)?;
        let lines = align(&template, rendered)?;
        Some(Self { path: path.to_owned(), template, lines, values })
    }

    /// The line of the template, from 1, that rendered a line, from 1, where that is certain.
    pub fn line(&self, rendered: u32) -> Option<u32> {
        Some(self.emitter(self.aligned(rendered)?)?.number)
    }

    /// Where a field of a rendered object is written, and the values that it takes. For a field that is not
    /// there: where it would be.
    pub fn source(&self, object: PlacesView<'_>, field: &FieldPath) -> Option<SourceLine> {
        let (existing, depth) = deepest(object, field);
        let missing: Vec<Step<'_>> = field.steps().skip(depth).collect();
        let aligned = self.aligned(existing.key_position().line)?;
        let line = self.emitter(aligned)?;
        if aligned.kind == Kind::Block {
            return Some(self.within_block(object, field, aligned, line));
        }
        if let Some(below) = self.block_of(aligned.line, existing) {
            return Some(self.told(line, &[below], &missing));
        }
        match missing.as_slice() {
            [] if existing.is_leaf() => Some(self.told(line, &line.inline(), &[])),
            [Step::Key(key), rest @ ..] => Some(
                self.unrendered(aligned.line, existing, key, rest)
                    .unwrap_or_else(|| SourceLine { place: self.place(line), values: Vec::new() }),
            ),
            _ => Some(SourceLine { place: self.place(line), values: Vec::new() }),
        }
    }

    /// A line within what one action rendered, as `toYaml` does.
    fn within_block(
        &self,
        object: PlacesView<'_>,
        field: &FieldPath,
        aligned: Aligned,
        line: &Line,
    ) -> SourceLine {
        let (mut view, mut parent) = (object, object);
        let mut above = 0;
        for (depth, step) in field.steps().enumerate() {
            let Some(child) = view.child(&step) else { break };
            view = child;
            if self.aligned(view.key_position().line) != Some(aligned) {
                above = depth + 1;
                parent = view;
            }
        }
        let below: Vec<Step<'_>> = field.steps().skip(above).collect();
        let below = match below.as_slice() {
            // Elements before the block's own shift its positions.
            [Step::Index(_), ..] if !self.is_within(parent.child(&Step::Index(0)), aligned) => &[],
            below => below,
        };
        match line.block() {
            Some(path) => self.told(line, &[path], below),
            None => SourceLine { place: self.place(line), values: Vec::new() },
        }
    }

    /// The value whose YAML is all that stands below a key, where one action renders it.
    fn block_of(&self, line: usize, existing: PlacesView<'_>) -> Option<&values::Path> {
        let key = self.template.lines.get(line)?;
        let block = if key.is_bare_key() { line + 1 } else { line };
        let path = self.template.lines.get(block)?.block()?;
        let aligned = Aligned { line: block, kind: Kind::Block };
        (self.aligned(existing.value_position().line) == Some(aligned)).then_some(path)
    }

    fn is_within(&self, view: Option<PlacesView<'_>>, block: Aligned) -> bool {
        view.is_some_and(|view| self.aligned(view.key_position().line) == Some(block))
    }

    /// A key that the template has, and that was not rendered since a value is empty.
    fn unrendered(
        &self,
        line: usize,
        existing: PlacesView<'_>,
        key: &str,
        rest: &[Step<'_>],
    ) -> Option<SourceLine> {
        let indent = usize::try_from(existing.value_position().column).ok()?.checked_sub(1)?;
        let below = self.template.lines.iter().enumerate().skip(line + 1);
        let mut found = below
            .take_while(|(_, line)| !line.ends_mapping(indent))
            .filter(|(_, line)| line.indent == Some(indent) && line.key() == Some(key));
        let (at, line) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let block = self.template.lines.get(at + 1).and_then(Line::block);
        Some(match block.filter(|_| line.is_bare_key()) {
            Some(path) => self.told(line, &[path], rest),
            None if rest.is_empty() => self.told(line, &line.inline(), &[]),
            None => SourceLine { place: self.place(line), values: Vec::new() },
        })
    }

    fn told(&self, line: &Line, paths: &[&values::Path], below: &[Step<'_>]) -> SourceLine {
        let mut values: Vec<_> = paths.iter().map(|path| self.values.find(path, below)).collect();
        values.dedup();
        SourceLine { place: self.place(line), values }
    }

    fn place(&self, line: &Line) -> Place {
        Place { path: self.path.as_str().into(), line: line.number, column: 0 }
    }

    fn aligned(&self, rendered: u32) -> Option<Aligned> {
        let index = usize::try_from(rendered).ok()?.checked_sub(1)?;
        *self.lines.get(index)?
    }

    fn emitter(&self, aligned: Aligned) -> Option<&Line> {
        self.template.lines.get(aligned.line)
    }
}

/// The deepest existing step of a path, and how many steps that is.
fn deepest<'a>(object: PlacesView<'a>, field: &FieldPath) -> (PlacesView<'a>, usize) {
    let mut view = object;
    for (depth, step) in field.steps().enumerate() {
        match view.child(&step) {
            Some(child) => view = child,
            None => return (view, depth),
        }
    }
    (view, field.steps().count())
}
