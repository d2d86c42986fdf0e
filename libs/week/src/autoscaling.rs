//! Pods and nodes that come and go with the load: by day more, by night less.

use serde_json::json;

use crate::event::{Asked, DAY, HOUR, MINUTE, Micros, SECOND, Who, of};
use crate::machinery::{node, node_begins};
use crate::week::Week;
use crate::workloads;

pub(crate) fn begin(week: &mut Week) {
    week.every(9 * MINUTE, pods);
    for day in 0..week.plan.days {
        let (first, second) = (format!("burst-{day}a"), format!("burst-{day}b"));
        for (name, time) in [(first, (8, 40)), (second, (13, 20))] {
            let later = name.clone();
            week.on(day, time, move |week, at| add_node(week, at, &name));
            week.on(day, (20, 30), move |week, at| remove_node(week, at, &later));
        }
    }
}

/// How busy shops are at that time, of a thousand.
fn load(week: &Week, at: Micros) -> i64 {
    let hour = ((at - week.start) % DAY) / HOUR;
    match hour {
        0..=5 => 150,
        6..=8 => 450,
        9..=16 => 750,
        17..=20 => 950,
        _ => 500,
    }
}

fn pods(week: &mut Week, at: Micros) {
    let who = week.cluster.controller("horizontal-pod-autoscaler", at);
    for index in 0..week.cluster.apps.len() {
        let Some(app) = week.cluster.apps.get(index).filter(|it| it.is_autoscaled).cloned() else {
            continue;
        };
        let swing = week.chance_micros(300);
        let wanted = usize::try_from(2 + (load(week, at) + swing) / 230).unwrap_or(2);
        if wanted == app.replicas {
            continue;
        }
        let scale = of("deployments.apps/v1", &app.namespace, &app.name).sub("scale");
        let body = json!({ "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": { "name": app.name, "namespace": app.namespace }, "spec": { "replicas": wanted } });
        week.ask(at, &Asked::new(&who, "update", scale).keeps(body));
        let own =
            of("horizontalpodautoscalers.autoscaling/v2", &app.namespace, &app.name).sub("status");
        week.ask(at + 50_000, &Asked::new(&who, "update", own));
        workloads::scale(week, at, index, wanted);
    }
}

/// A machine joins: by a bootstrap token first, then by its own certificate.
pub(crate) fn add_node(week: &mut Week, at: Micros, name: &str) {
    let request = format!("node-csr-{}", week.cluster.chance.letters(12));
    let bootstrap = Who {
        name: "system:bootstrap:q7w2mz".to_owned(),
        groups: vec!["system:bootstrappers".to_owned(), "system:bootstrappers:kubeadm:default-node-token".to_owned(), "system:authenticated".to_owned()],
        address: "10.20.3.77".to_owned(),
        agent: format!("kubelet/{} (linux/amd64) kubernetes/{}", week.cluster.version.0, week.cluster.version.1),
        reason: r#"RBAC: allowed by ClusterRoleBinding "kubeadm:kubelet-bootstrap" of ClusterRole "system:node-bootstrapper" to Group "system:bootstrappers:kubeadm:default-node-token""#.to_owned(),
        ..Who::default()
    };
    let signing = || of("certificatesigningrequests.certificates.k8s.io/v1", "", &request);
    let body = json!({ "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1", "metadata": { "name": request }, "spec": { "signerName": "kubernetes.io/kube-apiserver-client-kubelet", "usages": ["digital signature", "client auth"], "username": bootstrap.name } });
    week.ask(at, &Asked::new(&bootstrap, "create", signing()).keeps(body.clone()));
    let approver = week.cluster.controller("certificate-controller", at);
    week.ask(at + 300_000, &Asked::new(&approver, "update", signing().sub("approval")).keeps(body));
    week.ask(at + 500_000, &Asked::new(&approver, "update", signing().sub("status")));
    week.ask(at + SECOND, &Asked::new(&bootstrap, "get", signing()));
    let name = name.to_owned();
    week.at(at + 3 * SECOND, move |week, at| {
        week.cluster.add_node(&name, false);
        let Some(joined) = node(week, &name) else { return };
        let who = crate::cluster::kubelet(&joined);
        let body = json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": name, "uid": joined.uid, "labels": { "kubernetes.io/hostname": name, "pool": "burst" } }, "status": { "addresses": [{ "type": "InternalIP", "address": joined.address }] } });
        week.ask(at, &Asked::new(&who, "create", of("nodes", "", &name)).keeps(body));
        let storage = of("csinodes.storage.k8s.io/v1", "", &name);
        week.ask(at + 90_000, &Asked::new(&who, "create", storage));
        let life = week.cluster.controller("node-controller", at);
        let untainted = json!({ "spec": { "taints": null } });
        week.ask(at + 20 * SECOND, &Asked::new(&life, "patch", of("nodes", "", &name)).sends(untainted));
        node_begins(week, at + SECOND, &name);
    });
}

/// A machine that is not needed: tainted, emptied, deleted.
pub(crate) fn remove_node(week: &mut Week, at: Micros, name: &str) {
    let Some(scaler) = week.cluster.platform("cluster-autoscaler", "cluster-autoscaler/v1.33.0")
    else {
        return;
    };
    if node(week, name).is_none() {
        return;
    }
    let taint = json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": name }, "spec": { "unschedulable": true, "taints": [{ "key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule" }] } });
    week.ask(at, &Asked::new(&scaler, "update", of("nodes", "", name)).keeps(taint));
    evict_all(week, at + 2 * SECOND, name, &scaler);
    let name = name.to_owned();
    week.at(at + 4 * MINUTE, move |week, at| {
        week.cluster.nodes.retain(|it| it.name != name);
        let life = week.cluster.controller("node-controller", at);
        week.ask(at, &Asked::new(&life, "delete", of("nodes", "", &name)));
    });
}

/// Every pod of a node is evicted, and comes up elsewhere.
pub(crate) fn evict_all(week: &mut Week, at: Micros, name: &str, who: &Who) {
    let pods: Vec<_> = week.cluster.pods.iter().filter(|it| it.node == name).cloned().collect();
    for (number, pod) in pods.into_iter().enumerate() {
        let when = at + i64::try_from(number).unwrap_or(0) * 700_000;
        let target = of("pods", &pod.namespace, &pod.name).sub("eviction");
        let body = json!({ "kind": "Eviction", "apiVersion": "policy/v1", "metadata": { "name": pod.name, "namespace": pod.namespace } });
        week.ask(when, &Asked::new(who, "create", target).sends(body));
        workloads::gone(week, when + 3 * SECOND, &pod.uid);
        let Some(index) = workloads::app(week, &pod.namespace, &pod.app) else { continue };
        let mut next = week.cluster.new_pod(index);
        if next.node == name {
            "worker-1".clone_into(&mut next.node);
        }
        week.at(when + SECOND, move |week, at| {
            workloads::start(week, at, &next, "replicaset-controller")
        });
    }
}
