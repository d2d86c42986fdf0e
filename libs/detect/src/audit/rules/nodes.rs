//! Nodes: which may join, and the labels and taints that keep workloads apart.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::actor::Actor;
use super::super::body::{at, items, text};
use super::super::request::Request;
use super::super::sign::Sign;
use super::hands::Hands;
use super::judged::wrote;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule, WEAK};

/// The value of a detection about a node that takes no more pods from now on.
pub(crate) const UNSCHEDULABLE: &str = "requestObject.spec.unschedulable";

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R79",
            version: 1,
            title: "Node changed by somebody else than its kubelet",
            why: "Labels and taints decide where pods run; a node that joins gets secrets sent.",
            next: "Whether the node is one of yours (its address, who runs it) and which pods and secrets went to it; for labels and taints, what is scheduled there now.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1133"), technique("T1036")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"nodes","name":"n9"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:n9"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"nodes","name":"n9"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["nodes"]),
        ended: Ended::Done,
        when: |request| {
            let severity = match (
                request.verb(),
                request.actor().is_workload(),
                request.client().is_by_hand(),
            ) {
                ("create", _, _) | (_, true, true) => Severity::Low,
                _ => Severity::Info,
            };
            (!request.is_by_trusted_system()).then(|| {
                let firing =
                    Firing::new(wrote(request)).at(severity).with("objectRef.name", request.name());
                if is_cordoned(request) { firing.with(UNSCHEDULABLE, "true") } else { firing }
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R79-address",
            version: 1,
            title: "Address of a node set by somebody else than its kubelet",
            why: "The API server connects to a node where its status says: whoever sets the address or port gets the commands, logs and credentials that are meant for its kubelet.",
            next: "Whose address it is and what was run or read on the node since; take away the right to write nodes/status.",
            severity: Severity::High,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"nodes","subresource":"status","name":"n1"},"requestObject":{"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.7"}]}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"nodes","subresource":"status","name":"n1"},"requestObject":{"status":{"capacity":{"example.net/gpu":"4"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::NodeStatus]),
        ended: Ended::Done,
        when: |request| {
            let hands = Hands { person: Severity::High, program: Severity::Info };
            let severity = hands.unless_usual(request)?;
            let status = at(request.body(), &["status"]);
            let (field, value) = connects_at(status)?;
            let firing = Firing::new(wrote(request)).at(severity);
            Some(firing.with(&format!("requestObject.status.{field}"), &value))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R79-apart",
            version: 1,
            title: "Label or taint changed that keeps workloads apart",
            why: "Labels under node-restriction.kubernetes.io say which node may have which tenant's pods, and those under node-role.kubernetes.io and their taints keep pods off the control plane; no kubelet may set them, so that a lost node stays a lost node.",
            next: "Which pods were scheduled there since, with which secrets; where a kubelet did it, switch the admission plugin NodeRestriction on and look how the node came to the label.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1098")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"nodes","name":"n1"},"requestObject":{"metadata":{"labels":{"node-restriction.kubernetes.io/tenant":"payments"}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"nodes","name":"n1"},"requestObject":{"metadata":{"labels":{"example.net/rack":"7"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        // Labels can be written with the status as well; that is what every kubelet does all day, and not looked through.
        on: On::Resources(&["create", "patch"], &["nodes"]),
        ended: Ended::Done,
        when: |request| {
            let (field, key) = kept_apart_by(request)?;
            let is_node = matches!(request.actor(), Actor::Node(_));
            // The admission plugin refuses it to kubelets: where it was done, that is off.
            let is_own = is_node && key.starts_with(RESTRICTED);
            let severity = match () {
                () if is_own || request.is_workload_by_hand() => Severity::Medium,
                () if request.client().is_by_hand() => Severity::Low,
                () => Severity::Info,
            };
            (is_own || !request.is_by_trusted_system()).then(|| {
                Firing::new(wrote(request))
                    .at(severity)
                    .with(&format!("requestObject.{field}"), &key)
            })
        },
    },
];

/// Labels that no kubelet may set.
const RESTRICTED: &str = "node-restriction.kubernetes.io/";
const ROLES: &str = "node-role.kubernetes.io/";
/// Label and taint of the control plane's nodes, now and before 1.24.
const CONTROL_PLANE: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/// The label or taint by which workloads are kept apart that a request sets or takes away, and where it lies.
fn kept_apart_by(request: &Request<'_>) -> Option<(&'static str, String)> {
    let change = request.change();
    let guards = |key: &str| key.starts_with(RESTRICTED) || key.starts_with(ROLES);
    let labels = at(change.set(), &["metadata", "labels"]).as_object().into_iter().flatten();
    let mut set = labels.map(|(key, _)| key.to_owned()).filter(|key| guards(key));
    if let Some(key) = set.next() {
        return Some(("metadata.labels", key));
    }
    let removed = change.removed().iter().map(ToString::to_string);
    let mut removed = removed.filter(|path| path.contains(RESTRICTED) || path.contains(ROLES));
    if let Some(path) = removed.next() {
        return Some(("metadata.labels", path));
    }
    let is_about_taints =
        at(change.set(), &["spec"]).get("taints").is_some() || change.removes(&["spec", "taints"]);
    // What is left of the list, and which node it is, only the answer shows.
    let after = change.after().filter(|_| is_about_taints)?;
    let roles = at(after, &["metadata", "labels"]).as_object().into_iter().flatten();
    let mut roles = roles.filter(|(key, _)| CONTROL_PLANE.contains(&&**key));
    let left = at(after, &["spec"]).get("taints").and_then(Value::as_array).unwrap_or_default();
    let left = left.iter().filter_map(|it| it.get("key").and_then(Value::as_str));
    let is_guarded = left.into_iter().any(|key| CONTROL_PLANE.contains(&key));
    let (role, _) = roles.next().filter(|_| !is_guarded)?;
    Some(("spec.taints", role.to_owned()))
}

fn is_cordoned(request: &Request<'_>) -> bool {
    at(request.body(), &["spec"]).get("unschedulable").and_then(Value::as_bool) == Some(true)
}

/// Where a status says that the kubelet listens.
fn connects_at(status: &Value) -> Option<(&'static str, String)> {
    let address = items(status, "addresses").first().map(|it| text(it, "address").to_owned());
    let port = at(status, &["daemonEndpoints", "kubeletEndpoint", "Port"]);
    let port = (!matches!(port, Value::Null)).then(|| port.to_string());
    let port = port.map(|port| ("daemonEndpoints.kubeletEndpoint.Port", port));
    address.map(|address| ("addresses", address)).or(port)
}
