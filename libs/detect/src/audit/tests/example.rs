//! A line of a file of examples: an event, what is known of its cluster, and what rules have to say of it.
//!
//! The program of `cargo mutation rules` takes this file in as well, so that both read the same.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{AddressFeed, ClusterProfile, Detection, Provider};

/// All rules under `fires` fire on the event, none of those under `quiet` does, what a rule says has the words, and it
/// has the severity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example<'a> {
    #[serde(default, borrow)]
    pub(super) fires: Vec<&'a str>,
    #[serde(default, borrow)]
    pub(super) quiet: Vec<&'a str>,
    #[serde(default)]
    pub(super) says: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) weighs: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) profile: Known,
    /// Why it is worth an example.
    #[serde(rename = "why")]
    _why: String,
    /// It may hold what no tree of JSON can.
    #[serde(borrow)]
    pub(super) event: &'a RawValue,
}

/// What is known of the cluster; nothing where it is left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Known {
    provider: String,
    trusted_proxies: Option<usize>,
    proxies: Vec<String>,
    nodes: Vec<String>,
    egress: Vec<String>,
    /// The addresses of one feed, which is called `scanners`.
    feed: Vec<String>,
    system_namespaces: Vec<String>,
    sensitive_namespaces: Vec<String>,
}

impl Known {
    pub(super) fn profile(&self) -> ClusterProfile {
        let addresses =
            |given: &[String]| given.iter().map(|it| it.parse().expect("addresses")).collect();
        let feed = AddressFeed { name: "scanners".to_owned(), addresses: addresses(&self.feed) };
        ClusterProfile {
            provider: match self.provider.as_str() {
                "" => Provider::Unknown,
                "own" => Provider::OwnOperators,
                "eks" => Provider::Eks,
                "gke" => Provider::Gke,
                "aks" => Provider::Aks,
                other => panic!("{other} is no provider"),
            },
            trusted_proxies: self.trusted_proxies,
            proxies: addresses(&self.proxies),
            nodes: addresses(&self.nodes),
            egress: addresses(&self.egress),
            feeds: if self.feed.is_empty() { Vec::new() } else { vec![feed] },
            system_namespaces: self.system_namespaces.clone(),
            sensitive_namespaces: self.sensitive_namespaces.clone(),
            ..ClusterProfile::default()
        }
    }
}

/// Whether a detection says some words: in its message, as `name=value` by what made it fire, or by an entity that it
/// links.
pub(super) fn says(detection: &Detection, words: &str) -> bool {
    let by_value = |name: &str, value: &str| format!("{name}={value}").contains(words);
    detection.message.contains(words)
        || detection.values.iter().any(|it| by_value(&it.name, &it.value))
        || detection.links.iter().any(|it| it.entity.to_string().contains(words))
}
