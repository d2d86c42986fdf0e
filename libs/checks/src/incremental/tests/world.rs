//! Small worlds in which everything meets: few names, labels, namespaces and accounts, of every kind that
//! the graph knows. What an object is follows from a kind and some bytes.

mod traffic;

use airside_k8s::{Value, json};

use self::traffic::{mesh, routes};

/// How many kinds there are.
pub(super) const KINDS: u8 = 46;

/// Takes one choice after the other from the bytes.
pub(super) struct Choices<'b>(std::slice::Iter<'b, u8>);

impl Choices<'_> {
    pub(super) fn number(&mut self) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default())
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.number() % all.len()]
    }

    pub(super) fn chance(&mut self) -> bool {
        self.number() % 2 == 1
    }
}

const NAMESPACES: [Option<&str>; 6] =
    [Some("shop"), Some("bank"), Some("shop"), None, Some("kube-system"), Some("istio-system")];
const NAMES: [&str; 4] = ["web", "db", "default", "istio"];
pub(super) const ACCOUNTS: [&str; 3] = ["web", "default", "operator"];

pub(super) fn labels(choices: &mut Choices<'_>) -> Value {
    choices.of(&LABELS)()
}

const LABELS: [fn() -> Value; 6] = [
    || json!({ "app": "web" }),
    || json!({ "app": "web", "tier": "front" }),
    || json!({ "tier": "front", "app": "web" }),
    || json!({ "app": "db" }),
    || json!({}),
    || json!({ "app": "web", "istio.io/dataplane-mode": "ambient" }),
];

pub(super) fn selector(choices: &mut Choices<'_>) -> Value {
    let expression = |operator: &str, values: &[&str]| {
        let expression = json!({ "key": "app", "operator": operator, "values": values });
        json!({ "matchExpressions": [expression] })
    };
    match choices.number() % 6 {
        0 => json!({}),
        1 => expression("Exists", &[]),
        2 => expression("In", &["db", "other"]),
        3 => expression("NotIn", &["web"]),
        _ => json!({ "matchLabels": labels(choices) }),
    }
}

fn pod(choices: &mut Choices<'_>) -> Value {
    let (account, labels) = (choices.of(&ACCOUNTS), labels(choices));
    let name = choices.of(&NAMES);
    let environment = match choices.number() % 4 {
        0 => {
            json!([{ "name": "A", "valueFrom": { "secretKeyRef": { "name": name, "key": "a" } } }])
        }
        1 => {
            json!([{ "name": "A", "valueFrom": { "configMapKeyRef": { "name": name, "key": "a" } } }])
        }
        2 => json!([{ "name": "DB", "value": "http://db.bank:80/web" }]),
        _ => json!([]),
    };
    let image =
        choices.of(&["web:1", "ingress-nginx/controller:v1.8.0", "istio/pilot:1", "postgres:17"]);
    let mut pod = json!({
        "metadata": { "labels": labels },
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": choices.number() % 4 != 3,
            "hostNetwork": choices.number() % 5 == 4,
            "priorityClassName": name,
            "containers": [{
                "name": choices.of(&["c", "istio-proxy"]), "image": image, "env": environment,
                "securityContext": { "privileged": choices.number() % 4 == 3 },
                "volumeMounts": [{ "name": "v", "mountPath": "/v" }],
                "ports": [{ "containerPort": 80, "name": "http" }],
            }],
            "volumes": [volume(choices)],
        },
    });
    match choices.number() % 4 {
        0 => pod["spec"]["nodeName"] = json!(choices.of(&NAMES)),
        1 => pod["spec"]["tolerations"] = json!([{ "operator": "Exists" }]),
        _ => {}
    }
    pod
}

fn volume(choices: &mut Choices<'_>) -> Value {
    let source = match choices.number() % 4 {
        0 => json!({ "emptyDir": {} }),
        1 => json!({ "hostPath": { "path": choices.of(&["/etc", "/var/log", "/var/log/pods"]) } }),
        2 => json!({ "secret": { "secretName": choices.of(&NAMES) } }),
        _ => json!({ "persistentVolumeClaim": { "claimName": choices.of(&NAMES) } }),
    };
    let mut volume = source;
    volume["name"] = json!("v");
    volume
}

fn rules(choices: &mut Choices<'_>) -> Value {
    let verbs = choices.of(&["*", "get", "create", "impersonate", "bind", "escalate", "update"]);
    let resources = choices.of(&[
        "*",
        "pods",
        "secrets",
        "configmaps",
        "pods/exec",
        "serviceaccounts/token",
        "serviceaccounts",
        "groups",
        "clusterroles",
        "clusterrolebindings",
        "rolebindings",
        "persistentvolumes",
        "pods/log",
        "namespaces",
    ]);
    let groups = choices.of(&["", "*", "rbac.authorization.k8s.io", "example.com"]);
    let verbs = if choices.chance() { json!([verbs, "get"]) } else { json!([verbs]) };
    let mut rule = json!({ "verbs": verbs, "resources": [resources], "apiGroups": [groups] });
    if choices.number() % 4 == 3 {
        rule["resourceNames"] = json!(["web"]);
    }
    json!([rule])
}

fn subjects(choices: &mut Choices<'_>) -> Value {
    match choices.number() % 7 {
        0 => {
            json!([{ "kind": "User", "name": "ada" }, { "kind": "User", "name": "system:serviceaccount:shop:web" }])
        }
        1 => json!([{ "kind": "Group", "name": "system:authenticated" }]),
        2 => json!([{ "kind": "Group", "name": "system:serviceaccounts:shop" }]),
        3 => {
            json!([{ "kind": "ServiceAccount", "name": "web" }, { "kind": "User", "name": "ada" }])
        }
        _ => {
            let (name, namespace) = (choices.of(&ACCOUNTS), choices.of(&["shop", "bank"]));
            json!([{ "kind": "ServiceAccount", "name": name, "namespace": namespace }])
        }
    }
}

/// The object of a kind that the bytes describe, and its source.
pub(super) fn object(kind: u8, bytes: &[u8]) -> (Value, &'static str) {
    let mut choices = Choices(bytes.iter());
    let choices = &mut choices;
    let source = if choices.number() % 8 == 7 { "other.yaml" } else { "" };
    let (namespace, name) = (choices.of(&NAMESPACES), choices.of(&NAMES));
    let (version, kind, body) = body(kind, choices);
    let mut value = body;
    value["apiVersion"] = json!(version);
    value["kind"] = json!(kind);
    if value["metadata"]["name"].is_null() {
        value["metadata"]["name"] = json!(name);
    }
    let is_wide = [
        "ClusterRole",
        "ClusterRoleBinding",
        "Namespace",
        "CustomResourceDefinition",
        "PersistentVolume",
        "Node",
    ];
    if let Some(namespace) = namespace.filter(|_| !is_wide.contains(&kind)) {
        value["metadata"]["namespace"] = json!(namespace);
    }
    if kind == "Namespace" {
        value["metadata"]["name"] = json!(namespace.unwrap_or("other"));
    }
    (value, source)
}

fn body(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    match kind {
        0..=2 | 32 => workload(kind, choices),
        3..=10 | 34 => around(kind, choices),
        11..=14 => rights(kind, choices),
        15..=23 | 35 => mesh(kind, choices),
        24..=31 => routes(kind, choices),
        33 | 40.. => super::policies::body(kind, choices),
        _ => others(kind, choices),
    }
}

fn workload(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    match kind {
        0 | 1 => {
            let replicas = choices.of(&[1, 2, 3]);
            let (labels, pod) = (labels(choices), pod(choices));
            let spec = json!({
                "replicas": replicas, "selector": { "matchLabels": labels }, "template": pod,
            });
            ("apps/v1", ["Deployment", "StatefulSet"][usize::from(kind)], json!({ "spec": spec }))
        }
        2 => ("v1", "Pod", pod(choices)),
        _ => ("v1", "Pod", json!({ "metadata": { "labels": labels(choices) } })),
    }
}

fn around(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    match kind {
        3 => {
            let kind = choices.of(&["ClusterIP", "LoadBalancer", "NodePort", "ExternalName"]);
            let port = choices.of(&[json!(80), json!("http"), json!("other")].each_ref()).clone();
            let (own, wanted) = (labels(choices), labels(choices));
            let spec = json!({
                "type": kind, "selector": wanted,
                "ports": [{ "port": 80, "targetPort": port, "name": choices.of(&["http", "x"]) }],
            });
            ("v1", "Service", json!({ "metadata": { "labels": own }, "spec": spec }))
        }
        4 => {
            let types = choices.of(&["Ingress", "Egress"]);
            let peer = match choices.number() % 3 {
                0 => json!({ "podSelector": selector(choices) }),
                1 => json!({ "podSelector": selector(choices), "namespaceSelector": {} }),
                _ => json!({ "namespaceSelector": {} }),
            };
            let spec = json!({
                "podSelector": selector(choices), "policyTypes": [types],
                "ingress": [{ "from": [peer] }],
            });
            ("networking.k8s.io/v1", "NetworkPolicy", json!({ "spec": spec }))
        }
        5 => {
            let (minimum, selector) = (choices.of(&[1, 2, 3]), selector(choices));
            let spec = json!({ "minAvailable": minimum, "selector": selector });
            ("policy/v1", "PodDisruptionBudget", json!({ "spec": spec }))
        }
        6 => {
            let (kind, name) = (choices.of(&["Deployment", "StatefulSet"]), choices.of(&NAMES));
            let spec = json!({
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": kind, "name": name },
                "minReplicas": choices.of(&[1, 2, 3]), "maxReplicas": 3,
            });
            ("autoscaling/v2", "HorizontalPodAutoscaler", json!({ "spec": spec }))
        }
        7 => {
            let mut account = json!({ "metadata": { "labels": labels(choices) } });
            let role = choices.of(&["", "", "one", "two"]);
            account["metadata"]["annotations"] = json!({ "eks.amazonaws.com/role-arn": role });
            account["automountServiceAccountToken"] = json!(choices.number() % 3 < 2);
            ("v1", "ServiceAccount", account)
        }
        8 => {
            let kind = choices.of(&["Opaque", "kubernetes.io/service-account-token"]);
            let note = json!({ "kubernetes.io/service-account.name": choices.of(&ACCOUNTS) });
            let data = json!({ choices.of(&["a", "b"]): "d2Vi" });
            let metadata = json!({ "annotations": note });
            ("v1", "Secret", json!({ "type": kind, "data": data, "metadata": metadata }))
        }
        9 => {
            const MESHES: [&str; 3] = [
                "rootNamespace: bank\nextensionProviders: []\n",
                "rootNamespace: shop\naccessLogFile: /dev/stdout\n",
                "defaultConfig: {proxyMetadata: {ISTIO_META_DNS_AUTO_ALLOCATE: 'true'}}\n",
            ];
            let injector = "sidecarInjectorWebhook: {enableNamespacesByDefault: true}\n";
            let (mesh, name) = (choices.of(&MESHES), json!({ "name": "istio" }));
            match choices.number() % 6 {
                0 => return ("v1", "ConfigMap", json!({ "data": { "mesh": mesh } })),
                1 => {
                    let named = json!({ "metadata": name, "data": { "mesh": mesh } });
                    return ("v1", "ConfigMap", named);
                }
                2 => {
                    let name = json!({ "name": "istio-sidecar-injector" });
                    let named = json!({ "metadata": name, "data": { "values": injector } });
                    return ("v1", "ConfigMap", named);
                }
                _ => {}
            }
            let data = match choices.number() % 3 {
                0 => json!({ "a": "web and db" }),
                1 => json!({ "allow-snippet-annotations": "false" }),
                _ => json!({ "a": "nothing" }),
            };
            ("v1", "ConfigMap", json!({ "data": data }))
        }
        10 => {
            let labels = match choices.number() % 4 {
                0 => json!({ "istio-injection": "enabled" }),
                1 => json!({ "istio.io/dataplane-mode": "ambient" }),
                2 => json!({ "pod-security.kubernetes.io/enforce": "restricted", "team": "a" }),
                _ => json!({}),
            };
            ("v1", "Namespace", json!({ "metadata": { "labels": labels } }))
        }
        _ => ("scheduling.k8s.io/v1", "PriorityClass", json!({ "value": 1 })),
    }
}

fn rights(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    const VERSION: &str = "rbac.authorization.k8s.io/v1";
    match kind {
        11 => (VERSION, "Role", json!({ "rules": rules(choices) })),
        12 => {
            let (rules, mut labels) = (rules(choices), labels(choices));
            if choices.chance() {
                let label = choices.of(&[
                    "rbac.authorization.k8s.io/aggregate-to-edit",
                    "rbac.authorization.k8s.io/aggregate-to-view",
                ]);
                labels[label] = json!("true");
            }
            let mut role = json!({ "metadata": { "labels": labels }, "rules": rules });
            if choices.number() % 4 == 3 {
                role["metadata"]["name"] = json!(choices.of(&["view", "edit"]));
            }
            if choices.number() % 3 == 2 {
                role["aggregationRule"] = json!({ "clusterRoleSelectors": [selector(choices)] });
            }
            (VERSION, "ClusterRole", role)
        }
        _ => {
            let kind = ["RoleBinding", "ClusterRoleBinding"][usize::from(kind) - 13];
            let role = json!({
                "kind": choices.of(&["ClusterRole", "ClusterRole", "Role"]),
                "name": choices.of(&["web", "db", "default", "cluster-admin", "edit", "view"]),
            });
            (VERSION, kind, json!({ "roleRef": role, "subjects": subjects(choices) }))
        }
    }
}

/// A whole object, as others carry it.
fn object_of((version, kind, mut fields): (&str, &str, Value)) -> Value {
    fields["apiVersion"] = json!(version);
    fields["kind"] = json!(kind);
    fields
}

fn others(kind: u8, choices: &mut Choices<'_>) -> (&'static str, &'static str, Value) {
    match kind {
        36 => {
            let spec = json!({ "group": "example.com", "scope": "Namespaced", "versions": [] });
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({ "spec": spec }))
        }
        37 => {
            let mut spec = json!({ "selector": selector(choices) });
            match choices.number() % 3 {
                0 => spec["namespaceSelector"] = json!({ "any": true }),
                1 => spec["namespaceSelector"] = json!({ "matchNames": ["shop"] }),
                _ => {}
            }
            ("monitoring.coreos.com/v1", "ServiceMonitor", json!({ "spec": spec }))
        }
        38 => {
            let client = json!({ "service": { "name": "web", "namespace": "shop" } });
            let rule = json!({
                "apiGroups": ["*"], "resources": ["*"], "operations": ["*"], "apiVersions": ["*"],
            });
            let hook = json!({
                "name": "a.b.c", "clientConfig": client, "rules": [rule], "failurePolicy": "Fail",
                "namespaceSelector": { "matchLabels": { "a": "b" } },
            });
            let version = "admissionregistration.k8s.io/v1";
            (version, "ValidatingWebhookConfiguration", json!({ "webhooks": [hook] }))
        }
        _ => match choices.number() % 10 {
            9 => {
                let role = choices.of(&["control-plane", "worker"]);
                let labels = json!({ (format!("node-role.kubernetes.io/{role}")): "" });
                ("v1", "Node", json!({ "metadata": { "labels": labels } }))
            }
            4 => {
                let spec = json!({ "volumeName": choices.of(&NAMES) });
                ("v1", "PersistentVolumeClaim", json!({ "spec": spec }))
            }
            5 => {
                let spec = json!({ "hostPath": { "path": choices.of(&["/", "/data"]) } });
                ("v1", "PersistentVolume", json!({ "spec": spec }))
            }
            6 => {
                let (mut role, mut binding) =
                    (object_of(rights(12, choices)), object_of(rights(14, choices)));
                role["metadata"]["name"] = json!(choices.of(&NAMES));
                binding["metadata"] = json!({ "name": "web" });
                let workload = json!({ "manifests": [role, binding] });
                let version = "work.open-cluster-management.io/v1";
                (version, "ManifestWork", json!({ "spec": { "workload": workload } }))
            }
            7 => {
                let patch = choices.of(&["hostNetwork: true", "{", "containers: [{name: main}]"]);
                let container = json!({ "image": "web:1" });
                let templates = json!([{ "name": "a", "container": container }]);
                let spec = json!({ "podSpecPatch": patch, "templates": templates });
                ("argoproj.io/v1alpha1", "Workflow", json!({ "spec": spec }))
            }
            8 => {
                let spec = json!({
                    "namespace": choices.of(&["shop", "bank"]), "serviceAccount": choices.of(&ACCOUNTS),
                    "roleARN": "arn:aws:iam::111122223333:role/web",
                });
                ("eks.services.k8s.aws/v1alpha1", "PodIdentityAssociation", json!({ "spec": spec }))
            }
            0 => {
                let spec = json!({ "serviceAccountName": choices.of(&ACCOUNTS), "note": "web db" });
                ("example.com/v1", "Widget", json!({ "spec": spec }))
            }
            1 => {
                let made = json!([{ "name": choices.of(&NAMES) }]);
                let version = "kustomize.config.k8s.io/v1beta1";
                (version, "Kustomization", json!({ "configMapGenerator": made }))
            }
            2 => ("cert-manager.io/v1", "Issuer", json!({ "spec": {} })),
            _ => ("traefik.io/v1alpha1", "Middleware", json!({ "spec": { "basicAuth": {} } })),
        },
    }
}
