//! Whether a pod's containers hold a token of its service account that the API server takes.

use super::PodSpec;
use crate::fields::elements;
use crate::value::Value;

/// What API servers call themselves in tokens, as far as a manifest would write it.
const API_SERVER: &str = "kubernetes.default";

impl PodSpec<'_> {
    /// Whether the containers hold a token for the API server by what the pod itself says; nothing where its
    /// service account decides.
    pub fn holds_token(&self) -> Option<bool> {
        let volumes = elements(self.field("volumes")).iter();
        let mut sources = volumes
            .filter_map(|volume| volume.get("projected")?.get("sources"))
            .flat_map(|sources| elements(Some(sources)));
        if sources.any(is_for_api_server) {
            return Some(true);
        }
        self.field("automountServiceAccountToken").and_then(Value::as_bool)
    }
}

/// Whether a source of a projected volume is such a token: one for another audience opens nothing here.
fn is_for_api_server(source: &Value) -> bool {
    let token = source.get("serviceAccountToken");
    token.is_some_and(|token| {
        let audience = token.get("audience").and_then(Value::as_str).unwrap_or_default();
        audience.is_empty() || audience == "api" || audience.contains(API_SERVER)
    })
}

#[cfg(test)]
mod tests {
    use crate::object::Object;
    use crate::value::Value;
    use crate::workload::pod_specs;
    use crate::{json, workload};

    fn pod(automount: &Value, sources: &Value) -> Value {
        let volumes = json!([{ "name": "t", "projected": { "sources": sources } }]);
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" },
            "spec": {
                "automountServiceAccountToken": automount,
                "volumes": volumes,
                "containers": [{ "name": "c" }],
            },
        })
    }

    #[test]
    fn a_token_lies_in_a_pod_by_default_or_by_a_volume_for_the_api_server() {
        let audience = |name: &str| json!([{ "serviceAccountToken": { "audience": name } }]);
        for (automount, sources, holds) in [
            (Value::Null, json!([]), None),
            (json!(true), json!([]), Some(true)),
            (json!(false), json!([]), Some(false)),
            (json!(false), json!([{ "configMap": { "name": "ca" } }]), Some(false)),
            (json!(false), json!([{ "serviceAccountToken": { "path": "token" } }]), Some(true)),
            (json!(false), audience("api"), Some(true)),
            (json!(false), audience("https://kubernetes.default.svc.cluster.local"), Some(true)),
            (json!(false), audience("vault"), Some(false)),
            (Value::Null, audience("sts.amazonaws.com"), None),
            (json!(true), audience("vault"), Some(true)),
        ] {
            let pod = pod(&automount, &sources);
            let object = Object::new(&pod).unwrap();
            let specs: Vec<workload::PodSpec<'_>> = pod_specs(&object);
            assert_eq!(specs[0].holds_token(), holds, "{pod:?}");
        }
    }
}
