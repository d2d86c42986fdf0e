//! What Kubernetes adds to an object by what else it says: by its own name, by its pods, by their service
//! account.

use airside_types::{FieldPath, Step};

use super::additions::in_container;
use super::scanned::Scanned;
use crate::fields::{at, down};
use crate::object::Object;
use crate::value::Value;

/// Where a pod finds the token of its service account.
const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How the volumes with such tokens are called.
const TOKEN_VOLUME: &str = "kube-api-access-";
/// What the token controller writes into its Secrets.
const TOKEN_KEYS: [&str; 3] = ["ca.crt", "namespace", "token"];

/// What follows from the other fields of an object.
pub(super) struct Derived<'v> {
    root: &'v Value,
    kind: &'v str,
    name: &'v str,
    /// The path of the pod's specification, with a dot behind it; none where there is no pod.
    pod: Option<String>,
    /// Whether other roles are gathered in this one.
    is_aggregated: bool,
    /// Whether the manifest gives labels of its own.
    has_labels: bool,
    /// Whether it gives the service account by its old name.
    has_old_account: bool,
}

impl<'v> Derived<'v> {
    pub(super) fn of(live: &Object<'v>, scanned: &Scanned<'_>, pod: Option<String>) -> Self {
        let spec = pod.iter().flat_map(|pod| pod.split_terminator('.'));
        let spec: Vec<&str> = spec.chain(["serviceAccount"]).collect();
        let has_old_account = scanned.at(&spec).is_some();
        Self {
            has_old_account,
            root: live.value(),
            kind: live.kind(),
            name: live.name(),
            pod,
            is_aggregated: scanned.key("aggregationRule").is_some(),
            has_labels: scanned.at(&["metadata", "labels"]).is_some(),
        }
    }

    /// Whether a value at a path follows from others.
    pub(super) fn has(&self, text: &str, path: &[Step<'_>], value: &Value) -> bool {
        let is = |keys: &[&str]| down(self.root, keys) == Some(value);
        match (self.kind, text) {
            ("ClusterRole", "rules[]") => self.is_aggregated,
            // A service that has no address of its own is told by its pods'.
            ("Service", "spec.clusterIP") => value.as_str() != Some("None"),
            ("Service", "spec.clusterIPs[]") => is(&["spec", "clusterIP"]),
            ("NetworkPolicy", "spec.policyTypes[]") => {
                value.as_str() == Some("Egress") && down(self.root, &["spec", "egress"]).is_some()
            }
            ("CustomResourceDefinition", "spec.names.listKind" | "spec.names.singular") => {
                let kind = down(self.root, &["spec", "names", "kind"]).and_then(Value::as_str);
                let kind = kind.unwrap_or_default();
                let named = value.as_str().unwrap_or_default();
                named == kind.to_lowercase() || named.strip_suffix("List") == Some(kind)
            }
            ("ReplicationController", "spec.selector") => {
                is(&["spec", "template", "metadata", "labels"])
            }
            ("Secret", _) => self.is_token_key(path),
            _ => {
                let in_pod = self.pod.as_deref().and_then(|pod| text.strip_prefix(pod));
                in_pod.is_some_and(|in_pod| self.in_pod(in_pod, path, value))
            }
        }
    }

    /// Whether a label of the object itself or of its pods is the controller's.
    pub(super) fn labels(&self, path: &[Step<'_>], key: &str) -> bool {
        let label = |keys: &[&str]| down(self.root, keys)?.get(key);
        let is_own = path.len() == 3;
        match self.kind {
            "Namespace" => {
                let name = label(&["metadata", "labels"]).and_then(Value::as_str);
                key == "kubernetes.io/metadata.name" && name == Some(self.name)
            }
            // An object without labels is given those of its pods.
            "Job" if matches!(key, "controller-uid" | "job-name") => true,
            "Job" if key.starts_with("batch.kubernetes.io/") => true,
            "Job" | "ReplicationController" => {
                let of_pods = label(&["spec", "template", "metadata", "labels"]);
                is_own && !self.has_labels && label(&["metadata", "labels"]) == of_pods
            }
            _ => false,
        }
    }

    fn is_token_key(&self, path: &[Step<'_>]) -> bool {
        let is_token = down(self.root, &["type"]).and_then(Value::as_str)
            == Some("kubernetes.io/service-account-token");
        is_token && matches!(path, [_, Step::Key(key)] if TOKEN_KEYS.contains(&key.as_ref()))
    }

    fn in_pod(&self, in_pod: &str, path: &[Step<'_>], value: &Value) -> bool {
        match in_pod {
            "volumes[]" => self.kind == "Pod" && is_token_volume(value),
            "serviceAccountName" => {
                self.has_old_account && self.beside(path, "serviceAccount") == Some(value)
            }
            _ => in_container(in_pod).is_some_and(|text| self.in_container(text, path, value)),
        }
    }

    fn in_container(&self, in_container: &str, path: &[Step<'_>], value: &Value) -> bool {
        match in_container {
            "ports[].hostPort" => {
                let spec =
                    self.pod.as_deref().and_then(|pod| FieldPath::parse(pod.trim_end_matches('.')));
                let spec = spec.and_then(|spec| at(self.root, &spec));
                let shares = spec.and_then(|spec| spec.get("hostNetwork"));
                shares == Some(&Value::Bool(true))
                    && self.beside(path, "containerPort") == Some(value)
            }
            "volumeMounts[]" => self.kind == "Pod" && is_token_mount(value),
            _ => {
                let is_request = in_container.starts_with("resources.requests.");
                self.kind == "Pod"
                    && (is_request && self.is_limit(path, value)
                        || in_container.starts_with("resources.") && self.is_limited())
            }
        }
    }

    /// Whether admission has given the pod what the limit range of its namespace says.
    fn is_limited(&self) -> bool {
        let keys = ["metadata", "annotations", "kubernetes.io/limit-ranger"];
        down(self.root, &keys).is_some()
    }

    /// What a pod does not request is its limit.
    fn is_limit(&self, path: &[Step<'_>], value: &Value) -> bool {
        let [resources @ .., _, Step::Key(key)] = path else { return false };
        let resources = at(self.root, &FieldPath::from(resources));
        let limit = resources.and_then(|it| it.get("limits")?.get(key.as_ref()));
        limit == Some(value)
    }

    /// A field beside the one at a path.
    fn beside(&self, path: &[Step<'_>], field: &str) -> Option<&'v Value> {
        let (_, above) = path.split_last()?;
        at(self.root, &FieldPath::from(above))?.get(field)
    }
}

/// Whether a volume holds what a pod gets to speak to the API server, and nothing else.
fn is_token_volume(volume: &Value) -> bool {
    let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
    let fields = volume.as_object().map(|it| it.keys().collect::<Vec<_>>()).unwrap_or_default();
    let sources = down(volume, &["projected", "sources"]).and_then(Value::as_array);
    let is_own = |source: &Value| {
        let map = down(source, &["configMap", "name"]).and_then(Value::as_str);
        source.get("serviceAccountToken").is_some()
            || source.get("downwardAPI").is_some()
            || matches!(map, Some("kube-root-ca.crt" | "openshift-service-ca.crt"))
    };
    name.starts_with(TOKEN_VOLUME)
        && fields.iter().all(|it| matches!(*it, "name" | "projected"))
        && sources.is_some_and(|sources| {
            sources.iter().all(|source| {
                source.as_object().is_some_and(|it| it.keys().len() == 1) && is_own(source)
            })
        })
        // Clusters before 1.21 mount the account's Secret.
        || is_token_secret(volume, name, &fields)
}

fn is_token_secret(volume: &Value, name: &str, fields: &[&str]) -> bool {
    let secret = down(volume, &["secret", "secretName"]).and_then(Value::as_str);
    secret == Some(name)
        && name.contains("-token-")
        && fields.iter().all(|it| matches!(*it, "name" | "secret"))
}

fn is_token_mount(mount: &Value) -> bool {
    let text = |field: &str| mount.get(field).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    text("mountPath") == TOKEN_FOLDER
        && (name.starts_with(TOKEN_VOLUME) || name.contains("-token-"))
        && mount.get("subPath").is_none()
}
