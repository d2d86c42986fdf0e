//! What follows from a change of a workload: sets, pods, bindings, status, and the end of what was before.

use serde_json::{Value, json};

use crate::cluster::{App, Pod, kubelet, pod_spec};
use crate::event::{Asked, MINUTE, Micros, SECOND, of};
use crate::machinery::{issue_token, node, renew_token};
use crate::week::Week;

/// The deployment that an app is, as it is applied.
pub(crate) fn deployment(app: &App) -> Value {
    let labels = json!({ "app": app.name });
    json!({
        "kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": { "name": app.name, "namespace": app.namespace, "uid": app.uid, "labels": labels },
        "spec": {
            "replicas": app.replicas, "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": pod_spec(&app.name, &app.account, &format!("{}:2.{}.0", app.image, app.release)),
            },
        },
    })
}

/// The index of an app.
pub(crate) fn app(week: &Week, namespace: &str, name: &str) -> Option<usize> {
    week.cluster.apps.iter().position(|it| it.namespace == namespace && it.name == name)
}

/// The pods of an app are replaced one by one, since its deployment was changed.
pub(crate) fn roll_out(week: &mut Week, at: Micros, index: usize) {
    let set = format!("{}{}", week.cluster.chance.letters(5), week.cluster.chance.letters(5));
    let Some(app) = week.cluster.apps.get_mut(index) else { return };
    app.release += 1;
    let old = std::mem::replace(&mut app.set, set);
    let app = app.clone();
    let controller = week.cluster.controller("deployment-controller", at);
    let name = format!("{}-{}", app.name, app.set);
    let uid = week.cluster.uid(&format!("rs/{}/{name}", app.namespace));
    let body = json!({
        "kind": "ReplicaSet", "apiVersion": "apps/v1",
        "metadata": {
            "name": name, "namespace": app.namespace, "uid": uid,
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": app.name, "uid": app.uid, "controller": true }],
        },
        "spec": deployment(&app).pointer("/spec").cloned(),
    });
    let made = Asked::new(&controller, "create", of("replicasets.apps/v1", &app.namespace, &name))
        .keeps(body.clone());
    week.ask(at + 30_000, &made);
    let old_pods: Vec<Pod> = week
        .cluster
        .pods
        .iter()
        .filter(|it| it.namespace == app.namespace && it.app == app.name)
        .cloned()
        .collect();
    let steps = app.replicas.max(old_pods.len());
    let mut next = at + 100_000;
    for step in 0..steps {
        if step < app.replicas {
            let pod = week.cluster.new_pod(index);
            week.at(next, move |week, at| start(week, at, &pod, "replicaset-controller"));
        }
        next += 4 * SECOND + week.chance_micros(14 * SECOND);
        if let Some(pod) = old_pods.get(step) {
            let uid = pod.uid.clone();
            week.at(next, move |week, at| {
                let who = week.cluster.controller("replicaset-controller", at);
                end(week, at, &uid, &who);
            });
        }
        let body = body.clone();
        let (namespace, old) = (app.namespace.clone(), format!("{}-{old}", app.name));
        week.at(next + 40_000, move |week, at| {
            let who = week.cluster.controller("deployment-controller", at);
            let update =
                Asked::new(&who, "update", of("replicasets.apps/v1", &namespace, &old)).keeps(body);
            // Somebody else wrote it in between, now and then.
            let code = if week.happens(60) { 409 } else { 200 };
            week.ask(at, &update.code(code));
        });
    }
    week.at(next + SECOND, move |week, at| {
        let who = week.cluster.controller("deployment-controller", at);
        let status = of("deployments.apps/v1", &app.namespace, &app.name).sub("status");
        week.ask(at, &Asked::new(&who, "update", status));
    });
}

/// As many pods more or fewer as an app is to have now.
pub(crate) fn scale(week: &mut Week, at: Micros, index: usize, replicas: usize) {
    let Some(app) = week.cluster.apps.get_mut(index) else { return };
    let before = std::mem::replace(&mut app.replicas, replicas);
    let (namespace, name) = (app.namespace.clone(), app.name.clone());
    for step in before..replicas {
        let pod = week.cluster.new_pod(index);
        let wait = i64::try_from(step).unwrap_or(0) * 120_000;
        week.at(at + 200_000 + wait, move |week, at| {
            start(week, at, &pod, "replicaset-controller")
        });
    }
    let pods = week.cluster.pods.iter().filter(|it| it.namespace == namespace && it.app == name);
    let gone: Vec<String> =
        pods.take(before.saturating_sub(replicas)).map(|it| it.uid.clone()).collect();
    for uid in gone {
        week.at(at + 300_000, move |week, at| {
            let who = week.cluster.controller("replicaset-controller", at);
            end(week, at, &uid, &who);
        });
    }
}

/// A pod is made, bound, and runs.
pub(crate) fn start(week: &mut Week, at: Micros, pod: &Pod, by: &str) {
    let who = week.cluster.controller(by, at);
    let body = body(pod);
    week.ask(at, &Asked::new(&who, "create", of("pods", &pod.namespace, &pod.name)).keeps(body));
    let scheduler = week.cluster.component("kube-scheduler");
    let binding = json!({ "kind": "Binding", "apiVersion": "v1", "metadata": { "name": pod.name, "namespace": pod.namespace, "uid": pod.uid }, "target": { "kind": "Node", "name": pod.node } });
    let target = of("pods", &pod.namespace, &pod.name).sub("binding");
    week.ask(at + 60_000, &Asked::new(&scheduler, "create", target).sends(binding));
    let Some(node) = node(week, &pod.node) else { return };
    let agent = kubelet(&node);
    let get = of("pods", &pod.namespace, &pod.name);
    week.ask(at + 150_000, &Asked::new(&agent, "get", get));
    week.cluster.pods.push(pod.clone());
    issue_token(week, at + 200_000, pod);
    let uid = pod.uid.clone();
    week.at(at + 48 * MINUTE, move |week, at| renew_token(week, at, &uid));
    let status = json!({
        "metadata": { "uid": pod.uid },
        "status": {
            "phase": "Running", "hostIP": node.address, "podIP": pod.address, "podIPs": [{ "ip": pod.address }],
            "containerStatuses": [{ "name": pod.app, "image": pod.image, "ready": true, "restartCount": 0, "containerID": format!("containerd://{}", pod.uid.replace('-', "")) }],
        },
    });
    let runs = at + SECOND + week.chance_micros(4 * SECOND);
    let target = of("pods", &pod.namespace, &pod.name).sub("status");
    week.ask(runs, &Asked::new(&agent, "patch", target).sends(status));
    let slices = week.cluster.controller("endpointslice-controller", at);
    let slice =
        of("endpointslices.discovery.k8s.io/v1", &pod.namespace, &format!("{}-x2v8q", pod.app));
    week.ask(runs + 50_000, &Asked::new(&slices, "update", slice));
}

/// A pod is deleted, and its kubelet lets it go.
pub(crate) fn end(week: &mut Week, at: Micros, uid: &str, who: &crate::event::Who) {
    let Some(pod) = week.cluster.pods.iter().find(|it| it.uid == uid).cloned() else { return };
    let target = || of("pods", &pod.namespace, &pod.name);
    let deleted = Asked::new(who, "delete", target())
        .sends(json!({ "kind": "DeleteOptions", "apiVersion": "v1" }));
    week.ask(at, &deleted.answers(body(&pod)));
    gone(week, at + 2 * SECOND, uid);
}

/// A pod's kubelet lets it go.
pub(crate) fn gone(week: &mut Week, at: Micros, uid: &str) {
    let uid = uid.to_owned();
    week.at(at, move |week, at| {
        let Some(place) = week.cluster.pods.iter().position(|it| it.uid == uid) else { return };
        let pod = week.cluster.pods.remove(place);
        let Some(node) = node(week, &pod.node) else { return };
        let agent = kubelet(&node);
        let last = of("pods", &pod.namespace, &pod.name);
        let options = json!({ "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "preconditions": { "uid": pod.uid } });
        week.ask(at, &Asked::new(&agent, "delete", last).sends(options).answers(body(&pod)));
    });
}

/// A pod as the API server keeps it.
pub(crate) fn body(pod: &Pod) -> Value {
    let (kind, name, uid) = &pod.owner;
    let version = if *kind == "Job" { "batch/v1" } else { "apps/v1" };
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": pod.name, "generateName": format!("{name}-"), "namespace": pod.namespace, "uid": pod.uid,
            "labels": { "app": pod.app },
            "ownerReferences": [{ "apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true }],
        },
        "spec": spec(pod),
    })
}

fn spec(pod: &Pod) -> Value {
    // A benchmark of the nodes' configuration has to see the nodes.
    if pod.app == "node-benchmark" {
        return json!({
            "serviceAccountName": pod.account, "hostPID": true,
            "containers": [{
                "name": "benchmark", "image": pod.image,
                "volumeMounts": [{ "name": "etc", "mountPath": "/etc/kubernetes", "readOnly": true }, { "name": "var", "mountPath": "/var/lib/kubelet", "readOnly": true }],
            }],
            "volumes": [{ "name": "etc", "hostPath": { "path": "/etc/kubernetes" } }, { "name": "var", "hostPath": { "path": "/var/lib/kubelet" } }],
        });
    }
    pod_spec(&pod.app, &pod.account, &pod.image)
}

/// A job of a cron job: made, run, counted, and removed when it is old.
pub(crate) fn run_job(week: &mut Week, at: Micros, namespace: &str, name: &str) {
    let (namespace, cron) = (namespace.to_owned(), name.to_owned());
    let job = format!("{name}-{}", at / MINUTE);
    let (cron_uid, uid) =
        (week.cluster.uid(&format!("cron/{namespace}/{name}")), week.cluster.chance.uuid());
    let pod = {
        let suffix = week.cluster.chance.letters(5);
        let image = format!("registry.fernweh.example/{namespace}/{name}:1.9.0");
        let owner = ("Job", job.clone(), uid.clone());
        week.cluster.pod(&namespace, name, &format!("{job}-{suffix}"), name, &image, owner)
    };
    let body = json!({
        "kind": "Job", "apiVersion": "batch/v1",
        "metadata": {
            "name": job, "namespace": namespace, "uid": uid,
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": cron_uid, "controller": true }],
        },
        "spec": { "template": { "spec": spec(&pod) } },
    });
    let crons = week.cluster.controller("cronjob-controller", at);
    week.ask(at, &Asked::new(&crons, "create", of("jobs.batch/v1", &namespace, &job)).keeps(body));
    let pod_uid = pod.uid.clone();
    week.at(at + 50_000, move |week, at| start(week, at, &pod, "job-controller"));
    let lasts = 20 * SECOND + week.chance_micros(3 * MINUTE);
    week.at(at + lasts, move |week, at| {
        let jobs = week.cluster.controller("job-controller", at);
        week.ask(
            at,
            &Asked::new(&jobs, "update", of("jobs.batch/v1", &namespace, &job).sub("status")),
        );
        let crons = week.cluster.controller("cronjob-controller", at);
        week.ask(
            at + 60_000,
            &Asked::new(&crons, "update", of("cronjobs.batch/v1", &namespace, &cron).sub("status")),
        );
        week.at(at + 55 * MINUTE, move |week, at| {
            let crons = week.cluster.controller("cronjob-controller", at);
            week.ask(at, &Asked::new(&crons, "delete", of("jobs.batch/v1", &namespace, &job)));
            let garbage = week.cluster.controller("generic-garbage-collector", at);
            end(week, at + 80_000, &pod_uid, &garbage);
        });
    });
}
