//! The semantics of the cluster administrator's policies.

use super::world::{Question, expect};
use super::*;

use Answer::{No, Unknown, Yes};
use Question::{ToAddress, ToDb};

fn of_kind(version: &str, kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: policy.networking.k8s.io/{version}\nkind: {kind}\n\
         metadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

fn admin(priority: u32, rules: &str) -> String {
    let spec = format!("priority: {priority}, subject: {{namespaces: {{}}}}, {rules}");
    of_kind("v1alpha1", "AdminNetworkPolicy", &format!("a{priority}"), &spec)
}

fn baseline(rules: &str) -> String {
    let spec = format!("subject: {{namespaces: {{}}}}, {rules}");
    of_kind("v1alpha1", "BaselineAdminNetworkPolicy", "default", &spec)
}

fn cluster(tier: &str, rules: &str) -> String {
    let spec = format!("tier: {tier}, priority: 10, subject: {{namespaces: {{}}}}, {rules}");
    of_kind("v1alpha2", "ClusterNetworkPolicy", "c", &spec)
}

fn ingress(action: &str) -> String {
    format!("ingress: [{{action: {action}, from: [{{namespaces: {{}}}}]}}]")
}

const CLOSED: &str = "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: data}
spec: {podSelector: {}}
";

#[test]
fn the_administrator_decides_before_and_after_the_others() {
    let any = ToDb(None);
    let open = CLOSED.replace("podSelector: {}", "podSelector: {}, ingress: [{}]");
    expect(&[
        ("denies", admin(1, &ingress("Deny")), any, No),
        ("denies what a policy lets in", admin(1, &ingress("Deny")) + &open, any, No),
        ("lets in what a policy does not", admin(1, &ingress("Allow")) + CLOSED, any, Yes),
        ("passes on", admin(1, &ingress("Pass")) + CLOSED, any, No),
        (
            "the lower number is first",
            admin(1, &ingress("Pass")) + &admin(2, &ingress("Deny")),
            any,
            Yes,
        ),
        (
            "among equals the order is not defined",
            admin(1, &ingress("Allow")) + &admin(1, &ingress("Deny")),
            any,
            Unknown,
        ),
        (
            "among equals that agree it does not matter",
            admin(1, &ingress("Deny")) + &admin(1, &ingress("Deny")),
            any,
            No,
        ),
        (
            "what no rule names is left to others",
            admin(1, "egress: [{action: Deny, to: [{nodes: {}}]}]"),
            any,
            Yes,
        ),
        ("the baseline is last", baseline(&ingress("Deny")), any, No),
        ("and not asked where a policy decides", baseline(&ingress("Deny")) + &open, any, Yes),
        ("the baseline lets in only what is left", baseline(&ingress("Allow")) + CLOSED, any, No),
        ("the newer kind, first", cluster("Admin", &ingress("Accept")) + CLOSED, any, Yes),
        ("the newer kind, last", cluster("Baseline", &ingress("Deny")) + &open, any, Yes),
        ("the newer kind's end", cluster("Baseline", &ingress("Deny")), any, No),
    ]);
}

#[test]
fn peers_and_ports_narrow() {
    let any = ToDb(None);
    let deny = |peer: &str| admin(1, &format!("ingress: [{{action: Deny, from: [{peer}]}}]"));
    let ports = |ports: &str| {
        admin(
            1,
            &format!("ingress: [{{action: Deny, from: [{{namespaces: {{}}}}], ports: [{ports}]}}]"),
        )
    };
    let to = |peer: &str| admin(1, &format!("egress: [{{action: Deny, to: [{peer}]}}]"));
    expect(&[
        ("by namespace", deny("{namespaces: {matchLabels: {team: a}}}"), any, No),
        ("not by another", deny("{namespaces: {matchLabels: {team: b}}}"), any, Yes),
        (
            "by pod",
            deny("{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}"),
            any,
            No,
        ),
        ("what is not known is denied to all", deny("{sameLabels: [a]}"), any, No),
        (
            "and lets nobody in",
            admin(1, "ingress: [{action: Allow, from: [{sameLabels: [a]}]}]") + CLOSED,
            any,
            No,
        ),
        ("a number", ports("{portNumber: {port: 5432, protocol: TCP}}"), ToDb(Some(5432)), No),
        ("another", ports("{portNumber: {port: 5432, protocol: TCP}}"), ToDb(Some(80)), Yes),
        ("a range", ports("{portRange: {start: 5000, end: 6000}}"), ToDb(Some(5432)), No),
        ("a name", ports("{namedPort: pg}"), ToDb(Some(5432)), No),
        (
            "the newer kind's",
            cluster(
                "Admin",
                "ingress: [{action: Deny, from: [{namespaces: {}}], \
                 protocols: [{tcp: {destinationPort: {range: {start: 1, end: 99}}}}]}]",
            ),
            ToDb(Some(80)),
            No,
        ),
        ("networks", to("{networks: [169.254.0.0/16]}"), ToAddress("169.254.169.254"), No),
        ("networks hold pods too", to("{networks: [0.0.0.0/0]}"), any, No),
        ("or may", to("{networks: [10.0.0.0/8]}"), any, Unknown),
        ("nodes are no pods", to("{nodes: {}}"), any, Yes),
        ("names", to("{domainNames: [a.example]}"), ToAddress("8.8.8.8"), Unknown),
        (
            "the subject's namespace is not known",
            admin(1, &ingress("Deny")).replace(
                "subject: {namespaces: {}}",
                "subject: {namespaces: {matchLabels: {a: b}}}",
            ),
            any,
            Unknown,
        ),
    ]);
}
