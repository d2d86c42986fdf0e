//! Delivery tools: who may tell them what to deliver, and from where. They act with the cluster's highest rights.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::request::Request;
use super::hands::{Hands, writes_content};
use super::policy::changed;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R71-delivery",
            version: 3,
            title: "Rights of a delivery tool changed",
            why: "Argo CD acts with the cluster's highest rights for everybody whom these settings let in, and Flux where an object names no account of its own.",
            next: "Compare the settings with the repository; which accounts have logged in since, and what they had delivered.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"configmaps","namespace":"argocd","name":"argocd-rbac-cm"},"requestObject":{"data":{"policy.default":"role:admin"}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"configmaps","namespace":"argocd","name":"argocd-tls-certs-cm"},"requestObject":{"data":{"a":"b"}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "appprojects.argoproj.io",
                "argocds.argoproj.io",
                "configmaps",
                "helmreleases.helm.toolkit.fluxcd.io",
                "kustomizations.kustomize.toolkit.fluxcd.io",
                "secrets",
            ],
        ),
        ended: Ended::Done,
        when: |request| match request.resource() {
            "configmaps" => settings(request),
            "secrets" => accounts(request),
            "argocds" => operated(request),
            "helmreleases" | "kustomizations" => without_account(request),
            _ => project(request),
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R71-source",
            version: 1,
            title: "Delivery led to another source",
            why: "Whatever stands in the source is applied with the delivery tool's rights, again and again.",
            next: "Whose repository it is, and what was applied from it; put the source back before anything else, or what you delete comes again.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1072")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"gitrepositories","apiGroup":"source.toolkit.fluxcd.io","namespace":"flux-system","name":"shop"},"requestObject":{"spec":{"url":"https://example.net/x.git"}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"gitrepositories","apiGroup":"source.toolkit.fluxcd.io","namespace":"flux-system","name":"shop"},"requestObject":{"spec":{"suspend":true}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "applications.argoproj.io",
                "applicationsets.argoproj.io",
                "bundles.fleet.cattle.io",
                "buckets.source.toolkit.fluxcd.io",
                "catalogsources.operators.coreos.com",
                "clusterresourcesets.addons.cluster.x-k8s.io",
                "fluxinstances.fluxcd.controlplane.io",
                "gitrepositories.source.toolkit.fluxcd.io",
                "gitrepos.fleet.cattle.io",
                "helmchartconfigs.helm.cattle.io",
                "helmcharts.helm.cattle.io",
                "helmreleases.helm.toolkit.fluxcd.io",
                "helmrepositories.source.toolkit.fluxcd.io",
                "kustomizations.kustomize.toolkit.fluxcd.io",
                "ocirepositories.source.toolkit.fluxcd.io",
                "providers.pkg.crossplane.io",
                "reposyncs.configsync.gke.io",
                "rootsyncs.configsync.gke.io",
                "terraforms.infra.contrib.fluxcd.io",
                "workspaces.opentofu.upbound.io",
                "workspaces.tf.upbound.io",
            ],
        ),
        ended: Ended::Done,
        when: source,
    },
];

fn settings(request: &Request<'_>) -> Option<Firing> {
    const SETTINGS: [&str; 3] = ["argocd-cm", "argocd-cmd-params-cm", "argocd-rbac-cm"];
    // It comes with its settings.
    let counts = SETTINGS.contains(&request.name()) && request.verb() != "create";
    if !counts || !writes_content(request) || request.is_by_trusted_system() {
        return None;
    }
    let data = at(request.body(), &["data"]);
    match opening(data) {
        Some((key, value)) => Some(
            changed(request).at(Severity::High).with(&format!("requestObject.data.{key}"), value),
        ),
        None if request.name() == "argocd-cmd-params-cm" => None,
        None => Some(changed(request).at(Hands::RARE.weigh(request))),
    }
}

/// What of Argo CD's settings makes administrators of everybody, or of somebody.
fn opening(data: &Value) -> Option<(&'static str, &str)> {
    const SWITCHES: [(&str, &str); 3] = [
        ("policy.default", "role:admin"),
        ("server.disable.auth", "true"),
        ("users.anonymous.enabled", "true"),
    ];
    let switched = SWITCHES.into_iter().find(|(key, value)| text(data, key) == *value);
    let policy = text(data, "policy.csv");
    // `g, dana, role:admin`: a subject and its role.
    let makes_one = |line: &&str| {
        let mut words = line.split(',').map(str::trim);
        words.next() == Some("g") && words.nth(1) == Some("role:admin")
    };
    let made = || policy.lines().find(makes_one).map(|line| ("policy.csv", line));
    switched.or_else(made)
}

/// OpenShift's operator writes the settings from an object of its own.
fn operated(request: &Request<'_>) -> Option<Firing> {
    let is_open = text(at(request.body(), &["spec", "rbac"]), "defaultPolicy") == "role:admin";
    (is_open && !request.is_by_trusted_system()).then(|| {
        changed(request)
            .at(Severity::High)
            .with("requestObject.spec.rbac.defaultPolicy", "role:admin")
    })
}

/// Argo CD writes the secret of its accounts itself.
fn accounts(request: &Request<'_>) -> Option<Firing> {
    const KIND: &str = "argocd.argoproj.io/secret-type";
    let kind = text(at(request.body(), &["metadata", "labels"]), KIND);
    if !kind.is_empty() {
        // A repository or a cluster that it knows from now on.
        let severity = Hands::for_new_or_changed(request).unless_usual(request)?;
        return Some(changed(request).at(severity).with("requestObject.metadata.labels", kind));
    }
    let counts = request.name() == "argocd-secret" && request.verb() != "create";
    if !counts || !writes_content(request) || request.is_by_trusted_system() {
        return None;
    }
    let severity = Hands::RARE.unless_usual(request)?;
    Some(changed(request).at(severity).with("objectRef.name", request.name()))
}

/// Without an account of the tenant's own, Flux applies with its own; and another account may do more.
fn without_account(request: &Request<'_>) -> Option<Firing> {
    const FIELD: &str = "serviceAccountName";
    let is_patched = request.verb() == "patch" && !request.is_of_new_object();
    let account = at(request.body(), &["spec"]).get(FIELD).filter(|_| is_patched);
    let lost = request.change().removes(&["spec", FIELD]);
    let severity = Hands::for_changed(request).unless_usual(request)?;
    let account = account.and_then(Value::as_str);
    let firing = changed(request).at(severity);
    (lost || account.is_some())
        .then(|| firing.with(&format!("requestObject.spec.{FIELD}"), account.unwrap_or("removed")))
}

/// A project says what its applications may deliver, from where to where.
fn project(request: &Request<'_>) -> Option<Firing> {
    let spec = at(request.body(), &["spec"]);
    let given = |list: &'static str, key: &str, values: &[&str]| {
        let mut given = items(spec, list).iter().map(|it| text(it, key));
        given.find(|value| values.contains(value)).map(|value| (list, value))
    };
    let named = |list: &'static str, values: &[&str]| {
        texts(spec, list).find(|value| values.contains(value)).map(|value| (list, value))
    };
    let mut policies = items(spec, "roles").iter().flat_map(|role| texts(role, "policies"));
    let (opened, to) = given("clusterResourceWhitelist", "kind", &["*", "ClusterRoleBinding"])
        .or_else(|| given("destinations", "namespace", &["*", "kube-system"]))
        .or_else(|| given("destinations", "server", &["*"]))
        .or_else(|| named("sourceRepos", &["*", "**", "https://*", "https://**"]))
        .or_else(|| named("sourceNamespaces", &["*"]))
        .or_else(|| Some(("roles.policies", policies.find(|policy| writes(policy))?)))?;
    let severity = Hands::for_new_or_changed(request).weigh(request);
    let firing = changed(request).at(severity).with(&format!("requestObject.spec.{opened}"), to);
    (!request.is_by_trusted_system()).then_some(firing)
}

/// Whether a project's policy lets a role do more than look and deliver what is declared, as pipelines do: `p, proj:shop:ci,
/// applications, *, shop/*, allow`.
fn writes(policy: &str) -> bool {
    let mut words = policy.split(',').map(str::trim);
    let deed = words.nth(3);
    deed.is_some_and(|deed| !matches!(deed, "get" | "sync")) && words.next_back() == Some("allow")
}

/// Where an object says what a delivery tool is to fetch.
const SOURCES: [(&str, &str); 33] = [
    // Argo CD: what is declared, and what is asked for at once, which shows nowhere afterwards.
    ("spec.source", "repoURL"),
    ("spec.template.spec.source", "repoURL"),
    ("operation.sync.source", "repoURL"),
    ("spec.sourceHydrator.drySource", "repoURL"),
    ("spec.source", "path"),
    // What a project allows another may not.
    ("spec", "project"),
    // Flux.
    ("spec.sync", "url"),
    ("spec", "bucketName"),
    ("spec.chart.spec", "chart"),
    ("spec.chartRef", "name"),
    ("spec.ref", "commit"),
    ("spec.ref", "digest"),
    ("spec.ref", "name"),
    ("spec.ref", "tag"),
    ("spec", "url"),
    ("spec", "endpoint"),
    ("spec.sourceRef", "name"),
    ("spec.chart.spec.sourceRef", "name"),
    ("spec.ref", "branch"),
    ("spec.kubeConfig.secretRef", "name"),
    ("spec", "path"),
    // Fleet and K3s.
    ("spec", "repo"),
    ("spec", "chart"),
    ("spec", "chartContent"),
    ("spec", "jobImage"),
    ("spec.helm", "repo"),
    // Terraform that stands in the object.
    ("spec.forProvider", "module"),
    // Crossplane, Operator Lifecycle Manager, Config Sync.
    ("spec", "address"),
    ("spec", "package"),
    ("spec", "image"),
    ("spec.git", "repo"),
    ("spec.git", "dir"),
    ("spec.oci", "image"),
];

/// Where such objects have lists of them, and what the elements are called by.
const LISTS: [(&str, &str, &str); 5] = [
    ("spec", "sources", "repoURL"),
    ("spec.template.spec", "sources", "repoURL"),
    ("operation.sync", "sources", "repoURL"),
    // Fleet, which makes such objects itself, and Cluster API.
    ("spec", "resources", "name"),
    ("spec", "resources", "content"),
];

/// What is added to what a source has, of which it is enough that it is there.
const ADDED: [&str; 6] = [
    "spec.patches",
    "spec.postRenderers",
    "spec.source.kustomize.patches",
    "spec.template.spec.source.kustomize.patches",
    "spec.templatePatch",
    "spec.valuesContent",
];

/// Fields that are a whole text, which may have passwords in it: it is not shown.
const TEXTS: [&str; 3] = ["chartContent", "content", "module"];

/// Who makes an application by hand tries something out; who leads one elsewhere takes what it delivers.
fn source(request: &Request<'_>) -> Option<Firing> {
    let severity = Hands::for_new_or_changed(request).unless_usual(request)?;
    let unsigned = || request.change().removes(&["spec", "verify"]).then_some("removed");
    let unsigned = || unsigned().map(|says| ("spec.verify".to_owned(), says));
    let (field, source) = named_source(request.body()).or_else(unsigned)?;
    let firing = changed(request).at(severity).with(&format!("requestObject.{field}"), source);
    (!request.is_by_trusted_system()).then_some(firing)
}

fn shown<'s>(key: &str, source: &'s str) -> &'s str {
    if TEXTS.contains(&key) { "…" } else { source }
}

fn named_source(body: &Value) -> Option<(String, &str)> {
    let within = |place: &str| place.split('.').fold(body, |value, key| at(value, &[key]));
    let named = SOURCES.iter().find_map(|(place, key)| {
        let source = Some(text(within(place), key)).filter(|source| !source.is_empty())?;
        Some((format!("{place}.{key}"), shown(key, source)))
    });
    let listed = || {
        LISTS.iter().find_map(|(place, list, key)| {
            let mut sources = items(within(place), list).iter().map(|it| text(it, key));
            let source = sources.find(|source| !source.is_empty())?;
            Some((format!("{place}.{list}"), shown(key, source)))
        })
    };
    // Anybody can open a pull request.
    let asked_for = || {
        const REVISIONS: [(&str, &str); 3] = [
            ("spec.source", "targetRevision"),
            ("spec.template.spec.source", "targetRevision"),
            ("operation.sync", "revision"),
        ];
        REVISIONS.iter().find_map(|(place, key)| {
            let revision = text(within(place), key);
            let is_proposed = revision.starts_with("refs/");
            is_proposed.then(|| (format!("{place}.{key}"), revision))
        })
    };
    let at_once = || {
        let manifests = items(within("operation.sync"), "manifests");
        let manifest = manifests.first()?.as_str()?;
        Some(("operation.sync.manifests".to_owned(), manifest))
    };
    // By these Argo CD makes applications of whatever it finds.
    let generated = || {
        let generator = items(within("spec"), "generators").first()?;
        let (kind, _) = generator.as_object()?.iter().next()?;
        Some(("spec.generators".to_owned(), kind))
    };
    let added = || {
        let is_there = |place: &&&str| *within(place) != Value::Null;
        ADDED.iter().find(is_there).map(|place| ((*place).to_owned(), "…"))
    };
    named.or_else(listed).or_else(asked_for).or_else(at_once).or_else(generated).or_else(added)
}
