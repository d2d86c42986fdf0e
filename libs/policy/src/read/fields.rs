//! Fields of a policy or binding by their paths, and the problems that they have.

use airside_k8s::{Located, Value as Json};
use airside_types::{FieldPath, Place};

use super::{called, place};
use crate::cel::{Program, Scope};
use crate::policy::Problem;

/// An object whose fields are read.
pub(super) struct Fields<'f> {
    path: &'f str,
    located: &'f Located<'f>,
    problems: &'f mut Vec<Problem>,
}

impl<'f> Fields<'f> {
    pub(super) const fn of(
        path: &'f str,
        located: &'f Located<'f>,
        problems: &'f mut Vec<Problem>,
    ) -> Self {
        Self { path, located, problems }
    }

    /// The object's name; one without a name has a problem.
    pub(super) fn name(&mut self) -> String {
        let name = self.located.object.name().to_owned();
        if name.is_empty() {
            self.problem(FieldPath::of(&["metadata", "name"]), "it needs a name".to_owned());
        }
        name
    }

    /// Where the object starts.
    pub(super) fn place(&self) -> Place {
        place(self.path, self.located.places.value_position())
    }

    pub(super) fn problem(&mut self, field: FieldPath, problem: String) {
        self.push(field, problem, None);
    }

    fn push(&mut self, field: FieldPath, problem: String, excerpt: Option<String>) {
        let object = &self.located.object;
        self.problems.push(Problem {
            place: place(self.path, self.located.places.resolve(&field)),
            object: format!("{} {}", object.kind(), object.name()),
            field,
            problem,
            excerpt,
        });
    }

    /// A field's value; null counts as missing.
    pub(super) fn value(&self, at: &FieldPath) -> Option<&'f Json> {
        self.located.object.at(at).filter(|value| !value.is_null())
    }

    /// A text; none where it is missing. Another type is a problem.
    pub(super) fn text(&mut self, at: &FieldPath) -> Option<String> {
        match self.value(at)? {
            Json::String(text) => Some(text.to_string()),
            other => {
                self.problem(at.clone(), format!("a text belongs here, and not {}", called(other)));
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, at: &FieldPath) -> Option<String> {
        if self.value(at).is_none() {
            self.problem(at.clone(), "it is missing".to_owned());
        }
        self.text(at)
    }

    /// The paths of a list's elements; none where the list is missing.
    pub(super) fn elements(&mut self, at: &FieldPath) -> Vec<FieldPath> {
        match self.value(at) {
            None => Vec::new(),
            Some(Json::Array(elements)) => {
                (0..elements.len()).map(|index| at.index(index)).collect()
            }
            Some(other) => {
                self.problem(at.clone(), format!("a list belongs here, and not {}", called(other)));
                Vec::new()
            }
        }
    }

    /// Whether a list is missing or empty.
    pub(super) fn is_empty_list(&self, at: &FieldPath) -> bool {
        self.value(at).and_then(Json::as_array).is_none_or(<[_]>::is_empty)
    }

    /// The texts of a list.
    pub(super) fn texts(&mut self, at: &FieldPath) -> Vec<String> {
        self.elements(at).iter().filter_map(|element| self.required_text(element)).collect()
    }

    /// A map has no other fields than these: a name that is misspelt would have no effect.
    pub(super) fn only(&mut self, at: &FieldPath, names: &[&str]) {
        let Some(fields) = self.value(at).and_then(Json::as_object) else {
            self.problem(at.clone(), "a map belongs here".to_owned());
            return;
        };
        for name in fields.keys().filter(|name| !names.contains(name)) {
            let problem = format!("there is no such field; there are {}", names.join(", "));
            self.problem(at.key(name), problem);
        }
    }

    /// An expression that gives one of some types, where its type is known.
    pub(super) fn expression(
        &mut self,
        at: &FieldPath,
        scope: &Scope<'_>,
        types: &[&str],
    ) -> Option<Program> {
        let text = self.required_text(at)?;
        match Program::read(&text, scope) {
            Ok(program) => {
                let wrong = program.gives().filter(|it| !types.is_empty() && !types.contains(it));
                if let Some(wrong) = wrong {
                    let problem = format!("it gives {wrong}, and not {}", types.join(" or "));
                    self.problem(at.clone(), problem);
                    return None;
                }
                Some(program)
            }
            Err(error) => {
                let problem = format!("{} of the expression: {error}", error.at);
                self.push(at.clone(), problem, Some(error.excerpt(&text)));
                None
            }
        }
    }
}
