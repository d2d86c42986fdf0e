//! What never rests: kubelets, informers, health checks, tokens, metrics, GitOps.

use serde_json::json;

use crate::cluster::{Node, Pod, kubelet};
use crate::event::{Asked, MINUTE, Micros, SECOND, Who, of, path};
use crate::week::Week;

/// Who watches, found anew each time: nodes and pods come and go.
#[derive(Debug, Clone)]
enum Watcher {
    Kubelet(String),
    Component(&'static str),
    Platform(&'static str, &'static str),
}

/// What informers of the control plane and the platform watch.
const WATCHES: &[(&str, &str, &[&str])] = &[
    (
        "component",
        "kube-controller-manager",
        &[
            "pods",
            "nodes",
            "services",
            "secrets",
            "configmaps",
            "serviceaccounts",
            "namespaces",
            "persistentvolumes",
            "persistentvolumeclaims",
            "resourcequotas",
            "limitranges",
            "deployments.apps/v1",
            "replicasets.apps/v1",
            "statefulsets.apps/v1",
            "daemonsets.apps/v1",
            "jobs.batch/v1",
            "cronjobs.batch/v1",
            "poddisruptionbudgets.policy/v1",
            "horizontalpodautoscalers.autoscaling/v2",
            "networkpolicies.networking.k8s.io/v1",
            "roles.rbac.authorization.k8s.io/v1",
            "clusterroles.rbac.authorization.k8s.io/v1",
            "certificatesigningrequests.certificates.k8s.io/v1",
            "endpointslices.discovery.k8s.io/v1",
        ],
    ),
    (
        "component",
        "kube-scheduler",
        &[
            "pods",
            "nodes",
            "services",
            "persistentvolumeclaims",
            "replicasets.apps/v1",
            "statefulsets.apps/v1",
            "csinodes.storage.k8s.io/v1",
        ],
    ),
    (
        "coredns",
        "coredns/1.12.1 (linux/amd64)",
        &["services", "namespaces", "endpointslices.discovery.k8s.io/v1"],
    ),
    (
        "prometheus",
        "Prometheus/3.5.0",
        &[
            "pods",
            "services",
            "nodes",
            "endpointslices.discovery.k8s.io/v1",
            "ingresses.networking.k8s.io/v1",
        ],
    ),
    (
        "kube-state-metrics",
        "kube-state-metrics/v2.17.0",
        &[
            "pods",
            "nodes",
            "services",
            "secrets",
            "configmaps",
            "deployments.apps/v1",
            "jobs.batch/v1",
            "ingresses.networking.k8s.io/v1",
            "namespaces",
        ],
    ),
    (
        "cert-manager",
        "cert-manager-controller/v1.18.2 (linux/amd64)",
        &[
            "secrets",
            "certificates.cert-manager.io/v1",
            "certificaterequests.cert-manager.io/v1",
            "ingresses.networking.k8s.io/v1",
            "orders.acme.cert-manager.io/v1",
        ],
    ),
    (
        "ingress-nginx",
        "nginx-ingress-controller/v1.13.0",
        &[
            "ingresses.networking.k8s.io/v1",
            "services",
            "secrets",
            "configmaps",
            "endpointslices.discovery.k8s.io/v1",
        ],
    ),
    (
        "argocd-application-controller",
        "argocd-application-controller/v3.1.0",
        &[
            "pods",
            "services",
            "configmaps",
            "secrets",
            "deployments.apps/v1",
            "replicasets.apps/v1",
            "ingresses.networking.k8s.io/v1",
            "roles.rbac.authorization.k8s.io/v1",
            "applications.argoproj.io/v1alpha1",
        ],
    ),
    (
        "cluster-autoscaler",
        "cluster-autoscaler/v1.33.0",
        &[
            "pods",
            "nodes",
            "poddisruptionbudgets.policy/v1",
            "replicasets.apps/v1",
            "daemonsets.apps/v1",
        ],
    ),
    (
        "velero",
        "velero-server/v1.16.0 (linux/amd64)",
        &["backups.velero.io/v1", "schedules.velero.io/v1"],
    ),
    (
        "image-scanner",
        "image-scanner/v0.28.0 (linux/amd64)",
        &["pods", "replicasets.apps/v1", "jobs.batch/v1", "configmaps"],
    ),
];
/// What a kubelet watches.
const OF_KUBELET: &[&str] =
    &["pods", "nodes", "services", "csidrivers.storage.k8s.io/v1", "runtimeclasses.node.k8s.io/v1"];

pub(crate) fn begin(week: &mut Week) {
    let nodes: Vec<String> = week.cluster.nodes.iter().map(|it| it.name.clone()).collect();
    for node in nodes {
        node_begins(week, week.start, &node);
    }
    for (kind, agent, resources) in WATCHES {
        for resource in *resources {
            let watcher = match *kind {
                "component" => Watcher::Component(agent),
                app => Watcher::Platform(app, agent),
            };
            let phase = week.chance_micros(8 * MINUTE);
            week.at(week.start + phase, |week, at| watch(week, at, watcher, resource));
        }
    }
    let pods: Vec<String> = week.cluster.pods.iter().map(|it| it.uid.clone()).collect();
    for pod in pods {
        let phase = week.chance_micros(48 * MINUTE);
        week.at(week.start + phase, move |week, at| renew_token(week, at, &pod));
    }
    week.routine(30 * SECOND, metrics);
    week.routine(30 * SECOND, |week, at| {
        let anonymous = anonymous();
        week.ask(at, &Asked::new(&anonymous, "get", path("/readyz")));
    });
    week.routine(MINUTE, quota);
    week.routine(10 * SECOND, |week, at| {
        if let Some(who) = week.cluster.platform("cluster-autoscaler", "cluster-autoscaler/v1.33.0")
        {
            let status = of("configmaps", "kube-system", "cluster-autoscaler-status");
            week.ask(at, &Asked::new(&who, "update", status));
        }
    });
    let applications = week.cluster.apps.iter().filter(|it| it.is_by_gitops);
    for (namespace, name) in
        applications.map(|it| (it.namespace.clone(), it.name.clone())).collect::<Vec<_>>()
    {
        week.routine(3 * MINUTE, move |week, at| refresh(week, at, &namespace, &name));
    }
    let asking = week.cluster.apps.iter().filter(|it| it.asks && !is_platform(&it.namespace));
    for (index, (namespace, name)) in asking
        .map(|it| (it.namespace.clone(), it.name.clone()))
        .collect::<Vec<_>>()
        .into_iter()
        .enumerate()
    {
        week.routine(MINUTE, move |week, at| ask_as_app(week, at, &namespace, &name, index));
    }
}

pub(crate) fn is_platform(namespace: &str) -> bool {
    ["kube-system", "monitoring", "cert-manager", "ingress", "argocd", "backup", "ci", "security"]
        .contains(&namespace)
}

/// A node's routine, as long as it is there.
pub(crate) fn node_begins(week: &mut Week, at: Micros, name: &str) {
    let lease = name.to_owned();
    let phase = week.chance_micros(10 * SECOND);
    week.at(at + phase, move |week, at| lease_again(week, at, &lease));
    let status = name.to_owned();
    let phase = week.chance_micros(5 * MINUTE);
    week.at(at + phase, move |week, at| status_again(week, at, &status));
    for resource in OF_KUBELET {
        let watcher = Watcher::Kubelet(name.to_owned());
        let phase = week.chance_micros(8 * MINUTE);
        week.at(at + phase, |week, at| watch(week, at, watcher, resource));
    }
    let reviews = name.to_owned();
    let phase = week.chance_micros(2 * MINUTE);
    week.at(at + phase, move |week, at| review_again(week, at, &reviews));
}

pub(crate) fn node(week: &Week, name: &str) -> Option<Node> {
    week.cluster.nodes.iter().find(|it| it.name == name).cloned()
}

fn lease_again(week: &mut Week, at: Micros, name: &str) {
    let Some(node) = node(week, name) else { return };
    let lease = of("leases.coordination.k8s.io/v1", "kube-node-lease", name);
    week.ask(at, &Asked::new(&kubelet(&node), "update", lease));
    let (name, next) =
        (name.to_owned(), at + week.seldom(10 * SECOND) + week.chance_micros(400_000));
    week.at(next, move |week, at| lease_again(week, at, &name));
}

fn status_again(week: &mut Week, at: Micros, name: &str) {
    let Some(node) = node(week, name) else { return };
    let who = kubelet(&node);
    week.ask(at, &Asked::new(&who, "get", of("nodes", "", name).query("resourceVersion=0")));
    let body = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    week.ask(
        at + 9_000,
        &Asked::new(&who, "patch", of("nodes", "", name).sub("status")).sends(body),
    );
    let (name, next) =
        (name.to_owned(), at + week.seldom(5 * MINUTE) + week.chance_micros(20 * SECOND));
    week.at(next, move |week, at| status_again(week, at, &name));
}

/// A kubelet asks whether who scrapes it may.
fn review_again(week: &mut Week, at: Micros, name: &str) {
    let Some(node) = node(week, name) else { return };
    let who = kubelet(&node);
    week.ask(at, &Asked::new(&who, "create", of("tokenreviews.authentication.k8s.io/v1", "", "")));
    let review = of("subjectaccessreviews.authorization.k8s.io/v1", "", "");
    let spec = json!({ "spec": { "nonResourceAttributes": { "path": "/metrics/resource", "verb": "get" }, "user": "system:serviceaccount:kube-system:metrics-server" } });
    week.ask(at + 8_000, &Asked::new(&who, "create", review).sends(spec));
    let (name, next) =
        (name.to_owned(), at + week.seldom(2 * MINUTE) + week.chance_micros(30 * SECOND));
    week.at(next, move |week, at| review_again(week, at, &name));
}

fn watch(week: &mut Week, at: Micros, watcher: Watcher, resource: &'static str) {
    let who = match &watcher {
        Watcher::Kubelet(name) => match node(week, name) {
            Some(node) => Some(kubelet(&node)),
            None => return,
        },
        Watcher::Component(name) => Some(week.cluster.component(name)),
        Watcher::Platform(app, agent) => week.cluster.platform(app, agent),
    };
    // A program whose pod is being replaced comes back.
    let ended = match who {
        None => at + 20 * SECOND,
        Some(who) => {
            let selector = match &watcher {
                Watcher::Kubelet(name) if resource == "pods" => {
                    format!("fieldSelector=spec.nodeName%3D{name}&")
                }
                Watcher::Kubelet(name) if resource == "nodes" => {
                    format!("fieldSelector=metadata.name%3D{name}&")
                }
                _ => String::new(),
            };
            let mut target = of(resource, "", "").query(&format!(
                "allowWatchBookmarks=true&{selector}timeoutSeconds=512&watch=true"
            ));
            if let Watcher::Kubelet(name) = &watcher
                && resource == "nodes"
            {
                name.clone_into(&mut target.name);
            }
            week.ask(at, &Asked::new(&who, "watch", target))
        }
    };
    week.at(ended + 1_000, move |week, at| watch(week, at, watcher, resource));
}

/// A kubelet renews the token of a pod, for as long as the pod is there.
pub(crate) fn renew_token(week: &mut Week, at: Micros, uid: &str) {
    let Some(pod) = week.cluster.pods.iter().find(|it| it.uid == uid).cloned() else { return };
    issue_token(week, at, &pod);
    let (uid, next) = (uid.to_owned(), at + 46 * MINUTE + week.chance_micros(4 * MINUTE));
    week.at(next, move |week, at| renew_token(week, at, &uid));
}

pub(crate) fn issue_token(week: &mut Week, at: Micros, pod: &Pod) {
    let Some(node) = node(week, &pod.node) else { return };
    let credential = format!("JTI={}", week.cluster.chance.uuid());
    let target = of("serviceaccounts", &pod.namespace, &pod.account).sub("token");
    let who = kubelet(&node);
    let asked = Asked::new(&who, "create", target)
        .noted("authentication.kubernetes.io/issued-credential-id", credential.clone());
    let answered = week.ask(at, &asked);
    let uid = pod.uid.clone();
    week.at(answered + 1, move |week, _| {
        if let Some(pod) = week.cluster.pods.iter_mut().find(|it| it.uid == uid) {
            pod.credential = credential;
        }
    });
}

pub(crate) fn anonymous() -> Who {
    Who {
        name: "system:anonymous".to_owned(),
        groups: vec!["system:unauthenticated".to_owned()],
        address: "10.20.0.5".to_owned(),
        agent: "load-balancer-check/1.4".to_owned(),
        reason: r#"RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated""#.to_owned(),
        ..Who::default()
    }
}

fn metrics(week: &mut Week, at: Micros) {
    if let Some(who) = week.cluster.platform("prometheus", "Prometheus/3.5.0") {
        week.ask(at, &Asked::new(&who, "get", path("/metrics")));
    }
    let who = week.cluster.controller("horizontal-pod-autoscaler", at);
    let scaled: Vec<(String, String)> = week
        .cluster
        .apps
        .iter()
        .filter(|it| it.is_autoscaled)
        .map(|it| (it.namespace.clone(), it.name.clone()))
        .collect();
    for (namespace, name) in scaled {
        let scale = of("deployments.apps/v1", &namespace, &name).sub("scale");
        week.ask(at, &Asked::new(&who, "get", scale));
        let usage = of("pods.metrics.k8s.io/v1beta1", &namespace, "")
            .query(&format!("labelSelector=app%3D{name}"));
        week.ask(at + 10_000, &Asked::new(&who, "list", usage));
    }
}

fn quota(week: &mut Week, at: Micros) {
    let who = week.cluster.controller("resourcequota-controller", at);
    week.ask(at, &Asked::new(&who, "list", of("resourcequotas", "", "")));
    let garbage = week.cluster.controller("generic-garbage-collector", at);
    week.ask(at + 20_000, &Asked::new(&garbage, "get", path("/apis")));
}

fn refresh(week: &mut Week, at: Micros, namespace: &str, name: &str) {
    let agent = "argocd-application-controller/v3.1.0";
    let Some(who) = week.cluster.platform("argocd-application-controller", agent) else { return };
    week.ask(at, &Asked::new(&who, "get", of("deployments.apps/v1", namespace, name)));
    week.ask(at + 15_000, &Asked::new(&who, "get", of("services", namespace, name)));
    let application = of("applications.argoproj.io/v1alpha1", "argocd", name);
    week.ask(at + 40_000, &Asked::new(&who, "patch", application));
}

/// A program asks for what it needs; one has been refused since somebody forgot its role.
fn ask_as_app(week: &mut Week, at: Micros, namespace: &str, name: &str, index: usize) {
    let Some(pod) =
        week.cluster.pods.iter().find(|it| it.namespace == namespace && it.app == name).cloned()
    else {
        return;
    };
    let mut who =
        week.cluster.account(&pod, &format!("{name}/2.4 (linux/amd64) kubernetes/$Format"));
    who.reason = format!(
        r#"RBAC: allowed by RoleBinding "{name}/{namespace}" of Role "{name}" to ServiceAccount "{name}/{namespace}""#
    );
    let config = of("configmaps", namespace, &format!("{name}-settings"));
    let code = if index == 3 { 403 } else { 200 };
    week.ask(at, &Asked::new(&who, "get", config).code(code));
    if index.is_multiple_of(2) {
        let lease = of("leases.coordination.k8s.io/v1", namespace, &format!("{name}-leader"));
        week.ask(at + 30_000, &Asked::new(&who, "update", lease));
    }
}
