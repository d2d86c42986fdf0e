//! Kubernetes is upgraded, node after node, in an evening; on the next day an operator with its CRDs.

use serde_json::json;

use crate::cluster::{NEW, Node, kubelet};
use crate::event::{Asked, MINUTE, Micros, SECOND, Who, of, path};
use crate::machinery::node;
use crate::week::Week;
use crate::workloads::{self, deployment, roll_out};

pub(crate) fn begin(week: &mut Week) {
    if week.plan.days > 3 {
        week.on(2, (19, 0), control_plane);
        week.on(2, (20, 0), workers);
        week.on(3, (9, 30), operator);
    }
}

fn administrator(week: &Week) -> Option<Who> {
    let person = week.cluster.people.iter().find(|it| it.who.name.starts_with("noor"));
    person.map(|it| it.who.clone())
}

/// kubeadm on each node of the control plane.
fn control_plane(week: &mut Week, at: Micros) {
    let planes: Vec<Node> =
        week.cluster.nodes.iter().filter(|it| it.is_control_plane).cloned().collect();
    for (number, plane) in planes.into_iter().enumerate() {
        let when = at + i64::try_from(number).unwrap_or(0) * 15 * MINUTE;
        week.at(when, move |week, at| upgrade_plane(week, at, &plane, number == 0));
    }
}

fn upgrade_plane(week: &mut Week, at: Micros, plane: &Node, is_first: bool) {
    let kubeadm = Who {
        name: "kubernetes-admin".to_owned(),
        groups: vec!["kubeadm:cluster-admins".to_owned(), "system:authenticated".to_owned()],
        address: plane.address.clone(),
        agent: format!("kubeadm/{} (linux/amd64) kubernetes/{}", NEW.0, NEW.1),
        reason: r#"RBAC: allowed by ClusterRoleBinding "kubeadm:cluster-admins" of ClusterRole "cluster-admin" to Group "kubeadm:cluster-admins""#.to_owned(),
        ..Who::default()
    };
    let mut at = week.ask(at, &Asked::new(&kubeadm, "get", path("/version")));
    at = week
        .ask(at, &Asked::new(&kubeadm, "get", of("configmaps", "kube-system", "kubeadm-config")));
    at = week.ask(at, &Asked::new(&kubeadm, "list", of("nodes", "", "")));
    at = week.ask(at, &Asked::new(&kubeadm, "list", of("daemonsets.apps/v1", "kube-system", "")));
    if is_first {
        let job = "upgrade-health-check-7t2wq";
        let body = json!({ "kind": "Job", "apiVersion": "batch/v1", "metadata": { "name": job, "namespace": "kube-system" }, "spec": { "template": { "spec": { "containers": [{ "name": "upgrade-health-check", "image": "registry.k8s.io/pause:3.10" }] } } } });
        at = week.ask(
            at,
            &Asked::new(&kubeadm, "create", of("jobs.batch/v1", "kube-system", job)).keeps(body),
        );
        at = week.ask(
            at + 15 * SECOND,
            &Asked::new(&kubeadm, "delete", of("jobs.batch/v1", "kube-system", job)),
        );
    }
    for component in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        at = mirror(week, at + 40 * SECOND, plane, component);
        at = week.ask(
            at,
            &Asked::new(
                &kubeadm,
                "get",
                of("pods", "kube-system", &format!("{component}-{}", plane.name)),
            ),
        );
    }
    week.cluster.version = NEW;
    at = week.ask(
        at,
        &Asked::new(&kubeadm, "update", of("configmaps", "kube-system", "kubeadm-config")),
    );
    at = week.ask(
        at,
        &Asked::new(&kubeadm, "update", of("configmaps", "kube-system", "kubelet-config")),
    );
    for role in ["kubeadm:get-nodes", "system:coredns"] {
        let target = || of("clusterroles.rbac.authorization.k8s.io/v1", "", role);
        at = week.ask(at, &Asked::new(&kubeadm, "create", target()).code(409));
        let body = json!({ "kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": { "name": role }, "rules": [{ "apiGroups": [""], "resources": ["nodes"], "verbs": ["get"] }] });
        at = week.ask(at, &Asked::new(&kubeadm, "update", target()).keeps(body));
        let binding = || of("clusterrolebindings.rbac.authorization.k8s.io/v1", "", role);
        at = week.ask(at, &Asked::new(&kubeadm, "create", binding()).code(409));
        let body = json!({ "kind": "ClusterRoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": { "name": role }, "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role }, "subjects": [{ "kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:bootstrappers:kubeadm:default-node-token" }] });
        at = week.ask(at, &Asked::new(&kubeadm, "update", binding()).keeps(body));
    }
    if is_first && let Some(index) = workloads::app(week, "kube-system", "coredns") {
        let body = week.cluster.apps.get(index).map(deployment).unwrap_or_default();
        at = week.ask(
            at,
            &Asked::new(&kubeadm, "update", of("deployments.apps/v1", "kube-system", "coredns"))
                .keeps(body),
        );
        roll_out(week, at, index);
    }
    renew(week, at + MINUTE, &plane.name);
}

/// The kubelet shows a component that it runs from a file of its own.
fn mirror(week: &mut Week, at: Micros, plane: &Node, component: &str) -> Micros {
    let agent = kubelet(plane);
    let name = format!("{component}-{}", plane.name);
    let target = || of("pods", "kube-system", &name);
    let at = week
        .ask(at, &Asked::new(&agent, "delete", target()).sends(json!({ "gracePeriodSeconds": 0 })));
    let image = format!("registry.k8s.io/{component}:{}", NEW.0);
    let body = json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "name": name, "namespace": "kube-system", "uid": week.cluster.chance.uuid(), "annotations": { "kubernetes.io/config.mirror": "9c0de1", "kubernetes.io/config.source": "file" }, "ownerReferences": [{ "apiVersion": "v1", "kind": "Node", "name": plane.name, "uid": plane.uid, "controller": true }] },
        "spec": { "hostNetwork": true, "nodeName": plane.name, "priorityClassName": "system-node-critical", "containers": [{ "name": component, "image": image, "volumeMounts": [{ "name": "k8s-certs", "mountPath": "/etc/kubernetes/pki", "readOnly": true }] }], "volumes": [{ "name": "k8s-certs", "hostPath": { "path": "/etc/kubernetes/pki", "type": "DirectoryOrCreate" } }] },
    });
    week.ask(at + 500_000, &Asked::new(&agent, "create", target()).keeps(body))
}

/// The kubelet comes back with the new version.
fn renew(week: &mut Week, at: Micros, name: &str) {
    let name = name.to_owned();
    week.at(at, move |week, at| {
        if let Some(node) = week.cluster.nodes.iter_mut().find(|it| it.name == name) {
            node.version = NEW;
        }
        let Some(node) = node(week, &name) else { return };
        let who = kubelet(&node);
        let body = json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": name, "uid": node.uid } });
        let at = week.ask(at, &Asked::new(&who, "create", of("nodes", "", &name)).code(409).sends(body));
        let at = week.ask(at, &Asked::new(&who, "get", of("nodes", "", &name)));
        let body = json!({ "status": { "nodeInfo": { "kubeletVersion": NEW.0 }, "addresses": [{ "type": "InternalIP", "address": node.address }] } });
        week.ask(at, &Asked::new(&who, "patch", of("nodes", "", &name).sub("status")).sends(body));
    });
}

/// Each worker is drained, restarted, and taken back.
fn workers(week: &mut Week, at: Micros) {
    let workers: Vec<String> = week
        .cluster
        .nodes
        .iter()
        .filter(|it| !it.is_control_plane)
        .map(|it| it.name.clone())
        .collect();
    for (number, name) in workers.into_iter().enumerate() {
        let when = at + i64::try_from(number).unwrap_or(0) * 12 * MINUTE;
        week.at(when, move |week, at| {
            let Some(who) = administrator(week).map(|who| {
                who.with(&format!("kubectl/{} (linux/amd64) kubernetes/{}", NEW.0, NEW.1))
            }) else {
                return;
            };
            let at = week.ask(at, &Asked::new(&who, "get", of("nodes", "", &name)));
            let cordoned = json!({ "spec": { "unschedulable": true } });
            let at =
                week.ask(at, &Asked::new(&who, "patch", of("nodes", "", &name)).sends(cordoned));
            let on_node = format!("fieldSelector=spec.nodeName%3D{name}&limit=500");
            let at = week.ask(at, &Asked::new(&who, "list", of("pods", "", "").query(&on_node)));
            let (drained, by) = (name.clone(), who.clone());
            week.at(at, move |week, at| crate::autoscaling::evict_all(week, at, &drained, &by));
            renew(week, at + 6 * MINUTE, &name);
            let back = json!({ "spec": { "unschedulable": null } });
            week.ask(
                at + 8 * MINUTE,
                &Asked::new(&who, "patch", of("nodes", "", &name)).sends(back),
            );
        });
    }
}

/// cert-manager's new version, by helm from somebody's machine: CRDs, roles, webhooks, the program.
fn operator(week: &mut Week, at: Micros) {
    let Some(who) = administrator(week).map(|who| who.with("Helm/3.18.4")) else { return };
    let namespace = "cert-manager";
    let release = |number: u32| {
        of("secrets", namespace, &format!("sh.helm.release.v1.cert-manager.v{number}"))
    };
    let mut at = week.ask(
        at,
        &Asked::new(&who, "list", of("secrets", namespace, "").query("labelSelector=owner%3Dhelm")),
    );
    at = week.ask(at, &Asked::new(&who, "get", release(11)));
    at = week.ask(at + SECOND, &Asked::new(&who, "create", release(12)));
    for plural in ["certificates", "certificaterequests", "issuers", "clusterissuers"] {
        let name = format!("{plural}.cert-manager.io");
        let target = || of("customresourcedefinitions.apiextensions.k8s.io/v1", "", &name);
        at = week.ask(at, &Asked::new(&who, "get", target()));
        let body = json!({ "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1", "metadata": { "name": name }, "spec": { "group": "cert-manager.io", "names": { "plural": plural } } });
        at = week.ask(at + 100_000, &Asked::new(&who, "patch", target()).keeps(body));
    }
    for role in ["cert-manager-controller-issuers", "cert-manager-controller-certificates"] {
        let target = || of("clusterroles.rbac.authorization.k8s.io/v1", "", role);
        at = week.ask(at, &Asked::new(&who, "get", target()));
        let body = json!({ "kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": { "name": role }, "rules": [{ "apiGroups": ["cert-manager.io"], "resources": ["issuers", "certificates"], "verbs": ["get", "list", "watch", "update"] }, { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch", "create", "update", "delete", "patch"] }] });
        at = week.ask(at + 100_000, &Asked::new(&who, "patch", target()).keeps(body));
    }
    let webhook = || {
        of(
            "validatingwebhookconfigurations.admissionregistration.k8s.io/v1",
            "",
            "cert-manager-webhook",
        )
    };
    at = week.ask(at, &Asked::new(&who, "get", webhook()));
    let body = json!({ "kind": "ValidatingWebhookConfiguration", "apiVersion": "admissionregistration.k8s.io/v1", "metadata": { "name": "cert-manager-webhook" }, "webhooks": [{ "name": "webhook.cert-manager.io", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "clientConfig": { "service": { "name": "cert-manager-webhook", "namespace": namespace, "path": "/validate" } }, "rules": [{ "apiGroups": ["cert-manager.io"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["*/*"] }] }] });
    at = week.ask(at + 100_000, &Asked::new(&who, "patch", webhook()).keeps(body));
    let Some(index) = workloads::app(week, namespace, "cert-manager") else { return };
    let body = week.cluster.apps.get(index).map(deployment).unwrap_or_default();
    let target = of("deployments.apps/v1", namespace, "cert-manager");
    at = week.ask(at, &Asked::new(&who, "patch", target).keeps(body));
    roll_out(week, at, index);
    at = week.ask(at + 30 * SECOND, &Asked::new(&who, "update", release(11)));
    week.ask(at, &Asked::new(&who, "update", release(12)));
}
