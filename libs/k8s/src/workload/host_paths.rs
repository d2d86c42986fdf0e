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
const SENSITIVE_TREES: [&str; 29] = [
    "/boot",
    "/etc",
    "/home",
    "/lib/systemd",
    "/opt/cni",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/crio",
    "/run/k3s",
    "/run/systemd",
    "/usr/lib/systemd",
    "/usr/libexec/kubernetes",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/rancher",
    "/var/run/containerd",
    "/var/run/crio",
    "/var/run/k3s",
    "/var/run/systemd",
    "/var/spool/at",
    "/var/spool/cron",
];

/// Named pipes of container runtimes on Windows.
const PIPES: [&str; 5] = [
    "containerd-containerd",
    "cri-dockerd",
    "docker_engine",
    "dockershim",
    "podman-machine-default",
];

/// Folders of Windows, below the drive, that are sensitive with everything below them.
const SENSITIVE_ON_WINDOWS: [&str; 9] = [
    "/etc/kubernetes",
    "/k",
    "/program files",
    "/programdata/containerd",
    "/programdata/docker",
    "/programdata/kubernetes",
    "/users",
    "/var/lib/kubelet",
    "/windows",
];

/// The same as a whole.
const FOLDERS_ON_WINDOWS: [&str; 3] = ["/", "/programdata", "/var/lib"];

/// Folders that are sensitive as a whole; single folders below them are often not.
const SENSITIVE_FOLDERS: [&str; 17] = [
    "/",
    "/bin",
    "/dev",
    "/lib",
    "/lib64",
    "/opt",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/var",
    "/var/lib",
    "/var/run",
];

/// Whoever reads these as root finds tokens of pods there, or the socket of the runtime.
const READ_AS_NODE: [&str; 12] = [
    "/",
    "/var",
    "/var/lib",
    "/var/lib/kubelet",
    "/var/lib/kubelet/pods",
    "/var/lib/rancher",
    "/var/lib/rancher/k3s",
    "/var/lib/rancher/rke2",
    "/run",
    "/run/containerd",
    "/var/run",
    "/var/run/containerd",
];

/// Whoever writes these as root has the node run what he wants.
const WRITTEN_AS_NODE: [&str; 30] = [
    "/bin",
    "/etc",
    "/etc/cron.d",
    "/etc/kubernetes",
    "/etc/kubernetes/manifests",
    "/etc/systemd",
    "/etc/systemd/system",
    "/lib",
    "/lib/systemd",
    "/lib/systemd/system",
    "/lib64",
    "/opt",
    "/opt/cni",
    "/opt/cni/bin",
    "/proc",
    "/root",
    "/root/.ssh",
    "/sbin",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/systemd",
    "/usr/lib/systemd/system",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/var/spool/cron/root",
];

/// What lies below sensitive folders and is in every image as well: time zones, names, certificates of public
/// authorities. With everything below them.
const EVERYDAY: [&str; 12] = [
    "/etc/ca-certificates",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/resolv.conf",
    "/etc/ssl/certs",
    "/etc/timezone",
    "/usr/local/share/ca-certificates",
];

/// Folders in which runtimes keep their sockets.
const FOLDERS_OF_SOCKETS: [&str; 7] = [
    "/run",
    "/run/buildkit",
    "/run/containerd",
    "/run/crio",
    "/run/k3s",
    "/run/k3s/containerd",
    "/run/podman",
];

impl HostPath {
    /// Whether the path is of a folder of sockets in which a container runtime keeps its own.
    pub fn holds_socket(path: &str) -> bool {
        let path = normalised(path);
        let path = path.strip_prefix("/var").filter(|rest| is_below(rest, "/run")).unwrap_or(&path);
        FOLDERS_OF_SOCKETS.contains(&path)
    }

    /// Whether the path is sensitive by its folder only: what lies there is nobody's secret.
    pub fn is_everyday(path: &str) -> bool {
        let path = normalised(path);
        EVERYDAY.iter().any(|tree| is_below(&path, tree))
    }

    /// What a path gives away, however it is written.
    pub fn of(path: &str) -> Self {
        if let Some(found) = Self::on_windows(path) {
            return found;
        }
        let path = normalised(path);
        if path.rsplit('/').next().is_some_and(|name| SOCKETS.contains(&name)) {
            return Self::RuntimeSocket;
        }
        Self::of_folder(&path, &SENSITIVE_FOLDERS, &SENSITIVE_TREES)
    }

    /// The same of a path of Windows: a named pipe, or what begins with a drive.
    fn on_windows(path: &str) -> Option<Self> {
        let path = path.replace('\\', "/").to_ascii_lowercase();
        if let Some(pipe) = path.strip_prefix("//./pipe/") {
            let is_runtime = PIPES.contains(&pipe.trim_end_matches(".ttrpc"));
            return Some(if is_runtime { Self::RuntimeSocket } else { Self::Other });
        }
        let (drive, rest) = path.split_once(':')?;
        let is_drive = drive.len() == 1 && drive.chars().all(|letter| letter.is_ascii_alphabetic());
        is_drive
            .then(|| Self::of_folder(&normalised(rest), &FOLDERS_ON_WINDOWS, &SENSITIVE_ON_WINDOWS))
    }

    fn of_folder(path: &str, folders: &[&str], trees: &[&str]) -> Self {
        let is_sensitive = folders.contains(&path) || trees.iter().any(|tree| is_below(path, tree));
        if is_sensitive { Self::Sensitive } else { Self::Other }
    }
}

fn is_below(path: &str, tree: &str) -> bool {
    path.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether root in a pod that mounts a path becomes root on the node with it.
pub(super) fn leads_to_node(path: &str, is_written: bool) -> bool {
    let is_socket = HostPath::of(path) == HostPath::RuntimeSocket;
    let path = normalised(path);
    is_socket
        || READ_AS_NODE.contains(&path.as_str())
        || is_written && WRITTEN_AS_NODE.contains(&path.as_str())
}

/// Whether the logs of pods are below a path of a node.
pub(super) fn holds_logs(path: &str) -> bool {
    let path = normalised(path);
    ["/", "/var", "/var/log", "/var/log/pods"].contains(&path.as_str())
        || path.starts_with("/var/log/pods/")
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
            ("/lib/systemd/system", HostPath::Sensitive),
            ("/opt/cni/bin", HostPath::Sensitive),
            ("/var/lib/rancher/k3s/server", HostPath::Sensitive),
            ("/opt/cnix", HostPath::Other),
            (r"\\.\pipe\docker_engine", HostPath::RuntimeSocket),
            ("//./pipe/containerd-containerd", HostPath::RuntimeSocket),
            (r"\\.\pipe\my_agent", HostPath::Other),
            (r"C:\", HostPath::Sensitive),
            ("c:/ProgramData/containerd/root", HostPath::Sensitive),
            (r"C:\Windows\System32", HostPath::Sensitive),
            (r"C:\data", HostPath::Other),
            (r"D:\logs\windows", HostPath::Other),
            ("/data/a:b", HostPath::Other),
            ("/etcd-backup", HostPath::Other),
            ("/var/log", HostPath::Other),
            ("/lib/modules", HostPath::Other),
            ("/data", HostPath::Other),
        ] {
            assert_eq!(HostPath::of(path), expected, "{path}");
        }
    }

    #[test]
    fn folders_of_sockets_and_everyday_files_are_known_however_they_are_written() {
        for path in ["/run", "/var/run/", "//run", "/var/run/containerd", "/run/k3s"] {
            assert!(HostPath::holds_socket(path), "{path}");
        }
        for path in
            ["/", "/var/lib", "/run/secrets", "/data/run", "/var/runner", "/run/docker.sock"]
        {
            assert!(!HostPath::holds_socket(path), "{path}");
        }
        for path in ["/etc/localtime", "/etc/ssl/certs/", "/etc/ssl/../ssl/certs/ca.pem"] {
            assert!(HostPath::is_everyday(path), "{path}");
        }
        for path in ["/etc", "/etc/ssl", "/etc/ssl/private", "/etc/hostsx", "/etc/pki"] {
            assert!(!HostPath::is_everyday(path), "{path}");
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
            ("/usr/lib/systemd/system", false, true),
            ("/var/lib/rancher/k3s", true, true),
            (r"\\.\pipe\docker_engine", true, true),
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
