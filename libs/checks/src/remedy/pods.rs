//! Remedies for pods and containers.

use airside_k8s::Value;

use super::{Answer, Risk, Row, Spot};

pub(super) static REMEDIES: &[Row] = &[
    ("privileged-container", |spot| spot.set(false, Risk::MayBreak)),
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

/// The API server refuses the field beside `privileged: true` and beside CAP_SYS_ADMIN. What asks for it, or
/// starts its program with sudo or su, needs it.
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
    let is_asked_for = spot.at(spot.field) == Some(&Value::Bool(true));
    let risk = if is_asked_for || changes_user(spot) { Risk::MayBreak } else { Risk::Safe };
    spot.set(false, risk)
}

/// Whether the container's own command changes the user by a program that gains privileges.
fn changes_user(spot: &Spot<'_>) -> bool {
    let Some((_, container)) = spot.container() else { return false };
    let lists = ["command", "args"].map(|name| spot.at(&container.key(name)));
    let words = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    let mut words = words.filter_map(Value::as_str).flat_map(str::split_whitespace);
    words.any(|word| matches!(word.rsplit('/').next(), Some("sudo" | "su" | "doas")))
}

/// Once for the pod where no container has another profile, else for the container. Knative refuses a security
/// context of the pod unless its feature kubernetes.podspec-securitycontext is enabled, which it is not by itself.
fn seccomp_missing(spot: &Spot<'_>) -> Answer {
    const PROFILE: [&str; 3] = ["securityContext", "seccompProfile", "type"];
    let version = spot.object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let is_knative = version.starts_with("serving.knative.dev/");
    let whole_pod = spot.container().filter(|_| !is_knative).map(|(pod, _)| pod.keys(&PROFILE));
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
