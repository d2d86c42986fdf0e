//! What is done to keep the cluster well: jobs by the clock, certificates, backups, scans; and a team that is new.

use serde_json::{Value, json};

use crate::cluster::{App, Pod};
use crate::event::{Asked, MINUTE, Micros, SECOND, Who, of};
use crate::machinery::{is_platform, renew_token};
use crate::people::exec;
use crate::week::Week;
use crate::workloads::{self, deployment, run_job};

/// Cron jobs, and every how many minutes they run.
const JOBS: &[(&str, &str, i64)] = &[
    ("checkout", "expire-carts", 10),
    ("catalog", "import-prices", 15),
    ("search", "reindex", 30),
    ("payments", "settle", 20),
    ("identity", "prune-sessions", 15),
    ("media", "sweep", 30),
    ("fulfil", "track", 10),
    ("insights", "aggregate", 15),
    ("insights", "export", 60),
];

pub(crate) fn begin(week: &mut Week) {
    for (namespace, name, minutes) in JOBS {
        week.every(minutes * MINUTE, |week, at| run_job(week, at, namespace, name));
    }
    for day in 0..week.plan.days {
        week.on(day, (1, 30), back_up);
        week.on(day, (3, 0), scan);
        week.on(day, (6, 12), |week, at| renew_certificate(week, at, "checkout", "shop-tls"));
        week.on(day, (17, 48), |week, at| renew_certificate(week, at, "identity", "login-tls"));
    }
    if week.plan.days > 1 {
        week.on(1, (10, 5), new_team);
    }
    if week.plan.days > 6 {
        week.on(6, (5, 0), |week, at| run_job(week, at, "security", "node-benchmark"));
    }
}

/// A certificate is renewed by ACME: a key, a request, a challenge that a pod answers, the new Secret.
fn renew_certificate(week: &mut Week, at: Micros, namespace: &'static str, name: &'static str) {
    let Some(who) =
        week.cluster.platform("cert-manager", "cert-manager-controller/v1.18.2 (linux/amd64)")
    else {
        return;
    };
    let suffix = week.cluster.chance.letters(5);
    let request = format!("{name}-{suffix}");
    let mut at = week.ask(
        at,
        &Asked::new(
            &who,
            "update",
            of("certificates.cert-manager.io/v1", namespace, name).sub("status"),
        ),
    );
    at = week.ask(
        at + 50_000,
        &Asked::new(&who, "create", of("secrets", namespace, &format!("{request}-key"))),
    );
    for resource in [
        "certificaterequests.cert-manager.io/v1",
        "orders.acme.cert-manager.io/v1",
        "challenges.acme.cert-manager.io/v1",
    ] {
        let body = json!({ "metadata": { "name": request, "namespace": namespace } });
        at = week.ask(
            at + 90_000,
            &Asked::new(&who, "create", of(resource, namespace, &request)).keeps(body),
        );
    }
    let solver = format!("cm-acme-http-solver-{suffix}");
    let labels = json!({ "acme.cert-manager.io/http01-solver": "true" });
    let pod = json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": { "generateName": "cm-acme-http-solver-", "name": solver, "namespace": namespace, "labels": labels },
        "spec": { "automountServiceAccountToken": false, "containers": [{
            "name": "acmesolver", "image": "quay.io/jetstack/cert-manager-acmesolver:v1.18.2", "ports": [{ "containerPort": 8089, "name": "http" }],
            "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] } },
        }], "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } } },
    });
    let service = json!({ "kind": "Service", "apiVersion": "v1", "metadata": { "name": solver, "namespace": namespace }, "spec": { "type": "NodePort", "selector": labels, "ports": [{ "port": 8089, "targetPort": 8089 }] } });
    let ingress = json!({ "kind": "Ingress", "apiVersion": "networking.k8s.io/v1", "metadata": { "name": solver, "namespace": namespace }, "spec": { "rules": [{ "host": "shop.fernweh.example", "http": { "paths": [{ "path": "/.well-known/acme-challenge/x", "pathType": "ImplementationSpecific", "backend": { "service": { "name": solver, "port": { "number": 8089 } } } }] } }] } });
    for (resource, body) in
        [("pods", pod), ("services", service), ("ingresses.networking.k8s.io/v1", ingress)]
    {
        at = week.ask(
            at + 60_000,
            &Asked::new(&who, "create", of(resource, namespace, &solver)).keeps(body),
        );
    }
    at += 40 * SECOND;
    for resource in ["pods", "services", "ingresses.networking.k8s.io/v1"] {
        at = week.ask(at + 30_000, &Asked::new(&who, "delete", of(resource, namespace, &solver)));
    }
    at = week.ask(
        at + SECOND,
        &Asked::new(&who, "get", of("secrets", namespace, &format!("{request}-key"))),
    );
    at = week.ask(at + 50_000, &Asked::new(&who, "update", of("secrets", namespace, name)));
    week.ask(
        at + 50_000,
        &Asked::new(&who, "delete", of("secrets", namespace, &format!("{request}-key"))),
    );
}

/// Everything is read, and some programs are told to be still while their files are copied.
fn back_up(week: &mut Week, at: Micros) {
    let Some(who) = week.cluster.platform("velero", "velero-server/v1.16.0 (linux/amd64)") else {
        return;
    };
    let mut at =
        week.ask(at, &Asked::new(&who, "patch", of("backups.velero.io/v1", "backup", "nightly")));
    let mut namespaces: Vec<String> =
        week.cluster.apps.iter().map(|it| it.namespace.clone()).collect();
    namespaces.dedup();
    let kinds = [
        "pods",
        "services",
        "secrets",
        "configmaps",
        "serviceaccounts",
        "persistentvolumeclaims",
        "deployments.apps/v1",
        "replicasets.apps/v1",
        "jobs.batch/v1",
        "cronjobs.batch/v1",
        "ingresses.networking.k8s.io/v1",
        "roles.rbac.authorization.k8s.io/v1",
        "rolebindings.rbac.authorization.k8s.io/v1",
    ];
    for namespace in &namespaces {
        for kind in kinds {
            at = week.ask(at + 30_000, &Asked::new(&who, "list", of(kind, namespace, "")));
        }
    }
    for kind in [
        "clusterroles.rbac.authorization.k8s.io/v1",
        "clusterrolebindings.rbac.authorization.k8s.io/v1",
        "customresourcedefinitions.apiextensions.k8s.io/v1",
        "persistentvolumes",
    ] {
        at = week.ask(at + 30_000, &Asked::new(&who, "list", of(kind, "", "")));
    }
    let databases: Vec<Pod> =
        week.cluster.pods.iter().filter(|it| it.app == "ledger").cloned().collect();
    for pod in databases {
        at = exec(
            week,
            at + SECOND,
            &who,
            &pod,
            &["/bin/sh", "-c", "pg_dump -Fc ledger -f /backup/ledger.dump"],
        );
        let volume = of("podvolumebackups.velero.io/v1", "backup", "nightly-ledger");
        at = week.ask(
            at,
            &Asked::new(&who, "create", volume)
                .keeps(json!({ "metadata": { "name": "nightly-ledger" } })),
        );
    }
    week.ask(at, &Asked::new(&who, "patch", of("backups.velero.io/v1", "backup", "nightly")));
}

/// What runs is listed, and each image is looked into by a job.
fn scan(week: &mut Week, at: Micros) {
    let Some(who) = week.cluster.platform("image-scanner", "image-scanner/v0.28.0 (linux/amd64)")
    else {
        return;
    };
    let mut at = at;
    for kind in [
        "pods",
        "replicasets.apps/v1",
        "nodes",
        "roles.rbac.authorization.k8s.io/v1",
        "clusterroles.rbac.authorization.k8s.io/v1",
        "networkpolicies.networking.k8s.io/v1",
        "configmaps",
    ] {
        at = week.ask(at + 100_000, &Asked::new(&who, "list", of(kind, "", "").query("limit=500")));
    }
    let apps: Vec<App> =
        week.cluster.apps.iter().filter(|it| !is_platform(&it.namespace)).cloned().collect();
    for app in apps {
        at += 20 * SECOND;
        let job = format!("scan-report-{}", week.cluster.chance.letters(9));
        let uid = week.cluster.chance.uuid();
        let image = "registry.fernweh.example/security/image-scanner:0.65.0";
        let pod = week.cluster.pod(
            "security",
            "scan",
            &format!("{job}-{}", "x4k2p"),
            "image-scanner",
            image,
            ("Job", job.clone(), uid.clone()),
        );
        let body = json!({ "kind": "Job", "apiVersion": "batch/v1", "metadata": { "name": job, "namespace": "security", "uid": uid }, "spec": { "template": { "spec": workloads::body(&pod).pointer("/spec").cloned() } } });
        week.ask(
            at,
            &Asked::new(&who, "create", of("jobs.batch/v1", "security", &job)).keeps(body),
        );
        let (name, pod_uid) = (pod.name.clone(), pod.uid.clone());
        week.at(at + 80_000, move |week, at| workloads::start(week, at, &pod, "job-controller"));
        week.at(at + MINUTE, move |week, at| {
            let Some(who) =
                week.cluster.platform("image-scanner", "image-scanner/v0.28.0 (linux/amd64)")
            else {
                return;
            };
            week.ask(at, &Asked::new(&who, "get", of("pods", "security", &name).sub("log")));
            let report = of(
                "vulnerabilityreports.aquasecurity.github.io/v1alpha1",
                &app.namespace,
                &app.name,
            );
            week.ask(at + 90_000, &Asked::new(&who, "update", report));
            week.ask(
                at + SECOND,
                &Asked::new(&who, "delete", of("jobs.batch/v1", "security", &job)),
            );
            let garbage = week.cluster.controller("generic-garbage-collector", at);
            workloads::end(week, at + 2 * SECOND, &pod_uid, &garbage);
        });
    }
}

/// A team gets its place: a namespace with quota and rules, its rights, and its first program.
fn new_team(week: &mut Week, at: Micros) {
    let Some(person) =
        week.cluster.people.iter().find(|it| it.who.name.starts_with("katya")).cloned()
    else {
        return;
    };
    let (who, team) = (person.who, "loyalty");
    let metadata = |name: &str| json!({ "name": name, "namespace": team });
    let objects: [(&str, &str, Value); 7] = [
        (
            "namespaces",
            team,
            json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": team, "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } }),
        ),
        (
            "resourcequotas",
            "team",
            json!({ "kind": "ResourceQuota", "apiVersion": "v1", "metadata": metadata("team"), "spec": { "hard": { "pods": "60" } } }),
        ),
        (
            "limitranges",
            "defaults",
            json!({ "kind": "LimitRange", "apiVersion": "v1", "metadata": metadata("defaults"), "spec": { "limits": [{ "type": "Container", "default": { "memory": "512Mi" } }] } }),
        ),
        (
            "networkpolicies.networking.k8s.io/v1",
            "default-deny",
            json!({ "kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": metadata("default-deny"), "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] } }),
        ),
        (
            "serviceaccounts",
            "points",
            json!({ "kind": "ServiceAccount", "apiVersion": "v1", "metadata": metadata("points") }),
        ),
        (
            "roles.rbac.authorization.k8s.io/v1",
            "points",
            json!({ "kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata("points"), "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "watch"] }] }),
        ),
        (
            "rolebindings.rbac.authorization.k8s.io/v1",
            "team-loyalty",
            json!({ "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata("team-loyalty"), "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit" }, "subjects": [{ "kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "team-loyalty" }] }),
        ),
    ];
    let mut at = at;
    for (resource, name, body) in objects {
        let namespace = if resource == "namespaces" { name } else { team };
        at = week
            .ask(at + 200_000, &Asked::new(&who, "get", of(resource, namespace, name)).code(404));
        let applied = of(resource, namespace, name).query("fieldManager=kubectl-client-side-apply");
        at = week.ask(at + 20_000, &Asked::new(&who, "create", applied).keeps(body));
    }
    at = week
        .ask(at + 3 * SECOND, &Asked::new(&who, "create", of("secrets", team, "points-database")));
    week.at(at + 20 * MINUTE, move |week, at| first_program(week, at, &who, team));
}

fn first_program(week: &mut Week, at: Micros, who: &Who, team: &str) {
    week.cluster.add_app(team, "points", 0);
    let Some(index) = workloads::app(week, team, "points") else { return };
    if let Some(app) = week.cluster.apps.get_mut(index) {
        app.replicas = 2;
        app.is_by_gitops = true;
        let body = deployment(app);
        let target = of("deployments.apps/v1", team, "points");
        let at = week.ask(at, &Asked::new(who, "create", target).keeps(body));
        workloads::roll_out(week, at, index);
    }
    let mut colleague = week.cluster.people.first().cloned();
    if let Some(person) = &mut colleague {
        "olga.duarte@fernweh.example".clone_into(&mut person.who.name);
        person.who.groups =
            vec![format!("team-{team}"), "staff".to_owned(), "system:authenticated".to_owned()];
        person.who.reason = format!(
            r#"RBAC: allowed by RoleBinding "team-{team}/{team}" of ClusterRole "edit" to Group "team-{team}""#
        );
        "10.8.0.33".clone_into(&mut person.who.address);
        team.clone_into(&mut person.namespace);
    }
    week.cluster.people.extend(colleague);
    let index = week.cluster.people.len().saturating_sub(1);
    for hours in [1, 4, 23, 26, 47, 50, 52, 71] {
        week.at(at + hours * 60 * MINUTE, move |week, at| crate::people::session(week, at, index));
    }
    let pods: Vec<String> = week
        .cluster
        .pods
        .iter()
        .filter(|it| it.namespace == team)
        .map(|it| it.uid.clone())
        .collect();
    for pod in pods {
        week.at(at + MINUTE, move |week, at| renew_token(week, at, &pod));
    }
}
