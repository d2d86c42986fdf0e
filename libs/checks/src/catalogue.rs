//! The catalogue: every check, by family.
//!
//! A family is a file with one list. Adding a check means adding an entry to such a list; adding a family
//! means adding its file here, in `FAMILIES`. Own wording throughout; of benchmarks only section numbers
//! are cited.

mod bindings;
mod capabilities;
mod confinement;
mod escalation_paths;
mod host;
mod images;
mod istio;
mod network;
mod order;
mod probes;
mod rbac;
mod resources;
mod roles;
mod service_accounts;
mod services;
mod users;
mod vulnerabilities;
mod wildcards;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::check::{Check, Judge};

/// All families, in the order in which people read them.
static FAMILIES: &[&[Check]] = &[
    host::CHECKS,
    confinement::CHECKS,
    capabilities::CHECKS,
    users::CHECKS,
    service_accounts::CHECKS,
    wildcards::CHECKS,
    roles::CHECKS,
    bindings::CHECKS,
    escalation_paths::CHECKS,
    rbac::workloads::CHECKS,
    rbac::escalation::CHECKS,
    rbac::certificates::CHECKS,
    rbac::admission::CHECKS,
    rbac::nodes::CHECKS,
    rbac::network::CHECKS,
    rbac::objects::CHECKS,
    rbac::subjects::CHECKS,
    rbac::holders::CHECKS,
    rbac::joins::CHECKS,
    rbac::accounts::CHECKS,
    rbac::dangling::CHECKS,
    network::CHECKS,
    services::CHECKS,
    istio::authorization::CHECKS,
    istio::credentials::CHECKS,
    istio::destination_rules::CHECKS,
    istio::destinations::CHECKS,
    istio::gateway_servers::CHECKS,
    istio::gateways::CHECKS,
    istio::mutual_tls::CHECKS,
    istio::route_order::CHECKS,
    istio::sidecars::CHECKS,
    istio::virtual_services::CHECKS,
    images::CHECKS,
    vulnerabilities::CHECKS,
    resources::CHECKS,
    probes::CHECKS,
    order::CHECKS,
];

/// Every check.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The checks that a name means: the one with this id, or all that bear it in another tool.
pub fn find_all(name: &str) -> impl Iterator<Item = &'static Check> {
    all().filter(move |check| check.id == name || check.equivalents.contains(&name))
}

/// The check with this id, or with this name in another tool (`kube-linter:privileged-container`).
pub fn find(name: &str) -> Option<&'static Check> {
    all().find(|check| check.id == name || check.equivalents.contains(&name))
}

/// The checks by what they look at.
pub(crate) struct Index {
    /// Checks on pods, containers and what starts them.
    pub(crate) workloads: Vec<&'static Check>,
    /// Checks on rules of roles.
    pub(crate) rules: Vec<&'static Check>,
    /// Checks on bindings.
    pub(crate) bindings: Vec<&'static Check>,
    /// Checks on whole objects, by API group and kind.
    pub(crate) kinds: HashMap<(&'static str, &'static str), Vec<&'static Check>>,
    /// Checks on whatever object.
    pub(crate) any: Vec<&'static Check>,
}

/// The index, made once.
pub(crate) fn index() -> &'static Index {
    static INDEX: LazyLock<Index> = LazyLock::new(|| {
        let chosen =
            |wanted: fn(&Judge) -> bool| all().filter(|check| wanted(&check.judge)).collect();
        Index {
            workloads: chosen(|judge| {
                matches!(judge, Judge::Pod(_) | Judge::Container(_) | Judge::Workload(_))
            }),
            rules: chosen(|judge| matches!(judge, Judge::Rule(_))),
            bindings: chosen(|judge| matches!(judge, Judge::Binding(_))),
            kinds: by_kind(),
            any: chosen(|judge| matches!(judge, Judge::Any(_))),
        }
    });
    &INDEX
}

fn by_kind() -> HashMap<(&'static str, &'static str), Vec<&'static Check>> {
    let mut kinds: HashMap<_, Vec<_>> = HashMap::new();
    for check in all() {
        if let Judge::Object(wanted, _) = check.judge {
            wanted.iter().for_each(|kind| kinds.entry(*kind).or_default().push(check));
        }
    }
    kinds
}

#[cfg(test)]
mod tests;
