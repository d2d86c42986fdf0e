//! Drivers and devices: which drivers get tokens of pods, and who may use the devices of others.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::request::Request;
use super::hands::Hands;
use super::judged::wrote;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R20-driver",
            version: 1,
            title: "Storage driver told to get tokens of pods",
            why: "With tokenRequests a driver is handed a token of the service account of each pod that mounts one of its volumes.",
            next: "Whose driver it is, which audiences its tokens are for, and which pods mount its volumes.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1528")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"csidrivers","apiGroup":"storage.k8s.io","name":"disk.example.net"},"requestObject":{"spec":{"tokenRequests":[{"audience":"vault"}]}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"csidrivers","apiGroup":"storage.k8s.io","name":"disk.example.net"},"requestObject":{"spec":{"podInfoOnMount":true}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, &["csidrivers.storage.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let tokens = items(at(request.body(), &["spec"]), "tokenRequests");
            let audience = text(tokens.first()?, "audience");
            let severity = Hands::for_new_or_changed(request).unless_usual(request)?;
            // The one that the API server itself takes.
            let audience = if audience.is_empty() { "the API server's" } else { audience };
            let firing = Firing::new(wrote(request)).at(severity);
            Some(firing.with("requestObject.spec.tokenRequests.audience", audience))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R42-device",
            version: 1,
            title: "Devices of others opened",
            why: "A claim with adminAccess gets devices that pods of others use, with what is in their memory; it is possible in namespaces that carry a label for it.",
            next: "Which pods use the claim and what they run; whether the namespace was to have the label.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.34.0","objectRef":{"resource":"resourceclaims","apiGroup":"resource.k8s.io","namespace":"shop","name":"c"},"requestObject":{"spec":{"devices":{"requests":[{"name":"all","exactly":{"deviceClassName":"gpu.example.net","adminAccess":true}}]}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.34.0","objectRef":{"resource":"resourceclaims","apiGroup":"resource.k8s.io","namespace":"shop","name":"c"},"requestObject":{"spec":{"devices":{"requests":[{"name":"one","exactly":{"deviceClassName":"gpu.example.net"}}]}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "namespaces",
                "resourceclaims.resource.k8s.io",
                "resourceclaimtemplates.resource.k8s.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let (field, value) = opens_devices(request)?;
            let hands = Hands { person: Severity::Medium, program: Severity::Info };
            let severity = hands.unless_usual(request)?;
            let field = format!("requestObject.{field}");
            Some(Firing::new(wrote(request)).at(severity).with(&field, value))
        },
    },
];

/// Lets the claims of a namespace have such devices.
const LABEL: &str = "resource.kubernetes.io/admin-access";

/// Where a request asks for devices of others or lets a namespace ask, and in which words.
fn opens_devices<'r>(request: &'r Request<'_>) -> Option<(&'static str, &'r str)> {
    let body = request.body();
    let spec = match (request.resource(), request.verb()) {
        ("namespaces", _) => {
            let is_open = text(at(body, &["metadata", "labels"]), LABEL) == "true";
            return is_open.then_some(("metadata.labels", LABEL));
        }
        ("resourceclaims", "create") => at(body, &["spec"]),
        (_, "create") => at(body, &["spec", "spec"]),
        // What a claim asks for stays as it is.
        _ => return None,
    };
    // Before v1beta2 it stands in the request itself.
    let opens = |it: &&Value| {
        let all = Some(&Value::Bool(true));
        it.get("adminAccess") == all || at(it, &["exactly"]).get("adminAccess") == all
    };
    let opened = items(at(spec, &["devices"]), "requests").iter().find(opens)?;
    Some(("spec.devices.requests.adminAccess", text(opened, "name")))
}
