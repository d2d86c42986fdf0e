//! Checks on CustomResourceDefinitions: what they let into the cluster's store.

use airside_k8s::Value;
use airside_k8s::fields::{down, maps};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::webhooks::host_outside_cluster;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const CRD: &[(&str, &str)] = &[("apiextensions.k8s.io", "CustomResourceDefinition")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "crd-without-schema",
        title: "Custom resource takes objects of any shape",
        why: "Nothing checks what users write before the operator reads it with its rights: misspelt settings go unnoticed, and unexpected values reach its code.",
        fix: "Add an OpenAPI schema for each version (kubebuilder and its like make one from the types).",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CRD, without_schema),
        fails: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  versions: [{name: v1, served: true}]
",
        passes: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  versions:
  - name: v1
    served: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}
",
    },
    Check {
        id: "crd-keeps-unknown-fields",
        title: "Custom resource keeps fields that its schema does not know",
        why: "Whatever is written is stored and handed to the operator: the schema neither finds mistakes nor stops what it did not foresee.",
        fix: "Remove preserveUnknownFields, and x-kubernetes-preserve-unknown-fields at the schema's root; allow it only for the fields that need it.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CRD, keeps_unknown),
        fails: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  versions:
  - name: v1
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
",
        passes: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  versions:
  - name: v1
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}
",
    },
    Check {
        id: "crd-conversion-outside-cluster",
        title: "Conversion webhook is outside the cluster",
        why: "Whoever answers at the address reads and rewrites every object of the kind; while it does not answer, none of them can be read.",
        fix: "Refer to a Service of the cluster by clientConfig.service.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1556")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CRD, conversion_outside_cluster),
        fails: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  conversion:
    strategy: Webhook
    webhook: {clientConfig: {url: 'https://hooks.example.com/convert'}}
",
        passes: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  conversion:
    strategy: Webhook
    webhook: {clientConfig: {url: 'https://hook.shop.svc/convert'}}
",
    },
    Check {
        id: "crd-conversion-without-authority",
        title: "Nothing says which certificate the conversion webhook must have",
        why: "The API server hands it every stored object of the kind and takes back what it answers: without caBundle the calls fail, or anybody's certificate for the name will do.",
        fix: "Set caBundle, or the annotation cert-manager.io/inject-ca-from.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CRD, conversion_without_authority),
        fails: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  conversion:
    strategy: Webhook
    webhook: {clientConfig: {service: {name: hook, namespace: shop}}}
",
        passes: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: shops.example.com
  annotations: {cert-manager.io/inject-ca-from: shop/hook}
spec:
  conversion:
    strategy: Webhook
    webhook: {clientConfig: {service: {name: hook, namespace: shop}}}
",
    },
];

fn without_schema(crd: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = crd.spec_fields() else { return };
    if down(crd.object.value(), &["spec", "validation", "openAPIV3Schema"]).is_some() {
        return;
    }
    for (index, version) in maps(spec, "versions") {
        let schema = version.get("schema").and_then(|schema| schema.get("openAPIV3Schema"));
        let is_served = version.get("served") != Some(&Value::Bool(false));
        if is_served && schema.and_then(Value::as_object).is_none() {
            let name = version.get("name").and_then(Value::as_str).unwrap_or_default();
            let path = FieldPath::of(&["spec", "versions"]).index(index).key("schema");
            report.fail(path, format!("version {name} has no schema"));
        }
    }
}

fn keeps_unknown(crd: &Whole<'_>, report: &mut Report<'_>) {
    const MARK: &str = "x-kubernetes-preserve-unknown-fields";
    let Some(spec) = crd.spec_fields() else { return };
    if spec.get("preserveUnknownFields") == Some(&Value::Bool(true)) {
        let message = "preserveUnknownFields is true".to_owned();
        report.fail(FieldPath::of(&["spec", "preserveUnknownFields"]), message);
    }
    for (index, version) in maps(spec, "versions") {
        let root = version.get("schema").and_then(|schema| schema.get("openAPIV3Schema"));
        if root.and_then(|root| root.get(MARK)) == Some(&Value::Bool(true)) {
            let name = version.get("name").and_then(Value::as_str).unwrap_or_default();
            let path = FieldPath::of(&["spec", "versions"]).index(index);
            let message = format!("version {name} keeps unknown fields everywhere");
            report.fail(path.keys(&["schema", "openAPIV3Schema", MARK]), message);
            continue;
        }
        // A specification of which nothing is said is as open as the whole.
        let spec = root.and_then(|root| down(root, &["properties", "spec"]));
        let is_described = spec.is_some_and(|spec| spec.get("properties").is_some());
        if !is_described && spec.and_then(|spec| spec.get(MARK)) == Some(&Value::Bool(true)) {
            let name = version.get("name").and_then(Value::as_str).unwrap_or_default();
            let path = FieldPath::of(&["spec", "versions"]).index(index);
            let path = path.keys(&["schema", "openAPIV3Schema", "properties", "spec", MARK]);
            report.fail(path, format!("version {name} keeps whatever stands in spec"));
        }
    }
}

/// Where a CRD names the client of its conversion webhook, in today's form and in the old one.
const CLIENTS: [&[&str]; 2] = [
    &["spec", "conversion", "webhook", "clientConfig"],
    &["spec", "conversion", "webhookClientConfig"],
];

fn conversion_outside_cluster(crd: &Whole<'_>, report: &mut Report<'_>) {
    for place in CLIENTS {
        let client = down(crd.object.value(), place);
        let url = client.and_then(|client| client.get("url")?.as_str());
        if let Some(host) = url.and_then(host_outside_cluster) {
            let message = format!("the conversion webhook is asked at {host}");
            report.fail(FieldPath::of(place).key("url"), message);
        }
    }
}

fn conversion_without_authority(crd: &Whole<'_>, report: &mut Report<'_>) {
    const INJECTED: [&str; 4] = [
        "cert-manager.io/inject-apiserver-ca",
        "cert-manager.io/inject-ca-from",
        "cert-manager.io/inject-ca-from-secret",
        "service.beta.openshift.io/inject-cabundle",
    ];
    if INJECTED.iter().any(|name| crd.annotation(name).is_some()) {
        return;
    }
    for place in CLIENTS {
        let Some(client) = down(crd.object.value(), place) else { continue };
        let bundle = client.get("caBundle").and_then(Value::as_str).unwrap_or_default();
        if client.get("service").is_some() && bundle.is_empty() {
            let message = "the conversion webhook has no caBundle".to_owned();
            report.fail(FieldPath::of(place).key("caBundle"), message);
        }
    }
}
