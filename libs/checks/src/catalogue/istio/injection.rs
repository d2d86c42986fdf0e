//! Checks on who is in the mesh: labels of namespaces and pods, and the proxy that they get.

use airside_k8s::fields::elements;
use airside_k8s::graph::{Enrolment, MeshWorkload};
use airside_k8s::{Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::is_system_namespace;
use super::workloads::of_pod;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-injection-disabled",
        title: "Pod refuses the mesh's proxy",
        why: "It takes no part in mutual TLS and authorisation: nobody checks who calls it, and what it sends is plaintext.",
        fix: "Remove sidecar.istio.io/inject: \"false\"; exclude single ports instead where a protocol does not bear the proxy.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[technique("T1562.001"), technique("T1040")],
        controls: &[],
        equivalents: &["kyverno:istio/prevent-disabling-injection-pods"],
        judge: Judge::Pod(refuses),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}, annotations: {sidecar.istio.io/inject: 'false'}}
spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "mesh-pod-without-proxy",
        title: "Running pod of the mesh has no proxy",
        why: "It was started before its namespace joined the mesh, or past the injector: it takes no part in mutual TLS and authorisation.",
        fix: "Restart the pod (kubectl rollout restart of what owns it), and look whether the injector's webhook works.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &["istio:IST0103"],
        judge: Judge::Pod(lacks_proxy),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, uid: 4f5a0c5e-0000-4000-8000-000000000001}
spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "mesh-namespace-disabled",
        title: "Namespace is kept out of the mesh",
        why: "Its pods get no proxy: they take no part in mutual TLS and authorisation, and what they send is plaintext.",
        fix: "Set istio-injection: enabled (or istio.io/rev, or istio.io/dataplane-mode: ambient), and exclude single pods instead.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("", "Namespace")], is_disabled),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: disabled}}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop}
",
    },
    Check {
        id: "mesh-namespace-not-enrolled",
        title: "Namespace says nothing about the mesh that others are in",
        why: "Its pods get no proxy unless they ask for one themselves, so they are outside of mutual TLS and authorisation, perhaps without anybody meaning it.",
        fix: "Label it: istio-injection: enabled, istio.io/rev, or istio.io/dataplane-mode: ambient; or istio-injection: disabled to show that it is meant.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0102"],
        judge: Judge::Object(&[("", "Namespace")], |namespace, report| {
            if says_nothing(namespace) && !namespace.graph.injects_by_default() {
                let name = namespace.object.name();
                let message = format!("the pods of `{name}` get no proxy");
                report.fail(FieldPath::of(&["metadata", "labels"]), message);
            }
        }),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: shop}
spec: {}
---
apiVersion: v1
kind: Namespace
metadata: {name: bank}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: shop}
spec: {}
---
apiVersion: v1
kind: Namespace
metadata: {name: bank, labels: {istio.io/rev: stable}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: bank}
spec: {}
",
    },
    Check {
        id: "mesh-namespace-enrolled-by-default",
        title: "Namespace is in the mesh only because the injector takes all",
        why: "It says nothing itself: when the injector's setting changes, its pods silently leave the mesh.",
        fix: "Label the namespace with istio-injection: enabled.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0148"],
        judge: Judge::Object(&[("", "Namespace")], |namespace, report| {
            if says_nothing(namespace) && namespace.graph.injects_by_default() {
                let name = namespace.object.name();
                let message = format!("the pods of `{name}` get a proxy by the injector's default");
                report.fail(FieldPath::of(&["metadata", "labels"]), message);
            }
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: istio-system}
data: {values: '{"sidecarInjectorWebhook": {"enableNamespacesByDefault": true}}'}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: shop}
spec: {}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: istio-system}
data: {values: '{"sidecarInjectorWebhook": {"enableNamespacesByDefault": true}}'}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: shop}
spec: {}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
"#,
    },
    Check {
        id: "mesh-namespace-contradicts-itself",
        title: "Namespace asks for the mesh in two ways at once",
        why: "Only one of the labels counts, and which one depends on the injector's version: pods may get another proxy than meant, or none.",
        fix: "Keep one of istio-injection, istio.io/rev and istio.io/dataplane-mode.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0123"],
        judge: Judge::Object(&[("", "Namespace")], contradicts_itself),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled, istio.io/rev: stable}}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
",
    },
    Check {
        id: "mesh-proxy-image-not-injected",
        title: "Pod waits for the injector to fill in its proxy, and is not injected",
        why: "The image `auto` is a placeholder that only the injector replaces: without it the pod cannot start.",
        fix: "Label the pods with sidecar.istio.io/inject: \"true\", or their namespace with istio-injection: enabled.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0146", "istio:IST0147"],
        judge: Judge::Pod(waits_for_injector),
        fails: r"apiVersion: v1
kind: Namespace
metadata: {name: edge}
---
apiVersion: v1
kind: Pod
metadata: {name: in, namespace: edge, labels: {app: in}, annotations: {inject.istio.io/templates: gateway}}
spec: {containers: [{name: istio-proxy, image: auto}]}
",
        passes: r"apiVersion: v1
kind: Namespace
metadata: {name: edge}
---
apiVersion: v1
kind: Pod
metadata: {name: in, namespace: edge, labels: {app: in, sidecar.istio.io/inject: 'true'}, annotations: {inject.istio.io/templates: gateway}}
spec: {containers: [{name: istio-proxy, image: auto}]}
",
    },
    Check {
        id: "mesh-proxy-image-differs",
        title: "Namespace has pods with another proxy than the injector's",
        why: "They were started before the control plane was upgraded, and keep the old proxy with its known holes until they are restarted.",
        fix: "Restart the pods (kubectl rollout restart of what owns them).",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0158"],
        judge: Judge::Object(&[("", "Namespace")], has_other_proxies),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: istio-system}
data: {values: '{"global": {"proxy": {"image": "proxyv2"}, "hub": "docker.io/istio", "tag": "1.26.2"}}'}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: istio-proxy, image: 'docker.io/istio/proxyv2:1.25.0'}]}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: istio-system}
data: {values: '{"global": {"proxy": {"image": "proxyv2"}, "hub": "docker.io/istio", "tag": "1.26.2"}}'}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: istio-proxy, image: 'docker.io/istio/proxyv2:1.26.2-distroless'}]}
"#,
    },
];

fn label<'a>(object: &Object<'a>, name: &str) -> Option<&'a str> {
    object.labels()?.get(name)?.as_str().filter(|value| !value.is_empty())
}

fn metadata(pod: &Pod<'_>) -> FieldPath {
    pod.spec.path.parent().unwrap_or_default().key("metadata")
}

fn refuses(pod: &Pod<'_>, report: &mut Report<'_>) {
    const KEY: &str = "sidecar.istio.io/inject";
    let workload = of_pod(pod);
    if workload.wants_sidecar() != Some(false) || is_meant(pod, &workload) {
        return;
    }
    let part = if workload.labels.is_some_and(|labels| labels.contains_key(KEY)) {
        "labels"
    } else {
        "annotations"
    };
    let path = metadata(pod).key(part).key(KEY);
    report.fail(path, "the pod is kept out of the mesh".to_owned());
}

/// Whether a pod rightly refuses a proxy: it is one, belongs to Istio's installation, or ends by itself.
fn is_meant(pod: &Pod<'_>, workload: &MeshWorkload<'_>) -> bool {
    let is_job = matches!(pod.object.kind(), "Job" | "CronJob");
    workload.has_proxy()
        || is_job
        || pod.object.namespace().is_some_and(is_system_namespace)
        || workload.is_on_host_network()
        || pod.graph.enrolment(workload) == Enrolment::Ambient
}

fn lacks_proxy(pod: &Pod<'_>, report: &mut Report<'_>) {
    // A manifest gets its proxy when it is applied; only a pod of a cluster can lack one.
    let is_running = pod.object.kind() == "Pod" && pod.object.uid().is_some();
    let workload = of_pod(pod);
    if !is_running || !pod.graph.has_mesh() || pod.graph.is_single_object() {
        return;
    }
    if pod.graph.enrolment(&workload) == Enrolment::Sidecar && !workload.has_proxy() {
        report.fail(pod.path("containers"), "no container is the mesh's proxy".to_owned());
    }
}

fn is_disabled(namespace: &Whole<'_>, report: &mut Report<'_>) {
    let is_off = label(namespace.object, "istio-injection") == Some("disabled");
    let is_ambient = label(namespace.object, "istio.io/dataplane-mode") == Some("ambient");
    if is_off && !is_ambient && !is_system_namespace(namespace.object.name()) {
        let path = FieldPath::of(&["metadata", "labels"]).key("istio-injection");
        report.fail(path, format!("the pods of `{}` get no proxy", namespace.object.name()));
    }
}

const LABELS: [&str; 3] = ["istio-injection", "istio.io/rev", "istio.io/dataplane-mode"];

/// Whether a namespace has no label about the mesh, though the input has one.
fn says_nothing(namespace: &Whole<'_>) -> bool {
    namespace.graph.has_mesh()
        && !is_system_namespace(namespace.object.name())
        && LABELS.iter().all(|name| label(namespace.object, name).is_none())
}

fn contradicts_itself(namespace: &Whole<'_>, report: &mut Report<'_>) {
    let object = namespace.object;
    if label(object, "istio-injection") == Some("disabled") {
        return;
    }
    let given = [
        label(object, "istio-injection").is_some(),
        label(object, "istio.io/rev").is_some(),
        label(object, "istio.io/dataplane-mode") == Some("ambient"),
    ];
    let asked: Vec<&str> =
        LABELS.iter().zip(given).filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if asked.len() > 1 {
        let message = format!("{} ask for different things", asked.join(" and "));
        report.fail(FieldPath::of(&["metadata", "labels"]), message);
    }
}

fn waits_for_injector(pod: &Pod<'_>, report: &mut Report<'_>) {
    let lists = ["containers", "initContainers"].into_iter();
    let waiting = lists.flat_map(|list| {
        let containers = elements(pod.field(list)).iter().enumerate();
        containers.map(move |(index, container)| (list, index, container))
    });
    let waiting = waiting
        .into_iter()
        .find(|(_, _, container)| container.get("image").and_then(Value::as_str) == Some("auto"));
    let Some((list, index, _)) = waiting else { return };
    if pod.graph.is_single_object() {
        return report.undecided("whether the pod is injected is said by its namespace");
    }
    let workload = of_pod(pod);
    let asks = workload.wants_sidecar() == Some(true)
        || workload.labels.is_some_and(|labels| labels.contains_key("istio.io/rev"));
    let is_injected = match pod.graph.namespace_enrolment(pod.object.namespace()) {
        Enrolment::Sidecar => workload.wants_sidecar() != Some(false),
        // Where the input holds namespaces, one that it lacks has no label.
        Enrolment::Unknown => asks || !pod.graph.has_kind("", "Namespace"),
        Enrolment::Ambient | Enrolment::Outside => asks,
    };
    if !is_injected {
        let path = pod.path(list).index(index).key("image");
        report.fail(path, "nothing replaces the image `auto`: the pod is not injected".to_owned());
    }
}

fn has_other_proxies(namespace: &Whole<'_>, report: &mut Report<'_>) {
    let graph = namespace.graph;
    let object = namespace.object;
    let revision = label(object, "istio.io/rev")
        .filter(|revision| *revision != "default")
        .filter(|_| label(object, "istio-injection").is_none());
    if graph.namespace_enrolment(Some(object.name())) != Enrolment::Sidecar {
        return;
    }
    let image = graph.injector(revision).and_then(|injector| injector.proxy_image());
    let Some(expected) = image else { return };
    let others: Vec<&str> = graph
        .mesh_workloads(Some(object.name()), None)
        .filter(|workload| {
            proxy_image(workload).is_some_and(|image| bare(image) != bare(&expected))
        })
        .map(|workload| workload.owner.name())
        .collect();
    if let [first, ..] = others.as_slice() {
        let message =
            format!("{first} and {} more use another proxy than {expected}", others.len() - 1);
        report.fail(FieldPath::of(&["metadata", "name"]), message);
    }
}

/// The image of a workload's proxy, unless the workload asks for one of its own.
fn proxy_image<'a>(workload: &MeshWorkload<'a>) -> Option<&'a str> {
    let asks =
        workload.annotations.is_some_and(|all| all.contains_key("sidecar.istio.io/proxyImage"));
    let spec = workload.spec.filter(|_| !asks)?;
    let lists = ["containers", "initContainers"].into_iter();
    let mut containers = lists.flat_map(|list| elements(spec.get(list)));
    let proxy = containers
        .find(|container| container.get("name").and_then(Value::as_str) == Some("istio-proxy"))?;
    proxy.get("image")?.as_str().filter(|image| *image != "auto")
}

/// An image without the part of its tag that says how it is built.
fn bare(image: &str) -> &str {
    image.strip_suffix("-distroless").or_else(|| image.strip_suffix("-debug")).unwrap_or(image)
}
