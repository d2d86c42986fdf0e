//! Checks on pods of Linkerd's mesh: whether their traffic passes the proxy.

use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Pod;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "linkerd-injection-disabled",
        title: "Pod refuses Linkerd's proxy",
        why: "Its traffic is neither encrypted nor authorised by the mesh, whatever its namespace asks for.",
        fix: "Remove the annotation linkerd.io/inject from the pod.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &["kyverno:linkerd/prevent-linkerd-pod-injection-override"],
        judge: Judge::Pod(injection_disabled),
        fails: r"apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {linkerd.io/inject: disabled}
",
        passes: r"apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {linkerd.io/inject: enabled}
",
    },
    Check {
        id: "linkerd-ports-skipped",
        title: "Pod of Linkerd's mesh leads ports past its proxy",
        why: "Traffic on these ports is not encrypted, no policy of the mesh holds for it, and no metric shows it.",
        fix: "Remove the annotations config.linkerd.io/skip-inbound-ports and skip-outbound-ports; for protocols where the server speaks first mark the ports opaque.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &["kyverno:linkerd/prevent-linkerd-port-skipping"],
        judge: Judge::Pod(ports_skipped),
        fails: r#"apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {config.linkerd.io/skip-inbound-ports: "8080"}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {config.linkerd.io/opaque-ports: "8080"}
"#,
    },
];

/// Fails for annotations of a pod that are among some, where a condition on the value holds.
fn annotated(pod: &Pod<'_>, names: &[&str], fails: fn(&str) -> bool, report: &mut Report<'_>) {
    let path = pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "annotations"]);
    for (name, value) in pod.spec.annotations().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if names.contains(&name) && fails(value) {
            report.fail(path.key(name), format!("{name} is `{value}`"));
        }
    }
}

fn injection_disabled(pod: &Pod<'_>, report: &mut Report<'_>) {
    annotated(pod, &["linkerd.io/inject"], |value| value == "disabled", report);
}

fn ports_skipped(pod: &Pod<'_>, report: &mut Report<'_>) {
    const NAMES: [&str; 2] =
        ["config.linkerd.io/skip-inbound-ports", "config.linkerd.io/skip-outbound-ports"];
    annotated(pod, &NAMES, |value| !value.is_empty(), report);
}
