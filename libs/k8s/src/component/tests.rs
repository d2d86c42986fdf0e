//! What is read as the configuration of a component, and where.

use super::*;
use crate::graph::Completeness;
use crate::json;
use crate::object::Object;
use crate::value::Value;

fn of_all(values: &[Value]) -> Vec<Configuration> {
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    (0..values.len()).flat_map(|index| configurations(&graph, index)).collect()
}

fn of(value: Value) -> Vec<Configuration> {
    of_all(&[value])
}

fn pod(container: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "p", "labels": { "component": "etcd", "tier": "control-plane" } },
        "spec": { "containers": [container] },
    })
}

fn shown(configuration: &Configuration, flag: &str) -> String {
    let answer = match configuration.answer(flag) {
        Answer::Given(given) => given.value.clone(),
        Answer::Default(value) => format!("default {value}"),
        Answer::Unset => "unset".to_owned(),
        Answer::Unknown => "unknown".to_owned(),
    };
    format!("{answer} at {}", configuration.place(flag))
}

#[test]
fn a_container_that_runs_a_component_is_recognised_by_its_program_or_its_image() {
    let api_server = Some(Component::ApiServer);
    for (container, expected) in [
        (json!({ "command": ["kube-apiserver", "--a=b"] }), api_server),
        (json!({ "command": ["/usr/local/bin/kube-apiserver"] }), api_server),
        (json!({ "command": ["/go-runner", "--log-file=x", "/bin/kube-apiserver"] }), api_server),
        (json!({ "command": ["/hyperkube", "apiserver", "--a"] }), api_server),
        (json!({ "command": ["/bin/sh", "-ec", "exec kube-apiserver --a=b 2>&1"] }), api_server),
        (json!({ "command": ["tini", "--", "sh", "-c"], "args": ["kube-apiserver"] }), api_server),
        (
            json!({ "image": "registry.k8s.io/kube-apiserver-amd64:v1", "args": ["--a"] }),
            api_server,
        ),
        (json!({ "image": "quay.io/coreos/etcd:v3" }), Some(Component::Etcd)),
        (json!({ "command": ["--a=b"] }), Some(Component::Etcd)),
        // Something else that only mentions it.
        (json!({ "image": "registry.k8s.io/kube-apiserver:v1" }), None),
        (json!({ "command": ["etcdctl", "etcd"] }), None),
        (json!({ "image": "etcd:3", "command": ["etcdctl"] }), None),
        (json!({ "image": "etcd:3", "args": ["etcdctl", "snapshot"] }), None),
        (json!({ "command": ["sh", "-c", "# kube-apiserver --a=b\nsleep 1"] }), None),
        (json!({ "command": ["sh", "-c", "echo kube-apiserver --a=b"] }), None),
        (json!({ "command": ["kube-apiserver", "--version"] }), None),
        (json!({ "image": "web", "args": ["--kubelet-service=kube-system/kubelet"] }), None),
        (json!({ "command": ["env", "LOG=/var/log/kubelet", "web"] }), None),
        (json!({ "command": ["tini", "--log=/var/log/kubelet", "web"] }), None),
        (json!({ "image": "web", "command": ["web", "--apiserver=kube-apiserver"] }), None),
    ] {
        let mut value = pod(&container);
        if expected.is_none() {
            value["metadata"]["labels"] = json!({});
        }
        let found: Vec<_> = of(value).iter().map(|found| found.component).collect();
        assert_eq!(found, Vec::from_iter(expected), "{container}");
    }
}

#[test]
fn flags_are_read_in_all_their_forms_and_the_last_counts() {
    let found = of(pod(&json!({
        "command": ["kube-apiserver", "--profiling=true", "--profiling", "--audit_log_maxage", "7"],
        "args": ["--profiling=false", "--authorization-mode=Node", "--authorization-mode=RBAC,ABAC"],
    })));
    let [api_server] = found.as_slice() else { panic!("{found:?}") };
    for (flag, expected) in [
        ("profiling", "false at spec.containers[0].args[0]"),
        ("audit-log-maxage", "7 at spec.containers[0].command[3]"),
        ("anonymous-auth", "default true at spec.containers[0].args"),
        ("token-auth-file", "unset at spec.containers[0].args"),
    ] {
        assert_eq!(shown(api_server, flag), expected, "{flag}");
    }
    assert_eq!(api_server.items("authorization-mode"), ["Node", "RBAC", "ABAC"]);
    assert_eq!(api_server.name_of("profiling"), "--profiling");
}

#[test]
fn what_may_be_set_elsewhere_is_not_known() {
    for (command, flag) in [
        (json!(["kubelet", "--config=/k.yaml"]), "anonymous-auth"),
        (json!(["kube-scheduler", "--config=/s.yaml"]), "profiling"),
        (json!(["kube-apiserver", "$(FLAGS)"]), "profiling"),
        (json!(["kube-apiserver", "--profiling=$(PROFILING)"]), "profiling"),
        (json!(["sh", "-c", "kube-apiserver $FLAGS"]), "profiling"),
    ] {
        let found = of(pod(&json!({ "command": command })));
        assert_eq!(found[0].answer(flag), Answer::Unknown, "{command}");
    }
    let scheduler = of(pod(&json!({ "command": ["kube-scheduler", "--config=/s.yaml"] })));
    assert_eq!(scheduler[0].answer("bind-address"), Answer::Default("0.0.0.0"));
}

#[test]
fn etcd_reads_its_environment_too() {
    let found = of(pod(&json!({
        "command": ["etcd", "-cert-file=a"],
        "env": [
            { "name": "ETCD_CERT_FILE", "value": "b" },
            { "name": "ETCD_CLIENT_CERT_AUTH", "value": "true" },
            { "name": "ETCD_KEY_FILE", "valueFrom": {} },
        ],
    })));
    assert_eq!(shown(&found[0], "cert-file"), "a at spec.containers[0].command[1]");
    assert_eq!(shown(&found[0], "client-cert-auth"), "true at spec.containers[0].env[1].value");
    assert_eq!(found[0].answer("key-file"), Answer::Unknown);
}

#[test]
fn a_file_stands_for_flags_with_defaults_of_its_own() {
    let kubelet = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": { "x509": { "clientCAFile": "/ca.crt" } },
        "tlsCipherSuites": ["A", "B"], "featureGates": { "X": true, "Y": false },
    });
    let found = of(kubelet.clone());
    for (flag, expected) in [
        ("client-ca-file", "/ca.crt at authentication.x509.clientCAFile"),
        ("anonymous-auth", "default false at authentication.anonymous.enabled"),
        ("rotate-certificates", "default false at rotateCertificates"),
        ("tls-cipher-suites", "A,B at tlsCipherSuites"),
    ] {
        assert_eq!(shown(&found[0], flag), expected, "{flag}");
    }
    assert_eq!(found[0].feature_gate("Y"), Some(false));
    assert_eq!(found[0].feature_gate("Z"), None);
    assert_eq!(found[0].name_of("anonymous-auth"), "authentication.anonymous.enabled");

    let kubeadm = json!({ "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration" });
    let found = of_all(&[kubeadm, kubelet]);
    assert_eq!(found[0].answer("rotate-certificates"), Answer::Default("true"));
}

#[test]
fn kubeadm_sets_flags_unasked_and_takes_more_as_a_map_or_as_a_list() {
    for (arguments, place) in [
        (json!({ "profiling": "false" }), "apiServer.extraArgs.profiling"),
        (json!([{ "name": "profiling", "value": "false" }]), "apiServer.extraArgs[0].value"),
    ] {
        let found = of(json!({
            "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration",
            "apiServer": { "extraArgs": arguments },
        }));
        let components: Vec<_> = found.iter().map(|found| found.component.program()).collect();
        assert_eq!(
            components,
            ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"]
        );
        assert_eq!(shown(&found[0], "profiling"), format!("false at {place}"));
        assert_eq!(found[0].items("authorization-mode"), ["Node", "RBAC"]);
        assert_eq!(shown(&found[2], "profiling"), "default true at scheduler.extraArgs");
    }
    let found = of(json!({
        "apiVersion": "controlplane.cluster.x-k8s.io/v1beta2", "kind": "KubeadmControlPlane",
        "spec": { "kubeadmConfigSpec": {
            "clusterConfiguration": { "etcd": { "external": { "caFile": "/ca" } } },
            "joinConfiguration": { "nodeRegistration": { "kubeletExtraArgs": { "v": "2" } } },
        } },
    }));
    assert_eq!(found.len(), 4, "no etcd, but a kubelet");
    let path = "spec.kubeadmConfigSpec.clusterConfiguration.etcd.external.caFile";
    assert_eq!(shown(&found[0], "etcd-cafile"), format!("/ca at {path}"));
    assert_eq!(found[3].answer("anonymous-auth"), Answer::Unknown);
}

#[test]
fn of_a_node_only_what_was_gathered_is_known() {
    let found = of(json!({
        "apiVersion": "v1", "kind": "NodeInfo", "info": {
            "kubeletReadOnlyPortArgumentSet": { "values": [10255] },
            "kubeletAnonymousAuthArgumentSet": { "values": [] },
        },
    }));
    let place = "info.kubeletReadOnlyPortArgumentSet.values";
    assert_eq!(shown(&found[0], "read-only-port"), format!("10255 at {place}"));
    let place = "info.kubeletAnonymousAuthArgumentSet.values";
    assert_eq!(shown(&found[0], "anonymous-auth"), format!("default false at {place}"));
    assert_eq!(found[0].answer("client-ca-file"), Answer::Unknown);
    assert!(of(json!({ "apiVersion": "v1", "kind": "NodeInfo", "info": {} })).is_empty());
}

#[test]
fn the_files_that_a_cluster_keeps_for_its_nodes_are_read() {
    let map = |name: &str, namespace: &str, key: &str, text: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": name, "namespace": namespace }, "data": { key: text },
        })
    };
    let kubelet =
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nreadOnlyPort: 1\n";
    let found = of(map("kubelet-config", "kube-system", "kubelet", kubelet));
    assert_eq!(shown(&found[0], "read-only-port"), "1 at data.kubelet");
    assert_eq!(shown(&found[0], "client-ca-file"), "unset at data.kubelet");
    for other in [
        map("kubelet-config", "web", "kubelet", kubelet),
        map("kubelet-config", "kube-system", "other", kubelet),
        map("kubelet-config", "kube-system", "kubelet", "no: configuration"),
        map("kubelet-config", "kube-system", "kubelet", "{"),
    ] {
        assert!(of(other).is_empty());
    }
}
