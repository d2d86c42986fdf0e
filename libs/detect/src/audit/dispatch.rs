//! Which rules look at a request: found by API group, resource, subresource and verb, and by signs.
//!
//! The tables are made once. An ordinary request finds no entry, so that it meets no rule at all.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::request::Request;
use super::rules::{Definition, On};
use super::sign::{Sign, Signs};

/// The rules by what they look at.
pub(super) struct Dispatch {
    by_signs: Vec<(Signs, &'static Definition)>,
    of_custom: Vec<(&'static [&'static str], &'static Definition)>,
    of_unread: Vec<&'static Definition>,
    by_resource: HashMap<&'static str, Vec<Entry>>,
}

struct Entry {
    group: &'static str,
    subresource: &'static str,
    verbs: &'static [&'static str],
    definition: &'static Definition,
}

pub(super) static DISPATCH: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::of(super::definitions()));

/// A resource as rules write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written<'a> {
    plural: &'a str,
    group: &'a str,
    subresource: &'a str,
}

impl<'a> Written<'a> {
    /// Takes `deployments.apps/scale` apart.
    fn parse(text: &'a str) -> Self {
        let (resource, subresource) = text.split_once('/').unwrap_or((text, ""));
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        Self { plural, group, subresource }
    }

    /// The groups under which events name the resource. Where an event names no group although the core
    /// group has no such resource, the group was lost on the way. `extensions` is what some resources
    /// belonged to before they had a group of their own.
    fn groups(self) -> impl Iterator<Item = &'a str> {
        let lost = (!self.group.is_empty() && !CORE.contains(&self.plural)).then_some("");
        let older = match self.group {
            "apps" | "networking.k8s.io" => Some("extensions"),
            "" if self.plural == "events" => Some("events.k8s.io"),
            _ => None,
        };
        std::iter::once(self.group).chain(lost).chain(older)
    }
}

/// The resources of the core group.
const CORE: [&str; 16] = [
    "bindings",
    "componentstatuses",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "replicationcontrollers",
    "secrets",
    "serviceaccounts",
    "services",
];

impl Dispatch {
    fn of(definitions: impl Iterator<Item = &'static Definition>) -> Self {
        let (mut by_signs, mut of_custom, mut of_unread) = (Vec::new(), Vec::new(), Vec::new());
        let mut by_resource: HashMap<_, Vec<_>> = HashMap::new();
        for definition in definitions {
            match definition.on {
                On::Signs(signs) => by_signs.push((Signs::all(signs), definition)),
                On::Unread => of_unread.push(definition),
                On::LeftAlone => {}
                On::Resources(verbs, resources) | On::Workloads(verbs, resources) => {
                    if matches!(definition.on, On::Workloads(..)) {
                        of_custom.push((verbs, definition));
                    }
                    for written in resources.iter().map(|text| Written::parse(text)) {
                        let entries = by_resource.entry(written.plural).or_default();
                        let subresource = written.subresource;
                        entries.extend(written.groups().map(|group| Entry {
                            group,
                            subresource,
                            verbs,
                            definition,
                        }));
                    }
                }
            }
        }
        Self { by_signs, of_custom, of_unread, by_resource }
    }

    /// The rules that look at a request, in the order of the list.
    pub(super) fn rules_for(
        &self,
        request: &Request<'_>,
    ) -> impl Iterator<Item = &'static Definition> {
        let signs = Signs::of(request);
        let by_signs = self.by_signs.iter().filter(move |(needed, _)| signs.has(*needed));
        let (verb, group, subresource) = (request.verb(), request.group(), request.subresource());
        let entries = self.by_resource.get(request.resource()).map_or(&[][..], Vec::as_slice);
        let specific = entries
            .iter()
            .filter(move |entry| {
                entry.subresource == subresource
                    && entry.group == group
                    && entry.verbs.contains(&verb)
            })
            .map(|entry| entry.definition);
        let writes_custom = signs.has(Signs::all(&[Sign::WritesCustom]));
        let of_custom =
            self.of_custom.iter().filter(move |(verbs, _)| writes_custom && verbs.contains(&verb));
        let of_custom = of_custom.map(|(_, definition)| *definition);
        // Asked last: by then the others have read what they need.
        let of_unread = self.of_unread.iter().copied().filter(|_| request.is_unread());
        by_signs
            .map(|(_, definition)| *definition)
            .chain(specific)
            .chain(of_custom)
            .chain(of_unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_written_with_their_group() {
        let parts = |text| {
            let Written { plural, group, subresource } = Written::parse(text);
            (plural, group, subresource)
        };
        assert_eq!(parts("pods"), ("pods", "", ""));
        assert_eq!(parts("pods/exec"), ("pods", "", "exec"));
        assert_eq!(parts("deployments.apps/scale"), ("deployments", "apps", "scale"));
        assert_eq!(parts("roles.rbac.authorization.k8s.io").1, "rbac.authorization.k8s.io");
    }

    #[test]
    fn a_rule_without_signs_or_resources_would_look_at_every_request() {
        for definition in super::super::definitions() {
            match definition.on {
                On::Signs(signs) => assert!(!signs.is_empty(), "{}", definition.rule.id),
                On::Unread | On::LeftAlone => {}
                On::Resources(verbs, resources) | On::Workloads(verbs, resources) => {
                    assert!(!verbs.is_empty() && !resources.is_empty(), "{}", definition.rule.id);
                }
            }
        }
    }
}
