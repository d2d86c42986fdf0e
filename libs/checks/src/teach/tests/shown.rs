//! What is shown is right: it fixes the finding, brings no other, and asks nothing of a cluster that it refuses.

use std::collections::BTreeSet;

use airside_k8s::{Completeness, Object, Value};
use airside_types::Severity;

use super::objects;
use crate::catalogue;
use crate::check::Category;
use crate::evaluate::evaluate;
use crate::teach::change::{Change, text};
use crate::teach::{Patch, Shown, example, lesson, shown};

/// The checks of at least this severity that fail.
fn failing(text: &str, least: Severity) -> BTreeSet<&'static str> {
    let objects = objects(text);
    let objects: Vec<_> = objects.iter().map(|it| Object::new(it).unwrap()).collect();
    let failures = evaluate(&objects, Completeness::WholeInput).failures;
    let heavy = failures.iter().filter(|failure| failure.check.severity >= least);
    heavy.map(|failure| failure.check.id).collect()
}

#[test]
fn every_entry_teaches_a_check_and_none_has_two() {
    let mut seen = BTreeSet::new();
    for (check, _, _) in example::entries() {
        assert!(catalogue::find(check).is_some_and(|found| found.id == check), "{check}");
        assert!(seen.insert(check), "{check} stands twice");
    }
    assert!(seen.len() > 60, "{}", seen.len());
}

/// What a fix brings to light: policies hold for pods that have a network of their own, and a pod whose
/// annotation is understood is one of the mesh.
const BROUGHT: [(&str, &str); 2] = [
    ("host-network", "no-ingress-policy"),
    ("istio-annotation-unknown", "mesh-workload-permissive"),
];

#[test]
fn what_is_shown_fixes_the_finding_and_brings_none_of_weight() {
    let mut wrong = Vec::new();
    for check in catalogue::all() {
        let Shown { before, after } = shown(check);
        let (fails, passes) = (failing(before, Severity::Info), failing(after, Severity::Info));
        if !fails.contains(check.id) || passes.contains(check.id) {
            wrong.push(format!("{}: not fixed", check.id));
        }
        let heavy = failing(after, Severity::Medium);
        let is_new = |id: &&&str| !fails.contains(**id) && !BROUGHT.contains(&(check.id, **id));
        let brought: Vec<_> = heavy.iter().filter(is_new).collect();
        if !brought.is_empty() {
            wrong.push(format!("{}: brings {brought:?}", check.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a fixed example keeps, since the fix of this check is not theirs: the last station of a way that is
/// broken before it, the right that somebody needs, the token that the example is about.
const KEPT: &[(&str, &str)] = &[
    ("dashboard-account-borrowed", "service-account-token-automount"),
    ("exposed-workload-with-api-rights", "read-secrets"),
    ("exposed-workload-with-api-rights", "service-account-reads-secrets"),
    ("floating-tag-not-pulled", "floating-image-tag"),
    ("grant-itself-any-role", "change-bindings"),
    ("service-account-token-in-manifest", "service-account-token-automount"),
    ("subject-cloud-path", "create-service-account-tokens"),
    ("subject-escalation-path", "cluster-admin-binding"),
    ("tiller-reachable", "tiller"),
    ("workload-cloud-identity", "service-account-token-automount"),
    ("workload-cloud-path", "change-workloads"),
    ("workload-cloud-path", "service-account-token-automount"),
    ("workload-cloud-path", "workload-starts-pods"),
    ("workload-escalation-path", "cluster-admin-binding"),
    ("workload-escalation-path", "service-account-token-automount"),
    ("workload-gains-rights", "service-account-token-automount"),
    ("workload-is-administrator", "service-account-token-automount"),
    ("workload-reads-secrets", "service-account-token-automount"),
    ("workload-starts-pods", "service-account-token-automount"),
];

/// Other examples are fragments that lack much which is none of their business.
const WHOLE: [Category; 4] =
    [Category::AccessControl, Category::Secrets, Category::SupplyChain, Category::Operators];

#[test]
fn what_is_fixed_has_no_finding_of_weight_of_the_same_kind() {
    let mut wrong = Vec::new();
    for check in catalogue::all().filter(|check| WHOLE.contains(&check.category)) {
        let heavy = failing(shown(check).after, Severity::Medium);
        let same =
            |id: &&&str| catalogue::find(id).is_some_and(|other| other.category == check.category);
        for id in heavy.iter().filter(same).filter(|id| !KEPT.contains(&(check.id, **id))) {
            wrong.push(format!("(\"{}\", \"{id}\"),", check.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fields that Kubernetes never changes, named apart from the derivation.
const NEVER: [(&str, &str); 9] = [
    ("RoleBinding", "/roleRef"),
    ("ClusterRoleBinding", "/roleRef"),
    ("Deployment", "/spec/selector"),
    ("StatefulSet", "/spec/selector"),
    ("StatefulSet", "/spec/volumeClaimTemplates"),
    ("Job", "/spec/template"),
    ("Service", "/spec/clusterIP"),
    ("PersistentVolumeClaim", "/spec/storageClassName"),
    ("StorageClass", "/parameters"),
];

#[test]
fn no_kustomization_patches_what_a_cluster_refuses_or_reports() {
    for check in catalogue::listed() {
        let Ok(kustomization) = lesson(check).kustomize else { continue };
        for patch in &kustomization.patches {
            let (object, paths): (&Value, Vec<String>) = match patch {
                Patch::Merge(patch) => (patch, Vec::new()),
                Patch::Operations { target, operations, .. } => {
                    let path = |it: &Value| it["path"].as_str().unwrap().to_owned();
                    (target, operations.iter().map(path).collect())
                }
            };
            let kind = text(object, &["kind"]);
            let is_patched = |pointer: &str| match patch {
                Patch::Merge(patch) => patch.pointer(pointer).is_some(),
                Patch::Operations { .. } => paths.iter().any(|path| path.starts_with(pointer)),
            };
            let never = NEVER.iter().filter(|(of, _)| *of == kind).map(|(_, pointer)| *pointer);
            for pointer in never.chain(["/status", "/metadata/uid"]) {
                assert!(!is_patched(pointer), "{}: {pointer} of {kind}", check.id);
            }
        }
    }
}

#[test]
fn what_is_gone_from_the_files_is_told_to_be_deleted() {
    for check in catalogue::listed().filter(|it| it.category != Category::ControlPlane) {
        let Shown { before, after } = shown(check);
        let told = lesson(check).applied.join("\n");
        for object in Change::between(before, after).removed {
            let name = text(&object, &["metadata", "name"]);
            let is_told = told.contains(&format!(" {name}"));
            assert!(is_told || name.is_empty(), "{}: {name} stays", check.id);
        }
    }
}
