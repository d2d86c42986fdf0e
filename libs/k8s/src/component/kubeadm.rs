//! kubeadm's configuration, as a file and inside of Cluster API's objects: arguments that come on top of
//! those that kubeadm sets itself.

use airside_types::FieldPath;

use super::files::text;
use super::{Component, Configuration, Source};
use crate::fields::down;
use crate::object::Object;
use crate::value::Value;

pub(super) const GROUP: &str = "kubeadm.k8s.io";
pub(super) const KINDS: [&str; 3] =
    ["ClusterConfiguration", "InitConfiguration", "JoinConfiguration"];

/// The components that an object of kubeadm or of Cluster API configures.
pub(super) fn configurations(object: &Object<'_>) -> Vec<Configuration> {
    let root = FieldPath::root();
    match (object.group(), object.kind()) {
        (GROUP, "ClusterConfiguration") => control_plane(object.value(), &root),
        (GROUP, "InitConfiguration" | "JoinConfiguration") => {
            kubelet(object.value(), &root).into_iter().collect()
        }
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") => {
            embedded(object, &["spec", "kubeadmConfigSpec"])
        }
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlaneTemplate") => {
            embedded(object, &["spec", "template", "spec", "kubeadmConfigSpec"])
        }
        ("bootstrap.cluster.x-k8s.io", "KubeadmConfig") => embedded(object, &["spec"]),
        ("bootstrap.cluster.x-k8s.io", "KubeadmConfigTemplate") => {
            embedded(object, &["spec", "template", "spec"])
        }
        _ => Vec::new(),
    }
}

fn embedded(object: &Object<'_>, at: &[&str]) -> Vec<Configuration> {
    let Some(spec) = down(object.value(), at) else { return Vec::new() };
    let path = FieldPath::of(at);
    let mut found = Vec::new();
    if let Some(cluster) = down(spec, &["clusterConfiguration"]) {
        found.extend(control_plane(cluster, &path.key("clusterConfiguration")));
    }
    for field in ["initConfiguration", "joinConfiguration"] {
        if let Some(node) = down(spec, &[field]) {
            found.extend(kubelet(node, &path.key(field)));
        }
    }
    found
}

fn control_plane(cluster: &Value, path: &FieldPath) -> Vec<Configuration> {
    let mut api_server = with_arguments(Component::ApiServer, cluster, path, &["apiServer"]);
    let external = down(cluster, &["etcd", "external"]);
    if let Some(external) = external {
        let path = path.keys(&["etcd", "external"]);
        for (flag, field) in
            [("etcd-cafile", "caFile"), ("etcd-certfile", "certFile"), ("etcd-keyfile", "keyFile")]
        {
            let file = external.get(field).map(text).unwrap_or_default();
            api_server.give(flag, file, path.key(field));
        }
    }
    let mut found = vec![
        api_server,
        with_arguments(Component::ControllerManager, cluster, path, &["controllerManager"]),
        with_arguments(Component::Scheduler, cluster, path, &["scheduler"]),
    ];
    if external.is_none() {
        found.push(with_arguments(Component::Etcd, cluster, path, &["etcd", "local"]));
    }
    found
}

/// The kubelet of a node, when it gets arguments.
fn kubelet(node: &Value, path: &FieldPath) -> Option<Configuration> {
    let arguments = down(node, &["nodeRegistration", "kubeletExtraArgs"])?;
    let path = path.keys(&["nodeRegistration", "kubeletExtraArgs"]);
    let mut configuration = Configuration::new(Component::Kubelet, Source::Kubeadm, path.clone());
    // The rest stands in a KubeletConfiguration of the cluster.
    configuration.is_open = true;
    add_arguments(&mut configuration, arguments, &path);
    Some(configuration)
}

fn with_arguments(
    component: Component,
    cluster: &Value,
    path: &FieldPath,
    at: &[&str],
) -> Configuration {
    let path = path.keys(at).key("extraArgs");
    let mut configuration = Configuration::new(component, Source::Kubeadm, path.clone());
    if let Some(arguments) = down(cluster, at).and_then(|part| down(part, &["extraArgs"])) {
        add_arguments(&mut configuration, arguments, &path);
    }
    configuration
}

/// Arguments as a map (until v1beta3) or as a list of names and values (since v1beta4).
fn add_arguments(configuration: &mut Configuration, arguments: &Value, path: &FieldPath) {
    match arguments {
        Value::Object(pairs) => {
            for (name, value) in pairs {
                configuration.give(name, text(value), path.key(name));
            }
        }
        Value::Array(listed) => {
            for (index, argument) in listed.iter().enumerate() {
                if let Some(name) = argument.get("name").and_then(Value::as_str) {
                    let value = argument.get("value").map(text).unwrap_or_default();
                    configuration.give(name, value, path.index(index).key("value"));
                }
            }
        }
        _ => {}
    }
}
