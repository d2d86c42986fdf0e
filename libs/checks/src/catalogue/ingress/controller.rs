//! Checks on the workloads of ingress controllers and what they are started with: ingress-nginx, which is
//! retired, by its version; Traefik and Kong by how open their own interfaces are.

use airside_k8s::component::boolean;
use airside_k8s::fields::{down, text};
use airside_k8s::{Limits, Value, yaml};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Whole};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "ingress-nginx-snippets-by-default",
        title: "ingress-nginx takes snippets from every Ingress",
        why: "In this version snippets are allowed unless the controller's ConfigMap forbids them: whoever may write an Ingress can read all secrets that the controller can (CVE-2021-25742).",
        fix: "Set allow-snippet-annotations to \"false\" in the controller's ConfigMap; versions before 0.49.1, and 1.0.0, do not know the setting and must be updated.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1552.007"), technique("T1190")],
        controls: &[],
        equivalents: &["kubescape:C-0059", "kubescape:CVE-2021-25742"],
        judge: Judge::Container(snippets_by_default),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: edge}
spec:
  template:
    spec: {containers: [{name: edge, image: 'registry.k8s.io/ingress-nginx/controller:v1.8.1'}]}
",
        passes: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: edge}
spec:
  template:
    spec: {containers: [{name: edge, image: 'registry.k8s.io/ingress-nginx/controller:v1.8.1'}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: edge, namespace: edge}
data: {allow-snippet-annotations: "false"}
"#,
    },
    Check {
        id: "traefik-insecure-api",
        title: "Traefik shows its API and dashboard to everybody",
        why: "With api.insecure the dashboard and API listen without login beside the traffic: routes, services and middlewares of all teams can be read there.",
        fix: "Remove api.insecure; publish api@internal by an IngressRoute with a login.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1133"), technique("T1613")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Container(traefik_insecure_api),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: edge}
spec:
  containers:
  - {name: edge, image: 'docker.io/library/traefik:v3.6.2', args: [--api.insecure=true]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: edge}
spec:
  containers:
  - {name: edge, image: 'docker.io/library/traefik:v3.6.2', args: [--api.dashboard=true]}
",
    },
    Check {
        id: "traefik-file-insecure-api",
        title: "Traefik's file shows its API and dashboard to everybody",
        why: "With api.insecure the dashboard and API listen without login beside the traffic: routes, services and middlewares of all teams can be read there.",
        fix: "Remove insecure from api in the file; publish api@internal by an IngressRoute with a login.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1133"), technique("T1613")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("", "ConfigMap")], traefik_file_insecure_api),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: edge, namespace: edge}
data:
  traefik.yaml: |
    api: {insecure: true, dashboard: true}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: edge, namespace: edge}
data:
  traefik.yaml: |
    api: {dashboard: true}
",
    },
    Check {
        id: "kong-admin-open",
        title: "Kong's Admin API listens on all addresses without encryption",
        why: "The Admin API has no login of its own: whoever reaches the port rewrites routes and plugins of the whole gateway.",
        fix: "Let KONG_ADMIN_LISTEN name 127.0.0.1, or use ssl with client certificates and a NetworkPolicy.",
        severity: Severity::High,
        category: Category::Ingress,
        techniques: &[technique("T1133"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Container(kong_admin_open),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: kong}
spec:
  containers:
  - name: kong
    image: docker.io/library/kong:3.9
    env: [{name: KONG_ADMIN_LISTEN, value: '0.0.0.0:8001'}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: kong}
spec:
  containers:
  - name: kong
    image: docker.io/library/kong:3.9
    env: [{name: KONG_ADMIN_LISTEN, value: '127.0.0.1:8001'}]
",
    },
];

/// The name of an image without registry and tag, and its tag.
fn name_and_tag(image: &str) -> (&str, Option<&str>) {
    let image = image.split('@').next().unwrap_or_default();
    let slash = image.rfind('/').map_or(0, |at| at + 1);
    match image.get(slash..).unwrap_or_default().rfind(':') {
        Some(colon) => {
            (image.get(..slash + colon).unwrap_or_default(), image.get(slash + colon + 1..))
        }
        None => (image, None),
    }
}

/// The tag of a container's image, where the image is ingress-nginx's controller. The controller that F5
/// makes is called `nginx-ingress`.
fn nginx_tag<'a>(container: &ContainerOf<'a>) -> Option<Option<&'a str>> {
    let (name, tag) = name_and_tag(container.container.image()?);
    let is_controller = ["ingress-nginx/controller", "ingress-nginx/controller-chroot"]
        .iter()
        .any(|wanted| name.ends_with(wanted))
        || name.rsplit('/').next().is_some_and(|last| {
            last.starts_with("nginx-ingress-controller") || last == "ingress-nginx-controller"
        });
    is_controller.then_some(tag)
}

/// The version of a tag such as `v1.11.5` or `0.49.0-debian`; what stands after it is left out.
fn version(tag: &str) -> Option<[u32; 3]> {
    let numbers = tag.strip_prefix('v').unwrap_or(tag).split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(str::parse);
    let version = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some(version)
}

fn snippets_by_default(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let Some(tag) = nginx_tag(container).flatten() else { return };
    let Some(version) = version(tag).filter(|version| *version < [1, 9, 0]) else { return };
    let has_setting = version >= [0, 49, 1] && version != [1, 0, 0];
    let graph = container.pod.graph;
    if has_setting && graph.is_single_object() {
        return report.undecided("the controller's ConfigMap is another object");
    }
    let namespace = container.pod.object.namespace();
    let forbids = has_setting
        && graph.of_kind_in("", "ConfigMap", namespace).any(|map| {
            let setting =
                map.fields().get("data").and_then(|data| data.get("allow-snippet-annotations"));
            setting.and_then(Value::as_str) == Some("false")
        });
    if !forbids {
        let message = format!("{} is ingress-nginx {tag}, which takes snippets", container.label());
        report.fail(container.path("image"), message);
    }
}

fn traefik_insecure_api(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let image = container.container.image().map(name_and_tag);
    if image.is_none_or(|(name, _)| name.rsplit('/').next() != Some("traefik")) {
        return;
    }
    for field in ["command", "args"] {
        let listed = airside_k8s::fields::texts(container.container.fields, field);
        for (index, argument) in listed {
            let value = argument.trim_start_matches('-').strip_prefix("api.insecure");
            if matches!(value, Some("" | "=true")) {
                let message = format!("{} is given {argument}", container.label());
                report.fail(container.path(field).index(index), message);
            }
        }
    }
    for (index, variable) in airside_k8s::fields::maps(container.container.fields, "env") {
        let is_it = text(variable, "name")
            .is_some_and(|name| name.eq_ignore_ascii_case("TRAEFIK_API_INSECURE"));
        if is_it && text(variable, "value").and_then(boolean) == Some(true) {
            let message = format!("{} has TRAEFIK_API_INSECURE", container.label());
            report.fail(container.path("env").index(index).key("value"), message);
        }
    }
}

/// Traefik's own file, in YAML or TOML, is one of a ConfigMap's.
fn traefik_file_insecure_api(map: &Whole<'_>, report: &mut Report<'_>) {
    let files = map.object.fields().get("data").and_then(Value::as_object);
    for (name, content) in files.into_iter().flatten() {
        let Some(content) = content.as_str() else { continue };
        let is_open = match name {
            "traefik.yaml" | "traefik.yml" => yaml::parse(content, &Limits::default())
                .documents
                .iter()
                .any(|it| down(&it.value, &["api", "insecure"]) == Some(&Value::Bool(true))),
            "traefik.toml" => is_set_in_toml(content, "api", "insecure"),
            _ => false,
        };
        if is_open {
            let message = format!("{name} sets api.insecure");
            report.fail(FieldPath::of(&["data", name]), message);
        }
    }
}

/// Whether a TOML text sets a key of a table to true.
fn is_set_in_toml(content: &str, table: &str, key: &str) -> bool {
    let mut current = "";
    content.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).any(|line| {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = name.trim();
            return false;
        }
        let set = line.split_once('=').filter(|(_, value)| value.trim() == "true");
        current == table && set.is_some_and(|(name, _)| name.trim() == key)
    })
}

fn kong_admin_open(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for (index, variable) in airside_k8s::fields::maps(container.container.fields, "env") {
        if variable.get("name").and_then(Value::as_str) != Some("KONG_ADMIN_LISTEN") {
            continue;
        }
        let Some(value) = variable.get("value").and_then(Value::as_str) else { continue };
        let open = value.split(',').map(str::trim).find(|listener| {
            let is_for_all = listener.starts_with("0.0.0.0:") || listener.starts_with("[::]:");
            is_for_all && !listener.split_whitespace().any(|word| word == "ssl")
        });
        if let Some(listener) = open {
            let path = container.path("env").index(index).key("value");
            report.fail(path, format!("the Admin API listens on {listener}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_tags() {
        for (image, expected) in [
            ("registry.k8s.io/ingress-nginx/controller:v1.11.5@sha256:aa", Some([1, 11, 5])),
            (
                "quay.io/kubernetes-ingress-controller/nginx-ingress-controller:0.26.1",
                Some([0, 26, 1]),
            ),
            ("localhost:5000/ingress-nginx/controller", None),
            ("x/y:v1.11", None),
            ("bitnami/nginx-ingress-controller:1.9.4-debian-11-r0", Some([1, 9, 4])),
        ] {
            assert_eq!(name_and_tag(image).1.and_then(version), expected, "{image}");
        }
    }
}
