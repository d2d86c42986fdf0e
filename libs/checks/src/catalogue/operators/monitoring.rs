//! Checks on custom resources of operators that many clusters have: Prometheus, etcd, Kafka.

use airside_k8s::fields::{down, maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const MONITOR: &[(&str, &str)] =
    &[("monitoring.coreos.com", "ServiceMonitor"), ("monitoring.coreos.com", "PodMonitor")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "monitor-sends-login-in-the-clear",
        title: "Prometheus sends its login over plain HTTP",
        why: "Whoever is on the way, or answers at the target's address, reads a password or token; a service account's token opens the API server.",
        fix: "Set scheme to https and tlsConfig.ca.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1040"), technique("T1528")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(MONITOR, login_in_the_clear),
        fails: r"apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec:
  endpoints: [{port: metrics, basicAuth: {username: {name: web, key: user}}}]
",
        passes: r"apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec:
  endpoints: [{port: metrics, scheme: https, basicAuth: {username: {name: web, key: user}}}]
",
    },
    Check {
        id: "monitor-target-unverified",
        title: "Prometheus does not check whom it reads metrics from",
        why: "Any certificate is taken: whoever answers at the address gets Prometheus' login and supplies numbers that hide what happens.",
        fix: "Remove insecureSkipVerify; name the authority in tlsConfig.ca.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(MONITOR, target_unverified),
        fails: r"apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec:
  endpoints: [{port: metrics, scheme: https, tlsConfig: {insecureSkipVerify: true}}]
",
        passes: r"apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec:
  endpoints: [{port: metrics, scheme: https, tlsConfig: {serverName: web}}]
",
    },
    Check {
        id: "monitor-without-login",
        title: "Metrics are read without login or TLS",
        why: "What Prometheus reads without a login any pod can read: metrics name hosts, versions, customers and queries.",
        fix: "Put authentication before the metrics (kube-rbac-proxy, the controller runtime's own), and set authorization and tlsConfig.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1613")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(MONITOR, without_login),
        fails: r"apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web}
spec:
  podMetricsEndpoints: [{port: metrics}]
",
        passes: r"apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web}
spec:
  podMetricsEndpoints: [{port: metrics, scheme: https, tlsConfig: {serverName: web}}]
",
    },
    Check {
        id: "etcd-cluster-without-tls",
        title: "etcd of an operator speaks without TLS",
        why: "What is stored there passes in the clear, and whoever reaches its port reads and writes all of it.",
        fix: "Set spec.TLS.static with secrets for members and clients.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1040"), technique("T1552.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("etcd.database.coreos.com", "EtcdCluster")], etcd_without_tls),
        fails: r"apiVersion: etcd.database.coreos.com/v1beta2
kind: EtcdCluster
metadata: {name: store}
spec: {size: 3}
",
        passes: r"apiVersion: etcd.database.coreos.com/v1beta2
kind: EtcdCluster
metadata: {name: store}
spec:
  size: 3
  TLS: {static: {member: {peerSecret: a, serverSecret: b}, operatorSecret: c}}
",
    },
    Check {
        id: "kafka-listener-without-tls",
        title: "Kafka listener speaks without TLS",
        why: "Messages and logins pass in the clear between clients and brokers.",
        fix: "Set `tls: true` on the listener.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("kafka.strimzi.io", "Kafka")], kafka_without_tls),
        fails: r"apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: bus}
spec: {kafka: {listeners: [{name: plain, port: 9092, type: internal, tls: false}]}}
",
        passes: r"apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: bus}
spec: {kafka: {listeners: [{name: tls, port: 9093, type: internal, tls: true}]}}
",
    },
    Check {
        id: "kafka-listener-open-outside",
        title: "Kafka takes clients from outside the cluster without a login",
        why: "Whoever reaches the address reads, writes and deletes messages.",
        fix: "Set authentication (tls or scram-sha-512) on the listener, and authorization on the cluster.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1133"), technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("kafka.strimzi.io", "Kafka")], kafka_open_outside),
        fails: r"apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: bus}
spec: {kafka: {listeners: [{name: out, port: 9094, type: loadbalancer, tls: true}]}}
",
        passes: r"apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: bus}
spec:
  kafka:
    listeners:
    - {name: out, port: 9094, type: loadbalancer, tls: true, authentication: {type: tls}}
",
    },
];

/// The endpoints of a monitor with their paths.
fn endpoints<'a>(monitor: &Whole<'a>) -> Vec<(FieldPath, &'a Map)> {
    let Some(spec) = monitor.spec_fields() else { return Vec::new() };
    ["endpoints", "podMetricsEndpoints"]
        .into_iter()
        .flat_map(|list| {
            let path = FieldPath::of(&["spec", list]);
            maps(spec, list).map(move |(index, endpoint)| (path.index(index), endpoint))
        })
        .collect()
}

/// The field by which an endpoint logs in.
fn login(endpoint: &Map) -> Option<&'static str> {
    const LOGINS: [&str; 5] =
        ["authorization", "basicAuth", "bearerTokenFile", "bearerTokenSecret", "oauth2"];
    LOGINS.into_iter().find(|name| match endpoint.get(name) {
        Some(Value::String(text)) => !text.is_empty(),
        // An empty reference is what the operator itself writes for none.
        Some(Value::Object(map)) => *name != "bearerTokenSecret" || text(map, "key").is_some(),
        _ => false,
    })
}

fn is_https(endpoint: &Map) -> bool {
    text(endpoint, "scheme").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

fn login_in_the_clear(monitor: &Whole<'_>, report: &mut Report<'_>) {
    for (path, endpoint) in endpoints(monitor) {
        if let Some(login) = login(endpoint).filter(|_| !is_https(endpoint)) {
            let scheme = text(endpoint, "scheme").unwrap_or("not set, which means http");
            report.fail(path.key("scheme"), format!("{login} is sent, and scheme is {scheme}"));
        }
    }
}

fn target_unverified(monitor: &Whole<'_>, report: &mut Report<'_>) {
    for (path, endpoint) in endpoints(monitor) {
        let skips = endpoint.get("tlsConfig").and_then(|tls| tls.get("insecureSkipVerify"));
        if skips == Some(&Value::Bool(true)) {
            let message = "insecureSkipVerify is true: any certificate is taken".to_owned();
            report.fail(path.keys(&["tlsConfig", "insecureSkipVerify"]), message);
        }
    }
}

fn without_login(monitor: &Whole<'_>, report: &mut Report<'_>) {
    for (path, endpoint) in endpoints(monitor) {
        if login(endpoint).is_none() && !endpoint.contains_key("tlsConfig") {
            report.fail(path, "the endpoint has neither a login nor tlsConfig".to_owned());
        }
    }
}

fn etcd_without_tls(cluster: &Whole<'_>, report: &mut Report<'_>) {
    let tls = cluster.spec("TLS").or_else(|| cluster.spec("tls"));
    if tls.and_then(|tls| tls.get("static")).is_none() {
        report.fail(FieldPath::of(&["spec", "TLS"]), "no TLS is set up".to_owned());
    }
}

/// The listeners of a Kafka with their paths.
fn listeners<'a>(kafka: &Whole<'a>) -> Vec<(FieldPath, &'a Map)> {
    let path = FieldPath::of(&["spec", "kafka", "listeners"]);
    let spec = down(kafka.object.value(), &["spec", "kafka"]).and_then(Value::as_object);
    let listed = spec.into_iter().flat_map(|spec| maps(spec, "listeners"));
    listed.map(|(index, listener)| (path.index(index), listener)).collect()
}

fn kafka_without_tls(kafka: &Whole<'_>, report: &mut Report<'_>) {
    for (path, listener) in listeners(kafka) {
        if listener.get("tls") == Some(&Value::Bool(false)) {
            let name = text(listener, "name").unwrap_or_default();
            report.fail(path.key("tls"), format!("listener {name} has tls false"));
        }
    }
}

fn kafka_open_outside(kafka: &Whole<'_>, report: &mut Report<'_>) {
    for (path, listener) in listeners(kafka) {
        let kind = text(listener, "type").unwrap_or("internal");
        let is_outside = matches!(kind, "ingress" | "loadbalancer" | "nodeport" | "route");
        if is_outside && !listener.contains_key("authentication") {
            let name = text(listener, "name").unwrap_or_default();
            let message = format!("listener {name} of type {kind} asks for no login");
            report.fail(path.key("authentication"), message);
        }
    }
}
