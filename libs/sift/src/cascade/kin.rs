//! Which objects come from which: by the names that controllers make.

use std::borrow::Cow;

use airside_detect::audit::Deed;
use airside_types::{Id, Timestamp};

/// An object by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) group: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) namespace: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
}

impl<'a> Name<'a> {
    pub(super) fn new(group: &'a str, kind: &'a str, namespace: &'a str, name: &'a str) -> Self {
        let [group, kind, namespace, name] = [group, kind, namespace, name].map(Cow::Borrowed);
        Self { group, kind, namespace, name }
    }

    /// The object of a request.
    pub(super) fn of(deed: &Deed<'a>) -> Self {
        Self::new(deed.group, deed.kind, deed.namespace, deed.name)
    }

    /// Under which key what is known of it is kept.
    pub(super) fn key(&self) -> Id {
        let parts = [&self.group, &self.kind, &self.namespace, &self.name];
        parts.iter().fold(Id::builder("cascade/object"), |key, part| key.text(part)).finish()
    }

    fn beside(&self, group: &'static str, kind: &'static str, name: &str) -> Self {
        Self {
            group: group.into(),
            kind: kind.into(),
            namespace: self.namespace.clone(),
            name: name.to_owned().into(),
        }
    }
}

/// Whether controllers carry out what is written in such an object.
pub(super) fn leads_on(group: &str, kind: &str) -> bool {
    match group {
        "apps" => matches!(kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet"),
        "batch" => matches!(kind, "Job" | "CronJob"),
        "" => matches!(
            kind,
            "Pod"
                | "ReplicationController"
                | "Service"
                | "Namespace"
                | "ServiceAccount"
                | "PersistentVolumeClaim"
        ),
        "autoscaling" => kind == "HorizontalPodAutoscaler",
        "policy" => kind == "PodDisruptionBudget",
        "apiextensions.k8s.io" => kind == "CustomResourceDefinition",
        _ => false,
    }
}

/// Whether such an object gives access, or keeps others out: who wrote it is told, though nobody carries it out.
pub(super) fn gives_access(group: &str, kind: &str) -> bool {
    match group {
        "rbac.authorization.k8s.io" | "admissionregistration.k8s.io" => true,
        "networking.k8s.io" => kind == "NetworkPolicy",
        "certificates.k8s.io" => kind == "CertificateSigningRequest",
        _ => false,
    }
}

/// What makes pods of a template; the likeliest first.
const MAKERS_OF_PODS: [(&str, &str); 5] = [
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("apps", "DaemonSet"),
    ("apps", "StatefulSet"),
    ("", "ReplicationController"),
];

/// The objects that an object may come from, if its name is one that a controller made.
pub(super) fn parents<'a>(of: &Name<'a>) -> Vec<Name<'a>> {
    let name = of.name.as_ref();
    // What a controller adds to the name of an owner stands behind the last dash.
    let stem = name.rsplit_once('-').map(|(stem, _)| stem).filter(|stem| !stem.is_empty());
    let by_stem = |owners: &[(&'static str, &'static str)]| {
        let named = |stem| owners.iter().map(move |(group, kind)| of.beside(group, kind, stem));
        stem.into_iter().flat_map(named).collect::<Vec<_>>()
    };
    match (of.group.as_ref(), of.kind.as_ref()) {
        ("", "Pod") => by_stem(&MAKERS_OF_PODS),
        ("apps", "ReplicaSet") => by_stem(&[("apps", "Deployment")]),
        ("apps", "ControllerRevision") => {
            by_stem(&[("apps", "DaemonSet"), ("apps", "StatefulSet")])
        }
        ("batch", "Job") => by_stem(&[("batch", "CronJob")]),
        ("discovery.k8s.io", "EndpointSlice") => by_stem(&[("", "Service")]),
        ("", "Endpoints") => vec![of.beside("", "Service", name)],
        ("", "PersistentVolumeClaim") => volumes_set(of, stem.unwrap_or_default()),
        ("" | "events.k8s.io", "Event") => told_of(of),
        ("", "Secret") => {
            let account = name.rsplit_once("-token-").map(|(account, _)| account);
            account.map(|account| of.beside("", "ServiceAccount", account)).into_iter().collect()
        }
        ("", "ServiceAccount") if name == "default" => vec![namespace_of(of)],
        ("", "ConfigMap") if name == "kube-root-ca.crt" => vec![namespace_of(of)],
        _ => Vec::new(),
    }
}

fn namespace_of<'a>(of: &Name<'a>) -> Name<'a> {
    let name = of.namespace.clone();
    Name { group: "".into(), kind: "Namespace".into(), namespace: "".into(), name }
}

/// A claim of a stateful set is called after its template, the set, and the pod's number.
fn volumes_set<'a>(of: &Name<'a>, stem: &str) -> Vec<Name<'a>> {
    let behind = stem.match_indices('-').filter_map(|(at, _)| stem.get(at + 1..));
    behind.take(4).map(|set| of.beside("apps", "StatefulSet", set)).collect()
}

/// An event is called after what it is about, and when that was seen.
fn told_of<'a>(of: &Name<'a>) -> Vec<Name<'a>> {
    const KINDS: [(&str, &str); 8] = [
        ("", "Pod"),
        ("apps", "ReplicaSet"),
        ("apps", "Deployment"),
        ("batch", "Job"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "CronJob"),
        ("", "PersistentVolumeClaim"),
    ];
    let Some((name, _)) = of.name.rsplit_once('.') else { return Vec::new() };
    KINDS.iter().map(|(group, kind)| of.beside(group, kind, name)).collect()
}

/// Whether a moment is within a span after another.
pub(super) fn within(time: Timestamp, after: Timestamp, span: std::time::Duration) -> bool {
    time <= after.plus(span) && time >= after.minus(super::SKEW)
}
