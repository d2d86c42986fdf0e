//! Which checks of the scanner the rules about pods stand for, and how what they say becomes a firing.
//!
//! The judgement itself is the catalogue's (`airside-checks`): a rule fires if and only if one of its checks fails
//! by what the request says. `tests/checks.rs` holds that against the catalogue.

use airside_checks::Failure;
use airside_types::Severity;

use super::super::pod_spec;
use super::super::request::Request;
use super::{Firing, kind_of};

pub(super) const PRIVILEGED: &[&str] = &["privileged-container", "windows-host-process"];
pub(super) const HOST_PID: &[&str] = &["host-pid"];
pub(super) const HOST_IPC: &[&str] = &["host-ipc"];
pub(super) const HOST_NETWORK: &[&str] = &["host-network"];
pub(super) const HOST_PORT: &[&str] = &["host-port"];
pub(super) const SENSITIVE_PATH: &[&str] = &["sensitive-host-path"];
pub(super) const HOST_PATH: &[&str] = &["host-path"];
pub(super) const RUNTIME_SOCKET: &[&str] = &["container-runtime-socket"];
pub(super) const CAPABILITIES: &[&str] = &["dangerous-capability"];
pub(super) const BEYOND_BASELINE: &[&str] = &["capability-beyond-baseline", "net-raw-capability"];
pub(super) const CONFINEMENT: &[&str] = &[
    "apparmor-profile",
    "seccomp-unconfined",
    "selinux-options",
    "unmasked-proc-mount",
    "unsafe-sysctls",
];
pub(super) const INJECTION: &[&str] = &["sysctl-injection"];
pub(super) const ROOT: &[&str] = &["run-as-non-root", "run-as-root"];
pub(super) const ESCALATION: &[&str] = &["host-users", "privilege-escalation"];
pub(super) const CONTROL_PLANE: &[&str] = &["control-plane-scheduling"];
pub(super) const IMAGE: &[&str] = &["floating-image-tag", "image-without-digest"];

/// Each rule with the checks that it stands for.
pub(in super::super) const STANDS_FOR: &[(&str, &[&str])] = &[
    ("AUD-R37", PRIVILEGED),
    ("AUD-R38", PRIVILEGED),
    ("AUD-R39", HOST_PID),
    ("AUD-R40", HOST_IPC),
    ("AUD-R41", HOST_NETWORK),
    ("AUD-R41-port", HOST_PORT),
    ("AUD-R42", SENSITIVE_PATH),
    ("AUD-R42-path", HOST_PATH),
    ("AUD-R43", RUNTIME_SOCKET),
    ("AUD-R44", CAPABILITIES),
    ("AUD-R44-baseline", BEYOND_BASELINE),
    ("AUD-R45", CONFINEMENT),
    ("AUD-R45-sysctl", INJECTION),
    ("AUD-R45-root", ROOT),
    ("AUD-R45-escalation", ESCALATION),
    ("AUD-R48-control-plane", CONTROL_PLANE),
    ("AUD-R50-digest", IMAGE),
];

/// The checks that any rule stands for.
pub(in super::super) fn pod_checks() -> Vec<&'static str> {
    STANDS_FOR.iter().flat_map(|(_, checks)| checks.iter().copied()).collect()
}

/// Whether the request is the machinery's own business: in the cluster's namespaces, by its own hands.
pub(super) fn is_own_business(request: &Request<'_>) -> bool {
    request.is_in_system_namespace() && request.is_by_trusted_system()
}

/// Fires if a check fails by what the request says.
pub(super) fn judged(request: &Request<'_>, checks: &[&str], severity: Severity) -> Option<Firing> {
    of_failures(request, &failed(request, checks).collect::<Vec<_>>(), severity)
}

/// What some checks say about the request's pods.
pub(super) fn failed<'r>(
    request: &'r Request<'_>,
    checks: &'r [&str],
) -> impl Iterator<Item = &'r Failure> {
    let all = if is_own_business(request) { &[][..] } else { request.failures() };
    all.iter().filter(|failure| checks.contains(&failure.check.id))
}

/// The firing that says what failed. What a controller makes of a template was told when the template was
/// written, so it weighs less.
pub(super) fn of_failures(
    request: &Request<'_>,
    failures: &[&Failure],
    severity: Severity,
) -> Option<Firing> {
    let (first, rest) = failures.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    let at_most = match (request.actor().is_workload_controller(), request.verb()) {
        (true, "create") => Severity::Low,
        (true, _) => Severity::Info,
        (false, _) => Severity::Critical,
    };
    let deed = [&wrote(request), ": ", &first.message, &more].concat();
    let firing = Firing::new(deed).at(severity.min(at_most));
    Some(failures.iter().fold(firing, |firing, failure| {
        let (path, value) = pod_spec::value_of(request, failure);
        firing.with(&["requestObject.", path.as_str()].concat(), &value)
    }))
}

/// The path of the host at which a check on volumes failed.
pub(super) fn path_of(request: &Request<'_>, failure: &Failure) -> String {
    pod_spec::value_of(request, failure).1
}

/// What the request did to which object, such as `created Deployment shop/web`.
pub(super) fn wrote(request: &Request<'_>) -> String {
    let verb = if request.verb() == "create" { "created" } else { "changed" };
    let (place, slash) = match request.namespace() {
        "" => ("", ""),
        namespace => (namespace, "/"),
    };
    let name = match request.name() {
        "" => "without a name",
        name => name,
    };
    [verb, " ", kind_of(request), " ", place, slash, name].concat()
}
