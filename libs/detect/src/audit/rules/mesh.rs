//! Meshes and networks of one's own: what keeps connections authenticated and apart where Kubernetes' policies do not.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::request::Request;
use super::hands::{Hands, writes_content};
use super::policy::changed;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R76-mesh",
            version: 1,
            title: "Policy of a mesh opened",
            why: "Without mutual TLS, or with a rule that lets everybody in, whoever is in the network may speak to the service in anybody's name.",
            next: "Compare with the policy in the repository; which connections came that were refused before.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.004")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"peerauthentications","apiGroup":"security.istio.io","namespace":"istio-system","name":"default"},"requestObject":{"spec":{"mtls":{"mode":"DISABLE"}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"peerauthentications","apiGroup":"security.istio.io","namespace":"istio-system","name":"default"},"requestObject":{"spec":{"mtls":{"mode":"STRICT"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &["authorizationpolicies.security.istio.io", "peerauthentications.security.istio.io"],
        ),
        ended: Ended::Done,
        when: opened,
    },
    Definition {
        rule: Rule {
            id: "AUD-R55-proxy",
            version: 1,
            title: "Code put into the proxies of a mesh",
            why: "A filter sees and changes every request of the pods that it is for, credentials among them, after TLS has ended.",
            next: "Read the filter, or the module's code; which workloads it is for, and where it sends what it sees.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"wasmplugins","apiGroup":"extensions.istio.io","namespace":"shop","name":"w"},"requestObject":{"spec":{"url":"oci://example.net/w:1"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"virtualservices","apiGroup":"networking.istio.io","namespace":"shop","name":"v"},"requestObject":{"spec":{"hosts":["web"]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "ciliumenvoyconfigs.cilium.io",
                "ciliumclusterwideenvoyconfigs.cilium.io",
                "envoyextensionpolicies.gateway.envoyproxy.io",
                "envoyfilters.networking.istio.io",
                "envoypatchpolicies.gateway.envoyproxy.io",
                "wasmplugins.extensions.istio.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let counts = request.subresource().is_empty()
                && writes_content(request)
                && !request.is_by_trusted_system();
            let hands = Hands { person: Severity::Medium, program: Severity::Low };
            counts.then(|| {
                changed(request).at(hands.weigh(request)).with("objectRef.name", request.name())
            })
        },
    },
];

fn opened(request: &Request<'_>) -> Option<Firing> {
    let spec = at(request.body(), &["spec"]);
    let is_about_tls = request.resource() == "peerauthentications";
    let (field, value) = if is_about_tls { without_tls(spec) } else { lets_everybody_in(spec) }
        .or_else(|| {
            let field = if is_about_tls { "mtls" } else { "rules" };
            request.change().removes(&["spec", field]).then_some((field, "removed"))
        })?;
    let severity = Hands::for_new_or_changed(request).weigh(request);
    let firing = changed(request).at(severity).with(&format!("requestObject.spec.{field}"), value);
    (!request.is_by_trusted_system()).then_some(firing)
}

fn without_tls(spec: &Value) -> Option<(&'static str, &str)> {
    let mode = text(at(spec, &["mtls"]), "mode");
    let ports = at(spec, &["portLevelMtls"]).as_object().into_iter().flatten();
    let mut modes = std::iter::once(mode).chain(ports.map(|(_, port)| text(port, "mode")));
    Some(("mtls.mode", modes.find(|mode| matches!(*mode, "DISABLE" | "PERMISSIVE"))?))
}

/// A rule without conditions is met by every request; where nothing is said, a policy allows.
fn lets_everybody_in(spec: &Value) -> Option<(&'static str, &str)> {
    let allows = matches!(text(spec, "action"), "" | "ALLOW");
    let is_empty = |rule: &Value| rule.as_object().is_some_and(|it| it.iter().next().is_none());
    (allows && items(spec, "rules").iter().any(is_empty)).then_some(("rules", "{}"))
}
