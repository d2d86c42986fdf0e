//! Meshes and networks of one's own: what keeps connections authenticated and apart where Kubernetes' policies do not.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::request::Request;
use super::hands::{Hands, writes_content};
use super::policy::changed;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::address::AddressSet;
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
            id: "AUD-R55-mirror",
            version: 1,
            title: "Requests copied or led elsewhere by a mesh",
            why: "A mirror gets every request as the service does, passwords and tokens in it, and nobody waits for its answer; an entry of the mesh's own stands for whatever name it says.",
            next: "What stands behind the mirror or the addresses, and whether the repository has it; which credentials went through since.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Collection,
            techniques: &[technique("T1557"), technique("T1040")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"virtualservices","apiGroup":"networking.istio.io","namespace":"shop","name":"v"},"requestObject":{"spec":{"http":[{"mirror":{"host":"copies.example.net"}}]}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"virtualservices","apiGroup":"networking.istio.io","namespace":"shop","name":"v"},"requestObject":{"spec":{"http":[{"route":[{"destination":{"host":"web"}}]}]}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "grpcroutes.gateway.networking.k8s.io",
                "httproutes.gateway.networking.k8s.io",
                "serviceentries.networking.istio.io",
                "virtualservices.networking.istio.io",
                "workloadentries.networking.istio.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let severity = Hands::for_new_or_changed(request).unless_usual(request)?;
            let (field, value) = led_elsewhere(request)?;
            let field = format!("requestObject.spec.{field}");
            Some(changed(request).at(severity).with(&field, value))
        },
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

/// Where a mesh sends what is meant for others.
fn led_elsewhere<'r>(request: &'r Request<'_>) -> Option<(&'static str, &'r str)> {
    let spec = at(request.body(), &["spec"]);
    match request.resource() {
        "virtualservices" => {
            let mut hosts = items(spec, "http").iter().flat_map(|route| {
                let several = items(route, "mirrors").iter();
                let several = several.map(|mirror| text(at(mirror, &["destination"]), "host"));
                std::iter::once(text(at(route, &["mirror"]), "host")).chain(several)
            });
            Some(("http.mirror", hosts.find(|host| !host.is_empty())?))
        }
        "workloadentries" => {
            let address = text(spec, "address");
            (!address.is_empty()).then_some(("address", address))
        }
        // A name in the mesh that leads to addresses of the entry's own.
        "serviceentries" => {
            let mut addresses = items(spec, "endpoints").iter().map(|it| text(it, "address"));
            Some(("endpoints", addresses.find(|it| !it.is_empty())?))
        }
        _ => {
            let filters = items(spec, "rules").iter().flat_map(|rule| {
                let behind = items(rule, "backendRefs").iter().flat_map(|it| items(it, "filters"));
                items(rule, "filters").iter().chain(behind)
            });
            let mut names =
                filters.map(|filter| text(at(filter, &["requestMirror", "backendRef"]), "name"));
            Some(("rules.filters.requestMirror", names.find(|name| !name.is_empty())?))
        }
    }
}

fn opened(request: &Request<'_>) -> Option<Firing> {
    let spec = at(request.body(), &["spec"]);
    let is_about_tls = request.resource() == "peerauthentications";
    let opens = if is_about_tls { without_tls(spec) } else { lets_everybody_in(spec) };
    let (field, value) = opens.or_else(|| no_longer_closes(request, is_about_tls))?;
    let severity = Hands::for_new_or_changed(request).weigh(request);
    let firing = changed(request).at(severity).with(&format!("requestObject.{field}"), value);
    (!request.is_by_trusted_system()).then_some(firing)
}

/// What a policy that is there loses, so that it no longer keeps out whom it kept out.
fn no_longer_closes<'r>(
    request: &'r Request<'_>,
    is_about_tls: bool,
) -> Option<(&'static str, &'r str)> {
    const DRY_RUN: &str = "istio.io/dry-run";
    if request.is_of_new_object() {
        return None;
    }
    let body = request.body();
    let (place, spec) =
        (if is_about_tls { "spec.mtls" } else { "spec.rules" }, at(body, &["spec"]));
    let is_emptied = is_about_tls
        && at(spec, &["mtls"]).as_object().is_some_and(|it| it.iter().next().is_none());
    let is_less = request.change().removed().iter().any(|it| it.as_str().starts_with(place));
    let action = text(spec, "action");
    match () {
        () if is_less || is_emptied => Some((place, "removed")),
        () if is_about_tls => None,
        // What was refused before is only written down, or allowed.
        () if action == "AUDIT" => Some(("spec.action", action)),
        () if action == "ALLOW" && spec.get("rules").is_none() => Some(("spec.action", action)),
        () if text(at(body, &["metadata", "annotations"]), DRY_RUN) == "true" => {
            Some(("metadata.annotations", DRY_RUN))
        }
        () => None,
    }
}

fn without_tls(spec: &Value) -> Option<(&'static str, &str)> {
    let mode = text(at(spec, &["mtls"]), "mode");
    let ports = at(spec, &["portLevelMtls"]).as_object().into_iter().flatten();
    let mut modes = std::iter::once(mode).chain(ports.map(|(_, port)| text(port, "mode")));
    Some((
        "spec.mtls.mode",
        modes.find(|mode| matches!(*mode, "DISABLE" | "PERMISSIVE" | "UNSET"))?,
    ))
}

/// A rule without conditions is met by every request, as is one by which anybody may come from anywhere; where nothing is
/// said, a policy allows.
fn lets_everybody_in(spec: &Value) -> Option<(&'static str, &str)> {
    let allows = matches!(text(spec, "action"), "" | "ALLOW");
    let keys = |rule: &Value| rule.as_object().map(|it| it.iter().count());
    let any = |rule: &&Value| keys(rule) == Some(1) && items(rule, "from").iter().any(is_anybody);
    let rules = items(spec, "rules");
    let is_open = rules.iter().any(|rule| keys(rule) == Some(0));
    let opened = is_open.then_some("{}").or_else(|| rules.iter().find(any).map(|_| "from: *"));
    allows.then_some(("spec.rules", opened?))
}

/// Whether a source is whoever there is: nothing narrows it.
fn is_anybody(from: &Value) -> bool {
    let fields = at(from, &["source"]).as_object().into_iter().flatten();
    let mut fields = fields.peekable();
    let is_all = |(key, list): (&str, &Value)| {
        let texts = || list.as_array().unwrap_or_default().iter().filter_map(Value::as_str);
        match key {
            "principals" | "namespaces" => texts().any(|it| it == "*"),
            "ipBlocks" | "remoteIpBlocks" => texts()
                .filter_map(|it| it.parse().ok())
                .collect::<AddressSet>()
                .is_most_of_internet(),
            // Who has shown a token, and who is none of these.
            _ => false,
        }
    };
    fields.peek().is_some() && fields.all(|(key, list)| is_all((key, list)))
}
