//! What an audit policy records of a request: the first of its rules that matches decides.

use airside_k8s::Map;
use airside_k8s::fields::{list, maps, text, texts};
use airside_types::FieldPath;

use crate::subject::Whole;

/// How much of a request is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    None,
    Metadata,
    Request,
    RequestResponse,
}

/// A request by a user who is not named anywhere, for any object in a namespace that is not named either.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) verb: &'static str,
    pub(super) group: &'static str,
    /// With its subresource, such as `pods/exec`.
    pub(super) resource: &'static str,
}

impl Request {
    /// A request for a resource of the core group.
    pub(super) const fn core(verb: &'static str, resource: &'static str) -> Self {
        Self { verb, group: "", resource }
    }
}

/// What a policy says of a request, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) level: Level,
    /// The level of the rule that decides, or the rules where none does.
    pub(super) path: FieldPath,
}

/// What a policy says of a request.
pub(super) fn decide(policy: &Whole<'_>, request: &Request) -> Verdict {
    let rules = FieldPath::of(&["rules"]);
    let mut matching =
        maps(policy.object.fields(), "rules").filter(|(_, rule)| matches(rule, request));
    match matching.next() {
        None => Verdict { level: Level::None, path: rules },
        Some((index, rule)) => {
            Verdict { level: level(rule), path: rules.index(index).key("level") }
        }
    }
}

fn level(rule: &Map) -> Level {
    match text(rule, "level") {
        Some("RequestResponse") => Level::RequestResponse,
        Some("Request") => Level::Request,
        Some("Metadata") => Level::Metadata,
        _ => Level::None,
    }
}

fn matches(rule: &Map, request: &Request) -> bool {
    let any = |name: &str| list(rule, name).is_empty();
    let lists = |name: &str, wanted: &str| texts(rule, name).any(|(_, item)| item == wanted);
    let is_about_resources = !any("resources");
    any("users")
        && (any("userGroups") || lists("userGroups", "system:authenticated"))
        && (any("verbs") || lists("verbs", request.verb))
        && any("namespaces")
        && (is_about_resources || any("nonResourceURLs"))
        && (!is_about_resources || maps(rule, "resources").any(|(_, group)| covers(group, request)))
}

fn covers(group: &Map, request: &Request) -> bool {
    let is_of_group = text(group, "group").unwrap_or_default() == request.group;
    if !is_of_group || !list(group, "resourceNames").is_empty() {
        return false;
    }
    if list(group, "resources").is_empty() {
        return true;
    }
    let (resource, subresource) =
        request.resource.split_once('/').unwrap_or((request.resource, ""));
    texts(group, "resources").any(|(_, pattern)| {
        pattern == "*"
            || pattern == request.resource
            || pattern.strip_suffix("/*") == Some(resource)
            || (!subresource.is_empty() && pattern.strip_prefix("*/") == Some(subresource))
    })
}

#[cfg(test)]
mod tests {
    use airside_k8s::json;
    use airside_k8s::{Completeness, Graph, Object};

    use super::*;

    #[test]
    fn the_first_rule_that_matches_decides() {
        for (rules, verb, resource, expected) in [
            (json!([]), "get", "pods", Level::None),
            (json!([{ "level": "Metadata" }, { "level": "None" }]), "get", "pods", Level::Metadata),
            (json!([{ "level": "Request", "verbs": ["create"] }]), "get", "pods", Level::None),
            (json!([{ "level": "Request", "users": ["a"] }]), "get", "pods", Level::None),
            (json!([{ "level": "Request", "namespaces": ["a"] }]), "get", "pods", Level::None),
            (
                json!([{ "level": "Request", "nonResourceURLs": ["/*"] }]),
                "get",
                "pods",
                Level::None,
            ),
            (
                json!([{ "level": "Request", "userGroups": ["system:authenticated"] }]),
                "get",
                "pods",
                Level::Request,
            ),
            (
                json!([{ "level": "Request", "resources": [{ "group": "" }] }]),
                "get",
                "pods/exec",
                Level::Request,
            ),
            (
                json!([{ "level": "Request", "resources": [{ "resources": ["pods"] }] }]),
                "get",
                "pods/exec",
                Level::None,
            ),
            (
                json!([{ "level": "Request", "resources": [{ "resources": ["pods/*"] }] }]),
                "get",
                "pods/exec",
                Level::Request,
            ),
            (
                json!([{ "level": "RequestResponse", "resources": [{ "resources": ["*/exec"] }] }]),
                "get",
                "pods/exec",
                Level::RequestResponse,
            ),
            (
                json!([{ "level": "Request", "resources": [{ "resourceNames": ["a"] }] }]),
                "get",
                "pods",
                Level::None,
            ),
            (
                json!([{ "level": "Request", "resources": [{ "group": "apps" }] }]),
                "get",
                "pods",
                Level::None,
            ),
        ] {
            let value =
                json!({ "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules });
            let object = Object::new(&value).unwrap();
            let graph = Graph::new(&[object], Completeness::WholeInput);
            let policy = Whole {
                object: &object,
                graph: &graph,
                components: airside_vulnerability::Components::embedded(),
                searched: &std::cell::OnceCell::new(),
            };
            let verdict = decide(&policy, &Request::core(verb, resource));
            assert_eq!(verdict.level, expected, "{rules}");
        }
    }
}
