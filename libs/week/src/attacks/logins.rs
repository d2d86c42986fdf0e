//! Attacks with people's logins.

use serde_json::{Value, json};

use super::{applied, person, plant, pod_of, steps};
use crate::event::{Asked, Micros, SECOND, of};
use crate::people::exec;
use crate::week::Week;

/// Somebody's login in strange hands: from the internet, into a database's pod, for its passwords.
pub(super) fn phished_login(week: &mut Week, at: Micros) {
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

/// Somebody of the platform's login gives everything to an account that anybody can have.
pub(super) fn administrator_for_all(week: &mut Week, at: Micros) {
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

/// Somebody acts as a member of the group that may all.
pub(super) fn impersonation(week: &mut Week, at: Micros) {
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

/// Somebody has a certificate signed that makes them a master.
pub(super) fn signed_certificate(week: &mut Week, at: Micros) {
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

/// A namespace is emptied, with what would tell of it.
pub(super) fn destruction(week: &mut Week, at: Micros) {
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
