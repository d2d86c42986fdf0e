//! Delivery tools: who may tell them what to deliver, and from where. They act with the cluster's highest rights.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::request::Request;
use super::policy::changed;
use super::{Definition, Ended, Firing, Hands, MODIFY, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R71-delivery",
            version: 2,
            title: "Rights of a delivery tool changed",
            why: "Argo CD acts with the cluster's highest rights for everybody whom these settings let in.",
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
        on: On::Resources(MODIFY, &["configmaps", "secrets", "appprojects.argoproj.io"]),
        ended: Ended::Done,
        when: |request| match request.resource() {
            "configmaps" => rights(request),
            "secrets" => accounts(request),
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
                "buckets.source.toolkit.fluxcd.io",
                "gitrepositories.source.toolkit.fluxcd.io",
                "helmcharts.helm.cattle.io",
                "helmreleases.helm.toolkit.fluxcd.io",
                "helmrepositories.source.toolkit.fluxcd.io",
                "kustomizations.kustomize.toolkit.fluxcd.io",
                "ocirepositories.source.toolkit.fluxcd.io",
            ],
        ),
        ended: Ended::Done,
        when: source,
    },
];

fn rights(request: &Request<'_>) -> Option<Firing> {
    if !matches!(request.name(), "argocd-rbac-cm" | "argocd-cm") || request.is_by_trusted_system() {
        return None;
    }
    let default = text(at(request.body(), &["data"]), "policy.default");
    let by_hand = request.client().is_by_hand();
    let severity = match default {
        "role:admin" => Severity::High,
        _ if by_hand => Severity::Medium,
        _ => Severity::Info,
    };
    let firing = changed(request).at(severity);
    Some(match default {
        "" => firing,
        role => firing.with("requestObject.data.policy.default", role),
    })
}

/// Argo CD writes the secret of its accounts itself.
fn accounts(request: &Request<'_>) -> Option<Firing> {
    let counts = request.name() == "argocd-secret"
        && request.client().is_by_hand()
        && !request.is_by_trusted_system();
    let severity = Hands { person: Severity::Medium, program: Severity::Info }.weigh(request);
    counts.then(|| changed(request).at(severity).with("objectRef.name", request.name()))
}

/// A project says what its applications may deliver, from where to where.
fn project(request: &Request<'_>) -> Option<Firing> {
    let spec = at(request.body(), &["spec"]);
    let any = |of: &Value, key: &str| text(of, key) == "*";
    let has = |list: &str, key: &str| items(spec, list).iter().any(|it| any(it, key));
    let opened = match () {
        () if has("clusterResourceWhitelist", "kind") => "clusterResourceWhitelist",
        () if has("destinations", "namespace") => "destinations",
        () if texts(spec, "sourceRepos").any(|it| it == "*") => "sourceRepos",
        () if texts(spec, "sourceNamespaces").any(|it| it == "*") => "sourceNamespaces",
        () => return None,
    };
    let severity = Hands { person: Severity::Medium, program: Severity::Info }.weigh(request);
    let firing = changed(request).at(severity).with(&format!("requestObject.spec.{opened}"), "*");
    (!request.is_by_trusted_system()).then_some(firing)
}

/// Where a delivery tool's object says what to fetch: of Argo CD's applications and what makes them, of Flux, of K3s.
const SOURCES: [(&[&str], &str); 9] = [
    (&["spec", "source"], "repoURL"),
    (&["spec", "template", "spec", "source"], "repoURL"),
    (&["spec", "sourceRef"], "name"),
    (&["spec", "chart", "spec", "sourceRef"], "name"),
    (&["spec"], "url"),
    (&["spec"], "endpoint"),
    (&["spec"], "repo"),
    (&["spec"], "chart"),
    (&["spec"], "chartContent"),
];

/// Who makes an application by hand tries something out; who leads one elsewhere takes what it delivers.
fn source(request: &Request<'_>) -> Option<Firing> {
    if !request.client().is_by_hand() || request.is_by_trusted_system() {
        return None;
    }
    let body = request.body();
    let listed = items(at(body, &["spec"]), "sources").iter().map(|it| text(it, "repoURL"));
    let named = SOURCES.iter().map(|(path, key)| text(at(body, path), key));
    let source = named.chain(listed).find(|source| !source.is_empty())?;
    let severity = Hands::for_new_or_changed(request).weigh(request);
    Some(changed(request).at(severity).with("requestObject.spec.source", source))
}
