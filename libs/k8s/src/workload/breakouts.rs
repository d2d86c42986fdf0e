//! How a break-in into a pod becomes one into its node.
//!
//! What the pod's specification alone says: privileged containers, the node's processes, capabilities that
//! undo the isolation, and files of the node. A user namespace of its own takes the power from the former.

use airside_types::FieldPath;

use super::host_paths::{holds_logs, leads_to_node};
use super::{Container, ContainerRole, PodSpec};
use crate::fields::{maps, text, texts};
use crate::value::Value;

/// Capabilities with which root in a container becomes root on its node.
const CAPABILITIES: [&str; 4] = ["ALL", "SYS_ADMIN", "SYS_MODULE", "DAC_READ_SEARCH"];

/// Tells the path of the node that is behind a volume of a pod.
pub type PathOf<'p> = dyn Fn(&Value) -> Option<String> + 'p;

/// The path of the node that a volume says itself.
pub fn path_on_node(volume: &Value) -> Option<String> {
    volume.get("hostPath")?.get("path")?.as_str().map(str::to_owned)
}

/// A way from a pod to its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakout {
    /// The field that opens it.
    pub path: FieldPath,
    /// What it says, in words that end a sentence about the pod, such as `shares its node's processes`.
    pub says: String,
}

impl Breakout {
    /// The first way from a pod to its node that its specification alone shows.
    pub fn of(pod: &PodSpec<'_>) -> Option<Self> {
        Self::with_volumes(pod, &path_on_node)
    }

    /// The same, where `path_of` tells which path of the node is behind a volume of the pod.
    pub fn with_volumes(pod: &PodSpec<'_>, path_of: &PathOf<'_>) -> Option<Self> {
        let mut containers = pod.containers.iter().filter(|it| it.role != ContainerRole::Ephemeral);
        if is_true(pod.field("hostPID")) && containers.clone().any(|it| enters_processes(pod, it)) {
            let says = "shares its node's processes".to_owned();
            return Some(Self { path: pod.path_of("hostPID"), says });
        }
        let has_users_of_its_own = pod.field("hostUsers") == Some(&Value::Bool(false));
        containers.find_map(|container| {
            let by_power =
                || by_privilege(pod, container).or_else(|| by_capability(pod, container));
            let by_power = if has_users_of_its_own { None } else { by_power() };
            by_power.or_else(|| by_file(pod, container, path_of))
        })
    }

    /// The mount by which root in a pod writes the logs that the kubelet reads for those who ask for them. A
    /// link put there leads the kubelet, which is root, to any file of the node.
    pub fn by_logs(pod: &PodSpec<'_>, path_of: &PathOf<'_>) -> Option<Self> {
        let mut containers = pod.containers.iter().filter(|it| it.role != ContainerRole::Ephemeral);
        containers.find_map(|container| {
            mounted(pod, container, path_of, &|path, is_written| is_written && holds_logs(path))
        })
    }
}

fn by_privilege<'a>(pod: &PodSpec<'a>, container: &Container<'a>) -> Option<Breakout> {
    let at = container.path.key("securityContext");
    if is_true(container.security("privileged")) {
        let says = format!("runs the privileged {}", pod.label_of(container));
        return Some(Breakout { path: at.key("privileged"), says });
    }
    let windows = |options: Option<&Value>| is_true(options.and_then(|it| it.get("hostProcess")));
    if windows(container.security("windowsOptions")) || windows(security(pod, "windowsOptions")) {
        let says = "runs as a process of its node".to_owned();
        return Some(Breakout { path: at.keys(&["windowsOptions", "hostProcess"]), says });
    }
    None
}

/// The first of some capabilities that a container adds, with its index among them.
fn adds<'a>(container: &Container<'a>, capabilities: &[&str]) -> Option<(usize, &'a str)> {
    let lists = container.security("capabilities")?.as_object()?;
    texts(lists, "add").find(|(_, name)| {
        let name = name.to_ascii_uppercase();
        capabilities.contains(&name.strip_prefix("CAP_").unwrap_or(&name))
    })
}

/// Whether a container may look into the node's processes that it sees, and so into the files behind them
/// (`/proc/PID/root`). The kernel lets it where both are of one user, as root is of the kubelet's, or by
/// SYS_PTRACE (`ptrace(2)`, "Ptrace access mode checking").
fn enters_processes(pod: &PodSpec<'_>, container: &Container<'_>) -> bool {
    let traces = adds(container, &["ALL", "SYS_PTRACE"]).is_some();
    traces || is_true(container.security("privileged")) || !is_other_user(pod, container)
}

fn by_capability<'a>(pod: &PodSpec<'a>, container: &Container<'a>) -> Option<Breakout> {
    let (index, name) = adds(container, &CAPABILITIES)?;
    let path = container.path.keys(&["securityContext", "capabilities", "add"]).index(index);
    let says = format!("runs {} with the capability {name}", pod.label_of(container));
    Some(Breakout { path, says })
}

fn by_file(pod: &PodSpec<'_>, container: &Container<'_>, path_of: &PathOf<'_>) -> Option<Breakout> {
    mounted(pod, container, path_of, &leads_to_node)
}

/// The first mount of a path of the node that leads on, by the path and whether it may be written. Files of
/// the node are root's: who runs as another user has no way by them.
fn mounted(
    pod: &PodSpec<'_>,
    container: &Container<'_>,
    path_of: &PathOf<'_>,
    leads_on: &dyn Fn(&str, bool) -> bool,
) -> Option<Breakout> {
    if is_other_user(pod, container) {
        return None;
    }
    let volumes = pod.field("volumes").and_then(Value::as_array).unwrap_or_default();
    maps(container.fields, "volumeMounts").find_map(|(index, mount)| {
        let name = text(mount, "name")?;
        let is_named = |volume: &&Value| volume.get("name").is_some_and(|it| it == name);
        let path = path_of(volumes.iter().find(is_named)?)?;
        let is_written = mount.get("readOnly") != Some(&Value::Bool(true));
        leads_on(&path, is_written).then(|| Breakout {
            path: container.path.key("volumeMounts").index(index),
            says: format!("mounts {path} of its node"),
        })
    })
}

/// Whether a container surely runs as another user than root.
fn is_other_user(pod: &PodSpec<'_>, container: &Container<'_>) -> bool {
    let own = |name: &str| container.security(name).or_else(|| security(pod, name));
    is_true(own("runAsNonRoot"))
        || own("runAsUser").and_then(Value::as_u64).is_some_and(|user| user != 0)
}

fn security<'a>(pod: &PodSpec<'a>, name: &str) -> Option<&'a Value> {
    pod.field("securityContext")?.get(name).filter(|value| !value.is_null())
}

fn is_true(value: Option<&Value>) -> bool {
    value == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::object::Object;
    use crate::workload::pod_specs;

    /// How a pod reaches its node: the field that opens it; `no way` where none does.
    fn way(spec: &Value) -> String {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "spec": spec,
        });
        let object = Object::new(&pod).unwrap();
        let breakout = Breakout::of(&pod_specs(&object)[0]);
        breakout.map_or_else(|| "no way".to_owned(), |it| format!("{}: it {}", it.path, it.says))
    }

    fn secured(security: &Value) -> Value {
        json!({ "containers": [{ "name": "c", "securityContext": security }] })
    }

    fn mounting(path: &str, read_only: bool, pod_security: &Value) -> Value {
        let mount = json!({ "name": "v", "mountPath": "/v", "readOnly": read_only });
        json!({
            "securityContext": pod_security,
            "containers": [{ "name": "c", "volumeMounts": [mount] }],
            "volumes": [{ "name": "v", "hostPath": { "path": path } }],
        })
    }

    fn sharing(pod_security: &Value, security: &Value) -> Value {
        json!({
            "hostPID": true, "securityContext": pod_security,
            "containers": [{ "name": "c", "securityContext": security }],
        })
    }

    #[test]
    fn what_undoes_the_isolation_leads_to_the_node() {
        insta::assert_snapshot!(way(&secured(&json!({ "privileged": true }))), @"spec.containers[0].securityContext.privileged: it runs the privileged container `c`");
        insta::assert_snapshot!(way(&sharing(&json!({}), &json!({}))), @"spec.hostPID: it shares its node's processes");
        insta::assert_snapshot!(way(&secured(&json!({ "capabilities": { "add": ["NET_RAW", "cap_sys_admin"] } }))), @"spec.containers[0].securityContext.capabilities.add[1]: it runs container `c` with the capability cap_sys_admin");
        insta::assert_snapshot!(way(&secured(&json!({ "windowsOptions": { "hostProcess": true } }))), @"spec.containers[0].securityContext.windowsOptions.hostProcess: it runs as a process of its node");
        insta::assert_snapshot!(way(&mounting("/var/lib/kubelet", true, &json!({}))), @"spec.containers[0].volumeMounts[0]: it mounts /var/lib/kubelet of its node");
        insta::assert_snapshot!(way(&mounting("/etc/kubernetes", false, &json!({}))), @"spec.containers[0].volumeMounts[0]: it mounts /etc/kubernetes of its node");
    }

    #[test]
    fn what_keeps_it_does_not() {
        let privileged = |spec: Value, own_users: bool| {
            let mut spec = spec;
            spec["hostUsers"] = json!(!own_users);
            spec
        };
        for spec in [
            secured(&json!({})),
            secured(&json!({ "privileged": false, "capabilities": { "add": ["NET_ADMIN"] } })),
            privileged(secured(&json!({ "privileged": true })), true),
            json!({ "hostPID": false, "hostNetwork": true, "containers": [] }),
            mounting("/etc/kubernetes", true, &json!({})),
            mounting("/data", false, &json!({})),
            mounting("/", true, &json!({ "runAsNonRoot": true })),
            mounting("/", true, &json!({ "runAsUser": 65534 })),
            sharing(&json!({ "runAsUser": 65534 }), &json!({})),
            sharing(&json!({}), &json!({ "runAsNonRoot": true })),
            sharing(&json!({}), &json!({ "runAsUser": 1, "capabilities": { "drop": ["ALL"] } })),
        ] {
            assert_eq!(way(&spec), "no way", "{spec}");
        }
        assert_ne!(way(&privileged(secured(&json!({ "privileged": true })), false)), "no way");
        assert_ne!(way(&mounting("/", true, &json!({ "runAsUser": 0 }))), "no way");
        let other = json!({ "runAsUser": 65534 });
        for stronger in [
            json!({ "runAsUser": 0 }),
            json!({ "privileged": true }),
            json!({ "capabilities": { "add": ["SYS_PTRACE"] } }),
        ] {
            assert_ne!(way(&sharing(&other, &stronger)), "no way", "{stronger}");
        }
    }
}
