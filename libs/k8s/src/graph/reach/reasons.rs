//! Why an answer is what it is, in words, and where that stands.

use std::fmt;

use airside_types::FieldPath;

use super::Port;
use crate::graph::Graph;
use crate::graph::policies::{Action, Direction, Doubt, Held, Rule, Side};
use crate::object::Object;

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What is so.
    pub text: String,
    /// The index of the object that says it, and the field.
    pub place: Option<(usize, FieldPath)>,
}

impl Reason {
    /// A reason that stands nowhere.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), place: None }
    }

    /// The answer rests on what is not known.
    pub(super) fn doubt(direction: Direction, doubt: Doubt) -> Self {
        let word = direction.as_str();
        Self::new(format!("not known: whether {word} gets through rests on {doubt}"))
    }

    /// What a rule that fits does.
    pub(super) fn rule(
        graph: &Graph<'_>,
        direction: Direction,
        held: &Held<'_>,
        rule: &Rule<'_>,
        doubt: Option<Doubt>,
        port: Option<Port<'_>>,
    ) -> Self {
        let (policy, word) = (name(graph, held), direction.as_str());
        let on = port.map(|port| format!(" on {} {}", port.protocol, port.number));
        let on = on.unwrap_or_default();
        let text = match (doubt, rule.action) {
            (None, Action::Allow) => format!("{policy} lets {word} through{on}"),
            (None, Action::Deny) => format!("{policy} denies {word}"),
            (None, Action::Pass) => format!("{policy} passes {word} on to the next tier"),
            (Some(doubt), Action::Allow) => {
                format!("not known: whether {policy} lets {word} through{on} rests on {doubt}")
            }
            (Some(doubt), Action::Deny) => {
                format!("not known: whether {policy} denies {word} rests on {doubt}")
            }
            (Some(doubt), Action::Pass) => {
                format!("not known: whether {policy} passes {word} on rests on {doubt}")
            }
        };
        Self { text, place: Some((held.object, rule.path.clone())) }
    }

    /// What happens to what no rule of a layer decides.
    pub(super) fn end(
        graph: &Graph<'_>,
        direction: Direction,
        held: &Held<'_>,
        side: &Side<'_>,
        doubt: Option<Doubt>,
    ) -> Self {
        let (policy, word) = (name(graph, held), direction.as_str());
        let text = match doubt {
            None => format!("{policy} has no {word} rule that lets it through"),
            Some(doubt) => format!("not known: whether {policy} closes {word} rests on {doubt}"),
        };
        Self { text, place: Some((held.object, side.path.clone())) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn name(graph: &Graph<'_>, held: &Held<'_>) -> String {
    graph.objects().get(held.object).map(Object::to_string).unwrap_or_default()
}
