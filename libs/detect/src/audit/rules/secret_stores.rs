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
        when: sealed,
    },
];

/// A key that is taken into service, or one of the controller's that is replaced under its name.
fn sealed(request: &Request<'_>) -> Option<Firing> {
    const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
    const KEY: &str = "tls.key";
    let body = request.body();
    let (field, value) = match text(at(body, &["metadata", "labels"]), LABEL) {
        "active" => ("requestObject.metadata.labels", LABEL),
        // Taking a key out of service is upkeep.
        "" => {
            let is_key =
                request.verb() != "create" && request.name().starts_with("sealed-secrets-key");
            let written =
                ["data", "stringData"].into_iter().any(|it| at(body, &[it]).get(KEY).is_some());
            (is_key && written).then_some(("requestObject.data", KEY))?
        }
        _ => return None,
    };
    let hands = Hands { person: Severity::High, program: Severity::Info };
    Some(changed(request).at(hands.unless_usual(request)?).with(field, value))
}

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
        "clusterpushsecrets" => {
            let everywhere =
                spec.get("namespaceSelectors").map(|_| ("spec.namespaceSelectors", ""));
            let (_, pushes) = pushed(at(spec, &["pushSecretSpec"])).unzip();
            pushes.map(|what| ("spec.pushSecretSpec", what)).or(everywhere)
        }
        "clusterexternalsecrets" => {
            let several = items(spec, "namespaceSelectors").iter();
            let everywhere = several.chain(spec.get("namespaceSelector")).any(is_everything);
            let everywhere = everywhere.then_some(("spec.namespaceSelectors", "{}"));
            everywhere.or_else(|| all_of_a_store(at(spec, &["externalSecretSpec"])))
        }
        "externalsecrets" => all_of_a_store(spec),
        "referencegrants" => {
            let mut kinds = items(spec, "to").iter().map(|to| text(to, "kind"));
            let to = kinds.find(|kind| *kind == "Secret").map(|kind| ("spec.to", kind));
            // A patch may say only who else may.
            let from = items(spec, "from").first().filter(|_| spec.get("to").is_none());
            to.or_else(|| from.map(|from| ("spec.from", text(from, "namespace"))))
        }
        // A store that was there had clients.
        _ => led(request, at(spec, &["provider"])),
    }
}

/// What is pushed, or where to: a patch may say either alone.
fn pushed(spec: &Value) -> Option<(&'static str, &str)> {
    const FIELDS: [(&str, &str); 4] = [
        ("secretStoreRefs", "spec.secretStoreRefs"),
        ("selector", "spec.selector"),
        ("data", "spec.data"),
        ("dataTo", "spec.dataTo"),
    ];
    let (_, field) = FIELDS.into_iter().find(|(key, _)| spec.get(*key).is_some())?;
    let store = items(spec, "secretStoreRefs").first().map(|store| text(store, "name"));
    let secret = text(at(spec, &["selector", "secret"]), "name");
    Some((field, store.unwrap_or(secret)))
}

/// Whether an object fetches whatever its store has: by no pattern, or by one that meets two names that have nothing in common.
fn all_of_a_store(spec: &Value) -> Option<(&'static str, &str)> {
    const UNLIKE: [&[u8]; 2] = [b"7-Xq", b"/prod/db.password_"];
    // An object may have many patterns, and a short one may stand for much: so much of them is built.
    const MAX_PATTERNS: usize = 100;
    const MAX_LENGTH: usize = 64;
    const MAX_BUILT: usize = 32 << 10;
    let is_all = |pattern: &str| {
        let mut builder = regex::bytes::RegexBuilder::new(pattern);
        let builder = builder.unicode(false).size_limit(MAX_BUILT);
        let built = (pattern.len() <= MAX_LENGTH).then(|| builder.build().ok()).flatten();
        built.is_some_and(|pattern| UNLIKE.iter().all(|name| pattern.is_match(name)))
    };
    items(spec, "dataFrom").iter().take(MAX_PATTERNS).find_map(|from| {
        let find = from.get("find")?;
        let pattern = text(at(find, &["name"]), "regexp");
        let is_by_tags =
            pattern.is_empty() && (find.get("tags").is_some() || find.get("path").is_some());
        (is_all(pattern) && !is_by_tags).then_some(("spec.dataFrom", pattern))
    })
}

/// A store of which the object says where it is: a web server takes whatever it is sent, and a server that is another one from
/// now on is told what the operator would write to it, and its credentials.
fn led<'r>(request: &Request<'_>, provider: &'r Value) -> Option<(&'static str, &'r str)> {
    let webhook = text(at(provider, &["webhook"]), "url");
    if !webhook.is_empty() {
        return Some(("spec.provider.webhook.url", webhook));
    }
    let settings = || provider.as_object().into_iter().flatten().map(|(_, settings)| settings);
    if request.is_of_new_object() {
        // It shows another namespace's account to a server of its own.
        let account = settings().find_map(|it| account_of_another(it, 4))?;
        return Some(("spec.provider", account));
    }
    settings().find_map(|it| place_of(it, 3)).map(|server| ("spec.provider", server))
}

/// Where a store's settings say that it is.
fn place_of(settings: &Value, depth: usize) -> Option<&str> {
    const ENDINGS: [&str; 8] =
        ["url", "host", "api", "server", "endpoint", "projectid", "role", "remotenamespace"];
    settings.as_object()?.iter().find_map(|(key, value)| {
        let key = key.to_ascii_lowercase();
        let is_place = ENDINGS.iter().any(|ending| key.ends_with(ending));
        let within = || place_of(value, depth.checked_sub(1)?);
        value.as_str().filter(|_| is_place).or_else(within)
    })
}

/// The account of a namespace that a store's settings name, whose token it shows.
fn account_of_another(settings: &Value, depth: usize) -> Option<&str> {
    settings.as_object()?.iter().find_map(|(key, value)| {
        let is_account = key == "serviceAccountRef" || key == "serviceAccount";
        let namespace = text(value, "namespace");
        let named = (is_account && !namespace.is_empty()).then(|| text(value, "name"));
        named.or_else(|| account_of_another(value, depth.checked_sub(1)?))
    })
}

/// Annotations by which a secret is copied to other namespaces.
fn mirrored(annotations: &Value) -> Option<(&'static str, &str)> {
    const COPY: [&str; 11] = [
        "kubed.appscode.com/sync",
        "reflector.v1.k8s.emberstack.com/reflection-allowed",
        "reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces",
        "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
        "reflector.v1.k8s.emberstack.com/reflection-auto-namespaces",
        "reflector.v1.k8s.emberstack.com/reflects",
        "replicator.v1.mittwald.de/replicate-from",
        "replicator.v1.mittwald.de/replicate-to",
        "replicator.v1.mittwald.de/replicate-to-matching",
        "replicator.v1.mittwald.de/replication-allowed-namespaces",
        "replicator.v1.mittwald.de/replication-allowed",
    ];
    let copies = |key: &&str| !matches!(text(annotations, key), "" | "false");
    COPY.into_iter().find(copies).map(|key| ("metadata.annotations", key))
}

/// A selector that asks for nothing, in whatever form.
fn is_everything(selector: &Value) -> bool {
    let asks = |value: &Value| match (value.as_object(), value.as_array()) {
        (Some(labels), _) => labels.iter().next().is_some(),
        (None, list) => list.is_some_and(|list| !list.is_empty()),
    };
    selector.as_object().is_some_and(|it| !it.iter().any(|(_, value)| asks(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body's worth of patterns that each stand for as much as a pattern may.
    #[test]
    fn patterns_take_no_longer_than_their_number_and_size_allow() {
        let find = |pattern: &str| {
            let name = [("regexp", Value::from(pattern))].into_iter().collect();
            let find = [("name", Value::Object(name))].into_iter().collect();
            Value::Object([("find", Value::Object(find))].into_iter().collect())
        };
        let spec = |patterns: Vec<Value>| {
            Value::Object([("dataFrom", Value::Array(patterns.into()))].into_iter().collect())
        };
        let large = find(r"((a{9}){99}){99}");
        assert_eq!(all_of_a_store(&spec(vec![large.clone()])), None);
        assert_eq!(all_of_a_store(&spec(vec![find(&format!("{}.*", "()".repeat(40)))])), None);
        let mut many = vec![large; 99];
        many.push(find(".*"));
        assert_eq!(all_of_a_store(&spec(many.clone())), Some(("spec.dataFrom", ".*")));
        many.insert(0, find("a"));
        assert_eq!(all_of_a_store(&spec(many)), None, "so many are looked at");
    }
}
