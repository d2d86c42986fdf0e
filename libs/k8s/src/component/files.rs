//! Configuration files of components: which field stands for which flag.

use airside_types::FieldPath;

use super::{Component, Configuration, Given, Source};
use crate::fields::down;
use crate::object::Object;
use crate::value::Value;
use crate::yaml::{self, Limits};

type Fields = &'static [(&'static str, &'static [&'static str])];

const KUBELET: Fields = &[
    ("anonymous-auth", &["authentication", "anonymous", "enabled"]),
    ("authorization-mode", &["authorization", "mode"]),
    ("client-ca-file", &["authentication", "x509", "clientCAFile"]),
    ("event-qps", &["eventRecordQPS"]),
    ("feature-gates", &["featureGates"]),
    ("make-iptables-util-chains", &["makeIPTablesUtilChains"]),
    ("pod-max-pids", &["podPidsLimit"]),
    ("protect-kernel-defaults", &["protectKernelDefaults"]),
    ("read-only-port", &["readOnlyPort"]),
    ("rotate-certificates", &["rotateCertificates"]),
    ("rotate-server-certificates", &["serverTLSBootstrap"]),
    ("seccomp-default", &["seccompDefault"]),
    ("streaming-connection-idle-timeout", &["streamingConnectionIdleTimeout"]),
    ("tls-cert-file", &["tlsCertFile"]),
    ("tls-cipher-suites", &["tlsCipherSuites"]),
    ("tls-min-version", &["tlsMinVersion"]),
    ("tls-private-key-file", &["tlsPrivateKeyFile"]),
];

const PROXY: Fields =
    &[("metrics-bind-address", &["metricsBindAddress"]), ("profiling", &["enableProfiling"])];

const SCHEDULER: Fields = &[("profiling", &["enableProfiling"])];

const fn fields(component: Component) -> Fields {
    match component {
        Component::Kubelet => KUBELET,
        Component::Proxy => PROXY,
        Component::Scheduler => SCHEDULER,
        Component::ApiServer | Component::ControllerManager | Component::Etcd => &[],
    }
}

/// The field that stands for a flag.
pub(super) fn field_of(component: Component, flag: &str) -> Option<&'static [&'static str]> {
    fields(component).iter().find(|(name, _)| *name == flag).map(|(_, field)| *field)
}

/// The configuration that a file holds. In kubeadm's hands it is filled up.
pub(super) fn configuration(object: &Object<'_>, is_kubeadms: bool) -> Option<Configuration> {
    let component = match (object.group(), object.kind()) {
        ("kubelet.config.k8s.io", "KubeletConfiguration") => Component::Kubelet,
        ("kubeproxy.config.k8s.io", "KubeProxyConfiguration") => Component::Proxy,
        ("kubescheduler.config.k8s.io", "KubeSchedulerConfiguration") => Component::Scheduler,
        _ => return None,
    };
    let is_filled = is_kubeadms && component == Component::Kubelet;
    let source = if is_filled { Source::Kubeadm } else { Source::File };
    let mut configuration = Configuration::new(component, source, FieldPath::root());
    for (flag, field) in fields(component) {
        if let Some(value) = down(object.value(), field) {
            configuration.give(flag, text(value), FieldPath::of(field));
        }
    }
    Some(configuration)
}

/// The file that a cluster keeps in a ConfigMap for its nodes, as kubeadm names it. All of it stands at one
/// key, so that is the place of each flag.
pub(super) fn in_config_map(object: &Object<'_>) -> Option<Configuration> {
    let key = match (object.namespace(), object.name()) {
        (Some("kube-system"), "kube-proxy") => "config.conf",
        (Some("kube-system"), name) if name.starts_with("kubelet-config") => "kubelet",
        _ => return None,
    };
    let text = down(object.value(), &["data", key])?.as_str()?;
    let documents = yaml::parse(text, &Limits::default()).documents;
    let file = documents
        .iter()
        .find_map(|document| configuration(&Object::new(&document.value).ok()?, false))?;
    let anchor = FieldPath::of(&["data", key]);
    let mut found = Configuration::new(file.component, Source::File, anchor.clone());
    for (flag, given) in file.flags {
        let values = given.into_iter().map(|given| Given { path: anchor.clone(), ..given });
        found.flags.insert(flag, values.collect());
    }
    found.is_text = true;
    Some(found)
}

/// A value as a flag would have it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Array(items) => items.iter().map(text_of_item).collect::<Vec<_>>().join(","),
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{key}={}", text_of_item(value)));
            pairs.collect::<Vec<_>>().join(",")
        }
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn text_of_item(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
