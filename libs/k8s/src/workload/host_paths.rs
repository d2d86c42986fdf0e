//! What a path of a node gives away to a pod that mounts it.

/// What a path of a node gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostPath {
    /// The socket of a container runtime.
    RuntimeSocket,
    /// The node's own configuration, programs, processes, or data of other pods.
    Sensitive,
    /// Anything else.
    Other,
}

/// Sockets of container runtimes, wherever they lie.
const SOCKETS: [&str; 7] = [
    "buildkitd.sock",
    "containerd.sock",
    "cri-dockerd.sock",
    "crio.sock",
    "docker.sock",
    "dockershim.sock",
    "podman.sock",
];

/// Folders that are sensitive with everything below them.
const SENSITIVE_TREES: [&str; 15] = [
    "/boot",
    "/etc",
    "/home",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/crio",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/run/containerd",
    "/var/run/crio",
];

/// Folders that are sensitive as a whole; single folders below them are often not.
const SENSITIVE_FOLDERS: [&str; 15] = [
    "/", "/bin", "/dev", "/lib", "/lib64", "/opt", "/run", "/sbin", "/srv", "/sys", "/usr",
    "/usr/bin", "/var", "/var/lib", "/var/run",
];

/// Whoever reads these as root finds tokens of pods there, or the socket of the runtime.
const READ_AS_NODE: [&str; 9] = [
    "/",
    "/var",
    "/var/lib",
    "/var/lib/kubelet",
    "/var/lib/kubelet/pods",
    "/run",
    "/run/containerd",
    "/var/run",
    "/var/run/containerd",
];

/// Whoever writes these as root has the node run what he wants.
const WRITTEN_AS_NODE: [&str; 17] = [
    "/bin",
    "/etc",
    "/etc/cron.d",
    "/etc/kubernetes",
    "/etc/kubernetes/manifests",
    "/etc/systemd",
    "/lib",
    "/lib64",
    "/opt",
    "/opt/cni/bin",
    "/proc",
    "/root",
    "/root/.ssh",
    "/sbin",
    "/usr",
    "/usr/bin",
    "/usr/local/bin",
];

impl HostPath {
    /// What a path gives away, however it is written.
    pub fn of(path: &str) -> Self {
        let path = normalised(path);
        let is_socket = path.rsplit('/').next().is_some_and(|name| SOCKETS.contains(&name));
        let below = |tree: &&str| {
            path.strip_prefix(*tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if is_socket {
            Self::RuntimeSocket
        } else if SENSITIVE_FOLDERS.contains(&path.as_str()) || SENSITIVE_TREES.iter().any(below) {
            Self::Sensitive
        } else {
            Self::Other
        }
    }
}

/// Whether root in a pod that mounts a path becomes root on the node with it.
pub(super) fn leads_to_node(path: &str, is_written: bool) -> bool {
    let path = normalised(path);
    HostPath::of(&path) == HostPath::RuntimeSocket
        || READ_AS_NODE.contains(&path.as_str())
        || is_written && WRITTEN_AS_NODE.contains(&path.as_str())
}

/// The path without doubled slashes, `.` and `..`, as the node resolves it (links aside).
fn normalised(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_node_are_told_apart_however_they_are_written() {
        for (path, expected) in [
            ("/var/run/docker.sock", HostPath::RuntimeSocket),
            ("/run/k3s/containerd/containerd.sock", HostPath::RuntimeSocket),
            ("/", HostPath::Sensitive),
            ("//", HostPath::Sensitive),
            ("/etc/", HostPath::Sensitive),
            ("/data/../etc/./ssh", HostPath::Sensitive),
            ("/var/lib/kubelet/pods", HostPath::Sensitive),
            ("/var/run", HostPath::Sensitive),
            ("/run/containerd", HostPath::Sensitive),
            ("/var/run/crio/", HostPath::Sensitive),
            ("/etcd-backup", HostPath::Other),
            ("/var/log", HostPath::Other),
            ("/lib/modules", HostPath::Other),
            ("/data", HostPath::Other),
        ] {
            assert_eq!(HostPath::of(path), expected, "{path}");
        }
    }

    #[test]
    fn some_paths_give_the_node_to_their_reader_and_others_to_their_writer() {
        for (path, to_reader, to_writer) in [
            ("/", true, true),
            ("/var/lib/kubelet/pods/", true, true),
            ("/run/containerd/containerd.sock", true, true),
            ("/etc/kubernetes", false, true),
            ("/opt/cni/bin", false, true),
            ("/proc", false, true),
            ("/etc/ssl/certs", false, false),
            ("/var/lib/kubelet/plugins", false, false),
            ("/data", false, false),
        ] {
            let leads = [leads_to_node(path, false), leads_to_node(path, true)];
            assert_eq!(leads, [to_reader, to_writer], "{path}");
        }
    }
}
