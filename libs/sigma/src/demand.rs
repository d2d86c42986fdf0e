//! What a rule demands of an event before anything else: equalities on the fields that tell events apart.
//!
//! They are what the index goes by. A demand holds for every event that the rule can match: where in doubt it is weaker.

use std::collections::BTreeSet;

use airside_detect::audit::Event;
use rsigma_parser::{DetectionItem, Modifier, SigmaValue};

/// The fields that demands are about, each with one value an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Resource,
    Verb,
    Subresource,
    Name,
    Username,
    Namespace,
    ApiGroup,
    Stage,
}

impl Dimension {
    pub(crate) const ALL: [Self; 8] = [
        Self::Resource,
        Self::Verb,
        Self::Subresource,
        Self::Name,
        Self::Username,
        Self::Namespace,
        Self::ApiGroup,
        Self::Stage,
    ];

    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Resource => "objectRef.resource",
            Self::Verb => "verb",
            Self::Subresource => "objectRef.subresource",
            Self::Name => "objectRef.name",
            Self::Username => "user.username",
            Self::Namespace => "objectRef.namespace",
            Self::ApiGroup => "objectRef.apiGroup",
            Self::Stage => "stage",
        }
    }

    /// The event's value; empty where it has none.
    pub(crate) fn of<'e>(self, event: &'e Event<'_>) -> &'e str {
        let target = event.object_ref.as_ref();
        match self {
            Self::Verb => &event.verb,
            Self::Username => &event.user.username,
            Self::Stage => &event.stage,
            Self::Resource => target.map_or("", |it| &it.resource),
            Self::Subresource => target.map_or("", |it| &it.subresource),
            Self::Name => target.map_or("", |it| &it.name),
            Self::Namespace => target.map_or("", |it| &it.namespace),
            Self::ApiGroup => target.map_or("", |it| &it.api_group),
        }
    }
}

/// For each dimension, the values of which an event must have one; none where any will do.
pub(crate) type Values = [Option<BTreeSet<String>>; Dimension::ALL.len()];

/// What is demanded. Values are in lower case, as Sigma compares; the empty one stands for a field that is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Demand {
    /// No event has it.
    Never,
    /// One of these in each dimension.
    Values(Box<Values>),
}

impl Demand {
    /// Nothing is demanded.
    pub(crate) fn anything() -> Self {
        Self::Values(Box::default())
    }

    /// What an item of a selection demands.
    pub(crate) fn of_item(item: &DetectionItem) -> Self {
        let dimension = Dimension::ALL
            .into_iter()
            .position(|it| item.field.name.as_deref() == Some(it.field()));
        let (Some(at), Some(values)) = (dimension, equal_to(item)) else { return Self::anything() };
        let mut demanded = Box::<Values>::default();
        if let Some(place) = demanded.get_mut(at) {
            *place = Some(values);
        }
        Self::Values(demanded).unless_empty()
    }

    /// What both demand together.
    pub(crate) fn and(self, other: Self) -> Self {
        let (Self::Values(mut left), Self::Values(right)) = (self, other) else {
            return Self::Never;
        };
        for (mine, others) in left.iter_mut().zip(*right) {
            *mine = match (mine.take(), others) {
                (Some(mine), Some(others)) => Some(&mine & &others),
                (mine, others) => mine.or(others),
            };
        }
        Self::Values(left).unless_empty()
    }

    /// What an event has that meets either.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::Values(mut left), Self::Values(right)) => {
                for (mine, others) in left.iter_mut().zip(*right) {
                    *mine = mine.take().zip(others).map(|(mine, others)| union(mine, others));
                }
                Self::Values(left)
            }
        }
    }

    fn unless_empty(self) -> Self {
        let is_met = |values: &[Option<BTreeSet<String>>]| {
            !values.iter().any(|it| it.as_ref().is_some_and(BTreeSet::is_empty))
        };
        match self {
            Self::Values(values) if is_met(&*values) => Self::Values(values),
            _ => Self::Never,
        }
    }

    /// The values of which one is demanded.
    pub(crate) fn on(&self, dimension: Dimension) -> Option<&BTreeSet<String>> {
        let Self::Values(values) = self else { return None };
        values.get(Dimension::ALL.iter().position(|it| *it == dimension)?)?.as_ref()
    }
}

/// All values of both. The smaller ones are moved: many small ones together cost no more than they are.
fn union(left: BTreeSet<String>, right: BTreeSet<String>) -> BTreeSet<String> {
    let (mut larger, smaller) =
        if left.len() < right.len() { (right, left) } else { (left, right) };
    larger.extend(smaller);
    larger
}

/// The values that an item compares with, where it does nothing else.
fn equal_to(item: &DetectionItem) -> Option<BTreeSet<String>> {
    match item.field.modifiers.as_slice() {
        [] | [Modifier::Cased] => item.values.iter().map(equal_to_value).collect(),
        [Modifier::Exists] => match item.values.as_slice() {
            [SigmaValue::Bool(false)] => Some(BTreeSet::from([String::new()])),
            _ => None,
        },
        _ => None,
    }
}

fn equal_to_value(value: &SigmaValue) -> Option<String> {
    match value {
        SigmaValue::Null => Some(String::new()),
        SigmaValue::String(text) => {
            text.as_plain().filter(|it| !it.is_empty()).map(|it| it.to_lowercase())
        }
        SigmaValue::Bool(_) | SigmaValue::Integer(_) | SigmaValue::Float(_) => None,
    }
}
