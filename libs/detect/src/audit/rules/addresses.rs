//! Where requests come from: addresses that somebody warns of, and the internet for those who live inside.

use airside_types::attack::technique;
use airside_types::{Entity, Severity, Source, Tactic};

use super::super::actor::Actor;
use super::super::request::Request;
use super::super::sign::Sign;
use super::super::{enrichment, machinery};
use super::words::asked;
use super::{Definition, Ended, Firing, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R83",
            version: 1,
            title: "Request from an address that somebody warns of",
            why: "Administrators do not come through Tor or from machines that attack others; who does hides where they are.",
            next: "Look at everything else that this address and this identity asked for, and replace the identity's credentials unless its owner explains the way.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CommandAndControl,
            techniques: &[technique("T1090.003")],
            equivalents: &["panther:Kubernetes.API.IOC.Activity"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"dana"},"sourceIPs":["198.51.100.9"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200},"p_enrichment":{"tor_exit_nodes":["198.51.100.9"]}}"#,
                quiet: r#"{"verb":"list","user":{"username":"dana"},"sourceIPs":["198.51.100.9","203.0.113.4"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200},"p_enrichment":{"tor_exit_nodes":["198.51.100.9"]}}"#,
            }),
        },
        on: On::Signs(&[Sign::Public]),
        ended: Ended::Either,
        when: |request| {
            let ip = request.source_address()?;
            let by_envelope = request
                .event()
                .enrichment
                .is_some_and(|enrichment| enrichment::is_tor_exit(enrichment, ip))
                .then_some("exit nodes of Tor");
            let by_feed = || request.profile().feed_with(ip).map(|feed| feed.name.as_str());
            let list = by_envelope.or_else(by_feed)?;
            Some(
                Firing::new(format!(
                    "asked to {} from an address of the list {list}",
                    asked(request)
                ))
                .with("sourceIPs", &ip.to_string())
                .on(Entity::Address { ip: ip.to_string() }),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R84",
            version: 1,
            title: "Identity of the cluster itself used from the internet",
            why: "Nodes, controllers and the pods of the system namespaces speak from inside; from outside speaks somebody who took the credential along, or a node with a public address that nobody has named.",
            next: "Ask whose address it is. Name the addresses of nodes and gateways in the cluster's profile, so that what is left is foreign; replace the credential otherwise.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::InitialAccess,
            techniques: &[technique("T1078")],
            equivalents: &["panther:Amazon.EKS.Audit.SystemNamespaceFromPublicIP"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"list","user":{"username":"system:serviceaccount:kube-system:coredns"},"userAgent":"coredns/1.11","sourceIPs":["198.51.100.9"],"objectRef":{"resource":"services"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"list","user":{"username":"system:serviceaccount:kube-system:coredns"},"userAgent":"coredns/1.11","sourceIPs":["10.0.27.115"],"objectRef":{"resource":"services"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::Public]),
        ended: Ended::Done,
        when: of_cluster_itself,
    },
];

/// A watch is told when it ends, as it ends within minutes and tells nothing before.
fn of_cluster_itself(request: &Request<'_>) -> Option<Firing> {
    let event = request.event();
    if request.verb() == "watch" && event.stage == "ResponseStarted" {
        return None;
    }
    let ip = request.source_address()?;
    let of_cloud = || event.enrichment.is_some_and(|known| enrichment::is_of_cloud(known, ip));
    let usual = match request.actor() {
        // A node may have an address of its provider's.
        Actor::Node(_) if of_cloud() => return None,
        Actor::Node(_) => Severity::Info,
        Actor::ServiceAccount { namespace, .. }
            if request.profile().is_system_namespace(namespace) =>
        {
            Severity::Low
        }
        // A provider's components run at the provider.
        Actor::Component(name) if machinery::provider_of(name).is_none() => Severity::Medium,
        _ => return None,
    };
    let profile = request.profile();
    let says_where_nodes_are = !profile.nodes.is_empty() || !profile.egress.is_empty();
    let severity =
        if says_where_nodes_are || request.client().is_by_hand() { Severity::High } else { usual };
    Some(
        Firing::new(format!("asked to {} from outside", asked(request)))
            .at(severity)
            .with("sourceIPs", &ip.to_string()),
    )
}
