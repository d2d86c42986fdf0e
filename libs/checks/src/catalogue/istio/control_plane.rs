//! Checks on Istio's own webhooks, on what it says of objects, and on fields that it no longer reads.

use airside_k8s::fields::{down, elements, maps, text};
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use airside_vulnerability::Version;

use super::{GATEWAY_API, NETWORKING, SECURITY, TELEMETRY, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

const MUTATING: (&str, &str) = ("admissionregistration.k8s.io", "MutatingWebhookConfiguration");
const VALIDATING: (&str, &str) = ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration");

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-injectors-overlap",
        title: "Several webhooks inject a proxy into the same pods",
        why: "Two control planes then change the same pods: the proxy belongs to the one that happens to come first.",
        fix: "Let the selectors of the configurations exclude each other: by revision, or by one default.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0139"],
        judge: Judge::Object(&[MUTATING], overlaps),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: istiod, namespace: istio-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: a}
webhooks: [{name: namespace.sidecar-injector.istio.io, failurePolicy: Fail, clientConfig: {service: {name: istiod, namespace: istio-system}}, namespaceSelector: {matchLabels: {istio-injection: enabled}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: b}
webhooks: [{name: namespace.sidecar-injector.istio.io, failurePolicy: Fail, clientConfig: {service: {name: istiod, namespace: istio-system}}, namespaceSelector: {matchLabels: {istio-injection: enabled}}}]
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: istiod, namespace: istio-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: a}
webhooks: [{name: namespace.sidecar-injector.istio.io, failurePolicy: Fail, clientConfig: {service: {name: istiod, namespace: istio-system}}, namespaceSelector: {matchLabels: {istio-injection: enabled}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: b}
webhooks: [{name: namespace.sidecar-injector.istio.io, failurePolicy: Fail, clientConfig: {service: {name: istiod, namespace: istio-system}}, namespaceSelector: {matchLabels: {istio.io/rev: b}}}]
",
    },
    Check {
        id: "mesh-webhook-without-address",
        title: "Webhook of Istio's says nowhere whom to call",
        why: "It has neither an address nor a Service, so the API server cannot call it: pods are refused or stay without a proxy, and policies are not validated.",
        fix: "Set clientConfig.service, or clientConfig.url for a control plane outside the cluster.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0163"],
        judge: Judge::Object(&[MUTATING, VALIDATING], without_address),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: istio-validator}
webhooks: [{name: rev.validation.istio.io, clientConfig: {url: ''}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: istio-validator}
webhooks: [{name: rev.validation.istio.io, clientConfig: {url: 'https://istiod.example.com:15017/validate'}}]
",
    },
    Check {
        id: "mesh-webhook-by-address",
        title: "Webhook of Istio's calls the control plane by its address",
        why: "Certificates are rarely issued for addresses, and the address changes when the control plane moves: the webhook then fails.",
        fix: "Use a host name in clientConfig.url.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0164"],
        judge: Judge::Object(&[MUTATING, VALIDATING], by_address),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: istio-validator}
webhooks: [{name: rev.validation.istio.io, clientConfig: {url: 'https://192.0.2.1:15017/validate'}}]
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: istio-validator}
webhooks: [{name: rev.validation.istio.io, clientConfig: {url: 'https://istiod.example.com:15017/validate'}}]
",
    },
    Check {
        id: "mesh-object-not-accepted",
        title: "Mesh says that it does not follow the object",
        why: "The object's status has a condition that failed: what the object asks for, such as a policy, does not hold or holds in part.",
        fix: "Read the condition's message, and correct what it names.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &["istio:IST0171"],
        judge: Judge::Object(WITH_CONDITIONS, not_accepted),
        fails: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {targetRefs: [{kind: Service, name: web}]}
status: {conditions: [{type: WaypointAccepted, status: 'False', reason: NoWaypoint}]}
",
        passes: r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {targetRefs: [{kind: Service, name: web}]}
status: {conditions: [{type: WaypointAccepted, status: 'True', reason: Accepted}]}
",
    },
    Check {
        id: "gateway-api-crd-too-old",
        title: "Gateway API's CRD is older than what Istio reads",
        why: "Current versions of Istio read TLSRoutes as of version 1.5 of the Gateway API, where they became stable. Older ones are accepted by the API server and take no effect.",
        fix: "Install the CRDs of the Gateway API's version 1.5 or later, or stay with an Istio that reads the older ones.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0176"],
        judge: Judge::Object(
            &[("apiextensions.k8s.io", "CustomResourceDefinition")],
            definition_too_old,
        ),
        fails: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: tlsroutes.gateway.networking.k8s.io
  annotations: {gateway.networking.k8s.io/bundle-version: v1.4.1}
",
        passes: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: tlsroutes.gateway.networking.k8s.io
  annotations: {gateway.networking.k8s.io/bundle-version: v1.5.0}
",
    },
    Check {
        id: "istio-deprecated-field",
        title: "Field is one that Istio no longer wants",
        why: "It has been replaced, and a coming version ignores it without a word; some of them already are ignored.",
        fix: "Use the field that has replaced it, which the message names.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0002"],
        judge: Judge::Object(
            &[(NETWORKING, "VirtualService"), (NETWORKING, "Sidecar"), (NETWORKING, "EnvoyFilter")],
            deprecated,
        ),
        fails: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web.example.com], http: [{fault: {delay: {percent: 5, fixedDelay: 1s}}, redirect: {uri: /}}]}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web.example.com], http: [{fault: {delay: {percentage: {value: 5}, fixedDelay: 1s}}, redirect: {uri: /}}]}
",
    },
];

/// The webhooks of a configuration that are Istio's, with their path.
fn webhooks<'a>(
    configuration: &Object<'a>,
) -> impl Iterator<Item = (FieldPath, &'a Map)> + use<'a> {
    maps(configuration.fields(), "webhooks")
        .filter(|(_, webhook)| {
            text(webhook, "name").is_some_and(|name| name.ends_with(".istio.io"))
        })
        .map(|(index, webhook)| (FieldPath::of(&["webhooks"]).index(index), webhook))
}

fn is_injector(webhook: &Map) -> bool {
    text(webhook, "name").is_some_and(|name| name.ends_with("sidecar-injector.istio.io"))
}

fn overlaps(configuration: &Whole<'_>, report: &mut Report<'_>) {
    let graph = configuration.graph;
    if graph.is_single_object() {
        return report.undecided("other webhooks are other objects");
    }
    let selectors = |webhook: &Map| {
        let of = |name| webhook.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new()));
        (of("namespaceSelector"), of("objectSelector"))
    };
    for (path, webhook) in
        webhooks(configuration.object).filter(|(_, webhook)| is_injector(webhook))
    {
        let other = graph.of_kind(MUTATING.0, MUTATING.1).find(|other| {
            !std::ptr::eq(other.value(), configuration.object.value())
                && webhooks(other).any(|(_, theirs)| {
                    is_injector(theirs) && selectors(theirs) == selectors(webhook)
                })
        });
        if let Some(other) = other {
            let message = format!("{} injects into the same pods", other.name());
            return report.fail(path.key("namespaceSelector"), message);
        }
    }
}

fn without_address(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (path, webhook) in webhooks(configuration.object) {
        let client = webhook.get("clientConfig").and_then(Value::as_object);
        let has_url = client.is_some_and(|client| text(client, "url").is_some());
        let has_service =
            client.is_some_and(|client| client.get("service").is_some_and(Value::is_object));
        if !has_url && !has_service {
            let name = text(webhook, "name").unwrap_or_default();
            let message = format!("the webhook `{name}` has neither a url nor a service");
            report.fail(path.key("clientConfig"), message);
        }
    }
}

fn by_address(configuration: &Whole<'_>, report: &mut Report<'_>) {
    for (path, webhook) in webhooks(configuration.object) {
        let url = webhook.get("clientConfig").and_then(|client| client.get("url"));
        let host = url.and_then(Value::as_str).and_then(host_of);
        if let Some(host) = host.filter(|host| host.parse::<std::net::IpAddr>().is_ok()) {
            let path = path.keys(&["clientConfig", "url"]);
            report.fail(path, format!("the control plane is called at {host}"));
        }
    }
}

/// The host of a URL, without its port.
fn host_of(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next();
    }
    authority.split(':').next()
}

/// Kinds of which the mesh says in their status whether it follows them.
const WITH_CONDITIONS: &[(&str, &str)] = &[
    ("", "Service"),
    (NETWORKING, "ServiceEntry"),
    (SECURITY, "AuthorizationPolicy"),
    (SECURITY, "RequestAuthentication"),
    (SECURITY, "PeerAuthentication"),
    (TELEMETRY, "Telemetry"),
    (GATEWAY_API, "Gateway"),
    (GATEWAY_API, "HTTPRoute"),
    (GATEWAY_API, "GRPCRoute"),
    (GATEWAY_API, "TLSRoute"),
    (GATEWAY_API, "TCPRoute"),
];

const CONDITIONS: [&str; 5] =
    ["Accepted", "Programmed", "ResolvedRefs", "WaypointAccepted", "ZtunnelAccepted"];

fn not_accepted(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some(status) = whole.object.fields().get("status").and_then(Value::as_object) else {
        return;
    };
    let path = FieldPath::of(&["status"]);
    let own = maps(status, "conditions")
        .map(|(index, condition)| (path.key("conditions").index(index), condition));
    let of_parents = maps(status, "parents").flat_map(|(parent, fields)| {
        let path = path.key("parents").index(parent).key("conditions");
        maps(fields, "conditions").map(move |(index, condition)| (path.index(index), condition))
    });
    for (path, condition) in own.chain(of_parents) {
        let kind = text(condition, "type").unwrap_or_default();
        let is_of_mesh = kind.starts_with("istio.io/") || CONDITIONS.contains(&kind);
        let reason = text(condition, "reason").unwrap_or_default();
        let failed = text(condition, "status") == Some("False") || reason == "PartiallyInvalid";
        if is_of_mesh && failed {
            report.fail(path, format!("the condition {kind} failed: {reason}"));
        }
    }
}

/// The least versions of the Gateway API that Istio reads kinds of: CRD, major, minor.
/// Source: istio.io/latest/docs/reference/config/analysis/ist0176.
const LEAST_VERSIONS: [(&str, u64, u64); 1] = [("tlsroutes.gateway.networking.k8s.io", 1, 5)];

fn definition_too_old(definition: &Whole<'_>, report: &mut Report<'_>) {
    const BUNDLE: &str = "gateway.networking.k8s.io/bundle-version";
    let least = LEAST_VERSIONS.iter().find(|(name, ..)| *name == definition.object.name());
    let Some((_, major, minor)) = least else { return };
    let Some(text) = definition.annotation(BUNDLE) else { return };
    let Some(version) = Version::parse(text) else { return };
    if (version.number(0), version.number(1)) < (*major, *minor) {
        let message =
            format!("the CRD is of version {text}; Istio reads {major}.{minor} and later");
        report.fail(annotation_path(BUNDLE), message);
    }
}

fn deprecated(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = spec_map(whole.object) else { return };
    let path = FieldPath::of(&["spec"]);
    let mut say = |path: FieldPath, field: &str, instead: &str| {
        report.fail(path, format!("`{field}` is deprecated; {instead}"));
    };
    for (index, rule) in maps(spec, "http") {
        let fault = rule.get("fault").filter(|fault| down(fault, &["delay", "percent"]).is_some());
        if fault.is_some() {
            let path = path.key("http").index(index).keys(&["fault", "delay", "percent"]);
            say(path, "percent", "use percentage.value");
        }
        if ["mirrorPercent", "mirror_percent"].iter().any(|key| rule.contains_key(key)) {
            let path = path.key("http").index(index).key("mirrorPercent");
            say(path, "mirrorPercent", "use mirrorPercentage.value");
        }
    }
    let policy = spec.get("outboundTrafficPolicy");
    if policy.is_some_and(|policy| policy.get("egressProxy").is_some()) {
        let path = path.keys(&["outboundTrafficPolicy", "egressProxy"]);
        say(path, "egressProxy", "route through an egress gateway");
    }
    if spec.contains_key("workloadLabels") {
        say(path.key("workloadLabels"), "workloadLabels", "use workloadSelector");
    }
    if !elements(spec.get("filters")).is_empty() {
        say(path.key("filters"), "filters", "use configPatches");
    }
}
