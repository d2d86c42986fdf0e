//! Which objects a binding gives its policy as parameters.

use airside_k8s::graph::selects;
use airside_k8s::{Object, Value as Json};

use crate::policy::{Binding, NotFound, Policy};
use crate::request::{Request, Surroundings};

/// The parameters of a binding.
pub(super) enum Found<'a> {
    /// The policy has none.
    None,
    /// Each of these in turn.
    These(Vec<&'a Json>),
    /// They are not there.
    Missing { what: String, action: NotFound },
    /// Whether they are there is not known.
    Unknown(String),
}

pub(super) fn parameters_of<'a>(
    policy: &Policy,
    binding: Option<&Binding>,
    request: &Request<'_>,
    around: &Surroundings<'a>,
) -> Found<'a> {
    let Some(kind) = &policy.parameter_kind else { return Found::None };
    let reference = binding.and_then(|binding| binding.parameters.as_ref());
    if let Some(given) = &around.given_parameters {
        return Found::These(given.clone());
    }
    // Without a reference `params` is null.
    let Some(reference) = reference else { return Found::None };
    let namespace = reference.namespace.as_deref().or(request.namespace.as_deref());
    let is_one = |object: &Object<'_>| {
        let is_selected = match &reference.which {
            Ok(_) => true,
            Err(selector) => selects(selector, object.labels()),
        };
        // A parameter without a namespace has none, or leaves it to the one who applies it.
        let is_there = object.namespace().is_none() || object.namespace() == namespace;
        object.api_version() == kind.api_version && is_selected && is_there
    };
    let name = reference.which.as_deref().ok();
    let objects = around.objects(&kind.kind, name);
    let found: Vec<&Json> = objects.iter().filter(|it| is_one(it)).map(Object::value).collect();
    if !found.is_empty() {
        return Found::These(found);
    }
    let which = match &reference.which {
        Ok(name) => format!("`{name}`"),
        Err(_) => "that the selector selects".to_owned(),
    };
    let place = namespace.map(|it| format!(" in the namespace {it}")).unwrap_or_default();
    let what = format!("{} {which}{place}", kind.kind);
    if around.has_all_parameters {
        return Found::Missing { what, action: reference.not_found };
    }
    Found::Unknown(format!("its parameters, a {what}, are not given"))
}
