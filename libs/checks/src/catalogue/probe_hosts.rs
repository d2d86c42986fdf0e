//! The check on probes and lifecycle hooks that ask another host than the pod itself.

use airside_k8s::Value;
use airside_k8s::fields::down;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::ContainerOf;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "probe-host",
    title: "Probe or lifecycle hook names a host of its own",
    why: "It is the kubelet that connects, from the node's network: whoever writes the pod has it reach addresses that the pod itself cannot, and learns by the probe's result what answers there.",
    fix: "Remove host, so that the pod is asked; to ask something else, run a command in the container.",
    severity: Severity::Medium,
    category: Category::WorkloadHardening,
    techniques: &[technique("T1046")],
    controls: &["pod-security-standards:baseline"],
    equivalents: &[],
    judge: Judge::Container(hosts),
    fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{containerPort: 8080}]
    livenessProbe: {httpGet: {path: /alive, port: 8080, host: 169.254.169.254}}
",
    passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{containerPort: 8080}]
    livenessProbe: {httpGet: {path: /alive, port: 8080}}
",
}];

/// What may ask a host, below the container.
const ASKING: [&[&str]; 5] = [
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

/// The Pod Security Standards take no host at all, the pod's own loopback neither.
fn hosts(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for asking in ASKING {
        let [first, rest @ ..] = asking else { continue };
        let Some(handler) = container.field(first).and_then(|it| down(it, rest)) else { continue };
        for kind in ["httpGet", "tcpSocket"] {
            let host = down(handler, &[kind, "host"]).and_then(Value::as_str).unwrap_or_default();
            if !host.is_empty() {
                report.fail(
                    container.path(first).keys(rest).keys(&[kind, "host"]),
                    format!("{}: {} asks the host {host}", container.label(), asking.join(".")),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use airside_k8s::{Completeness, Object, json};

    use crate::evaluate::evaluate;

    #[test]
    fn probes_and_hooks_of_all_containers_name_no_host() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
            "spec": {
                "containers": [{
                    "name": "a",
                    "startupProbe": {"tcpSocket": {"port": 1, "host": "127.0.0.1"}},
                    "readinessProbe": {"httpGet": {"port": 1, "host": ""}},
                    "livenessProbe": {"grpc": {"port": 1}},
                    "lifecycle": {
                        "preStop": {"httpGet": {"port": 1, "host": "a.example.com"}},
                        "postStart": {"exec": {"command": ["a"]}},
                    },
                }],
                "initContainers": [{
                    "name": "b", "lifecycle": {"postStart": {"tcpSocket": {"port": 1, "host": "b"}}},
                }],
            },
        });
        let object = Object::new(&pod).unwrap();
        let evaluation = evaluate(&[object], Completeness::WholeInput);
        let own = evaluation.failures.iter().filter(|it| it.check.id == "probe-host");
        let mut fields: Vec<String> = own.map(|failure| failure.field.to_string()).collect();
        fields.sort();
        assert_eq!(
            fields,
            [
                "spec.containers[0].lifecycle.preStop.httpGet.host",
                "spec.containers[0].startupProbe.tcpSocket.host",
                "spec.initContainers[0].lifecycle.postStart.tcpSocket.host",
            ]
        );
    }
}
