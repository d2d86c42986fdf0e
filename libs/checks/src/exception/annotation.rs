//! Exceptions in annotations: of the object for all of it, of a pod template for its pods.

use airside_k8s::{Located, Map, PodSpec, Value};
use airside_types::{FieldPath, Place};

use super::{ANNOTATION, Exception, Ineffective};

/// An exception of an object, with the part of the object that it is about.
#[derive(Debug)]
pub(crate) struct Annotated {
    pub(crate) exception: Exception,
    within: FieldPath,
}

impl Annotated {
    /// Whether a field is in the part that the exception is about.
    pub(crate) fn is_about(&self, field: &FieldPath) -> bool {
        self.within.contains(field)
    }
}

/// The exceptions in the annotations of an object and of its pod templates.
pub(crate) fn annotated(
    located: &Located<'_>,
    path: &str,
    pods: &[&PodSpec<'_>],
    ineffective: &mut Vec<Ineffective>,
) -> Vec<Annotated> {
    let mut found = Vec::new();
    let mut read = |annotations: Option<&Map>, metadata: FieldPath, within: FieldPath| {
        let Some(text) = annotations.and_then(|it| it.get(ANNOTATION)).and_then(Value::as_str)
        else {
            return;
        };
        let position = located.places.resolve(&metadata.keys(&["annotations", ANNOTATION]));
        let place = Place { path: path.into(), line: position.line, column: position.column };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match Exception::parse(line, place.clone()) {
                Ok(exception) => {
                    found.push(Annotated { exception, within: within.clone() });
                }
                Err(problem) => ineffective.push(Ineffective { place: place.clone(), problem }),
            }
        }
    };
    let object = &located.object;
    read(object.annotations(), FieldPath::of(&["metadata"]), FieldPath::of(&[]));
    for pod in pods {
        let template = pod.path.parent().unwrap_or_default();
        // A pod's own metadata is the object's.
        if template != FieldPath::of(&[]) {
            read(pod.annotations(), template.key("metadata"), template);
        }
    }
    found
}
