//! A component's configuration as checks look at it, and the few ways in which they judge a flag.
//!
//! Owns the words that say what a flag is. A flag that may be set where we cannot look is undecided.

use airside_k8s::component::{Answer, Component, Configuration, boolean};
use airside_k8s::{Graph, Object};

use crate::evaluate::Report;

/// How one of Kubernetes' components is configured, by an object.
#[derive(Debug)]
pub(crate) struct Configured<'a> {
    pub(crate) object: &'a Object<'a>,
    pub(crate) graph: &'a Graph<'a>,
    pub(crate) configuration: &'a Configuration,
}

/// Why a check on a flag has no answer.
const NOT_SEEN: &str = "a flag is set by a variable, or in a file of the node that is not read";

impl<'a> Configured<'a> {
    /// What a flag is: its text, or nothing where it has none. No answer where it cannot be known.
    pub(crate) fn text(&self, flag: &str, report: &mut Report<'_>) -> Option<&'a str> {
        match self.configuration.answer(flag) {
            Answer::Given(given) => Some(given.value.as_str()),
            Answer::Default(value) => Some(value),
            Answer::Unset => Some(""),
            Answer::Unknown => {
                report.undecided(NOT_SEEN);
                None
            }
        }
    }

    /// What a flag is, where that is known; nobody is told where it is not.
    pub(crate) fn known(&self, flag: &str) -> Option<&'a str> {
        match self.configuration.answer(flag) {
            Answer::Given(given) => Some(given.value.as_str()),
            Answer::Default(value) => Some(value),
            Answer::Unset | Answer::Unknown => None,
        }
    }

    /// Whether a flag is given, or may be.
    pub(crate) fn may_have(&self, flag: &str) -> bool {
        self.configuration.is_given(flag) || self.configuration.answer(flag) == Answer::Unknown
    }

    /// The items of a list flag. No answer where they cannot be known.
    pub(crate) fn items(&self, flag: &str, report: &mut Report<'_>) -> Option<Vec<&'a str>> {
        self.text(flag, report)?;
        Some(self.configuration.items(flag))
    }

    /// Fails at a flag; the message says first what the flag is, then what follows from it.
    pub(crate) fn fail(&self, flag: &str, consequence: &str, report: &mut Report<'_>) {
        let said = self.says(flag);
        report.fail(self.configuration.place(flag), format!("{said}: {consequence}"));
    }

    /// A boolean flag has to be this.
    pub(crate) fn must_be(
        &self,
        flag: &str,
        wanted: bool,
        consequence: &str,
        report: &mut Report<'_>,
    ) {
        let Some(text) = self.text(flag, report) else { return };
        if boolean(text) != Some(wanted) {
            self.fail(flag, consequence, report);
        }
    }

    /// Flags that have to have a value, all of them.
    pub(crate) fn must_have(&self, flags: &[&str], consequence: &str, report: &mut Report<'_>) {
        for flag in flags {
            if self.text(flag, report) == Some("") {
                return self.fail(flag, consequence, report);
            }
        }
    }

    /// A flag that must not be given.
    pub(crate) fn must_not_have(&self, flag: &str, consequence: &str, report: &mut Report<'_>) {
        if self.text(flag, report).is_some_and(|text| !text.is_empty()) {
            self.fail(flag, consequence, report);
        }
    }

    /// An item that a list flag has to have.
    pub(crate) fn must_list(
        &self,
        flag: &str,
        item: &str,
        consequence: &str,
        report: &mut Report<'_>,
    ) {
        if self.items(flag, report).is_some_and(|items| !items.contains(&item)) {
            self.fail(flag, consequence, report);
        }
    }

    /// An item that a list flag must not have.
    pub(crate) fn must_not_list(
        &self,
        flag: &str,
        item: &str,
        consequence: &str,
        report: &mut Report<'_>,
    ) {
        if self.items(flag, report).is_some_and(|items| items.contains(&item)) {
            self.fail(flag, consequence, report);
        }
    }

    /// A number that has to be this at least. A flag without a value is none.
    pub(crate) fn must_reach(
        &self,
        flag: &str,
        least: i64,
        consequence: &str,
        report: &mut Report<'_>,
    ) {
        let Some(text) = self.text(flag, report) else { return };
        if !text.parse::<i64>().is_ok_and(|number| number >= least) {
            self.fail(flag, consequence, report);
        }
    }

    /// An address that only the node itself can reach.
    pub(crate) fn must_be_local(&self, flag: &str, consequence: &str, report: &mut Report<'_>) {
        let Some(text) = self.text(flag, report) else { return };
        if !is_loopback(text) {
            self.fail(flag, consequence, report);
        }
    }

    /// What a flag is, in words.
    fn says(&self, flag: &str) -> String {
        let program = self.configuration.component.program();
        let name = self.configuration.name_of(flag);
        match self.configuration.answer(flag) {
            Answer::Given(given) => format!("{program} has {name} {}", shortened(&given.value)),
            Answer::Default(value) => format!("{program} has no {name}, which then is {value}"),
            Answer::Unset | Answer::Unknown => format!("{program} has no {name}"),
        }
    }
}

/// A value as messages show it.
fn shortened(value: &str) -> String {
    const SHOWN: usize = 80;
    match value.char_indices().nth(SHOWN) {
        _ if value.is_empty() => "set to nothing".to_owned(),
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
    }
}

/// Whether an address, with or without a scheme and a port, is the loopback's.
pub(crate) fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    ["127.", "localhost", "[::1]", "::1"].iter().any(|start| host.starts_with(start))
}

/// The objects that a check of a component looks at, for people.
pub(crate) const fn carriers(component: Component) -> &'static str {
    match component {
        Component::ApiServer => "Pod that runs kube-apiserver, ClusterConfiguration of kubeadm",
        Component::ControllerManager => {
            "Pod that runs kube-controller-manager, ClusterConfiguration of kubeadm"
        }
        Component::Scheduler => {
            "Pod that runs kube-scheduler, KubeSchedulerConfiguration, ClusterConfiguration of kubeadm"
        }
        Component::Etcd => "Pod that runs etcd, ClusterConfiguration of kubeadm",
        Component::Kubelet => {
            "KubeletConfiguration, InitConfiguration and JoinConfiguration of kubeadm, NodeInfo"
        }
        Component::Proxy => "KubeProxyConfiguration, Pod that runs kube-proxy",
    }
}
