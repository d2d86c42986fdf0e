//! What rules make of what is known of a cluster.

use airside_types::{Cluster, Payload, Record, Severity, Tenant};

use super::super::event::Event;
use super::super::records;
use crate::profile::{AddressFeed, ClusterProfile};
use crate::{Clock, Intake};

/// The severity with which a rule fires in a cluster, if it does.
fn severity(rule: &str, text: &str, profile: &ClusterProfile) -> Option<Severity> {
    let (tenant, cluster, clock) = (Tenant::default(), Cluster::default(), Clock::Recorded);
    let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
    let of_rule = |record: Record| match record.payload {
        Payload::Detection(detection) if detection.rule == rule => Some(detection.severity),
        _ => None,
    };
    records(&Event::parse(text).unwrap(), &intake).into_iter().find_map(of_rule)
}

fn list(user: &str, chain: &str) -> String {
    format!(
        r#"{{"verb":"list","user":{{"username":"{user}"}},"userAgent":"web/1","sourceIPs":[{chain}],"objectRef":{{"resource":"pods","namespace":"shop"}},"responseStatus":{{"code":200}}}}"#
    )
}

#[test]
fn addresses_of_feeds_are_told_with_the_feed_s_name() {
    let feed = AddressFeed {
        name: "scanners".to_owned(),
        addresses: ["198.51.100.0/24".parse().unwrap()].into_iter().collect(),
    };
    let profile = ClusterProfile { feeds: vec![feed], ..ClusterProfile::default() };
    let from = |chain| severity("AUD-R83", &list("dana", chain), &profile);
    assert_eq!(from(r#""198.51.100.9""#), Some(Severity::High));
    assert_eq!(from(r#""198.51.101.9""#), None);
    assert_eq!(from(r#""198.51.100.9","203.0.113.4""#), None, "the client's own words");
}

#[test]
fn where_the_nodes_are_known_another_address_is_foreign() {
    let profile = ClusterProfile {
        nodes: ["203.0.113.0/28".parse().unwrap()].into_iter().collect(),
        ..ClusterProfile::default()
    };
    let from = |address: &str, profile| {
        severity("AUD-R84", &list("system:node:n1", &format!(r#""{address}""#)), profile)
    };
    assert_eq!(from("203.0.113.9", &profile), None);
    assert_eq!(from("198.51.100.9", &profile), Some(Severity::High));
    assert_eq!(from("198.51.100.9", ClusterProfile::unknown()), Some(Severity::Info));
}

#[test]
fn a_chain_longer_than_the_proxies_is_the_client_s_own() {
    let one = ClusterProfile { trusted_proxies: Some(1), ..ClusterProfile::default() };
    let told = |chain, profile| severity("AUD-R88", &list("dana", chain), profile).is_some();
    assert!(told(r#""192.0.2.1","198.51.100.9","10.0.0.2""#, &one));
    assert!(!told(r#""198.51.100.9","10.0.0.2""#, &one));
    let unknown = ClusterProfile::unknown();
    assert!(!told(r#""192.0.2.1","198.51.100.9","10.0.0.2""#, unknown), "nobody said how many");
    assert!(told(r#""127.0.0.1","198.51.100.9""#, unknown));
}

#[test]
fn a_cluster_s_own_namespaces_count_as_the_built_in_ones() {
    let profile = ClusterProfile {
        system_namespaces: vec!["platform".to_owned()],
        sensitive_namespaces: vec!["payments".to_owned()],
        ..ClusterProfile::default()
    };
    let account = r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"platform","name":"s"},"responseStatus":{"code":201}}"#;
    assert!(severity("AUD-R70", account, &profile).is_some());
    assert!(severity("AUD-R70", account, ClusterProfile::unknown()).is_none());
    let secrets = r#"{"verb":"list","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"secrets","namespace":"payments"},"responseStatus":{"code":200}}"#;
    assert_eq!(severity("AUD-R13", secrets, &profile), Some(Severity::Medium));
    assert_eq!(severity("AUD-R13", secrets, ClusterProfile::unknown()), Some(Severity::Low));
}

#[test]
fn what_anybody_may_read_is_worse_where_the_internet_may() {
    let from = |address: &str| {
        severity(
            "AUD-R01",
            &list("system:anonymous", &format!(r#""{address}""#)),
            ClusterProfile::unknown(),
        )
    };
    assert_eq!(from("10.0.0.9"), Some(Severity::Medium));
    assert_eq!(from("198.51.100.9"), Some(Severity::High));
}

#[test]
fn all_data_of_a_namespace_deleted_is_worse_than_what_a_repository_brings_back() {
    let deleted = |user: &str, resource: &str| {
        let event = format!(
            r#"{{"verb":"deletecollection","user":{{"username":"{user}"}},"userAgent":"operator/1","objectRef":{{"resource":"{resource}","namespace":"shop"}},"responseStatus":{{"code":200}}}}"#
        );
        severity("AUD-R80", &event, ClusterProfile::unknown())
    };
    assert_eq!(deleted("dana", "persistentvolumeclaims"), Some(Severity::High));
    assert_eq!(deleted("dana", "configmaps"), Some(Severity::Low));
    let operator = "system:serviceaccount:databases:operator";
    assert_eq!(deleted(operator, "persistentvolumeclaims"), Some(Severity::Low));
}
