//! Checks on Flux: where manifests come from, and with whose rights they are applied.

use airside_k8s::Value;
use airside_k8s::fields::text;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const GROUP: &str = "source.toolkit.fluxcd.io";
const APPLIED: &[(&str, &str)] =
    &[("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "flux-source-unverified",
        title: "Flux applies what nobody signed",
        why: "Whoever can write to the repository or registry, by a stolen token for instance, writes to the cluster: no signature is asked for.",
        fix: "Set spec.verify with the keys or identities of those who may release.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1195.002")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GROUP, "GitRepository"), (GROUP, "OCIRepository")], unverified),
        fails: r"apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: shop}
spec: {url: 'https://git.example.com/shop'}
",
        passes: r"apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: shop}
spec: {url: 'https://git.example.com/shop', verify: {mode: HEAD, secretRef: {name: keys}}}
",
    },
    Check {
        id: "flux-source-in-the-clear",
        title: "Flux reads a source over plain HTTP",
        why: "Whoever is on the way decides what is deployed, with the rights of Flux.",
        fix: "Use an https, ssh or oci address, and remove `insecure`.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1557"), technique("T1195.002")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[
                (GROUP, "GitRepository"),
                (GROUP, "HelmRepository"),
                (GROUP, "OCIRepository"),
                (GROUP, "Bucket"),
            ],
            in_the_clear,
        ),
        fails: r"apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: shop}
spec: {url: 'http://charts.example.com'}
",
        passes: r"apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: shop}
spec: {url: 'https://charts.example.com'}
",
    },
    Check {
        id: "flux-source-of-another-namespace",
        title: "Flux applies a source of another namespace",
        why: "The other namespace's owners decide what is deployed here, and tenants can read sources of others.",
        fix: "Keep the source beside what applies it, and run the controllers with --no-cross-namespace-refs.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1072")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(APPLIED, another_namespace),
        fails: r"apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop, namespace: shop}
spec:
  serviceAccountName: deployer
  sourceRef: {kind: GitRepository, name: all, namespace: platform}
",
        passes: r"apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop, namespace: shop}
spec:
  serviceAccountName: deployer
  sourceRef: {kind: GitRepository, name: all, namespace: shop}
",
    },
    Check {
        id: "flux-with-own-rights",
        title: "Flux applies manifests with its own rights",
        why: "Without a service account the controller uses its own, which is a cluster administrator's: whoever writes to the source is one too.",
        fix: "Name a service account of the namespace in serviceAccountName, with the rights that the manifests need.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1072"), technique("T1078")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(APPLIED, own_rights),
        fails: r"apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop}
spec: {interval: 5m}
",
        passes: r"apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop}
spec: {interval: 5m, serviceAccountName: deployer}
",
    },
];

fn unverified(source: &Whole<'_>, report: &mut Report<'_>) {
    if source.spec("verify").is_none() {
        report.fail(FieldPath::of(&["spec", "verify"]), "no signature is asked for".to_owned());
    }
}

fn in_the_clear(source: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = source.spec_fields() else { return };
    if text(spec, "url").is_some_and(|url| url.starts_with("http://")) {
        report
            .fail(FieldPath::of(&["spec", "url"]), "the source is read over plain HTTP".to_owned());
    }
    if spec.get("insecure") == Some(&Value::Bool(true)) {
        report.fail(FieldPath::of(&["spec", "insecure"]), "insecure is true".to_owned());
    }
}

fn another_namespace(applied: &Whole<'_>, report: &mut Report<'_>) {
    const PLACES: [&[&str]; 3] =
        [&["spec", "sourceRef"], &["spec", "chartRef"], &["spec", "chart", "spec", "sourceRef"]];
    let Some(own) = applied.object.namespace() else { return };
    for place in PLACES {
        let reference = airside_k8s::fields::down(applied.object.value(), place);
        let namespace = reference.and_then(|reference| reference.get("namespace")?.as_str());
        if let Some(namespace) = namespace.filter(|namespace| *namespace != own) {
            let path = FieldPath::of(place).key("namespace");
            report.fail(path, format!("the source is of namespace {namespace}"));
        }
    }
}

fn own_rights(applied: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "serviceAccountName";
    let Some(spec) = applied.spec_fields() else { return };
    // Another cluster is reached with the rights of its kubeconfig.
    if text(spec, FIELD).is_none() && !spec.contains_key("kubeConfig") {
        let message = "no service account is named: the controller's rights are used".to_owned();
        report.fail(FieldPath::of(&["spec", FIELD]), message);
    }
}
