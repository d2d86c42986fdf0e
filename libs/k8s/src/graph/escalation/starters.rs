//! What starts pods from a template that its writer chooses, the service account included: whoever may
//! write it takes the place of any service account of the namespace.

use crate::rbac::Rule;

pub(super) const WRITE: [&str; 3] = ["create", "update", "patch"];

/// The API groups and resources, built in and of controllers that are widely used.
const STARTERS: [(&str, &[&str]); 18] = [
    ("", &["replicationcontrollers"]),
    ("apps", &["deployments", "daemonsets", "statefulsets", "replicasets"]),
    ("batch", &["cronjobs"]),
    ("apps.kruise.io", &["clonesets", "statefulsets", "daemonsets", "broadcastjobs"]),
    ("apps.openshift.io", &["deploymentconfigs"]),
    ("argoproj.io", &["workflows", "cronworkflows", "rollouts", "sensors"]),
    ("batch.volcano.sh", &["jobs"]),
    ("flink.apache.org", &["flinkdeployments"]),
    ("jobset.x-k8s.io", &["jobsets"]),
    ("keda.sh", &["scaledjobs"]),
    ("kubeflow.org", &["notebooks", "pytorchjobs", "tfjobs", "mpijobs", "xgboostjobs"]),
    ("leaderworkerset.x-k8s.io", &["leaderworkersets"]),
    ("monitoring.coreos.com", &["prometheuses", "prometheusagents", "alertmanagers"]),
    ("opentelemetry.io", &["opentelemetrycollectors"]),
    ("ray.io", &["rayclusters", "rayjobs", "rayservices"]),
    ("serving.knative.dev", &["services", "configurations"]),
    ("sparkoperator.k8s.io", &["sparkapplications", "scheduledsparkapplications"]),
    ("tekton.dev", &["taskruns", "pipelineruns"]),
];

/// Whether a resource, of whatever API group, starts pods.
pub(super) fn are_started_by(resource: &str) -> bool {
    matches!(resource, "pods" | "jobs") || STARTERS.iter().any(|(_, all)| all.contains(&resource))
}

/// Whether a rule lets its holder start pods. Who may create does it by any name; to change a single one is
/// enough as well. Of pods themselves neither the program's account nor its command can be changed, and of Jobs
/// not the template.
pub(super) fn starts_pods(rule: &Rule<'_>) -> bool {
    let creates = rule.allows_verb(&["create"]);
    if creates && (rule.reaches("", "pods") || rule.reaches("batch", "jobs")) {
        return true;
    }
    // From the few groups that the rule names: the table has many.
    let starts_of = |given: &str| {
        let mut rows = STARTERS.iter().filter(|(group, _)| given == "*" || given == *group);
        rows.any(|(_, all)| {
            rule.list("resources").any(|(_, given)| given == "*" || all.contains(&given))
        })
    };
    rule.allows_verb(&WRITE) && rule.list("apiGroups").any(|(_, group)| starts_of(group))
}
