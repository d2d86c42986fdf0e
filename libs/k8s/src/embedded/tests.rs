//! What is found within objects, and where it is told to be.

use super::*;
use crate::json;

/// The kind and path of each that is found.
fn found(object: &Value) -> Vec<String> {
    let found = find(&Object::new(object).unwrap());
    let shown = |it: &Embedded<'_>| {
        let part = if it.pod_part().is_some() { "part of a pod in " } else { "" };
        format!("{part}{} at {}", it.object().unwrap().kind(), it.place(&FieldPath::of(&["x"])))
    };
    let mut all: Vec<_> = found.embedded.iter().map(shown).collect();
    all.extend(found.has_unreadable_text.then(|| "unreadable".to_owned()));
    all
}

fn custom(group: &str, spec: &Value) -> Value {
    json!({ "apiVersion": format!("{group}/v1"), "kind": "Thing", "spec": spec })
}

#[test]
fn objects_are_found_in_fields_texts_and_permissions() {
    let role = || json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {} });
    let step = |text: &str| json!({ "resource": { "action": "create", "manifest": text } });
    for (object, expected) in [
        (
            custom("work.example", &json!({ "manifests": [role()] })),
            vec!["ClusterRole at spec.manifests[0].x"],
        ),
        (
            custom("argoproj.io", &step("apiVersion: v1\nkind: Pod\nmetadata: {name: '{{a}}'}\n")),
            vec!["Pod at spec.resource.manifest"],
        ),
        (custom("argoproj.io", &step("{{a}}: {")), vec!["unreadable"]),
        (
            custom("argoproj.io", &json!({ "podSpecPatch": "{\"hostPID\": {{a}}}" })),
            vec!["part of a pod in PodSpecPatch at spec.podSpecPatch"],
        ),
        (
            json!({
                "apiVersion": "operators.coreos.com/v1alpha1", "kind": "ClusterServiceVersion",
                "spec": { "install": { "spec": { "clusterPermissions": [{}], "permissions": [{}] } } },
            }),
            vec![
                "ClusterRole at spec.install.spec.clusterPermissions[0].x",
                "Role at spec.install.spec.permissions[0].x",
            ],
        ),
        (
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "data": { "a": "apiVersion: audit.k8s.io/v1\nkind: Policy\n", "b": "audit.k8s.io" },
            }),
            vec!["Policy at data.a"],
        ),
    ] {
        assert_eq!(found(&object), expected);
    }
}

#[test]
fn names_of_objects_patterns_and_what_must_not_be_there_are_none() {
    let role = || json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {} });
    for object in [
        custom(
            "work.example",
            &json!({ "ref": { "apiVersion": "v1", "kind": "Pod", "name": "a" } }),
        ),
        custom("kyverno.io", &json!({ "generate": role() })),
        custom(
            "policy.example",
            &json!({ "complianceType": "mustnothave", "objectDefinition": role() }),
        ),
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "spec": { "template": role() } }),
        json!({ "apiVersion": "example.com/v1", "kind": "Thing", "status": { "seen": role() } }),
    ] {
        assert_eq!(found(&object), Vec::<String>::new());
    }
}
