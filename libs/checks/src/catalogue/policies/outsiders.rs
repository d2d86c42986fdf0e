//! Checks on policies that let the internet in to what is not made for it.

use airside_k8s::graph::policies::{Action, Direction, POLICY_KINDS, policies, select};
use airside_k8s::graph::{Answer, PodNode, Source};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[Check {
    id: "policy-opens-data-store-to-internet",
    title: "Network policy lets the internet in to a data store",
    why: "Databases, caches and queues trust their network. With this rule nothing but the Service in front keeps outsiders from them, and one that is opened by mistake gives everything away.",
    fix: "Name the pods that use the data store in place of the world or of 0.0.0.0/0.",
    severity: Severity::Medium,
    category: Category::Network,
    techniques: &[technique("T1190"), technique("T1046")],
    controls: &[],
    equivalents: &[],
    judge: Judge::Object(POLICY_KINDS, opens_data_store),
    fails: r"apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'registry.example.com/postgres:17'}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress: [{fromEntities: [world]}]
",
    passes: r"apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'registry.example.com/postgres:17'}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress: [{fromEndpoints: [{matchLabels: {app: db}}]}]
",
}];

/// The images of data stores, by the last part of their name.
const DATA_STORES: [&str; 27] = [
    "cassandra",
    "clickhouse",
    "clickhouse-server",
    "cockroach",
    "couchbase",
    "couchdb",
    "elasticsearch",
    "etcd",
    "influxdb",
    "kafka",
    "mariadb",
    "memcached",
    "mongo",
    "mongodb",
    "mysql",
    "neo4j",
    "opensearch",
    "percona-server",
    "postgres",
    "postgresql",
    "rabbitmq",
    "redis",
    "redis-cluster",
    "scylla",
    "timescaledb",
    "valkey",
    "zookeeper",
];

/// Pods of a policy that are looked at.
const PODS: usize = 256;

fn opens_data_store(object: &Whole<'_>, report: &mut Report<'_>) {
    for policy in policies(object.object) {
        let Some(side) = policy.side(Direction::Ingress) else { continue };
        let mut rules = side.rules.iter().filter(|rule| rule.action == Action::Allow);
        let Some(rule) = rules.find(|rule| rule.peer.has_all_internet()) else { continue };
        if object.graph.is_single_object() {
            return report.undecided("the pods that the policy is for are other objects");
        }
        let pods = select(object.graph, &policy.subject).take(PODS);
        let mut surely = pods.filter(|(_, answer)| *answer == Answer::Yes);
        let found = surely.find_map(|(pod, _)| {
            let image = data_store(pod)?;
            let reached = object.graph.reach(Source::Internet, pod, None);
            (reached.answer == Answer::Yes).then_some((image, object.graph.owner(pod)?))
        });
        if let Some((image, owner)) = found {
            let message = format!("everybody outside is let in to {owner}, which runs `{image}`");
            report.fail(rule.path.clone(), message);
        }
    }
}

fn data_store<'a>(pod: &PodNode<'a>) -> Option<&'a str> {
    let images = pod.spec.containers.iter().filter_map(|container| container.image());
    let last = |image: &'a str| image.rsplit('/').next()?.split([':', '@']).next();
    images.filter_map(last).find(|name| DATA_STORES.contains(name))
}
