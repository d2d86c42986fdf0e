//! From rendered objects to the files of a kustomization: what `kustomize build` prints, with its notes.

use airside_types::FieldPath;

use super::{RenderedKustomization, notes, patch_files};
use crate::yaml::{Limits, parse};

const FILE: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      hostNetwork: true
      containers:
      - name: web
        image: nginx:1.0
        stdin: true
";

const RENDERED: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    config.kubernetes.io/origin: |
      configuredIn: overlay/kustomization.yaml
      configuredBy: {apiVersion: builtin, kind: ConfigMapGenerator}
  name: conf-abc
---
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    config.kubernetes.io/origin: |
      path: base/web.yaml
  name: prod-web
spec:
  template:
    spec:
      containers:
      - image: nginx:2.0
        name: web
        stdin: true
      - image: proxy:1
        name: proxy
      hostNetwork: true
---
apiVersion: v1
kind: Service
metadata:
  annotations:
    config.kubernetes.io/origin: |
      path: deploy/service.yaml
      repo: https://example.com/shop
      ref: v1
  name: far
---
apiVersion: v1
kind: Service
metadata: {name: silent}
";

fn rendered() -> RenderedKustomization {
    let mut rendered = RenderedKustomization::new("overlay");
    notes(RENDERED).into_iter().for_each(|(object, note)| rendered.add_note(object, note));
    rendered.add_file("base/web.yaml", FILE);
    rendered
}

#[test]
fn the_files_of_patches_are_those_that_a_kustomization_names() {
    let text = "resources: [pod.yaml]
patches:
- path: a.yaml
  target: {kind: Pod}
- patch: '[{\"op\": \"remove\", \"path\": \"/spec\"}]'
patchesJson6902: [{path: b.json, target: {kind: Pod, name: web, version: v1}}]
patchesStrategicMerge:
- ../c.yaml
- |
  apiVersion: v1
  kind: Pod
";
    assert_eq!(patch_files(text), ["a.yaml", "b.json", "../c.yaml"]);
    assert!(patch_files("patches: {").is_empty());
}

#[test]
fn each_object_leads_to_its_file() {
    let kustomization = rendered();
    let documents = parse(RENDERED, &Limits::default()).documents;
    let told: Vec<_> = documents
        .iter()
        .map(|document| {
            let origin = kustomization.origin(&document.contents().objects[0].object);
            (origin.file, origin.line, origin.repository, origin.reference)
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (text("overlay/kustomization.yaml"), None, None, None),
            (text("base/web.yaml"), Some(1), None, None),
            (text("deploy/service.yaml"), None, text("https://example.com/shop"), text("v1")),
            (None, None, None, None),
        ]
    );
    let files: Vec<_> = kustomization.noted_files().collect();
    assert_eq!(files, ["overlay/kustomization.yaml", "base/web.yaml"]);
}

#[test]
fn a_field_leads_to_its_line_unless_something_changed_it() {
    let kustomization = rendered();
    let documents = parse(RENDERED, &Limits::default()).documents;
    let object = documents[1].contents().objects[0].object;
    for (field, line) in [
        ("spec.template.spec.hostNetwork", Some(8)),
        ("spec.template.spec.containers[0].stdin", Some(12)),
        // Not set in either: the container, where it would be.
        ("spec.template.spec.containers[0].securityContext", Some(10)),
        // Changed by the overlay, added by it.
        ("spec.template.spec.containers[0].image", None),
        ("metadata.name", None),
        ("spec.template.spec.containers[1].image", None),
    ] {
        let source = kustomization.source(&object, &FieldPath::parse(field).unwrap());
        assert_eq!(source.map(|source| source.place.line), line, "{field}");
    }
}
