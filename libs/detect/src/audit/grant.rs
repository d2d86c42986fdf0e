//! The binding and role that allowed a request, as RBAC names them in its reason.

use airside_types::{Entity, ObjectRef, Timestamp, UsedGrant};

/// The API group of roles and bindings.
pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

/// The binding and the role of a reason such as
/// `RBAC: allowed by RoleBinding "devs/shop" of Role "dev" to Group "devs"`: names of namespaced bindings
/// are followed by their namespace, and a Role lives where its binding does. Empty for other reasons.
pub(super) fn of(reason: &str) -> Vec<Entity> {
    let granted = parse(reason).into_iter();
    granted.flat_map(|(objects, _)| objects.map(Entity::Object)).collect()
}

/// The binding that allowed a request at a time, and the subject of it by which it did; none for other reasons.
pub fn used(reason: &str, time: Timestamp) -> Option<UsedGrant> {
    let ([binding, role], subject) = parse(reason)?;
    let (subject_kind, name) = subject.split_once(" \"")?;
    let name = name.strip_suffix('"')?;
    let subject = match (subject_kind, name.rsplit_once('/')) {
        ("ServiceAccount", Some((name, namespace))) => format!("{namespace}/{name}"),
        _ => name.to_owned(),
    };
    let subject_kind = subject_kind.to_owned();
    Some(UsedGrant { binding, role, subject_kind, subject, first: time, last: time })
}

/// Binding and role, and what of the reason names the subject.
fn parse(reason: &str) -> Option<([ObjectRef; 2], &str)> {
    let rest = reason.strip_prefix("RBAC: allowed by ")?;
    let (binding_kind, rest) = rest.split_once(" \"")?;
    let (binding, rest) = rest.split_once("\" of ")?;
    let (role_kind, rest) = rest.split_once(" \"")?;
    let (role, subject) = rest.split_once("\" to ")?;
    let (binding, namespace) = match binding_kind {
        "ClusterRoleBinding" => (binding, None),
        "RoleBinding" => {
            binding.rsplit_once('/').map(|(name, namespace)| (name, Some(namespace)))?
        }
        _ => return None,
    };
    let role_namespace = match role_kind {
        "ClusterRole" => None,
        "Role" => namespace,
        _ => return None,
    };
    let object = |kind: &str, namespace, name: &str| ObjectRef::named(GROUP, kind, namespace, name);
    let objects =
        [object(binding_kind, namespace, binding), object(role_kind, role_namespace, role)];
    Some((objects, subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_used_by_its_subject() {
        let used = |reason: &str| {
            let used = used(reason, Timestamp::EPOCH);
            used.map(|it| format!("{} {}", it.subject_kind, it.subject))
        };
        let reason = r#"RBAC: allowed by ClusterRoleBinding "web-rm" of ClusterRole "rm" to "#;
        for (subject, expected) in [
            (r#"ServiceAccount "web/shop"#, "ServiceAccount shop/web"),
            (r#"Group "system:nodes"#, "Group system:nodes"),
            (r#"User "ada/ops"#, "User ada/ops"),
        ] {
            assert_eq!(used(&format!("{reason}{subject}\"")).as_deref(), Some(expected));
        }
        assert_eq!(used(reason), None);
    }

    #[test]
    fn reasons_name_binding_and_role() {
        let shown = |reason| of(reason).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown(
                r#"RBAC: allowed by ClusterRoleBinding "web-rm" of ClusterRole "rm" to ServiceAccount "web/shop""#
            ),
            ["ClusterRoleBinding web-rm", "ClusterRole rm"]
        );
        assert_eq!(
            shown(r#"RBAC: allowed by RoleBinding "devs/payments" of Role "dev" to Group "devs""#),
            ["RoleBinding payments/devs", "Role payments/dev"]
        );
        assert_eq!(
            shown(r#"RBAC: allowed by RoleBinding "ops/shop" of ClusterRole "view" to User "o""#),
            ["RoleBinding shop/ops", "ClusterRole view"]
        );
        for other in
            ["", "no relationship found between node 'n' and this object", "RBAC: allowed by X"]
        {
            assert!(shown(other).is_empty(), "{other}");
        }
    }
}
