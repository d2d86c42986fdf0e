//! Checks on who can reach a pod, and whom it can reach.

use airside_k8s::Value;
use airside_k8s::graph::{Answer, Direction};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "no-ingress-policy",
        title: "Pod accepts traffic from everywhere",
        why: "Without a NetworkPolicy every pod of the cluster can connect to it: one broken pod reaches all others.",
        fix: "Add a NetworkPolicy that selects the pod and lists who may connect; start with one that denies all ingress in the namespace.",
        severity: Severity::Medium,
        category: Category::Network,
        techniques: &[technique("T1046"), technique("T1210")],
        controls: &[
            "cis-v1.12.0:5.3.2",
            "cis-aks-t1.8.0:4.4.2",
            "cis-eks-t1.8.0:4.3.2",
            "cis-gke-v1.9.0:4.3.2",
        ],
        equivalents: &[
            "kube-linter:non-isolated-pod",
            "polaris:missingNetworkPolicy",
            "kubescape:C-0030",
            "kubescape:C-0206",
            "kubescape:C-0260",
            "checkov:CKV2_K8S_6",
            "kube-score:pod-networkpolicy",
            "kyverno:other/require-netpol",
            "kyverno:other/require-network-policy",
        ],
        judge: Judge::Pod(|pod, report| isolated(pod, Direction::Ingress, report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api}
spec:
  podSelector: {}
  policyTypes: [Egress]
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api}
spec:
  podSelector: {}
  policyTypes: [Egress, Ingress]
",
    },
    Check {
        id: "no-egress-policy",
        title: "Pod can connect to everywhere",
        why: "An intruder can load tools, reach the cloud's metadata service and other pods, and carry data out.",
        fix: "Add a NetworkPolicy with the policy type Egress that selects the pod and lists what it may connect to, DNS included.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[
            technique("T1041"),
            technique("T1071"),
            technique("T1105"),
            technique("T1552.005"),
        ],
        controls: &[
            "cis-v1.12.0:5.3.2",
            "cis-aks-t1.8.0:4.4.2",
            "cis-eks-t1.8.0:4.3.2",
            "cis-gke-v1.9.0:4.3.2",
        ],
        equivalents: &[
            "polaris:missingNetworkPolicy",
            "kubescape:C-0030",
            "kube-score:pod-networkpolicy",
        ],
        judge: Judge::Pod(|pod, report| isolated(pod, Direction::Egress, report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api}
spec:
  podSelector: {matchLabels: {app: web}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api}
spec:
  podSelector: {matchLabels: {app: web}}
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]
",
    },
    Check {
        id: "namespace-without-network-policy",
        title: "Namespace has no network policy at all",
        why: "Whatever is deployed there, now or later, accepts traffic from every pod of the cluster and may connect to all of them.",
        fix: "Add a NetworkPolicy to the namespace that denies all ingress, and open what is needed.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1046")],
        controls: &[
            "cis-v1.12.0:5.3.2",
            "cis-aks-t1.8.0:4.4.2",
            "cis-eks-t1.8.0:4.3.2",
            "cis-gke-v1.9.0:4.3.2",
        ],
        equivalents: &["kubescape:C-0049", "kubescape:C-0054", "kubescape:internal-networking"],
        judge: Judge::Object(&[("", "Namespace")], unpoliced),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: bank}
spec: {podSelector: {}}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}}
",
    },
];

/// Policies that lie in a namespace, by API group and kind.
const IN_NAMESPACE: [(&str, &str); 5] = [
    ("networking.k8s.io", "NetworkPolicy"),
    ("extensions", "NetworkPolicy"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("crd.projectcalico.org", "NetworkPolicy"),
    ("projectcalico.org", "NetworkPolicy"),
];

/// Policies that may hold for every namespace.
const FOR_ALL: [(&str, &str); 6] = [
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("crd.projectcalico.org", "GlobalNetworkPolicy"),
    ("projectcalico.org", "GlobalNetworkPolicy"),
];

fn unpoliced(namespace: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, name) = (namespace.graph, namespace.object.name());
    if graph.is_single_object() {
        return report.undecided("network policies are other objects");
    }
    let is_policed =
        IN_NAMESPACE.iter().any(|(group, kind)| graph.has_in_namespace(group, kind, name))
            || FOR_ALL.iter().any(|(group, kind)| graph.has_kind(group, kind));
    if !is_policed {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("the namespace `{name}` has no NetworkPolicy"),
        );
    }
}

fn isolated(pod: &Pod<'_>, direction: Direction, report: &mut Report<'_>) {
    // No NetworkPolicy applies to pods on the node's network.
    if pod.field("hostNetwork") == Some(&Value::Bool(true)) {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("network policies are other objects");
    }
    match pod.graph.isolates(direction, pod.object.namespace(), pod.spec) {
        Answer::Yes => return,
        Answer::Unknown => {
            return report.undecided(
                "whether a network policy selects the pod rests on what the input does not hold",
            );
        }
        Answer::No if pod.graph.has_unread_policy(pod.object.namespace()) => {
            return report.undecided("the input has network policies of a kind that is not read");
        }
        Answer::No => {}
    }
    let what = match direction {
        Direction::Ingress => {
            "accepts traffic from everywhere: no NetworkPolicy for ingress selects it"
        }
        Direction::Egress => "can connect to everywhere: no NetworkPolicy for egress selects it",
    };
    let labels = pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "labels"]);
    report.fail(labels, format!("the pod {what}"));
}
