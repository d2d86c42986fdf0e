//! Remedies for pods and containers.

use airside_k8s::Value;
use airside_types::FieldPath;

use super::{Answer, Risk, Row, Spot};

pub(super) static REMEDIES: &[Row] = &[
    ("privileged-container", privileged),
    ("privilege-escalation", privilege_escalation),
    ("seccomp-profile-missing", seccomp_missing),
    ("seccomp-unconfined", |spot| spot.set("RuntimeDefault", Risk::MayBreak)),
    // Most images run as root unless told otherwise, and the kubelet then refuses to start them.
    ("run-as-non-root", |spot| spot.set(true, Risk::MayBreak)),
    ("writable-root-filesystem", |spot| spot.set(true, Risk::MayBreak)),
    ("unmasked-proc-mount", |spot| spot.remove(Risk::MayBreak)),
    ("capabilities-not-dropped", |spot| spot.append(spot.field, "ALL", Risk::MayBreak)),
    ("dangerous-capability", |spot| spot.remove(Risk::MayBreak)),
    ("added-capability", |spot| spot.remove(Risk::MayBreak)),
    ("net-raw-capability", |spot| spot.remove(Risk::MayBreak)),
    ("net-raw-kept", |spot| spot.append(spot.field, "NET_RAW", Risk::MayBreak)),
    ("host-pid", |spot| spot.remove(Risk::MayBreak)),
    ("host-ipc", |spot| spot.remove(Risk::MayBreak)),
    ("host-network", |spot| spot.remove(Risk::MayBreak)),
    ("host-port", |spot| spot.remove(Risk::MayBreak)),
    ("probe-host", |spot| spot.remove(Risk::MayBreak)),
    ("image-pull-policy", |spot| spot.set("Always", Risk::MayBreak)),
    ("service-account-token-automount", token_automount),
    ("default-service-account-token", |spot| spot.set(false, Risk::MayBreak)),
];

/// Safe but for what looks like an agent that works on its node.
fn privileged(spot: &Spot<'_>) -> Answer {
    let risk = if works_on_node(spot) { Risk::MayBreak } else { Risk::Safe };
    spot.set(false, risk)
}

fn works_on_node(spot: &Spot<'_>) -> bool {
    // Without the usual shape of a pod nothing can be ruled out.
    let Some((pod, container)) = spot.container() else { return true };
    let is_true = |name: &str| spot.at(&pod.key(name)) == Some(&Value::Bool(true));
    let elements = |path: FieldPath| spot.at(&path).and_then(Value::as_array).unwrap_or_default();
    spot.object.get("kind").and_then(Value::as_str) == Some("DaemonSet")
        || ["hostPID", "hostIPC", "hostNetwork"].into_iter().any(is_true)
        || elements(pod.key("volumes")).iter().any(|volume| volume.get("hostPath").is_some())
        || !elements(container.key("volumeDevices")).is_empty()
        || !elements(container.keys(&["securityContext", "capabilities", "add"])).is_empty()
}

/// The API server refuses the field beside `privileged: true` and beside CAP_SYS_ADMIN.
fn privilege_escalation(spot: &Spot<'_>) -> Answer {
    let security = spot.field.parent().unwrap_or_default();
    if spot.at(&security.key("privileged")) == Some(&Value::Bool(true)) {
        return Err(
            "needs the container to be unprivileged first: Kubernetes refuses both together",
        );
    }
    let added = spot.at(&security.keys(&["capabilities", "add"])).and_then(Value::as_array);
    let is_admin = |name: &Value| {
        let name = name.as_str().unwrap_or_default().to_ascii_uppercase();
        matches!(name.strip_prefix("CAP_").unwrap_or(&name), "SYS_ADMIN" | "ALL")
    };
    if added.is_some_and(|added| added.iter().any(is_admin)) {
        return Err("needs the capability SYS_ADMIN to go first: Kubernetes refuses both together");
    }
    spot.set(false, Risk::Safe)
}

/// Once for the pod where no container has another profile, else for the container.
fn seccomp_missing(spot: &Spot<'_>) -> Answer {
    const PROFILE: [&str; 3] = ["securityContext", "seccompProfile", "type"];
    let whole_pod = spot.container().map(|(pod, _)| pod.keys(&PROFILE));
    let is_own = spot.at(spot.field).is_some();
    let path = match whole_pod {
        Some(pod) if !is_own && !has_other_profile(spot.at(&pod)) => pod,
        _ => spot.field.clone(),
    };
    Spot { field: &path, ..*spot }.set("RuntimeDefault", Risk::Safe)
}

fn has_other_profile(kind: Option<&Value>) -> bool {
    kind.is_some_and(|kind| !kind.is_null() && kind.as_str() != Some("RuntimeDefault"))
}

/// Tekton's tasks are shaped like pods, but have no such field.
fn token_automount(spot: &Spot<'_>) -> Answer {
    let version = spot.object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if version.starts_with("tekton.dev/") {
        return Err("needs automountServiceAccountToken in the podTemplate of the run");
    }
    spot.set(false, Risk::MayBreak)
}
