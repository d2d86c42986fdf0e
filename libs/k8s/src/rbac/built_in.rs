//! The ClusterRoles for people that every cluster has, with the rights that Kubernetes gives them.
//!
//! Manifests bind them without holding them. The rules are those of `system:aggregate-to-*` in Kubernetes'
//! `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`, of which rights to read what leads
//! to no credentials are left out. Which ClusterRoles of the input add to them is `graph/aggregation.rs`'s.

use std::sync::LazyLock;

use super::GROUP;
use crate::json;
use crate::object::Object;
use crate::value::Value;

/// The roles that take over others, each with the labels by which it does: those of weaker roles count as
/// well, since it takes over these.
const AGGREGATING: [(&str, &[&str]); 3] =
    [("view", &[TO_VIEW]), ("edit", &[TO_EDIT, TO_VIEW]), ("admin", &[TO_ADMIN, TO_EDIT, TO_VIEW])];

const TO_ADMIN: &str = "rbac.authorization.k8s.io/aggregate-to-admin";
const TO_EDIT: &str = "rbac.authorization.k8s.io/aggregate-to-edit";
const TO_VIEW: &str = "rbac.authorization.k8s.io/aggregate-to-view";

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

/// The built-in ClusterRole of a name.
pub fn cluster_role(name: &str) -> Option<Object<'static>> {
    static ROLES: LazyLock<[Value; 4]> = LazyLock::new(|| {
        let everything = rule(&["*"], "*", &["*"]);
        let mut admin = editing();
        admin.push(rule(&WRITE, GROUP, &["rolebindings", "roles"]));
        [
            role("cluster-admin", &[everything]),
            role("admin", &admin),
            role("edit", &editing()),
            role("view", &[rule(&READ, "", &["configmaps", "pods", "pods/log"])]),
        ]
    });
    let objects = ROLES.iter().filter_map(|value| Object::new(value).ok());
    objects.into_iter().find(|role| role.name() == name)
}

/// The built-in ClusterRoles that take over others, each with the labels (of the value `true`) by which it does.
pub(crate) fn aggregating() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    AGGREGATING.into_iter()
}

/// What `edit` may do. Starting pods stands first, being the shortest way on.
fn editing() -> Vec<Value> {
    vec![
        rule(&WRITE, "", &["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"]),
        rule(&WRITE, "", &["replicationcontrollers", "replicationcontrollers/scale"]),
        rule(&WRITE, "apps", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
        rule(&WRITE, "batch", &["cronjobs", "jobs"]),
        rule(&READ, "", &["configmaps", "pods", "pods/exec", "pods/log", "secrets"]),
        rule(&WRITE, "", &["configmaps", "events", "persistentvolumeclaims", "secrets"]),
        rule(&WRITE, "", &["serviceaccounts", "services", "services/proxy"]),
        rule(&["create"], "", &["serviceaccounts/token"]),
        rule(&["impersonate"], "", &["serviceaccounts"]),
        rule(&WRITE, "networking.k8s.io", &["ingresses", "networkpolicies"]),
        rule(&WRITE, "autoscaling", &["horizontalpodautoscalers"]),
        rule(&WRITE, "policy", &["poddisruptionbudgets"]),
    ]
}

fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> Value {
    json!({ "verbs": verbs, "apiGroups": [group], "resources": resources })
}

fn role(name: &str, rules: &[Value]) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "ClusterRole",
        "metadata": { "name": name }, "rules": rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::rules;

    #[test]
    fn each_role_gives_what_kubernetes_gives_it() {
        let may = |name: &str, verb: &str, group: &str, resource: &str| {
            let role = cluster_role(name).unwrap();
            rules(&role).any(|rule| rule.allows_verb(&[verb]) && rule.reaches(group, resource))
        };
        for (verb, group, resource, roles) in [
            ("get", "", "pods", &["view", "edit", "admin", "cluster-admin"][..]),
            ("get", "", "secrets", &["edit", "admin", "cluster-admin"]),
            ("create", "batch", "jobs", &["edit", "admin", "cluster-admin"]),
            ("create", "", "pods/exec", &["edit", "admin", "cluster-admin"]),
            ("impersonate", "", "serviceaccounts", &["edit", "admin", "cluster-admin"]),
            ("create", GROUP, "rolebindings", &["admin", "cluster-admin"]),
            ("bind", GROUP, "clusterroles", &["cluster-admin"]),
            ("patch", "", "pods/ephemeralcontainers", &["cluster-admin"]),
        ] {
            for name in ["view", "edit", "admin", "cluster-admin"] {
                let expected = roles.contains(&name);
                assert_eq!(may(name, verb, group, resource), expected, "{name}: {verb} {resource}");
            }
        }
        assert!(cluster_role("system:node").is_none());
    }
}
