//! Attacks with the credentials of pods and nodes.

use airside_types::{Entity, ObjectRef};

use super::{account, plant, pod_of, steps};
use crate::cluster::account_groups;
use crate::event::{Asked, Micros, Who, of};
use crate::week::Week;

/// A pod's token, used elsewhere: what it may, what is there, the Secrets.
pub(super) fn stolen_token(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "thumbs") else { return };
    plant(week, at, "a pod's token is used from elsewhere", account(&pod));
    let mut who = week
        .cluster
        .account(&pod, "kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc")
        .from("185.220.101.44");
    who = who.allowed_by(r#"RBAC: allowed by RoleBinding "thumbs-edit/media" of ClusterRole "edit" to ServiceAccount "thumbs/media""#);
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

/// A program that may make tokens makes one of an account that may all.
pub(super) fn minted_token(week: &mut Week, at: Micros) {
    let Some(pod) = pod_of(week, "suggest") else { return };
    plant(week, at, "a token of kube-system is made by a workload", account(&pod));
    let mut who = week.cluster.account(&pod, "python-requests/2.32.3");
    who = who.allowed_by(r#"RBAC: allowed by ClusterRoleBinding "suggest-helper" of ClusterRole "token-maker" to ServiceAccount "suggest/search""#);
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

/// A kubelet's certificate away from its node.
pub(super) fn stolen_kubelet(week: &mut Week, at: Micros) {
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

/// The backup's token reads all Secrets, away from the backup.
pub(super) fn backup_of_secrets(week: &mut Week, at: Micros) {
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
