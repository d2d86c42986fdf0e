//! Checks on admission webhooks: whether they hold, and whom they are told to trust.

use airside_k8s::fields::{down, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{WEBHOOKS, webhook_path, webhooks};
use crate::catalogue::ingress_backends::offers;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "webhook-fails-open",
        title: "Security webhook lets everything through while it is down",
        why: "With failurePolicy Ignore a policy engine that does not answer, because it is updated, overloaded or was deleted by an intruder, allows what it should refuse.",
        fix: "Set failurePolicy to Fail, run more than one replica, and exclude the namespaces that must come up without it.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, fails_open),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: gatekeeper-validating}
webhooks:
- name: validation.gatekeeper.sh
  failurePolicy: Ignore
  clientConfig: {caBundle: bm90IGEgY2E=, service: {name: a, namespace: b}}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: b}
spec: {ports: [{port: 443}]}
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: gatekeeper-validating}
webhooks:
- name: validation.gatekeeper.sh
  failurePolicy: Fail
  clientConfig: {caBundle: bm90IGEgY2E=, service: {name: a, namespace: b}}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: b}
spec: {ports: [{port: 443}]}
",
    },
    Check {
        id: "webhook-slow",
        title: "Admission webhook may keep each request waiting for long",
        why: "While the webhook does not answer, every request that it looks at waits for the timeout: controllers fall behind and the API server runs out of room.",
        fix: "Set timeoutSeconds to 10 or less.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1499")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, slow),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, timeoutSeconds: 30, clientConfig: {caBundle: bm90IGEgY2E=}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, timeoutSeconds: 10, clientConfig: {caBundle: bm90IGEgY2E=}}]
",
    },
    Check {
        id: "webhook-outside-cluster",
        title: "Objects are sent to an admission webhook by URL",
        why: "The API server sends whole objects, Secrets included where the rules take them, to an address that may be anybody's and that decides what gets in.",
        fix: "Refer to a Service of the cluster by clientConfig.service.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1041"), technique("T1556")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, outside_cluster),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, clientConfig: {url: 'https://hooks.example.com/d'}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, clientConfig: {url: 'https://hooks.hooks.svc/d'}}]
",
    },
    Check {
        id: "webhook-service-missing",
        title: "Admission webhook calls a Service or port that does not exist",
        why: "With failurePolicy Fail nothing that the webhook takes can be created; with Ignore it decides nothing; and whoever may create the Service decides in its place.",
        fix: "Correct the Service's name, namespace and port (443 where none is given), or delete the webhook.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1556")],
        controls: &[],
        equivalents: &["istio:IST0139"],
        judge: Judge::Object(WEBHOOKS, service_missing),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks:
- name: d.example.com
  clientConfig: {caBundle: bm90IGEgY2E=, service: {name: gone, namespace: hooks}}
---
apiVersion: v1
kind: Service
metadata: {name: hook, namespace: hooks}
spec: {ports: [{port: 443}]}
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks:
- name: d.example.com
  clientConfig: {caBundle: bm90IGEgY2E=, service: {name: hook, namespace: hooks}}
---
apiVersion: v1
kind: Service
metadata: {name: hook, namespace: hooks}
spec: {ports: [{port: 443}]}
",
    },
    Check {
        id: "webhook-without-authority",
        title: "Nothing says which certificate the admission webhook must have",
        why: "Without caBundle, and with nothing that is known to add it, the API server trusts the system's authorities: the call fails, or anybody's certificate for the name will do.",
        fix: "Set caBundle, or the annotation cert-manager.io/inject-ca-from.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, without_authority),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, clientConfig: {service: {name: hook, namespace: hooks}}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: defaults
  annotations: {cert-manager.io/inject-ca-from: hooks/hook}
webhooks: [{name: d.example.com, clientConfig: {service: {name: hook, namespace: hooks}}}]
",
    },
    Check {
        id: "api-service-unverified",
        title: "API server takes any server for that of an API group",
        why: "With insecureSkipTLSVerify whoever gets between answers for the whole group: metrics by which workloads are scaled, or objects that others act on.",
        fix: "Give the authority of the server's certificate in caBundle, and remove insecureSkipTLSVerify.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("apiregistration.k8s.io", "APIService")], api_service_unverified),
        fails: r"apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.shop.example}
spec: {group: shop.example, version: v1, insecureSkipTLSVerify: true, service: {name: shop, namespace: shop}}
",
        passes: r"apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.shop.example}
spec: {group: shop.example, version: v1, caBundle: bm90IGEgY2E=, service: {name: shop, namespace: shop}}
",
    },
    Check {
        id: "webhook-side-effects",
        title: "Admission webhook changes things even on a dry run",
        why: "With sideEffects Some or Unknown, dry runs of its objects are refused, and requests that are refused later leave traces behind.",
        fix: "Let the webhook only answer, and set sideEffects to None or NoneOnDryRun.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(WEBHOOKS, side_effects),
        fails: r"apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, sideEffects: Unknown, clientConfig: {caBundle: bm90IGEgY2E=}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, sideEffects: None, clientConfig: {caBundle: bm90IGEgY2E=}}]
",
    },
    Check {
        id: "validating-webhook-present",
        title: "Cluster's requests pass a validating webhook",
        why: "A webhook sees every object that its rules take, Secrets included, and can refuse what it likes: each one deserves to be known to you.",
        fix: "Make sure that you know who runs it; delete the ones that nobody knows.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1556")],
        controls: &[],
        equivalents: &["kubescape:C-0036"],
        judge: Judge::Object(
            &[("admissionregistration.k8s.io", "ValidatingWebhookConfiguration")],
            present,
        ),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks: [{name: p.example.com, clientConfig: {caBundle: bm90IGEgY2E=}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks: []
",
    },
    Check {
        id: "mutating-webhook-present",
        title: "Cluster's objects are changed by a mutating webhook",
        why: "A mutating webhook can add containers, images and environment to every pod that its rules take: each one deserves to be known to you.",
        fix: "Make sure that you know who runs it; delete the ones that nobody knows.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1556"), technique("T1546")],
        controls: &[],
        equivalents: &["kubescape:C-0039"],
        judge: Judge::Object(
            &[("admissionregistration.k8s.io", "MutatingWebhookConfiguration")],
            present,
        ),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: [{name: d.example.com, clientConfig: {caBundle: bm90IGEgY2E=}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: defaults}
webhooks: []
",
    },
];

/// How webhooks that enforce policies are called.
const POLICY_ENGINES: [&str; 12] = [
    "admission-controller.sigstore",
    "connaisseur",
    "falcon",
    "gatekeeper",
    "kubewarden",
    "kyverno",
    "neuvector",
    "policy.sigstore",
    "policy-webhook",
    "portieris",
    "stackrox",
    "validation.kubearmor",
];

fn name_of(webhook: &Map) -> &str {
    text(webhook, "name").unwrap_or("without a name")
}

fn api_service_unverified(service: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "insecureSkipTLSVerify";
    if service.spec(FIELD) == Some(&Value::Bool(true)) {
        let message = format!("{FIELD} is true: any certificate will do");
        report.fail(FieldPath::of(&["spec", FIELD]), message);
    }
}

fn fails_open(configuration: &Whole<'_>, report: &mut Report<'_>) {
    let name = configuration.object.name();
    for (index, webhook) in webhooks(configuration) {
        let is_policy = POLICY_ENGINES
            .iter()
            .any(|engine| name.contains(engine) || name_of(webhook).contains(engine));
        // Kyverno writes two configurations, and names the open one `-ignore` (`ignore.kyverno.svc`).
        if is_policy && text(webhook, "failurePolicy") == Some("Ignore") {
            let message = format!("webhook {} has failurePolicy Ignore", name_of(webhook));
            report.fail(webhook_path(index, &["failurePolicy"]), message);
        }
    }
}

fn slow(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (index, webhook) in webhooks(configuration) {
        let seconds = webhook.get("timeoutSeconds").and_then(Value::as_u64);
        if let Some(seconds) = seconds.filter(|seconds| *seconds > 10) {
            let message = format!("webhook {} may take {seconds} seconds", name_of(webhook));
            report.fail(webhook_path(index, &["timeoutSeconds"]), message);
        }
    }
}

fn client<'a>(webhook: &'a Map, name: &str) -> Option<&'a Value> {
    down(webhook.get("clientConfig")?, &[name])
}

/// The host of a URL, where it is none of the cluster's own.
pub(super) fn host_outside_cluster(url: &str) -> Option<&str> {
    let host = url.split("://").nth(1).unwrap_or(url);
    let host = host.split(['/', ':', '?']).next().unwrap_or_default();
    let inside = host.ends_with(".svc")
        || host.ends_with(".svc.cluster.local")
        || matches!(host, "localhost" | "127.0.0.1");
    (!inside).then_some(host)
}

fn outside_cluster(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (index, webhook) in webhooks(configuration) {
        let Some(url) = client(webhook, "url").and_then(Value::as_str) else { continue };
        if let Some(host) = host_outside_cluster(url) {
            let message = format!("webhook {} is asked at {host}", name_of(webhook));
            report.fail(webhook_path(index, &["clientConfig", "url"]), message);
        }
    }
}

fn service_missing(configuration: &Whole<'_>, report: &mut Report<'_>) {
    let graph = configuration.graph;
    for (index, webhook) in webhooks(configuration) {
        let Some(service) = client(webhook, "service").and_then(Value::as_object) else { continue };
        let Some(name) = text(service, "name") else { continue };
        if graph.is_single_object() {
            return report.undecided("the webhook's Service is another object");
        }
        // A configuration alone belongs to something that is installed otherwise.
        if !graph.has_kind("", "Service") {
            return;
        }
        if is_renamed_later(service) {
            continue;
        }
        let namespace = text(service, "namespace");
        let place = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let full = format!("{place}{name}");
        let webhook = name_of(webhook);
        let path = |field| webhook_path(index, &["clientConfig", "service", field]);
        let port = service.get("port").cloned().unwrap_or_else(|| Value::from(443));
        match graph.find("", "Service", namespace, name) {
            None => {
                let message =
                    format!("webhook {webhook} calls Service {full}, which does not exist");
                report.missing(path("name"), &full, message);
            }
            Some(found) if !offers(found, &port) => {
                let message = format!(
                    "webhook {webhook} calls port {port} of Service {full}, which has none"
                );
                report.missing(path("port"), &full, message);
            }
            Some(_) => {}
        }
    }
}

/// Kustomize bases of kubebuilder have these names, which it and its patches replace later.
fn is_renamed_later(service: &Map) -> bool {
    text(service, "namespace") == Some("system") || text(service, "name") == Some("webhook-service")
}

fn without_authority(configuration: &Whole<'_>, report: &mut Report<'_>) {
    const INJECTED: [&str; 5] = [
        "cert-manager.io/inject-apiserver-ca",
        "cert-manager.io/inject-ca-from",
        "cert-manager.io/inject-ca-from-secret",
        "certmanager.k8s.io/inject-ca-from",
        "service.beta.openshift.io/inject-cabundle",
    ];
    if INJECTED.iter().any(|name| configuration.annotation(name).is_some()) {
        return;
    }
    let lacks_authority = |webhook: &Map| {
        let service = client(webhook, "service").and_then(Value::as_object);
        let bundle = client(webhook, "caBundle").and_then(Value::as_str).unwrap_or_default();
        bundle.is_empty() && service.is_some_and(|service| !is_renamed_later(service))
    };
    // Whatever adds the bundles adds them to all: one is enough to tell.
    let found = webhooks(configuration).find(|(_, webhook)| lacks_authority(webhook));
    if let Some((index, webhook)) = found {
        let message = format!("webhook {} has no caBundle", name_of(webhook));
        report.fail(webhook_path(index, &["clientConfig", "caBundle"]), message);
    }
}

fn side_effects(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (index, webhook) in webhooks(configuration) {
        if let Some(effects @ ("Some" | "Unknown")) = text(webhook, "sideEffects") {
            let message = format!("webhook {} has sideEffects {effects}", name_of(webhook));
            report.fail(webhook_path(index, &["sideEffects"]), message);
        }
    }
}

fn present(configuration: &Whole<'_>, report: &mut Report<'_>) {
    let names: Vec<&str> = webhooks(configuration).map(|(_, webhook)| name_of(webhook)).collect();
    if let [first, others @ ..] = names.as_slice() {
        let more = match others.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let message = format!("{first}{more} is asked about requests");
        report.fail(FieldPath::of(&["webhooks"]), message);
    }
}
