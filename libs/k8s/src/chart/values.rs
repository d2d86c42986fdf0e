//! The values of a chart: which file sets a value, and on which line.

use airside_types::{ChartValue, Place, Step};

use crate::fields::below;
use crate::places::PlacesView;
use crate::value::Value;
use crate::yaml::{Document, Limits, parse};

/// One step towards a value of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathStep {
    /// A key.
    Key(String),
    /// Any element of a list or map, as `range` takes them.
    Each,
}

/// The way from `.Values` to a value.
pub(super) type Path = Vec<PathStep>;

/// A file of values.
#[derive(Debug, Clone)]
pub struct ValuesFile {
    path: String,
    /// Within how many charts the chart that it belongs to is.
    depth: usize,
    document: Option<Document>,
}

impl ValuesFile {
    /// Reads a file of a chart that is within so many others: 0 for the one that is installed, and for what
    /// is given at its installation.
    pub fn read(path: &str, text: &str, depth: usize) -> Self {
        let document = parse(text, &Limits::default()).documents.into_iter().next();
        Self { path: path.to_owned(), depth, document }
    }
}

/// All that sets values of a template's chart.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// The last one in force.
    files: Vec<ValuesFile>,
    /// Under which keys the installed chart gives the values of the template's own: `db`, for a chart within
    /// it.
    prefix: Vec<String>,
}

impl Values {
    /// The files, the last one in force, and under which keys the values of the template's chart stand.
    pub const fn new(files: Vec<ValuesFile>, prefix: Vec<String>) -> Self {
        Self { files, prefix }
    }

    /// The files, the last one in force.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }

    /// A value, or something below it. Its place is that of the deepest key that a file has.
    pub(super) fn find<'f>(&'f self, path: &'f Path, below: &[Step<'f>]) -> ChartValue {
        let mut best: Option<Found<'f>> = None;
        for file in self.files.iter().rev() {
            let found = self.find_in(file, path, below);
            let deepest = best.as_ref().map_or(0, |best| best.depth);
            if let Some(found) = found.filter(|found| found.depth > deepest) {
                best = Some(found);
            }
        }
        match best {
            Some(Found { file, view, steps, .. }) => {
                let position = view.key_position();
                let place = Place {
                    path: file.path.as_str().into(),
                    line: position.line,
                    column: position.column,
                };
                ChartValue { key: written(&steps), place: Some(place) }
            }
            None => ChartValue { key: written(&self.unknown(path)), place: None },
        }
    }

    fn find_in<'f>(
        &'f self,
        file: &'f ValuesFile,
        path: &'f Path,
        below: &[Step<'f>],
    ) -> Option<Found<'f>> {
        let document = file.document.as_ref()?;
        let (mut value, mut view) = (&document.value, document.places.root());
        let prefix = self.prefix_of(path);
        for key in prefix.iter().skip(file.depth) {
            let step = Step::key(key);
            (value, view) = (value.get(key.as_str())?, view.child(&step)?);
        }
        let mut steps: Vec<Step<'f>> = prefix.iter().map(|key| Step::key(key)).collect();
        let mut depth = 0;
        let mut is_there = true;
        for (at, step) in path.iter().enumerate() {
            let step = match step {
                PathStep::Key(key) => Step::key(key),
                // Which element it was is only certain where there is one.
                PathStep::Each => match only_element(value).filter(|_| is_there) {
                    Some(step) => step,
                    None => return (depth > 0).then_some(Found { file, view, steps, depth }),
                },
            };
            match (is_there, child(value, view, &step)) {
                (true, Some(below)) => {
                    (value, view) = below;
                    depth = at + 1;
                }
                _ => is_there = false,
            }
            steps.push(step);
        }
        for step in below {
            match (is_there, child(value, view, step)) {
                (true, Some(below)) => {
                    (value, view) = below;
                    depth += 1;
                }
                _ => is_there = false,
            }
            steps.push(step.clone());
        }
        (depth > 0).then_some(Found { file, view, steps, depth })
    }

    fn unknown<'p>(&'p self, path: &'p Path) -> Vec<Step<'p>> {
        let keys = path.iter().map_while(|step| match step {
            PathStep::Key(key) => Some(Step::key(key)),
            PathStep::Each => None,
        });
        self.prefix_of(path).iter().map(|key| Step::key(key)).chain(keys).collect()
    }

    /// Global values stand at the top of every chart.
    fn prefix_of(&self, path: &Path) -> &[String] {
        let is_global = matches!(path.first(), Some(PathStep::Key(key)) if key == "global");
        if is_global { &[] } else { &self.prefix }
    }
}

/// How far a file has the keys of a path.
struct Found<'f> {
    file: &'f ValuesFile,
    view: PlacesView<'f>,
    steps: Vec<Step<'f>>,
    depth: usize,
}

fn child<'v>(
    value: &'v Value,
    view: PlacesView<'v>,
    step: &Step<'_>,
) -> Option<(&'v Value, PlacesView<'v>)> {
    Some((below(value, step)?, view.child(step)?))
}

fn only_element(value: &Value) -> Option<Step<'_>> {
    match value {
        Value::Array(elements) => (elements.len() == 1).then_some(Step::Index(0)),
        Value::Object(fields) if fields.len() == 1 => fields.keys().next().map(Step::key),
        _ => None,
    }
}

/// Keys as `helm --set` takes them.
fn written(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&key.replace('.', "\\."));
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
