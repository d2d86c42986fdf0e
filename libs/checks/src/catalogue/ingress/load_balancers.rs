//! Checks on load balancers of clouds that annotations set up.

use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "load-balancer-old-tls",
        title: "Load balancer speaks TLS versions that are broken",
        why: "The policy allows TLS 1.0 or 1.1, which have known attacks that read or change what they carry.",
        fix: "Choose a policy that starts at TLS 1.2, such as ELBSecurityPolicy-TLS13-1-2-2021-06.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[("networking.k8s.io", "Ingress"), ("extensions", "Ingress"), ("", "Service")],
            old_tls,
        ),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {alb.ingress.kubernetes.io/ssl-policy: ELBSecurityPolicy-2016-08}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {alb.ingress.kubernetes.io/ssl-policy: ELBSecurityPolicy-TLS13-1-2-2021-06}
",
    },
    Check {
        id: "load-balancer-without-log",
        title: "Load balancer keeps no access log",
        why: "Nothing tells afterwards who connected: attacks from outside leave no trace where they came in.",
        fix: "Turn the access log on, to a bucket that the workload cannot write to.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1562.008")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[("networking.k8s.io", "Ingress"), ("extensions", "Ingress"), ("", "Service")],
            without_log,
        ),
        fails: r#"apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {service.beta.kubernetes.io/aws-load-balancer-access-log-enabled: "false"}
"#,
        passes: r#"apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {service.beta.kubernetes.io/aws-load-balancer-access-log-enabled: "true"}
"#,
    },
];

fn old_tls(object: &Whole<'_>, report: &mut Report<'_>) {
    const ANNOTATIONS: [&str; 2] = [
        "alb.ingress.kubernetes.io/ssl-policy",
        "service.beta.kubernetes.io/aws-load-balancer-ssl-negotiation-policy",
    ];
    /// The policies of AWS that take TLS 1.0 or 1.1.
    const OLD: [&str; 8] = [
        "ELBSecurityPolicy-2015-05",
        "ELBSecurityPolicy-2016-08",
        "ELBSecurityPolicy-FS-2018-06",
        "ELBSecurityPolicy-FS-1-1-2019-08",
        "ELBSecurityPolicy-TLS-1-0-2015-04",
        "ELBSecurityPolicy-TLS-1-1-2017-01",
        "ELBSecurityPolicy-TLS13-1-0-2021-06",
        "ELBSecurityPolicy-TLS13-1-1-2021-06",
    ];
    for name in ANNOTATIONS {
        if let Some(policy) = object.annotation(name).filter(|policy| OLD.contains(policy)) {
            report.fail(annotation_path(name), format!("{policy} takes TLS 1.0 or 1.1"));
        }
    }
}

fn without_log(object: &Whole<'_>, report: &mut Report<'_>) {
    const SERVICE: &str = "service.beta.kubernetes.io/aws-load-balancer-access-log-enabled";
    const INGRESS: &str = "alb.ingress.kubernetes.io/load-balancer-attributes";
    if object.annotation(SERVICE) == Some("false") {
        report.fail(annotation_path(SERVICE), "the access log is turned off".to_owned());
    }
    let attributes = object.annotation(INGRESS).unwrap_or_default();
    if attributes.contains("access_logs.s3.enabled=false") {
        report.fail(annotation_path(INGRESS), "the access log is turned off".to_owned());
    }
}
