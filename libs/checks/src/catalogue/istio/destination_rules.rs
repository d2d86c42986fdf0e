//! Checks on DestinationRules: the TLS that they ask for, and whether what they name exists.

use airside_k8s::fields::{down, maps, text};
use airside_k8s::graph::{DEFAULT_NAMESPACE, ServiceName, TlsMode, full_host, host_matches};
use airside_k8s::{Graph, Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{NETWORKING, PATCHED_LATER, is_patched_later, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "destination-rule-disables-tls",
        title: "DestinationRule turns TLS to its host off",
        why: "Callers speak plaintext to the host even where both sides could use mutual TLS: it can be read and changed on the way.",
        fix: "Remove the tls settings to let Istio use mutual TLS by itself, or set the mode to ISTIO_MUTUAL, or SIMPLE for hosts outside the mesh.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:istio/enforce-tls-hosts-host-subnets"],
        judge: Judge::Object(&[(NETWORKING, "DestinationRule")], disables_tls),
        fails: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web.example.com, trafficPolicy: {tls: {mode: DISABLE}}}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web.example.com, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
",
    },
    Check {
        id: "destination-rule-conflicts-with-strict",
        title: "DestinationRule speaks no mutual TLS to workloads that accept nothing else",
        why: "The workloads' PeerAuthentication is STRICT, so every connection by this rule is refused; the usual next step is to weaken the policy.",
        fix: "Set the rule's TLS mode to ISTIO_MUTUAL, or remove its tls settings.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["kiali:KIA0207", "kiali:KIA0208"],
        judge: Judge::Object(&[(NETWORKING, "DestinationRule")], conflicts_with_strict),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /ca.pem}}}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
",
    },
    Check {
        id: "destination-rule-trusts-any-server",
        title: "DestinationRule starts TLS without verifying the server",
        why: "Without caCertificates the proxy may accept whatever certificate the server shows: whoever is on the way can answer in its place.",
        fix: "Set caCertificates of the tls settings (system takes the operating system's authorities), or a credentialName with a workloadSelector.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["istio:IST0128"],
        judge: Judge::Object(&[(NETWORKING, "DestinationRule")], |rule, report| {
            trusts_any_server(rule, false, report);
        }),
        fails: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec: {host: db.example.com, trafficPolicy: {tls: {mode: SIMPLE}}}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec: {host: db.example.com, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: system}}}
",
    },
    Check {
        id: "destination-rule-port-trusts-any-server",
        title: "DestinationRule starts TLS on a port without verifying the server",
        why: "Without caCertificates the proxy may accept whatever certificate the server shows on that port: whoever is on the way can answer in its place.",
        fix: "Set caCertificates of the port's tls settings (system takes the operating system's authorities), or a credentialName with a workloadSelector.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["istio:IST0129"],
        judge: Judge::Object(&[(NETWORKING, "DestinationRule")], |rule, report| {
            trusts_any_server(rule, true, report);
        }),
        fails: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec: {host: db.example.com, trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]}}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec: {host: db.example.com, trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE, caCertificates: system}}]}}
",
    },
    Check {
        id: "destination-rule-unknown-host",
        title: "DestinationRule is for a host that does not exist",
        why: "No Service and no ServiceEntry has the host, so the rule's limits and TLS settings apply to nothing.",
        fix: "Correct the host; a short name is looked up in the rule's own namespace.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0174", "kiali:KIA0202"],
        judge: Judge::Object(&[(NETWORKING, "DestinationRule")], unknown_host),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: bank}
spec: {host: web}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: bank}
spec: {host: web.shop.svc.cluster.local}
",
    },
    Check {
        id: "destination-rule-subset-without-pods",
        title: "Subset of a DestinationRule selects no pods",
        why: "Requests that are routed to the subset are answered with an error.",
        fix: "Correct the subset's labels, or deploy pods that bear them.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0173", "kiali:KIA0203"],
        judge: Judge::Object(&[(NETWORKING, "DestinationRule")], subset_without_pods),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, version: v1}}
spec: {containers: [{name: web}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [{name: next, labels: {version: v2}}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, version: v1}}
spec: {containers: [{name: web}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [{name: now, labels: {version: v1}}]}
",
    },
];

/// The TLS settings of a rule, of its subsets and of their ports, with their path.
fn tls_settings<'a>(rule: &Whole<'a>) -> Vec<(FieldPath, &'a Map)> {
    let Some(spec) = spec_map(rule.object) else { return Vec::new() };
    let own =
        spec.get("trafficPolicy").map(|policy| (FieldPath::of(&["spec", "trafficPolicy"]), policy));
    let of_subsets = maps(spec, "subsets").filter_map(|(index, subset)| {
        let path = FieldPath::of(&["spec", "subsets"]).index(index).key("trafficPolicy");
        Some((path, subset.get("trafficPolicy")?))
    });
    let mut found = Vec::new();
    for (path, policy) in own.into_iter().chain(of_subsets) {
        found.extend(tls_of(policy, &path));
        found.extend(tls_of_ports(policy, &path));
    }
    found
}

fn tls_of<'a>(policy: &'a Value, path: &FieldPath) -> Option<(FieldPath, &'a Map)> {
    Some((path.key("tls"), policy.get("tls")?.as_object()?))
}

fn tls_of_ports<'a>(
    policy: &'a Value,
    path: &FieldPath,
) -> impl Iterator<Item = (FieldPath, &'a Map)> {
    let path = path.key("portLevelSettings");
    let ports = policy.as_object().into_iter().flat_map(|policy| maps(policy, "portLevelSettings"));
    ports.filter_map(move |(index, port)| {
        Some((path.index(index).key("tls"), port.get("tls")?.as_object()?))
    })
}

fn host<'a>(rule: &Whole<'a>) -> Option<&'a str> {
    rule.spec("host")?.as_str()
}

fn disables_tls(rule: &Whole<'_>, report: &mut Report<'_>) {
    let host = host(rule).unwrap_or_default();
    // The API server has no sidecar and speaks TLS by itself.
    if host.starts_with("kubernetes.default.svc") {
        return;
    }
    for (path, tls) in tls_settings(rule) {
        if text(tls, "mode") == Some("DISABLE") {
            report.fail(path.key("mode"), format!("callers speak plaintext to `{host}`"));
        }
    }
}

fn conflicts_with_strict(rule: &Whole<'_>, report: &mut Report<'_>) {
    let graph = rule.graph;
    let weak = tls_settings(rule).into_iter().filter_map(|(path, tls)| {
        let mode = text(tls, "mode").filter(|mode| *mode != "ISTIO_MUTUAL")?;
        Some((path, mode))
    });
    let Some(host) = host(rule) else { return };
    for (path, mode) in weak {
        if graph.is_single_object() {
            return report.undecided("the mode of mutual TLS is set by other objects");
        }
        let port = port_of(rule, &path);
        let mut services = services(rule, host).into_iter();
        if let Some(owner) = services.find_map(|service| strict_pods(graph, service, port)) {
            report.fail(
                path.key("mode"),
                format!("{owner} accepts mutual TLS only, and the rule speaks {mode} to it"),
            );
        }
    }
}

/// The port of a Service for which TLS settings are, where they are for one.
fn port_of(rule: &Whole<'_>, tls: &FieldPath) -> Option<i64> {
    let settings = rule.object.at(&tls.parent()?)?;
    down(settings, &["port", "number"])?.as_i64()
}

/// The Services that a rule's host means: one, or those whose full names its wildcard covers.
fn services<'a>(rule: &Whole<'a>, host: &str) -> Vec<&'a Object<'a>> {
    let (graph, namespace) = (rule.graph, rule.object.namespace());
    if !host.starts_with('*') {
        let full = full_host(host, namespace);
        return graph.service_of_host(&full, namespace).into_iter().collect();
    }
    let own = |service: &&Object<'_>| {
        service.namespace().is_some_and(|namespace| {
            host_matches(host, &full_host(service.name(), Some(namespace)))
        })
    };
    graph.of_kind("", "Service").filter(own).collect()
}

/// What starts pods of a Service that take nothing but mutual TLS, on any port or at one of the Service's.
fn strict_pods<'a>(
    graph: &'a Graph<'a>,
    service: &Object<'a>,
    port: Option<i64>,
) -> Option<Object<'a>> {
    let at = match port {
        Some(number) => Some(target_port(service, number)?),
        None => None,
    };
    let selector = down(service.value(), &["spec", "selector"]).and_then(Value::as_object);
    let selector = selector.filter(|labels| !labels.is_empty())?;
    let mut pods = graph.mesh_workloads(service.namespace(), Some(selector));
    pods.find_map(|workload| {
        let tls = graph.mutual_tls(&workload);
        let own = tls.ports.iter().find(|(given, _)| at.as_deref() == Some(*given));
        let mode = own.map_or(tls.mode, |(_, mode)| *mode);
        // A port that is named in the pods may have any mode.
        let is_known = at.as_ref().is_none_or(|at| at.parse::<u16>().is_ok());
        let is_strict = mode == TlsMode::Strict && (is_known || tls.ports.is_empty());
        (is_strict && !workload.is_on_host_network()).then_some(workload.owner)
    })
}

/// The port of the pods to which a port of a Service leads, by number or name.
fn target_port(service: &Object<'_>, number: i64) -> Option<String> {
    let spec = spec_map(service)?;
    let (_, port) = maps(spec, "ports")
        .find(|(_, port)| port.get("port").and_then(Value::as_i64) == Some(number))?;
    match port.get("targetPort") {
        Some(Value::String(name)) => Some(name.to_string()),
        Some(target) => target.as_i64().map(|target| target.to_string()),
        None => Some(number.to_string()),
    }
}

/// The field of TLS settings because of which the server's certificate is not verified, and why: the settings
/// say so, or start TLS and name nothing to verify it with. Istio takes a credential from a Secret for
/// selected pods only.
fn trusts_any(tls: &Map, rule: &Whole<'_>) -> Option<(&'static str, &'static str)> {
    const SKIPS: &str = "insecureSkipVerify";
    if !matches!(text(tls, "mode"), Some("SIMPLE" | "MUTUAL")) {
        return None;
    }
    if tls.get(SKIPS) == Some(&Value::Bool(true)) {
        return Some((SKIPS, "nothing verifies"));
    }
    let has_credential =
        text(tls, "credentialName").is_some() && rule.spec("workloadSelector").is_some();
    let has_authority = text(tls, "caCertificates").is_some() || has_credential;
    (!has_authority).then_some(("caCertificates", "no authority is named to verify"))
}

/// Settings for single ports are told by a check of their own.
fn trusts_any_server(rule: &Whole<'_>, of_ports: bool, report: &mut Report<'_>) {
    let place = if of_ports { " on this port" } else { "" };
    for (path, tls) in tls_settings(rule) {
        let is_meant = path.to_string().contains("portLevelSettings") == of_ports;
        if let Some((field, reason)) = trusts_any(tls, rule).filter(|_| is_meant) {
            let host = host(rule).unwrap_or_default();
            report.fail(path.key(field), format!("{reason} the certificate of `{host}`{place}"));
        }
    }
}

fn unknown_host(rule: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, namespace) = (rule.graph, rule.object.namespace());
    let Some(host) = host(rule) else { return };
    if graph.is_single_object() {
        return report.undecided("Services and ServiceEntries are other objects");
    }
    if is_patched_later(graph) {
        return report.undecided(PATCHED_LATER);
    }
    let full = full_host(host, namespace);
    // Hosts outside the cluster and wildcards are often meant for what is not known yet.
    let Some(name) = ServiceName::parse(&full) else { return };
    let in_namespace = Some(name.namespace).filter(|_| namespace.is_some() || host.contains('.'));
    let is_known = graph.find("", "Service", in_namespace, name.name).is_some()
        || graph.service_entries(&full, namespace).next().is_some();
    if !is_known && !super::is_system_namespace(name.namespace) {
        let namespace = in_namespace.unwrap_or(DEFAULT_NAMESPACE);
        let message = format!("no Service `{}` is in the namespace {namespace}", name.name);
        report.missing(FieldPath::of(&["spec", "host"]), host, message);
    }
}

fn subset_without_pods(rule: &Whole<'_>, report: &mut Report<'_>) {
    let graph = rule.graph;
    let (Some(spec), Some(host)) = (spec_map(rule.object), host(rule)) else { return };
    if graph.is_single_object() {
        return report.undecided("the pods of its host are other objects");
    }
    if is_patched_later(graph) {
        return report.undecided(PATCHED_LATER);
    }
    let full = full_host(host, rule.object.namespace());
    let Some(service) = graph.service_of_host(&full, rule.object.namespace()) else { return };
    if down(service.value(), &["spec", "selector"]).is_none() {
        return;
    }
    for (index, subset) in maps(spec, "subsets") {
        let Some(labels) = subset.get("labels").and_then(Value::as_object) else { continue };
        // Zones and regions are labels of nodes.
        let own: Map = labels
            .iter()
            .filter(|(name, value)| !is_of_nodes(name) || value.as_str() == Some(""))
            .map(|(name, value)| (name, value.clone()))
            .collect();
        if !own.is_empty() && !graph.has_pods_with(service, &own) {
            let name = text(subset, "name").unwrap_or_default();
            report.fail(
                FieldPath::of(&["spec", "subsets"]).index(index).key("labels"),
                format!("no pods of `{host}` have the labels of the subset `{name}`"),
            );
        }
    }
}

fn is_of_nodes(label: &str) -> bool {
    label.starts_with("topology.kubernetes.io/")
        || label.starts_with("topology.istio.io/")
        || label == "kubernetes.io/hostname"
}
