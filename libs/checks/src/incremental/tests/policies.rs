//! Network policies of the small worlds: of Cilium, of Calico, of the cluster administrator, and unread ones.

use airside_k8s::{Value, json};

use super::world::{ACCOUNTS, Choices, labels, selector};

/// These policies and what they are about: workloads, accounts, namespaces, Kubernetes' own policies.
pub(super) const KINDS: [u8; 12] = [0, 1, 2, 4, 7, 10, 33, 41, 42, 43, 44, 45];

/// The policy of a kind that the choices make.
pub(super) fn body(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    match kind {
        33 | 40 => cilium(choices),
        41 | 42 => calico(choices),
        43 => administrator(choices),
        44 => {
            let spec = json!({
                "order": choices.of(&[1, 2]), "defaultAction": choices.of(&["Pass", "Deny"]),
            });
            ("projectcalico.org/v3", "Tier", json!({ "spec": spec }))
        }
        _ => match choices.number() % 4 {
            0 => ("crd.antrea.io/v1beta1", "NetworkPolicy", json!({ "spec": {} })),
            1 => ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", json!({ "spec": {} })),
            _ => {
                let kind = choices.of(&["NetworkSet", "GlobalNetworkSet"]);
                let (labels, nets) = (labels(choices), choices.of(&["0.0.0.0/0", "192.0.2.0/24"]));
                let set = json!({ "metadata": { "labels": labels }, "spec": { "nets": [nets] } });
                ("projectcalico.org/v3", kind, set)
            }
        },
    }
}

fn cilium(choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    let kind = choices.of(&["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"]);
    let subject = match choices.number() % 5 {
        0 => json!({ "matchLabels": { "io.cilium.k8s.namespace.labels.team": "a" } }),
        1 => json!({ "matchLabels": { "k8s:app": "web" } }),
        _ => selector(choices),
    };
    let mut spec = json!({ "endpointSelector": subject });
    match choices.number() % 6 {
        0 => spec["ingress"] = json!([{ "fromEntities": ["world"] }]),
        1 => spec["ingress"] = json!([{ "fromEndpoints": [selector(choices)] }]),
        2 => spec["egress"] = json!([{ "toFQDNs": [{ "matchName": "a.test" }] }]),
        3 => {
            let dns = json!({ "ports": [{ "port": "53" }], "rules": { "dns": [{}] } });
            spec["egress"] = json!([{ "toEntities": ["all"], "toPorts": [dns] }]);
        }
        4 => spec["ingressDeny"] = json!([{ "fromEntities": ["all"] }]),
        _ => spec["egress"] = json!([{ "toEntities": ["all"] }]),
    }
    ("cilium.io/v2", kind, json!({ "spec": spec }))
}

fn calico(choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    let kind = choices.of(&["NetworkPolicy", "GlobalNetworkPolicy"]);
    let texts = ["all()", "app == 'web'", "has(tier)", "app == 'db'"];
    let action = choices.of(&["Allow", "Deny", "Pass"]);
    let rule = match choices.number() % 4 {
        0 => json!({ "action": action }),
        1 => json!({ "action": action, "source": { "selector": choices.of(&texts) } }),
        2 => json!({ "action": action, "destination": { "nets": ["0.0.0.0/0"] } }),
        _ => {
            let accounts = json!({ "names": [choices.of(&ACCOUNTS)] });
            json!({ "action": action, "source": { "serviceAccounts": accounts } })
        }
    };
    let direction = choices.of(&["ingress", "egress"]);
    let mut spec = json!({ "selector": choices.of(&texts), direction: [rule] });
    match choices.number() % 4 {
        0 => spec["tier"] = json!(choices.of(&["web", "db"])),
        1 => spec["namespaceSelector"] = json!("team == 'a'"),
        2 => spec["serviceAccountSelector"] = json!("app == 'web'"),
        _ => {}
    }
    let version = choices.of(&["projectcalico.org/v3", "crd.projectcalico.org/v1"]);
    (version, kind, json!({ "spec": spec }))
}

fn administrator(choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    let kind = choices.of(&["AdminNetworkPolicy", "BaselineAdminNetworkPolicy"]);
    let namespaces = match choices.chance() {
        true => json!({}),
        false => json!({ "matchLabels": { "team": "a" } }),
    };
    let subject = match choices.chance() {
        true => json!({ "namespaces": namespaces }),
        false => {
            let pods = selector(choices);
            json!({ "pods": { "namespaceSelector": namespaces, "podSelector": pods } })
        }
    };
    let action = choices.of(&["Allow", "Deny", "Pass"]);
    let (direction, end) = choices.of(&[("ingress", "from"), ("egress", "to")]);
    let rule = json!({ "action": action, end: [{ "namespaces": {} }] });
    let spec = json!({ "priority": choices.of(&[1, 2]), "subject": subject, direction: [rule] });
    ("policy.networking.k8s.io/v1alpha1", kind, json!({ "spec": spec }))
}
