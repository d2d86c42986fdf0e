//! Checks on image references.

use airside_k8s::Value;
use airside_k8s::fields::maps;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "floating-image-tag",
        title: "Image has no fixed version",
        why: "`latest`, or no tag, is whatever was pushed last: nobody can tell what ran, a roll-back is not possible, and who can push to the registry can change the program.",
        fix: "Name a version, best with its digest: image: name:1.2.3@sha256:…",
        severity: Severity::Medium,
        category: Category::SupplyChain,
        techniques: &[technique("T1525")],
        controls: &[],
        equivalents: &[
            "kube-linter:latest-tag",
            "polaris:tagNotSpecified",
            "trivy:KSV-0013",
            "checkov:CKV_K8S_14",
            "kube-score:container-image-tag",
            "kyverno:best-practices/disallow-latest-tag",
            "gatekeeper-library:general/disallowedtags",
            "kubescape:agent-sandbox-image-tag-provenance",
        ],
        judge: Judge::Container(floating_tag),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example/web:latest
    imagePullPolicy: Always
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example/web:1.2.3
    imagePullPolicy: Always
",
    },
    Check {
        id: "floating-image-volume",
        title: "Volume is an image without a fixed version",
        why: "`latest`, or no tag, is whatever was pushed last: who can push to the registry can change the files that the program reads or runs.",
        fix: "Name a version, best with its digest: reference: name:1.2.3@sha256:…",
        severity: Severity::Medium,
        category: Category::SupplyChain,
        techniques: &[technique("T1525")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(floating_volume),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes: [{name: models, image: {reference: registry.example/models:latest}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes: [{name: models, image: {reference: 'registry.example/models:1.2.3'}}]
",
    },
    Check {
        id: "image-pull-policy",
        title: "Image may come from the node's cache",
        why: "A cached image runs without the registry being asked whether the pod may pull it, and a tag that moved stays at what the node has.",
        fix: "Set imagePullPolicy to Always, or name the image by its digest.",
        severity: Severity::Info,
        category: Category::SupplyChain,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "polaris:pullPolicyNotAlways",
            "checkov:CKV_K8S_15",
            "kube-score:container-image-pull-policy",
            "kyverno:other/imagepullpolicy-always",
        ],
        judge: Judge::Container(pull_policy),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example/web:1.2.3
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example/web:1.2.3
    imagePullPolicy: Always
",
    },
    Check {
        id: "floating-tag-not-pulled",
        title: "Image without a fixed version is taken from the node's cache",
        why: "Nodes that pulled the image at different times run different programs under the same name, and a corrected image is not picked up.",
        fix: "Name a fixed version, or set imagePullPolicy to Always.",
        severity: Severity::Low,
        category: Category::SupplyChain,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0075"],
        judge: Judge::Container(floating_tag_not_pulled),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: web, image: registry.example/web:latest, imagePullPolicy: IfNotPresent}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: web, image: registry.example/web:latest, imagePullPolicy: Always}
  - {name: log, image: registry.example/log:1.2.3, imagePullPolicy: IfNotPresent}
",
    },
    Check {
        id: "image-without-digest",
        title: "Image is not named by its digest",
        why: "A tag can be moved to another image by anybody who can push to the registry; a digest cannot.",
        fix: "Add the digest to the tag: image: name:1.2.3@sha256:…",
        severity: Severity::Info,
        category: Category::SupplyChain,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kubescape:C-0306",
            "checkov:CKV_K8S_43",
            "kyverno:other/require-image-checksum",
            "gatekeeper-library:general/imagedigests",
        ],
        judge: Judge::Container(|container, report| {
            if let Some(image) = image(container).filter(|image| !has_digest(image)) {
                report.fail(
                    container.path("image"),
                    format!("{}: image {image} has no digest", container.label()),
                );
            }
        }),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example/web:1.2.3
    imagePullPolicy: Always
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example/web:1.2.3@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    imagePullPolicy: Always
",
    },
    Check {
        id: "retired-registry",
        title: "Image is from a registry that gets no updates any more",
        why: "Kubernetes froze k8s.gcr.io in April 2023, and gcr.io/google-containers years before: what is there gets no fixes, and may be gone when a node needs it.",
        fix: "Take the image from registry.k8s.io.",
        severity: Severity::Low,
        category: Category::SupplyChain,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kubescape:C-0253",
            "kubescape:rule-identify-old-k8s-registry",
            "kyverno:other/restrict-deprecated-registry",
        ],
        judge: Judge::Container(retired_registry),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: 'k8s.gcr.io/pause:3.5'}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: 'registry.k8s.io/pause:3.5'}]}
",
    },
];

/// The tag of a reference that has no digest; `latest` where it names none. A port of the registry is no
/// tag.
fn tag(image: &str) -> Option<&str> {
    if image.contains('@') {
        return None;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    Some(name.split_once(':').map_or("latest", |(_, tag)| tag))
}

fn image<'a>(container: &ContainerOf<'a>) -> Option<&'a str> {
    container.container.image().filter(|image| !image.is_empty())
}

fn floating_tag(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let Some(image) = image(container) else { return };
    if tag(image) != Some("latest") {
        return;
    }
    let how = if image.ends_with(":latest") { "has the tag latest" } else { "has no tag" };
    report.fail(container.path("image"), format!("{}: image {image} {how}", container.label()));
}

fn floating_volume(pod: &Pod<'_>, report: &mut Report<'_>) {
    for (index, volume) in maps(pod.spec.fields, "volumes") {
        let reference = volume.get("image").and_then(|image| image.get("reference")?.as_str());
        if let Some(image) = reference.filter(|image| tag(image) == Some("latest")) {
            let path = pod.path("volumes").index(index).keys(&["image", "reference"]);
            report.fail(path, format!("image {image} of a volume has no fixed version"));
        }
    }
}

/// Without a policy, `latest` is always pulled and other tags when they are absent.
fn pull_policy(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let Some(tag) = image(container).and_then(tag) else { return };
    let given = container.field("imagePullPolicy").and_then(Value::as_str);
    let policy = match given {
        None if tag == "latest" => "Always",
        None => "IfNotPresent by default",
        Some(given) => given,
    };
    if policy != "Always" {
        report.fail(
            container.path("imagePullPolicy"),
            format!("{}: imagePullPolicy is {policy}", container.label()),
        );
    }
}

fn retired_registry(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    const RETIRED: [&str; 4] = [
        "k8s.gcr.io/",
        "gcr.io/google-containers/",
        "gcr.io/google_containers/",
        "gcr.io/kubernetes-helm/",
    ];
    let found = image(container).filter(|image| RETIRED.iter().any(|one| image.starts_with(one)));
    if let Some(image) = found {
        report.fail(
            container.path("image"),
            format!("{}: image {image} is from a retired registry", container.label()),
        );
    }
}

/// Whether a reference ends with a digest (`@sha256:…`). What is too short to be one pins nothing.
fn has_digest(image: &str) -> bool {
    const SHORTEST: usize = 32;
    let digest = image.rsplit_once('@').and_then(|(_, digest)| digest.split_once(':'));
    digest.is_some_and(|(algorithm, encoded)| {
        !algorithm.is_empty()
            && encoded.len() >= SHORTEST
            && encoded.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn floating_tag_not_pulled(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let Some(name) = image(container).filter(|image| tag(image) == Some("latest")) else { return };
    let given = container.field("imagePullPolicy").and_then(Value::as_str);
    if let Some(policy) = given.filter(|policy| *policy != "Always") {
        report.fail(
            container.path("imagePullPolicy"),
            format!("{}: image {name} with imagePullPolicy {policy}", container.label()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_in_every_form_of_reference() {
        for (image, expected) in [
            ("web", Some("latest")),
            ("web:1", Some("1")),
            ("registry.example:5000/web", Some("latest")),
            ("registry.example:5000/team/web:2", Some("2")),
            ("web@sha256:00", None),
            ("web:latest@sha256:00", None),
        ] {
            assert_eq!(tag(image), expected, "{image}");
        }
    }

    #[test]
    fn digests_are_told_from_what_only_looks_like_one() {
        let digest = "0123456789abcdef".repeat(4);
        for (image, expected) in [
            (format!("web@sha256:{digest}"), true),
            (format!("registry.example:5000/web:1@sha512:{digest}{digest}"), true),
            ("web@sha256:00".to_owned(), false),
            (format!("web:{digest}"), false),
            ("web".to_owned(), false),
        ] {
            assert_eq!(has_digest(&image), expected, "{image}");
        }
    }
}
