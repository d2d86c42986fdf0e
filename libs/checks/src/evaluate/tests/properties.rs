//! Properties of the engine over generated objects.

use airside_k8s::{Map, Object, Value, json};
use proptest::prelude::*;

use super::super::*;

/// Content with the names that checks look for, of the right and of the wrong types.
fn any_content() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2i64..3).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "*",
            "secrets",
            "pods/exec",
            "get",
            "create",
            "ALL",
            "SYS_ADMIN",
            "/etc",
            "Unconfined",
            "web",
            "web:latest",
            "Role",
            "ClusterRole",
            "cluster-admin",
            "windows",
            "In",
            "sunflower",
            "amqp://a:sunflower@mq",
            "password: sunflower\n",
        ])
        .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "metadata",
        "spec",
        "template",
        "labels",
        "containers",
        "initContainers",
        "securityContext",
        "capabilities",
        "add",
        "drop",
        "privileged",
        "runAsUser",
        "seccompProfile",
        "type",
        "volumes",
        "hostPath",
        "path",
        "ports",
        "hostPort",
        "resources",
        "limits",
        "requests",
        "rules",
        "verbs",
        "apiGroups",
        "roleRef",
        "subjects",
        "kind",
        "name",
        "namespace",
        "podSelector",
        "matchLabels",
        "matchExpressions",
        "operator",
        "values",
        "key",
        "policyTypes",
        "os",
        "image",
        "hostPID",
        "selector",
        "replicas",
        "minReplicas",
        "minAvailable",
        "scaleTargetRef",
        "defaultBackend",
        "service",
        "serviceName",
        "port",
        "targetPort",
        "env",
        "valueFrom",
        "configMapKeyRef",
        "readinessProbe",
        "httpGet",
        "affinity",
        "topologySpreadConstraints",
        "env",
        "value",
        "valueFrom",
        "secretKeyRef",
        "password",
        "command",
        "data",
        "annotations",
        "exec",
        "httpGet",
        "httpHeaders",
        "livenessProbe",
    ]);
    leaf.prop_recursive(6, 80, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("v1", "ServiceAccount"),
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("apps/v1", "StatefulSet"),
        ("policy/v1", "PodDisruptionBudget"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("networking.k8s.io/v1", "Ingress"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("example.com/v1", "Custom"),
    ]);
    (kind, any_content()).prop_map(|((api_version, kind), content)| {
        let mut object = match content {
            Value::Object(map) => map,
            other => Map::from_iter([("spec".to_owned(), other)]),
        };
        object.insert("apiVersion".to_owned(), json!(api_version));
        object.insert("kind".to_owned(), json!(kind));
        Value::Object(object)
    })
}

/// The failures without the object's index, sorted.
fn shown(evaluation: &Evaluation) -> Vec<(&'static str, String, &str)> {
    let failures = evaluation.failures.iter();
    let mut shown: Vec<_> = failures
        .map(|failure| (failure.check.id, failure.field.to_string(), failure.message.as_str()))
        .collect();
    shown.sort_unstable();
    shown
}

proptest! {
    #[test]
    fn the_order_of_the_objects_does_not_matter(values in prop::collection::vec(any_object(), 1..5)) {
        let objects: Vec<Object<'_>> = values.iter().map(|value| Object::new(value).unwrap()).collect();
        let reversed: Vec<Object<'_>> = objects.iter().rev().copied().collect();
        let (one, other) = (
            evaluate(&objects, Completeness::WholeInput),
            evaluate(&reversed, Completeness::WholeInput),
        );
        // Two objects of one name are an input that no cluster takes; which of them counts is open.
        let has_twins = objects.iter().enumerate().any(|(at, left)| {
            objects.iter().skip(at + 1).any(|right| left.object_ref() == right.object_ref())
        });
        prop_assume!(!has_twins);
        prop_assert_eq!(shown(&one), shown(&other));
        prop_assert_eq!(one.not_evaluated, other.not_evaluated);
        prop_assert!(one.failures.is_sorted_by_key(|failure| failure.object));
    }

    #[test]
    fn one_object_fails_alone_what_it_fails_in_company(value in any_object(), other in any_object()) {
        let objects = [Object::new(&value).unwrap(), Object::new(&other).unwrap()];
        let alone = evaluate(&objects[..1], Completeness::SingleObject);
        let together = evaluate(&objects, Completeness::WholeInput);
        for failure in &alone.failures {
            prop_assert!(together.failures.contains(failure), "{:?}", failure.check.id);
        }
    }
}
