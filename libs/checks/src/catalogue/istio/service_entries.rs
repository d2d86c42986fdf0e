//! Checks on ServiceEntries: what they capture, and what they say of one host together.

use airside_k8s::fields::{down, elements, maps, text, texts};
use airside_k8s::graph::is_exported_to;
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{NETWORKING, is_same_object, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const KINDS: &[(&str, &str)] = &[(NETWORKING, "ServiceEntry")];

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "service-entry-every-host",
        title: "ServiceEntry opens every host outside the mesh",
        why: "A host of `*` allows all destinations again, even where the mesh only lets known hosts be reached.",
        fix: "List the hosts that the workloads call.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1041"), technique("T1071")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(KINDS, every_host),
        fails: r"apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: shop}
spec: {hosts: ['*'], location: MESH_EXTERNAL, ports: [{number: 443, name: tls, protocol: TLS}]}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: shop}
spec: {hosts: ['api.example.com'], location: MESH_EXTERNAL, ports: [{number: 443, name: tls, protocol: TLS}]}
",
    },
    Check {
        id: "service-entry-captures-port",
        title: "ServiceEntry for TCP has no address",
        why: "The proxy cannot tell TCP connections by host, so without an address the entry takes everything that leaves on its port, for whichever host.",
        fix: "Give the addresses, name a protocol that carries the host (HTTP, TLS), or let Istio allocate addresses (DNS proxying).",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0134"],
        judge: Judge::Object(KINDS, captures_port),
        fails: r"apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: shop}
spec: {hosts: [db.example.com], resolution: DNS, ports: [{number: 5432, name: db, protocol: TCP}]}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: shop}
spec: {hosts: [db.example.com], resolution: DNS, addresses: [192.0.2.1], ports: [{number: 5432, name: db, protocol: TCP}]}
",
    },
    Check {
        id: "service-entries-disagree",
        title: "ServiceEntries give one port of one host different protocols",
        why: "Istio takes one of them, by age: connections of the other kind break, or are treated as opaque and escape rules for HTTP.",
        fix: "Join the entries, or give the port one protocol in all of them.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0177"],
        judge: Judge::Object(KINDS, disagrees),
        fails: r"apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: shop}
spec: {hosts: [api.example.com], ports: [{number: 8443, name: https, protocol: HTTPS}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: b, namespace: shop}
spec: {hosts: [api.example.com], ports: [{number: 8443, name: http, protocol: HTTP}]}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: shop}
spec: {hosts: [api.example.com], ports: [{number: 8443, name: https, protocol: HTTPS}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: b, namespace: shop}
spec: {hosts: [api.example.com], ports: [{number: 8080, name: http, protocol: HTTP}]}
",
    },
];

fn every_host(entry: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = spec_map(entry.object) else { return };
    for (index, host) in texts(spec, "hosts").filter(|(_, host)| covers_domain(host)) {
        let path = FieldPath::of(&["spec", "hosts"]).index(index);
        let below = host.strip_prefix("*.").map(|top| format!(" below .{top}")).unwrap_or_default();
        report.fail(path, format!("workloads may reach every host{below} through this entry"));
    }
}

/// Top-level domains in which anybody registers names; those of two letters are countries'.
const TOP_LEVEL: [&str; 11] =
    ["app", "biz", "cloud", "com", "dev", "edu", "gov", "info", "net", "online", "org"];

/// Whether a host stands for all hosts, or for all of a top-level domain.
fn covers_domain(host: &str) -> bool {
    let top = host.strip_prefix("*.").filter(|top| top.len() == 2 || TOP_LEVEL.contains(top));
    host == "*" || top.is_some()
}

fn captures_port(entry: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = spec_map(entry.object) else { return };
    let given = elements(spec.get("addresses"));
    let allocated = elements(down(entry.object.value(), &["status", "addresses"]));
    if !given.is_empty() || !allocated.is_empty() || entry.graph.allocates_addresses() {
        return;
    }
    for (index, port) in maps(spec, "ports") {
        let protocol = protocol(port);
        if matches!(protocol.as_str(), "" | "TCP") {
            let number = port.get("number").and_then(Value::as_u64).unwrap_or_default();
            report.fail(
                FieldPath::of(&["spec", "ports"]).index(index).key("protocol"),
                format!("without an address all TCP connections to port {number} are taken"),
            );
        }
    }
}

fn protocol(port: &Map) -> String {
    text(port, "protocol").unwrap_or_default().to_ascii_uppercase()
}

fn disagrees(entry: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = spec_map(entry.object) else { return };
    if entry.graph.is_single_object() {
        return report.undecided("other ServiceEntries are other objects");
    }
    for (_, host) in texts(spec, "hosts") {
        for other in entry.graph.service_entries_of(host) {
            if is_same_object(other, entry.object) || !meet(entry.object, other) {
                continue;
            }
            if let Some((index, number)) = disagreement(spec, other) {
                let path = FieldPath::of(&["spec", "ports"]).index(index).key("protocol");
                let message = format!("{other} gives port {number} of `{host}` another protocol");
                return report.fail(path, message);
            }
        }
    }
}

fn disagreement(spec: &Map, other: &Object<'_>) -> Option<(usize, u64)> {
    let theirs = spec_map(other)?;
    maps(spec, "ports").find_map(|(index, port)| {
        let number = port.get("number")?.as_u64()?;
        let mut same = maps(theirs, "ports")
            .filter(|(_, other)| other.get("number").and_then(Value::as_u64) == Some(number));
        same.any(|(_, other)| protocol(other) != protocol(port)).then_some((index, number))
    })
}

/// Whether one of the entries' namespaces, or all of them, see both entries.
fn meet(left: &Object<'_>, right: &Object<'_>) -> bool {
    let seen_in = |entry: &Object<'_>, namespace: Option<&str>| {
        let exports = spec_map(entry).into_iter().flat_map(|spec| texts(spec, "exportTo"));
        is_exported_to(exports.map(|(_, export)| export), entry.namespace(), namespace)
    };
    // A namespace that neither is in sees both only where both are exported everywhere, and then these do.
    [left.namespace(), right.namespace()]
        .into_iter()
        .any(|namespace| seen_in(left, namespace) && seen_in(right, namespace))
}
