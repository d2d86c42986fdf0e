//! How manifests stand to the passes that are verified: each pass finds its object, and each object its pass.
//!
//! An object is what was signed when its digest is; a field more, less or other is a change. Of a credential it is
//! only compared that it is there. Pure.

use std::collections::BTreeMap;

use airside_k8s::boarding_pass::statement::Claims;
use airside_k8s::boarding_pass::{
    changed, credentials, digest_of, fields, is_for, tell_of_credentials, without_credentials,
};
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_types::{FieldDigest, FieldPath, Id, ObjectRef, Place};
use airside_wire::scan::SourceFile;

/// How passes and objects stand to each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    /// What became of each pass's object, in the order of the passes.
    pub(super) passes: Vec<Content>,
    /// The objects that no pass has signed as they are, and where they stand; without those that are told
    /// with a pass.
    pub(super) unsigned: Vec<(ObjectRef, Place)>,
}

/// What became of a pass's object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// It is what was signed, but for the values of so many credentials, which are not compared.
    Same(Place, usize),
    /// It has these fields otherwise; none where the pass holds no digests of fields.
    Changed(Place, Option<Vec<FieldPath>>),
    /// It is not there.
    Absent,
}

impl Comparison {
    /// Whether anything is not as it was signed.
    pub(super) fn differs(&self) -> bool {
        let is_same = |it: &Content| matches!(it, Content::Same(..));
        !self.unsigned.is_empty() || !self.passes.iter().all(is_same)
    }
}

/// Compares passes with all objects of files.
pub(super) fn compare(passes: &[&Claims], files: &[SourceFile]) -> Comparison {
    let mut found: Vec<Found> = files.iter().flat_map(Found::all_of).collect();
    let mut by_name: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
    for (index, it) in found.iter().enumerate() {
        by_name.entry(name(&it.object)).or_default().push(index);
    }
    let candidates: Vec<&[usize]> = passes
        .iter()
        .map(|pass| by_name.get(&name(&pass.object)).map(Vec::as_slice).unwrap_or_default())
        .collect();
    for (pass, candidates) in passes.iter().zip(&candidates) {
        for index in *candidates {
            if let Some(object) = found.get_mut(*index).filter(|it| it.is_as_signed(pass)) {
                object.is_signed = true;
            }
        }
    }
    let contents = passes.iter().zip(&candidates);
    let contents =
        contents.map(|(pass, candidates)| content(pass, candidates, &mut found)).collect();
    let unsigned = found.into_iter().filter(|it| !it.is_signed && !it.is_told);
    Comparison { passes: contents, unsigned: unsigned.map(|it| (it.object, it.place)).collect() }
}

/// Group, kind and name.
type Name = (String, String, String);

fn name(object: &ObjectRef) -> Name {
    (object.group.clone(), object.kind.clone(), object.name.clone())
}

/// An object of the files.
struct Found {
    object: ObjectRef,
    place: Place,
    digest: Id,
    fields: Vec<FieldDigest>,
    /// The same two for passes that do not tell of credentials.
    older: (Id, Vec<FieldDigest>),
    /// Whether it is what a pass has signed.
    is_signed: bool,
    /// Whether it is told with a pass as changed.
    is_told: bool,
}

impl Found {
    fn all_of(file: &SourceFile) -> Vec<Self> {
        let parsed = parse_bytes(&file.content, &Limits::default());
        let contents = parsed.documents.iter().flat_map(|document| document.contents().objects);
        let found = contents.map(|located| {
            let fields = fields(&located.object);
            let older = without_credentials(&fields);
            let position = located.places.resolve(&FieldPath::root());
            Self {
                object: located.object.object_ref().without_uid(),
                place: Place { path: file.path.as_str().into(), line: position.line, column: 0 },
                digest: digest_of(&located.object, &fields),
                fields,
                older: (digest_of(&located.object, &older), older),
                is_signed: false,
                is_told: false,
            }
        });
        found.collect()
    }

    /// Whether it is what a pass for its name has signed.
    fn is_as_signed(&self, pass: &Claims) -> bool {
        let digests = [self.digest, self.older.0];
        digests.contains(&pass.digest) && is_for(&pass.object, self.object.namespace.as_deref())
    }

    /// The fields that are not as a pass for its name has them; none where the pass holds no digests of fields.
    fn changed(&self, pass: &Claims) -> Option<Vec<FieldPath>> {
        let signed = pass.fields.as_deref()?;
        let now = if tell_of_credentials(signed) { &self.fields } else { &self.older.1 };
        Some(changed(signed, now))
    }

    /// Whether it may be what has become of the object of a pass for its name.
    fn may_be(&self, pass: &Claims) -> bool {
        !self.is_signed && is_for(&pass.object, self.object.namespace.as_deref())
    }
}

/// What became of a pass's object: where none is the same, the one that differs least of those that no other pass
/// has signed.
fn content(pass: &Claims, candidates: &[usize], found: &mut [Found]) -> Content {
    let mut closest: Option<(usize, Option<Vec<FieldPath>>)> = None;
    for index in candidates {
        let Some(object) = found.get(*index) else { continue };
        if object.is_as_signed(pass) {
            return Content::Same(object.place.clone(), credentials(&object.fields));
        }
        if object.may_be(pass) {
            let fields = object.changed(pass);
            let count = |fields: &Option<Vec<FieldPath>>| fields.as_ref().map_or(0, Vec::len);
            if closest.as_ref().is_none_or(|(_, least)| count(&fields) < count(least)) {
                closest = Some((*index, fields));
            }
        }
    }
    let closest = closest.and_then(|(index, fields)| Some((found.get_mut(index)?, fields)));
    let Some((object, fields)) = closest else { return Content::Absent };
    object.is_told = true;
    Content::Changed(object.place.clone(), fields)
}
