//! Checks on API versions: those that Kubernetes serves no more, will stop to serve, or never had.

mod table;

use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

use table::Old;
pub(crate) use table::{KINDS, OLD};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "removed-api-version",
        title: "API version is no longer served",
        why: "Clusters of today refuse the object; a cluster that still takes it is old and gets no security fixes.",
        fix: "Move to the API version that the finding names; fields may have other names there.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:no-extensions-v1beta",
            "kube-score:stable-version",
            "trivy:KSV-0107",
            "kyverno:best-practices/check-deprecated-apis",
            "gatekeeper-library:general/verifydeprecatedapi",
            "popeye:403",
        ],
        judge: Judge::Any(removed),
        fails: r"apiVersion: scheduling.k8s.io/v1beta1
kind: PriorityClass
metadata: {name: shop}
",
        passes: r"apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: shop}
",
    },
    Check {
        id: "deprecated-api-version",
        title: "API version will be removed",
        why: "It is still served, with a warning, and a later version of Kubernetes or of its tools will refuse it.",
        fix: "Move to the API that the finding names.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:best-practices/check-deprecated-apis"],
        judge: Judge::Any(deprecated),
        fails: r"apiVersion: v1
kind: Endpoints
metadata: {name: web}
",
        passes: r"apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web}
",
    },
    Check {
        id: "unknown-api-version",
        title: "Kind does not exist in this API version",
        why: "The API server refuses the object, and tools that go by the API version pass it over without a word.",
        fix: "Correct apiVersion; the finding names the one that has the kind.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Any(unknown),
        fails: r"apiVersion: v2
kind: ConfigMap
metadata: {name: web}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
",
    },
];

fn old(whole: &Whole<'_>) -> Option<&'static Old> {
    let object = whole.object;
    OLD.iter().find(|old| {
        old.group == object.group()
            && old.version == object.version()
            && (old.kinds.is_empty() || old.kinds.contains(&object.kind()))
    })
}

fn path() -> FieldPath {
    FieldPath::of(&["apiVersion"])
}

fn instead(old: &Old) -> String {
    match old.replacement {
        "" => "nothing takes its place".to_owned(),
        replacement => format!("use {replacement}"),
    }
}

fn removed(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some(old) = old(whole) else { return };
    if let Some(release) = old.removed {
        let (version, kind) = (whole.object.api_version(), whole.object.kind());
        report.fail(
            path(),
            format!(
                "{kind} of {version} is not served since Kubernetes {release}; {}",
                instead(old)
            ),
        );
    }
}

fn deprecated(whole: &Whole<'_>, report: &mut Report<'_>) {
    if let Some(old) = old(whole).filter(|old| old.removed.is_none()) {
        let (version, kind) = (whole.object.api_version(), whole.object.kind());
        report.fail(path(), format!("{kind} of {version} is deprecated; {}", instead(old)));
    }
}

/// Only kinds of Kubernetes itself in groups of Kubernetes itself: others may have kinds of the same name.
fn unknown(whole: &Whole<'_>, report: &mut Report<'_>) {
    let (group, version, kind) =
        (whole.object.group(), whole.object.version(), whole.object.kind());
    if !KINDS.iter().any(|known| known.group == group) || old(whole).is_some() {
        return;
    }
    let mut homes = KINDS.iter().filter(|known| known.kinds.contains(&kind)).peekable();
    let Some(first) = homes.peek() else { return };
    let (home, best) = (first.group, first.versions.first().copied().unwrap_or_default());
    if homes.any(|known| known.group == group && known.versions.contains(&version)) {
        return;
    }
    let right = if home.is_empty() { best.to_owned() } else { format!("{home}/{best}") };
    report.fail(
        path(),
        format!("{} has no kind {kind}; it is in {right}", whole.object.api_version()),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_version_is_both_current_and_removed() {
        for old in OLD.iter().filter(|old| old.removed.is_some()) {
            for known in KINDS.iter().filter(|known| known.group == old.group) {
                let both = known.kinds.iter().find(|kind| old.kinds.contains(kind));
                let current = known.versions.contains(&old.version);
                assert!(both.is_none() || !current, "{old:?} {known:?}");
            }
        }
    }

    #[test]
    fn releases_are_numbers_that_can_be_compared() {
        for old in OLD {
            let number = old.removed.and_then(|release| release.strip_prefix("1."));
            assert!(
                old.removed.is_none() || number.is_some_and(|n| n.parse::<u8>().is_ok()),
                "{old:?}"
            );
        }
    }
}
