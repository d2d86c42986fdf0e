//! Checks on what Sidecars and Telemetries cover: several of them for the same pods, or none.

use std::collections::BTreeSet;

use airside_k8s::fields::{down, elements, maps};
use airside_k8s::graph::Enrolment;
use airside_k8s::{Map, Object, Value};
use airside_types::{FieldPath, Severity};

use super::{
    NETWORKING, PATCHED_LATER, TELEMETRY, has_labels, is_patched_later, is_same_object, spec_map,
};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "sidecar-selects-nothing",
        title: "Sidecar selects no pods",
        why: "Its limits on what the proxy may reach hold for nobody.",
        fix: "Correct the labels of workloadSelector, or delete the Sidecar.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101", "kiali:KIA0004"],
        judge: Judge::Object(&[(NETWORKING, "Sidecar")], selects_nothing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: web, namespace: shop}
spec: {workloadSelector: {labels: {app: wbe}}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: web, namespace: shop}
spec: {workloadSelector: {labels: {app: web}}}
",
    },
    Check {
        id: "sidecars-overlap",
        title: "Several Sidecars select the same pods",
        why: "Istio takes one of them and does not say which: the limits that hold are a matter of chance.",
        fix: "Let each pod be selected by one Sidecar only.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0110", "kiali:KIA0003"],
        judge: Judge::Object(&[(NETWORKING, "Sidecar")], overlaps),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
spec: {containers: [{name: web}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: web, namespace: shop}
spec: {workloadSelector: {labels: {app: web}}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: front, namespace: shop}
spec: {workloadSelector: {labels: {tier: front}}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
spec: {containers: [{name: web}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: web, namespace: shop}
spec: {workloadSelector: {labels: {app: web}}}
",
    },
    Check {
        id: "sidecars-for-one-namespace",
        title: "Namespace has several Sidecars for all of its pods",
        why: "Istio takes one of them and does not say which: the limits that hold are a matter of chance.",
        fix: "Keep one Sidecar without workloadSelector in the namespace, and join the others into it.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0111", "kiali:KIA0002"],
        judge: Judge::Object(&[(NETWORKING, "Sidecar")], shares_namespace),
        fails: r"apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: a, namespace: shop}
spec: {egress: [{hosts: ['./*']}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: b, namespace: shop}
spec: {egress: [{hosts: ['./*']}]}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: a, namespace: shop}
spec: {egress: [{hosts: ['./*']}]}
",
    },
    Check {
        id: "sidecar-in-ambient",
        title: "Sidecar is for pods that have no sidecar",
        why: "Pods in ambient mode use their node's proxy, which does not read Sidecars: the limits do not hold.",
        fix: "Delete the Sidecar, and restrict the pods with AuthorizationPolicies and an egress gateway.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0167"],
        judge: Judge::Object(&[(NETWORKING, "Sidecar")], is_for_ambient),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: a, namespace: shop}
spec: {egress: [{hosts: ['./*']}]}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: a, namespace: bank}
spec: {egress: [{hosts: ['./*']}]}
",
    },
    Check {
        id: "telemetry-selects-nothing",
        title: "Telemetry selects no pods",
        why: "Logs, metrics or traces that it asks for are not made.",
        fix: "Correct the labels of selector, or delete the Telemetry.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101"],
        judge: Judge::Object(&[(TELEMETRY, "Telemetry")], selects_nothing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: wbe}}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}}
",
    },
    Check {
        id: "telemetries-overlap",
        title: "Several Telemetries select the same pods",
        why: "Istio takes the oldest one, so what the others ask for is not logged or measured.",
        fix: "Let each pod be selected by one Telemetry only.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0159"],
        judge: Judge::Object(&[(TELEMETRY, "Telemetry")], overlaps),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: a, namespace: shop}
spec: {selector: {matchLabels: {app: web}}}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: b, namespace: shop}
spec: {selector: {matchLabels: {app: web}}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: a, namespace: shop}
spec: {selector: {matchLabels: {app: web}}}
",
    },
    Check {
        id: "telemetries-for-one-namespace",
        title: "Namespace has several Telemetries for all of its pods",
        why: "Istio takes the oldest one, so what the others ask for is not logged or measured.",
        fix: "Keep one Telemetry without selector in the namespace, and join the others into it.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0160"],
        judge: Judge::Object(&[(TELEMETRY, "Telemetry")], shares_namespace),
        fails: r"apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: a, namespace: shop}
spec: {tracing: [{randomSamplingPercentage: 10}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: b, namespace: shop}
spec: {tracing: [{randomSamplingPercentage: 20}]}
",
        passes: r"apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: a, namespace: shop}
spec: {tracing: [{randomSamplingPercentage: 10}]}
",
    },
    Check {
        id: "telemetry-no-provider",
        title: "Telemetry names no provider, and the mesh has no default one",
        why: "Nobody receives what it asks to log, measure or trace.",
        fix: "Name providers in the Telemetry, or set defaultProviders in the mesh's configuration.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0157"],
        judge: Judge::Object(&[(TELEMETRY, "Telemetry")], has_no_provider),
        fails: r"apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: a, namespace: istio-system}
spec: {accessLogging: [{filter: {expression: response.code >= 400}}]}
",
        passes: r"apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: a, namespace: istio-system}
spec: {accessLogging: [{providers: [{name: envoy}]}]}
",
    },
];

/// The labels that a Sidecar or a Telemetry selects; none for one that is for all pods.
fn selector<'a>(object: &Object<'a>) -> Option<&'a Map> {
    let keys: &[&str] = match object.kind() {
        "Sidecar" => &["spec", "workloadSelector", "labels"],
        _ => &["spec", "selector", "matchLabels"],
    };
    let labels = down(object.value(), keys)?.as_object()?;
    (!labels.is_empty()).then_some(labels)
}

fn selector_path(object: &Object<'_>) -> FieldPath {
    FieldPath::of(match object.kind() {
        "Sidecar" => &["spec", "workloadSelector", "labels"],
        _ => &["spec", "selector", "matchLabels"],
    })
}

/// The namespace in which a selector of an object selects: none is everywhere.
fn selected_namespace<'a>(whole: &Whole<'a>) -> Option<&'a str> {
    let is_root = whole.object.namespace() == Some(whole.graph.root_namespace());
    whole.object.namespace().filter(|_| !is_root || whole.object.kind() == "Sidecar")
}

fn selects_nothing(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some(labels) = selector(whole.object) else { return };
    if whole.graph.is_single_object() {
        return report.undecided("the pods that it selects are other objects");
    }
    if is_patched_later(whole.graph) {
        return report.undecided(PATCHED_LATER);
    }
    if !has_labels(whole.graph, selected_namespace(whole), labels) {
        let message = "no pods with these labels are in the namespace".to_owned();
        report.fail(selector_path(whole.object), message);
    }
}

/// Other objects of the kind in the namespace, with or without a selector.
fn others<'a>(
    whole: &Whole<'a>,
    with_selector: bool,
) -> impl Iterator<Item = &'a Object<'a>> + use<'a> {
    let own = *whole.object;
    whole.graph.mesh_objects_in(own.kind(), own.namespace()).filter(move |other| {
        !is_same_object(other, &own)
            && other.kind() == own.kind()
            && other.namespace() == own.namespace()
            && !has_targets(other)
            && selector(other).is_some() == with_selector
    })
}

fn has_targets(object: &Object<'_>) -> bool {
    down(object.value(), &["spec", "targetRefs"]).is_some()
        || down(object.value(), &["spec", "targetRef"]).is_some()
}

fn overlaps(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some(labels) = selector(whole.object) else { return };
    if whole.graph.is_single_object() {
        return report.undecided("others of the kind are other objects");
    }
    let namespace = selected_namespace(whole);
    let pods = |labels| -> BTreeSet<(&str, &str)> {
        let found = whole.graph.mesh_workloads(namespace, Some(labels));
        found.map(|workload| (workload.owner.kind(), workload.owner.name())).collect()
    };
    let own = pods(labels);
    let other = others(whole, true).find_map(|other| {
        let theirs = pods(selector(other)?);
        let (kind, name) = own.intersection(&theirs).next()?;
        Some(format!("{} selects {kind} {name} too", other.name()))
    });
    if let Some(message) = other {
        report.fail(selector_path(whole.object), message);
    }
}

fn shares_namespace(whole: &Whole<'_>, report: &mut Report<'_>) {
    if selector(whole.object).is_some() || has_targets(whole.object) {
        return;
    }
    if whole.graph.is_single_object() {
        return report.undecided("others of the kind are other objects");
    }
    let names: Vec<&str> = others(whole, false).map(Object::name).collect();
    if !names.is_empty() {
        let message = format!("{} is for all pods of the namespace too", names.join(", "));
        report.fail(FieldPath::of(&["metadata", "name"]), message);
    }
}

fn is_for_ambient(sidecar: &Whole<'_>, report: &mut Report<'_>) {
    if sidecar.graph.is_single_object() {
        return report.undecided("whether its pods are in ambient mode is said by other objects");
    }
    let namespace = sidecar.object.namespace();
    let is_ambient = match selector(sidecar.object) {
        None => sidecar.graph.namespace_enrolment(namespace) == Enrolment::Ambient,
        Some(labels) => {
            let mut pods = sidecar.graph.mesh_workloads(namespace, Some(labels));
            pods.any(|workload| sidecar.graph.enrolment(&workload) == Enrolment::Ambient)
        }
    };
    if is_ambient {
        let message = "its pods are in ambient mode, where Sidecars are not read".to_owned();
        report.fail(FieldPath::of(&["metadata", "name"]), message);
    }
}

fn has_no_provider(telemetry: &Whole<'_>, report: &mut Report<'_>) {
    const PART: &str = "accessLogging";
    let graph = telemetry.graph;
    let Some(spec) = spec_map(telemetry.object) else { return };
    if graph.is_single_object() {
        return report.undecided("default providers are in the mesh's configuration");
    }
    let has_default = graph.mesh_configs().iter().any(|config| {
        let file = config.value.get("accessLogFile").and_then(Value::as_str);
        file.is_some_and(|file| !file.is_empty())
            || !elements(down(&config.value, &["defaultProviders", PART])).is_empty()
    });
    let root = Some(graph.root_namespace());
    let names_some = |entry: &Map| !elements(entry.get("providers")).is_empty();
    // A namespace's Telemetry takes over the providers of the mesh's one.
    let inherits = telemetry.object.namespace() != root
        && graph.mesh_objects_in("Telemetry", root).any(|other| {
            let entries = spec_map(other).into_iter().flat_map(|spec| maps(spec, PART));
            entries.into_iter().any(|(_, entry)| names_some(entry))
        });
    if has_default || inherits {
        return;
    }
    for (index, entry) in maps(spec, PART) {
        if entry.get("disabled") != Some(&Value::Bool(true)) && !names_some(entry) {
            let path = FieldPath::of(&["spec", PART]).index(index).key("providers");
            report.fail(path, "no provider receives the access logs that it asks for".to_owned());
        }
    }
}
