//! The objects of manifests in one list, each with the file and line where it stands, and whose it is.

use std::sync::Arc;

use airside_checks::owner::{FileOwners, Owners};
use airside_k8s::{Document, Located, Object};
use airside_types::{FieldPath, Place};

/// The objects of documents, each with where it stands.
pub(super) struct Manifests<'d> {
    pub(super) objects: Vec<Object<'d>>,
    located: Vec<(&'d str, Located<'d>)>,
}

impl<'d> Manifests<'d> {
    /// Takes documents with the paths of their files.
    pub(super) fn of(documents: impl Iterator<Item = (&'d str, &'d Document)>) -> Self {
        let mut manifests = Self { objects: Vec::new(), located: Vec::new() };
        for (path, document) in documents {
            for located in document.contents().objects {
                manifests.objects.push(located.object);
                manifests.located.push((path, located));
            }
        }
        manifests
    }

    /// Where a field of an object stands, or would stand.
    pub(super) fn place(&self, object: usize, field: &FieldPath) -> Place {
        let place = self.located.get(object).map(|(path, located)| {
            let position = located.places.resolve(field);
            Place { path: Arc::from(*path), line: position.line, column: position.column }
        });
        place.unwrap_or_default()
    }

    /// Whose an object is.
    pub(super) fn owner(&self, object: usize, files: &FileOwners) -> Option<String> {
        let (path, located) = self.located.get(object)?;
        Owners::new(&self.objects, files).of(&located.object, path)
    }
}
