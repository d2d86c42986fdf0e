//! The rules about pods against the scanner's catalogue: a rule fires if and only if a check that it stands for
//! fails at something that the object says, whatever kind carries the pod and whichever way it is written.

use airside_checks::{catalogue, evaluate};
use airside_k8s::{Completeness, Object, Value, json};

use super::super::checks_of;
use super::{fired, rules};

/// Pods that have something to say about each check, and pods that are near it.
fn specs() -> Vec<Value> {
    let container = |fields: Value| {
        let mut container = json!({ "name": "a", "image": "a" });
        for (key, value) in fields.as_object().unwrap() {
            container[key] = value.clone();
        }
        json!({ "containers": [container] })
    };
    let secured = |security: Value| container(json!({ "securityContext": security }));
    let pod = |security: Value| json!({ "securityContext": security, "containers": [{ "name": "a", "image": "a" }] });
    let with = |fields: Value| {
        let mut spec = container(json!({}));
        for (key, value) in fields.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec
    };
    let mounts =
        |path: &str| with(json!({ "volumes": [{ "name": "v", "hostPath": { "path": path } }] }));
    let mut specs = vec![
        secured(json!({ "privileged": true })),
        secured(json!({ "privileged": false })),
        secured(json!({ "privileged": "true" })),
        secured(json!({ "windowsOptions": { "hostProcess": true } })),
        pod(json!({ "windowsOptions": { "hostProcess": true } })),
        secured(json!({ "capabilities": { "add": ["SYS_ADMIN"] } })),
        secured(json!({ "capabilities": { "add": ["cap_bpf", "CHOWN"] } })),
        secured(json!({ "capabilities": { "add": ["NET_RAW", "SYS_TIME"] } })),
        secured(json!({ "capabilities": { "add": ["DAC_OVERRIDE", "NET_BIND_SERVICE"] } })),
        secured(json!({ "capabilities": { "drop": ["ALL"] } })),
        secured(json!({ "seccompProfile": { "type": "Unconfined" } })),
        pod(json!({ "seccompProfile": { "type": "Unconfined" } })),
        secured(json!({ "seccompProfile": { "type": "RuntimeDefault" } })),
        secured(json!({ "appArmorProfile": { "type": "Unconfined" } })),
        pod(json!({ "appArmorProfile": { "type": "Unconfined" } })),
        secured(json!({ "procMount": "Unmasked" })),
        secured(json!({ "procMount": "Default" })),
        secured(json!({ "seLinuxOptions": { "type": "spc_t" } })),
        pod(json!({ "seLinuxOptions": { "level": "s0" } })),
        pod(json!({ "sysctls": [{ "name": "kernel.msgmax", "value": "1" }] })),
        pod(
            json!({ "sysctls": [{ "name": "net.ipv4.tcp_syncookies", "value": "1+kernel.x=|/a" }] }),
        ),
        secured(json!({ "runAsUser": 0 })),
        pod(json!({ "runAsUser": 0 })),
        secured(json!({ "runAsUser": 1000, "runAsNonRoot": false })),
        secured(json!({ "runAsNonRoot": false })),
        secured(json!({ "allowPrivilegeEscalation": true })),
        secured(json!({ "allowPrivilegeEscalation": false })),
        container(json!({ "ports": [{ "containerPort": 80, "hostPort": 80 }] })),
        container(json!({ "ports": [{ "containerPort": 80, "hostPort": 0 }] })),
        container(json!({ "image": "a:latest" })),
        container(json!({ "image": "a:1.2" })),
        container(json!({ "image": format!("a@sha256:{}", "0".repeat(64)) })),
        with(json!({ "hostPID": true })),
        with(json!({ "hostPID": false, "hostIPC": true })),
        with(json!({ "hostNetwork": true })),
        with(json!({ "hostUsers": true })),
        with(json!({ "hostUsers": false })),
        with(
            json!({ "initContainers": [{ "name": "i", "image": "i", "securityContext": { "privileged": true } }] }),
        ),
        with(
            json!({ "tolerations": [{ "key": "node-role.kubernetes.io/control-plane", "operator": "Exists" }] }),
        ),
        with(json!({ "tolerations": [{ "operator": "Exists" }] })),
        with(json!({ "tolerations": [{ "key": "gpu", "operator": "Exists" }] })),
        with(json!({ "nodeSelector": { "node-role.kubernetes.io/master": "" } })),
        with(json!({ "volumes": [{ "name": "v", "emptyDir": {} }] })),
    ];
    specs.extend(
        [
            "/",
            "/etc",
            "/var/../etc/kubernetes",
            "/etc/localtime",
            "/run",
            "/var/run/containerd",
            "/run/docker.sock",
            "/var/log",
            "/lib/modules",
            "/data",
            "/opt/cni/bin",
            "/usr/bin",
            "/etc/ssl/private",
            "/etc/pki",
            r"C:\\",
        ]
        .map(mounts),
    );
    specs
}

/// Kinds that start pods: plural, group, kind, and the keys from the object to the pod's specification.
const KINDS: [(&str, &str, &str, &[&str]); 13] = [
    ("pods", "", "Pod", &["spec"]),
    ("deployments", "apps", "Deployment", &["spec", "template", "spec"]),
    ("daemonsets", "apps", "DaemonSet", &["spec", "template", "spec"]),
    ("statefulsets", "apps", "StatefulSet", &["spec", "template", "spec"]),
    ("replicasets", "apps", "ReplicaSet", &["spec", "template", "spec"]),
    ("replicationcontrollers", "", "ReplicationController", &["spec", "template", "spec"]),
    ("jobs", "batch", "Job", &["spec", "template", "spec"]),
    ("cronjobs", "batch", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
    ("podtemplates", "", "PodTemplate", &["template", "spec"]),
    ("rollouts", "argoproj.io", "Rollout", &["spec", "template", "spec"]),
    ("workflows", "argoproj.io", "Workflow", &["spec", "podSpec", "template"]),
    ("services", "serving.knative.dev", "Service", &["spec", "template", "spec"]),
    ("widgets", "example.com", "Widget", &["spec", "deep", "down", "pod"]),
];

type Kind = (&'static str, &'static str, &'static str, &'static [&'static str]);

fn object_of((_, group, kind, keys): Kind, spec: &Value) -> Value {
    let inner = keys.iter().rev().fold(spec.clone(), |value, key| json!({ *key: value }));
    let mut object = inner;
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    object["apiVersion"] = json!(version);
    object["kind"] = json!(kind);
    object["metadata"] = json!({ "name": "x", "namespace": "shop" });
    object
}

fn event((plural, group, _, _): Kind, verb: &str, body: &Value) -> String {
    json!({
        "verb": verb, "user": { "username": "dana" }, "userAgent": "Helm/3.16",
        "objectRef": { "resource": plural, "apiGroup": group, "namespace": "shop", "name": "x" },
        "requestObject": body, "responseStatus": { "code": 200 },
    })
    .to_string()
}

/// The checks that fail at something that the object says.
fn failing(object: &Value) -> Vec<&'static str> {
    let object = Object::new(object).unwrap();
    let failures = evaluate(&[object], Completeness::SingleObject).failures;
    let told = |path| object.at(path).is_some_and(|value| !value.is_null());
    failures.iter().filter(|it| told(&it.field)).map(|it| it.check.id).collect()
}

/// The rules about pods that should fire for an object of a kind.
fn expected(kind: Kind, object: &Value, verb: &str) -> Vec<&'static str> {
    let failing = failing(object);
    let fires = |rule: &&str| {
        let stands = checks_of(rule).iter().any(|check| failing.contains(check));
        let looks = match *rule {
            "AUD-R37" => kind.0 == "pods",
            "AUD-R38" => kind.0 != "pods",
            "AUD-R45-root" => verb == "create",
            _ => true,
        };
        stands && looks
    };
    rules().map(|rule| rule.id).filter(fires).collect()
}

/// The rules about pods that fire. Beside its check, the rule on sockets knows the folders in which they lie.
fn found(text: &str, around_socket: bool) -> Vec<&'static str> {
    let fired = fired(text);
    let is_of_check = |id: &&str| !checks_of(id).is_empty() && fired.contains(*id);
    let found = rules().map(|rule| rule.id).filter(is_of_check);
    found.filter(|id| !(around_socket && *id == "AUD-R43")).collect()
}

fn is_around_socket(spec: &Value) -> bool {
    let path = spec.pointer("/volumes/0/hostPath/path").and_then(Value::as_str);
    path.is_some_and(airside_k8s::HostPath::holds_socket)
}

#[test]
fn a_rule_fires_if_and_only_if_a_check_that_it_stands_for_fails() {
    let mut seen = std::collections::BTreeSet::new();
    for spec in specs() {
        for kind in KINDS {
            let object = object_of(kind, &spec);
            for verb in ["create", "update"] {
                let expected = expected(kind, &object, verb);
                let text = event(kind, verb, &object);
                assert_eq!(found(&text, is_around_socket(&spec)), expected, "{text}");
                seen.extend(expected);
            }
        }
    }
    let all: Vec<_> = rules().map(|rule| rule.id).filter(|id| !checks_of(id).is_empty()).collect();
    assert!(all.iter().all(|id| seen.contains(id)), "{all:?} of which {seen:?} fired");
}

/// The same change as each kind of patch.
fn patches((_, _, _, keys): Kind, spec: &Value) -> Vec<Value> {
    let part = keys.iter().rev().fold(spec.clone(), |value, key| json!({ *key: value }));
    let mut applied = part.clone();
    applied["apiVersion"] = json!("example.com/v1");
    applied["kind"] = json!("Chosen");
    let mut strategic = part.clone();
    strategic["$setElementOrder/containers"] = json!([{ "name": "a" }]);
    let pointer: String = keys.iter().map(|key| format!("/{key}")).collect();
    let add = json!([{ "op": "add", "path": pointer, "value": spec }]);
    let moved = json!([
        { "op": "add", "path": "/x", "value": { "y": spec } },
        { "op": "move", "from": "/x/y", "path": pointer },
        { "op": "remove", "path": "/x" },
    ]);
    vec![part, strategic, applied, add, moved, deepest(&pointer, spec)]
}

/// An operation for each value that is no map or list.
fn deepest(pointer: &str, value: &Value) -> Value {
    fn walk(pointer: &str, value: &Value, operations: &mut Vec<Value>) {
        let element = |index: usize| format!("{pointer}/{index}");
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                fields.iter().for_each(|(key, value)| {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(&format!("{pointer}/{key}"), value, operations);
                })
            }
            Value::Array(elements) if !elements.is_empty() => {
                for (index, value) in elements.iter().enumerate() {
                    walk(&element(index), value, operations);
                }
            }
            other => operations.push(json!({ "op": "add", "path": pointer, "value": other })),
        }
    }
    let mut operations = Vec::new();
    walk(pointer, value, &mut operations);
    operations.into()
}

#[test]
fn every_way_of_patching_is_judged_like_the_whole_object() {
    for spec in specs() {
        for kind in KINDS {
            let expected = expected(kind, &object_of(kind, &spec), "patch");
            for patch in patches(kind, &spec) {
                let text = event(kind, "patch", &patch);
                assert_eq!(found(&text, is_around_socket(&spec)), expected, "{text}");
            }
        }
    }
}

#[test]
fn the_checks_that_rules_stand_for_are_checks_on_pods() {
    let named: std::collections::BTreeSet<_> =
        rules().flat_map(|rule| checks_of(rule.id)).copied().collect();
    assert!(named.iter().all(|id| catalogue::find(id).is_some()), "{named:?}");
    let known: std::collections::BTreeSet<_> =
        airside_checks::PodChecks::of(&named.iter().copied().collect::<Vec<_>>()).ids().collect();
    assert_eq!(known, named);
}
