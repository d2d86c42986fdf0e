//! Checks on the ports that containers declare.

use airside_k8s::Value;
use airside_k8s::fields::elements;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::ContainerOf;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "privileged-port",
        title: "Container listens on a port below 1024",
        why: "Such ports are for privileged programs: most images then run as root or with the capability NET_BIND_SERVICE.",
        fix: "Have the program listen on a port from 1024 on; the Service can still offer 80 or 443.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:privileged-ports", "trivy:KSV-0117"],
        judge: Judge::Container(|container, report| {
            for (path, port) in numbers(container) {
                if port > 0 && port < 1024 {
                    report.fail(path, format!("{} listens on port {port}", container.label()));
                }
            }
        }),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{containerPort: 80}]}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
",
    },
    Check {
        id: "container-port-without-name",
        title: "Port of a container has no name",
        why: "Services, probes and monitors can then name the port by its number only, and all of them change when the number does.",
        fix: "Give the port a name that says its protocol, such as http or grpc-admin.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:other/require-container-port-names"],
        judge: Judge::Container(unnamed),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
",
    },
    Check {
        id: "ssh-port",
        title: "Container seems to offer a login by SSH",
        why: "An SSH server in a pod is a way in that Kubernetes neither authorises nor records, and its passwords and keys live as long as the image.",
        fix: "Remove the SSH server; use kubectl exec or kubectl debug, which RBAC and the audit log cover.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1021.004")],
        controls: &[],
        equivalents: &["kube-linter:ssh-port"],
        judge: Judge::Container(ssh),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{containerPort: 22}]}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{containerPort: 80}]}]}
",
    },
    Check {
        id: "container-port-invalid",
        title: "Container's port cannot exist",
        why: "The API server refuses the object: a port has a number from 1 to 65535, and a name, if any, of 15 characters at most with a letter in it that no other port of the container has.",
        fix: "Correct the port's number or name.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:invalid-target-ports", "kube-score:container-ports-check"],
        judge: Judge::Container(invalid),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{name: http, containerPort: 80800}]}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
",
    },
];

/// The numbers of a container's ports, with their paths.
fn numbers<'a>(container: &ContainerOf<'a>) -> impl Iterator<Item = (FieldPath, u64)> + use<'a> {
    let path = container.path("ports");
    elements(container.field("ports")).iter().enumerate().filter_map(move |(index, port)| {
        let number = port.get("containerPort")?.as_u64()?;
        Some((path.index(index).key("containerPort"), number))
    })
}

fn unnamed(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for (index, port) in elements(container.field("ports")).iter().enumerate() {
        let name = port.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() {
            let message = format!("a port of {} has no name", container.label());
            report.fail(container.path("ports").index(index).key("name"), message);
        }
    }
}

fn ssh(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let ports = elements(container.field("ports"));
    for (index, port) in ports.iter().enumerate() {
        let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
        if port.get("containerPort").and_then(Value::as_u64) == Some(22) && protocol == "TCP" {
            report.fail(
                container.path("ports").index(index).key("containerPort"),
                format!("{} listens on port 22", container.label()),
            );
        }
    }
}

fn invalid(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let ports = elements(container.field("ports"));
    for (index, port) in ports.iter().enumerate().filter(|(_, port)| port.is_object()) {
        let path = container.path("ports").index(index);
        let name = port.get("name").and_then(Value::as_str);
        let is_taken = |name: &str| {
            let mut before = ports.iter().take(index);
            before.any(|other| other.get("name").and_then(Value::as_str) == Some(name))
        };
        match port.get("containerPort").filter(|number| !number.is_null()) {
            None => report.fail(
                path.key("containerPort"),
                format!("{} has a port without a containerPort", container.label()),
            ),
            Some(Value::Number(number)) if !matches!(number.as_u64(), Some(1..=65_535)) => {
                report.fail(path.key("containerPort"), format!("{number} is no port"));
            }
            Some(_) => {}
        }
        match name {
            Some(name) if is_taken(name) => {
                report.fail(path.key("name"), format!("two ports have the name `{name}`"));
            }
            Some(name) if !name.is_empty() => {
                if let Some(problem) = name_problem(name) {
                    report.fail(path.key("name"), problem);
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with the name of a port, by the rules for service names (RFC 6335) that Kubernetes uses.
pub(super) fn name_problem(name: &str) -> Option<String> {
    const LONGEST: usize = 15;
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.len() > LONGEST {
        Some(format!("`{name}` has {} characters; a port's name has {LONGEST} at most", name.len()))
    } else if !name.bytes().all(is_known) {
        Some(format!("`{name}` has other characters than a-z, 0-9 and -"))
    } else if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Some(format!("`{name}` has no letter, as a port's name must"))
    } else if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
        Some(format!("`{name}` has a - at an end or two in a row"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ports_are_judged_as_the_api_server_does() {
        for (name, is_valid) in [
            ("http", true),
            ("n-3456789012345", true),
            ("n234567890123456", false),
            ("123456", false),
            ("Http", false),
            ("web_ui", false),
            ("-http", false),
            ("a--b", false),
        ] {
            assert_eq!(name_problem(name).is_none(), is_valid, "{name}");
        }
    }
}
