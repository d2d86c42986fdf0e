//! From kinds to resources: the names in URLs, RBAC and admission rules, and which have no namespace.
//!
//! A table is not needed for the names: they are formed alike, and a custom resource's own definition says
//! what else it may be called.

use crate::object::Object;
use crate::value::Value;

/// The plural name of a kind, such as `networkpolicies`, as it is formed for all built-in kinds and nearly all
/// custom ones.
pub fn plural(kind: &str) -> String {
    let name = kind.to_ascii_lowercase();
    if name == "endpoints" {
        return name;
    }
    if name.ends_with('s') || name.ends_with('x') || name.ends_with("ch") || name.ends_with("sh") {
        return name + "es";
    }
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ => name + "s",
    }
}

/// Whether a built-in kind has no namespace; one that its manifest names anyway has no effect.
pub fn is_cluster_scoped(kind: &str) -> bool {
    const KINDS: [&str; 16] = [
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ];
    kind.starts_with("Cluster") || kind.ends_with("WebhookConfiguration") || KINDS.contains(&kind)
}

/// What a CustomResourceDefinition says of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition<'a> {
    /// The API group.
    pub group: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// The plural name.
    pub plural: &'a str,
    /// Whether its objects have no namespace.
    pub is_cluster_scoped: bool,
}

impl<'a> Definition<'a> {
    /// Reads a definition; none from other objects, or where it lacks a name.
    pub fn of(object: &Object<'a>) -> Option<Self> {
        if object.kind() != "CustomResourceDefinition" {
            return None;
        }
        let spec = object.fields().get("spec")?;
        let name = |field| spec.get("names")?.get(field).and_then(Value::as_str);
        Some(Self {
            group: spec.get("group")?.as_str()?,
            kind: name("kind")?,
            plural: name("plural")?,
            is_cluster_scoped: spec.get("scope").and_then(Value::as_str) == Some("Cluster"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn kinds_have_the_names_that_the_api_server_gives_them() {
        for (kind, name) in [
            ("Pod", "pods"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("Endpoints", "endpoints"),
            ("StorageClass", "storageclasses"),
            ("EndpointSlice", "endpointslices"),
            ("Gateway", "gateways"),
            ("PodDisruptionBudget", "poddisruptionbudgets"),
        ] {
            assert_eq!(plural(kind), name);
        }
    }

    #[test]
    fn a_definition_says_what_its_resource_is_called() {
        let object = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"group": "x.test", "scope": "Cluster", "names": {"kind": "Ox", "plural": "oxen"}}
        });
        let definition = Definition::of(&Object::new(&object).unwrap());
        let expected =
            Definition { group: "x.test", kind: "Ox", plural: "oxen", is_cluster_scoped: true };
        assert_eq!(definition, Some(expected));
    }
}
