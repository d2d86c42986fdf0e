//! What is opened: services for the outside, addresses that are taken over, consoles, and policies of the
//! network that let everything through.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::request::Request;
use super::hands::Hands;
use super::network::POLICIES;
use super::{Definition, Ended, Firing, MODIFY, On, WRITE};
use crate::address::AddressSet;
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R76-open",
            version: 2,
            title: "Network policy lets everything through",
            why: "A rule without peers or ports is no rule: what the policy kept apart can reach each other, or the internet, now.",
            next: "Compare the policy with its version in the repository; look at the flows of the pods that it selects since then.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.004")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"networkpolicies","apiGroup":"networking.k8s.io","namespace":"shop","name":"deny-all"},"requestObject":{"spec":{"ingress":[{}]}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"networkpolicies","apiGroup":"networking.k8s.io","namespace":"shop","name":"deny-all"},"requestObject":{"spec":{"ingress":[{"from":[{"podSelector":{}}]}]}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, POLICIES),
        ended: Ended::Done,
        when: opened_policy,
    },
    Definition {
        rule: Rule {
            id: "AUD-R77-load-balancer",
            version: 1,
            title: "Service opened to the outside",
            why: "A load balancer gives the service an address outside of the cluster, often one of the internet.",
            next: "See whether the address is one of the internet, who may reach it, and whether what listens there asks who comes.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::InitialAccess,
            techniques: &[technique("T1133")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"web"},"requestObject":{"spec":{"type":"LoadBalancer"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"web"},"requestObject":{"metadata":{"annotations":{"service.beta.kubernetes.io/aws-load-balancer-internal":"true"}},"spec":{"type":"LoadBalancer"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["services"]),
        ended: Ended::Done,
        when: |request| {
            let spec = at(request.body(), &["spec"]);
            let counts = text(spec, "type") == "LoadBalancer"
                && !is_internal(request.body())
                && !request.is_by_trusted_system();
            let by_hand = request.is_workload_by_hand();
            let ranges = items(spec, "loadBalancerSourceRanges");
            counts.then(|| {
                let severity = match () {
                    () if by_hand => Severity::Medium,
                    () if ranges.is_empty() => Severity::Low,
                    () => Severity::Info,
                };
                Firing::new(format!("opened service {} to the outside", place(request)))
                    .at(severity)
                    .with("requestObject.spec.type", "LoadBalancer")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R77-status",
            version: 1,
            title: "Address of a load balancer set by hand",
            why: "Traffic of the cluster to these addresses goes to the service's pods instead (CVE-2020-8554).",
            next: "Look whose addresses these are and what was sent there since; take away the right to write services/status.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"services","subresource":"status","namespace":"shop","name":"web"},"requestObject":{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.10"}]}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"services","subresource":"status","namespace":"shop","name":"web"},"requestObject":{"status":{"conditions":[]}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(MODIFY, &["services/status"]),
        ended: Ended::Done,
        when: |request| {
            let ingress = items(at(request.body(), &["status", "loadBalancer"]), "ingress");
            let addresses: Vec<&str> = ingress.iter().map(|it| text(it, "ip")).collect();
            let given = addresses.iter().any(|ip| !ip.is_empty());
            // Controllers of load balancers do this; a person's tool does not.
            let upkeep = request.is_by_program();
            (given && !request.is_by_trusted_system()).then(|| {
                let addresses = addresses.join(", ");
                Firing::new(format!("gave service {} the addresses {addresses}", place(request)))
                    .at(if upkeep { Severity::Info } else { Severity::High })
                    .with("requestObject.status.loadBalancer.ingress", &addresses)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R77-name",
            version: 1,
            title: "Service leads to a name outside",
            why: "Programs that trust the service's name talk to whatever stands behind the name outside, with no change of their own.",
            next: "Ask who owns the name outside, and which pods use the service.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"db"},"requestObject":{"spec":{"type":"ExternalName","externalName":"db.attacker.example"}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"db"},"requestObject":{"spec":{"type":"ExternalName","externalName":"db.payments.svc.cluster.local"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["services"]),
        ended: Ended::Done,
        when: |request| {
            let name = text(at(request.body(), &["spec"]), "externalName").trim_end_matches('.');
            let inside = name.ends_with(".svc") || name.ends_with(".cluster.local");
            let counts = !name.is_empty() && !inside && !request.is_by_trusted_system();
            // A service that there was before had clients before.
            let severity =
                if MODIFY.contains(&request.verb()) { Severity::Medium } else { Severity::Low };
            counts.then(|| {
                Firing::new(format!("led service {} to {name}", place(request)))
                    .at(severity)
                    .with("requestObject.spec.externalName", name)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R78",
            version: 1,
            title: "Console of the cluster opened to the outside",
            why: "Whoever reaches a console works with its service account, and many ask for no password.",
            next: "Close it, then look at what the console's service account did since it was open.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::InitialAccess,
            techniques: &[technique("T1133")],
            equivalents: &["guardduty:Policy:Kubernetes/ExposedDashboard"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"kubernetes-dashboard","name":"open"},"requestObject":{"spec":{"type":"LoadBalancer","selector":{"k8s-app":"kubernetes-dashboard"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"kubernetes-dashboard","name":"open"},"requestObject":{"spec":{"type":"ClusterIP","selector":{"k8s-app":"kubernetes-dashboard"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["services", "ingresses.networking.k8s.io"]),
        ended: Ended::Done,
        when: console_opened,
    },
];

fn place(request: &Request<'_>) -> String {
    format!("{}/{}", request.namespace(), request.name())
}

/// Whether a load balancer is asked for that only the provider's network reaches.
fn is_internal(service: &Value) -> bool {
    const INTERNAL: [(&str, &str); 6] = [
        ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
        ("networking.gke.io/load-balancer-type", "Internal"),
        ("cloud.google.com/load-balancer-type", "Internal"),
        ("service.beta.kubernetes.io/oci-load-balancer-internal", "true"),
    ];
    let annotations = at(service, &["metadata", "annotations"]);
    INTERNAL.iter().any(|(key, value)| text(annotations, key) == *value)
}

fn opened_policy(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let spec = at(request.body(), &["spec"]);
    let side = opened_side(request.body());
    // What a patch takes away of a policy lets through what it stopped, where nothing is put in its place.
    let change = request.change();
    let lost = ["policyTypes", "podSelector", "ingressDeny", "egressDeny"]
        .into_iter()
        .find(|field| change.removes(&["spec", field]));
    let (field, says) = match (side, lost) {
        (Some(side), _) => (side, "lets everything through"),
        (None, Some(field)) => (field, "removed"),
        (None, None) => return narrowed(request),
    };
    let is_usual = request.verb() == "create" || request.is_by_program();
    let outward = items(spec, "egress");
    let is_outward =
        side == Some("egress") && !outward.is_empty() && outward.iter().all(spares_inside);
    let severity = if is_usual || is_outward { Severity::Low } else { Severity::Medium };
    Some(
        Firing::new(format!("opened network policy {}", place(request)))
            .at(severity)
            .with(&format!("requestObject.spec.{field}"), says),
    )
}

/// The side on which a policy lets everything through. A rule that names nobody lets everybody; an empty list of rules lets
/// nobody.
fn opened_side(policy: &Value) -> Option<&'static str> {
    const SIDES: [&str; 4] = ["ingress", "egress", "ingressDeny", "egressDeny"];
    // Cilium's policies may have several of what others have one.
    let specs = || std::iter::once(at(policy, &["spec"])).chain(items(policy, "specs"));
    let opens = |side: &&str| {
        // Who is denied all is not let in.
        let lets_in = |rules: &[Value]| !side.ends_with("Deny") && let_all_through(rules);
        let rules = |spec| items(spec, side);
        specs().any(|spec| rules(spec).iter().any(names_nobody) || lets_in(rules(spec)))
    };
    SIDES.into_iter().find(opens)
}

/// Whether a rule has no peers and no ports.
fn names_nobody(rule: &Value) -> bool {
    let Some(fields) = rule.as_object() else { return false };
    // Calico says what a rule does, and nothing else, or of nobody, if it is for all.
    let is_nobody = |value: &Value| value.as_object().is_some_and(|it| it.is_empty());
    let mut others = fields.iter().filter(|(key, _)| *key != "action");
    let allows_all = text(rule, "action") == "Allow" && others.all(|(_, value)| is_nobody(value));
    let is_empty = |value: &Value| value.as_array().is_some_and(<[_]>::is_empty);
    allows_all || fields.iter().all(|(_, value)| is_empty(value))
}

/// What a policy is for is changed by hand: the pods, or the direction, that it had before are no longer kept apart.
fn narrowed(request: &Request<'_>) -> Option<Firing> {
    const FIELDS: [&str; 9] = [
        "enableDefaultDeny",
        "endpointSelector",
        "nodeSelector",
        "order",
        "podSelector",
        "policyTypes",
        "selector",
        "subject",
        "types",
    ];
    let counts = request.verb() == "patch" && !request.is_of_new_object();
    let hands = Hands { person: Severity::Low, program: Severity::Info };
    let severity = hands.unless_usual(request).filter(|_| counts && !request.applies_whole())?;
    let change = request.change();
    let lost = |field: &str| {
        let place = format!("spec.{field}");
        change.removed().iter().any(|it| it.as_str().starts_with(&place))
    };
    let spec = at(request.body(), &["spec"]);
    let field = FIELDS.into_iter().find(|field| spec.get(*field).is_some() || lost(field))?;
    let deed = format!("changed what network policy {} is for", place(request));
    Some(Firing::new(deed).at(severity).with("requestObject.spec", field))
}

/// Whether a rule lets out to the internet only: the private addresses are excepted.
fn spares_inside(rule: &Value) -> bool {
    const INSIDE: [&str; 3] = ["10.0.0.0", "172.16.0.0", "192.168.0.0"];
    let spares = |peer: &Value| {
        let block = at(peer, &["ipBlock"]);
        let excepted: AddressSet =
            texts(block, "except").filter_map(|it| it.parse().ok()).collect();
        INSIDE.iter().all(|it| it.parse().is_ok_and(|ip| excepted.contains(ip)))
    };
    let peers = items(rule, "to");
    !peers.is_empty() && peers.iter().all(spares)
}

/// Whether the peers of a policy's rules together are every address there is, everything that Cilium knows, or every pod.
fn let_all_through(rules: &[Value]) -> bool {
    const ALL: [&str; 4] = ["all", "world", "world-ipv4", "world-ipv6"];
    // Rules of some kinds say what they do with what they name, and may say the opposite.
    let lets = |rule: &&Value| matches!(text(rule, "action"), "" | "Accept" | "Allow" | "Pass");
    let rules = rules.iter().filter(lets);
    let peers: Vec<_> = rules.clone().flat_map(peers_without_ports).collect();
    let addresses: AddressSet = peers.iter().filter_map(|peer| peer.parse().ok()).collect();
    let every_address = addresses.is_most_of_internet();
    every_address || peers.iter().any(|it| ALL.contains(it)) || rules.clone().any(lets_in_all_pods)
}

/// Addresses and entities that a rule names, if it lets them reach every port.
fn peers_without_ports(rule: &Value) -> impl Iterator<Item = &str> {
    const LISTS: [&str; 4] = ["fromCIDR", "toCIDR", "fromEntities", "toEntities"];
    let in_lists = ["from", "to"].into_iter().flat_map(|side| items(rule, side));
    let blocks = in_lists.clone().map(|peer| text(at(peer, &["ipBlock"]), "cidr"));
    // Of the policies of administrators.
    let networks = in_lists.flat_map(|peer| texts(peer, "networks"));
    let named = LISTS.into_iter().flat_map(|list| texts(rule, list));
    let sets = ["fromCIDRSet", "toCIDRSet"].into_iter().flat_map(|list| items(rule, list));
    // Calico's.
    let nets =
        ["source", "destination"].into_iter().flat_map(|side| texts(at(rule, &[side]), "nets"));
    let peers = blocks.chain(networks).chain(named).chain(nets);
    peers.chain(sets.map(|it| text(it, "cidr"))).filter(|_| !has_ports(rule))
}

/// Whether a rule lets in every pod of every namespace.
fn lets_in_all_pods(rule: &Value) -> bool {
    let is_all = |selector: Option<&Value>| {
        selector.and_then(Value::as_object).is_some_and(|it| it.is_empty())
    };
    let by_selectors = |peer: &Value| {
        let pods = peer.get("podSelector");
        is_all(peer.get("namespaceSelector")) && (pods.is_none() || is_all(pods))
    };
    let is_every_pod = |peer: &Value| {
        by_selectors(peer) || is_all(peer.get("namespaces")) || by_selectors(at(peer, &["pods"]))
    };
    let of_cilium = texts(rule, "fromEntities").any(|entity| entity == "cluster");
    !has_ports(rule) && (of_cilium || items(rule, "from").iter().any(is_every_pod))
}

fn has_ports(rule: &Value) -> bool {
    ["ports", "toPorts"].into_iter().any(|ports| !items(rule, ports).is_empty())
}

/// A service or ingress that leads to a console, by what it selects or by the name that it has or leads to.
fn console_opened(request: &Request<'_>) -> Option<Firing> {
    const CONSOLES: [&str; 10] = [
        "kubernetes-dashboard",
        "kubeflow",
        "centraldashboard",
        "argocd-server",
        "argo-server",
        "weave-scope",
        "kubeview",
        "headlamp",
        "rancher",
        "octant",
    ];
    if request.is_by_trusted_system() {
        return None;
    }
    let spec = at(request.body(), &["spec"]);
    let is_open = request.resource() == "ingresses"
        || matches!(text(spec, "type"), "NodePort" | "LoadBalancer")
            && !is_internal(request.body());
    let selected = at(spec, &["selector"]).as_object().into_iter().flatten();
    let selected = selected.filter_map(|(_, value)| value.as_str());
    let paths = items(spec, "rules").iter().flat_map(|rule| items(at(rule, &["http"]), "paths"));
    let backends = paths.map(|path| text(at(path, &["backend", "service"]), "name"));
    let shown = request.change().after().map(|after| at(after, &["spec", "selector"]));
    let shown = shown.and_then(Value::as_object).into_iter().flatten();
    let shown = shown.filter_map(|(_, value)| value.as_str());
    let names: Vec<&str> = selected.chain(backends).chain(shown).chain([request.name()]).collect();
    let is_named = |console: &&str| names.iter().any(|name| name.starts_with(*console));
    let console = CONSOLES.into_iter().find(|console| is_open && is_named(console))?;
    Some(
        Firing::new(format!("opened the console {console} by {}", place(request)))
            .with("console", console),
    )
}
