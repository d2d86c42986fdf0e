//! Views of roles and bindings.

pub mod built_in;
pub mod names;

use airside_types::FieldPath;

use crate::fields::{list, maps, text};
use crate::object::Object;
use crate::value::{Map, Value};

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// A rule of a Role or ClusterRole.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// Its index in the role's `rules`.
    pub index: usize,
    /// Its fields.
    pub fields: &'a Map,
    /// Whether a Role holds it, which gives nothing over what has no namespace.
    pub is_of_namespace: bool,
    // What each question asks for is looked up once: there are dozens of questions.
    verbs: &'a [Value],
    groups: &'a [Value],
    resources: &'a [Value],
}

impl<'a> Rule<'a> {
    fn of(index: usize, fields: &'a Map, is_of_namespace: bool) -> Self {
        let (verbs, groups) = (list(fields, "verbs"), list(fields, "apiGroups"));
        let resources = list(fields, "resources");
        Self { index, fields, is_of_namespace, verbs, groups, resources }
    }

    /// The same rule as a ClusterRole would hold it.
    pub const fn in_cluster(self) -> Self {
        Self { is_of_namespace: false, ..self }
    }

    /// The entries of one of the rule's lists.
    pub fn list(&self, name: &'static str) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        let entries = match name {
            "verbs" => self.verbs,
            "apiGroups" => self.groups,
            "resources" => self.resources,
            _ => list(self.fields, name),
        };
        entries.iter().enumerate().filter_map(|(index, entry)| Some((index, entry.as_str()?)))
    }

    /// Whether a list holds one of these.
    pub fn has(&self, name: &'static str, wanted: &[&str]) -> bool {
        self.list(name).any(|(_, entry)| wanted.contains(&entry))
    }

    /// Whether the rule allows one of these verbs, by name or by `*`.
    pub fn allows_verb(&self, verbs: &[&str]) -> bool {
        self.list("verbs").any(|(_, verb)| verb == "*" || verbs.contains(&verb))
    }

    /// Whether the rule reaches a resource (`secrets`, `pods/exec`) of a group, by name or by wildcard.
    pub fn reaches(&self, group: &str, resource: &str) -> bool {
        let in_group = self.list("apiGroups").any(|(_, given)| given == "*" || given == group);
        let subresource = resource.split_once('/').map(|(_, below)| below);
        in_group
            && self.list("resources").any(|(_, given)| {
                given == "*"
                    || given == resource
                    || subresource.is_some_and(|below| given.strip_prefix("*/") == Some(below))
            })
    }

    /// Whether the rule reaches resources of the core group.
    pub fn is_for_core_group(&self) -> bool {
        self.has("apiGroups", &["", "*"])
    }

    /// Whether the rule is limited to objects that it names.
    pub fn names_its_objects(&self) -> bool {
        self.list("resourceNames").next().is_some()
    }

    /// Whether the rule allows everything: all resources of all groups with all verbs that change them.
    pub fn allows_everything(&self) -> bool {
        const ALL_VERBS: [&str; 7] =
            ["get", "list", "watch", "create", "update", "patch", "delete"];
        let all_verbs =
            || self.has("verbs", &["*"]) || ALL_VERBS.iter().all(|verb| self.has("verbs", &[verb]));
        self.has("resources", &["*"]) && self.has("apiGroups", &["*"]) && all_verbs()
    }

    /// The path to an entry of one of the rule's lists.
    pub fn path(&self, list: &str, entry: usize) -> FieldPath {
        FieldPath::of(&["rules"]).index(self.index).key(list).index(entry)
    }

    /// The verbs, as messages show them.
    pub fn verbs(&self) -> String {
        let verbs: Vec<&str> = self.list("verbs").map(|(_, verb)| verb).collect();
        verbs.join(", ")
    }
}

/// The rules of a Role or ClusterRole, as written.
pub fn rules<'a>(role: &Object<'a>) -> impl Iterator<Item = Rule<'a>> + use<'a> {
    let is_of_namespace = role.kind() == "Role";
    maps(role.fields(), "rules")
        .map(move |(index, fields)| Rule::of(index, fields, is_of_namespace))
}

/// Who is given a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bearer<'a> {
    /// A user, by name.
    User(&'a str),
    /// Everybody of a group.
    Group(&'a str),
    /// A service account: namespace and name. Manifests may leave the namespace out.
    ServiceAccount(Option<&'a str>, &'a str),
}

impl<'a> Bearer<'a> {
    /// Who a user's name names. A service account is the user `system:serviceaccount:NAMESPACE:NAME`, and the
    /// API server compares names.
    pub fn of_user(name: &'a str) -> Self {
        let account = name.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':'));
        match account {
            Some((namespace, name))
                if !namespace.is_empty() && !name.is_empty() && !name.contains(':') =>
            {
                Self::ServiceAccount(Some(namespace), name)
            }
            _ => Self::User(name),
        }
    }
}

/// The subjects of a binding with their index; those of unknown kinds are passed over.
pub fn subjects<'a>(binding: &Object<'a>) -> impl Iterator<Item = (usize, Bearer<'a>)> + use<'a> {
    let own_namespace = binding.namespace();
    maps(binding.fields(), "subjects").filter_map(move |(index, subject)| {
        let name = text(subject, "name")?;
        let bearer = match text(subject, "kind")? {
            "User" => Bearer::of_user(name),
            "Group" => Bearer::Group(name),
            "ServiceAccount" => {
                Bearer::ServiceAccount(text(subject, "namespace").or(own_namespace), name)
            }
            _ => return None,
        };
        Some((index, bearer))
    })
}

/// The role that a binding gives: its kind (`Role` or `ClusterRole`) and name.
pub fn role_of<'a>(binding: &Object<'a>) -> Option<(&'a str, &'a str)> {
    let role = binding.fields().get("roleRef")?.as_object()?;
    Some((text(role, "kind")?, text(role, "name")?))
}

#[cfg(test)]
mod tests {
    use crate::json;

    use super::*;

    #[test]
    fn a_rule_reaches_what_it_names_and_what_its_wildcards_cover() {
        for (resources, groups, group, resource, reached) in [
            (json!(["secrets"]), json!([""]), "", "secrets", true),
            (json!(["secrets"]), json!(["apps"]), "", "secrets", false),
            (json!(["*"]), json!([""]), "", "pods/exec", true),
            (json!(["pods/*"]), json!([""]), "", "pods/exec", false),
            (json!(["*/exec"]), json!(["*"]), "", "pods/exec", true),
            (json!(["*/scale"]), json!(["*"]), "", "pods/exec", false),
            (json!(["pods"]), json!([""]), "", "pods/exec", false),
        ] {
            let rule = json!({ "resources": resources, "apiGroups": groups, "verbs": ["get"] });
            let fields = rule.as_object().unwrap();
            let rule = Rule::of(0, fields, false);
            assert_eq!(rule.reaches(group, resource), reached, "{rule:?} {resource}");
        }
    }

    #[test]
    fn subjects_are_read_as_the_api_server_reads_them() {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": { "name": "b", "namespace": "shop" },
            "roleRef": { "kind": "Role", "name": "reader" },
            "subjects": [
                { "kind": "User", "name": "ada" }, { "kind": "Group", "name": "devs" },
                { "kind": "ServiceAccount", "name": "web" },
                { "kind": "ServiceAccount", "name": "ci", "namespace": "ci" },
                { "kind": "Robot", "name": "r" }, { "kind": "User" }, "text",
                { "kind": "User", "name": "system:serviceaccount:ci:bot" },
                { "kind": "User", "name": "system:serviceaccount:ci:bot:x" },
                { "kind": "User", "name": "system:serviceaccount::bot" },
                { "kind": "User", "name": "system:serviceaccount:ci:" },
            ],
        });
        let binding = Object::new(&binding).unwrap();
        let read: Vec<_> = subjects(&binding).map(|(_, bearer)| bearer).collect();
        assert_eq!(
            read,
            [
                Bearer::User("ada"),
                Bearer::Group("devs"),
                Bearer::ServiceAccount(Some("shop"), "web"),
                Bearer::ServiceAccount(Some("ci"), "ci"),
                Bearer::ServiceAccount(Some("ci"), "bot"),
                Bearer::User("system:serviceaccount:ci:bot:x"),
                Bearer::User("system:serviceaccount::bot"),
                Bearer::User("system:serviceaccount:ci:"),
            ]
        );
        assert_eq!(role_of(&binding), Some(("Role", "reader")));
    }
}
