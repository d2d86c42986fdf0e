//! A binding: which policy, what follows from a failure, where it holds, with which parameters.

use super::fields::Fields;
use super::{constraints, spec};
use crate::policy::{Action, Binding, NotFound, ParameterReference};

pub(super) fn binding(fields: &mut Fields<'_>) -> Binding {
    fields.only(&spec(), &["matchResources", "paramRef", "policyName", "validationActions"]);
    let resources = spec().key("matchResources");
    Binding {
        name: fields.name(),
        place: fields.place(),
        policy: fields.required_text(&spec().key("policyName")).unwrap_or_default(),
        actions: actions(fields),
        constraints: fields
            .value(&resources)
            .is_some()
            .then(|| constraints::constraints(fields, &resources)),
        parameters: parameters(fields),
    }
}

fn actions(fields: &mut Fields<'_>) -> Vec<Action> {
    let at = spec().key("validationActions");
    let mut actions = Vec::new();
    for text in fields.texts(&at) {
        match [Action::Deny, Action::Warn, Action::Audit].into_iter().find(|it| it.as_str() == text)
        {
            Some(action) if !actions.contains(&action) => actions.push(action),
            Some(_) => fields.problem(at.clone(), format!("`{text}` is there twice")),
            None => {
                fields.problem(at.clone(), format!("`{text}` is none of Deny, Warn and Audit"));
            }
        }
    }
    if actions.is_empty() {
        fields
            .problem(at.clone(), "say what follows from a failure: Deny, Warn or Audit".to_owned());
    }
    if actions.contains(&Action::Deny) && actions.contains(&Action::Warn) {
        fields
            .problem(at, "Deny and Warn are not used together: the refusal says it all".to_owned());
    }
    actions
}

fn parameters(fields: &mut Fields<'_>) -> Option<ParameterReference> {
    let at = spec().key("paramRef");
    fields.value(&at)?;
    fields.only(&at, &["name", "namespace", "parameterNotFoundAction", "selector"]);
    let selector = fields.value(&at.key("selector")).cloned();
    let which = match (fields.text(&at.key("name")), selector) {
        (Some(name), None) => Ok(name),
        (None, Some(selector)) => Err(selector),
        _ => {
            fields.problem(at, "it has a `name` or a `selector`".to_owned());
            return None;
        }
    };
    let not_found = match fields.required_text(&at.key("parameterNotFoundAction")).as_deref() {
        Some("Allow") => NotFound::Allow,
        None | Some("Deny") => NotFound::Deny,
        Some(other) => {
            let problem = format!("`{other}` is neither Allow nor Deny");
            fields.problem(at.key("parameterNotFoundAction"), problem);
            NotFound::Deny
        }
    };
    Some(ParameterReference { which, namespace: fields.text(&at.key("namespace")), not_found })
}
