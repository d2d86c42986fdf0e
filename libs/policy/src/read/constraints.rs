//! `matchConstraints` of a policy and `matchResources` of a binding.

use airside_types::FieldPath;

use super::fields::Fields;
use crate::matching::{Constraints, Rule, Scope};

/// What a policy is for: it has rules.
pub(super) fn of_policy(fields: &mut Fields<'_>, at: &FieldPath) -> Constraints {
    if fields.value(at).is_none() {
        fields.problem(at.clone(), "it is missing: say what the policy is for".to_owned());
        return Constraints::default();
    }
    let constraints = constraints(fields, at);
    if constraints.rules.is_empty() {
        fields.problem(at.key("resourceRules"), "there is no rule".to_owned());
    }
    constraints
}

/// What a binding limits its policy to.
pub(super) fn constraints(fields: &mut Fields<'_>, at: &FieldPath) -> Constraints {
    fields.only(
        at,
        &[
            "excludeResourceRules",
            "matchPolicy",
            "namespaceSelector",
            "objectSelector",
            "resourceRules",
        ],
    );
    let is_exact = match fields.text(&at.key("matchPolicy")).as_deref() {
        None | Some("Equivalent") => false,
        Some("Exact") => true,
        Some(other) => {
            let problem = format!("`{other}` is neither Exact nor Equivalent");
            fields.problem(at.key("matchPolicy"), problem);
            false
        }
    };
    let mut selector = |name: &str| {
        let at = at.key(name);
        let selector = fields.value(&at)?.clone();
        fields.only(&at, &["matchExpressions", "matchLabels"]);
        Some(selector)
    };
    let (namespace_selector, object_selector) =
        (selector("namespaceSelector"), selector("objectSelector"));
    Constraints {
        rules: rules(fields, &at.key("resourceRules")),
        excluded: rules(fields, &at.key("excludeResourceRules")),
        namespace_selector,
        object_selector,
        is_exact,
    }
}

fn rules(fields: &mut Fields<'_>, at: &FieldPath) -> Vec<Rule> {
    let mut rules = Vec::new();
    for at in fields.elements(at) {
        let names =
            ["apiGroups", "apiVersions", "operations", "resourceNames", "resources", "scope"];
        fields.only(&at, &names);
        let mut required = |name: &str| {
            let at = at.key(name);
            let texts = fields.texts(&at);
            if texts.is_empty() {
                fields.problem(at, "it is missing or empty: `*` means all".to_owned());
            }
            texts
        };
        let (groups, versions) = (required("apiGroups"), required("apiVersions"));
        let (operations, resources) = (required("operations"), required("resources"));
        for wrong in operations.iter().filter(|it| !Rule::is_operation(it)) {
            let problem = format!("`{wrong}` is none of CREATE, UPDATE, DELETE, CONNECT and *");
            fields.problem(at.key("operations"), problem);
        }
        let scope = match fields.text(&at.key("scope")).as_deref() {
            None | Some("*") => Scope::Any,
            Some("Cluster") => Scope::Cluster,
            Some("Namespaced") => Scope::Namespaced,
            Some(other) => {
                let problem = format!("`{other}` is none of Cluster, Namespaced and *");
                fields.problem(at.key("scope"), problem);
                Scope::Any
            }
        };
        let names = fields.texts(&at.key("resourceNames"));
        rules.push(Rule { groups, versions, operations, resources, names, scope });
    }
    rules
}
