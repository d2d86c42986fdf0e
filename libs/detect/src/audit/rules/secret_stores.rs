//! Operators that carry secrets: out of the cluster to a store, from a store into it, from one namespace to another. They read
//! and write all secrets, and do it for whoever writes one of their objects.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::request::Request;
use super::hands::Hands;
use super::policy::changed;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R12-carried",
            version: 1,
            title: "Operator told to carry secrets elsewhere",
            why: "The operator reads the secrets with rights of its own and puts them where the object says: whoever writes the object needs no right to read any secret.",
            next: "Which secrets the object selects and where they went; change those, and take the object away before that.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.007"), technique("T1567")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"pushsecrets","apiGroup":"external-secrets.io","namespace":"shop","name":"p"},"requestObject":{"spec":{"selector":{"secret":{"name":"db"}},"secretStoreRefs":[{"name":"s"}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"externalsecrets","apiGroup":"external-secrets.io","namespace":"shop","name":"e"},"requestObject":{"spec":{"data":[{"secretKey":"a","remoteRef":{"key":"shop/db"}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "clusterexternalsecrets.external-secrets.io",
                "clusterpushsecrets.external-secrets.io",
                "clustersecretstores.external-secrets.io",
                "externalsecrets.external-secrets.io",
                "pushsecrets.external-secrets.io",
                "referencegrants.gateway.networking.k8s.io",
                "secrets",
                "secretstores.external-secrets.io",
            ],
        ),
        ended: Ended::Done,
        when: carried,
    },
    Definition {
        rule: Rule {
            id: "AUD-R12-sealing",
            version: 1,
            title: "Key for sealed secrets put in by hand",
            why: "The controller of sealed secrets takes every key with its label: what is sealed from now on can be opened by whoever made the key.",
            next: "Who has the private key; take it away, restart the controller, and seal anew what was sealed since.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.004"), technique("T1556")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"secrets","namespace":"kube-system","name":"k"},"requestObject":{"metadata":{"labels":{"sealedsecrets.bitnami.com/sealed-secrets-key":"active"}},"type":"kubernetes.io/tls"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:sealed-secrets-controller"},"userAgent":"controller/v0.28","objectRef":{"resource":"secrets","namespace":"kube-system","name":"sealed-secrets-key7x2fp"},"requestObject":{"metadata":{"labels":{"sealedsecrets.bitnami.com/sealed-secrets-key":"active"}},"type":"kubernetes.io/tls"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["secrets"]),
        ended: Ended::Done,
        when: |request| {
            const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
            let state = text(at(request.body(), &["metadata", "labels"]), LABEL);
            let hands = Hands { person: Severity::High, program: Severity::Info };
            // Taking a key out of service is upkeep.
            let severity = hands.unless_usual(request).filter(|_| state == "active")?;
            Some(changed(request).at(severity).with("requestObject.metadata.labels", LABEL))
        },
    },
];

fn carried(request: &Request<'_>) -> Option<Firing> {
    let leaves = matches!(request.resource(), "pushsecrets" | "clusterpushsecrets");
    let hands = if leaves { Hands::for_changed } else { Hands::for_new_or_changed };
    let severity = hands(request).unless_usual(request)?;
    let (field, value) = where_to(request)?;
    Some(changed(request).at(severity).with(&format!("requestObject.{field}"), value))
}

/// What of an object carries secrets elsewhere, or all of them.
fn where_to<'r>(request: &'r Request<'_>) -> Option<(&'static str, &'r str)> {
    let body = request.body();
    let spec = at(body, &["spec"]);
    match request.resource() {
        "secrets" => mirrored(at(body, &["metadata", "annotations"])),
        "pushsecrets" => pushed(spec),
        "clusterpushsecrets" => pushed(at(spec, &["pushSecretSpec"])),
        "clusterexternalsecrets" => {
            let everywhere = items(spec, "namespaceSelectors").iter().any(is_empty);
            everywhere.then_some(("spec.namespaceSelectors", "{}"))
        }
        "externalsecrets" => items(spec, "dataFrom").iter().find_map(|from| {
            let pattern = text(at(from, &["find", "name"]), "regexp");
            let is_all = matches!(pattern, ".*" | "^.*$" | ".+" | ".");
            is_all.then_some(("spec.dataFrom", pattern))
        }),
        "referencegrants" => {
            let mut kinds = items(spec, "to").iter().map(|to| text(to, "kind"));
            kinds.any(|kind| kind == "Secret").then_some(("spec.to", "Secret"))
        }
        // A store that was there had clients.
        _ => led(request, at(spec, &["provider"])),
    }
}

fn pushed(spec: &Value) -> Option<(&'static str, &str)> {
    let store = items(spec, "secretStoreRefs").first()?;
    Some(("spec.secretStoreRefs", text(store, "name")))
}

/// A store of which the object says where it is: a web server takes whatever it is sent, and a server that is another one from
/// now on is told what the operator would write to it, and its credentials.
fn led<'r>(request: &Request<'_>, provider: &'r Value) -> Option<(&'static str, &'r str)> {
    let webhook = text(at(provider, &["webhook"]), "url");
    if !webhook.is_empty() {
        return Some(("spec.provider.webhook.url", webhook));
    }
    if request.is_of_new_object() {
        return None;
    }
    let mut fields = provider.as_object()?.iter();
    let server = fields.find_map(|(_, settings)| {
        ["server", "url", "host", "vaultUrl"]
            .into_iter()
            .find_map(|key| settings.get(key)?.as_str())
    })?;
    Some(("spec.provider", server))
}

/// Annotations by which a secret is copied to other namespaces.
fn mirrored(annotations: &Value) -> Option<(&'static str, &str)> {
    const COPY: [&str; 4] = [
        "reflector.v1.k8s.emberstack.com/reflection-allowed",
        "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
        "replicator.v1.mittwald.de/replicate-to",
        "replicator.v1.mittwald.de/replication-allowed",
    ];
    let copies = |key: &&str| !matches!(text(annotations, key), "" | "false");
    COPY.into_iter().find(copies).map(|key| ("metadata.annotations", key))
}

fn is_empty(selector: &Value) -> bool {
    selector.as_object().is_some_and(|it| it.iter().next().is_none())
}
