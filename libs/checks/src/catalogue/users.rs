//! Checks on the user that a container runs as.

use airside_k8s::Value;
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "run-as-root",
        title: "Container is told to run as root",
        why: "User 0 in a container is user 0 on the node, unless user namespaces are in use: every hole in the isolation is worth the node.",
        fix: "Set runAsUser to an id above 0 that owns the program's files, and runAsNonRoot to true.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.7", "pod-security-standards:restricted"],
        equivalents: &[
            "kube-linter:run-as-non-root",
            "polaris:runAsRootAllowed",
            "kubescape:C-0013",
            "trivy:KSV-0012",
            "trivy:KSV-0105",
            "checkov:CKV_K8S_23",
            "kyverno:pod-security/require-run-as-non-root-user",
            "gatekeeper-library:pod-security-policy/users",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(runs_as_root),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {runAsUser: 0}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {runAsUser: 1000}
",
    },
    Check {
        id: "run-as-non-root",
        title: "Container may run as root",
        why: "Nothing says which user runs the program, so the image decides, and most images say root.",
        fix: "Set runAsNonRoot to true, or runAsUser to an id above 0, in the pod's or the container's securityContext.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.7", "pod-security-standards:restricted"],
        equivalents: &[
            "kube-linter:run-as-non-root",
            "polaris:runAsRootAllowed",
            "kubescape:C-0013",
            "trivy:KSV-0012",
            "checkov:CKV_K8S_23",
            "kyverno:pod-security/require-run-as-nonroot",
            "gatekeeper-library:pod-security-policy/users",
            "kubesec:RunAsNonRoot",
            "kyverno:istio/service-mesh-require-run-as-nonroot",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(may_run_as_root),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 1000}
  containers:
  - name: web
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 1000, runAsNonRoot: true}
  containers:
  - name: web
",
    },
    Check {
        id: "windows-administrator",
        title: "Windows container may run as administrator",
        why: "ContainerAdministrator, which many images of Windows start as, may change every file and service of the container, and is the first step of each known way out of it.",
        fix: "Set windowsOptions.runAsUserName to ContainerUser.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:windows-security/require-run-as-containeruser"],
        judge: Judge::Container(windows_administrator),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  os: {name: windows}
  containers:
  - name: web
    securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  os: {name: windows}
  containers:
  - name: web
    securityContext: {windowsOptions: {runAsUserName: ContainerUser}}
",
    },
];

/// A container that is a process of its node runs as a user of the node, which a check of its own judges.
fn windows_administrator(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    const OPTIONS: &str = "windowsOptions";
    const NAME: &str = "runAsUserName";
    let own = container.security(OPTIONS);
    let option = |name| {
        let option = |options: Option<&'_ Value>| options.and_then(|it| it.get(name)).cloned();
        option(own).or_else(|| option(container.pod.security(OPTIONS)))
    };
    if !container.pod.is_windows() || option("hostProcess") == Some(Value::Bool(true)) {
        return;
    }
    let how = match option(NAME).as_ref().and_then(Value::as_str) {
        None => "is not set".to_owned(),
        Some(name) if name.eq_ignore_ascii_case("ContainerAdministrator") => format!("is {name}"),
        Some(_) => return,
    };
    let path = container.security_path(OPTIONS).key(NAME);
    report.fail(path, format!("{}: {NAME} {how}", container.label()));
}

fn is_root(user: &Value) -> bool {
    user.as_i64() == Some(0)
}

/// Reported where it is written: once for the pod, once for each container that says it itself.
fn runs_as_root(pod: &Pod<'_>, report: &mut Report<'_>) {
    let mut inherits = false;
    for container in pod.containers() {
        match container.security("runAsUser") {
            Some(user) if is_root(user) => report.fail(
                container.security_path("runAsUser"),
                format!("{} runs as root: runAsUser is 0", container.label()),
            ),
            Some(_) => {}
            None => inherits = true,
        }
    }
    if inherits && pod.security("runAsUser").is_some_and(is_root) {
        report.fail(
            pod.security_path("runAsUser"),
            "the pod's containers run as root: runAsUser is 0".to_owned(),
        );
    }
}

fn may_run_as_root(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let non_root = container.effective("runAsNonRoot").and_then(Value::as_bool);
    let user_is_given = container.effective("runAsUser").is_some_and(Value::is_number);
    if non_root == Some(true) || user_is_given || container.pod.is_windows() {
        return;
    }
    let how = if non_root.is_some() { "is false" } else { "is not set" };
    report.fail(
        container.security_path("runAsNonRoot"),
        format!(
            "{} may run as root: runAsNonRoot {how} and no runAsUser is given",
            container.label()
        ),
    );
}
