//! Checks on mutual TLS between workloads: what the policies say, and what holds for each workload.

use airside_k8s::Value;
use airside_k8s::graph::TlsMode;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::workloads::{is_gateway, is_member, of_pod};
use super::{SECURITY, is_same_object, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "peer-authentication-permissive",
        title: "PeerAuthentication lets plaintext in besides mutual TLS",
        why: "Whoever reaches the pods without a certificate is served as well: encryption and identities can be skipped.",
        fix: "Set the mode to STRICT once all clients are in the mesh; PERMISSIVE is meant for the time of a migration.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:istio/enforce-strict-mtls"],
        judge: Judge::Object(&[(SECURITY, "PeerAuthentication")], |policy, report| {
            says_mode(policy, TlsMode::Permissive, report);
        }),
        fails: r"apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: PERMISSIVE}}
",
        passes: r"apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
    },
    Check {
        id: "peer-authentication-disabled",
        title: "PeerAuthentication turns mutual TLS off",
        why: "All traffic to the pods is plaintext: it can be read and changed on the way, and no caller has an identity that policies could check.",
        fix: "Set the mode to STRICT, or to PERMISSIVE while clients outside the mesh remain; turn it off for single ports only.",
        severity: Severity::High,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:istio/enforce-strict-mtls"],
        judge: Judge::Object(&[(SECURITY, "PeerAuthentication")], |policy, report| {
            says_mode(policy, TlsMode::Disable, report);
        }),
        fails: r"apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec:
  mtls: {mode: STRICT}
  portLevelMtls: {8080: {mode: DISABLE}}
  selector: {matchLabels: {app: web}}
",
        passes: r"apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec:
  mtls: {mode: STRICT}
  selector: {matchLabels: {app: web}}
",
    },
    Check {
        id: "mesh-workload-permissive",
        title: "Workload of the mesh accepts plaintext",
        why: "The mode that holds for it is PERMISSIVE, which is also Istio's default: callers without a certificate are served, so no policy can rely on who they are.",
        fix: "Add a PeerAuthentication with mode STRICT for the workload, its namespace, or the whole mesh (in istio-system).",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(|pod, report| effective_mode(pod, TlsMode::Permissive, report)),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: bank}
spec: {mtls: {mode: STRICT}}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
",
    },
    Check {
        id: "mesh-workload-plaintext",
        title: "Workload of the mesh takes plaintext only",
        why: "The policy that holds for it turns mutual TLS off: what it is sent can be read on the way, and its callers have no identity.",
        fix: "Remove DISABLE from the PeerAuthentication that holds for the workload, or set STRICT in one for the workload itself.",
        severity: Severity::High,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(|pod, report| effective_mode(pod, TlsMode::Disable, report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: 'true'}}
    spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: DISABLE}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: 'true'}}
    spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: DISABLE}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: web, namespace: shop}
spec: {mtls: {mode: STRICT}, selector: {matchLabels: {app: web}}}
",
    },
    Check {
        id: "peer-authentications-for-one-namespace",
        title: "Namespace has several PeerAuthentications for all of its pods",
        why: "Istio takes the oldest one: a stricter policy that was added later has no effect, and nothing says so.",
        fix: "Keep one PeerAuthentication without a selector in the namespace.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &["kiali:KIA0002"],
        judge: Judge::Object(&[(SECURITY, "PeerAuthentication")], shares_namespace),
        fails: r"apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: UNSET}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
        passes: r"apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
    },
];

fn says_mode(policy: &Whole<'_>, wanted: TlsMode, report: &mut Report<'_>) {
    let spec = FieldPath::of(&["spec"]);
    let is_wanted = |settings: Option<&Value>| {
        let mode = settings.and_then(|settings| settings.get("mode")).and_then(Value::as_str);
        mode.and_then(TlsMode::parse) == Some(wanted)
    };
    if is_wanted(policy.spec("mtls")) {
        let scope = scope(policy);
        report.fail(spec.keys(&["mtls", "mode"]), format!("{} {scope}", meaning(wanted)));
    }
    // Istio refuses modes of ports in a policy that selects no pods.
    let labels = policy.spec("selector").and_then(|it| it.get("matchLabels")?.as_object());
    let is_selecting = labels.is_some_and(|labels| !labels.is_empty());
    let ports = policy.spec("portLevelMtls").and_then(Value::as_object).filter(|_| is_selecting);
    for (port, settings) in ports.into_iter().flatten() {
        if is_wanted(Some(settings)) {
            let path = spec.keys(&["portLevelMtls", port, "mode"]);
            report.fail(path, format!("{} on port {port}", meaning(wanted)));
        }
    }
}

const fn meaning(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Strict => "only mutual TLS is accepted",
        TlsMode::Permissive => "plaintext is accepted besides mutual TLS",
        TlsMode::Disable => "mutual TLS is off",
    }
}

fn scope(policy: &Whole<'_>) -> &'static str {
    if policy.spec("selector").is_some() {
        "for the workloads that the policy selects"
    } else if policy.object.namespace() == Some(policy.graph.root_namespace()) {
        "in the whole mesh"
    } else {
        "in the whole namespace"
    }
}

fn shares_namespace(policy: &Whole<'_>, report: &mut Report<'_>) {
    if policy.spec("selector").is_some() {
        return;
    }
    if policy.graph.is_single_object() {
        return report.undecided("other policies are other objects");
    }
    let namespace = policy.object.namespace();
    let mut others = policy.graph.mesh_objects_in("PeerAuthentication", namespace);
    let other = others.find(|other| {
        other.namespace() == namespace
            && !is_same_object(other, policy.object)
            && spec_map(other).is_none_or(|spec| !spec.contains_key("selector"))
    });
    if let Some(other) = other {
        let message = format!("{} is for all pods of the namespace too", other.name());
        report.fail(FieldPath::of(&["metadata", "name"]), message);
    }
}

fn effective_mode(pod: &Pod<'_>, wanted: TlsMode, report: &mut Report<'_>) {
    if !pod.graph.has_mesh() {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("the mode of mutual TLS is set by other objects");
    }
    let workload = of_pod(pod);
    // A gateway takes what comes from outside the mesh.
    if !is_member(pod.graph, &workload) || is_gateway(&workload) {
        return;
    }
    let tls = pod.graph.mutual_tls(&workload);
    let ports: Vec<&str> =
        tls.ports.iter().filter(|(_, mode)| *mode == wanted).map(|(port, _)| *port).collect();
    let by = match tls.source {
        Some(policy) => format!("by {policy}"),
        None => "by default: no PeerAuthentication says otherwise".to_owned(),
    };
    let mode = wanted.as_str();
    let path = pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "labels"]);
    if tls.mode == wanted {
        report.fail(path, format!("mutual TLS is {mode} for this workload {by}"));
    } else if !ports.is_empty() {
        let ports = ports.join(", ");
        report.fail(path, format!("mutual TLS is {mode} for port {ports} of this workload"));
    }
}
