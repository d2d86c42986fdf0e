//! What every lesson must hold, over the whole catalogue, and how three of them look.

mod apply;
mod shown;

use std::collections::BTreeSet;

use airside_k8s::{Completeness, Document, Object, Value};
use airside_types::Step;

use self::apply::apply;
use super::change::{Change, FieldChange, Pair};
use super::{Lesson, Patch, Shown, lesson, shown};
use crate::catalogue::{self, listed};
use crate::evaluate::evaluate;
use airside_k8s::yaml::{Limits, parse};

fn objects(text: &str) -> Vec<Value> {
    let parsed = parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    let contents: Vec<_> = parsed.documents.iter().map(Document::contents).collect();
    contents.iter().flat_map(|it| &it.objects).map(|it| it.object.value().clone()).collect()
}

fn failing(objects: &[Value]) -> BTreeSet<&'static str> {
    let objects: Vec<_> = objects.iter().map(|it| Object::new(it).unwrap()).collect();
    let evaluation = evaluate(&objects, Completeness::WholeInput);
    evaluation.failures.iter().map(|failure| failure.check.id).collect()
}

#[test]
fn the_kustomization_makes_what_is_shown_before_pass() {
    let mut count = 0;
    for check in catalogue::all() {
        let Ok(kustomization) = lesson(check).kustomize else { continue };
        count += 1;
        let Shown { before, after } = shown(check);
        let patched = apply(objects(before), &kustomization);
        let (fails, passes) = (failing(&patched), failing(&objects(after)));
        assert_eq!(fails, passes, "{}\n{}", check.id, kustomization.text());
    }
    assert!(count > 400, "only {count} checks have a kustomization");
}

#[test]
fn a_change_is_what_lies_between_the_examples() {
    for check in listed() {
        let Shown { before, after } = shown(check);
        let change = Change::between(before, after);
        let any =
            !(change.changed.is_empty() && change.added.is_empty() && change.removed.is_empty());
        assert!(any, "{}: its examples have the same objects", check.id);
        for pair in &change.changed {
            let mut object = pair.before.clone();
            for field in pair.fields() {
                apply::operation(
                    &mut object,
                    &field.pointer(),
                    field.after.clone(),
                    field.before.is_some(),
                );
            }
            assert_eq!(object, pair.after, "{}", check.id);
        }
    }
}

#[test]
fn every_check_teaches_an_attack_three_forms_and_a_reference() {
    let mut bare = Vec::new();
    for check in listed() {
        let Lesson { attacks, yaml, helm, kustomize, references, .. } = lesson(check);
        assert!(yaml.iter().any(|line| !matches!(line, super::Line::Kept(_))), "{}", check.id);
        assert_eq!(
            attacks.len(),
            check.techniques.len().max(1),
            "{}: a technique untold",
            check.id
        );
        if !references.iter().any(|it| it.url.is_some()) {
            bare.push(check.id);
        }
        for reference in &references {
            assert!(reference.url.as_ref().is_none_or(|url| url.starts_with("https://")));
        }
        if let Ok(values) = &helm {
            assert_eq!(parse(values, &Limits::default()).errors, [], "{values}");
        }
        for reason in helm.err().into_iter().chain(kustomize.err()) {
            assert!(reason.ends_with('.') && reason.len() > 40, "{reason}");
        }
    }
    assert_eq!(bare, Vec::<&str>::new(), "checks without an address to read on");
}

#[test]
fn the_kustomization_s_text_means_the_same_as_its_values() {
    for check in listed() {
        let Ok(kustomization) = lesson(check).kustomize else { continue };
        let files = kustomization.files();
        let (_, first) = files.first().unwrap();
        let parsed = parse(first, &Limits::default());
        assert_eq!(parsed.errors, [], "{first}");
        let patches = parsed.documents[0].value["patches"].as_array().unwrap_or_default();
        assert_eq!(patches.len(), kustomization.patches.len());
        for (entry, patch) in patches.iter().zip(&kustomization.patches) {
            let written = parse(entry["patch"].as_str().unwrap(), &Limits::default());
            let meant = match patch {
                Patch::Merge(value) => value.clone(),
                Patch::Operations { operations, .. } => operations.clone().into(),
            };
            assert_eq!(written.documents[0].value, meant, "{first}");
        }
    }
}

/// Fields that are the bad thing as a whole, or that belong to what goes with them.
const WHOLE: [&str; 16] = [
    "8080",
    "defaultBackend",
    "externalIPs",
    "fromEntities",
    "hostPath",
    "identity",
    "kms",
    "loadBalancerSourceRanges",
    "match",
    "matchLabels",
    "nfs",
    "podSelectors",
    "secretbox",
    "selector",
    "selfSigned",
    "source",
];

#[test]
fn no_form_takes_away_what_only_holds_the_bad_thing() {
    let mut wrong = Vec::new();
    for check in listed() {
        let Shown { before, after } = shown(check);
        let changed = Change::between(before, after).changed;
        let fields = changed.iter().filter(|pair| !pair.changes_identity()).flat_map(Pair::fields);
        for FieldChange { path, before, after } in fields {
            let holds_more = before.is_some_and(|it| it.is_object() || it.is_array());
            let name = match path.steps().last() {
                Some(Step::Key(key)) if after.is_none() && holds_more => key.into_owned(),
                _ => continue,
            };
            if !WHOLE.contains(&name.as_str()) {
                wrong.push(format!("{}: {path}", check.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The patches for a check, and its values.
fn forms(check: &str) -> String {
    let Lesson { kustomize, helm, .. } = lesson(catalogue::find(check).unwrap());
    let patches = kustomize.unwrap().files().remove(0).1;
    format!("{patches}{}", helm.unwrap_or_default())
}

#[test]
fn one_thing_goes_and_what_is_beside_it_stays() {
    insta::assert_snapshot!(forms("mesh-injection-disabled"), @r"
    resources: [manifests.yaml]
    patches:
    - patch: |-
        apiVersion: v1
        kind: Pod
        metadata:
          annotations:
            sidecar.istio.io/inject: null
          name: web
    ");
    insta::assert_snapshot!(forms("secret-in-env"), @r#"
    resources: [manifests.yaml]
    patches:
    - patch: |-
        apiVersion: v1
        kind: Pod
        metadata:
          name: web
        spec:
          containers:
          - env:
            - "$patch": delete
              name: DATABASE_PASSWORD
            name: web
            volumeMounts:
            - mountPath: /run/database
              name: database
              readOnly: true
          volumes:
          - name: database
            secret:
              secretName: database
    # Helm replaces lists: what else is in yours has to stand here too.
    env: []
    volumeMounts:
    - mountPath: /run/database
      name: database
      readOnly: true
    volumes:
    - name: database
      secret:
        secretName: database
    "#);
    insta::assert_snapshot!(forms("added-capability"), @r"
    resources: [manifests.yaml]
    patches:
    - target: {kind: Pod, name: web}
      patch: |-
        - op: remove
          path: /spec/containers/0/securityContext/capabilities/add/0
    # Helm replaces lists: what else is in yours has to stand here too.
    securityContext:
      capabilities:
        add: []
    ");
    insta::assert_snapshot!(forms("exposed-privileged-workload"), @r"
    resources: [manifests.yaml]
    patches:
    - patch: |-
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          template:
            spec:
              containers:
              - name: web
                securityContext:
                  privileged: null
    securityContext:
      privileged: null
    ");
}

#[test]
fn of_what_is_given_twice_the_value_that_counts_stays() {
    insta::assert_snapshot!(forms("duplicate-variable"), @r#"
    resources: [manifests.yaml]
    patches:
    - target: {kind: Pod, name: web}
      patch: |-
        - op: remove
          path: /spec/containers/0/env/0
    # Helm replaces lists: what else is in yours has to stand here too.
    env:
    - name: MODE
      value: "2"
    "#);
}
