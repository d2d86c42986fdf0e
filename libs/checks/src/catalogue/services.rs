//! Checks on Services: what they open, to whom.

use airside_k8s::fields::elements;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "service-external-ips",
    title: "Service takes addresses that are not the cluster's",
    why: "Nodes send all traffic to these addresses to the Service, whoever owns them: its maker can read what pods send to others (CVE-2020-8554).",
    fix: "Remove externalIPs; publish the Service with type LoadBalancer or an Ingress.",
    severity: Severity::High,
    category: Category::Network,
    techniques: &[technique("T1557")],
    controls: &[],
    equivalents: &[
        "trivy:KSV-0108",
        "kyverno:best-practices/restrict-service-external-ips",
        "gatekeeper-library:general/externalip",
        "kyverno:best-practices/restrict-external-ips",
    ],
    judge: Judge::Object(&[("", "Service")], external_ips),
    fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
  externalIPs: [192.0.2.10]
",
    passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
",
}];

fn external_ips(service: &Whole<'_>, report: &mut Report<'_>) {
    let path = FieldPath::of(&["spec", "externalIPs"]);
    for (index, address) in elements(service.spec("externalIPs")).iter().enumerate() {
        if let Some(address) = address.as_str() {
            report.fail(
                path.index(index),
                format!("every node sends what goes to {address} to this Service"),
            );
        }
    }
}
