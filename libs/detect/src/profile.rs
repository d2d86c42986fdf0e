//! What is known of a cluster beside its events: who runs it, and which addresses and namespaces are its own.
//!
//! Pure data that an intake carries. Nothing in it is taken from an event, so that no client can change
//! what is believed. Where something is not known, rules neither trust nor accuse because of it.

use std::net::IpAddr;

use crate::address::{AddressSet, is_public};

/// A cluster as its operators describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterProfile {
    /// Who runs the control plane.
    pub provider: Provider,
    /// How many trusted proxies stand between clients and the API server, each of which adds an entry to
    /// the end of `sourceIPs`. Not known: as many as the provider has, and a longer chain is no proof of
    /// anything.
    pub trusted_proxies: Option<usize>,
    /// Addresses of trusted proxies, wherever they stand at the end of the chain.
    pub proxies: AddressSet,
    /// Addresses of the nodes.
    pub nodes: AddressSet,
    /// Addresses of pods.
    pub pods: AddressSet,
    /// Addresses under which the cluster and its people reach the API server from outside: NAT gateways,
    /// offices, VPNs.
    pub egress: AddressSet,
    /// Further namespaces that belong to the cluster itself.
    pub system_namespaces: Vec<String>,
    /// Further namespaces whose secrets open more than themselves.
    pub sensitive_namespaces: Vec<String>,
    /// Addresses that somebody warns of.
    pub feeds: Vec<AddressFeed>,
}

/// Who runs a control plane, and so which identities act for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Provider {
    /// Nobody said.
    #[default]
    Unknown,
    /// The cluster's own operators.
    OwnOperators,
    /// Amazon.
    Eks,
    /// Google.
    Gke,
    /// Microsoft.
    Aks,
}

/// A list of addresses, such as the exit nodes of Tor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressFeed {
    /// What people call it.
    pub name: String,
    /// The addresses.
    pub addresses: AddressSet,
}

static UNKNOWN: ClusterProfile = ClusterProfile {
    provider: Provider::Unknown,
    trusted_proxies: None,
    proxies: AddressSet::EMPTY,
    nodes: AddressSet::EMPTY,
    pods: AddressSet::EMPTY,
    egress: AddressSet::EMPTY,
    system_namespaces: Vec::new(),
    sensitive_namespaces: Vec::new(),
    feeds: Vec::new(),
};

/// Namespaces that belong to the cluster itself.
const SYSTEM_NAMESPACES: [&str; 7] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "gke-system",
    "gke-managed-system",
    "gmp-system",
    "openshift-kube-apiserver",
];

/// Further namespaces, of programs that keep the credentials of everything else.
const SENSITIVE_NAMESPACES: [&str; 20] = [
    "argo-cd",
    "argocd",
    "cattle-fleet-system",
    "cattle-system",
    "cert-manager",
    "conjur",
    "crossplane-system",
    "external-secrets",
    "flux-system",
    "gitlab-runner",
    "istio-system",
    "jenkins",
    "karpenter",
    "keycloak",
    "openshift-config",
    "openshift-gitops",
    "sealed-secrets",
    "tekton-pipelines",
    "vault",
    "velero",
];

impl ClusterProfile {
    /// A cluster of which nothing is known.
    pub fn unknown() -> &'static Self {
        &UNKNOWN
    }

    /// Whether a namespace belongs to the cluster itself.
    pub(crate) fn is_system_namespace(&self, name: &str) -> bool {
        SYSTEM_NAMESPACES.contains(&name) || self.system_namespaces.iter().any(|own| own == name)
    }

    /// Whether a namespace's secrets open more than themselves.
    pub(crate) fn is_sensitive_namespace(&self, name: &str) -> bool {
        SENSITIVE_NAMESPACES.contains(&name)
            || self.is_system_namespace(name)
            || self.sensitive_namespaces.iter().any(|own| own == name)
    }

    /// Which entry of `sourceIPs` is the client: the last one that no trusted proxy has added. Earlier
    /// ones are the client's own words.
    pub(crate) fn client_entry<T: AsRef<str>>(&self, chain: &[T]) -> Option<usize> {
        let last = chain.len().checked_sub(1)?;
        // On AKS the last entry is that of konnectivity, which connects the API server to clients.
        let by_provider = if self.provider == Provider::Aks { 1 } else { 0 };
        let behind = last.saturating_sub(self.trusted_proxies.unwrap_or(by_provider));
        let is_proxy = |at: usize| {
            let address = chain.get(at).and_then(|text| address(text.as_ref()));
            address.is_some_and(|ip| self.proxies.contains(ip))
        };
        Some((1..=behind).rev().find(|at| !is_proxy(*at)).unwrap_or(0))
    }

    /// The address of the client, as far as it is certain.
    pub(crate) fn client_address<T: AsRef<str>>(&self, chain: &[T]) -> Option<IpAddr> {
        address(chain.get(self.client_entry(chain)?)?.as_ref())
    }

    /// Whether an address is one of the internet that the cluster's operators do not know as their own.
    pub(crate) fn is_foreign(&self, ip: IpAddr) -> bool {
        let own = [&self.nodes, &self.pods, &self.egress, &self.proxies];
        is_public(ip) && !own.iter().any(|addresses| addresses.contains(ip))
    }

    /// The feed that warns of an address.
    pub(crate) fn feed_with(&self, ip: IpAddr) -> Option<&AddressFeed> {
        self.feeds.iter().find(|feed| feed.addresses.contains(ip))
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_last_entry_that_no_proxy_added() {
        let proxies: AddressSet = ["10.9.0.0/16".parse().unwrap()].into_iter().collect();
        let unknown = ClusterProfile::default();
        let two = ClusterProfile { trusted_proxies: Some(2), ..ClusterProfile::default() };
        let known = ClusterProfile { proxies, ..ClusterProfile::default() };
        let aks = ClusterProfile { provider: Provider::Aks, ..ClusterProfile::default() };
        let direct = ClusterProfile { trusted_proxies: Some(0), ..aks.clone() };
        for (profile, chain, client) in [
            (&unknown, &["1.1.1.1", "198.51.100.9"][..], Some("198.51.100.9")),
            (&two, &["1.1.1.1", "198.51.100.9", "10.0.0.1", "10.0.0.2"], Some("198.51.100.9")),
            (&two, &["198.51.100.9", "10.0.0.2"], Some("198.51.100.9")),
            (&known, &["1.1.1.1", "198.51.100.9", "10.9.0.1", "10.9.3.2"], Some("198.51.100.9")),
            (&known, &["10.9.0.1"], Some("10.9.0.1")),
            (&aks, &["1.1.1.1", "198.51.100.9", "10.244.0.3"], Some("198.51.100.9")),
            (&aks, &["198.51.100.9"], Some("198.51.100.9")),
            (&direct, &["198.51.100.9", "10.244.0.3"], Some("10.244.0.3")),
            (&unknown, &[" ::ffff:198.51.100.9 "], Some("198.51.100.9")),
            (&unknown, &["unix"], None),
            (&unknown, &[], None),
        ] {
            let found = profile.client_address(chain).map(|ip| ip.to_string());
            assert_eq!(found.as_deref(), client, "{chain:?}");
        }
    }

    #[test]
    fn a_cluster_may_name_namespaces_and_addresses_of_its_own() {
        let profile = ClusterProfile {
            system_namespaces: vec!["cilium".to_owned()],
            sensitive_namespaces: vec!["payments".to_owned()],
            egress: ["203.0.113.0/28".parse().unwrap()].into_iter().collect(),
            ..ClusterProfile::default()
        };
        assert!(
            profile.is_system_namespace("cilium") && profile.is_system_namespace("kube-system")
        );
        assert!(!profile.is_system_namespace("payments"));
        for name in ["payments", "cilium", "vault"] {
            assert!(profile.is_sensitive_namespace(name), "{name}");
        }
        assert!(!profile.is_sensitive_namespace("shop"));
        for (ip, foreign) in [("203.0.113.9", false), ("203.0.113.99", true), ("10.0.0.1", false)] {
            assert_eq!(profile.is_foreign(ip.parse().unwrap()), foreign, "{ip}");
        }
        assert_eq!(ClusterProfile::unknown(), &ClusterProfile::default());
    }
}
