//! Checks on what a pod shares with its node: namespaces, ports, files, the container runtime.

use airside_k8s::{HostPath, Value};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "host-pid",
        title: "Pod shares the node's process namespace",
        why: "Its processes see, signal and trace every process of the node, and read their environment and open files through /proc.",
        fix: "Remove hostPID. A node agent that needs it belongs into a namespace of its own that only cluster administrators can write to.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.2.3", "cis-eks-t1.8.0:4.2.2", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:host-pid",
            "polaris:hostPIDSet",
            "kubescape:C-0038",
            "trivy:KSV-0010",
            "checkov:CKV_K8S_17",
            "kyverno:pod-security/disallow-host-namespaces",
            "gatekeeper-library:pod-security-policy/host-namespaces",
            "kubesec:HostPID",
            "kubescape:C-0275",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(|pod, report| shares_namespace(pod, "hostPID", "process", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: true
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: false
",
    },
    Check {
        id: "host-ipc",
        title: "Pod shares the node's IPC namespace",
        why: "Its processes can read and change shared memory and message queues of processes of the node and of other pods that do the same.",
        fix: "Remove hostIPC.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.2.4", "cis-eks-t1.8.0:4.2.3", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:host-ipc",
            "polaris:hostIPCSet",
            "kubescape:C-0038",
            "trivy:KSV-0008",
            "checkov:CKV_K8S_18",
            "kyverno:pod-security/disallow-host-namespaces",
            "gatekeeper-library:pod-security-policy/host-namespaces",
            "kubesec:HostIPC",
            "kubescape:C-0276",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(|pod, report| shares_namespace(pod, "hostIPC", "IPC", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostIPC: true
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {}
",
    },
    Check {
        id: "host-network",
        title: "Pod shares the node's network",
        why: "It reaches what listens on the node's loopback only (kubelet, cloud metadata service), can watch the node's traffic, and no NetworkPolicy applies to it.",
        fix: "Remove hostNetwork; publish ports with a Service.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1040"), technique("T1552.005")],
        controls: &["cis-v1.12.0:5.2.5", "cis-eks-t1.8.0:4.2.4", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:host-network",
            "polaris:hostNetworkSet",
            "kubescape:C-0041",
            "trivy:KSV-0009",
            "checkov:CKV_K8S_19",
            "kyverno:pod-security/disallow-host-namespaces",
            "kubesec:HostNetwork",
            "gatekeeper-library:pod-security-policy/host-network-ports",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(|pod, report| shares_namespace(pod, "hostNetwork", "network", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: false
",
    },
    Check {
        id: "host-port",
        title: "Container takes a port of its node",
        why: "The port is open on the node's addresses, past Services and often past NetworkPolicies, and it ties the pod to nodes where the port is free.",
        fix: "Remove hostPort; publish the port with a Service.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.13", "pod-security-standards:baseline"],
        equivalents: &[
            "polaris:hostPortSet",
            "kubescape:C-0044",
            "trivy:KSV-0024",
            "checkov:CKV_K8S_26",
            "kyverno:pod-security/disallow-host-ports",
            "gatekeeper-library:pod-security-policy/host-network-ports",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(host_port),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports:
    - {containerPort: 80, hostPort: 8080}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports:
    - {containerPort: 80}
",
    },
    Check {
        id: "container-runtime-socket",
        title: "Pod can drive the node's container runtime",
        why: "Who can write to the runtime's socket starts any container with any rights on the node, unseen by Kubernetes: this is root on the node.",
        fix: "Remove the volume. Build images with a tool that needs no daemon (rootless BuildKit, Buildah); read container data from the kubelet's API.",
        severity: Severity::Critical,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1609"), technique("T1610"), technique("T1611")],
        controls: &["cis-v1.12.0:5.2.12", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:docker-sock",
            "kubescape:C-0074",
            "trivy:KSV-0006",
            "checkov:CKV_K8S_27",
            "kyverno:best-practices/disallow-cri-sock-mount",
            "kubesec:DockerSock",
            "polaris:hostPathSet",
            "trivy:KSV-0023",
            "kyverno:pod-security/disallow-host-path",
            "kyverno:pod-security/restrict-volume-types",
            "gatekeeper-library:pod-security-policy/host-filesystem",
            "gatekeeper-library:pod-security-policy/volumes",
            "kyverno:best-practices/disallow-container-sock-mounts",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(|pod, report| host_paths(pod, HostPath::RuntimeSocket, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: builder}
spec:
  volumes:
  - name: docker
    hostPath: {path: /var/run/docker.sock}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: builder}
spec:
  volumes:
  - name: docker
    emptyDir: {}
",
    },
    Check {
        id: "sensitive-host-path",
        title: "Pod mounts a folder of its node that gives the node away",
        why: "It holds credentials, configuration or device files of the node: reading it can be enough to become the node, writing it always is.",
        fix: "Remove the volume, or mount the one file that is needed, read-only.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1552.001"), technique("T1611")],
        controls: &["cis-v1.12.0:5.2.12", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:sensitive-host-mounts",
            "kubescape:C-0048",
            "trivy:KSV-0121",
            "polaris:hostPathSet",
            "trivy:KSV-0023",
            "kyverno:pod-security/disallow-host-path",
            "kyverno:pod-security/restrict-volume-types",
            "gatekeeper-library:pod-security-policy/host-filesystem",
            "gatekeeper-library:pod-security-policy/volumes",
            "kubesec:ProcMount",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(|pod, report| host_paths(pod, HostPath::Sensitive, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: agent}
spec:
  volumes:
  - name: node
    hostPath: {path: /etc/kubernetes}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: agent}
spec:
  volumes:
  - name: node
    configMap: {name: agent}
",
    },
    Check {
        id: "host-path",
        title: "Pod mounts a folder of its node",
        why: "Files of the node outlive the pod, are shared with whatever else mounts them, and are a step towards the node (links, logs, hooks).",
        fix: "Use a PersistentVolumeClaim, emptyDir or configMap instead.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1005"), technique("T1611")],
        controls: &["cis-v1.12.0:5.2.12", "pod-security-standards:baseline"],
        equivalents: &[
            "polaris:hostPathSet",
            "kubescape:C-0048",
            "trivy:KSV-0023",
            "kyverno:pod-security/disallow-host-path",
            "kyverno:pod-security/restrict-volume-types",
            "gatekeeper-library:pod-security-policy/host-filesystem",
            "gatekeeper-library:pod-security-policy/volumes",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(|pod, report| host_paths(pod, HostPath::Other, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: cache}
spec:
  volumes:
  - name: cache
    hostPath: {path: /data/cache}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: cache}
spec:
  volumes:
  - name: cache
    emptyDir: {}
",
    },
];

fn shares_namespace(pod: &Pod<'_>, field: &str, what: &str, report: &mut Report<'_>) {
    if pod.field(field) == Some(&Value::Bool(true)) {
        report.fail(
            pod.path(field),
            format!("{field} is true: the pod shares the node's {what} namespace"),
        );
    }
}

fn host_port(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let ports = container.field("ports").and_then(Value::as_array);
    for (index, port) in ports.unwrap_or_default().iter().enumerate() {
        if let Some(number) = port.get("hostPort").and_then(Value::as_u64).filter(|port| *port > 0)
        {
            report.fail(
                container.path("ports").index(index).key("hostPort"),
                format!("{} takes port {number} of its node", container.label()),
            );
        }
    }
}

/// Each volume is reported once, as the worst that it is.
fn host_paths(pod: &Pod<'_>, wanted: HostPath, report: &mut Report<'_>) {
    let volumes = pod.field("volumes").and_then(Value::as_array);
    for (index, volume) in volumes.unwrap_or_default().iter().enumerate() {
        let path = volume.get("hostPath").and_then(|host| host.get("path")).and_then(Value::as_str);
        let Some(path) = path.filter(|path| HostPath::of(path) == wanted) else { continue };
        let name = volume.get("name").and_then(Value::as_str).unwrap_or("without a name");
        let what = match wanted {
            HostPath::RuntimeSocket => "the socket of the container runtime",
            HostPath::Sensitive => "a sensitive place of the node",
            HostPath::Other => "a place of the node",
        };
        report.fail(
            pod.path("volumes").index(index).key("hostPath"),
            format!("volume `{name}` mounts {path}, {what}"),
        );
    }
}
