//! Ways to stay: scheduled jobs, agents on every node, foreign nodes, hijacked APIs, host volumes.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::pod_spec::is_sensitive_path;
use super::super::request::Request;
use super::{CREATE, Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, WEAK};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R51",
            version: 1,
            title: "CronJob created or changed",
            why: "A CronJob comes back by itself, whatever is cleaned up in between.",
            next: "",
            severity: Severity::Info,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1053.007")],
            equivalents: &[
                "panther:Kubernetes.CronJob.CreatedOrModified",
                "panther:GCP.GKE.Kubernetes.Cron.Job.Created.Or.Modified",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"cronjobs","namespace":"shop","name":"c"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"update","user":{"username":"system:serviceaccount:kube-system:cronjob-controller"},"objectRef":{"resource":"cronjobs","namespace":"shop","name":"c"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, &["cronjobs.batch"]),
        ended: Ended::Done,
        when: |request| {
            let severity = match (request.actor().is_workload(), request.client().is_by_hand()) {
                (true, true) => Severity::High,
                (true, false) => Severity::Low,
                (false, _) => Severity::Info,
            };
            (!request.is_by_trusted_system()).then(|| {
                let schedule = text(at(request.body(), &["spec"]), "schedule");
                wrote(request).at(severity).with("requestObject.spec.schedule", schedule)
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R52",
            version: 1,
            title: "DaemonSet created",
            why: "It runs on every node, and on every node that will ever join.",
            next: "",
            severity: Severity::Info,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1543.005"), technique("T1610")],
            equivalents: &["panther:GCP.K8s.New.Daemonset.Deployed"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","namespace":"shop","name":"agent"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["daemonsets.apps"]),
        ended: Ended::Done,
        when: |request| {
            let severity =
                if request.is_workload_by_hand() { Severity::High } else { Severity::Info };
            (!request.is_by_trusted_system()).then(|| wrote(request).at(severity))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R42-volume",
            version: 1,
            title: "Volume of a sensitive path of the host created",
            why: "A claim on this volume brings the host's path into a pod that shows no hostPath.",
            next: "",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"persistentvolumes","name":"v"},"requestObject":{"spec":{"hostPath":{"path":"/"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"persistentvolumes","name":"v"},"requestObject":{"spec":{"local":{"path":"/mnt/disks/1"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["persistentvolumes"]),
        ended: Ended::Done,
        when: |request| {
            let spec = at(request.body(), &["spec"]);
            let kind = ["hostPath", "local"]
                .into_iter()
                .find(|kind| is_sensitive_path_of(text(at(spec, &[kind]), "path")))?;
            let path = text(at(spec, &[kind]), "path");
            Some(
                Firing::new(format!("created volume {} of the host's {path}", request.name()))
                    .with(&format!("requestObject.spec.{kind}.path"), path),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R79",
            version: 1,
            title: "Node changed by somebody else than its kubelet",
            why: "Labels and taints decide where pods run; a node that joins gets secrets sent.",
            next: "",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1133"), technique("T1036")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"nodes","name":"n9"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:n9"},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"nodes","name":"n9"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["nodes"]),
        ended: Ended::Done,
        when: |request| {
            let severity = match (
                request.verb(),
                request.actor().is_workload(),
                request.client().is_by_hand(),
            ) {
                ("create", _, _) | (_, true, true) => Severity::Low,
                _ => Severity::Info,
            };
            (!request.is_by_trusted_system())
                .then(|| wrote(request).at(severity).with("objectRef.name", request.name()))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R89",
            version: 1,
            title: "API served by another server",
            why: "Whoever serves an API group, or converts its objects, sees and changes every request for it.",
            next: "",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1546")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"apiservices","name":"v1beta1.metrics.k8s.io"},"requestObject":{"spec":{"service":{"namespace":"shop","name":"web"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:apiserver"},"objectRef":{"resource":"apiservices","name":"v1.example.net"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            WRITE,
            &[
                "apiservices.apiregistration.k8s.io",
                "customresourcedefinitions.apiextensions.k8s.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let spec = at(request.body(), &["spec"]);
            let server = match request.resource() {
                "apiservices" => text(at(spec, &["service"]), "name"),
                _ => {
                    let client = at(spec, &["conversion", "webhook", "clientConfig"]);
                    [text(client, "url"), text(at(client, &["service"]), "name")]
                        .into_iter()
                        .find(|server| !server.is_empty())
                        .unwrap_or_default()
                }
            };
            let counts = !server.is_empty() && !request.is_by_trusted_system();
            let by_hand = request.is_workload_by_hand();
            counts.then(|| {
                Firing::new(format!("let {server} serve {}", request.name()))
                    .at(if by_hand { Severity::High } else { Severity::Low })
                    .with("requestObject.spec", server)
            })
        },
    },
];

/// A firing that says which object was written.
fn wrote(request: &Request<'_>) -> Firing {
    let deed = match request.verb() {
        "create" => "created",
        _ => "changed",
    };
    let kind = super::super::kind::of(request.resource());
    let place = match request.namespace() {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    };
    let firing = Firing::new(format!("{deed} {kind} {place}{}", request.name()));
    let containers = at(request.body(), &["spec", "template", "spec"]);
    match items(containers, "containers").first() {
        Some(container) => firing.with("requestObject.image", text(container, "image")),
        None => firing,
    }
}

fn is_sensitive_path_of(path: &str) -> bool {
    !path.is_empty() && is_sensitive_path(path)
}
