//! The pod specification that a request writes, wherever the resource keeps it, and questions about it.
//!
//! Small predicates of detection's own: they judge single fields of a request's body, not an object and
//! its surroundings as the scanner's checks do.

use airside_k8s::Value;

use super::body::{at, is_true, items, text};
use super::request::Request;

/// A pod specification in a request's body.
#[derive(Debug)]
pub(super) struct PodSpec<'v> {
    spec: &'v Value,
    field: &'static str,
}

/// One container of a pod specification.
#[derive(Debug)]
pub(super) struct Container<'v> {
    /// Where it stands in the body, such as `spec.containers[0]`.
    pub field: String,
    /// The container.
    pub value: &'v Value,
}

/// Resources whose objects describe pods.
pub(super) const POD_WRITERS: &[&str] = &[
    "pods",
    "pods/ephemeralcontainers",
    "deployments.apps",
    "daemonsets.apps",
    "statefulsets.apps",
    "replicasets.apps",
    "replicationcontrollers",
    "jobs.batch",
    "cronjobs.batch",
    "podtemplates",
];

/// Resources whose objects hold a template from which a controller makes pods.
pub(super) const TEMPLATES: &[&str] = &[
    "deployments.apps",
    "daemonsets.apps",
    "statefulsets.apps",
    "replicasets.apps",
    "replicationcontrollers",
    "jobs.batch",
    "cronjobs.batch",
    "podtemplates",
];

/// How many containers of a kind are looked at.
const MAX_CONTAINERS: usize = 100;

impl<'v> PodSpec<'v> {
    /// The pod specification that the request's body writes, if it has one.
    pub(super) fn of(request: &'v Request<'_>) -> Option<Self> {
        let body = request.body();
        let (field, path): (_, &[&str]) = match request.resource() {
            // Before 1.25 the body of this subresource was a list of its own kind.
            "pods" if body.get("ephemeralContainers").is_some() => ("", &[]),
            "pods" => ("spec", &["spec"]),
            "cronjobs" => (
                "spec.jobTemplate.spec.template.spec",
                &["spec", "jobTemplate", "spec", "template", "spec"],
            ),
            "podtemplates" => ("template.spec", &["template", "spec"]),
            _ => ("spec.template.spec", &["spec", "template", "spec"]),
        };
        let spec = at(body, path);
        spec.is_object().then_some(Self { spec, field })
    }

    /// The specification itself.
    pub(super) fn value(&self) -> &'v Value {
        self.spec
    }

    /// The full name of a field of the specification.
    pub(super) fn field(&self, name: &str) -> String {
        if self.field.is_empty() { name.to_owned() } else { format!("{}.{name}", self.field) }
    }

    /// Whether a flag such as `hostPID` is set.
    pub(super) fn has(&self, flag: &str) -> bool {
        is_true(self.spec, flag)
    }

    /// Containers of every kind.
    pub(super) fn containers(&self) -> impl Iterator<Item = Container<'v>> {
        ["containers", "initContainers", "ephemeralContainers"].into_iter().flat_map(move |kind| {
            let prefix = self.field(kind);
            items(self.spec, kind)
                .iter()
                .take(MAX_CONTAINERS)
                .enumerate()
                .map(move |(index, value)| Container { field: format!("{prefix}[{index}]"), value })
        })
    }

    /// The paths of the host that volumes bring in, with their fields.
    pub(super) fn host_paths(&self) -> Vec<(String, &'v str)> {
        let prefix = self.field("volumes");
        items(self.spec, "volumes")
            .iter()
            .take(MAX_CONTAINERS)
            .enumerate()
            .filter_map(|(index, volume)| {
                let path = text(at(volume, &["hostPath"]), "path");
                (!path.is_empty()).then(|| (format!("{prefix}[{index}].hostPath.path"), path))
            })
            .collect()
    }
}

impl<'v> Container<'v> {
    /// Its security context; `Null` without one.
    pub(super) fn security_context(&self) -> &'v Value {
        at(self.value, &["securityContext"])
    }

    /// Whether it is privileged.
    pub(super) fn is_privileged(&self) -> bool {
        is_true(self.security_context(), "privileged")
    }

    /// Command and arguments as one line.
    pub(super) fn command_line(&self) -> String {
        let words = ["command", "args"].into_iter().flat_map(|key| items(self.value, key));
        words.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Paths that give the host away, with everything below them.
const SENSITIVE: [&str; 13] = [
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/crio",
    "/run/k3s",
    "/sys",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
];

/// Directories of the host that are read and written by ordinary agents, and stay below notice even
/// though they lie under, or above, a sensitive one.
const HARMLESS: [&str; 8] = [
    "/etc/localtime",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/os-release",
    "/etc/machine-id",
    "/etc/timezone",
    "/dev/shm",
];

/// Above these lies everything else.
const ROOTS: [&str; 5] = ["/", "/var", "/var/lib", "/run", "/usr"];

/// The sockets through which a container runtime takes orders.
const RUNTIME_SOCKETS: [&str; 7] = [
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/cri-dockerd.sock",
    "/run/dockershim.sock",
];

/// A path without `.`, `..` and doubled slashes; `/var/run` is `/run` on every host.
fn cleaned(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    if let ["var", "run", ..] = parts.as_slice() {
        parts.remove(0);
    }
    format!("/{}", parts.join("/"))
}

fn is_at_or_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path of the host gives control over it, or its secrets, to whoever mounts it.
pub(super) fn is_sensitive_path(path: &str) -> bool {
    let path = cleaned(path);
    let is_below = |directories: &[&str]| directories.iter().any(|dir| is_at_or_below(&path, dir));
    ROOTS.contains(&path.as_str())
        || is_runtime_socket(&path)
        || is_below(&SENSITIVE) && !is_below(&HARMLESS)
}

/// Whether a path is the socket of a container runtime.
pub(super) fn is_runtime_socket(path: &str) -> bool {
    RUNTIME_SOCKETS.contains(&cleaned(path).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_paths_are_known_however_they_are_written() {
        for path in [
            "/",
            "//",
            "/etc",
            "/etc/",
            "/etc/kubernetes",
            "/var/../etc",
            "/proc",
            "/var/run",
            "/var/run/docker.sock",
            "/run/containerd/containerd.sock",
            "/var/lib/kubelet/pods",
            "/./root",
        ] {
            assert!(is_sensitive_path(path), "{path}");
        }
        for path in
            ["/data", "/etc/localtime", "/etc/ssl/certs", "/etcetera", "/var/log", "/mnt/disks"]
        {
            assert!(!is_sensitive_path(path), "{path}");
        }
        assert!(is_runtime_socket("/var/run/docker.sock"));
        assert!(!is_runtime_socket("/run/docker"));
    }
}
