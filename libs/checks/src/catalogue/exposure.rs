//! Checks on workloads that are reached from outside the cluster, and on what an intruder would get there.

use airside_k8s::Value;
use airside_k8s::graph::{Clients, Entry, Grant, Way};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "exposed-workload",
        title: "Workload is reached from outside the cluster",
        why: "Its holes are open to whoever reaches the address. That is the purpose of a front end; of a database or an internal tool it is a mistake.",
        fix: "If outsiders have no business with it, make its Service ClusterIP and delete the route to it.",
        severity: Severity::Info,
        category: Category::Network,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &["kubescape:C-0256"],
        judge: Judge::Pod(|pod, report| exposed(pod, false, report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  rules: [{host: a.example.com, http: {paths: [{path: /, backend: {service: {name: web}}}]}}]
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: bank}
spec:
  rules: [{host: a.example.com, http: {paths: [{path: /, backend: {service: {name: web}}}]}}]
",
    },
    Check {
        id: "exposed-workload-by-gateway",
        title: "Workload is reached from outside the cluster through a gateway",
        why: "Its holes are open to whoever reaches the gateway. That is the purpose of a front end; of a database or an internal tool it is a mistake.",
        fix: "If outsiders have no business with it, delete the route to it.",
        severity: Severity::Info,
        category: Category::Network,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &["kubescape:C-0266"],
        judge: Judge::Pod(|pod, report| exposed(pod, true, report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: '', name: web}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
",
    },
    Check {
        id: "exposed-privileged-workload",
        title: "Workload that outsiders reach is as good as root on its node",
        why: "One hole in what is open to the outside gives the node, its other pods and their secrets at once.",
        fix: "Take the node's rights from the workload, or put a front end without them before it.",
        severity: Severity::High,
        category: Category::Network,
        techniques: &[technique("T1190"), technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(exposed_privileged),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, securityContext: {privileged: true}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: agents}
spec: {containers: [{name: agent, securityContext: {privileged: true}}]}
",
    },
    Check {
        id: "exposed-workload-with-host-path",
        title: "Workload that outsiders reach has files of its node",
        why: "One hole in what is open to the outside gives files of the node, and by them often the node.",
        fix: "Replace the hostPath volume, or put a front end without it before the workload.",
        severity: Severity::High,
        category: Category::Network,
        techniques: &[technique("T1190"), technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(exposed_host_path),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web}]
      volumes: [{name: data, hostPath: {path: /data}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: agents}
spec:
  containers: [{name: agent}]
  volumes: [{name: data, hostPath: {path: /data}}]
",
    },
    Check {
        id: "exposed-workload-with-api-rights",
        title: "Workload that outsiders reach can read secrets or start pods",
        why: "One hole in what is open to the outside gives a token that reads credentials of others or starts pods of its own.",
        fix: "Give the workload a service account without these rights, or none with automountServiceAccountToken: false; move what needs them behind it.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1190"), technique("T1552.007"), technique("T1610")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(exposed_rights),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {serviceAccountName: web, containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  selector: {app: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: shop}
rules: [{apiGroups: [''], resources: [secrets], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  selector: {app: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: shop}
rules: [{apiGroups: [''], resources: [secrets], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop}
spec: {serviceAccountName: web, containers: [{name: agent}]}
",
    },
];

/// The ways to a pod from outside; none where only one object is known. Ports of its node are told by the check
/// on these.
pub(super) fn ways<'a>(pod: &Pod<'a>, report: &mut Report<'_>) -> Vec<Way<'a>> {
    if pod.graph.is_single_object() {
        report.undecided("Services and routes are other objects");
        return Vec::new();
    }
    pod.graph.ways_to_pod_of(pod.object, pod.spec)
}

/// The way that is the easiest for outsiders.
pub(super) fn easiest<'w, 'a>(ways: &'w [Way<'a>]) -> Option<&'w Way<'a>> {
    ways.iter().min_by_key(|way| way.clients == Clients::Private)
}

/// A way, as messages show it: with whom it is open to, where that is not the internet.
pub(super) fn shown(way: &Way<'_>) -> String {
    let only = match way.clients {
        Clients::Private => " (from private networks only)",
        Clients::Anyone | Clients::Listed(_) => "",
    };
    format!("{}{only}", way.shown())
}

/// The path to the labels of a pod.
pub(super) fn labels_path(pod: &Pod<'_>) -> FieldPath {
    pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "labels"])
}

fn exposed(pod: &Pod<'_>, by_gateway: bool, report: &mut Report<'_>) {
    let ways = ways(pod, report);
    let service =
        |way: &Way<'_>| way.chain.last().map(|service| std::ptr::from_ref(service.fields()));
    let opens_itself = |way: &Way<'_>| !matches!(way.entry, Entry::Ingress | Entry::Gateway);
    let open: Vec<_> = ways.iter().filter(|way| opens_itself(way)).map(service).collect();
    // A Service that opens itself is told once, and not for each route to it.
    let is_told = |way: &Way<'_>| way.entry == Entry::Gateway && open.contains(&service(way));
    let wanted: Vec<_> = ways
        .iter()
        .filter(|way| (way.entry == Entry::Gateway) == by_gateway && !is_told(way))
        .cloned()
        .collect();
    if let Some(way) = easiest(&wanted) {
        let others = match wanted.len() {
            1 => String::new(),
            2 => " and one other way".to_owned(),
            count => format!(" and {} other ways", count - 1),
        };
        report.fail(labels_path(pod), format!("reached by {}{others}", shown(way)));
    }
}

fn exposed_privileged(pod: &Pod<'_>, report: &mut Report<'_>) {
    let is_privileged =
        |one: &ContainerOf<'_>| one.security("privileged") == Some(&Value::Bool(true));
    let found = pod
        .containers()
        .find(is_privileged)
        .map(|one| (one.security_path("privileged"), format!("{} is privileged", one.label())));
    let shares = || {
        (pod.field("hostPID") == Some(&Value::Bool(true)))
            .then(|| (pod.path("hostPID"), "the pod shares the node's processes".to_owned()))
    };
    let Some((path, what)) = found.or_else(shares) else { return };
    if let Some(way) = easiest(&ways(pod, report)) {
        report.fail(path, format!("{what}, and reached by {}", shown(way)));
    }
}

fn exposed_host_path(pod: &Pod<'_>, report: &mut Report<'_>) {
    /// Files that give nothing away.
    const HARMLESS: [&str; 4] =
        ["/etc/localtime", "/usr/share/zoneinfo", "/etc/ssl/certs", "/lib/modules"];
    let volumes = pod.field("volumes").and_then(Value::as_array);
    let found = volumes.unwrap_or_default().iter().enumerate().find_map(|(index, volume)| {
        let host_path = volume.get("hostPath")?.get("path")?.as_str()?;
        (!HARMLESS.contains(&host_path)).then_some((index, host_path))
    });
    let Some((index, host_path)) = found else { return };
    if let Some(way) = easiest(&ways(pod, report)) {
        report.fail(
            pod.path("volumes").index(index).key("hostPath"),
            format!("the pod has {host_path} of its node, and is reached by {}", shown(way)),
        );
    }
}

/// What a rule lets its bearer do that outsiders must not.
fn dangerous(grant: &Grant<'_>) -> Option<&'static str> {
    let rule = &grant.rule;
    if rule.names_its_objects() {
        return None;
    }
    let reads = rule.allows_verb(&["get", "list", "watch"]) && rule.reaches("", "secrets");
    let starts = rule.allows_verb(&["create"])
        && [("", "pods"), ("apps", "deployments"), ("apps", "daemonsets"), ("batch", "jobs")]
            .iter()
            .any(|(group, resource)| rule.reaches(group, resource));
    match (reads, starts) {
        (true, true) => Some("read secrets and start pods"),
        (true, false) => Some("read secrets"),
        (false, true) => Some("start pods"),
        (false, false) => None,
    }
}

fn exposed_rights(pod: &Pod<'_>, report: &mut Report<'_>) {
    let has_token = pod.field("automountServiceAccountToken") != Some(&Value::Bool(false));
    // A Job's pod ends, and is selected by a Service rather by accident.
    let is_job = pod.object.group() == "batch";
    if !has_token || is_job || pod.spec.containers.is_empty() {
        return;
    }
    let ways = ways(pod, report);
    let Some(way) = easiest(&ways) else { return };
    let account = pod.spec.service_account();
    let grants = pod.graph.grants_of_account(pod.object.namespace(), account);
    let found = grants.iter().find_map(|grant| Some((dangerous(grant)?, grant)));
    if let Some((what, grant)) = found {
        let place = match grant.namespace() {
            Some(namespace) => format!("namespace {namespace}"),
            None if grant.is_cluster_wide() => "all namespaces".to_owned(),
            None => "its namespace".to_owned(),
        };
        report.fail(
            pod.path("serviceAccountName"),
            format!(
                "service account `{account}` can {what} in {place} ({}), and the pod is reached by {}",
                grant.binding,
                shown(way)
            ),
        );
    }
}
