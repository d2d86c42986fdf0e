//! Checks on what workloads of the mesh may reach outside of it.

use airside_k8s::Value;
use airside_k8s::fields::down;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::NETWORKING;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-outbound-allow-any",
        title: "Mesh lets workloads reach every host outside",
        why: "With ALLOW_ANY, Istio's default, an intruder can load tools and carry data out to wherever he likes, unseen by the mesh's policies.",
        fix: "Set meshConfig.outboundTrafficPolicy.mode to REGISTRY_ONLY, and add ServiceEntries for the hosts that are needed.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1041"), technique("T1071"), technique("T1105")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[
                ("", "ConfigMap"),
                ("install.istio.io", "IstioOperator"),
                ("sailoperator.io", "Istio"),
            ],
            mesh_allows_any,
        ),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: 'accessLogFile: /dev/stdout'}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: 'outboundTrafficPolicy: {mode: REGISTRY_ONLY}'}
",
    },
    Check {
        id: "sidecar-outbound-allow-any",
        title: "Sidecar lets its workloads reach every host outside",
        why: "It overrules the mesh's own setting: an intruder in these pods can load tools and carry data out to wherever he likes.",
        fix: "Set outboundTrafficPolicy.mode to REGISTRY_ONLY, or remove it, and add ServiceEntries for the hosts that are needed.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1041"), technique("T1071"), technique("T1105")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(NETWORKING, "Sidecar")], sidecar_allows_any),
        fails: r"apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: web, namespace: shop}
spec: {outboundTrafficPolicy: {mode: ALLOW_ANY}}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: web, namespace: shop}
spec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}
",
    },
    Check {
        id: "mesh-auto-mutual-tls-off",
        title: "Mesh does not use mutual TLS by itself",
        why: "With enableAutoMtls off, workloads speak plaintext to each other unless a DestinationRule for each host says otherwise.",
        fix: "Remove enableAutoMtls from meshConfig, or set it to true.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[
                ("", "ConfigMap"),
                ("install.istio.io", "IstioOperator"),
                ("sailoperator.io", "Istio"),
            ],
            auto_tls_off,
        ),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    outboundTrafficPolicy: {mode: REGISTRY_ONLY}
    enableAutoMtls: false
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    outboundTrafficPolicy: {mode: REGISTRY_ONLY}
",
    },
];

/// The mesh-wide configuration that an object holds.
pub(in crate::catalogue) fn config<'a>(whole: &Whole<'a>) -> Option<&'a Value> {
    whole.graph.mesh_config_of(whole.object).map(|config| &config.value)
}

/// Where an object holds the mesh-wide configuration.
pub(in crate::catalogue) fn config_path(whole: &Whole<'_>) -> FieldPath {
    match whole.object.kind() {
        "ConfigMap" => FieldPath::of(&["data", "mesh"]),
        "IstioOperator" => FieldPath::of(&["spec", "meshConfig"]),
        _ => FieldPath::of(&["spec", "values", "meshConfig"]),
    }
}

fn mesh_allows_any(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some(config) = config(whole) else { return };
    let mode = down(config, &["outboundTrafficPolicy", "mode"]).and_then(Value::as_str);
    let message = match mode {
        Some("ALLOW_ANY") => "outboundTrafficPolicy is ALLOW_ANY",
        None => "outboundTrafficPolicy is not set, and ALLOW_ANY is the default",
        _ => return,
    };
    report.fail(config_path(whole), message.to_owned());
}

fn auto_tls_off(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some(config) = config(whole) else { return };
    if config.get("enableAutoMtls") == Some(&Value::Bool(false)) {
        report.fail(config_path(whole), "enableAutoMtls is off".to_owned());
    }
}

fn sidecar_allows_any(sidecar: &Whole<'_>, report: &mut Report<'_>) {
    let policy = sidecar.spec("outboundTrafficPolicy");
    if policy.and_then(|policy| policy.get("mode")).and_then(Value::as_str) == Some("ALLOW_ANY") {
        report.fail(
            FieldPath::of(&["spec", "outboundTrafficPolicy", "mode"]),
            "outboundTrafficPolicy is ALLOW_ANY for the pods that the Sidecar selects".to_owned(),
        );
    }
}
