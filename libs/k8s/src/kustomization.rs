//! From what a kustomization rendered to the files that it took: by the origin that kustomize notes on each
//! object, and by the object's own text where nothing has changed it.

use std::collections::BTreeMap;

use airside_types::{FieldPath, KustomizationRendering, ObjectRef, Place, SourceLine, Step};

use crate::object::{Located, Object};
use crate::value::Value;
use crate::yaml::{Document, Limits, parse};

/// The annotation in which kustomize notes where an object comes from (`buildMetadata:
/// [originAnnotations]`).
pub const ORIGIN: &str = "config.kubernetes.io/origin";

/// What kustomize notes of an object's origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// The file that holds the object, or the kustomization that generates it; relative to the kustomization
    /// that was built, or to the repository.
    pub path: String,
    /// Whether the object was generated.
    pub is_generated: bool,
    /// The remote repository, as the kustomization writes it.
    pub repository: Option<String>,
    /// Its branch, tag or commit.
    pub reference: Option<String>,
}

/// The notes on rendered objects, as they are named there.
pub fn notes(rendered: &str) -> Vec<(ObjectRef, Note)> {
    let parsed = parse(rendered, &Limits::default());
    let objects = parsed.documents.iter().flat_map(|document| document.contents().objects);
    objects
        .filter_map(|located| Some((located.object.object_ref(), note(&located.object)?)))
        .collect()
}

fn note(object: &Object<'_>) -> Option<Note> {
    let text = object.annotations()?.get(ORIGIN)?.as_str()?;
    let parsed = parse(text, &Limits::default());
    let noted = &parsed.documents.first()?.value;
    let said = |key: &str| noted.get(key).and_then(Value::as_str).map(str::to_owned);
    let (path, is_generated) = match (said("path"), said("configuredIn")) {
        (Some(path), _) => (path, false),
        (None, Some(path)) => (path, true),
        (None, None) => return None,
    };
    Some(Note { path, is_generated, repository: said("repo"), reference: said("ref") })
}

/// The files with patches that a kustomization names, as it names them. What cannot be read names none.
pub fn patch_files(kustomization: &str) -> Vec<String> {
    let parsed = parse(kustomization, &Limits::default());
    let lists = parsed.documents.iter().flat_map(|document| {
        let lists = ["patches", "patchesJson6902", "patchesStrategicMerge"];
        lists.into_iter().filter_map(|list| document.value.get(list)?.as_array())
    });
    let named = lists.flatten().filter_map(|patch| match patch {
        // A patch may stand there itself, over many lines.
        Value::String(file) => Some(&**file).filter(|file| !file.contains('\n')),
        patch => patch.get("path").and_then(Value::as_str),
    });
    named.map(str::to_owned).collect()
}

/// What a kustomization rendered, beside the files that it took.
#[derive(Debug, Clone, Default)]
pub struct RenderedKustomization {
    folder: String,
    notes: BTreeMap<ObjectRef, Note>,
    files: BTreeMap<String, Vec<Document>>,
    /// The objects of the files, by file and kind.
    objects: BTreeMap<(String, ObjectKind), Vec<Written>>,
}

/// Group and kind.
type ObjectKind = (String, String);

/// An object of a file: its name, its document, and its position in a list.
#[derive(Debug, Clone)]
struct Written {
    name: String,
    document: usize,
    item: Option<usize>,
}

impl RenderedKustomization {
    /// A kustomization without anything known about its objects' origins.
    pub fn new(folder: &str) -> Self {
        Self { folder: folder.to_owned(), ..Self::default() }
    }

    /// Adds where an object comes from. The note's path is that of a file to show, unless it names a
    /// repository.
    pub fn add_note(&mut self, object: ObjectRef, note: Note) {
        self.notes.insert(object, note);
    }

    /// Adds the text of a file.
    pub fn add_file(&mut self, path: &str, text: &str) {
        let documents = parse(text, &Limits::default()).documents;
        for (at, document) in documents.iter().enumerate() {
            for Located { object, item, .. } in document.contents().objects {
                let kind = (object.group().to_owned(), object.kind().to_owned());
                let written = Written { name: object.name().to_owned(), document: at, item };
                self.objects.entry((path.to_owned(), kind)).or_default().push(written);
            }
        }
        self.files.insert(path.to_owned(), documents);
    }

    /// The files that notes name and that may be read on this machine.
    pub fn noted_files(&self) -> impl Iterator<Item = &str> {
        let own = self.notes.values().filter(|note| note.repository.is_none());
        own.map(|note| note.path.as_str())
    }

    /// Where an object comes from.
    pub fn origin(&self, object: &Object<'_>) -> KustomizationRendering {
        let note = self.notes.get(&object.object_ref());
        let written = note.and_then(|note| self.written(object, note));
        KustomizationRendering {
            folder: self.folder.clone(),
            file: note.map(|note| note.path.clone()),
            line: written.map(|located| located.places.value_position().line),
            repository: note.and_then(|note| note.repository.clone()),
            reference: note.and_then(|note| note.reference.clone()),
        }
    }

    /// The line of a field in the file that the object comes from, where the field is there as it was
    /// rendered: what a patch or transformer changed is not told. For a field that is missing in both: where
    /// it would be.
    pub fn source(&self, object: &Object<'_>, field: &FieldPath) -> Option<SourceLine> {
        let note = self.notes.get(&object.object_ref())?;
        let written = self.written(object, note)?;
        for path in prefixes(field) {
            match (object.at(&path), written.object.at(&path)) {
                (None, None) => break,
                (Some(rendered), Some(own)) => {
                    let is_whole = path == *field;
                    if (is_whole && rendered != own) || !is_same_element(&path, rendered, own) {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        let line = written.places.resolve(field).line;
        let place = Place { path: note.path.as_str().into(), line, column: 0 };
        Some(SourceLine { place, values: Vec::new() })
    }

    /// The object as it stands in the file: of the same kind, and of the same name unless it is the only one.
    fn written(&self, object: &Object<'_>, note: &Note) -> Option<Located<'_>> {
        if note.is_generated || note.repository.is_some() {
            return None;
        }
        let kind = (object.group().to_owned(), object.kind().to_owned());
        let objects = self.objects.get(&(note.path.clone(), kind))?;
        let mut named = objects.iter().filter(|it| it.name == object.name());
        let only = match (named.next(), named.next(), objects.as_slice()) {
            (Some(only), None, _) | (None, None, [only]) => only,
            _ => return None,
        };
        let document = self.files.get(&note.path)?.get(only.document)?;
        document.contents().objects.into_iter().find(|it| it.item == only.item)
    }
}

fn prefixes(field: &FieldPath) -> impl Iterator<Item = FieldPath> + '_ {
    let count = field.steps().count();
    (1..=count).map(|length| field.steps().take(length).collect())
}

/// Whether an element of a list has the same name in both: a patch may have put others before it.
fn is_same_element(path: &FieldPath, rendered: &Value, own: &Value) -> bool {
    match path.steps().last() {
        Some(Step::Index(_)) => rendered.get("name") == own.get("name"),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
