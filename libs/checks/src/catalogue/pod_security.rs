//! What Kubernetes' Pod Security admission refuses although it does no harm: it reads fields literally.
//!
//! The checks of what does harm are elsewhere (`users`, `confinement`, `capabilities`); these tell only of pods that pass
//! those and are refused all the same. Source: the policies of k8s.io/pod-security-admission.

use airside_k8s::fields::texts;
use airside_k8s::{Map, Value};
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "pod-security-run-as-non-root",
        title: "Pod Security asks for runAsNonRoot itself",
        why: "A namespace that enforces the restricted profile refuses the pod: a user id above 0 is no substitute, and neither the pod nor a container may set the field to false.",
        fix: "Set runAsNonRoot to true in the pod's securityContext, and to false nowhere.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &["pod-security-standards:restricted"],
        equivalents: &["trivy:KSV-0012", "kyverno:pod-security/require-run-as-nonroot"],
        judge: Judge::Pod(non_root),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 1000}
  containers: [{name: web}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 1000, runAsNonRoot: true}
  containers: [{name: web}]
",
    },
    Check {
        id: "pod-security-run-as-user",
        title: "Pod Security refuses a user id of 0 that no container takes",
        why: "A namespace that enforces the restricted profile refuses the pod, although each container says another user.",
        fix: "Remove runAsUser from the pod's securityContext, or set it above 0.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &["pod-security-standards:restricted"],
        equivalents: &[],
        judge: Judge::Pod(user),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 0, fsGroup: 1000}
  containers: [{name: web, securityContext: {runAsUser: 1000, runAsNonRoot: true}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 1000}
  containers: [{name: web, securityContext: {runAsUser: 1000, runAsNonRoot: true}}]
",
    },
    Check {
        id: "pod-security-seccomp",
        title: "Pod Security refuses Unconfined that no container takes",
        why: "A namespace that enforces the baseline profile refuses the pod, although each container has a profile of its own.",
        fix: "Set the pod's seccompProfile to RuntimeDefault.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &["pod-security-standards:baseline"],
        equivalents: &[],
        judge: Judge::Pod(seccomp),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {seccompProfile: {type: Unconfined}}
  containers: [{name: web, securityContext: {seccompProfile: {type: RuntimeDefault}}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {seccompProfile: {type: RuntimeDefault}}
  containers: [{name: web, securityContext: {seccompProfile: {type: RuntimeDefault}}}]
",
    },
    Check {
        id: "pod-security-added-capability-name",
        title: "Pod Security does not know an added capability by this name",
        why: "A namespace that enforces the baseline profile refuses the pod: admission compares names as they are, though the runtime takes them in any case and with CAP_.",
        fix: "Write the capability in upper case, without CAP_.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &["pod-security-standards:baseline"],
        equivalents: &[],
        judge: Judge::Container(added_name),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: {capabilities: {drop: [ALL], add: [CAP_NET_BIND_SERVICE]}}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}}]
",
    },
    Check {
        id: "pod-security-dropped-capability-name",
        title: "Pod Security does not take this for dropping all capabilities",
        why: "A namespace that enforces the restricted profile refuses the pod: admission looks for ALL, though the runtime takes it in any case.",
        fix: "Write ALL in upper case.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &["pod-security-standards:restricted"],
        equivalents: &[],
        judge: Judge::Container(dropped_name),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: {capabilities: {drop: [all]}}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: {capabilities: {drop: [ALL]}}}]
",
    },
];

/// The user namespace of a pod of its own lifts these rules, in clusters that have switched that on.
fn has_own_users(pod: &Pod<'_>) -> bool {
    pod.field("hostUsers") == Some(&Value::Bool(false))
}

fn non_root(pod: &Pod<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "runAsNonRoot";
    if has_own_users(pod) {
        return;
    }
    let of_pod = pod.security(FIELD).and_then(Value::as_bool);
    if of_pod == Some(false) {
        let all_say = pod.containers().all(|it| it.security(FIELD) == Some(&Value::Bool(true)));
        if all_say {
            report.fail(
                pod.security_path(FIELD),
                format!("the pod sets {FIELD} to false, which its containers overrule"),
            );
        }
    }
    for container in pod.containers() {
        let own = container.security(FIELD).and_then(Value::as_bool);
        // Who says nothing of a user either fails `run-as-non-root`.
        let has_user = container.effective("runAsUser").is_some_and(Value::is_number);
        let how = match own.or(of_pod) {
            Some(true) => continue,
            _ if !has_user && !pod.is_windows() => continue,
            Some(false) => "is false",
            None => "is not set",
        };
        report.fail(
            container.security_path(FIELD),
            format!("{}: {FIELD} {how}, whatever its user", container.label()),
        );
    }
}

fn user(pod: &Pod<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "runAsUser";
    let is_root = pod.security(FIELD).and_then(Value::as_i64) == Some(0);
    if is_root && !has_own_users(pod) && all_overrule(pod, FIELD) {
        report.fail(
            pod.security_path(FIELD),
            format!("the pod's {FIELD} is 0, which its containers overrule"),
        );
    }
}

fn seccomp(pod: &Pod<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "seccompProfile";
    let of_pod = pod.security(FIELD).and_then(|profile| profile.get("type")?.as_str());
    if of_pod == Some("Unconfined") && all_overrule(pod, FIELD) {
        report.fail(
            pod.security_path(FIELD).key("type"),
            "the pod's profile is Unconfined, which its containers overrule".to_owned(),
        );
    }
}

/// Whether each container says another thing than the pod.
fn all_overrule(pod: &Pod<'_>, field: &str) -> bool {
    !pod.spec.containers.is_empty() && pod.containers().all(|it| it.security(field).is_some())
}

/// The capabilities of a list as they are written, beside what the runtime takes them for.
fn written<'a>(
    container: &ContainerOf<'a>,
    list: &'static str,
) -> impl Iterator<Item = (usize, &'a str, String)> + use<'a> {
    let lists: Option<&Map> = container.security("capabilities").and_then(Value::as_object);
    let texts = lists.into_iter().flat_map(move |lists| texts(lists, list));
    texts.zip(container.capabilities(list)).map(|((index, text), (_, taken))| (index, text, taken))
}

fn added_name(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for (index, text, taken) in written(container, "add") {
        if text != taken && super::capabilities::is_of_baseline(&taken) {
            report.fail(
                container.capabilities_path("add").index(index),
                format!("{} adds {text}, and admission knows {taken}", container.label()),
            );
        }
    }
}

fn dropped_name(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let mut all = written(container, "drop").filter(|(_, _, taken)| taken == "ALL").peekable();
    let Some((index, text)) = all.peek().map(|(index, text, _)| (*index, *text)) else { return };
    if !all.any(|(_, text, _)| text == "ALL") {
        report.fail(
            container.capabilities_path("drop").index(index),
            format!("{} drops {text}, and admission knows ALL", container.label()),
        );
    }
}
