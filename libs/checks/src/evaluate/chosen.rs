//! Runs a few checks over one object alone, as often as requests write one.
//!
//! For detections that ask of what is sent to an API server what the catalogue asks of a manifest, so that nothing is judged
//! twice. The object is taken for itself, without a graph around it, which costs more than to judge it. Checks on pods are
//! `of_pods`'.

use airside_k8s::{Graph, Object};
use airside_vulnerability::Components;

use super::{Failure, Judged, NoMemory, judge_object};
use crate::catalogue::Index;
use crate::check::{Check, Judge};

/// Some checks of the catalogue on rules of roles, and on objects as a whole.
#[derive(Debug)]
pub struct ObjectChecks(Index);

impl ObjectChecks {
    /// The checks of which this is true. What looks at pods, bindings or components is left out.
    pub fn of(is_chosen: impl Fn(&Check) -> bool) -> Self {
        let is_of_object = |check: &Check| {
            matches!(check.judge, Judge::Rule(_) | Judge::Object(..) | Judge::Any(_))
        };
        Self(Index::of(|check| is_of_object(check) && is_chosen(check)))
    }

    /// What fails, in the order in which the whole catalogue tells it. The index of the object is 0. A check that asks
    /// what else there is has no place here: it would not even find the object.
    pub fn failures(&self, object: &Object<'_>) -> Vec<Failure> {
        let mut judged = Judged::default();
        Graph::with_nothing(|nothing| {
            let around = (nothing, 0);
            judge_object(&self.0, object, around, Components::embedded(), &NoMemory, &mut judged);
        });
        judged.failures
    }
}

#[cfg(test)]
mod tests {
    use airside_k8s::{Completeness, Limits, yaml};
    use airside_types::Severity;

    use super::*;
    use crate::catalogue;
    use crate::check::Category;

    /// Those of which detections make use, on every object that a check of the catalogue has for an example.
    #[test]
    fn the_chosen_checks_say_what_the_whole_catalogue_says_of_them() {
        type IsChosen = fn(&Check) -> bool;
        let of_credentials: IsChosen = |check| check.category == Category::Secrets;
        let of_rights: IsChosen =
            |check| check.category == Category::AccessControl && check.severity > Severity::Low;
        let choices: [(&[&str], IsChosen); 2] =
            [(&["ConfigMap"], of_credentials), (&["Role", "ClusterRole"], of_rights)];
        for (kinds, is_chosen) in choices {
            let checks = ObjectChecks::of(is_chosen);
            let mut told = 0;
            for text in catalogue::all().flat_map(|check| [check.fails, check.passes]) {
                for document in yaml::parse(text, &Limits::default()).documents {
                    let Ok(object) = Object::new(&document.value) else { continue };
                    if !kinds.contains(&object.kind()) {
                        continue;
                    }
                    let whole = crate::evaluate(&[object], Completeness::SingleObject).failures;
                    let is_meant = |failure: &Failure| is_chosen(failure.check);
                    let expected: Vec<_> = whole.into_iter().filter(is_meant).collect();
                    told += expected.len();
                    assert_eq!(checks.failures(&object), expected, "{text}");
                }
            }
            assert!(told > 2, "{kinds:?}: {told}");
        }
    }
}
