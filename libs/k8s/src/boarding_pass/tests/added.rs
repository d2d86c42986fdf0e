//! What is added to a live object: what Kubernetes adds is none of it, and everything else is told by its field.

use super::*;

/// Changes an object with a JSON pointer: a key of a map, or `-` for the end of a list.
fn with(object: &Value, pointer: &str, value: Value) -> Value {
    let mut object = object.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/");
    let mut at = &mut object;
    for step in parent.split('/').skip(1) {
        at = match step.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[step],
        };
    }
    match at {
        Value::Array(elements) => {
            *elements = elements.iter().cloned().chain([value]).collect();
        }
        map => map[key.as_str()] = value,
    }
    object
}

fn deployment_without_count() -> Value {
    changed("/spec/replicas", Value::Null)
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "labels": { "app": "web" } },
        "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80 }] },
    })
}

fn role() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "web" },
        "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }],
    })
}

fn binding() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "web" },
        "roleRef": { "kind": "Role", "name": "web" },
        "subjects": [{ "kind": "ServiceAccount", "name": "web", "namespace": "shop" }],
    })
}

fn config_map() -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web" }, "data": { "mode": "fast" } })
}

fn network_policy() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "web" },
        "spec": {
            "podSelector": {}, "policyTypes": ["Ingress"],
            "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "web" } } }] }],
        },
    })
}

fn webhooks() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "gate" },
        "webhooks": [{ "name": "gate.shop.example", "clientConfig": { "url": "https://gate.shop.example" } }],
    })
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
        "spec": { "containers": [{ "name": "web", "image": "web:1", "resources": { "limits": { "cpu": 1 } } }] },
    })
}

const POD: &str = "/spec/template/spec";

#[test]
fn what_is_added_is_drift_at_its_field() {
    let of_pod = |pointer: &str| format!("{POD}{pointer}");
    let container = |pointer: &str| format!("{POD}/containers/0{pointer}");
    for (object, pointer, value, told) in [
        (deployment(), of_pod("/hostPID"), json!(true), "spec.template.spec.hostPID added"),
        (
            deployment(),
            of_pod("/containers/-"),
            json!({ "name": "miner", "image": "miner:1", "securityContext": { "privileged": true } }),
            "spec.template.spec.containers[1] (miner) added",
        ),
        (
            deployment(),
            of_pod("/initContainers"),
            json!([{ "name": "first", "image": "first:1" }]),
            "spec.template.spec.initContainers[0] (first) added",
        ),
        (
            deployment(),
            of_pod("/volumes"),
            json!([{ "name": "host", "hostPath": { "path": "/", "type": "" } }]),
            "spec.template.spec.volumes[0] (host) added",
        ),
        (
            deployment(),
            container("/env/-"),
            json!({ "name": "LD_PRELOAD", "value": "/evil.so" }),
            "spec.template.spec.containers[0].env[2] (LD_PRELOAD) added",
        ),
        // The last of two wins.
        (
            deployment(),
            container("/env/-"),
            json!({ "name": "MODE", "value": "slow" }),
            "spec.template.spec.containers[0].env[2] (MODE) added",
        ),
        (
            deployment(),
            container("/ports/-"),
            json!({ "containerPort": 81 }),
            "spec.template.spec.containers[0].ports[1] added",
        ),
        (
            deployment(),
            container("/ports/0/hostPort"),
            json!(80),
            "spec.template.spec.containers[0].ports[0].hostPort added",
        ),
        (
            deployment(),
            container("/securityContext/runAsUser"),
            json!(0),
            "spec.template.spec.containers[0].securityContext.runAsUser added",
        ),
        (
            deployment(),
            container("/lifecycle"),
            json!({ "postStart": { "exec": { "command": ["sh"] } } }),
            "spec.template.spec.containers[0].lifecycle.postStart.exec.command[0] added",
        ),
        (
            deployment(),
            of_pod("/serviceAccountName"),
            json!("admin"),
            "spec.template.spec.serviceAccountName added",
        ),
        (
            deployment(),
            of_pod("/tolerations"),
            json!([{ "operator": "Exists" }]),
            "spec.template.spec.tolerations[0] added",
        ),
        (
            deployment(),
            of_pod("/securityContext"),
            json!({ "runAsUser": 0, "fsGroup": 0 }),
            "spec.template.spec.securityContext added",
        ),
        (
            deployment(),
            "/metadata/annotations".to_owned(),
            json!({ "shop.example/door": "open" }),
            "metadata.annotations[\"shop.example/door\"] added",
        ),
        (deployment(), "/spec/paused".to_owned(), json!(true), "spec.paused added"),
        (
            service(),
            "/spec/externalIPs".to_owned(),
            json!(["203.0.113.7"]),
            "spec.externalIPs[0] added",
        ),
        (service(), "/spec/type".to_owned(), json!("NodePort"), "spec.type added"),
        (service(), "/spec/selector/tier".to_owned(), json!("front"), "spec.selector.tier added"),
        (
            service(),
            "/spec/ports/-".to_owned(),
            json!({ "name": "debug", "port": 9000 }),
            "spec.ports[1] (debug) added",
        ),
        (
            role(),
            "/rules/-".to_owned(),
            json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }),
            "rules[1] added",
        ),
        (role(), "/rules/0/verbs/-".to_owned(), json!("*"), "rules[0].verbs[1] added"),
        (
            binding(),
            "/subjects/-".to_owned(),
            json!({ "kind": "User", "name": "eve" }),
            "subjects[1] (eve) added",
        ),
        (config_map(), "/data/run.sh".to_owned(), json!(""), "data[\"run.sh\"] added"),
        (config_map(), "/binaryData".to_owned(), json!({ "a": "AA==" }), "binaryData.a added"),
        (network_policy(), "/spec/ingress/-".to_owned(), json!({}), "spec.ingress[1] added"),
        (
            network_policy(),
            "/spec/ingress/0/from/0/namespaceSelector".to_owned(),
            json!({}),
            "spec.ingress[0].from[0].namespaceSelector added",
        ),
        (
            network_policy(),
            "/spec/ingress/0/from/-".to_owned(),
            json!({ "ipBlock": { "cidr": "0.0.0.0/0" } }),
            "spec.ingress[0].from[1] added",
        ),
        (
            webhooks(),
            "/webhooks/-".to_owned(),
            json!({ "name": "eve.example" }),
            "webhooks[1] (eve.example) added",
        ),
        (
            webhooks(),
            "/webhooks/0/failurePolicy".to_owned(),
            json!("Ignore"),
            "webhooks[0].failurePolicy added",
        ),
        (
            pod(),
            "/spec/ephemeralContainers".to_owned(),
            json!([{ "name": "debugger", "image": "busybox:1" }]),
            "spec.ephemeralContainers[0] (debugger) added",
        ),
        // What only looks like the token that admission adds.
        (
            pod(),
            "/spec/volumes".to_owned(),
            json!([{ "name": "kube-api-access-x", "hostPath": { "path": "/" } }]),
            "spec.volumes[0] (kube-api-access-x) added",
        ),
        (
            pod(),
            "/spec/containers/-".to_owned(),
            json!({ "name": "istio-proxy", "image": "miner:1" }),
            "spec.containers[1] (istio-proxy) added",
        ),
    ] {
        assert_eq!(drift(&object, &with(&object, &pointer, value)), [told], "{pointer}");
    }
}

#[test]
fn what_kubernetes_adds_is_no_drift() {
    let container = |pointer: &str| format!("{POD}/containers/0{pointer}");
    for (object, pointer, value) in [
        (deployment(), format!("{POD}/dnsPolicy"), json!("ClusterFirst")),
        (deployment(), format!("{POD}/securityContext"), json!({})),
        (deployment(), format!("{POD}/terminationGracePeriodSeconds"), json!(30)),
        (deployment(), container("/imagePullPolicy"), json!("IfNotPresent")),
        (deployment(), container("/terminationMessagePolicy"), json!("File")),
        (deployment(), "/spec/revisionHistoryLimit".to_owned(), json!(10)),
        (
            deployment(),
            "/spec/strategy".to_owned(),
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } }),
        ),
        (
            deployment(),
            "/metadata/annotations".to_owned(),
            json!({ "deployment.kubernetes.io/revision": "3" }),
        ),
        (
            deployment(),
            "/spec/template/metadata".to_owned(),
            json!({ "creationTimestamp": null, "annotations": { "kubectl.kubernetes.io/restartedAt": "now" } }),
        ),
        (deployment(), "/status".to_owned(), json!({ "replicas": 2 })),
        (service(), "/spec/clusterIP".to_owned(), json!("10.96.0.7")),
        (service(), "/spec/sessionAffinity".to_owned(), json!("None")),
        (service(), "/spec/ports/0/targetPort".to_owned(), json!(80)),
        (service(), "/spec/ports/0/protocol".to_owned(), json!("TCP")),
        (binding(), "/roleRef/apiGroup".to_owned(), json!("rbac.authorization.k8s.io")),
        (network_policy(), "/spec/egress".to_owned(), json!([])),
        (webhooks(), "/webhooks/0/namespaceSelector".to_owned(), json!({})),
        (webhooks(), "/webhooks/0/timeoutSeconds".to_owned(), json!(10)),
        (pod(), "/spec/nodeName".to_owned(), json!("node-1")),
        (pod(), "/spec/priority".to_owned(), json!(0)),
        (deployment_without_count(), "/spec/replicas".to_owned(), json!(7)),
        (deployment(), "/metadata/finalizers".to_owned(), json!(["shop.example/door"])),
        (pod(), "/spec/serviceAccountName".to_owned(), json!("default")),
        (pod(), "/spec/containers/0/resources/requests".to_owned(), json!({ "cpu": 1 })),
        (
            pod(),
            "/spec/tolerations".to_owned(),
            json!([{ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }]),
        ),
        (
            pod(),
            "/spec/volumes".to_owned(),
            json!([{ "name": "kube-api-access-x", "projected": { "defaultMode": 420, "sources": [
                { "serviceAccountToken": { "path": "token" } },
                { "configMap": { "name": "kube-root-ca.crt" } },
                { "downwardAPI": { "items": [] } },
            ] } }]),
        ),
        (
            pod(),
            "/spec/containers/0/volumeMounts".to_owned(),
            json!([{ "name": "kube-api-access-x", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }]),
        ),
    ] {
        assert_eq!(drift(&object, &with(&object, &pointer, value)), [""; 0], "{pointer}");
    }
}

#[test]
fn any_other_value_than_the_default_is_drift() {
    for (object, pointer, value) in [
        (deployment(), format!("{POD}/dnsPolicy"), json!("Default")),
        (deployment(), format!("{POD}/containers/0/imagePullPolicy"), json!("Never")),
        (deployment(), "/spec/revisionHistoryLimit".to_owned(), json!(0)),
        (service(), "/spec/clusterIP".to_owned(), json!("None")),
        (service(), "/spec/ports/0/targetPort".to_owned(), json!(22)),
        (pod(), "/spec/serviceAccountName".to_owned(), json!("admin")),
        (pod(), "/spec/containers/0/resources/requests".to_owned(), json!({ "cpu": 2 })),
    ] {
        assert_eq!(drift(&object, &with(&object, &pointer, value)).len(), 1, "{pointer}");
    }
}

#[test]
fn a_sidecar_is_no_drift_where_the_pod_asks_for_it() {
    let proxy = json!({ "name": "istio-proxy", "image": "proxy:1" });
    let asking = |answer: &str| {
        with(&pod(), "/metadata/labels", json!({ "sidecar.istio.io/inject": answer }))
    };
    for (manifest, told) in [
        (asking("true"), &[][..]),
        (asking("false"), &["spec.containers[1] (istio-proxy) added"]),
        (pod(), &["spec.containers[1] (istio-proxy) added"]),
    ] {
        assert_eq!(drift(&manifest, &with(&manifest, "/spec/containers/-", proxy.clone())), told);
    }
}

#[test]
fn the_old_name_of_a_service_account_counts_where_the_manifest_has_it() {
    let both = |manifest: &Value| {
        let account = |field: &str| format!("{POD}/{field}");
        let live = with(manifest, &account("serviceAccount"), json!("web"));
        with(&live, &account("serviceAccountName"), json!("web"))
    };
    let old = with(&deployment(), &format!("{POD}/serviceAccount"), json!("web"));
    assert_eq!(drift(&old, &both(&old)), [""; 0]);
    let told = ["spec.template.spec.serviceAccountName added"];
    assert_eq!(drift(&deployment(), &both(&deployment())), told);
}

#[test]
fn of_a_kind_whose_defaults_are_not_known_only_elements_of_its_lists_are_told() {
    let route = json!({
        "apiVersion": "shop.example/v1", "kind": "Route", "metadata": { "name": "web" },
        "spec": { "hosts": ["web.shop.example"] },
    });
    let told = |live: &Value| compare(&pass_for(&route), &Object::new(live).unwrap());
    let defaulted = told(&with(&route, "/spec/timeout", json!("10s")));
    assert_eq!((defaulted.drifts.len(), defaulted.not_compared.additions), (0, true));
    let longer = told(&with(&route, "/spec/hosts/-", json!("eve.example")));
    assert_eq!(longer.drifts[0].to_string(), "spec.hosts[1] added");
    assert!(!longer.not_compared.additions);
}

#[test]
fn an_empty_selector_that_is_gone_is_drift() {
    let everyone = with(&network_policy(), "/spec/ingress/0/from", json!([{ "podSelector": {} }]));
    let live = with(&everyone, "/spec/ingress/0", json!({}));
    let mut live = live;
    live["spec"]["ingress"] = json!([{}]);
    assert_eq!(drift(&everyone, &live), ["spec.ingress[0].from[0].podSelector"]);
    assert_eq!(drift(&everyone, &everyone), [""; 0]);
}
