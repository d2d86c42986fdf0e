//! Where pods are found.

use super::*;
use crate::json;

/// The paths of the pod specifications and of their containers.
fn found(value: &Value) -> Vec<String> {
    let object = Object::new(value).unwrap();
    pod_specs(&object)
        .iter()
        .flat_map(|spec| {
            let own = spec.path.to_string();
            std::iter::once(own).chain(spec.containers.iter().map(|c| c.path.to_string()))
        })
        .collect()
}

#[test]
fn built_in_kinds_keep_their_pods_at_known_paths() {
    let pod = json!({ "containers": [{ "name": "a" }] });
    let template = json!({ "metadata": { "labels": { "app": "x" } }, "spec": pod });
    let templated = json!({ "template": template });
    for (api_version, kind, field, content, path) in [
        ("v1", "Pod", "spec", &pod, "spec"),
        ("apps/v1", "Pod", "spec", &pod, "spec"),
        ("batch/v1", "Deployment", "spec", &templated, "spec.template.spec"),
        ("v1", "PodTemplate", "template", &template, "template.spec"),
        ("v1", "ReplicationController", "spec", &templated, "spec.template.spec"),
        ("apps/v1", "Deployment", "spec", &templated, "spec.template.spec"),
        ("apps/v1", "DaemonSet", "spec", &templated, "spec.template.spec"),
        ("apps/v1", "StatefulSet", "spec", &templated, "spec.template.spec"),
        ("apps/v1", "ReplicaSet", "spec", &templated, "spec.template.spec"),
        ("extensions/v1beta1", "Deployment", "spec", &templated, "spec.template.spec"),
        ("batch/v1", "Job", "spec", &templated, "spec.template.spec"),
        (
            "batch/v1",
            "CronJob",
            "spec",
            &json!({ "jobTemplate": { "spec": templated } }),
            "spec.jobTemplate.spec.template.spec",
        ),
    ] {
        let value = json!({ "apiVersion": api_version, "kind": kind, field: content });
        let expected = [path.to_owned(), format!("{path}.containers[0]")];
        assert_eq!(found(&value), expected, "{kind}");
    }
}

#[test]
fn a_custom_kind_carries_whatever_is_shaped_like_a_pod() {
    let value = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "spec": {
            "template": {
                "metadata": { "labels": { "app": "x" } },
                "spec": { "containers": [{ "name": "a", "image": "a:1" }] },
            },
            "steps": [{ "job": { "spec": { "containers": [{ "name": "b", "image": "b:1" }] } } }],
            // Patches of containers that an operator makes, and lists of something else.
            "containers": [{ "name": "prometheus", "args": ["--x"] }],
            "other": { "containers": ["a", "b"] },
        },
    });
    let object = Object::new(&value).unwrap();
    let specs = pod_specs(&object);
    let mut paths: Vec<String> = specs.iter().map(|spec| spec.path.to_string()).collect();
    paths.sort();
    assert_eq!(paths, ["spec.steps[0].job.spec", "spec.template.spec"]);
    let labelled = specs.iter().filter(|spec| spec.labels().is_some()).count();
    assert_eq!(labelled, 1);
}

#[test]
fn other_built_in_kinds_carry_none() {
    for (api_version, kind) in [
        ("v1", "ConfigMap"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("rbac.authorization.k8s.io/v1", "Role"),
    ] {
        let shaped = json!({ "containers": [{ "name": "a", "image": "a:1" }] });
        let value = json!({ "apiVersion": api_version, "kind": kind, "spec": shaped });
        assert_eq!(found(&value), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn all_three_lists_of_containers_are_seen_with_their_roles() {
    let value = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {
            "containers": [{ "name": "main", "image": "m" }, "broken"],
            "initContainers": [{ "name": "once" }, { "name": "proxy", "restartPolicy": "Always" }],
            "ephemeralContainers": [{ "name": "debug" }],
        },
    });
    let object = Object::new(&value).unwrap();
    let specs = pod_specs(&object);
    let shown: Vec<(String, &str, bool)> = specs[0]
        .containers
        .iter()
        .map(|c| (c.path.to_string(), c.name(), c.is_long_running()))
        .collect();
    assert_eq!(
        shown,
        [
            ("spec.containers[0]".to_owned(), "main", true),
            ("spec.initContainers[0]".to_owned(), "once", false),
            ("spec.initContainers[1]".to_owned(), "proxy", true),
            ("spec.ephemeralContainers[0]".to_owned(), "debug", false),
        ]
    );
    assert_eq!(specs[0].containers[0].image(), Some("m"));
    let malformed = json!({ "apiVersion": "v1", "kind": "Pod", "spec": ["containers"] });
    assert_eq!(found(&malformed), Vec::<String>::new());
}

#[test]
fn a_template_of_an_argo_workflow_is_a_pod_with_its_one_container() {
    let value = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow",
        "spec": { "workflowSpec": {
            "serviceAccountName": "ci", "volumes": [{ "name": "v" }],
            "templates": [
                { "name": "a", "container": { "image": "a:1" }, "sidecars": [{ "name": "s" }] },
                { "name": "b", "script": { "image": "b:1" }, "serviceAccountName": "own",
                  "initContainers": [{ "name": "i" }], "metadata": { "labels": { "app": "b" } } },
                { "name": "c", "containerSet": { "containers": [{ "image": "c:1" }] } },
                { "name": "d", "dag": { "tasks": [{ "inline": { "container": { "image": "d:1" } } }] } },
                // References and patches.
                { "name": "e", "steps": [[{ "template": "a" }]], "container": { "args": ["x"] } },
            ],
        } },
    });
    let at = |index: usize, rest: &str| format!("spec.workflowSpec.templates[{index}]{rest}");
    assert_eq!(
        found(&value),
        [
            at(0, ""),
            at(0, ".container"),
            at(0, ".sidecars[0]"),
            at(1, ""),
            at(1, ".script"),
            at(1, ".initContainers[0]"),
            at(2, ""),
            at(2, ".containerSet.containers[0]"),
            at(3, ".dag.tasks[0].inline"),
            at(3, ".dag.tasks[0].inline.container"),
        ]
    );
    let object = Object::new(&value).unwrap();
    let specs = pod_specs(&object);
    let accounts: Vec<_> = specs.iter().map(PodSpec::service_account).collect();
    assert_eq!(accounts, ["ci", "own", "ci", "ci"]);
    assert_eq!(specs[0].path_of("volumes").to_string(), "spec.workflowSpec.volumes");
    assert_eq!(specs[0].path_of("tolerations").to_string(), at(0, ".tolerations"));
    assert!(specs[1].labels().is_some());
}

#[test]
fn a_task_of_tekton_is_a_pod_with_its_steps() {
    let value = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "spec": {
            "taskRunTemplate": { "serviceAccountName": "ci", "podTemplate": { "hostNetwork": true } },
            "pipelineSpec": { "tasks": [
                { "name": "build", "taskSpec": {
                    "stepTemplate": { "image": "base:1", "securityContext": { "privileged": true } },
                    "steps": [
                        { "script": "make" }, { "name": "b", "image": "b:1" },
                        { "image": "c:1", "securityContext": { "privileged": false } },
                    ],
                    "sidecars": [{ "name": "db", "image": "db:1" }],
                } },
                { "name": "other", "taskSpec": { "steps": [{ "ref": { "name": "action" } }] } },
            ] },
        },
    });
    let task = "spec.pipelineSpec.tasks[0].taskSpec";
    let at = |rest: &str| format!("{task}.{rest}");
    let expected =
        [task.to_owned(), at("steps[0]"), at("steps[1]"), at("steps[2]"), at("sidecars[0]")];
    assert_eq!(found(&value), expected);
    let object = Object::new(&value).unwrap();
    let spec = pod_specs(&object).remove(0);
    assert_eq!((spec.service_account(), spec.field("hostNetwork")), ("ci", Some(&json!(true))));
    let images: Vec<_> = spec.containers.iter().filter_map(Container::image).collect();
    assert_eq!(images, ["base:1", "b:1", "c:1", "db:1"]);
    let privileged: Vec<_> =
        spec.containers.iter().map(|c| c.security("privileged").and_then(Value::as_bool)).collect();
    assert_eq!(privileged, [Some(true), Some(true), Some(false), None]);
}

#[test]
fn a_knative_container_needs_no_name() {
    let value = json!({
        "apiVersion": "serving.knative.dev/v1", "kind": "Service",
        "spec": { "template": { "spec": { "containers": [{ "image": "a:1" }] } } },
    });
    assert_eq!(found(&value), ["spec.template.spec", "spec.template.spec.containers[0]"]);
}

#[test]
fn only_kubernetes_own_groups_are_no_custom_ones() {
    for (group, expected) in [
        ("", false),
        ("apps", false),
        ("networking.k8s.io", false),
        ("flowcontrol.apiserver.k8s.io", false),
        ("kubelet.config.k8s.io", false),
        ("kustomize.config.k8s.io", false),
        ("kubeadm.k8s.io", false),
        ("sparkoperator.k8s.io", true),
        ("flinkoperator.k8s.io", true),
        ("gateway.networking.k8s.io", true),
        ("snapshot.storage.k8s.io", true),
        ("agents.x-k8s.io", true),
        ("argoproj.io", true),
    ] {
        assert_eq!(is_custom(group), expected, "{group}");
    }
}
