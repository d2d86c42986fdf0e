//! Checks on how pods start, end and are replaced: updates, jobs, restarts.

use airside_k8s::fields::{down, elements};
use airside_k8s::{Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

const CRON_JOBS: &[(&str, &str)] = &[("batch", "CronJob")];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "update-stops-all-pods",
        title: "An update stops all pods before it starts new ones",
        why: "The service is away during each update, and a version that does not start is an outage.",
        fix: "Set the strategy's type to RollingUpdate, unless two versions cannot run beside each other.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:no-rolling-update-strategy",
            "kube-score:deployment-strategy",
            "kubescape:C-0305",
        ],
        judge: Judge::Object(
            &[
                ("apps", "Deployment"),
                ("extensions", "Deployment"),
                ("", "Deployment"),
                ("apps.openshift.io", "DeploymentConfig"),
            ],
            strategy,
        ),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {strategy: {type: Recreate}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {strategy: {type: RollingUpdate}}
",
    },
    Check {
        id: "cron-job-deadline-missing",
        title: "CronJob has no deadline for a late start",
        why: "Kubernetes makes up for a missed start whenever it can, be it hours later, and after a hundred missed ones it may stop to try.",
        fix: "Set startingDeadlineSeconds to how late a start still makes sense.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:cronjob-has-deadline"],
        judge: Judge::Object(CRON_JOBS, |job, report| {
            if job.spec("startingDeadlineSeconds").is_none() {
                report.fail(
                    FieldPath::of(&["spec", "startingDeadlineSeconds"]),
                    "startingDeadlineSeconds is not set".to_owned(),
                );
            }
        }),
        fails: r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec: {schedule: "0 4 * * *"}
"#,
        passes: r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec: {schedule: "0 4 * * *", startingDeadlineSeconds: 600}
"#,
    },
    Check {
        id: "cron-job-present",
        title: "Cluster starts pods by the clock",
        why: "A CronJob comes back however often its pods are deleted, which is how intruders stay: know each of them and who put it there.",
        fix: "Delete the CronJob, or accept this finding where it is known.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1053.007")],
        controls: &[],
        equivalents: &["kubescape:C-0026", "kubescape:rule-deny-cronjobs"],
        judge: Judge::Object(CRON_JOBS, |job, report| {
            let schedule = job.spec("schedule").and_then(Value::as_str).unwrap_or("no schedule");
            report.fail(FieldPath::of(&["spec", "schedule"]), format!("it runs by {schedule}"));
        }),
        fails: r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec: {schedule: "0 4 * * *", startingDeadlineSeconds: 600}
"#,
        passes: r"apiVersion: batch/v1
kind: Job
metadata: {name: report}
spec: {ttlSecondsAfterFinished: 600}
",
    },
    Check {
        id: "finished-job-stays",
        title: "Job stays for ever when it is done",
        why: "Finished Jobs and their pods pile up in the API server until somebody deletes them.",
        fix: "Set ttlSecondsAfterFinished.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:job-ttl-seconds-after-finished"],
        judge: Judge::Object(&[("batch", "Job")], job_stays),
        fails: r"apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {backoffLimit: 1}
",
        passes: r"apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {backoffLimit: 1, ttlSecondsAfterFinished: 3600}
",
    },
    Check {
        id: "cron-job-history-competes",
        title: "CronJob has two rules for deleting finished Jobs",
        why: "ttlSecondsAfterFinished and the limits of the history both delete, and the stricter one wins: Jobs are gone earlier than the other one says.",
        fix: "Remove ttlSecondsAfterFinished from the CronJob's template and set successfulJobsHistoryLimit and failedJobsHistoryLimit.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:job-ttl-seconds-after-finished"],
        judge: Judge::Object(CRON_JOBS, |job, report| {
            let path = FieldPath::of(&["spec", "jobTemplate", "spec", "ttlSecondsAfterFinished"]);
            if job.object.at(&path).is_some_and(|seconds| !seconds.is_null()) {
                report.fail(path, "the template sets ttlSecondsAfterFinished".to_owned());
            }
        }),
        fails: r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "0 4 * * *"
  jobTemplate: {spec: {ttlSecondsAfterFinished: 60}}
"#,
        passes: r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "0 4 * * *"
  failedJobsHistoryLimit: 3
"#,
    },
    Check {
        id: "restart-policy-refused",
        title: "Restart policy does not go with the kind",
        why: "The API server refuses the object: pods of a Job must end (OnFailure or Never), those of a Deployment and its like must not (Always).",
        fix: "Set restartPolicy to OnFailure or Never in Jobs and CronJobs, and leave it out elsewhere.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:cronjob-restartpolicy"],
        judge: Judge::Pod(restart_policy_refused),
        fails: r"apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec: {restartPolicy: Always, containers: [{name: migrate}]}
",
        passes: r"apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec: {restartPolicy: OnFailure, containers: [{name: migrate}]}
",
    },
    Check {
        id: "pod-never-restarted",
        title: "Pod is not restarted when it fails",
        why: "With the restart policy Never, the first crash is the end of the pod.",
        fix: "Leave restartPolicy out, or use a Job for what has to run once.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:restart-policy"],
        judge: Judge::Pod(never_restarted),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {restartPolicy: Never}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {restartPolicy: OnFailure}
",
    },
    Check {
        id: "naked-pod",
        title: "Pod has nobody who would replace it",
        why: "When its node fails or is drained, the pod is gone: nothing starts it again elsewhere.",
        fix: "Use a Deployment, a StatefulSet, a DaemonSet or a Job.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kubescape:C-0073",
            "kyverno:other/prevent-bare-pods",
            "popeye:208",
            "kyverno:other/prevent-naked-pods",
        ],
        judge: Judge::Object(&[("", "Pod")], naked_pod),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
",
        passes: r"apiVersion: v1
kind: Pod
metadata:
  name: web
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: a}]
",
    },
];

/// Recreate is right where the pods hold a volume that one node only can use.
fn strategy(workload: &Whole<'_>, report: &mut Report<'_>) {
    let given = workload.spec("strategy").and_then(|strategy| strategy.get("type"));
    let Some(given) = given.and_then(Value::as_str) else { return };
    if matches!(given, "RollingUpdate" | "Rolling") || holds_claim(workload.object) {
        return;
    }
    report.fail(FieldPath::of(&["spec", "strategy", "type"]), format!("the strategy is {given}"));
}

fn holds_claim(workload: &Object<'_>) -> bool {
    let volumes = down(workload.value(), &["spec", "template", "spec", "volumes"]);
    elements(volumes).iter().any(|volume| down(volume, &["persistentVolumeClaim"]).is_some())
}

/// Those of a CronJob, of a Helm hook or of Argo CD's are deleted by what made them.
fn job_stays(job: &Whole<'_>, report: &mut Report<'_>) {
    const DELETED_BY: [&str; 2] =
        ["helm.sh/hook-delete-policy", "argocd.argoproj.io/hook-delete-policy"];
    let annotations = job.object.annotations();
    let is_deleted = annotations
        .is_some_and(|annotations| DELETED_BY.iter().any(|name| annotations.contains_key(name)));
    if !is_owned(job.object) && !is_deleted && job.spec("ttlSecondsAfterFinished").is_none() {
        report.fail(
            FieldPath::of(&["spec", "ttlSecondsAfterFinished"]),
            "ttlSecondsAfterFinished is not set".to_owned(),
        );
    }
}

fn is_owned(object: &Object<'_>) -> bool {
    let owners = object.metadata().and_then(|metadata| metadata.get("ownerReferences"));
    !elements(owners).is_empty()
}

fn restart_policy_refused(pod: &Pod<'_>, report: &mut Report<'_>) {
    let given = pod.field("restartPolicy").and_then(Value::as_str);
    let problem = match (pod.object.group(), pod.object.kind(), given) {
        ("batch", "Job" | "CronJob", None | Some("Always")) => "OnFailure or Never",
        (
            "apps" | "extensions",
            "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet",
            Some("OnFailure" | "Never"),
        ) => "Always",
        _ => return,
    };
    let given = given.unwrap_or("not set, which means Always");
    report.fail(
        pod.path("restartPolicy"),
        format!("restartPolicy is {given}; a {} takes {problem}", pod.object.kind()),
    );
}

/// Jobs start new pods for those that failed.
fn never_restarted(pod: &Pod<'_>, report: &mut Report<'_>) {
    let is_never = pod.field("restartPolicy").and_then(Value::as_str) == Some("Never");
    let is_meant = matches!(pod.object.kind(), "Pod" | "ReplicationController")
        || pod.object.group() == "apps";
    if is_never && is_meant && !is_test(pod.object) {
        report.fail(pod.path("restartPolicy"), "restartPolicy is Never".to_owned());
    }
}

/// Helm runs such pods once and asks for their exit status.
fn is_test(object: &Object<'_>) -> bool {
    object.annotations().is_some_and(|annotations| annotations.contains_key("helm.sh/hook"))
}

/// The kubelet itself keeps the control plane's static pods running.
fn naked_pod(pod: &Whole<'_>, report: &mut Report<'_>) {
    let is_static = pod.object.labels().and_then(|labels| labels.get("tier"))
        == Some(&Value::from("control-plane"));
    if !is_owned(pod.object) && !is_static && !is_test(pod.object) {
        report.fail(
            FieldPath::of(&["kind"]),
            "the pod has no owner that would replace it".to_owned(),
        );
    }
}
