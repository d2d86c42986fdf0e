//! How Kubernetes' own components are configured, whatever object says it: a pod that runs one, kubeadm's
//! configuration, a component's configuration file, or facts that were gathered on a node.
//!
//! Owns the one form that all of them take here: a component, its flags with the place of each, and what a
//! flag is that nobody gave. Fields of configuration files bear the names of the flags that they replace.
//! What a good value is, the checks know.

mod command;
mod defaults;
mod files;
mod gathered;
mod kubeadm;
mod shell;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use airside_types::FieldPath;

use crate::graph::Graph;

/// A component of Kubernetes that is configured by flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// etcd.
    Etcd,
    /// The kubelet.
    Kubelet,
    /// kube-proxy.
    Proxy,
}

impl Component {
    /// All components.
    pub const ALL: [Self; 6] = [
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Etcd,
        Self::Kubelet,
        Self::Proxy,
    ];

    /// The name of the program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Etcd => "etcd",
            Self::Kubelet => "kubelet",
            Self::Proxy => "kube-proxy",
        }
    }

    fn of_program(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|component| component.program() == name)
    }
}

/// What says how a component is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The command line of a container.
    CommandLine,
    /// The component's own configuration file.
    File,
    /// Arguments that kubeadm adds to those that it sets itself, or a file that it fills up.
    Kubeadm,
    /// What was read on a node.
    Gathered,
}

/// A flag that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The value, without quotes; lists with commas.
    pub value: String,
    /// Where it stands.
    pub path: FieldPath,
}

/// What a flag is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'c> {
    /// Somebody gave it. Of several, the last.
    Given(&'c Given),
    /// Nobody gave it, so it is this.
    Default(&'static str),
    /// Nobody gave it, and it has no value then.
    Unset,
    /// It may be set where we cannot look, or to a variable.
    Unknown,
}

/// How one component is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The component.
    pub component: Component,
    /// What says so.
    pub source: Source,
    /// Where a flag would be added.
    anchor: FieldPath,
    flags: BTreeMap<String, Vec<Given>>,
    /// Whether other flags may be given that are not seen here.
    is_open: bool,
    /// Whether all of it stands in one text, which has no places within.
    is_text: bool,
    /// Flags that are known not to be given, with the place that says so.
    absent: BTreeMap<&'static str, FieldPath>,
}

impl Configuration {
    fn new(component: Component, source: Source, anchor: FieldPath) -> Self {
        let (flags, absent) = (BTreeMap::new(), BTreeMap::new());
        Self { component, source, anchor, flags, is_open: false, is_text: false, absent }
    }

    fn give(&mut self, flag: &str, value: String, path: FieldPath) {
        self.flags.entry(flag.replace('_', "-")).or_default().push(Given { value, path });
    }

    /// What a flag is.
    pub fn answer(&self, flag: &str) -> Answer<'_> {
        if let Some(given) = self.flags.get(flag).and_then(|given| given.last()) {
            // `$(NAME)`, `$NAME`, `{{ name }}`: filled in later by somebody else.
            let is_variable = given.value.starts_with('$') || given.value.contains("{{");
            return if is_variable { Answer::Unknown } else { Answer::Given(given) };
        }
        let may_be_elsewhere = self.is_open || self.may_be_in_its_file(flag);
        if may_be_elsewhere && !self.absent.contains_key(flag) {
            return Answer::Unknown;
        }
        defaults::of(self.component, self.source, flag)
    }

    /// Whether the flag is given, with whatever value.
    pub fn is_given(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    /// All items of a list flag: several times the flag, or items with commas.
    pub fn items(&self, flag: &str) -> Vec<&str> {
        let default = match self.answer(flag) {
            Answer::Default(value) => value,
            _ => "",
        };
        let given = self.flags.get(flag).map(Vec::as_slice).unwrap_or_default();
        let values = given.iter().map(|given| given.value.as_str()).chain([default]);
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|i| !i.is_empty()).collect()
    }

    /// A feature gate: what `--feature-gates` says of it, last.
    pub fn feature_gate(&self, name: &str) -> Option<bool> {
        let gates = self.items("feature-gates");
        let of_name = gates.iter().rev().find_map(|gate| {
            let (gate, value) = gate.split_once('=')?;
            (gate == name).then_some(value)
        });
        boolean(of_name?)
    }

    /// Where a flag stands, or should be added.
    pub fn place(&self, flag: &str) -> FieldPath {
        let given = self.flags.get(flag).and_then(|given| given.last()).map(|given| &given.path);
        if let Some(place) = given.or_else(|| self.absent.get(flag)) {
            return place.clone();
        }
        match (self.source, files::field_of(self.component, flag)) {
            (Source::File, Some(field)) if !self.is_text => self.anchor.keys(field),
            _ => self.anchor.clone(),
        }
    }

    /// How the reader of this source knows the flag.
    pub fn name_of(&self, flag: &str) -> String {
        let field = files::field_of(self.component, flag);
        match (self.source, field) {
            (Source::File, Some(field)) => field.join("."),
            _ => format!("--{flag}"),
        }
    }

    /// Whether the component was told to read a file that may set what the flag sets.
    fn may_be_in_its_file(&self, flag: &str) -> bool {
        match self.component {
            Component::Scheduler => flag == "profiling" && self.is_given("config"),
            Component::Kubelet | Component::Proxy => self.is_given("config"),
            Component::Etcd => self.is_given("config-file"),
            Component::ApiServer | Component::ControllerManager => false,
        }
    }
}

/// A boolean as Go's flags read it.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The configurations that an object of a graph holds, by its index; none for most objects.
pub fn configurations(graph: &Graph<'_>, index: usize) -> Vec<Configuration> {
    let Some(object) = graph.objects().get(index) else { return Vec::new() };
    let mut found = Vec::new();
    for pod in graph.pods_of(index) {
        let running = pod.spec.containers.iter().filter(|container| container.is_long_running());
        found.extend(running.flat_map(|container| command::configurations(&pod.spec, container)));
    }
    match object.group() {
        "" => match object.kind() {
            "ConfigMap" => found.extend(files::in_config_map(object)),
            "NodeInfo" => found.extend(gathered::kubelet(object)),
            _ => {}
        },
        group if group.ends_with(".config.k8s.io") => {
            let is_kubeadms =
                kubeadm::KINDS.iter().any(|kind| graph.has_kind(kubeadm::GROUP, kind));
            found.extend(files::configuration(object, is_kubeadms));
        }
        _ => found.extend(kubeadm::configurations(object)),
    }
    found
}
