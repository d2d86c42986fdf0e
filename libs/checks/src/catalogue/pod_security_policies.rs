//! Checks on PodSecurityPolicies: what the policy of clusters before Kubernetes 1.25 lets pods have.

use airside_k8s::Value;
use airside_k8s::fields::{maps, texts};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "pod-security-policy-privileged",
        title: "PodSecurityPolicy allows privileged containers",
        why: "Whoever may use the policy starts containers that are root on their node.",
        fix: "Set privileged to false; keep a policy of its own for node agents that need more.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[
            "checkov:CKV_K8S_2",
            "kubescape:C-0213",
            "kubescape:psp-deny-privileged-container",
        ],
        judge: Judge::Object(POLICY, |policy, report| allows(policy, "privileged", report)),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {privileged: true}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {privileged: false}
",
    },
    Check {
        id: "pod-security-policy-host-pid",
        title: "PodSecurityPolicy allows the node's process namespace",
        why: "Pods that see all processes of their node can read their environments and, as root, enter them.",
        fix: "Set hostPID to false.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_1", "kubescape:C-0214", "kubescape:psp-deny-hostpid"],
        judge: Judge::Object(POLICY, |policy, report| allows(policy, "hostPID", report)),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {hostPID: true}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {hostPID: false}
",
    },
    Check {
        id: "pod-security-policy-host-ipc",
        title: "PodSecurityPolicy allows the node's IPC namespace",
        why: "Pods can read and write the shared memory of programs on their node.",
        fix: "Set hostIPC to false.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_3", "kubescape:C-0215", "kubescape:psp-deny-hostipc"],
        judge: Judge::Object(POLICY, |policy, report| allows(policy, "hostIPC", report)),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {hostIPC: true}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {hostIPC: false}
",
    },
    Check {
        id: "pod-security-policy-host-network",
        title: "PodSecurityPolicy allows the node's network",
        why: "Pods reach what listens on their node alone, see its traffic, and no NetworkPolicy holds for them.",
        fix: "Set hostNetwork to false.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_4", "kubescape:C-0216", "kubescape:psp-deny-hostnetwork"],
        judge: Judge::Object(POLICY, |policy, report| allows(policy, "hostNetwork", report)),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {hostNetwork: true}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {hostNetwork: false}
",
    },
    Check {
        id: "pod-security-policy-escalation",
        title: "PodSecurityPolicy allows containers to gain privileges",
        why: "allowPrivilegeEscalation is true unless the policy says otherwise: a program with the setuid bit makes root of any user.",
        fix: "Set allowPrivilegeEscalation to false.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1548.001")],
        controls: &[],
        equivalents: &[
            "checkov:CKV_K8S_5",
            "kubescape:C-0217",
            "kubescape:psp-deny-allowprivilegeescalation",
        ],
        judge: Judge::Object(POLICY, escalation),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {privileged: false}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {privileged: false, allowPrivilegeEscalation: false}
",
    },
    Check {
        id: "pod-security-policy-root",
        title: "PodSecurityPolicy allows containers to run as root",
        why: "Root in the container is root on the node once it gets out, and may change everything that is mounted.",
        fix: "Set runAsUser.rule to MustRunAsNonRoot, or to MustRunAs with ranges that begin above 0.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[
            "checkov:CKV_K8S_6",
            "kubescape:C-0218",
            "kubescape:psp-deny-root-container",
        ],
        judge: Judge::Object(POLICY, root),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {runAsUser: {rule: RunAsAny}}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {runAsUser: {rule: MustRunAsNonRoot}}
",
    },
    Check {
        id: "pod-security-policy-adds-capabilities",
        title: "PodSecurityPolicy allows capabilities beyond the runtime's",
        why: "Each of them is a part of root's power that the runtime withholds from containers.",
        fix: "Remove allowedCapabilities, or keep the policy for the workloads that need them.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[
            "checkov:CKV_K8S_24",
            "kubescape:C-0219",
            "kubescape:psp-deny-allowed-capabilities",
        ],
        judge: Judge::Object(POLICY, adds_capabilities),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {allowedCapabilities: [NET_ADMIN]}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {allowedCapabilities: []}
",
    },
    Check {
        id: "pod-security-policy-keeps-capabilities",
        title: "PodSecurityPolicy takes no capability away",
        why: "Containers keep all default capabilities of the runtime; hardly a program needs one.",
        fix: "Set requiredDropCapabilities to [ALL].",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "checkov:CKV_K8S_36",
            "kubescape:C-0220",
            "kubescape:psp-required-drop-capabilities",
        ],
        judge: Judge::Object(POLICY, keeps_capabilities),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {requiredDropCapabilities: []}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {requiredDropCapabilities: [KILL]}
",
    },
    Check {
        id: "pod-security-policy-net-raw",
        title: "PodSecurityPolicy lets containers forge network packets",
        why: "NET_RAW is among the runtime's default capabilities: with it a container can pretend to be another pod or its gateway.",
        fix: "Set requiredDropCapabilities to [ALL], or add NET_RAW to it.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_7"],
        judge: Judge::Object(POLICY, net_raw),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {requiredDropCapabilities: [KILL]}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
spec: {requiredDropCapabilities: [NET_RAW]}
",
    },
    Check {
        id: "pod-security-policy-seccomp",
        title: "PodSecurityPolicy gives containers no system call filter",
        why: "Without a default profile containers may use every system call, and with it every hole of the kernel.",
        fix: "Set the annotation seccomp.security.alpha.kubernetes.io/defaultProfileName to runtime/default.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_32"],
        judge: Judge::Object(POLICY, seccomp),
        fails: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: agents}
",
        passes: r"apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: agents
  annotations: {seccomp.security.alpha.kubernetes.io/defaultProfileName: runtime/default}
",
    },
];

const POLICY: &[(&str, &str)] =
    &[("policy", "PodSecurityPolicy"), ("extensions", "PodSecurityPolicy")];

const DROPPED: &str = "requiredDropCapabilities";

fn allows(policy: &Whole<'_>, field: &str, report: &mut Report<'_>) {
    if policy.spec(field) == Some(&Value::Bool(true)) {
        report.fail(FieldPath::of(&["spec", field]), format!("{field} is true"));
    }
}

fn escalation(policy: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "allowPrivilegeEscalation";
    if policy.spec(FIELD) != Some(&Value::Bool(false)) {
        report.fail(FieldPath::of(&["spec", FIELD]), format!("{FIELD} is not false"));
    }
}

fn root(policy: &Whole<'_>, report: &mut Report<'_>) {
    let path = FieldPath::of(&["spec", "runAsUser"]);
    let user = policy.spec("runAsUser");
    let rule = user.and_then(|user| user.get("rule")).and_then(Value::as_str);
    let ranges = || user.and_then(Value::as_object).map(|user| maps(user, "ranges"));
    let is_root =
        |min: Option<&Value>| min.is_none_or(|min| min.as_i64().is_none_or(|min| min < 1));
    match rule {
        Some("MustRunAsNonRoot") => {}
        Some("MustRunAs") => {
            let root = ranges().into_iter().flatten().find(|(_, range)| is_root(range.get("min")));
            if let Some((index, _)) = root {
                let path = path.key("ranges").index(index).key("min");
                report.fail(path, "the range of users holds 0, root".to_owned());
            }
        }
        Some(other) => report.fail(path.key("rule"), format!("runAsUser.rule is `{other}`")),
        None => report.fail(path.key("rule"), "runAsUser.rule is not set".to_owned()),
    }
}

/// The capabilities of a list, with their index.
fn capabilities<'a>(
    policy: &Whole<'a>,
    list: &'static str,
) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    policy.spec_fields().into_iter().flat_map(move |spec| texts(spec, list))
}

fn adds_capabilities(policy: &Whole<'_>, report: &mut Report<'_>) {
    const ADDED: &str = "allowedCapabilities";
    for (index, name) in capabilities(policy, ADDED) {
        let path = FieldPath::of(&["spec", ADDED]).index(index);
        report.fail(path, format!("containers may add the capability {name}"));
    }
}

fn keeps_capabilities(policy: &Whole<'_>, report: &mut Report<'_>) {
    if capabilities(policy, DROPPED).next().is_none() {
        report.fail(FieldPath::of(&["spec", DROPPED]), format!("{DROPPED} is empty"));
    }
}

fn net_raw(policy: &Whole<'_>, report: &mut Report<'_>) {
    let is_dropped = capabilities(policy, DROPPED).any(|(_, name)| {
        let name = name.to_ascii_uppercase();
        matches!(name.strip_prefix("CAP_").unwrap_or(&name), "ALL" | "NET_RAW")
    });
    if !is_dropped {
        let message = format!("{DROPPED} has neither ALL nor NET_RAW");
        report.fail(FieldPath::of(&["spec", DROPPED]), message);
    }
}

fn seccomp(policy: &Whole<'_>, report: &mut Report<'_>) {
    const DEFAULT: &str = "seccomp.security.alpha.kubernetes.io/defaultProfileName";
    match policy.annotation(DEFAULT) {
        Some(profile) if profile != "unconfined" => {}
        Some(profile) => {
            report.fail(annotation_path(DEFAULT), format!("the default profile is {profile}"));
        }
        None => report.fail(annotation_path(DEFAULT), "there is no default profile".to_owned()),
    }
}
