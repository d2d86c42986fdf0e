//! Kinds that Kubernetes does not have: most often a slip of the pen, after which no check knows the object.

use std::fmt;

use airside_k8s::Object;

use crate::catalogue::{KINDS, OLD};

/// The longest piece of a kind that a message shows.
const SHOWN_CHARS: usize = 60;

/// A kind that Kubernetes does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnknownKind {
    api_version: String,
    kind: String,
    meant: Option<&'static str>,
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no kind `{}`: ", self.api_version, self.kind)?;
        match self.meant {
            Some(meant) => write!(f, "did you mean `{meant}`?"),
            None => write!(f, "correct it, or its apiVersion."),
        }?;
        write!(f, " Only what goes for every kind was checked")
    }
}

/// Whether an object is of a kind that its API version, one of Kubernetes' own, does not have, nor any other.
/// The core group is used by other programs' files as well: there only a slip of the pen is told.
pub(super) fn unknown_kind(object: &Object<'_>) -> Option<UnknownKind> {
    let (group, kind) = (object.group(), object.kind());
    let mut of_group = KINDS.iter().filter(|known| known.group == group);
    of_group.find(|known| known.versions.contains(&object.version()))?;
    let is_known = |kinds: &[&str]| kinds.contains(&kind);
    let is_more = MORE.iter().any(|(of, kinds)| *of == group && is_known(kinds));
    let is_old = OLD.iter().any(|old| old.group == group && is_known(old.kinds));
    if is_more || is_old || kind.ends_with("List") || KINDS.iter().any(|it| is_known(it.kinds)) {
        return None;
    }
    let kind: String = kind.chars().take(SHOWN_CHARS).collect();
    let own = KINDS.iter().filter(|known| known.group == group).flat_map(|known| known.kinds);
    let meant = own
        .copied()
        .filter(|known| {
            strsim::osa_distance(known, &kind) <= 2 || known.eq_ignore_ascii_case(&kind)
        })
        .min_by_key(|known| strsim::osa_distance(known, &kind));
    (meant.is_some() || !group.is_empty()).then(|| {
        let api_version = object.api_version();
        UnknownKind { api_version, kind, meant }
    })
}

/// Further kinds that Kubernetes has had, by group: nothing is said of their versions.
static MORE: &[(&str, &[&str])] = &[
    ("", &["Binding", "ComponentStatus", "Eviction", "Status"]),
    ("apps", &["DeploymentRollback", "Scale"]),
    ("batch", &["JobTemplate"]),
    ("autoscaling", &["Scale"]),
    ("policy", &["Eviction", "PodSecurityPolicy"]),
    ("networking.k8s.io", &["ClusterCIDR", "IPAddress", "ServiceCIDR"]),
    ("storage.k8s.io", &["CSIStorageCapacity", "VolumeAttributesClass"]),
    ("scheduling.k8s.io", &["PodGroup", "Workload"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
        ],
    ),
    ("apiextensions.k8s.io", &["ConversionReview"]),
];

#[cfg(test)]
mod tests {
    use airside_k8s::json;

    use super::*;

    #[test]
    fn only_kinds_of_kubernetes_own_groups_are_unknown() {
        for (api_version, kind, meant) in [
            ("v1", "Pods", Some(Some("Pod"))),
            ("v1", "pod", Some(Some("Pod"))),
            ("v1", "ConfgMap", Some(Some("ConfigMap"))),
            ("apps/v1", "Deploymnt", Some(Some("Deployment"))),
            ("batch/v1", "Cake", Some(None)),
            // A kubeconfig, and what OpenShift had in the core group.
            ("v1", "Config", None),
            ("v1", "Route", None),
            ("v1", "PodList", None),
            ("policy/v1", "Eviction", None),
            // Told by a check, which knows where it is.
            ("apps/v1", "Pod", None),
            ("apps/v2", "Cake", None),
            ("shop.example/v1", "Cake", None),
        ] {
            let value = json!({ "apiVersion": api_version, "kind": kind });
            let unknown = unknown_kind(&Object::new(&value).unwrap());
            assert_eq!(unknown.map(|it| it.meant), meant, "{api_version} {kind}");
        }
    }
}
