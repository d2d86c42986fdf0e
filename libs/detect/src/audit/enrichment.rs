//! What a log platform that passed an event on knows of its addresses, where the envelope brings it along.
//!
//! Platforms write this in shapes of their own: a list of a name, with the addresses that are on it somewhere
//! below. Only lists whose name is understood count, and only for the address that the API server saw.

use std::net::IpAddr;

use serde_json::Value;

use crate::json::RawJson;

/// How deep lists may lie.
const MAX_DEPTH: usize = 8;

/// Whether an enrichment lists an address as an exit of the Tor network.
pub(super) fn is_tor_exit(enrichment: RawJson<'_>, ip: IpAddr) -> bool {
    let is_tor = |name: &str| name.to_ascii_lowercase().starts_with("tor_exit");
    lists(enrichment).iter().any(|(name, list)| is_tor(name) && holds(list, ip, 0))
}

/// Whether an enrichment says that an address belongs to one of the providers of managed clusters.
pub(super) fn is_of_cloud(enrichment: RawJson<'_>, ip: IpAddr) -> bool {
    const IDS: [&str; 4] = ["amazon-aws", "google-gcp", "microsoft-azure", "google-gcp-ranges"];
    let names_cloud = |entry: &Value| {
        let lists = entry.get("warning_lists").and_then(Value::as_array);
        lists
            .into_iter()
            .flatten()
            .any(|list| list.get("id").and_then(Value::as_str).is_some_and(|id| IDS.contains(&id)))
    };
    let of_list = |list: &Value| {
        let fields = list.as_object().into_iter().flat_map(serde_json::Map::values);
        let entries = fields.filter_map(Value::as_array).flatten().cloned().collect::<Vec<_>>();
        entries.iter().any(|entry| {
            names_cloud(entry) && entry.get("p_match").is_some_and(|text| holds(text, ip, 0))
        })
    };
    lists(enrichment).iter().any(|(_, list)| of_list(list))
}

fn lists(enrichment: RawJson<'_>) -> serde_json::Map<String, Value> {
    serde_json::from_str(enrichment.get()).unwrap_or_default()
}

/// Whether an address stands somewhere in a value.
fn holds(value: &Value, ip: IpAddr, depth: usize) -> bool {
    match value {
        _ if depth > MAX_DEPTH => false,
        Value::String(text) => text.parse() == Ok(ip),
        Value::Array(items) => items.iter().any(|item| holds(item, ip, depth + 1)),
        Value::Object(fields) => fields.values().any(|field| holds(field, ip, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
