//! Whether somebody who starts pods in a namespace may start one that shares its node's files and processes.

use super::powers::{Held, Holding, covers};
use super::{How, Reach};
use crate::fields::text;
use crate::graph::Graph;

/// How a holder who starts pods where a binding holds gets a privileged one past the namespace, if he does.
/// Who starts pods in the whole cluster needs none.
pub(super) fn starts_privileged(
    graph: &Graph<'_>,
    holding: &Holding<'_>,
    held: &Held<'_>,
) -> Option<How> {
    let Reach::Namespace(Some(namespace)) = held.reach else { return None };
    let lifts = || {
        holding.has_as_well(held, |rule| {
            rule.allows_verb(&["update", "patch"])
                && rule.reaches("", "namespaces")
                && covers(rule, Some(namespace))
        })
    };
    let how = if takes_any(graph, namespace) {
        How::StartsPrivileged
    } else if lifts() {
        How::LiftsStandard
    } else {
        return None;
    };
    (!has_other_gate(graph)).then_some(how)
}

/// Whether a namespace enforces no Pod Security Standard that refuses such pods. Of one whose manifest the
/// input lacks nothing is known.
fn takes_any(graph: &Graph<'_>, namespace: &str) -> bool {
    const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
    let Some(object) = graph.find("", "Namespace", None, namespace) else { return false };
    let level = object.labels().and_then(|labels| text(labels, ENFORCE));
    !matches!(level, Some("baseline" | "restricted"))
}

/// Whether anything else in the input is there to refuse pods.
fn has_other_gate(graph: &Graph<'_>) -> bool {
    const GATES: [(&str, &str); 7] = [
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("kyverno.io", "ClusterPolicy"),
        ("policies.kyverno.io", "ValidatingPolicy"),
        ("policies.kubewarden.io", "ClusterAdmissionPolicy"),
        ("policy", "PodSecurityPolicy"),
        ("security.openshift.io", "SecurityContextConstraints"),
        ("templates.gatekeeper.sh", "ConstraintTemplate"),
    ];
    GATES.iter().any(|(group, kind)| graph.has_kind(group, kind))
}
