//! The catalogue: every check, by family.
//!
//! A family is a file with one list. Adding a check means adding an entry to such a list; adding a family
//! means adding its file here, in `FAMILIES`. Own wording throughout; of benchmarks only section numbers
//! are cited.

mod agent_sandboxes;
mod api_versions;
mod autoscalers;
mod bindings;
mod budget_limits;
mod capabilities;
mod cloud_identities;
mod confinement;
mod consoles;
mod control_plane;
mod disruption;
mod escalation_paths;
mod exposed_services;
mod exposure;
mod field_types;
mod host;
mod images;
mod ingress;
mod ingress_backends;
mod istio;
mod labels;
mod lifecycle;
mod linkerd;
mod linux_security;
mod mounts;
mod namespaces;
mod network;
mod node_access;
mod node_sharing;
mod operators;
mod order;
mod own_policies;
mod peer_names;
mod persistent_volumes;
mod placement;
mod pod_security;
mod pod_security_policies;
mod policies;
mod policy_selectors;
mod policy_targets;
mod ports;
mod probe_hosts;
mod probe_targets;
mod probes;
mod programs;
mod rbac;
mod references;
mod reserved_names;
mod resource_shape;
mod resources;
mod roles;
mod route_backends;
mod scheduling;
mod secrets;
mod security_contexts;
mod selectors;
mod service_accounts;
mod service_targets;
mod service_types;
mod services;
mod shape;
mod shell_bindings;
mod tiller;
mod user_ids;
mod users;
mod vertical_autoscalers;
mod volume_claims;
mod volume_types;
mod vulnerabilities;
mod wildcards;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use airside_k8s::component::Component;
use airside_types::{Id, IdBuilder};

use crate::check::{Check, Judge};

/// All families, in the order in which people read them.
static FAMILIES: &[&[Check]] = &[
    host::CHECKS,
    node_access::CHECKS,
    confinement::CHECKS,
    capabilities::CHECKS,
    users::CHECKS,
    user_ids::CHECKS,
    security_contexts::CHECKS,
    linux_security::CHECKS,
    volume_types::CHECKS,
    persistent_volumes::CHECKS,
    volume_claims::CHECKS,
    node_sharing::CHECKS,
    programs::CHECKS,
    agent_sandboxes::CHECKS,
    tiller::CHECKS,
    namespaces::CHECKS,
    pod_security::CHECKS,
    pod_security_policies::CHECKS,
    service_accounts::CHECKS,
    wildcards::CHECKS,
    roles::CHECKS,
    bindings::CHECKS,
    escalation_paths::CHECKS,
    cloud_identities::CHECKS,
    rbac::workloads::CHECKS,
    rbac::escalation::CHECKS,
    rbac::certificates::CHECKS,
    rbac::admission::CHECKS,
    rbac::nodes::CHECKS,
    rbac::network::CHECKS,
    rbac::objects::CHECKS,
    rbac::aggregation::CHECKS,
    rbac::subjects::CHECKS,
    rbac::holders::CHECKS,
    rbac::in_vain::CHECKS,
    rbac::joins::CHECKS,
    rbac::accounts::CHECKS,
    rbac::dangling::CHECKS,
    shell_bindings::CHECKS,
    reserved_names::CHECKS,
    mounts::CHECKS,
    secrets::environment::CHECKS,
    secrets::commands::CHECKS,
    secrets::config_maps::CHECKS,
    secrets::annotations::CHECKS,
    secrets::custom_resources::CHECKS,
    secrets::volumes::CHECKS,
    secrets::manifests::CHECKS,
    secrets::references::CHECKS,
    secrets::placeholders::CHECKS,
    network::CHECKS,
    policy_targets::CHECKS,
    policy_selectors::CHECKS,
    policies::open::CHECKS,
    policies::order::CHECKS,
    policies::egress::CHECKS,
    policies::outsiders::CHECKS,
    policies::cilium::CHECKS,
    policies::directions::CHECKS,
    services::CHECKS,
    istio::annotations::CHECKS,
    istio::authorization::CHECKS,
    istio::authorization_gaps::CHECKS,
    istio::authorization_identities::CHECKS,
    istio::control_plane::CHECKS,
    istio::credentials::CHECKS,
    istio::destination_rules::CHECKS,
    istio::destinations::CHECKS,
    istio::envoy_filters::CHECKS,
    istio::gateway_api::CHECKS,
    istio::gateway_servers::CHECKS,
    istio::gateways::CHECKS,
    istio::injection::CHECKS,
    istio::mutual_tls::CHECKS,
    istio::outbound::CHECKS,
    istio::policy_targets::CHECKS,
    istio::ports::CHECKS,
    istio::requests::CHECKS,
    istio::route_order::CHECKS,
    istio::patterns::CHECKS,
    istio::service_entries::CHECKS,
    istio::sidecars::CHECKS,
    istio::virtual_services::CHECKS,
    istio::waypoints::CHECKS,
    linkerd::CHECKS,
    service_types::CHECKS,
    service_targets::CHECKS,
    ingress_backends::CHECKS,
    route_backends::CHECKS,
    exposed_services::CHECKS,
    exposure::CHECKS,
    consoles::CHECKS,
    ingress::tls::CHECKS,
    ingress::hosts::CHECKS,
    ingress::injection::CHECKS,
    ingress::access::CHECKS,
    ingress::controller::CHECKS,
    ingress::controller_config::CHECKS,
    ingress::traefik::CHECKS,
    ingress::external_authorization::CHECKS,
    ingress::gateway_routes::CHECKS,
    ingress::kong::CHECKS,
    ingress::contour::CHECKS,
    ingress::load_balancers::CHECKS,
    ingress::virtual_server::CHECKS,
    operators::webhooks::CHECKS,
    operators::webhook_reach::CHECKS,
    operators::rights::CHECKS,
    operators::crds::CHECKS,
    operators::olm::CHECKS,
    operators::monitoring::CHECKS,
    operators::stores::CHECKS,
    operators::argo_cd::CHECKS,
    operators::flux::CHECKS,
    operators::certificates::CHECKS,
    operators::exceptions::CHECKS,
    operators::openshift::CHECKS,
    operators::openshift_cluster::CHECKS,
    operators::workflows::CHECKS,
    images::CHECKS,
    vulnerabilities::CHECKS,
    resources::CHECKS,
    resource_shape::CHECKS,
    probes::CHECKS,
    probe_hosts::CHECKS,
    probe_targets::CHECKS,
    ports::CHECKS,
    placement::CHECKS,
    disruption::CHECKS,
    budget_limits::CHECKS,
    autoscalers::CHECKS,
    vertical_autoscalers::CHECKS,
    scheduling::CHECKS,
    lifecycle::CHECKS,
    references::CHECKS,
    selectors::CHECKS,
    shape::CHECKS,
    field_types::CHECKS,
    labels::CHECKS,
    api_versions::CHECKS,
    order::CHECKS,
];

pub(crate) use api_versions::{KINDS, OLD};
pub(crate) use bindings::UNUSED_BINDING;
pub(crate) use own_policies::POLICY;
pub use peer_names::{is_meant, named_by_peers};
pub(crate) use reserved_names::JUDGED_BY_NAME;
pub(crate) use vulnerabilities::IMAGE_VULNERABILITY;

/// Every check.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().chain(control_plane::FAMILIES).flat_map(|family| family.iter())
}

/// Every check, and what imported reports, people's own policies and the audit log tell.
pub fn listed() -> impl Iterator<Item = &'static Check> {
    all().chain([&IMAGE_VULNERABILITY, &POLICY, &UNUSED_BINDING])
}

/// A digest of all checks: their ids, severities and examples. Catalogues that judge differently differ in
/// it, or in their version.
pub fn digest() -> Id {
    let digest = Id::builder("catalogue");
    let add = |digest: IdBuilder, check: &Check| {
        digest.text(check.id).text(check.severity.as_str()).text(check.fails).text(check.passes)
    };
    listed().fold(digest, add).finish()
}

/// Whether what a check says rests on vulnerability data, which is renewed while objects stay as they are.
pub fn rests_on_data(check: &str) -> bool {
    vulnerabilities::CHECKS.iter().any(|it| it.id == check)
}

/// The checks that a name means: the one with this id, or all that bear it in another tool.
pub fn find_all(name: &str) -> impl Iterator<Item = &'static Check> {
    listed().filter(move |check| is_called(check, name))
}

/// The checks that a name means, also one that leaves out whose it is.
pub fn meant(name: &str) -> Vec<&'static Check> {
    let found: Vec<_> = find_all(name).collect();
    if !found.is_empty() {
        return found;
    }
    let mut checks: Vec<&Check> = named_by_peers(name).into_values().flatten().collect();
    checks.sort_by_key(|check| check.id);
    checks.dedup();
    checks
}

/// The check with this id, or with this name in another tool (`kube-linter:privileged-container`).
pub fn find(name: &str) -> Option<&'static Check> {
    // Findings of reports have the vulnerability behind the check's id.
    let id = name.split('/').next().unwrap_or_default();
    by_id().get(id).copied().or_else(|| listed().find(|check| is_called(check, name)))
}

fn by_id() -> &'static BTreeMap<&'static str, &'static Check> {
    static BY_ID: LazyLock<BTreeMap<&str, &Check>> =
        LazyLock::new(|| listed().map(|check| (check.id, check)).collect());
    &BY_ID
}

fn is_called(check: &Check, name: &str) -> bool {
    let own = name.strip_prefix(check.id);
    own.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || check.equivalents.contains(&name)
}

/// Checks by what they look at.
#[derive(Debug)]
pub(crate) struct Index {
    /// Checks on pods, containers and what starts them.
    pub(crate) workloads: Vec<&'static Check>,
    /// Checks on rules of roles.
    pub(crate) rules: Vec<&'static Check>,
    /// Checks on bindings.
    pub(crate) bindings: Vec<&'static Check>,
    /// Checks on the configuration of Kubernetes' components.
    pub(crate) components: BTreeMap<Component, Vec<&'static Check>>,
    /// Checks on whole objects, by API group and kind.
    pub(crate) kinds: BTreeMap<(&'static str, &'static str), Vec<&'static Check>>,
    /// Checks on whatever object.
    pub(crate) any: Vec<&'static Check>,
}

/// The index of all checks, made once.
pub(crate) fn index() -> &'static Index {
    static INDEX: LazyLock<Index> = LazyLock::new(|| Index::of(|_| true));
    &INDEX
}

impl Index {
    /// The index of some checks.
    pub(crate) fn of(is_chosen: impl Fn(&Check) -> bool) -> Self {
        let chosen: Vec<_> = all().filter(|check| is_chosen(check)).collect();
        let looking = |wanted: fn(&Judge) -> bool| {
            chosen.iter().copied().filter(|check| wanted(&check.judge)).collect()
        };
        Self {
            workloads: looking(|judge| {
                matches!(judge, Judge::Pod(_) | Judge::Container(_) | Judge::Workload(_))
            }),
            rules: looking(|judge| matches!(judge, Judge::Rule(_))),
            bindings: looking(|judge| matches!(judge, Judge::Binding(_))),
            components: by_component(&chosen),
            kinds: by_kind(&chosen),
            any: looking(|judge| matches!(judge, Judge::Any(_))),
        }
    }
}

fn by_component(checks: &[&'static Check]) -> BTreeMap<Component, Vec<&'static Check>> {
    let mut components: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for check in checks {
        if let Judge::Component(component, _) = check.judge {
            components.entry(component).or_default().push(*check);
        }
    }
    components
}

fn by_kind(
    checks: &[&'static Check],
) -> BTreeMap<(&'static str, &'static str), Vec<&'static Check>> {
    let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for check in checks {
        if let Judge::Object(wanted, _) = check.judge {
            wanted.iter().for_each(|kind| kinds.entry(*kind).or_default().push(*check));
        }
    }
    kinds
}

#[cfg(test)]
mod tests;
