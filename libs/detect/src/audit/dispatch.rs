//! Which rules look at a request: found by API group, resource, subresource and verb, and by signs.
//!
//! The tables are made once. An ordinary request finds no entry, so that it meets no rule at all.

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::request::Request;
use super::rules::{Definition, On};
use super::sign::{Sign, Signs};

/// The rules by what they look at.
pub(super) struct Dispatch {
    by_signs: Vec<(Signs, &'static Definition)>,
    of_custom: Vec<(&'static [&'static str], &'static Definition)>,
    of_unread: Vec<&'static Definition>,
    /// The resources by their plural, which few of them share.
    by_plural: IndexMap<&'static str, Vec<Resource>, FixedState>,
}

/// The rules about one resource or subresource of one group.
struct Resource {
    name: Written<'static>,
    by_verb: ByVerb,
}

/// The rules about one resource, by the place of the verb in [`VERBS`].
type ByVerb = [Vec<&'static Definition>; VERBS.len()];

/// The verbs of requests.
pub(crate) const VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// The place of a verb in [`VERBS`]; none for those that no rule has.
fn place_of(verb: &str) -> Option<usize> {
    Some(match verb {
        "get" => 0,
        "list" => 1,
        "watch" => 2,
        "create" => 3,
        "update" => 4,
        "patch" => 5,
        "delete" => 6,
        "deletecollection" => 7,
        _ => return None,
    })
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
pub(crate) const CORE: [&str; 17] = [
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
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
];

impl Dispatch {
    fn of(definitions: impl Iterator<Item = &'static Definition>) -> Self {
        let mut dispatch = Self {
            by_signs: Vec::new(),
            of_custom: Vec::new(),
            of_unread: Vec::new(),
            by_plural: IndexMap::default(),
        };
        for definition in definitions {
            match definition.on {
                On::Signs(signs) => dispatch.by_signs.push((Signs::all(signs), definition)),
                On::Unread => dispatch.of_unread.push(definition),
                On::LeftAlone => {}
                On::Resources(verbs, resources) | On::Workloads(verbs, resources) => {
                    if matches!(definition.on, On::Workloads(..)) {
                        dispatch.of_custom.push((verbs, definition));
                    }
                    for written in resources.iter().map(|text| Written::parse(text)) {
                        for group in written.groups() {
                            dispatch.add(Written { group, ..written }, verbs, definition);
                        }
                    }
                }
            }
        }
        dispatch
    }

    fn add(&mut self, name: Written<'static>, verbs: &[&str], definition: &'static Definition) {
        let resources = self.by_plural.entry(name.plural).or_default();
        if resources.iter().all(|it| it.name != name) {
            resources.push(Resource { name, by_verb: ByVerb::default() });
        }
        let Some(resource) = resources.iter_mut().find(|it| it.name == name) else { return };
        for (verb, rules) in VERBS.iter().zip(&mut resource.by_verb) {
            // An alias may be written out besides.
            let is_new = rules.iter().all(|it| !std::ptr::eq(*it, definition));
            if is_new && verbs.contains(verb) {
                rules.push(definition);
            }
        }
    }

    /// The rules that look at a request, in the order of the list: those about who asks come first.
    pub(super) fn rules_for(
        &self,
        request: &Request<'_>,
    ) -> impl Iterator<Item = &'static Definition> {
        let signs = Signs::of(request);
        let by_signs = self.by_signs.iter().filter(move |(needed, _)| signs.has(*needed));
        let verb = request.verb();
        let by_resource = self.by_resource(request).iter().copied();
        let writes_custom = signs.has(Signs::all(&[Sign::WritesCustom]));
        let of_custom = if writes_custom { self.of_custom.as_slice() } else { &[] };
        let of_custom = of_custom.iter().filter(move |(verbs, _)| verbs.contains(&verb));
        let of_custom = of_custom.map(|(_, definition)| *definition);
        // Asked last: by then the others have read what they need.
        let of_unread = self.of_unread.iter().copied().filter(|_| request.is_unread());
        by_signs
            .map(|(_, definition)| *definition)
            .chain(by_resource)
            .chain(of_custom)
            .chain(of_unread)
    }

    fn by_resource(&self, request: &Request<'_>) -> &[&'static Definition] {
        let plural = request.resource();
        let (group, subresource) = (request.group(), request.subresource());
        let resources = if plural.is_empty() { None } else { self.by_plural.get(plural) };
        let is_meant =
            |it: &&Resource| it.name.subresource == subresource && it.name.group == group;
        let resource = resources.and_then(|resources| resources.iter().find(is_meant));
        let by_verb = resource.map(|it| &it.by_verb);
        let rules = by_verb.and_then(|by_verb| by_verb.get(place_of(request.verb())?));
        rules.map_or(&[], Vec::as_slice)
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

    /// How many rule functions an event comes before.
    fn met(text: &str) -> usize {
        let event = crate::audit::Event::parse(text).unwrap();
        DISPATCH.rules_for(&Request::new(&event, crate::ClusterProfile::unknown())).count()
    }

    #[test]
    fn ordinary_events_meet_no_rule_at_all() {
        let by = |user: &str, rest: &str| {
            format!(
                r#"{{"user":{{"username":"{user}"}},"sourceIPs":["10.0.0.5"],"responseStatus":{{"code":200}},{rest}}}"#
            )
        };
        let discovery = r#""verb":"get","requestURI":"/apis/apps/v1?timeout=32s""#;
        let health = r#""verb":"get","requestURI":"/readyz""#;
        let lease = r#""verb":"update","objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"kube-node-lease","name":"n"}"#;
        let watch = r#""verb":"watch","objectRef":{"resource":"configmaps","namespace":"shop"}"#;
        let status =
            r#""verb":"patch","objectRef":{"resource":"nodes","name":"n","subresource":"status"}"#;
        let event = r#""verb":"create","objectRef":{"resource":"events","namespace":"shop"}"#;
        for user in ["system:node:n", "dana", "system:serviceaccount:shop:web", "system:apiserver"]
        {
            for request in [discovery, health, lease, watch, event] {
                assert_eq!(met(&by(user, request)), 0, "{user}: {request}");
            }
            // A node tells of itself.
            let met = met(&by(user, status));
            assert_eq!(met, usize::from(user != "system:node:n"), "{user}: {status}");
        }
        assert_eq!(met(&by("system:anonymous", health)), 0, "as load balancers ask");
        assert!(met(&by("system:anonymous", discovery)) > 0);
    }

    #[test]
    fn every_verb_that_a_rule_has_is_known() {
        for (verb, place) in VERBS.iter().zip(0..) {
            assert_eq!(place_of(verb), Some(place));
        }
        for definition in super::super::definitions() {
            if let On::Resources(verbs, _) = definition.on {
                assert!(verbs.iter().all(|verb| VERBS.contains(verb)), "{}", definition.rule.id);
            }
        }
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
