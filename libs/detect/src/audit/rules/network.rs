//! Ways in, out and around: services, ingresses, network policies, endpoints, and configuration that points
//! elsewhere.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use airside_checks::{Category, ObjectChecks};
use airside_k8s::{Object, Value};
use airside_types::attack::technique;
use airside_types::{Entity, Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::request::Request;
use super::words::did;
use super::{CREATE, DELETE, Definition, Ended, Firing, On, WRITE};
use crate::address::public_host_of;
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE, WEAK};

/// Policies of the network, of Kubernetes and of those that carry it.
pub(super) const POLICIES: &[&str] = &[
    "networkpolicies.networking.k8s.io",
    "adminnetworkpolicies.policy.networking.k8s.io",
    "baselineadminnetworkpolicies.policy.networking.k8s.io",
    "clusternetworkpolicies.policy.networking.k8s.io",
    "ciliumnetworkpolicies.cilium.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
    "networkpolicies.crd.projectcalico.org",
    "globalnetworkpolicies.crd.projectcalico.org",
    "networkpolicies.projectcalico.org",
    "globalnetworkpolicies.projectcalico.org",
];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R76",
            version: 1,
            title: "Network policy deleted",
            why: "What it kept apart can reach each other now.",
            next: "Put it back; look at the flows of the pods that it selected since then.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.004")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"networkpolicies","namespace":"shop","name":"deny-all"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"deletecollection","user":{"username":"system:serviceaccount:kube-system:namespace-controller"},"objectRef":{"resource":"networkpolicies","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(DELETE, POLICIES),
        ended: Ended::Done,
        when: |request| {
            let upkeep = request.is_by_program();
            (!request.is_by_trusted_system()).then(|| {
                Firing::new(did(request))
                    .at(if upkeep { Severity::Low } else { Severity::Medium })
                    .with("objectRef.name", request.name())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R77",
            version: 1,
            title: "Service opened on every node",
            why: "A NodePort listens on every address of every node, whatever stands before the cluster.",
            next: "See who can reach the nodes, and whether what listens asks who comes.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::InitialAccess,
            techniques: &[technique("T1133")],
            equivalents: &[
                "falco:Create NodePort Service",
                "elastic:Kubernetes Exposed Service Created With Type NodePort",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"web"},"requestObject":{"spec":{"type":"NodePort"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"web"},"requestObject":{"spec":{"type":"ClusterIP"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["services"]),
        ended: Ended::Done,
        when: |request| {
            let kind = text(at(request.body(), &["spec"]), "type");
            let counts = kind == "NodePort" && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!(
                    "opened service {}/{} on every node",
                    request.namespace(),
                    request.name()
                ))
                .with("requestObject.spec.type", kind)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R77-external-ip",
            version: 1,
            title: "Service takes over addresses",
            why: "Traffic of the cluster to these addresses goes to the service's pods instead (CVE-2020-8554).",
            next: "Look whose addresses these are, and which pods sent traffic there since.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"web"},"requestObject":{"spec":{"externalIPs":["192.0.2.10"]}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"web"},"requestObject":{"spec":{"externalIPs":[]}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, &["services"]),
        ended: Ended::Done,
        when: |request| {
            let spec = at(request.body(), &["spec"]);
            let addresses = texts(spec, "externalIPs").collect::<Vec<_>>().join(", ");
            let counts = !addresses.is_empty() && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!(
                    "gave service {}/{} the addresses {addresses}",
                    request.namespace(),
                    request.name()
                ))
                .with("requestObject.spec.externalIPs", &addresses)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R77-ingress",
            version: 1,
            title: "Ingress without TLS created",
            why: "What passes, passwords too, can be read and changed on its way.",
            next: "Add TLS, and see whether passwords or sessions went over it.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::InitialAccess,
            techniques: &[technique("T1133"), technique("T1557")],
            equivalents: &["panther:Kubernetes.Ingress.NoTLS"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"ingresses","namespace":"shop","name":"web"},"requestObject":{"spec":{"rules":[{"host":"shop.example"}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"ingresses","namespace":"shop","name":"web"},"requestObject":{"spec":{"tls":[{"hosts":["shop.example"]}],"rules":[{"host":"shop.example"}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["ingresses.networking.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let spec = at(request.body(), &["spec"]);
            let counts = spec.is_object()
                && items(spec, "tls").is_empty()
                && !request.is_in_system_namespace();
            counts.then(|| {
                Firing::new(format!(
                    "created ingress {}/{} without TLS",
                    request.namespace(),
                    request.name()
                ))
                .with("requestObject.spec.tls", "none")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R91",
            version: 1,
            title: "Endpoints written by hand",
            why: "Endpoints say where a service's traffic goes; controllers write them, and a hand can send it elsewhere.",
            next: "Compare the addresses with the pods that the service selects; anything else gets the service's traffic.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"endpoints","namespace":"shop","name":"web"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"update","user":{"username":"system:serviceaccount:kube-system:endpoint-controller"},"objectRef":{"resource":"endpoints","namespace":"shop","name":"web"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, &["endpoints", "endpointslices.discovery.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            // A hand can hide behind a program's name; programs that do this all day are known soon.
            let metadata = "169.254.169.254";
            let severity = match (request.client().is_by_hand(), request.actor().is_workload()) {
                _ if request.is_by_trusted_system() => return None,
                // Whoever asks the service is given what the node's cloud gives.
                _ if addresses(request).any(|it| it == metadata) => Severity::High,
                (true, false) if addresses(request).any(is_public) => Severity::Medium,
                (true, true) => Severity::Medium,
                (true, false) => Severity::Low,
                (false, _) => Severity::Info,
            };
            Some(Firing::new(did(request)).at(severity).with("verb", request.verb()))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R94",
            version: 2,
            title: "Configuration points to a bare public address",
            why: "Services are configured by name; a bare address outside is where somebody listens in on what an application sends.",
            next: "Ask who owns the address; look at which pods read the configuration, and what they sent there.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1565"), technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"cart"},"requestObject":{"data":{"PAY_URL":"http://198.51.100.61:8080/charge"}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"cart"},"requestObject":{"data":{"PAY_URL":"http://api.payments:8080/charge"}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, &["configmaps"]),
        ended: Ended::Done,
        when: |request| {
            let (key, url, ip) = data(request).find_map(|(key, value)| {
                let mut urls =
                    value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '='));
                urls.find_map(|url| {
                    let ip = public_host_of(url).filter(|ip| !is_open_resolver(*ip))?;
                    Some((key, url, ip))
                })
            })?;
            Some(
                Firing::new(format!(
                    "pointed {key} of ConfigMap {}/{} to {ip}",
                    request.namespace(),
                    request.name()
                ))
                .with(&format!("requestObject.data.{key}"), url)
                .on(Entity::Address { ip: ip.to_string() }),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R94-change",
            version: 1,
            title: "ConfigMap changed by hand",
            why: "Pipelines change configuration; a person who does it directly leaves no trace in a repository.",
            next: "Compare with the version in the repository.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::Impact,
            techniques: &[technique("T1565")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"configmaps","namespace":"shop","name":"cart"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"ci"},"userAgent":"Helm/3.16.2","objectRef":{"resource":"configmaps","namespace":"shop","name":"cart"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(&["update", "patch", "delete"], &["configmaps"]),
        ended: Ended::Done,
        when: |request| {
            request
                .client()
                .is_by_hand()
                .then(|| Firing::new(did(request)).with("objectRef.name", request.name()))
        },
    },
];

/// Whether an address is of a name service that is open to everybody, which has to be named by its address.
fn is_open_resolver(ip: IpAddr) -> bool {
    const OPEN: [IpAddr; 8] = [
        v4([1, 0, 0, 1]),
        v4([1, 1, 1, 1]),
        v4([8, 8, 4, 4]),
        v4([8, 8, 8, 8]),
        v4([9, 9, 9, 9]),
        v4([149, 112, 112, 112]),
        v4([208, 67, 220, 220]),
        v4([208, 67, 222, 222]),
    ];
    OPEN.contains(&ip)
}

const fn v4([a, b, c, d]: [u8; 4]) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// The addresses that Endpoints or an EndpointSlice name.
fn addresses<'v>(request: &'v Request<'_>) -> impl Iterator<Item = &'v str> {
    let body = request.body();
    let of_subsets = items(body, "subsets").iter().flat_map(|subset| items(subset, "addresses"));
    let of_slices = items(body, "endpoints").iter().flat_map(|it| items(it, "addresses"));
    let ips = of_subsets.map(|address| text(address, "ip"));
    ips.chain(of_slices.filter_map(Value::as_str)).take(MAX_ENTRIES)
}

fn is_public(address: &str) -> bool {
    public_host_of(&format!("http://{address}")).is_some()
}

/// How many entries of a ConfigMap are looked at.
const MAX_ENTRIES: usize = 200;

/// The entries of a ConfigMap that a request sets.
fn data<'v>(request: &'v Request<'_>) -> impl Iterator<Item = (&'v str, &'v str)> {
    at(request.body(), &["data"])
        .as_object()
        .into_iter()
        .flatten()
        .take(MAX_ENTRIES)
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
}

/// The scanner's checks on credentials.
static CREDENTIALS: LazyLock<ObjectChecks> =
    LazyLock::new(|| ObjectChecks::of(|check| check.category == Category::Secrets));

/// Fires for a ConfigMap in which the scanner's search finds a credential.
pub(super) fn credentials_in_config(request: &Request<'_>) -> Option<Firing> {
    let body = request.body();
    let parts = ["data", "binaryData"].into_iter().filter_map(|part| Some((part, body.get(part)?)));
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() || request.is_by_trusted_system() {
        return None;
    }
    let found = request.judged_by_name("credentials", || {
        let names = ["name", "namespace"].into_iter().zip([request.name(), request.namespace()]);
        let metadata = Value::Object(names.collect());
        let parts = parts.iter().map(|(part, value)| (*part, (*value).clone()));
        let map = Value::Object(parts.chain([("metadata", metadata)]).collect());
        let map = Object::as_kind(&map, "", "v1", "ConfigMap");
        map.map(|map| CREDENTIALS.failures(&map)).unwrap_or_default()
    });
    let place = format!("{}/{}", request.namespace(), request.name());
    let Some(first) = found.first() else {
        // The search knows words that stand for a credential; somebody may use them for one all the same.
        let (key, name) = data(request)
            .find_map(|(key, text)| Some((key, text.lines().find_map(named_credential)?)))?;
        return Some(
            Firing::new(format!("gave {name} a value in ConfigMap {place}"))
                .at(Severity::Info)
                .with(&format!("requestObject.data.{key}"), name),
        );
    };
    let firing = Firing::new(format!("put credentials into ConfigMap {place}: {}", first.message));
    Some(found.iter().fold(firing, |firing, failure| {
        firing.with(&format!("requestObject.{}", failure.field), &failure.message)
    }))
}

/// The name in a line that gives a value to what has the name of a credential.
fn named_credential(line: &str) -> Option<&str> {
    const WORDS: [&str; 6] = [
        "password",
        "passwd",
        "access_key_id",
        "secret_access_key",
        "private_key",
        "client_secret",
    ];
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let lower = name.to_ascii_lowercase();
    let is_reference = value.starts_with(['$', '{', '<', '/', '%']);
    let is_named = name.len() <= 60 && WORDS.iter().any(|word| lower.ends_with(word));
    let is_value = !value.is_empty() && !is_reference && !value.contains(' ');
    (is_named && is_value && !matches!(value, "true" | "false" | "null" | "none")).then_some(name)
}
