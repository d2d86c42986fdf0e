//! Ways to stay: scheduled jobs, agents on every node, foreign nodes, hijacked APIs.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, text};
use super::super::pod_spec;
use super::super::request::Request;
use super::judged::wrote;
use super::{CREATE, Definition, Ended, Firing, MODIFY, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule, WEAK};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R51",
            version: 1,
            title: "CronJob created or changed",
            why: "A CronJob comes back by itself, whatever is cleaned up in between.",
            next: "What it runs and how often, under which service account; which pods it started so far.",
            severity: Severity::Info,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1053.007")],
            equivalents: &[
                "panther:Kubernetes.CronJob.CreatedOrModified",
                "panther:GCP.GKE.Kubernetes.Cron.Job.Created.Or.Modified",
                "sigma:Kubernetes CronJob/Job Modification",
                "splunk:Kubernetes Cron Job Creation",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"cronjobs","apiGroup":"batch","namespace":"shop","name":"c"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"update","user":{"username":"system:serviceaccount:kube-system:cronjob-controller"},"objectRef":{"resource":"cronjobs","apiGroup":"batch","namespace":"shop","name":"c"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, &["cronjobs.batch"]),
        ended: Ended::Done,
        when: scheduled,
    },
    Definition {
        rule: Rule {
            id: "AUD-R51-job",
            version: 1,
            title: "Job created",
            why: "A Job runs a program to its end: a task of somebody's, or a step of an attack.",
            next: "What it ran and under which service account, and what its pods reached.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::Execution,
            techniques: &[technique("T1053.007"), technique("T1610")],
            equivalents: &["sigma:Kubernetes CronJob/Job Modification"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"jobs","apiGroup":"batch","namespace":"shop","name":"j"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:cronjob-controller"},"objectRef":{"resource":"jobs","apiGroup":"batch","namespace":"shop","name":"j"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["jobs.batch"]),
        ended: Ended::Done,
        when: job,
    },
    Definition {
        rule: Rule {
            id: "AUD-R52",
            version: 1,
            title: "DaemonSet created",
            why: "It runs on every node, and on every node that will ever join.",
            next: "Which image it runs and what of the nodes it sees; whether the identity deploys agents at all.",
            severity: Severity::Info,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1543.005"), technique("T1610")],
            equivalents: &[
                "panther:GCP.K8s.New.Daemonset.Deployed",
                "splunk:Kubernetes DaemonSet Deployed",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"shop","name":"agent"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["daemonsets.apps"]),
        ended: Ended::Done,
        when: daemon_set,
    },
    Definition {
        rule: Rule {
            id: "AUD-R52-change",
            version: 1,
            title: "Pods of a DaemonSet changed",
            why: "What an agent runs is changed on every node at once, with the rights that it has.",
            next: "What was changed: image, command, volumes; whether the pipeline that owns the agent knows of it.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1543.005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"shop","name":"agent"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"example.net/agent:2"}]}}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"shop","name":"agent"},"requestObject":{"metadata":{"labels":{"a":"b"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(MODIFY, &["daemonsets.apps"]),
        ended: Ended::Done,
        when: changed_daemon_set,
    },
    Definition {
        rule: Rule {
            id: "AUD-R89",
            version: 1,
            title: "API served by another server",
            why: "Whoever serves an API group, or converts its objects, sees and changes every request for it.",
            next: "Who runs the server behind the group, and which requests for it were answered since; what the group's objects are used for.",
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
            let is_outside = server.contains("://") && !super::policy::is_loopback(server);
            // An API that others use already, led to a server that need not prove who it is.
            let is_turned = request.verb() == "patch"
                && request.client().is_by_hand()
                && spec.get("insecureSkipTLSVerify") == Some(&Value::Bool(true));
            let severity = match () {
                () if is_outside || request.is_workload_by_hand() => Severity::High,
                () if is_turned => Severity::Medium,
                () => Severity::Low,
            };
            counts.then(|| {
                Firing::new(format!("let {server} serve {}", request.name()))
                    .at(severity)
                    .with("requestObject.spec", server)
            })
        },
    },
];

fn scheduled(request: &Request<'_>) -> Option<Firing> {
    let severity = match (request.actor().is_workload(), request.client().is_by_hand()) {
        (true, true) => Severity::High,
        (true, false) => Severity::Low,
        (false, _) => Severity::Info,
    };
    let schedule = text(at(request.body(), &["spec"]), "schedule");
    let written = written(request)?.at(severity);
    Some(if schedule.is_empty() {
        written
    } else {
        written.with("requestObject.spec.schedule", schedule)
    })
}

fn job(request: &Request<'_>) -> Option<Firing> {
    Some(written(request)?.at(by_hand(request)))
}

fn daemon_set(request: &Request<'_>) -> Option<Firing> {
    Some(written(request)?.at(by_hand(request)))
}

fn changed_daemon_set(request: &Request<'_>) -> Option<Firing> {
    let change = request.change();
    let template = at(change.set(), &["spec", "template", "spec"]);
    let removes =
        change.removed().iter().any(|path| path.as_str().starts_with("spec.template.spec"));
    let counts = template.is_object() || removes;
    written(request).filter(|_| counts).map(|firing| firing.at(by_hand(request)))
}

/// What a workload's own token does through a person's tool.
fn by_hand(request: &Request<'_>) -> Severity {
    if request.is_workload_by_hand() { Severity::High } else { Severity::Info }
}

/// A firing that says which object was written, with its first image.
fn written(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let firing = Firing::new(wrote(request));
    let pods = pod_spec::pods(request);
    let mut containers = pods.iter().flat_map(|pod| &pod.containers);
    Some(match containers.find_map(|container| container.image()) {
        Some(image) => firing.with("requestObject.image", image),
        None => firing,
    })
}
