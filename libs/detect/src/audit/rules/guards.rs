//! Guards that are taken away: agents that watch, engines that refuse, and the definitions that hold their policies.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items};
use super::super::request::Request;
use super::hands::Hands;
use super::policy::changed;
use super::{DELETE, Definition, Ended, Firing, MODIFY, On};
use crate::rule::{Examples, PLAUSIBLE, Rule};

/// Groups of which the definitions hold what a guard enforces.
pub(super) const GROUPS: [&str; 14] = [
    "kyverno.io",
    "policies.kyverno.io",
    "templates.gatekeeper.sh",
    "constraints.gatekeeper.sh",
    "config.gatekeeper.sh",
    "policies.kubewarden.io",
    "policy.sigstore.dev",
    "security.istio.io",
    "security.kubearmor.com",
    "cilium.io",
    "crd.projectcalico.org",
    "projectcalico.org",
    "aquasecurity.github.io",
    "falco.org",
];

/// How the workloads of guards are called, or begin to be.
const WORKLOADS: [&str; 27] = [
    "aqua-enforcer",
    "aws-guardduty-agent",
    "calico-node",
    "cilium",
    "collector",
    "datadog-agent",
    "falco",
    "falcon-node-sensor",
    "falcon-sensor",
    "gatekeeper-controller-manager",
    "kubearmor",
    "kubewarden-controller",
    "kyverno",
    "lacework-agent",
    "microsoft-defender-collector",
    "microsoft-defender-low-level-collector",
    "microsoft-defender-publisher",
    "neuvector",
    "policy-controller-webhook",
    "sysdig-agent",
    "sysdig-host-shield",
    "tetragon",
    "tracee",
    "trivy-operator",
    "twistlock-defender",
    "wazuh-agent",
    "wiz-sensor",
];

/// Namespaces that guards have for themselves.
const NAMESPACES: [&str; 12] = [
    "calico-system",
    "cilium",
    "falco",
    "falcon-system",
    "gatekeeper-system",
    "kubearmor",
    "kubewarden",
    "kyverno",
    "neuvector",
    "stackrox",
    "tetragon",
    "twistlock",
];

/// Namespaces of StackRox, whose agent is called by a common word.
const STACKROX: [&str; 2] = ["stackrox", "rhacs-operator"];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R57-guard",
            version: 1,
            title: "Guard of the cluster deleted",
            why: "With the agent nobody watches, and with the definition of its policies all of them are gone at once.",
            next: "Put it back from the repository; look at what was done while it was gone, and whether whoever deleted it was to.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"falco","name":"falco"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"shop","name":"node-exporter"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            DELETE,
            &[
                "configmaps",
                "customresourcedefinitions.apiextensions.k8s.io",
                "daemonsets.apps",
                "deployments.apps",
                "falconnodesensors.falcon.crowdstrike.com",
                "securedclusters.platform.stackrox.io",
                "tracingpolicies.cilium.io",
                "tracingpoliciesnamespaced.cilium.io",
                "kubearmorpolicies.security.kubearmor.com",
                "kubearmorhostpolicies.security.kubearmor.com",
                "kubearmorclusterpolicies.security.kubearmor.com",
                "authorizationpolicies.security.istio.io",
                "peerauthentications.security.istio.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let is_definition = request.resource() == "customresourcedefinitions";
            let is_guard = match request.resource() {
                "configmaps" => watches(request.namespace(), request.name()),
                "customresourcedefinitions" => is_definition_of_guard(request),
                "daemonsets" | "deployments" if request.name().is_empty() => {
                    NAMESPACES.contains(&request.namespace())
                }
                "daemonsets" | "deployments" => is_agent(request.namespace(), request.name()),
                _ => true,
            };
            let upkeep = request.is_by_program();
            (is_guard && !request.is_by_trusted_system()).then(|| {
                firing(request).at(match () {
                    () if is_definition && !upkeep => Severity::High,
                    // Operators and pipelines replace what they have put up.
                    () if upkeep && !is_definition => Severity::Low,
                    () => Severity::Medium,
                })
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R57-blinded",
            version: 1,
            title: "Guard of the cluster changed by hand",
            why: "An agent that no node may run, or that starts with another command or configuration, is still there and sees nothing.",
            next: "Compare with the version in the repository; how many of its pods run, and what was done while they did not.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"falco","name":"falco"},"requestObject":{"spec":{"template":{"spec":{"nodeSelector":{"none":"such"}}}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"falco","name":"falco"},"requestObject":{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            MODIFY,
            &["daemonsets.apps", "deployments.apps", "statefulsets.apps", "configmaps"],
        ),
        ended: Ended::Done,
        when: blinded,
    },
];

/// Pipelines upgrade guards all the time; what a person patches is in no repository.
fn blinded(request: &Request<'_>) -> Option<Firing> {
    let is_one = watches(request.namespace(), request.name());
    if !is_one || request.is_by_trusted_system() {
        return None;
    }
    let severity = Hands::for_changed(request).unless_usual(request)?;
    let is_configuration = request.resource() == "configmaps";
    let place = if is_configuration { "data" } else { "spec.template.spec" };
    let change = request.change();
    let set = place.split('.').fold(change.set(), |value, key| at(value, &[key]));
    let written = match is_configuration {
        true => set.as_object().and_then(|data| Some(data.iter().next()?.0.to_owned())),
        false => seeing(set),
    };
    let written = written.map(|field| format!("{place}.{field}"));
    let mut removed = change.removed().iter().map(ToString::to_string);
    let field = written.or_else(|| removed.find(|path| path.starts_with(place)))?;
    Some(firing(request).at(severity).with("changed", &field))
}

/// What of an agent's pods that is set decides where they run, or what they do.
fn seeing(pod: &Value) -> Option<String> {
    let place = ["affinity", "nodeSelector", "schedulerName", "tolerations"];
    let deed = ["args", "command", "env", "image", "volumeMounts"];
    let containers = items(pod, "containers");
    let of_container = |field: &str| containers.iter().any(|it| it.get(field).is_some());
    let place = place.into_iter().find(|field| pod.get(*field).is_some()).map(str::to_owned);
    let deed = || deed.into_iter().find(|field| of_container(field));
    place.or_else(|| deed().map(|field| format!("containers.{field}")))
}

/// Whether a workload, or a configuration, is a guard's.
pub(super) fn watches(namespace: &str, name: &str) -> bool {
    is_agent(namespace, name) || NAMESPACES.contains(&namespace)
}

fn firing(request: &Request<'_>) -> Firing {
    changed(request).with("objectRef.name", request.name())
}

/// Whether a request is for the definition of a guard's policies, or for all definitions. One is called by plural and group.
pub(super) fn is_definition_of_guard(request: &Request<'_>) -> bool {
    let name = request.name();
    let is_guards = name.split_once('.').is_some_and(|(_, group)| GROUPS.contains(&group));
    request.resource() == "customresourcedefinitions" && (name.is_empty() || is_guards)
}

fn is_agent(namespace: &str, name: &str) -> bool {
    let is_one = |known: &&str| {
        name.strip_prefix(*known).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    // Charts put the release's name before their own.
    const CHARTS: [&str; 3] = ["-falco", "-kyverno", "-tetragon"];
    if CHARTS.iter().any(|chart| name.ends_with(chart)) {
        return true;
    }
    match WORKLOADS.iter().find(|known| is_one(known)) {
        Some(&"collector") => STACKROX.contains(&namespace),
        found => found.is_some(),
    }
}
