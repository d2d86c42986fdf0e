//! The binding and role that allowed a request, as RBAC names them in its reason.

use airside_types::{Entity, ObjectRef};

/// The API group of roles and bindings.
pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

/// The binding and the role of a reason such as
/// `RBAC: allowed by RoleBinding "devs/shop" of Role "dev" to Group "devs"`: names of namespaced bindings
/// are followed by their namespace, and a Role lives where its binding does. Empty for other reasons.
pub(super) fn of(reason: &str) -> Vec<Entity> {
    parse(reason).map(Vec::from).unwrap_or_default()
}

fn parse(reason: &str) -> Option<[Entity; 2]> {
    let rest = reason.strip_prefix("RBAC: allowed by ")?;
    let (binding_kind, rest) = rest.split_once(" \"")?;
    let (binding, rest) = rest.split_once("\" of ")?;
    let (role_kind, rest) = rest.split_once(" \"")?;
    let (role, _) = rest.split_once("\" to ")?;
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
    let object = |kind: &str, namespace, name: &str| {
        Entity::Object(ObjectRef::named(GROUP, kind, namespace, name))
    };
    Some([object(binding_kind, namespace, binding), object(role_kind, role_namespace, role)])
}

#[cfg(test)]
mod tests {
    use super::*;

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
